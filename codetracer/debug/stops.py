"""The stops of a debugger: at lines, and between them at calls, returns and exceptions.

These are the places where `bdb` of the standard library stops a running program. A stop is named by
the step before it, and by how many further stops of the thread come between; a line's own stop is
number 0 of its step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay import Moment
from codetracer.replay.events import (
    CallEvent,
    RaiseEvent,
    ResumeEvent,
    ReturnEvent,
    StepEvent,
    ThrowEvent,
    UnwindEvent,
    YieldEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay import Timeline
    from codetracer.replay.events import Event
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.values import Value

__all__ = ["CALL", "ENDS", "EXCEPTION", "LEAVES", "LINE", "UNWIND", "Mark", "Stop", "Walk", "back"]

LINE: Final = "line"
CALL: Final = "call"
RETURN: Final = "return"
YIELD: Final = "yield"
UNWIND: Final = "unwind"
EXCEPTION: Final = "exception"
"""The kinds of stops. A suspended frame that continues is called, as `bdb` sees it."""

ENDS: Final = frozenset({RETURN, UNWIND})
"""The kinds of stops at which a frame ends."""

LEAVES: Final = frozenset({RETURN, YIELD, UNWIND})
"""The kinds of stops at which a frame leaves the stack."""

_STOP_KINDS: Final[dict[type[Event], str]] = {
    StepEvent: LINE,
    CallEvent: CALL,
    ResumeEvent: CALL,
    ThrowEvent: CALL,
    ReturnEvent: RETURN,
    YieldEvent: YIELD,
    UnwindEvent: UNWIND,
    RaiseEvent: EXCEPTION,
}

FIRST_PART: Final = 500
"""The number of steps read at once to go back; each further part is twice as long."""

LONGEST_PART: Final = 64_000
"""The largest number of steps that are read at once to go back."""


class Mark(NamedTuple):
    """Names a stop, and says what is needed to decide whether to stop there."""

    step: int
    between: int
    kind: str
    frame: int
    """The number of its frame."""
    code: Code
    """The code that the frame runs."""
    line: int


class Stop:
    """The state at a stop.

    Attributes:
        kind: its kind, such as `LINE`.
        between: how many stops of the thread are between its step and itself.
        moment: the moment; its frames and variables are those at this stop.
    """

    __slots__ = ("_event", "between", "kind", "moment")

    def __init__(self, timeline: Timeline, replay: Replay, event: Event, at: Mark) -> None:
        frame = event.frame
        assert frame is not None
        self.kind = at.kind
        self.between = at.between
        here = StepEvent(event.thread, event.time_ns, frame, at.step, frame.line)
        self.moment = Moment(timeline, replay, here)
        self._event = event

    @property
    def step(self) -> int:
        """The number of the step."""
        return self.moment.step

    @property
    def frame(self) -> Frame:
        """The frame that stops."""
        return self.moment.frame

    @property
    def value(self) -> Value:
        """The returned value, or the exception; None at a line or a call."""
        match self._event:
            case ReturnEvent() | YieldEvent():
                return self._event.value
            case RaiseEvent() | UnwindEvent():
                return self._event.exception
        return None


class Walk:
    """The stops of a thread after a stop, as far as the thread goes.

    Parameters:
        timeline: the steps of the process.
        thread: the number of the thread.
        step: the number of one of its steps, from where the walk begins.
        between: how many stops of the thread are between that step and the first one.
    """

    def __init__(self, timeline: Timeline, thread: int, step: int, between: int = 0) -> None:
        self._timeline = timeline
        self._thread = thread
        self._from = step, between
        self._replay = timeline.replay(step)
        self._at: tuple[Event, Mark] | None = None

    def __iter__(self) -> Iterator[Mark]:
        thread = self._thread
        step, between = -1, 0
        for event in self._replay:
            kind = _STOP_KINDS.get(type(event))
            if kind is None or event.thread.number != thread:
                continue
            if type(event) is StepEvent:
                step, between = event.number, 0
            elif type(event) is CallEvent and event.entered:
                continue
            else:
                between += 1
            if (step, between) >= self._from:
                frame = event.frame
                assert frame is not None
                mark = Mark(step, between, kind, frame.number, frame.code, frame.line)
                self._at = event, mark
                yield mark

    def stop(self) -> Stop:
        """Return the state at the last stop that the walk has yielded. The walk ends there."""
        assert self._at is not None
        event, mark = self._at
        return Stop(self._timeline, self._replay, event, mark)

    def moment(self) -> Moment:
        """Return the moment of the last stop, which is true until the walk goes on."""
        return self.stop().moment


def back(timeline: Timeline, thread: int, step: int, between: int) -> Iterator[Mark]:
    """Yield the stops of a thread before a stop, the last one first.

    Parameters:
        timeline: the steps of the process.
        thread: the number of the thread.
        step, between: the stop, which is not yielded itself.
    """
    part = FIRST_PART
    end = step, between
    while True:
        # The numbers of stops count from a step of the thread on.
        first = timeline.before(max(end[0] - part, 0), None, thread) if end[0] > part else None
        found: list[Mark] = []
        for mark in Walk(timeline, thread, 0 if first is None else first):
            if (mark.step, mark.between) >= end:
                break
            found.append(mark)
        yield from reversed(found)
        if first is None:
            return
        end = first, 0
        part = min(2 * part, LONGEST_PART)
