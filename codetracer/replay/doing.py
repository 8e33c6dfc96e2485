"""Finds the line that ran until an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay import events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame
    from codetracer.replay.timeline import Block

__all__ = ["ENDING", "OPENING", "Doer", "Doing", "Places"]

OPENING: Final = (events.CallEvent, events.ResumeEvent, events.ThrowEvent)
"""The kinds of events that put a frame on a stack."""

ENDING: Final = (
    events.ReturnEvent,
    events.YieldEvent,
    events.UnwindEvent,
    events.LostEvent,
    events.UnfinishedEvent,
)
"""The kinds of events that take a frame off its stack."""


class Doer(NamedTuple):
    """The line that ran until an event."""

    frame: Frame
    """Its frame."""
    step: int
    """Its step; -1 if the frame had none before."""


class Doing:
    """Knows at each event of a block which line ran until then.

    Parameters:
        block: the block, none of whose events were read.
    """

    def __init__(self, block: Block) -> None:
        self._last = {frame: frame.step for frame in block.frames}

    def see(self, event: Event) -> Doer | None:
        """Process an event; return the line, or None if no recorded frame ran."""
        frame = event.frame
        if frame is None:
            return None
        if type(event) is events.StepEvent:
            step = self._last.get(frame, -1)
            self._last[frame] = event.number
            return Doer(frame, step)
        if isinstance(event, OPENING):
            self._last[frame] = frame.step
            if frame.caller is None:
                return None
            frame = frame.caller
        return Doer(frame, frame.step)


class Places:
    """Knows at each event of a log which line ran until then.

    The log is read from its beginning, or `begin` says where reading goes on.
    """

    def __init__(self) -> None:
        self._before: dict[Frame, tuple[int, int]] = {}
        self._ended: Frame | None = None

    def begin(self, frames: Iterable[Frame]) -> None:
        """Go on at a later event, with the frames that are on a stack then."""
        self._before = {frame: (frame.step, frame.line) for frame in frames if frame.step >= 0}
        self._ended = None

    def see(self, event: Event) -> tuple[Frame, int | None, int] | None:
        """Process an event.

        Returns:
            The frame, the step (None if there was none yet) and the line that ran right before the
            event; for a call those of its caller, if that is recorded. None for an event without a
            frame.
        """
        if self._ended is not None:
            self._before.pop(self._ended, None)
            self._ended = None
        frame = event.frame
        if frame is None:
            return None
        if type(event) is events.StepEvent:
            step, line = self._before.get(frame, (None, frame.line))
            self._before[frame] = event.number, event.line
            return frame, step, line
        if isinstance(event, OPENING):
            if frame.step >= 0:
                self._before[frame] = frame.step, frame.line
            if frame.caller is None:
                return frame, None, frame.line
            frame = frame.caller
        elif isinstance(event, ENDING) and type(event) is not events.YieldEvent:
            self._ended = frame
        return frame, frame.step if frame.step >= 0 else None, frame.line
