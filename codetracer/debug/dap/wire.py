"""Messages of the Debug Adapter Protocol on a stream: a header with the length, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BrokenStreamError", "NotJsonError", "read", "write"]

LONGEST_HEADER: Final = 1 << 10
"""The largest size of one line of a header in bytes."""

LONGEST_BODY: Final = 64 << 20
"""The largest size of a message in bytes."""


class BrokenStreamError(Exception):
    """The stream is at no message: where the next one begins cannot be known."""


class NotJsonError(Exception):
    """A message is no JSON object; the next one can be read."""


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """Return the next message; None at the end of the stream.

    Parameters:
        stream: where the messages come from.

    Raises:
        BrokenStreamError: what comes is no header, or the message ends too early. A header has
            nothing but what the protocol knows, so that no browser can speak to the server.
        NotJsonError: the message is no JSON object.
    """
    size = _header(stream)
    if size is None:
        return None
    body = _body(stream, size)
    try:
        message = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"a message is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise NotJsonError("a message is not a JSON object")
    return message


def write(stream: BinaryIO, message: Mapping[str, Any]) -> None:
    """Write a message.

    Raises:
        OSError: the stream cannot be written.
    """
    # Texts of a program may have surrogates, which UTF-8 has not: JSON escapes them.
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    stream.flush()


def _body(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes, also from a stream without a buffer."""
    parts: list[bytes] = []
    missing = size
    while missing:
        part = stream.read(missing)
        if not part:
            raise BrokenStreamError(f"the stream ends {missing} bytes before a message does")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _header(stream: BinaryIO) -> int | None:
    """Read a header; return the size of the message in bytes, or None at the end."""
    size: int | None = None
    while True:
        line = stream.readline(LONGEST_HEADER)
        if not line and size is None:
            return None
        if line in (b"\r\n", b"\n") and size is not None:
            return size
        name, colon, value = line.decode("latin-1").partition(":")
        number = value.strip()
        if name.lower() == "content-length" and number.isdecimal() and len(number) < 10:
            size = int(number)
            if size > LONGEST_BODY:
                raise BrokenStreamError(f"a message has {size:,} bytes; {LONGEST_BODY:,} at most")
        elif not (colon and name.lower() == "content-type"):
            raise BrokenStreamError(f"{line[:60]!r} is not a header of the protocol")
