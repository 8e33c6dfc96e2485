"""The program's output and input, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, thread_name
from codetracer.replay import events
from codetracer.replay.output import OutputLines

if TYPE_CHECKING:
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event, OutputEvent

__all__ = ["Output"]


class Output:
    """Prints the program's output, and what it read from standard input, line by line.

    Parameters:
        printer: prints the lines.
        selection: the part of the recording to show.
        only: prints only lines that contain this text.

    Attributes:
        printed: whether a line was printed.
    """

    def __init__(self, printer: Printer, selection: Selection, only: str = "") -> None:
        self.printed = False
        self._printer = printer
        self._selection = selection
        self._only = only
        self._lines = OutputLines()

    def see(self, event: Event) -> None:
        """Process an event, and print the lines that it completes."""
        if isinstance(event, events.OutputEvent) and self._selection.has(event.frame, event.thread):
            for found in self._lines.add(event):
                self._print(*found)

    def finish(self) -> None:
        """Print the last line if it has no line end."""
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
