"""What a whole trace is searched for by name: the calls of a function; and output, line by line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, duration, in_task, short_name, thread_name
from codetracer.commands.selection import ENDING
from codetracer.commands.tree import end_row, result
from codetracer.replay import events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.commands.drawing import Part
    from codetracer.commands.selection import Selection
    from codetracer.replay.events import Event, OutputEvent
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay

LONGEST: Final = 200
"""Characters of a name that is proposed."""

__all__ = ["Functions", "Output", "OutputLines", "close_names", "is_named"]


class Functions:
    """Prints every call of a function, when it ends, and where it was called.

    Parameters:
        name: its qualified name, the last part of that, or either with the module before it.
        prints: whether to print them, or only to know whether there are any.

    Attributes:
        known: the names of all functions that were called.
        found: whether this was one of them.
    """

    def __init__(
        self, replay: Replay, printer: Printer, selection: Selection, name: str, *, prints: bool
    ) -> None:
        self.known: set[str] = set()
        self.found = False
        self._replay = replay
        self._printer = printer
        self._selection = selection
        self._name = name
        self._prints = prints
        self._codes: dict[Code, bool] = {}
        self._calls: dict[Frame, tuple[int, str, dict[str, object]]] = {}
        self._count = 0

    def see(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, events.CallEvent):
            code = event.frame.code
            if code not in self._codes:
                self._codes[code] = is_named(code, self._name)
                self.known.add(code.name)
            if self._codes[code]:
                self._call(event)
        elif type(event) is events.YieldEvent:
            return
        elif isinstance(event, ENDING) and event.frame in self._calls:
            self._end(event)

    def finish(self) -> None:
        """Print what is left: nothing."""

    def _call(self, event: events.CallEvent) -> None:
        self.found = True
        if self._prints and self._selection.has(event.frame, event.thread):
            row = self._row(event)
            call = self._printer.call(event, self._replay.state)
            self._calls[event.frame] = event.time_ns, call, row
            self._count += 1

    def _end(self, event: events.EndEvent) -> None:
        frame, printer, state = event.frame, self._printer, self._replay.state
        began_ns, call, row = self._calls.pop(frame)
        spent = event.time_ns - began_ns
        if printer.as_json:
            printer.row(row | end_row(event, printer, state) | {"duration_ns": spent})
            return
        came = f"from {row['caller']}" if row["caller"] else "called by nothing recorded"
        name = short_name(frame.code)
        place = printer.place(frame.code.path, frame.code.line)
        step = row["step"]
        assert isinstance(step, int)
        tail: Part = (f"  {duration(spent)}  {came}{in_task(frame)}", "dim")
        rest = call.removeprefix(name)
        printer.at(place, step, (name, "name"), f"{rest} ", result(event, printer, state), tail)

    def _row(self, event: events.CallEvent) -> dict[str, object]:
        frame, printer = event.frame, self._printer
        caller = frame.caller
        came = f"{printer.frame_place(caller)} in {short_name(caller.code)}" if caller else ""
        return {
            "call": self._count,
            "thread": event.thread.number,
            "task": frame.task,
            "frame": frame.number,
            "step": self._replay.steps,
            "function": frame.code.name,
            "module": frame.code.module,
            "path": frame.code.path,
            "line": frame.code.line,
            "arguments": printer.arguments(frame, self._replay.state),
            "caller": came,
        }


def is_named(code: Code, name: str) -> bool:
    """Tell whether a code object has a name, as ``--function`` takes it.

    Parameters:
        name: the qualified name, the last part of that, or either with the module before it.
    """
    names = (code.name, code.short_name, short_name(code))
    return name in names or name in (f"{code.module}.{known}" for known in names)


def close_names(name: str, known: Iterable[str]) -> str:
    """Return a hint at names like `name`, or at what there is, for an error's message."""
    known = sorted({full for full in known if len(full) <= LONGEST})
    parts = {part: full for full in known for part in (full.rpartition(".")[2], full)}
    close = difflib.get_close_matches(name, parts, n=5, cutoff=0.5)
    found = list(dict.fromkeys(parts[part] for part in close))
    if found:
        return f"; did you mean {', '.join(found)}?"
    if not known:
        return "; there is none at all"
    more = f", and {len(known) - 10} more" if len(known) > 10 else ""
    return f"; there are {', '.join(known[:10])}{more}"


class OutputLines:
    """Puts together what was written piece by piece: a line each, as far as it is told where."""

    def __init__(self) -> None:
        self._waiting: OutputEvent | None = None
        self._step: int | None = None
        # The parts of a line that has not ended.
        self._parts: list[bytes] = []

    def add(self, event: OutputEvent) -> Iterable[tuple[OutputEvent, int | None, bytes]]:
        """Take in what was written, and yield what is whole by it: from where, its step, what."""
        if self._waiting is None or _origin(self._waiting) != _origin(event):
            yield from self.rest()
            frame = event.frame
            self._step = frame.step if frame is not None and frame.step >= 0 else None
        self._waiting = event
        whole, end, rest = event.data.rpartition(b"\n")
        if end:
            yield event, self._step, b"".join([*self._parts, whole, end])
            self._parts = []
            frame = event.frame
            self._step = frame.step if frame is not None and frame.step >= 0 else None
        self._parts.append(rest)

    def rest(self) -> Iterable[tuple[OutputEvent, int | None, bytes]]:
        """Yield what has no line end, if there is anything."""
        data = b"".join(self._parts)
        self._parts = []
        if self._waiting is not None and data:
            yield self._waiting, self._step, data


class Output:
    """Prints what the program wrote, and what it read from its standard input, line by line.

    Parameters:
        only: prints the lines alone that have this text in them.

    Attributes:
        printed: whether there was any to print.
    """

    def __init__(self, printer: Printer, selection: Selection, only: str = "") -> None:
        self.printed = False
        self._printer = printer
        self._selection = selection
        self._only = only
        self._lines = OutputLines()

    def see(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, events.OutputEvent) and self._selection.has(event.frame, event.thread):
            for found in self._lines.add(event):
                self._print(*found)

    def finish(self) -> None:
        """Print what has no line end."""
        for found in self._lines.rest():
            self._print(*found)

    def _print(self, event: OutputEvent, step: int | None, data: bytes) -> None:
        text = data.decode("utf-8", "backslashreplace")
        if self._only not in text:
            return
        self.printed = True
        printer = self._printer
        if printer.as_json:
            printer.row(
                {
                    "stream": event.stream,
                    "thread": event.thread.number,
                    "step": step,
                    "path": event.path,
                    "line": event.line,
                    "text": text,
                }
            )
            return
        where = printer.place(event.path, event.line) if event.path else thread_name(event.thread)
        for line in text.removesuffix("\n").split("\n"):
            if self._only in line:
                printer.at(where, step, (f"{event.stream}| ", "dim"), line.expandtabs())


def _origin(event: OutputEvent) -> tuple[object, ...]:
    return event.stream, event.path, event.line, event.thread
