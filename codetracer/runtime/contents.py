"""Remembers what was written of objects, so that only what has changed is written.

It remembers for as many bytes as a block has. After that, whole contents are written again, so that
a reader finds the content of an object without reading far back. `native/engine/contents.c` does
the same.
"""

from __future__ import annotations

from codetracer.own import seal
from codetracer_bindings.trace_encoder import (
    encode_attributes_set,
    encode_items_replaced,
    encode_items_set,
    value_unbound,
)
from codetracer_bindings.trace_format import BLOCK_SIZE, FORM_DICT, LARGEST_CHANGED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypedDict

    class Content(TypedDict):
        """The fields of an `object` record but the number."""

        form: int
        type_number: int
        total: int
        items: list[bytes]
        more: int
        attributes: list[tuple[int, bytes]]


__all__ = ["Contents"]

seal(globals())

_GONE: Final = value_unbound()


class Contents:
    """The contents of the objects that were written lately.

    Attributes:
        held: the content of each, by its number; None for one that is not written in parts.
    """

    def __init__(self) -> None:
        self.held: dict[int, Content | None] = {}
        self._passed = 0

    def changed(self, number: int, whole: bytes, now: Content | None) -> bytes:
        """Return the record of a content, or shorter records of what is new in it.

        Parameters:
            number: the object's number.
            whole: the record of the whole content.
            now: the content; None if it is not written in parts.
        """
        before = self.held.get(number)
        records = None if before is None or now is None else _changes(number, before, now)
        return whole if records is None or len(records) >= len(whole) else records

    def passed(self, size: int) -> None:
        """Note that records were written.

        Parameters:
            size: their size in bytes.
        """
        self._passed += size
        if self._passed >= BLOCK_SIZE:
            self.forget()

    def forget(self) -> None:
        """Write the content of each object as a whole when it changes next."""
        self.held.clear()
        self._passed = 0


def _changes(number: int, before: Content, now: Content) -> bytes | None:
    """Return the records of what is new in a content; None if there can be none."""
    if before["form"] != now["form"] or before["type_number"] != now["type_number"]:
        return None
    if before["more"] != now["more"]:
        return None
    for content in (before, now):
        if max(len(content["items"]), len(content["attributes"])) > LARGEST_CHANGED:
            return None
    records = b""
    if before["total"] != now["total"] or before["items"] != now["items"]:
        replaced = _items_replaced(number, before["items"], now)
        records = _items_set(number, before["items"], now)
        if not records or len(replaced) < len(records):
            records = replaced
    if before["attributes"] != now["attributes"]:
        attributes = _attributes_set(before["attributes"], now["attributes"])
        if attributes is None:
            return None
        records += encode_attributes_set(number=number, attributes=attributes)
    return records or None


def _items_set(number: int, before: list[bytes], now: Content) -> bytes:
    """Return the record of the items that differ; nothing if items are gone within the others."""
    total, items = now["total"], now["items"]
    kept = min(len(before), total * 2 if now["form"] == FORM_DICT else total)
    if len(items) < kept:
        return b""
    return encode_items_set(
        number=number,
        total=total,
        items=[(at, item) for at, item in enumerate(items) if at >= kept or item != before[at]],
    )


def _items_replaced(number: int, before: list[bytes], now: Content) -> bytes:
    items = now["items"]
    most = min(len(before), len(items))
    first = last = 0
    while first < most and before[first] == items[first]:
        first += 1
    while last < most - first and before[-1 - last] == items[-1 - last]:
        last += 1
    return encode_items_replaced(
        number=number,
        total=now["total"],
        first=first,
        last=last,
        items=items[first : len(items) - last],
    )


def _attributes_set(
    before: list[tuple[int, bytes]], now: list[tuple[int, bytes]]
) -> list[tuple[int, bytes]] | None:
    """Return the attributes that differ; None if one of them is there more than once."""
    found, position = [], 0
    for number, value in before:
        if position == len(now) or now[position][0] != number:
            found.append((number, _GONE))
        else:
            if now[position][1] != value:
                found.append(now[position])
            position += 1
    found += now[position:]
    numbers = [number for number, _ in before], [number for number, _ in now]
    for number, _ in found:
        if numbers[0].count(number) > 1 or numbers[1].count(number) > 1:
            return None
    return found
