"""Blocks that have records of an object, none of which changes the attribute or item that is meant.

An object that changes all the time has records everywhere. Those of one attribute that never
changes are looked at without reading all other records of their blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.replay.contents import CONTENTS
from codetracer.replay.same import same
from codetracer.replay.slots import ObjectSlot
from codetracer.replay.state import State
from codetracer.replay.subjects import inside
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.index_format import KEY_OBJECT

if TYPE_CHECKING:
    from codetracer.replay.indexed import IndexedLog
    from codetracer.replay.slots import Slot
    from codetracer.replay.state import Held

__all__ = ["is_idle"]


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
    contents = _contents(source, slot.number, block)
    if not back:
        del contents[:1]
    return bool(contents) and all(
        held is not None and same(_inside(source, slot, held), value) for held in contents
    )


def _is_object(value: raw.Value) -> bool:
    return type(value) is raw.ReferenceValue


def _inside(source: IndexedLog, slot: ObjectSlot, record: Held) -> raw.Value:
    state = State()
    state.attribute_names = source.attribute_names
    return inside(state, raw.ReferenceValue(slot.number), record, slot.steps[0])


def _contents(source: IndexedLog, number: int, block: int) -> list[Held | None]:
    """Return what an object contains before a block, and after each of its records in the block.

    Returns:
        Nothing if the block has its first records, which are in no posting.
    """
    posting = next(source.index.after(block - 1, KEY_OBJECT, number), None)
    if posting is None or posting.block != block:
        return []
    held = source.content_before(block, number)
    contents = [held]
    for record in source.contents(block, number, posting.last):
        if isinstance(record, CONTENTS):
            held = record
        else:
            held = None if held is None else source.changed(held, record, block)
        contents.append(held)
    return contents
