"""What the events of a trace are about: code, threads and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer_bindings.trace_format import (
    KIND_FUNCTION,
    KIND_NAMES,
    KINDS_IN_TASKS,
    KINDS_THAT_SUSPEND,
)

if TYPE_CHECKING:
    from codetracer_bindings import trace_decoder as raw

__all__ = ["NO_THREAD", "Code", "Frame", "Thread", "shortened"]

LONGEST_NAME: Final = 10_000
"""Characters; names are told wherever they come up, and no path is longer."""


def shortened(name: str) -> str:
    """Return a name, or its beginning when it is longer than any that a person gives."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


class Code:
    """A code object.

    Attributes:
        number: how many code objects were seen before it.
        path: its source file, as ``co_filename`` named it.
        line: its first line (1-based).
        kind: a name of `codetracer_bindings.trace_format.KIND_NAMES`.
        name: its qualified name.
        module: ``__name__`` of its module.
        arguments: the names of its parameters, in order.
        variables: the names of its local variables, parameters first.
        global_names: the global variables that it names.
        namespace: the number of the global variables that its frames have now.
        suspends: whether its frames can yield and go on later.
        runs_in_task: whether asyncio's tasks run it.
    """

    __slots__ = (
        "arguments",
        "global_names",
        "kind",
        "line",
        "module",
        "name",
        "namespace",
        "number",
        "path",
        "runs_in_task",
        "suspends",
        "variables",
    )

    def __init__(self, number: int, path: str, record: raw.CodeRecord) -> None:
        self.number = number
        self.path = path
        self.line = record.line
        self.kind = KIND_NAMES.get(record.kind, KIND_NAMES[KIND_FUNCTION])
        self.name = shortened(record.name)
        self.module = shortened(record.module)
        self.variables = tuple(map(shortened, record.variables))
        self.arguments = self.variables[: record.arguments]
        self.global_names = tuple(map(shortened, record.global_names))
        self.namespace = 0
        self.suspends = record.kind in KINDS_THAT_SUSPEND
        self.runs_in_task = record.kind in KINDS_IN_TASKS

    def __repr__(self) -> str:
        return f"<Code {self.name} {self.path}:{self.line}>"

    @property
    def short_name(self) -> str:
        """The last part of its qualified name."""
        return self.name.rpartition(".")[2]


class Thread:
    """A thread of the program.

    Attributes:
        number: how many threads were seen before it; -1 stands for none known.
        ident: ``threading.get_ident()`` there.
        name: its name when it was first seen.
        top: its innermost frame now, or None.
        task: the name of the asyncio task that runs, or ran last, in it; empty for none.
    """

    __slots__ = ("ident", "name", "number", "task", "top")

    def __init__(self, number: int, ident: int, name: str) -> None:
        self.number = number
        self.ident = ident
        self.name = name
        self.top: Frame | None = None
        self.task = ""

    def __repr__(self) -> str:
        return f"<Thread {self.number} {self.name}>"


NO_THREAD: Final = Thread(-1, 0, "unknown")
"""Stands where something happened before any thread was seen."""


class Frame:
    """One run of a code object. It changes as the replay goes on.

    Attributes:
        number: how many frames were seen before it.
        code: what it runs.
        depth: how many frames are below it on its thread's stack now.
        caller: the frame below it, or None.
        line: the line that it is at, or was at last (1-based).
        step: the number of its last step, -1 before the first.
        began_ns: when it began (ns since recording began).
        task: the name of the asyncio task that it runs in, or ran in last; empty for none.
        thread: the thread whose stack it is on, or None.
        values: its local variables as the log has them, by number; `Replay.locals` has them by
            name and resolved.
    """

    __slots__ = (
        "began_ns",
        "caller",
        "code",
        "depth",
        "line",
        "number",
        "step",
        "task",
        "thread",
        "values",
    )

    def __init__(self, number: int, code: Code, line: int, began_ns: int) -> None:
        self.number = number
        self.code = code
        self.depth = 0
        self.caller: Frame | None = None
        self.line = line
        self.step = -1
        self.began_ns = began_ns
        self.task = ""
        self.thread: Thread | None = None
        self.values: dict[int, raw.Value] = {}

    def __repr__(self) -> str:
        return f"<Frame {self.number} {self.code.name} {self.code.path}:{self.line}>"
