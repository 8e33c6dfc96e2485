"""How each type of field of the trace log becomes bytes."""

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
"""Return eight bytes, IEEE 754."""


def put_uint(number: int) -> bytes:
    """Return the bytes of a uint: seven bits a byte, the lowest first."""
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
    """Return the bytes of a sint: twice the number, for a negative one twice its amount less 1."""
    return put_uint(number << 1 if number >= 0 else (-number << 1) - 1)


def put_bytes(data: bytes) -> bytes:
    """Return the bytes of a bytes: how many there are, and they."""
    return put_uint(len(data)) + data


def put_text(text: str) -> bytes:
    """Return the bytes of a text: how many follow, then UTF-8 that holds lone surrogates too."""
    data = text.encode("utf-8", "surrogatepass")
    return put_uint(len(data)) + data


def put_value(value: bytes) -> bytes:
    """Return the bytes of a value: it is encoded already."""
    return value


def put_values(values: Sequence[bytes]) -> bytes:
    """Return the bytes of a values: how many there are, and they."""
    return put_uint(len(values)) + b"".join(values)


def put_texts(texts: Sequence[str]) -> bytes:
    """Return the bytes of a texts: how many there are, and they."""
    return put_uint(len(texts)) + b"".join(map(put_text, texts))


def put_attributes(attributes: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the bytes of a attributes: how many there are, and each one's number and value."""
    return put_uint(len(attributes)) + b"".join(
        put_uint(number) + value for number, value in attributes
    )
