"""Decodes the records of a block, by the functions that a decoder has for each tag.

On wrong bytes it raises the errors of these functions; at the end, IndexError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codetracer_bindings.trace_numbers import take_uint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codetracer_bindings.trace_decoding import Take, TakeValue

__all__ = ["BlockRecords", "Decoding", "decoding"]


class Decoding[R](NamedTuple):
    """The functions that decode a record or a value by its tag."""

    record: Take[R]
    value: Take[object]
    positions_of: Callable[[bytes, bytes, int], list[int]]


def decoding[R](records: list[Take[R]], values: list[TakeValue[object]]) -> Decoding[R]:
    """Return the functions that decode a record or a value by its tag.

    Parameters:
        records: the 256 functions that decode a record, by its tag. The list may be filled later.
        values: the same for values.
    """

    def decode_record(data: bytes, position: int) -> tuple[R, int]:
        """Return the record at `position` (byte offset), and the offset after it."""
        return records[data[position]](data, position)

    def decode_value(data: bytes, position: int) -> tuple[object, int]:
        """Return the value at `position` (byte offset), and the offset after it."""
        return values[data[position]](data, position, 0)

    def positions_of(data: bytes, tags: bytes, number: int) -> list[int]:
        """Return where records begin that have one of some tags, and a number behind it.

        Parameters:
            data: whole records.
            tags: the tags, none of which is short.
            number: the first field, a uint.

        Returns:
            The byte offsets, in order.
        """
        found, position = [], 0
        while position < len(data):
            begin = position
            _, position = decode_record(data, position)
            if data[begin] in tags and take_uint(data, begin + 1)[0] == number:
                found.append(begin)
        return found

    return Decoding(decode_record, decode_value, positions_of)


class BlockRecords[R]:
    """The records of one block, in order.

    Iterating raises what `decode_record` does.

    Parameters:
        data: the records.

    Attributes:
        position: where the record begins that was read last, or cannot be read (byte offset).
    """

    __slots__ = ("_data", "position")

    _readers: list[Take[R]]
    """The 256 functions that decode a record, by its tag."""
    _whole: list[R | None]
    """The record that a tag is without any more bytes; None if it has some."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def __iter__(self) -> Iterator[R]:
        data, position, end = self._data, 0, len(self._data)
        readers, whole = self._readers, self._whole
        while position < end:
            self.position = position
            record = whole[data[position]]
            if record is None:
                record, position = readers[data[position]](data, position)
            else:
                position += 1
            yield record
