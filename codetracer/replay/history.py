"""The changes of a value, from any moment forwards and backwards."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from codetracer.replay.doing import Doer, Doing
from codetracer.replay.events import CallEvent, StepEvent
from codetracer.replay.idle import is_idle
from codetracer.replay.place import Place
from codetracer.replay.same import same
from codetracer.replay.slots import blocks_of_object
from codetracer_bindings.trace_decoder import ReferenceValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame
    from codetracer.replay.moment import Moment
    from codetracer.replay.replay import Changes
    from codetracer.replay.slots import Holder, Slot
    from codetracer.replay.state import State
    from codetracer.replay.timeline import Timeline
    from codetracer.replay.values import Value
    from codetracer_bindings import trace_decoder as raw

__all__ = ["Cause", "Found", "Watch", "Write", "cause", "next_block", "writes"]


class Found(NamedTuple):
    """A change of a slot in a block."""

    event: int
    """The number of the block's events before the one at which it became known."""
    steps: int
    """The number of the process's steps that had begun when it happened."""
    frame: Frame | None
    """As in `Write`."""
    step: int
    """The step whose line made it; -1 if it was no line."""
    how: str
    """As in `Write`."""
    before: raw.Value
    after: raw.Value


class Write:
    """A change of a value.

    Attributes:
        subject: what has changed, as a text.
        place: the step whose line made it; None if it was no line, as an argument that code that is
            not recorded bound.
        frame: the frame of that line; if a call bound an argument, the frame that was called. None
            if it is not recorded. Its line and its variables are those of some later time.
        how: ``line``: the line bound the variable, attribute or item; ``argument``: the call did;
            ``contents``: the line changed an attribute or an item of the object that it holds.
    """

    def __init__(self, timeline: Timeline, subject: str, block: int, found: Found) -> None:
        self._timeline = timeline
        self._block = block
        self._found = found
        self.subject = subject
        self.place = Place(timeline.number, found.step) if found.step >= 0 else None
        self.frame = None if found.frame is None else copy(found.frame)
        self.how = found.how

    def __repr__(self) -> str:
        return f"<Write {self.subject} {self.how} {self.place}>"

    @cached_property
    def moment(self) -> Moment | None:
        """The moment right before the line that made it; None if it was no line."""
        return None if self.place is None else self._timeline.at(self.place.step)

    @cached_property
    def before(self) -> Value:
        """The value before; `Hidden` ``unbound`` if there was none."""
        return self._values[0]

    @cached_property
    def after(self) -> Value:
        """The value after; `Hidden` ``unbound`` if it was deleted."""
        return self._values[1]

    @cached_property
    def _values(self) -> tuple[Value, Value]:
        replay = self._timeline.look(self._block, self._found.event).replay
        changes, state = replay.changes, replay.state
        assert changes is not None
        after = state.resolve(self._found.after)
        now = {number: state.objects[number] for number in changes.objects}
        state.objects.update(
            (number, record) for number, record in changes.objects.items() if record is not None
        )
        before = state.resolve(self._found.before)
        state.objects.update(now)
        return before, after


def writes(timeline: Timeline, slot: Slot, step: int, *, back: bool) -> Iterator[Write]:
    """Yield the changes of a slot after a step, in order, or before it, the last one first."""
    number: int | None = timeline.block_of(step)
    first = True
    while number is not None:
        seen = _scan(timeline, number, slot)
        found = seen.found
        if first:
            found = [each for each in found if (each.steps <= step) is back]
            first = False
        for each in reversed(found) if back else found:
            yield Write(timeline, slot.subject, number, each)
        number = next_block(timeline, slot, number, seen.first if back else seen.last, back=back)


def next_block(
    timeline: Timeline, slot: Slot, block: int, value: raw.Value, *, back: bool
) -> int | None:
    """Return the number of the nearest block in which a slot, or what it holds, may change."""
    number = _candidate(timeline, slot, block, value, back=back)
    while number is not None and is_idle(timeline.source, slot, number, value, back=back):
        number = _candidate(timeline, slot, number, value, back=back)
    return number


def _candidate(
    timeline: Timeline, slot: Slot, block: int, value: raw.Value, *, back: bool
) -> int | None:
    """Return the number of the nearest block with records about a slot, or what it holds."""
    index = timeline.index
    found = [next(slot.blocks(index, block, back=back), None)]
    if type(value) is ReferenceValue:
        held = blocks_of_object(index, value.number, block, back=back)
        found.append(next(held, None))
    there = [number for number in found if number is not None]
    if not there:
        return None
    return max(there) if back else min(there)


class _Scan(NamedTuple):
    """The changes of a slot in a block."""

    found: list[Found]
    first: raw.Value
    """Its value before the block."""
    last: raw.Value
    """Its value after it."""


def _scan(timeline: Timeline, number: int, slot: Slot) -> _Scan:
    block = timeline.block(number, note_changes=True)
    replay, doing = block.replay, Doing(block)
    watch = Watch(slot.holder(block), replay.state)
    changes = replay.changes
    assert changes is not None
    first = watch.value
    found: list[Found] = []
    for count, event in enumerate(block):
        doer = doing.see(event)
        if event.frame is None:
            continue
        change = watch.see(event, changes)
        if change is not None:
            steps = event.number if type(event) is StepEvent else replay.steps
            found.append(Found(count, steps, *cause(event, doer, change.how), *change[1:]))
        changes.clear()
    return _Scan(found, first, watch.value)


class _Change(NamedTuple):
    how: str
    before: raw.Value
    after: raw.Value


class Watch:
    """Notices the changes of a slot at the events of a block.

    Attributes:
        value: the current value.
    """

    def __init__(self, holder: Holder, state: State) -> None:
        self._holder = holder
        self._state = state
        self.value = holder.value()

    def see(self, event: Event, changes: Changes) -> _Change | None:
        """Return how the value has changed before an event; None if it has not."""
        touched = self._holder.touched(event, changes)
        if touched is not None:
            self.value = self._holder.value()
            if not same(touched.before, self.value):
                return _Change(touched.how, touched.before, self.value)
        value = self.value
        if type(value) is ReferenceValue and value.number in changes.objects:
            record = changes.objects[value.number]
            if record is not None and not same(record, self._state.objects[value.number]):
                return _Change("contents", value, value)
        return None


class Cause(NamedTuple):
    """The line or operation that made a change."""

    frame: Frame | None
    """As in `Write`."""
    step: int
    """The step whose line it was; -1 if it was no line."""
    how: str
    """As in `Write`."""


def cause(event: Event, doer: Doer | None, how: str) -> Cause:
    """Return what made a change that became known at an event.

    Parameters:
        event: the event.
        doer: the line that ran until then.
        how: how the value was changed.
    """
    if type(event) is CallEvent and how == "argument":
        return Cause(event.frame, -1 if doer is None else doer.step, how)
    if doer is None:
        return Cause(None, -1, how)
    frame, step = doer
    if step < 0:
        # Between a call and its first line.
        return Cause(frame, -1 if frame.caller is None else frame.caller.step, "argument")
    return Cause(frame, step, how)
