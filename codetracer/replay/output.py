"""The program's output, in whole lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.events import OutputEvent

__all__ = ["OutputLines"]


class OutputLines:
    """Joins consecutive pieces of output from one line of the program, until a line ends."""

    def __init__(self) -> None:
        self._waiting: OutputEvent | None = None
        self._step: int | None = None
        # The pieces of a line that has not ended.
        self._parts: list[bytes] = []

    def add(self, event: OutputEvent) -> Iterable[tuple[OutputEvent, int | None, bytes]]:
        """Add an output, and yield the whole lines that it completes.

        Yields:
            An event with their origin, the step that wrote their first piece (None if it is not
            known), and one or more lines as bytes.
        """
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
        """Yield the last line, as `add` does, if it has no line end."""
        data = b"".join(self._parts)
        self._parts = []
        if self._waiting is not None and data:
            yield self._waiting, self._step, data


def _origin(event: OutputEvent) -> tuple[object, ...]:
    return event.stream, event.path, event.line, event.thread.number
