"""The contents of objects, of which a log often has only the changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from codetracer.recording.decoder import decode_record, positions_of
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import (
    FORM_DICT,
    LARGEST_CHANGED,
    RECORD_ATTRIBUTES_SET,
    RECORD_ITEMS_REPLACED,
    RECORD_ITEMS_SET,
    RECORD_OBJECT,
    RECORD_WORDED,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.state import Held

__all__ = ["CHANGES", "CONTENTS", "Change", "changed", "contents_in"]

type Change = raw.AttributesSetRecord | raw.ItemsSetRecord | raw.ItemsReplacedRecord
"""A change of the content of an object."""

CONTENTS: Final = (raw.ObjectRecord, raw.WordedRecord)
"""The kinds of records that have a whole content."""

CHANGES: Final = (raw.AttributesSetRecord, raw.ItemsSetRecord, raw.ItemsReplacedRecord)
"""The kinds of records that have a change."""

TAGS: Final = bytes(
    (
        RECORD_OBJECT,
        RECORD_WORDED,
        RECORD_ATTRIBUTES_SET,
        RECORD_ITEMS_SET,
        RECORD_ITEMS_REPLACED,
    )
)


def changed(held: Held, record: Change) -> Held:
    """Return a content after a change.

    Raises:
        ValueError: the content cannot change in this way.
    """
    if max(len(held.items), len(held.attributes)) > LARGEST_CHANGED:
        raise ValueError(f"object {record.number} is too large for changes")
    if isinstance(record, raw.AttributesSetRecord):
        return held._replace(attributes=_attributes(held.attributes, record.attributes))
    items = list(held.items)
    if isinstance(record, raw.ItemsSetRecord):
        most = record.total * 2 if held.form == FORM_DICT else record.total
        del items[most:]
        for at, item in record.items:
            if at > len(items):
                raise ValueError(f"object {record.number} has no item {at}")
            items[at : at + 1] = [item]
    else:
        end = len(items) - record.last
        if record.first > end:
            raise ValueError(f"object {record.number} has fewer items than are kept")
        items[record.first : end] = record.items
    return held._replace(total=record.total, items=tuple(items))


def _attributes(
    before: tuple[tuple[int, raw.Value], ...], new: Iterable[tuple[int, raw.Value]]
) -> tuple[tuple[int, raw.Value], ...]:
    attributes: list[tuple[int, raw.Value] | None] = list(before)
    places = {number: at for at, (number, _) in enumerate(before)}
    for number, value in new:
        at = places.get(number)
        if type(value) is raw.UnboundValue:
            if at is None:
                raise ValueError(f"there is no attribute {number} to take away")
            attributes[places.pop(number)] = None
        elif at is None:
            places[number] = len(attributes)
            attributes.append((number, value))
        else:
            attributes[at] = number, value
    return tuple(attribute for attribute in attributes if attribute is not None)


def contents_in(data: bytes, number: int, until: int) -> list[Held | Change]:
    """Return the records of an object in a block, in order.

    Parameters:
        data: the records of the block.
        number: the object's number.
        until: where the last of them begins (byte offset).

    Raises:
        ValueError, IndexError, OverflowError, RecursionError: a record cannot be read.
    """
    found = [at for at in positions_of(data, TAGS, number) if at <= until]
    return [cast("Held | Change", decode_record(data, at)[0]) for at in found]
