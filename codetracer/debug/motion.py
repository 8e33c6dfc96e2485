"""The ways of a debugger through a recording, as `bdb` goes through a running program, and back."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from codetracer.debug.stops import CALL, ENDS, EXCEPTION, LEAVES, LINE, UNWIND, Walk, back
from codetracer.replay import Line, ObjectValue
from codetracer.replay.exits import is_exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codetracer.debug.stops import Mark, Stop
    from codetracer.replay import Moment, Timeline
    from codetracer.replay.model import Frame

    type Wanted = Callable[[Mark], bool]
    """Says whether a way ends at a stop."""
    type Breaks = Callable[[Mark, Callable[[], Moment]], bool]
    """Says whether a breakpoint ends a way at a stop, given what returns the moment there."""

__all__ = ["Ways", "last", "last_step", "stop_at", "uncaught"]

STOPS_READ: Final = 50_000
"""After so many stops a way no longer reads each of them, and lets the index find its end."""

NEAR: Final = 20
"""So many lines below the wanted one are looked up in the index."""


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
        self._patience = STOPS_READ if breaks is None else None
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
        return self.ahead(_Within(frame), lambda: [self._before_next(_numbers(frame))])

    def back_next(self, frame: Frame) -> Stop | None:
        """Go to the last line or exception before, in this frame or one below it."""
        below = _numbers(frame)
        return self.back_to(
            lambda mark: mark.frame in below and mark.kind in (LINE, EXCEPTION),
            lambda: self._last_before(below),
        )

    def until(self, frame: Frame, line: int) -> Stop | None:
        """Go to a line of a frame that is not above `line`, or to the frame's end."""
        if self._is_leaving(frame):
            return self.step()
        within = _Within(frame)
        return self.ahead(
            lambda mark: within(mark)
            and (mark.frame != frame.number or mark.line >= line or mark.kind in LEAVES),
            lambda: self._near_lines(frame, line),
        )

    def leave(self, frame: Frame) -> Stop | None:
        """Go to the end of a frame; from there, to what its caller does next."""
        caller = frame.caller
        below = _numbers(frame) - {frame.number}
        if self._is_leaving(frame) and caller is not None:
            return self.ahead(
                lambda mark: mark.frame == caller.number and mark.kind != CALL,
                lambda: [self._before_next(below)],
            )
        return self.ahead(
            lambda mark: mark.frame == frame.number and mark.kind in ENDS,
            lambda: [self._before_next(below), self._last_of_frame(frame, below)],
        )

    def back_out(self, frame: Frame) -> Stop | None:
        """Go to the line that called a frame, or made it continue."""
        below = _numbers(frame) - {frame.number}
        return self.back_to(
            lambda mark: mark.frame in below and mark.kind == LINE,
            lambda: self._last_before(below),
        )

    def _is_leaving(self, frame: Frame) -> bool:
        return self._start.kind in LEAVES and frame.number == self._start.frame.number

    def ahead(
        self, wanted: Wanted, resume: Callable[[], Sequence[int]] = lambda: ()
    ) -> Stop | None:
        """Go to the first stop of the thread that is wanted.

        Parameters:
            wanted: says of each stop whether it is.
            resume: returns steps after which it may be, if it is far: right after the first of
                them, or else anywhere after the last.
        """
        start = self._start
        walk = Walk(self._timeline, self._thread, start.step, start.between + 1)
        marks = iter(walk)
        for mark in islice(marks, self._patience):
            if wanted(mark) or self._breaks(mark, walk.moment):
                return walk.stop()
        steps: Sequence[int] = resume() if self._patience is not None else []
        for step in steps:
            walk = Walk(self._timeline, self._thread, step)
            marks = iter(walk)
            for mark in marks:
                if wanted(mark):
                    return walk.stop()
                if mark.step != step and step != steps[-1]:
                    break
        for mark in marks:
            if wanted(mark) or self._breaks(mark, walk.moment):
                return walk.stop()
        return None

    def back_to(
        self, wanted: Wanted, resume: Callable[[], int | None] = lambda: None
    ) -> Stop | None:
        """Go to the last stop of the thread before that is wanted.

        Parameters:
            wanted: says of each stop whether it is.
            resume: returns the step that it belongs to, if it is far.
        """
        marks = back(self._timeline, self._thread, self._start.step, self._start.between)
        for passed, mark in enumerate(marks):
            if wanted(mark) or self._breaks(mark, partial(self._moment, mark)):
                return self._at(mark)
            if passed == self._patience and (step := resume()) is not None:
                return self._last_of(step, wanted)
        return None

    def _near_lines(self, frame: Frame, line: int) -> Sequence[int]:
        """Return the next step at a line of a frame, or at one of some below it, if there is one.

        If none of these lines comes, it is the last step of the frame.
        """
        lines = range(line, line + NEAR)

        def is_here(moment: Moment) -> bool:
            return moment.frame.number == frame.number

        goals = [Line(frame.code.path, number, is_here) for number in lines]
        found = self._start.moment.run(*goals)
        if found is not None:
            return [found.moment.step]
        return [self._last_of_frame(frame, _numbers(frame) - {frame.number})]

    def _before_next(self, frames: set[int]) -> int:
        """Return the last step of the thread before the next step in some frames.

        Returns and exceptions of these frames come between the two steps.
        """
        step = self._timeline.after(self._start.step, [*frames], self._thread)
        before = None if step is None else self._timeline.before(step, None, self._thread)
        return self._last_step() if before is None else before

    def _last_before(self, frames: set[int]) -> int | None:
        return self._timeline.before(self._start.step, [*frames], self._thread)

    def _last_of_frame(self, frame: Frame, below: set[int]) -> int:
        """Return the last step of a frame before the next one in those below it."""
        end = self._timeline.after(self._start.step, [*below], self._thread)
        known = self._last_step() if end is None else end
        found = self._timeline.before(known, [frame.number], self._thread)
        return self._start.step if found is None else max(found, self._start.step)

    def _last_step(self) -> int:
        found = last_step(self._timeline, self._thread)
        return self._start.step if found is None else found

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


def last_step(timeline: Timeline, thread: int) -> int | None:
    """Return the last step of a thread; None if it has none."""
    if not timeline.steps:
        return None
    step = timeline.steps - 1
    if timeline.at(step).thread.number == thread:
        return step
    return timeline.before(step, None, thread)


def last(timeline: Timeline, thread: int) -> Stop | None:
    """Return the last stop of a thread; None if it has no step."""
    step = last_step(timeline, thread)
    if step is None:
        return None
    *_, mark = Walk(timeline, thread, step)
    return stop_at(timeline, thread, mark.step, mark.between)


def uncaught(timeline: Timeline, thread: int) -> Stop | None:
    """Return where the exception was raised that ended a thread; None if none but an exit did."""
    end = last(timeline, thread)
    if end is None or end.kind != UNWIND or end.frame.caller is not None:
        return None
    if isinstance(end.value, ObjectValue) and is_exit(end.value.type_name):
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
