"""The ways of a debugger through a recording, as `bdb` goes through a running program, and back."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from codetracer.debug.stops import CALL, ENDS, EXCEPTION, LEAVES, LINE, UNWIND, Walk, back

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.debug.stops import Mark, Stop
    from codetracer.replay import Moment, Timeline
    from codetracer.replay.model import Frame

    type Wanted = Callable[[Mark], bool]
    """Says whether a way ends at a stop."""
    type Breaks = Callable[[Mark, Callable[[], Moment]], bool]
    """Says whether a breakpoint ends a way at a stop, given what returns the moment there."""

__all__ = ["Ways", "last", "stop_at", "uncaught"]

PATIENCE: Final = 50_000
"""After so many stops a way no longer reads each of them, and lets the index find its end."""


class Ways:
    """The ways from one stop to others; each method returns None where the recording ends.

    Parameters:
        timeline: the steps of the process.
        start: the stop.
        breaks: the breakpoints, at which every way ends early; None for none, which lets a way
            pass over what it does not need to read.
    """

    def __init__(self, timeline: Timeline, start: Stop, breaks: Breaks | None) -> None:
        self._timeline = timeline
        self._start = start
        self._breaks = breaks or _no_break
        self._patience = PATIENCE if breaks is None else None
        self._thread = start.moment.thread.number

    def step(self) -> Stop | None:
        """Go to the next stop."""
        return self.ahead(lambda mark: True)

    def back_step(self) -> Stop | None:
        """Go to the stop before."""
        return self.back_to(lambda mark: True)

    def next(self, frame: Frame) -> Stop | None:
        """Go to the next line, exception or end of a frame, past what it calls."""
        if self._is_leaving(frame):
            return self.step()
        return self.ahead(_Within(frame), lambda: self._start.moment.over())

    def back_next(self, frame: Frame) -> Stop | None:
        """Go to the last line or exception before, in this frame or one below it."""
        below = _numbers(frame)
        return self.back_to(
            lambda mark: mark.frame in below and mark.kind in (LINE, EXCEPTION),
            lambda: self._start.moment.back_over(),
        )

    def until(self, frame: Frame, line: int) -> Stop | None:
        """Go to a line of a frame that is not above `line`, or to the frame's end."""
        if self._is_leaving(frame):
            return self.step()
        within = _Within(frame)
        return self.ahead(
            lambda mark: within(mark)
            and (mark.frame != frame.number or mark.line >= line or mark.kind in LEAVES)
        )

    def leave(self, frame: Frame) -> Stop | None:
        """Go to the end of a frame; from there, to what its caller does next."""
        caller = frame.caller
        if self._is_leaving(frame) and caller is not None:
            return self.ahead(lambda mark: mark.frame == caller.number and mark.kind != CALL)
        return self.ahead(
            lambda mark: mark.frame == frame.number and mark.kind in ENDS,
            lambda: self._start.moment.out(),
        )

    def back_out(self, frame: Frame) -> Stop | None:
        """Go to the line that called a frame, or made it continue."""
        below = _numbers(frame) - {frame.number}
        return self.back_to(
            lambda mark: mark.frame in below and mark.kind == LINE,
            lambda: self._start.moment.back_out(),
        )

    def _is_leaving(self, frame: Frame) -> bool:
        return self._start.kind in LEAVES and frame.number == self._start.frame.number

    def ahead(
        self, wanted: Wanted, jump: Callable[[], Moment | None] = lambda: None
    ) -> Stop | None:
        """Go to the first stop of the thread that is wanted.

        Parameters:
            wanted: says of each stop whether it is.
            jump: returns a step that is not before it, if it is far.
        """
        start = self._start
        walk = Walk(self._timeline, self._thread, start.step, start.between + 1)
        marks = iter(walk)
        for mark in islice(marks, self._patience):
            if wanted(mark) or self._breaks(mark, walk.moment):
                return walk.stop()
        # What the frame itself does before the next step here comes after the last step before it.
        there = jump()
        if there is not None and (before := there.back()) is not None:
            walk = Walk(self._timeline, self._thread, before.step)
            marks = iter(walk)
        for mark in marks:
            if wanted(mark) or self._breaks(mark, walk.moment):
                return walk.stop()
        return None

    def back_to(
        self, wanted: Wanted, jump: Callable[[], Moment | None] = lambda: None
    ) -> Stop | None:
        """Go to the last stop of the thread before that is wanted.

        Parameters:
            wanted: says of each stop whether it is.
            jump: returns the step before it, or its own, if it is far.
        """
        marks = back(self._timeline, self._thread, self._start.step, self._start.between)
        for passed, mark in enumerate(marks):
            if wanted(mark) or self._breaks(mark, partial(self._moment, mark)):
                return self._at(mark)
            if passed == self._patience and (there := jump()) is not None:
                return self._last_of(there.step, wanted)
        return None

    def _moment(self, mark: Mark) -> Moment:
        return self._at(mark).moment

    def _at(self, mark: Mark) -> Stop:
        return stop_at(self._timeline, self._thread, mark.step, mark.between)

    def _last_of(self, step: int, wanted: Wanted) -> Stop:
        """Return the last wanted stop after a step and before the thread's next step."""
        found = step, 0
        for mark in Walk(self._timeline, self._thread, step):
            if mark.step != step:
                break
            if wanted(mark):
                found = mark.step, mark.between
        return stop_at(self._timeline, self._thread, *found)


def _no_break(_: Mark, moment: Callable[[], Moment]) -> bool:
    return False


class _Within:
    """Wants the stops of a frame; after its end the first one of any other.

    A frame that can be suspended is not left while it is.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame.number
        self._suspends = frame.code.suspends
        self._ended = False

    def __call__(self, mark: Mark) -> bool:
        if self._ended:
            return True
        if mark.frame != self._frame or mark.kind == CALL:
            return False
        if self._suspends and mark.kind in LEAVES:
            self._ended = mark.kind in ENDS
            return False
        return True


def stop_at(timeline: Timeline, thread: int, step: int, between: int = 0) -> Stop:
    """Return a stop of a thread by its step, and by how many stops are between."""
    walk = Walk(timeline, thread, step, between)
    next(iter(walk))
    return walk.stop()


def last(timeline: Timeline, thread: int) -> Stop | None:
    """Return the last stop of a thread; None if it has no step."""
    if not timeline.steps:
        return None
    step: int | None = timeline.steps - 1
    if timeline.at(timeline.steps - 1).thread.number != thread:
        step = timeline.before(timeline.steps - 1, None, thread)
    if step is None:
        return None
    *_, mark = Walk(timeline, thread, step)
    return stop_at(timeline, thread, mark.step, mark.between)


def uncaught(timeline: Timeline, thread: int) -> Stop | None:
    """Return where the exception was raised that ended a thread; None if none did."""
    end = last(timeline, thread)
    if end is None or end.kind != UNWIND or end.frame.caller is not None:
        return None
    unwound = end.frame.number
    raised: Mark | None = None
    for mark in back(timeline, thread, end.step, end.between):
        if raised is not None:
            if mark.kind != UNWIND:
                break
            # It came into the frame from this one.
            unwound, raised = mark.frame, None
        elif mark.kind == EXCEPTION and mark.frame == unwound:
            raised = mark
    if raised is None:
        return None
    return stop_at(timeline, thread, raised.step, raised.between)


def _numbers(frame: Frame) -> set[int]:
    """Return the numbers of a frame and of those below it."""
    found: set[int] = set()
    each: Frame | None = frame
    while each is not None:
        found.add(each.number)
        each = each.caller
    return found
