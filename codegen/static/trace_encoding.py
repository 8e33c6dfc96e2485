"""Encodes the fields of the trace log, with one function for each type."""

from __future__ import annotations

from struct import Struct

from codetracer_bindings.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "BYTES",
    "put_attributes",
    "put_bytes",
    "put_f64",
    "put_sint",
    "put_text",
    "put_texts",
    "put_uint",
    "put_value",
    "put_values",
]

seal(globals())

BYTES = tuple(bytes((number,)) for number in range(256))
put_f64: Callable[[float], bytes] = Struct("<d").pack
"""Return the eight bytes of a float (IEEE 754, little-endian)."""


def put_uint(number: int) -> bytes:
    """Return the bytes of a uint: seven bits in each byte, the lowest first."""
    if number < 0x80:
        return BYTES[number]
    if number < 0x4000:
        return BYTES[number & 0x7F | 0x80] + BYTES[number >> 7]
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def put_sint(number: int) -> bytes:
    """Return a sint: a uint of twice the number, or twice the absolute value less 1 if negative."""
    return put_uint(number << 1 if number >= 0 else (-number << 1) - 1)


def put_bytes(data: bytes) -> bytes:
    """Return the length of the bytes as a uint, and then the bytes."""
    return put_uint(len(data)) + data


def put_text(text: str) -> bytes:
    """Return the length in bytes as a uint, and then the text in UTF-8, with lone surrogates."""
    data = text.encode("utf-8", "surrogatepass")
    return put_uint(len(data)) + data


def put_value(value: bytes) -> bytes:
    """Return the value, which is already encoded."""
    return value


def put_values(values: Sequence[bytes]) -> bytes:
    """Return the number of values, and then the values, which are already encoded."""
    return put_uint(len(values)) + b"".join(values)


def put_texts(texts: Sequence[str]) -> bytes:
    """Return the number of texts, and then the bytes of each."""
    return put_uint(len(texts)) + b"".join(map(put_text, texts))


def put_attributes(attributes: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the number of attributes, and then the number and the value of each."""
    return put_uint(len(attributes)) + b"".join(
        put_uint(number) + value for number, value in attributes
    )
