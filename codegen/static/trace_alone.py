"""Finds the values in records of the trace log that contain no others, such as texts."""

from __future__ import annotations

from codetracer_bindings.own import seal
from codetracer_bindings.trace_format import LARGEST_AGAIN
from codetracer_bindings.trace_letters import ALONE, LENGTHS, RECORD_LETTERS, VALUE_LETTERS
from codetracer_bindings.trace_numbers import take_uint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["LEAST_AGAIN", "alone_in"]

seal(globals())

LEAST_AGAIN: Final = 5
"""The least size in bytes of a value that is not written again; what stands for it has up to 4."""


def alone_in(data: bytes) -> list[tuple[int, int]]:
    """Return the begin and end (byte offsets) of each value that can be written as `again`.

    It contains no others, and takes more bytes than what stands for it, and `LARGEST_AGAIN` at
    most.

    Parameters:
        data: whole records.
    """
    found: list[tuple[int, int]] = []
    position = 0
    while position < len(data):
        tag = data[position]
        position = _fields(data, position + 1, tag, RECORD_LETTERS[tag], found)
    return found


def _fields(
    data: bytes, position: int, tag: int, letters: str, found: list[tuple[int, int]]
) -> int:
    for letter in letters:
        if letter == "d":
            position += 8
        elif letter == "v":
            position = _value(data, position, found)
        elif letter == "s":
            position += LENGTHS[tag]
        else:
            number, position = take_uint(data, position)
            if letter in "tb":
                position += number
            elif letter != "n":
                for _ in range(number):
                    length, position = (0, position) if letter == "V" else take_uint(data, position)
                    if letter == "T":
                        position += length
                    else:
                        position = _value(data, position, found)
    return position


def _value(data: bytes, position: int, found: list[tuple[int, int]]) -> int:
    tag = data[position]
    end = _fields(data, position + 1, tag, VALUE_LETTERS[tag], found)
    if tag in ALONE and LEAST_AGAIN <= end - position <= LARGEST_AGAIN:
        found.append((position, end))
    return end
