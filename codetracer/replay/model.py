"""Code, threads and frames, which the events of a recording refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer_bindings.trace_format import (
    DETAIL_LINES,
    DETAIL_NAMES,
    DETAIL_NOTHING,
    DETAIL_VALUES,
    KIND_FUNCTION,
    KIND_NAMES,
    KINDS_IN_TASKS,
    KINDS_THAT_SUSPEND,
)

if TYPE_CHECKING:
    from codetracer_bindings import trace_decoder as raw

__all__ = ["NO_THREAD", "Code", "Frame", "Thread", "shortened"]

_VALUES: Final = DETAIL_NAMES[DETAIL_VALUES]
_WITH_LINES: Final = (_VALUES, DETAIL_NAMES[DETAIL_LINES])

LONGEST_NAME: Final = 10_000
"""The largest number of characters of a name. Names are shown often, and no path is longer."""


def shortened(name: str) -> str:
    """Return a name, or the first `LONGEST_NAME` characters of a longer one and ``…``."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


class Code:
    """A code object.

    Attributes:
        number: the number of code objects seen before it.
        path: its source file: ``co_filename``.
        line: its first line (1-based).
        kind: a name of `codetracer_bindings.trace_format.KIND_NAMES`.
        name: its qualified name.
        module: ``__name__`` of its module.
        arguments: the names of its parameters, in order.
        variables: the names of its local variables, parameters first.
        global_names: the names of the global variables that it uses.
        namespace: the number of the set of global variables that its frames have now.
        detail: the detail in which it is recorded now: ``values``, ``lines``, ``calls`` or
            ``nothing``.
        fuller: the detail in which it was recorded at first, if the recording's budget has lowered
            it since then; otherwise empty.
        is_settled: whether its first detail is known, so that another one replaces it.
        suspends: whether its frames can yield and continue later.
        runs_in_task: whether asyncio's tasks run it.
    """

    __slots__ = (
        "arguments",
        "detail",
        "fuller",
        "global_names",
        "is_settled",
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
        self.detail = _VALUES
        self.fuller = ""
        self.is_settled = False
        self.suspends = record.kind in KINDS_THAT_SUSPEND
        self.runs_in_task = record.kind in KINDS_IN_TASKS

    def __repr__(self) -> str:
        return f"<Code {self.name} {self.path}:{self.line}>"

    def set_namespace(self, number: int) -> None:
        """Set the global variables of its frames, by the number in the log."""
        self.namespace = number
        # The log names them before the first frame with values, and a first detail before that.
        self.is_settled = True

    def set_detail(self, number: int) -> bool:
        """Set its detail, by the number in the log; return whether that replaces another one."""
        replaces, self.is_settled = self.is_settled, True
        if replaces:
            self.fuller = self.fuller or self.detail
        self.detail = DETAIL_NAMES.get(number, DETAIL_NAMES[DETAIL_NOTHING])
        return replaces

    @property
    def has_values(self) -> bool:
        """True if the values of its variables are recorded now."""
        return self.detail == _VALUES

    @property
    def has_lines(self) -> bool:
        """True if its lines are recorded now."""
        return self.detail in _WITH_LINES

    @property
    def short_name(self) -> str:
        """The last part of its qualified name."""
        return self.name.rpartition(".")[2]

    @property
    def shown_name(self) -> str:
        """The name that views show: of a module the module's name, others without ``<locals>``."""
        if self.kind == "module":
            return f"<module {self.module}>"
        if self.kind == "class":
            return f"<class {self.name.replace('<locals>.', '')}>"
        return self.name.replace("<locals>.", "")

    def is_named(self, name: str) -> bool:
        """Return whether a name means it.

        Parameters:
            name: a qualified name, its last part, or either with the module in front of it.
        """
        names = (self.name, self.short_name, self.shown_name)
        return name in names or name in (f"{self.module}.{known}" for known in names)


class Thread:
    """A thread of the program.

    Attributes:
        number: the number of threads seen before it; -1 means that it is unknown.
        ident: ``threading.get_ident()`` there.
        name: its name when it was first seen.
        top: its innermost frame now, or None.
        task: the name of the current or last asyncio task in it; empty if there is none.
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
"""The thread of events that came before any thread was seen."""


class Frame:
    """One run of a code object. It changes as the replay goes on.

    Attributes:
        number: the number of frames seen before it.
        code: the code that it runs.
        depth: the number of frames below it on its thread's stack now.
        caller: the frame below it, or None.
        line: its current or last line (1-based).
        step: the number of its last step; -1 before the first.
        began_ns: the time when it began (nanoseconds since recording began).
        task: the name of its current or last asyncio task; empty if there is none.
        thread: the thread whose stack it is on, or None.
        values: its local variables in the form of the log, by number; `Replay.locals` has them
            resolved and by name.
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

    def forget(self) -> None:
        """Forget what the detail of its code has no more, and what would soon be untrue."""
        self.values = {}
        if not self.code.has_lines:
            self.line, self.step = self.code.line, -1

    def __repr__(self) -> str:
        return f"<Frame {self.number} {self.code.name} {self.code.path}:{self.line}>"
