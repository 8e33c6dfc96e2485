"""Prints the results of commands as text or JSON lines, up to a number of lines."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Final

from codetracer.commands.drawing import Canvas
from codetracer.replay.model import NO_THREAD
from codetracer.replay.render import render, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codetracer.commands.drawing import Part
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

PLACES: Final = range(12, 41)
"""How wide the column of places can be; what is longer moves the rest of its line."""

_UNITS: Final = (("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000))


_FOREIGN: Final = re.compile(
    r"(?:^|[\\/])(?:(?:site|dist)-packages|lib[\\/]python3\.\d+t?)[\\/]", re.IGNORECASE
)
"""In the path of what is installed, by the folders that installers use, or the standard library."""


class FullError(Exception):
    """As many lines were printed as may be."""


class Printer:
    """Where a command prints.

    Parameters:
        trace: what is printed about; paths are shown relative to its working directory.
        as_json: print a JSON object for each row, not its text.
        canvas: draws the lines of text.
        limit: after so many lines `FullError` is raised; 0 for no limit.

    Attributes:
        as_json: as given.
        width: lines of text are cut to so many characters; 0 for no limit.
        lines: how many lines were printed.
        process: the process that rows are about, when there are several.
    """

    def __init__(
        self, trace: Trace, *, as_json: bool = False, canvas: Canvas | None = None, limit: int = 0
    ) -> None:
        self.as_json = as_json
        self.lines = 0
        self.process: int | None = None
        self._trace = trace
        self._canvas = canvas or Canvas(0)
        self.width = self._canvas.width
        self._limit = limit
        workdir = trace.metadata.get("workdir")
        self._workdir = os.path.join(workdir, "") if isinstance(workdir, str) and workdir else ""
        # A step takes a byte of a log at least, so no step number is longer than this.
        self._steps = len(str(max((each.log.size() for each in trace.processes), default=0)))
        self._places = _places_width([*map(self.path, _sources(trace))])

    def line(self, *parts: Part, tail: Sequence[Part] = ()) -> None:
        """Print a line of text; `parts` are cut so that the line keeps to the width.

        Raises:
            FullError: there are as many already as there may be; this one was not printed.
        """
        self._count()
        self._canvas.line(parts, tail)
        self._prompt()

    def at(self, place: str, step: int | None, *parts: Part, tail: Sequence[Part] = ()) -> None:
        """Print a line of text behind the columns of its place and its step.

        Parameters:
            place: ``file:line``; empty if there is none.
            step: the number of a step; None if there is none.

        Raises:
            FullError: as for `line`.
        """
        number = "" if step is None else str(step)
        columns = (f"{place:<{self._places}}", "place"), (f" {number:>{self._steps}}  ", "step")
        self.line(*columns, *parts, tail=tail)

    def row(self, row: dict[str, object]) -> None:
        """Print a row as JSON.

        Raises:
            FullError: as for `line`.
        """
        self._count()
        known: dict[str, object] = {} if self.process is None else {"process": self.process}
        sys.stdout.write(f"{json.dumps(known | row)}\n")
        self._prompt()

    def note(self, text: str) -> None:
        """Print a line that counts for nothing and is not cut; not among JSON."""
        if not self.as_json:
            print(text)

    def _count(self) -> None:
        if self._limit and self.lines >= self._limit:
            raise FullError
        self.lines += 1

    def _prompt(self) -> None:
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
        """Return a line of the recorded source, with its indentation; empty when not known."""
        lines = self._trace.source_lines(path)
        return lines[line - 1].expandtabs().rstrip() if 0 < line <= len(lines) else ""

    def is_own(self, code: Code) -> bool:
        """Tell whether code is the program's own: neither installed nor the standard library's."""
        if code.module == "__main__":
            return True
        path = self.path(code.path)
        return not path.startswith("<frozen ") and _FOREIGN.search(path) is None


def _sources(trace: Trace) -> list[str]:
    sources = trace.metadata.get("sources")
    return [*sources] if isinstance(sources, dict) else []


def _places_width(paths: list[str]) -> int:
    """Return how wide the column of places is, for these files, with lines up to 9999."""
    longest = max((len(path) for path in paths if _FOREIGN.search(path) is None), default=0)
    return min(max(longest + 5, PLACES.start), PLACES.stop - 1)


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
