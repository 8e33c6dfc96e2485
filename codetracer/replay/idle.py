"""Blocks that have records of an object, none of which changes the attribute or item that is meant.

An object that changes all the time has records everywhere. Those of one attribute that never
changes are looked at without reading all other records of their blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.recording.decoder import decode_record
from codetracer.recording.reader import DECODE_ERRORS
from codetracer.replay.same import same
from codetracer.replay.slots import ObjectSlot
from codetracer.replay.state import State
from codetracer.replay.subjects import inside
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.index_format import KEY_OBJECT
from codetracer_bindings.trace_encoder import encode_object, encode_worded
from codetracer_bindings.trace_encoding import put_uint

if TYPE_CHECKING:
    from codetracer.replay.indexed import IndexedLog
    from codetracer.replay.slots import Slot
    from codetracer.replay.state import Held

__all__ = ["is_idle"]

TAGS: Final = (
    encode_object(0, 0, 0, 0, (), 0, ())[:1],
    encode_worded(0, 0, 0, 0, (), 0, (), 0, b"")[:1],
)
"""How a record of an object begins; its number follows."""


def is_idle(source: IndexedLog, slot: Slot, block: int, value: raw.Value, *, back: bool) -> bool:
    """Return whether it is certain that a slot keeps its value in a block.

    Parameters:
        source: the log, with its index.
        slot: the slot.
        block: the number of a block that may change it.
        value: the value after the block if `back`, or else before it.
        back: whether the search goes backwards.
    """
    # What an object contains that the slot holds is in other records.
    if not isinstance(slot, ObjectSlot) or len(slot.steps) != 1 or _is_object(value):
        return False
    records = _records(source, slot.number, block)
    if records is None:
        return False
    if back:
        before = _before(source, slot.number, block)
        if before is None:
            return False
        records.append(before)
    return all(same(_inside(source, slot, record), value) for record in records)


def _is_object(value: raw.Value) -> bool:
    return type(value) is raw.ReferenceValue


def _inside(source: IndexedLog, slot: ObjectSlot, record: Held) -> raw.Value:
    state = State()
    state.attribute_names = source.attribute_names
    return inside(state, raw.ReferenceValue(slot.number), record, slot.steps[0])


def _records(source: IndexedLog, number: int, block: int) -> list[Held] | None:
    """Return the records of an object in a block; None if they cannot be told from other bytes."""
    posting = next(source.index.after(block - 1, KEY_OBJECT, number), None)
    if posting is None or posting.block != block:
        # The first records of an object are in no posting.
        return None
    if posting.records == 1:
        return _held(source, number, block, posting.last)
    data = source.data(block)
    found: list[Held] = []
    for tag in TAGS:
        prefix = tag + put_uint(number)
        at = data.find(prefix)
        while at >= 0:
            # All records are here, and perhaps bytes inside others that only look like one.
            found.extend(_held(source, number, block, at) or ())
            at = data.find(prefix, at + 1)
    return found if len(found) == posting.records else None


def _held(source: IndexedLog, number: int, block: int, at: int) -> list[Held] | None:
    try:
        record = decode_record(source.data(block), at)[0]
    except DECODE_ERRORS:
        return None
    if isinstance(record, raw.ObjectRecord | raw.WordedRecord) and record.number == number:
        return [record]
    return None


def _before(source: IndexedLog, number: int, block: int) -> Held | None:
    """Return the last record of an object before a block."""
    born = source.index.block_of_object(number)
    posting = next(source.index.before(block, KEY_OBJECT, number, first=born), None)
    where = (posting.block, posting.last) if posting else source.index.new_object(number)
    if where is None or where[0] >= block:
        return None
    held = _held(source, number, *where)
    return held[0] if held else None
