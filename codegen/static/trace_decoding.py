"""Decodes the fields of the trace log, with one function for each type.

Wrong bytes raise IndexError (they end too early), ValueError (no field has them) or RecursionError
(a value is inside too many others).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple, NoReturn

from codetracer_bindings.trace_format import LARGEST_AGAIN, NESTING
from codetracer_bindings.trace_letters import ALONE
from codetracer_bindings.trace_numbers import take_uint

__all__ = [
    "Take",
    "TakeValue",
    "ValueReaders",
    "no_record",
    "no_value",
    "take_bytes",
    "take_f64",
    "take_sint",
    "take_slice",
    "take_text",
    "take_texts",
    "value_readers",
]


type Take[T] = Callable[[bytes, int], tuple[T, int]]
"""A function that decodes one field: it takes bytes and a byte offset, and returns the field and
the byte offset after it."""

type TakeValue[T] = Callable[[bytes, int, int], tuple[T, int]]
"""The same for what is or has values; the third argument is how many values are around them."""


class ValueReaders(NamedTuple):
    """The functions that decode fields that contain values."""

    value: TakeValue[object]
    values: TakeValue[tuple[object, ...]]
    """Decodes a count, and that many values."""
    attributes: TakeValue[tuple[tuple[int, object], ...]]
    """Decodes a count, and that many attributes: for each a number and a value."""
    earlier: Callable[[bytes, int, int], object]
    """Takes bytes, and two byte offsets: of a value that is there again, and of the earlier one."""


_f64_at = Struct("<d").unpack_from
_NOT_THERE = "a value is said to be where none is that is small and contains no others"
_TOO_DEEP = f"a value is inside more than {NESTING} others"


def take_sint(data: bytes, position: int) -> tuple[int, int]:
    """Return the sint at `position` (byte offset), and the offset after it."""
    number, position = take_uint(data, position)
    return number >> 1 if not number & 1 else -(number + 1 >> 1), position


def take_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    """Return the bytes at `position` (byte offset), and the offset after them."""
    length, position = take_uint(data, position)
    return take_slice(data, position, length)


def take_slice(data: bytes, position: int, length: int) -> tuple[bytes, int]:
    """Return `length` bytes at `position` (byte offset), and the offset after them."""
    end = position + length
    if end > len(data):
        raise IndexError("a text or bytes end too early")
    return data[position:end], end


def take_text(data: bytes, position: int) -> tuple[str, int]:
    """Return the text at `position` (byte offset), and the offset after it."""
    content, position = take_bytes(data, position)
    return content.decode("utf-8", "surrogatepass"), position


def take_f64(data: bytes, position: int) -> tuple[float, int]:
    """Return the float at `position` (byte offset), and the offset after it."""
    content, position = take_slice(data, position, 8)
    number: float = _f64_at(content)[0]
    return number, position


def take_texts(data: bytes, position: int) -> tuple[tuple[str, ...], int]:
    """Return the texts at `position` (byte offset), and the offset after them."""
    count, position = take_uint(data, position)
    texts = []
    for _ in range(count):
        text, position = take_text(data, position)
        texts.append(text)
    return tuple(texts), position


def no_record(data: bytes, position: int) -> tuple[NoReturn, int]:
    """Raise ValueError, because no record has the tag at `position` (byte offset)."""
    raise ValueError(f"there is no record with the tag {data[position]:#04x}")


def no_value(data: bytes, position: int, nesting: int) -> tuple[object, int]:
    """Raise ValueError, because no value has the tag at `position` (byte offset)."""
    raise ValueError(f"there is no value with the tag {data[position]:#04x}")


def value_readers(values: list[TakeValue[object]]) -> ValueReaders:
    """Return the functions that decode fields that contain values.

    Parameters:
        values: the 256 functions that decode a value, by its tag. The list may be filled later.
    """

    def take_value(data: bytes, position: int, nesting: int) -> tuple[object, int]:
        if nesting > NESTING:
            raise RecursionError(_TOO_DEEP)
        return values[data[position]](data, position, nesting)

    def take_values(data: bytes, position: int, nesting: int) -> tuple[tuple[object, ...], int]:
        count, position = take_uint(data, position)
        if nesting > NESTING and count:
            raise RecursionError(_TOO_DEEP)
        found = []
        for _ in range(count):
            value, position = values[data[position]](data, position, nesting)
            found.append(value)
        return tuple(found), position

    def take_attributes(
        data: bytes, position: int, nesting: int
    ) -> tuple[tuple[tuple[int, object], ...], int]:
        count, position = take_uint(data, position)
        if nesting > NESTING and count:
            raise RecursionError(_TOO_DEEP)
        attributes = []
        for _ in range(count):
            number, position = take_uint(data, position)
            value, position = values[data[position]](data, position, nesting)
            attributes.append((number, value))
        return tuple(attributes), position

    def take_earlier(data: bytes, begin: int, place: int) -> object:
        if place >= begin or data[place] not in ALONE:
            raise ValueError(_NOT_THERE)
        found, end = values[data[place]](data, place, 0)
        if end - place > LARGEST_AGAIN:
            raise ValueError(_NOT_THERE)
        return found

    return ValueReaders(take_value, take_values, take_attributes, take_earlier)
