"""The calls of one function: arguments, result, duration, and the caller's line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, duration, in_task, short_name
from codetracer.commands.show.call_tree import end_row, result
from codetracer.replay import events
from codetracer.replay.doing import ENDING

if TYPE_CHECKING:
    from codetracer.commands.drawing import Part
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event
    from codetracer.replay.model import Code
    from codetracer.replay.replay import Replay

__all__ = ["Functions"]


class Functions:
    """Prints every call of a function, with the caller's line, when the call ends.

    Parameters:
        replay: the events of the process.
        printer: prints the calls.
        selection: the part of the recording to show.
        name: a qualified name, its last part, or either with the module in front of it.
        prints: False only searches for the function, and prints nothing.

    Attributes:
        known: the qualified names of all functions that were called so far.
        found: whether the function was one of them.
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
        self._codes: dict[int, bool] = {}
        # By the number of the frame.
        self._calls: dict[int, tuple[int, str, dict[str, object]]] = {}
        self._count = 0

    @property
    def open(self) -> list[int]:
        """The numbers of the frames of calls that have begun and not ended."""
        return [*self._calls]

    def is_wanted(self, code: Code) -> bool:
        """Return whether the calls of code are to be shown."""
        return code.is_named(self._name)

    def begin(self, replay: Replay) -> None:
        """Go on with another replay of the same log, from a later event on."""
        self._replay = replay

    def see(self, event: Event) -> None:
        """Process an event, and print the call that it ends."""
        if isinstance(event, events.CallEvent):
            code = event.frame.code
            if code.number not in self._codes:
                self._codes[code.number] = self.is_wanted(code)
                self.known.add(code.name)
            if self._codes[code.number]:
                self._call(event)
        elif type(event) is events.YieldEvent:
            return
        elif isinstance(event, ENDING) and event.frame.number in self._calls:
            self._end(event)

    def finish(self) -> None:
        """Do nothing, because each call is printed when it ends."""

    def _call(self, event: events.CallEvent) -> None:
        self.found = True
        if self._prints and self._selection.has(event.frame, event.thread):
            row = self._row(event)
            call = self._printer.call(event, self._replay.state)
            self._calls[event.frame.number] = event.time_ns, call, row
            self._count += 1

    def _end(self, event: events.EndEvent) -> None:
        frame, printer, state = event.frame, self._printer, self._replay.state
        began_ns, call, row = self._calls.pop(frame.number)
        spent = event.time_ns - began_ns
        if printer.as_json:
            printer.row(row | end_row(event, printer, state) | {"duration_ns": spent})
            return
        came = f"from {row['caller']}" if row["caller"] else "caller not recorded"
        name = short_name(frame.code)
        place = printer.place(frame.code.path, frame.code.line)
        step = row["step"]
        assert step is None or isinstance(step, int)
        tail: Part = (f"  {duration(spent)}  {came}{in_task(frame)}", "dim")
        rest = call.removeprefix(name)
        printer.at(place, step, (name, "name"), f"{rest} ", result(event, printer, state), tail)

    def _row(self, event: events.CallEvent) -> dict[str, object]:
        frame, printer = event.frame, self._printer
        caller = frame.caller
        came = ""
        if caller is not None:
            at = f"{printer.frame_place(caller)} in " if caller.code.has_lines else ""
            came = f"{at}{short_name(caller.code)}"
        return {
            "call": self._count,
            "thread": event.thread.number,
            "task": frame.task,
            "frame": frame.number,
            "step": self._replay.steps if frame.code.has_lines else None,
            "function": frame.code.name,
            "module": frame.code.module,
            "path": frame.code.path,
            "line": frame.code.line,
            "arguments": printer.arguments(frame, self._replay.state),
            "caller": came,
        }
