"""One seeker for each kind of goal: which blocks can have it, and at which step it is reached."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from codetracer.replay.events import CallEvent, RaiseEvent, StepEvent, UnwindEvent
from codetracer.replay.goals import Change, Function, Line, Raise
from codetracer.replay.history import Watch, cause, next_block
from codetracer.replay.slots import slot_of
from codetracer_bindings.index_format import KEY_CALL, KEY_FRAME, KEY_LINE
from codetracer_bindings.trace_decoder import CallRecord, ReferenceValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.doing import Doer
    from codetracer.replay.events import Event
    from codetracer.replay.goals import Goal
    from codetracer.replay.moment import Moment
    from codetracer.replay.replay import Changes
    from codetracer.replay.timeline import Block, Timeline
    from codetracer_bindings import trace_decoder as raw

__all__ = ["Seeker", "seeker_of"]


class _LineSeeker:
    def __init__(self, timeline: Timeline, goal: Line) -> None:
        self._index = timeline.index
        self._line = goal.line
        ends = f"/{goal.path}", f"\\{goal.path}"
        self._codes = {
            code.number
            for code in timeline.source.codes
            if code.path == goal.path or code.path.endswith(ends)
        }

    def blocks(self, block: int, *, back: bool) -> Iterator[int]:
        keys = [(KEY_LINE, code, self._line) for code in self._codes]
        return self._index.blocks_of(block, keys, back=back)

    def begin(self, _: Block) -> None:
        pass

    def see(self, event: Event, _: Doer | None) -> int:
        if (
            type(event) is StepEvent
            and event.line == self._line
            and event.frame.code.number in self._codes
        ):
            return event.number
        return -1


class _FunctionSeeker:
    def __init__(self, timeline: Timeline, goal: Function) -> None:
        self._timeline = timeline
        self._index = timeline.index
        self._codes = {code.number for code in timeline.source.codes if code.is_named(goal.name)}
        # The frames that were called and had no step yet, as other threads ran in between.
        self._called: set[int] = set()
        self._block = -1

    def blocks(self, block: int, *, back: bool) -> Iterator[int]:
        keys = [(KEY_CALL, code, 0) for code in self._codes]
        found = self._index.blocks_of(block, keys, back=back)
        return self._earlier(block, found) if back else self._later(found)

    def _later(self, found: Iterator[int]) -> Iterator[int]:
        late = self._late()
        for number in chain(found, (self._index.blocks,)):
            while late and min(late) < number:
                yield min(late)
                late = self._late()
            if number < self._index.blocks:
                yield number
                late = self._late()

    def _late(self) -> set[int]:
        """Return the numbers of the blocks in which frames that were called have a first step."""
        return self._first_steps(self._called, self._block)

    def _earlier(self, end: int, found: Iterator[int]) -> Iterator[int]:
        for number in found:
            called = {
                frame.number
                for stack in self._index.stacks(number + 1).values()
                for frame in stack.frames
                if frame.step == 0 and frame.code in self._codes
            }
            late = self._first_steps(called, number)
            yield from sorted((each for each in late if each < end), reverse=True)
            yield number
            end = number

    def _first_steps(self, frames: set[int], block: int) -> set[int]:
        found = set[int]()
        for frame in frames:
            later = self._index.after(block, KEY_FRAME, frame)
            found.update([row.block for row in later if row.records][:1])
        return found

    def begin(self, block: Block) -> None:
        self._block = block.number
        self._called = {
            frame.number
            for frame in block.frames
            if frame.step < 0 and frame.code.number in self._codes and self._is_call(frame.number)
        }

    def _is_call(self, frame: int) -> bool:
        return isinstance(self._timeline.source.record(*self._index.call(frame)), CallRecord)

    def see(self, event: Event, _: Doer | None) -> int:
        if type(event) is CallEvent:
            if event.frame.code.number in self._codes and not event.entered:
                self._called.add(event.frame.number)
        elif type(event) is StepEvent and event.frame.number in self._called:
            self._called.remove(event.frame.number)
            return event.number
        return -1


class _RaiseSeeker:
    def __init__(self, timeline: Timeline, goal: Raise) -> None:
        self._timeline = timeline
        self._index = timeline.index
        self._type = goal.type
        # The exception that has just ended a frame, by thread; None where something else came last.
        self._passing: dict[int, object] = {}
        self._block: Block | None = None

    def blocks(self, block: int, *, back: bool) -> Iterator[int]:
        numbers = range(block - 1, -1, -1) if back else range(block + 1, self._index.blocks)
        return (number for number in numbers if self._index.block(number).raises)

    def begin(self, block: Block) -> None:
        self._block = block
        self._passing = {}

    def see(self, event: Event, _: Doer | None) -> int:
        thread = event.thread.number
        passing = self._passing.get(thread, self)
        self._passing[thread] = _identity(event.raw) if type(event) is UnwindEvent else None
        if type(event) is not RaiseEvent or not self._is_wanted(event.raw):
            return -1
        if passing is self and self._block is not None:
            passing = self._last_ended(self._block.number, thread)
        return -1 if passing == _identity(event.raw) else event.frame.step

    def _is_wanted(self, exception: raw.Value) -> bool:
        if self._type is None:
            return True
        assert self._block is not None
        state = self._block.replay.state
        if type(exception) is not ReferenceValue:
            return False
        record = state.objects.get(exception.number)
        if record is None or record.type_number >= len(state.types):
            return False
        name = state.types[record.type_number]
        return self._type in (name, name.rpartition(".")[2])

    def _last_ended(self, block: int, thread: int) -> object:
        """Return the exception that ended a frame last in a thread before a block, or None."""
        for number in range(block - 1, -1, -1):
            last: object = self
            for event in self._timeline.block(number):
                if event.thread.number == thread:
                    last = _identity(event.raw) if type(event) is UnwindEvent else None
            if last is not self:
                return last
        return None


def _identity(exception: raw.Value) -> object:
    return exception.number if type(exception) is ReferenceValue else type(exception)


class _ChangeSeeker:
    def __init__(self, timeline: Timeline, here: Moment, goal: Change) -> None:
        self._timeline = timeline
        self._slot = slot_of(timeline, here, goal.subject, goal.frame or here.frame)
        self._watch: Watch | None = None
        self._first: raw.Value = None
        self._changes: Changes | None = None

    def blocks(self, block: int, *, back: bool) -> Iterator[int]:
        number: int | None = block
        while number is not None:
            assert self._watch is not None
            value = self._first if back else self._watch.value
            number = next_block(self._timeline, self._slot, number, value, back=back)
            if number is not None:
                yield number

    def begin(self, block: Block) -> None:
        self._watch = Watch(self._slot.holder(block), block.replay.state)
        self._first = self._watch.value
        self._changes = block.replay.changes

    def see(self, event: Event, doer: Doer | None) -> int:
        if event.frame is None or self._watch is None or self._changes is None:
            return -1
        change = self._watch.see(event, self._changes)
        return -1 if change is None else cause(event, doer, change.how).step


type Seeker = _LineSeeker | _FunctionSeeker | _RaiseSeeker | _ChangeSeeker
"""Looks for one goal.

``blocks`` yields the numbers of the blocks after (before) a block that can have the goal, each
when the one before was read. ``begin`` takes a block, none of whose events were read. ``see`` takes
its events, with the line that ran until then, and returns the step at which the goal is reached,
or -1."""


def seeker_of(timeline: Timeline, here: Moment, goal: Goal) -> Seeker:
    """Return what looks for a goal.

    Raises:
        TargetError: ERR_NOT_IN_TRACE, there is no such variable.
    """
    match goal:
        case Line():
            return _LineSeeker(timeline, goal)
        case Function():
            return _FunctionSeeker(timeline, goal)
        case Raise():
            return _RaiseSeeker(timeline, goal)
        case Change():
            return _ChangeSeeker(timeline, here, goal)
