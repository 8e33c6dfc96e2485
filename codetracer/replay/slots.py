"""The slots that hold a subject's value: variables of a frame, global variables, and objects."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from codetracer.errors import TargetError
from codetracer.replay import events
from codetracer.replay.details import lacking_in
from codetracer.replay.subjects import UNBOUND, follow, inside, parse_subject
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.index_format import KEY_GLOBAL, KEY_OBJECT, KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.events import Event
    from codetracer.replay.index import Index
    from codetracer.replay.model import Frame
    from codetracer.replay.moment import Moment
    from codetracer.replay.replay import Changes
    from codetracer.replay.state import Held, State
    from codetracer.replay.subjects import Step
    from codetracer.replay.timeline import Block, Timeline

__all__ = [
    "Global",
    "Holder",
    "Local",
    "ObjectSlot",
    "Slot",
    "Touched",
    "blocks_of_object",
    "slot_of",
]


class Touched(NamedTuple):
    """Something bound a slot, perhaps to the same value."""

    how: str
    """As in `Write`."""
    before: raw.Value
    """The value before."""


class Local(NamedTuple):
    """A local variable of a frame."""

    subject: str
    frame: int
    variable: int
    steps: tuple[Step, ...]

    def blocks(self, index: Index, block: int, *, back: bool) -> Iterator[int]:
        """Yield the numbers of the blocks after (before) a block in which it may change."""
        key = KEY_VARIABLE, self.frame, self.variable
        if not back:
            return (row.block for row in index.after(block, *key))
        born = index.block_of_call(self.frame)
        earlier = (row.block for row in index.before(block, *key, first=born))
        return _and_birth(earlier, born, block)

    def holder(self, block: Block) -> Holder:
        """Return what follows it through a block, none of whose events were read."""
        return _LocalHolder(self, block)


class _LocalHolder:
    def __init__(self, slot: Local, block: Block) -> None:
        self._slot = slot
        self._state = block.replay.state
        self._frame: Frame | None = block.frame(slot.frame)

    def value(self) -> raw.Value:
        if self._frame is None:
            return UNBOUND
        value = self._frame.values.get(self._slot.variable, UNBOUND)
        return follow(self._state, value, self._slot.steps)

    def touched(self, event: Event, changes: Changes) -> Touched | None:
        if self._frame is None:
            if type(event) is events.CallEvent and event.frame.number == self._slot.frame:
                self._frame = event.frame
                return Touched("argument", UNBOUND)
            return None
        key = self._frame, self._slot.variable
        if key not in changes.variables:
            return None
        return Touched("line", follow(self._state, changes.variables[key], self._slot.steps))


class Global(NamedTuple):
    """A global variable."""

    subject: str
    namespace: int
    name: str
    minor: int
    steps: tuple[Step, ...]

    def blocks(self, index: Index, block: int, *, back: bool) -> Iterator[int]:
        """Yield the numbers of the blocks after (before) a block in which it may change."""
        find = index.before if back else index.after
        return (row.block for row in find(block, KEY_GLOBAL, self.namespace, self.minor))

    def holder(self, block: Block) -> Holder:
        """Return what follows it through a block, none of whose events were read."""
        return _GlobalHolder(self, block.replay.state)


class _GlobalHolder:
    def __init__(self, slot: Global, state: State) -> None:
        self._slot = slot
        self._state = state

    def value(self) -> raw.Value:
        held = self._state.namespaces.get(self._slot.namespace)
        value = UNBOUND if held is None else held.get(self._slot.name, UNBOUND)
        return follow(self._state, value, self._slot.steps)

    def touched(self, event: Event, changes: Changes) -> Touched | None:
        slot = self._slot
        for (frame, number), before in changes.variables.items():
            code = frame.code
            index = number - len(code.variables)
            is_there = index >= 0 and code.namespace == slot.namespace
            if is_there and code.global_names[index] == slot.name:
                return Touched("line", follow(self._state, before, slot.steps))
        return None


class ObjectSlot(NamedTuple):
    """An object, or an attribute or item of it."""

    subject: str
    number: int
    steps: tuple[Step, ...]

    def blocks(self, index: Index, block: int, *, back: bool) -> Iterator[int]:
        """Yield the numbers of the blocks after (before) a block in which it may change."""
        return blocks_of_object(index, self.number, block, back=back)

    def holder(self, block: Block) -> Holder:
        """Return what follows it through a block, none of whose events were read."""
        return _ObjectHolder(self, block.replay.state)


class _ObjectHolder:
    def __init__(self, slot: ObjectSlot, state: State) -> None:
        self._slot = slot
        self._state = state
        self._itself = raw.ReferenceValue(slot.number)

    def value(self) -> raw.Value:
        return self._in(self._state.objects.get(self._slot.number))

    def touched(self, event: Event, changes: Changes) -> Touched | None:
        number = self._slot.number
        if number not in changes.objects:
            return None
        return Touched("line", self._in(changes.objects[number]))

    def _in(self, record: Held | None) -> raw.Value:
        if record is None:
            return UNBOUND
        if not self._slot.steps:
            return self._itself
        first, *rest = self._slot.steps
        value = inside(self._state, self._itself, record, first)
        return follow(self._state, value, tuple(rest))


type Slot = Local | Global | ObjectSlot
"""A place that has one value at a time; `steps` lead from what has records of its own to it."""

type Holder = _LocalHolder | _GlobalHolder | _ObjectHolder
"""Follows the value of a slot through the events of one block.

