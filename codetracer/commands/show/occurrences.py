"""The places where a text appears: in a value, a name or an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, in_task, short_name
from codetracer.commands.show.call_tree import SHOWN_SIBLINGS
from codetracer.commands.show.output_lines import Output
from codetracer.replay.finding import Finder
from codetracer.replay.state import depth_of

if TYPE_CHECKING:
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event
    from codetracer.replay.finding import Found
    from codetracer.replay.model import Code
    from codetracer.replay.replay import Replay

__all__ = ["Finds"]

VALUE_IN_OCCURRENCE: Final = 100
"""The approximate number of characters that a value is shown with."""


class Finds:
    """Prints each place where a text appears: as `Finder` finds it, and in output and input.

    Parameters:
        replay: the events of the process.
        printer: prints the places.
        selection: the part of the recording to search.
        text: the text.
        folded: whether to show only the first few places with the same line and name.

    Attributes:
        found: whether the text appeared.
        more: how many places were not shown.
    """

    def __init__(
        self, replay: Replay, printer: Printer, selection: Selection, text: str, *, folded: bool
    ) -> None:
        self.more = 0
        self._found = False
        self._replay = replay
        self._printer = printer
        self._selection = selection
        self._finder = Finder(replay, text)
        self._folded = folded
        self._times: dict[tuple[Code, int, str], int] = {}
        self._output = Output(printer, selection, text)

    @property
    def found(self) -> bool:
        """True if the text appeared."""
        return self._found or self._output.printed

    def see(self, event: Event) -> None:
        """Process an event, and print the places that it shows."""
        self._output.see(event)
        for found in self._finder.see(event):
            if found.said:
                self._tell(event, found, found.said)
                continue
            depth = depth_of(found.frame)
            shown = self._printer.value(self._replay.state, found.value, VALUE_IN_OCCURRENCE, depth)
            self._tell(event, found, f"{found.name} = {shown}", shown)

    def finish(self) -> None:
        """Search the last line of output if it has no line end."""
        self._output.finish()

    def _tell(
        self,
        event: Event,
        found: Found,
        text: str,
        shown: object = None,
    ) -> None:
        frame, step, line, name, _, _ = found
        if not self._selection.has(frame, event.thread):
            return
        self._found = True
        key = frame.code, line, name
        times = self._times[key] = self._times.get(key, 0) + 1
        if self._folded and times > SHOWN_SIBLINGS:
            self.more += 1
            return
        printer = self._printer
        if printer.as_json:
            printer.row(
                {
                    "found": name,
                    "value": shown,
                    "step": step,
                    "thread": event.thread.number,
                    "task": frame.task,
                    "function": frame.code.name,
                    "path": frame.code.path,
                    "line": line,
                }
            )
            return
        place = printer.place(frame.code.path, line)
        tail = (in_task(frame), "dim")
        printer.at(place, step, (f"{short_name(frame.code)}  ", "name"), text, tail=[tail])
