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
from codetracer.replay.state import depth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codetracer.commands.drawing import Part
    from codetracer.replay import events
    from codetracer.replay.events import CallEvent
    from codetracer.replay.model import Code, Frame, Thread
    from codetracer.replay.state import State
    from codetracer.replay.trace import Process, Trace
    from codetracer_bindings import trace_decoder as raw

__all__ = ["FullError", "Printer", "duration", "in_task", "short_name", "thread_name"]

VALUE_LIMIT: Final = 80
"""About how many characters of one value a line of text has."""

ARGUMENT_LIMIT: Final = 40
"""About how many characters of one argument a line of text has."""

JSON_ITEMS: Final = 10_000
"""The number of items and attributes of one value that are written as JSON.

There is a limit because the same object may be written again at every call."""

_PROMPT: Final = 50
"""Each of this many first lines is flushed as soon as it is printed, so that it shows early."""

PLACES: Final = range(12, 41)
"""The allowed widths of the column of places; a longer place shifts the rest of its line."""

_TIME_UNITS: Final = (("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000))


_FOREIGN_PATH: Final = re.compile(
    r"(?:^|[\\/])(?:(?:site|dist)-packages|lib[\\/]python3\.\d+t?)[\\/]", re.IGNORECASE
)
"""Matches the paths of installed packages and of the standard library."""


class FullError(Exception):
    """The largest allowed number of lines has been printed already."""


class Printer:
    """Prints the results of a command on standard output.

    Parameters:
        trace: the recording; paths are shown relative to its working directory.
        as_json: whether the command prints JSON objects instead of lines of text.
        canvas: draws the lines of text; None for one without colours and without a width.
        limit: the largest number of lines, after which `FullError` is raised; 0 for no limit.

    Attributes:
        as_json: the parameter of that name.
        width: lines of text are cut to this many characters; 0 for no limit.
        lines: how many lines were printed.
        process: the PID that is added to each JSON object; None if the recording shows one process.
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
        self._number: int | None = None
        # A step takes at least one byte of a log, so no step number has more digits than its size.
        self._steps = len(str(max((each.log.size() for each in trace.processes), default=0)))
        if len(trace.processes) > 1:
            self._steps += len(f"{len(trace.processes) - 1}:")
        self._places = _places_width([*map(self.path, _sources(trace))])

    def begin(self, process: Process) -> None:
        """Print what follows as that of a process."""
        self._number = process.number if len(self._trace.processes) > 1 else None

    def step(self, step: int | None) -> str:
        """Return a step as ``--step`` takes it: with its process if the recording has several."""
        return f"{step}" if self._number is None else f"{self._number}:{step}"

    def line(self, *parts: Part, tail: Sequence[Part] = ()) -> None:
        """Print a line of text.

        Parameters:
            parts: the pieces of the line; they are cut where the line would exceed the width.
            tail: pieces after them that are never cut.

        Raises:
            FullError: the limit of lines is reached; this line was not printed.
        """
        self._count()
        self._canvas.line(parts, tail)
        self._prompt()

    def at(self, place: str, step: int | None, *parts: Part, tail: Sequence[Part] = ()) -> None:
        """Print a line of text after the columns for a place and a step.

        Parameters:
            place: ``file:line``; empty if there is none.
            step: the number of a step; None if there is none.
            parts, tail: as for `line`.

        Raises:
            FullError: as for `line`.
        """
        number = "" if step is None else self.step(step)
        columns = (f"{place:<{self._places}}", "place"), (f" {number:>{self._steps}}  ", "step")
        self.line(*columns, *parts, tail=tail)

    def row(self, row: dict[str, object]) -> None:
        """Print a row as a line of JSON.

        Parameters:
            row: names and values that can be written as JSON.

        Raises:
            FullError: as for `line`.
        """
        self._count()
        known: dict[str, object] = {} if self.process is None else {"process": self.process}
        sys.stdout.write(f"{json.dumps(known | row)}\n")
        self._prompt()

    def note(self, text: str) -> None:
        """Print a line that is neither counted nor cut; print nothing if rows are JSON."""
        if not self.as_json:
            print(text)

    def _count(self) -> None:
        if self._limit and self.lines >= self._limit:
            raise FullError
        self.lines += 1

    def _prompt(self) -> None:
        if self.lines < _PROMPT:
            sys.stdout.flush()

    # ---------------------------------------------------------------- texts

    def value(
        self,
        state: State,
        value: raw.Value,
        limit: int = VALUE_LIMIT,
        depth: int | None = None,
    ) -> object:
        """Return a value as an object for JSON, or as text.

        Parameters:
            state: the contents of objects.
            value: the value.
            limit: about how many characters the text has; for JSON, how many objects are followed.
            depth: as for `State.resolve`.
        """
        if self.as_json:
            return to_json(state.resolve(value, limit, values=JSON_ITEMS, depth=depth))
        room = limit // 2
        return render(state.resolve(value, room, room, room * room, depth), limit)

    def value_of(
        self,
        state: State,
        event: events.ThrowEvent | events.ReturnEvent | events.YieldEvent | events.UnwindEvent,
    ) -> object:
        """Return the value that goes into a frame or comes out of it, as `value` returns it."""
        return self.value(state, event.raw, depth=depth_of(event.frame))

    def path(self, path: str) -> str:
        """Return the path of a source file relative to the program's working directory."""
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
        """Return a frame's arguments by name, each as `value` returns it."""
        limit = VALUE_LIMIT if self.as_json else ARGUMENT_LIMIT
        names = frame.code.arguments
        # Over the values: code may have many parameters, most of them without a value.
        return {
            names[index]: self.value(state, value, limit, depth_of(frame))
            for index, value in sorted(frame.values.items())
            if index < len(names)
        }

    def source(self, path: str, line: int) -> str:
        """Return a line of the recorded source with its indentation; empty if it is not known."""
        lines = self._trace.source_lines(path)
        return lines[line - 1].expandtabs().rstrip() if 0 < line <= len(lines) else ""

    def is_own(self, code: Code) -> bool:
        """Return whether code is the program's own: neither installed nor standard library."""
        if code.module == "__main__":
            return True
        path = self.path(code.path)
        return not path.startswith("<frozen ") and _FOREIGN_PATH.search(path) is None


def _sources(trace: Trace) -> list[str]:
    sources = trace.metadata.get("sources")
    return [*sources] if isinstance(sources, dict) else []


def _places_width(paths: list[str]) -> int:
    """Return the width of the column of places for these files, with lines up to 9999."""
    longest = max((len(path) for path in paths if _FOREIGN_PATH.search(path) is None), default=0)
    return min(max(longest + 5, PLACES.start), PLACES.stop - 1)


def short_name(code: Code) -> str:
    """Return the name of code in lines of text."""
    return code.shown_name


def thread_name(thread: Thread) -> str:
    """Return the name of a thread in lines of text."""
    return "an unknown thread" if thread is NO_THREAD else f"thread {thread.number} {thread.name}"


def in_task(frame: Frame) -> str:
    """Return the text that names a frame's asyncio task; empty if the frame is in none."""
    return f", task {frame.task}" if frame.task else ""


def duration(ns: int) -> str:
    """Return a time (ns) with its unit, such as ``1.2ms``."""
    if ns < 1_000:
        return f"{ns}ns"
    unit, size = next((known for known in _TIME_UNITS if ns < 1_000 * known[1]), _TIME_UNITS[-1])
    count = ns / size
    return f"{count:.0f}{unit}" if count >= 100 else f"{count:.3g}{unit}"