``value`` returns the value now, and ``touched`` what changed it at an event, or None."""


def blocks_of_object(index: Index, number: int, block: int, *, back: bool) -> Iterator[int]:
    """Yield the numbers of the blocks after (before) a block with records of an object."""
    born = index.block_of_object(number)
    if back:
        earlier = (row.block for row in index.before(block, KEY_OBJECT, number, first=born))
        return _and_birth(earlier, born, block)
    later = (row.block for row in index.after(max(block, born), KEY_OBJECT, number))
    return chain((born,), later) if block < born < index.blocks else later


def _and_birth(earlier: Iterator[int], born: int, block: int) -> Iterator[int]:
    """Yield the numbers of earlier blocks, and at the end that of the first if it is not there."""
    last = block
    for last in earlier:
        yield last
    if born < last:
        yield born


def slot_of(timeline: Timeline, moment: Moment, subject: str, frame: Frame) -> Slot:
    """Return where the value is kept to which a text leads at a moment.

    Raises:
        TargetError: ERR_NOT_IN_TRACE, the text leads nowhere there.
    """
    path, state, code = parse_subject(subject), moment.state, frame.code
    slot: Slot
    if path.number < 0 and (why := lacking_in(code)):
        raise _nowhere(moment, subject, why)
    if path.number >= 0:
        if timeline.index.block_of_object(path.number) == timeline.index.blocks:
            raise _nowhere(moment, subject, f"there is no object #{path.number}")
        slot = ObjectSlot(subject, path.number, path.steps)
        return _inside(moment, slot, raw.ReferenceValue(path.number))
    if path.name in code.variables:
        variable = code.variables.index(path.name)
        slot = Local(subject, frame.number, variable, path.steps)
        value = frame.values.get(variable, UNBOUND)
    else:
        minor = timeline.source.global_names.get(path.name)
        held = state.namespaces.get(code.namespace, {})
        value = held.get(path.name, UNBOUND)
        if minor is None or (path.name not in code.global_names and value is UNBOUND):
            raise _nowhere(moment, subject, f"{code.shown_name} has no variable {path.name}")
        slot = Global(subject, code.namespace, path.name, minor, path.steps)
    return _inside(moment, slot, value)


def _inside(moment: Moment, slot: Slot, value: raw.Value) -> Slot:
    """Return the slot in the last object on the way from a value; `slot` if there is none."""
    steps = slot.steps
    for done, step in enumerate(steps):
        if type(value) is raw.ReferenceValue:
            slot = ObjectSlot(slot.subject, value.number, steps[done:])
        elif type(value) is not tuple and type(value) is not raw.CutTupleValue:
            reason = f"the value before {_said(step)} is not an object"
            raise _nowhere(moment, slot.subject, reason)
        value = follow(moment.state, value, (step,))
    return slot


def _said(step: Step) -> str:
    kind, key = step
    return f".{key}" if kind == "." else f"[{key!r}]"


def _nowhere(moment: Moment, subject: str, reason: str) -> TargetError:
    return TargetError(
        "ERR_NOT_IN_TRACE",
        f"{subject!r} leads nowhere at {moment.place}: {reason}",
        {"subject": subject, "step": moment.step},
    )
