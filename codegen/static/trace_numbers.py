"""Reads numbers of the trace log, for the decoder and for the recorder, which loads no decoder."""

from __future__ import annotations

from codetracer_bindings.own import seal

__all__ = ["take_uint"]

seal(globals())

_LONGEST = 63
"""The highest shift, in bits, of the last seven bits of a number of 64 bits."""


def take_uint(data: bytes, position: int) -> tuple[int, int]:
    """Return the uint at `position` (byte offset), and the offset after it."""
    byte = data[position]
    position += 1
    if byte < 0x80:
        return byte, position
    number = byte & 0x7F
    shift = 7
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80 and not number >> 64:
            return number, position
        shift += 7
        if shift > _LONGEST:
            raise ValueError("a number is longer than 64 bits")
