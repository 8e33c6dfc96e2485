"""Prints what the commands found: lines for people or JSON lines, up to a number of them."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Final

from codetracer.replay.model import NO_THREAD
from codetracer.replay.render import render, to_json
from codetracer.terminal import safe

if TYPE_CHECKING:
    from codetracer.replay.events import CallEvent
    from codetracer.replay.model import Code, Frame, Thread
    from codetracer.replay.state import State
    from codetracer.replay.trace import Trace
    from codetracer_bindings import trace_decoder as raw

__all__ = ["FullError", "Printer", "duration", "in_task", "short_name", "thread_name"]

VALUE_LIMIT: Final = 80
"""Characters of one value in a line of text."""

ARGUMENT_LIMIT: Final = 40
"""Characters of one argument in a line of text."""

JSON_ITEMS: Final = 10_000
"""Items and attributes of one value as JSON, for the same object may come up at every call."""

_PROMPT: Final = 50
"""So many lines are flushed at once, for whoever waits for the first ones."""

_UNITS: Final = (("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000))


class FullError(Exception):
    """As many lines were printed as may be."""


class Printer:
    """Where a command prints.

    Parameters:
        trace: what is printed about; paths are shown relative to its working directory.
        as_json: print a JSON object for each row, not its text.
        width: a line of text is cut to so many characters; 0 for no limit.
        limit: after so many lines `FullError` is raised; 0 for no limit.

    Attributes:
        as_json: as given.
        lines: how many lines were printed.
        process: the process that rows are about, when there are several.
    """

    def __init__(
        self, trace: Trace, *, as_json: bool = False, width: int = 0, limit: int = 0
    ) -> None:
        self.as_json = as_json
        self.lines = 0
        self.process: int | None = None
        self._trace = trace
        self._width = width
        self._limit = limit
        workdir = trace.metadata.get("workdir")
        self._workdir = os.path.join(workdir, "") if isinstance(workdir, str) and workdir else ""

    def line(self, text: str, tail: str = "") -> None:
        """Print a line of text; `text` is cut so that the line keeps to the width.

        Raises:
            FullError: there are as many already as there may be; this one was not printed.
        """
        text = safe(text)
        room = max(self._width - len(tail), 20)
        if self._width and len(text) > room:
            text = f"{text[: room - 1]}…"
        self._write(f"{text}{tail}")

    def row(self, row: dict[str, object], text: str) -> None:
        """Print a row as JSON, or its text, whichever is wanted.

        Raises:
            FullError: as for `line`.
        """
        if self.as_json:
            known: dict[str, object] = {} if self.process is None else {"process": self.process}
            self._write(json.dumps(known | row))
        else:
            self.line(text)

    def note(self, text: str) -> None:
        """Print a line that counts for nothing and is not cut; not among JSON."""
        if not self.as_json:
            print(text)

    def _write(self, text: str) -> None:
        if self._limit and self.lines >= self._limit:
            raise FullError
        self.lines += 1
        sys.stdout.write(f"{text}\n")
        if self.lines < _PROMPT:
            sys.stdout.flush()

    # ---------------------------------------------------------------- how things are said

    def value(self, state: State, value: raw.Value, limit: int = VALUE_LIMIT) -> object:
        """Return a value as JSON has it, or as text of about `limit` characters."""
        if self.as_json:
            return to_json(state.resolve(value, objects=limit, values=JSON_ITEMS))
        room = limit // 2
        return render(state.resolve(value, objects=room, items=room, values=room * room), limit)

    def path(self, path: str) -> str:
        """Return a source file as it is shown: relative to where the program ran."""
        return path.removeprefix(self._workdir)

    def place(self, path: str, line: int) -> str:
        """Return ``file:line``."""
        return f"{self.path(path)}:{line}"

    def frame_place(self, frame: Frame) -> str:
        """Return ``file:line`` of the line that a frame is at."""
        return self.place(frame.code.path, frame.line)

    def call(self, event: CallEvent, state: State) -> str:
        """Return ``name(argument=value, ...)``."""
        frame = event.frame
        if frame.code.kind in ("module", "class"):
            return short_name(frame.code)
        if event.entered:
            return f"{short_name(frame.code)}(…)"
        parts = [f"{name}={text}" for name, text in self.arguments(frame, state).items()]
        return f"{short_name(frame.code)}({', '.join(parts)})"

    def arguments(self, frame: Frame, state: State) -> dict[str, object]:
        """Return a frame's arguments by name, each as `value` gives it."""
        limit = VALUE_LIMIT if self.as_json else ARGUMENT_LIMIT
        names = frame.code.arguments
        # By its values, for code may have any number of parameters and be called without them.
        return {
            names[index]: self.value(state, value, limit)
            for index, value in sorted(frame.values.items())
            if index < len(names)
        }

    def source(self, path: str, line: int) -> str:
        """Return a line of the recorded source, stripped."""
        return self._trace.source_line(path, line).expandtabs()


def short_name(code: Code) -> str:
    """Return a code's name as it is shown: a module by its name, ``<locals>`` left out."""
    if code.kind == "module":
        return f"<module {code.module}>"
    if code.kind == "class":
        return f"<class {code.name.replace('<locals>.', '')}>"
    return code.name.replace("<locals>.", "")


def thread_name(thread: Thread) -> str:
    """Return how a thread is named in lines of text."""
    return "an unknown thread" if thread is NO_THREAD else f"thread {thread.number} {thread.name}"


def in_task(frame: Frame) -> str:
    """Return what is said of a frame's task behind its place; nothing if it is in none."""
    return f", task {frame.task}" if frame.task else ""


def duration(ns: int) -> str:
    """Return a time (ns) with its unit, such as ``1.2ms``."""
    if ns < 1_000:
        return f"{ns}ns"
    unit, size = next((known for known in _UNITS if ns < 1_000 * known[1]), _UNITS[-1])
    count = ns / size
    return f"{count:.0f}{unit}" if count >= 100 else f"{count:.3g}{unit}"
