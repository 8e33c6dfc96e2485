"""Decodes UTF-8 without error handlers, because the program may have registered its own.

CPython asks `codecs.lookup_error` when UTF-8 cannot be decoded, also for ``strict`` and
``surrogatepass`` (Objects/unicodeobject.c, 3.12 to 3.15). It calls no handler to decode with
``surrogateescape`` and to encode with ``surrogatepass``.
"""

from __future__ import annotations

from codetracer.own import seal

__all__ = ["text_of"]

seal(globals())


def text_of(data: bytes) -> str | None:
    """Return UTF-8 as text, with lone surrogates; None if the bytes are not UTF-8."""
    # A surrogate is three bytes, of which the first is 0xED; each comes as an escape.
    text, *others = data.decode("utf-8", "surrogateescape").split("\udced")
    for piece in others:
        if len(piece) < 2:
            return None
        point = 0xD000 | (ord(piece[0]) & 0x3F) << 6 | ord(piece[1]) & 0x3F
        text += chr(point) + piece[2:]
    return text if text.encode("utf-8", "surrogatepass") == data else None
