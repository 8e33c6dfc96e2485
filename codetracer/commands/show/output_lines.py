"""The program's output and input, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, thread_name
from codetracer.replay import events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event, OutputEvent

__all__ = ["Output", "OutputLines"]


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
