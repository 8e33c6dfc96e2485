"""Finds the texts in records of the trace log, and skips everything else."""

from __future__ import annotations

from codetracer_bindings.own import seal
from codetracer_bindings.trace_letters import LENGTHS, RECORD_LETTERS, VALUE_LETTERS
from codetracer_bindings.trace_numbers import take_uint

__all__ = ["texts_of"]

seal(globals())


def texts_of(data: bytes) -> list[tuple[int, int, bool]]:
    """Return the begin and end (byte offsets) of each text, in order, and whether it is UTF-8.

    Parameters:
        data: whole records.
    """
    found: list[tuple[int, int, bool]] = []
    position = 0
    while position < len(data):
        tag = data[position]
        position = _fields(data, position + 1, tag, RECORD_LETTERS[tag], found)
    return found


def _fields(
    data: bytes, position: int, tag: int, letters: str, found: list[tuple[int, int, bool]]
) -> int:
    for letter in letters:
        if letter == "d":
            position += 8
            continue
        if letter == "v":
            position = _value(data, position, found)
            continue
        if letter == "s":
            number = LENGTHS[tag]
        else:
            number, position = take_uint(data, position)
        if letter in "tbs":
            found.append((position, position + number, letter != "b"))
            position += number
        elif letter != "n":
            for _ in range(number):
                length, position = (0, position) if letter == "V" else take_uint(data, position)
                if letter == "T":
                    found.append((position, position + length, True))
                    position += length
                else:
                    position = _value(data, position, found)
    return position


def _value(data: bytes, position: int, found: list[tuple[int, int, bool]]) -> int:
    tag = data[position]
    return _fields(data, position + 1, tag, VALUE_LETTERS[tag], found)
