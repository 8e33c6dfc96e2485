"""Remembers secrets, and hides their text wherever it appears again.

A secret is found as a value with a secret name (`codetracer.filters.names`), or in a URL. From then
on it is hidden in every text of the recording. Only keyed hashes of it are kept: a hash of its
first six bytes, to search longer texts, and a hash of its first 256 bytes, to compare them.

`native/secrets.c` does the same as `Secrets`, and calls its `parts` and `urls`.
"""

from __future__ import annotations

import re
from collections import deque
from io import BytesIO
from itertools import islice, repeat
from os import urandom

from codetracer.inspect.kinds import has, mro_of
from codetracer.own import seal
from codetracer.runtime.known import buffer_bytes
from codetracer.runtime.utf8 import text_of
from codetracer_bindings.trace_texts import texts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from codetracer.filters.names import SecretNames

    type Span = tuple[int, int]

__all__ = ["LOOKED_AHEAD", "PLACEHOLDER", "Secrets"]

seal(globals())

PLACEHOLDER: Final = b"<redacted>"
"""The text that replaces a secret inside a longer text."""

SHORTEST: Final = 6
"""The least number of characters of a remembered secret. A shorter one is hidden only where it has
a secret name, because its text appears in too many other texts."""

VARIETY: Final = 3
"""The least number of different bytes of a secret: ``******`` and zeros are not remembered."""

WINDOW: Final = 6
"""The number of first bytes of a secret by which texts are searched."""

LOOKED_AHEAD: Final = 256
"""How many bytes of a secret are compared, and how many after the cut of a text are searched."""

LONGEST: Final = 1 << 16
"""The largest number of characters of a secret that are used."""

PIECE: Final = 16
"""The size in bytes of the pieces in which the rest of a long secret is remembered."""

LONGEST_KNOWN: Final = 1 << 12
"""The number of first bytes of a secret that are remembered in pieces."""

MOST: Final = 1 << 16
"""How many secrets are remembered; later ones are hidden only where they have secret names."""

MOST_ASKED: Final = 1 << 16
"""How many secret texts are remembered so that they are not processed again."""

CLEAN_SLOTS: Final = 4096
"""The largest number of texts that are remembered as free of secrets."""

DEEPEST: Final = 3
"""How many levels of containers of a secret value are searched for texts."""

ITEMS: Final = 100
"""How many items of each container are searched."""

SHORTEST_LINE: Final = 16
"""The least number of bytes of a line of a secret that is remembered as a separate secret."""

_SCHEME: Final = re.compile(rb"(?:basic|bearer|digest|negotiate|token|apikey)\s+(?=\S)", re.I)
_USERINFO: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s/?#'\"<>\\]+)@")
_PARAMETER: Final = re.compile(rb"[?&#;]([A-Za-z0-9_.\[\]%$-]{1,100})=([^&#\s'\"<>\\]+)")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_RESERVED: Final = re.compile(rb"[^A-Za-z0-9_.~-]")


class Secrets:
    """Remembers secrets, and replaces them in texts.

    Parameters:
        names: decides which names are secret; None to hide nothing.

    Attributes:
        count: how many texts are remembered.
    """

    def __init__(self, names: SecretNames | None = None) -> None:
        self.count = 0
        self._names = names
        # A random key, so that the hashes are useless outside of this process.
        self._key = int.from_bytes(urandom(8), "little")
        self._windows: dict[int, list[tuple[int, int, int]]] = {}
        self._asked: set[int] = set()
        # Of a fixed size, so that it never needs more memory.
        self._clean = [0] * CLEAN_SLOTS

    def learn(self, value: Any, depth: int = 0) -> None:
        """Remember the texts of a secret value.

        Parameters:
            value: a text, or a container; other values have no texts.
            depth: the number of containers around it.
        """
        if self._names is None:
            return
        kinds = mro_of(type(value))
        if has(kinds, str):
            self._learn_text(
                str.__getitem__(value, slice(LONGEST)).encode("utf-8", "surrogatepass")
            )
        elif has(kinds, bytes):
            self._learn_text(bytes.__getitem__(value, slice(LONGEST)))
        elif has(kinds, bytearray):
            self._learn_text(bytes(bytearray.__getitem__(value, slice(LONGEST))))
        elif has(kinds, memoryview) or has(kinds, BytesIO):
            data = buffer_bytes(value, LONGEST)[1] if buffer_bytes is not None else None
            if data is not None:
                self._learn_text(data)
        elif depth < DEEPEST:
            for item in _items(value, kinds):
                self.learn(item, depth + 1)

    def _learn_text(self, data: bytes) -> None:
        key = hash((self._key, len(data), data[:LOOKED_AHEAD]))
        if len(data) < SHORTEST or key in self._asked:
            return
        for part in self.parts(data):
            self._add(part)
        if len(self._asked) < MOST_ASKED:
            self._asked.add(key)

    def _add(self, part: bytes) -> None:
        compared = part[:LOOKED_AHEAD]
        found = self._windows.setdefault(hash((self._key, *compared[:WINDOW])), [])
        entry = (len(part), len(compared), hash((self._key, compared)))
        if entry in found or self.count >= MOST:
            return
        found.append(entry)
        found.sort(reverse=True)
        self._clean = [0] * CLEAN_SLOTS
        self.count += 1

    # -- the forms of a secret; computed once for each

    def parts(self, data: bytes) -> list[bytes]:
        """Return the forms of a secret text to remember: none, one or several.

        Parameters:
            data: the text; UTF-8 if it was a `str`.
        """
        text = data.strip()
        scheme = _SCHEME.match(text)
        if scheme is not None:
            text = text[scheme.end() :]
        found = [text, *self.urls(text)[1]]
        plain = text_of(text)
        if plain is not None:
            # The form in messages that show its repr.
            found.append(repr(plain)[1:-1].encode("utf-8", "surrogatepass"))
        # `masked` hides only the compared part of a secret, and these pieces of the rest.
        found += [
            text[at : at + PIECE]
            for at in range(LOOKED_AHEAD, min(len(text), LONGEST_KNOWN), PIECE)
        ]
        if len(text) <= LOOKED_AHEAD and b"\n" not in text:
            found += [_unquoted(text), _RESERVED.sub(_quote, text)]
        elif b"\n" in text:
            lines = text.splitlines()[:ITEMS]
            found += [line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE]
        return [part for part in dict.fromkeys(found) if self._is_told(part)]

    def _is_told(self, part: bytes) -> bool:
        """Return whether a text is long and unusual enough to be recognized again."""
        plain = text_of(part)
        size = len(part) if plain is None else len(plain)
        if size < SHORTEST or len(part) < WINDOW or len({*part[:LOOKED_AHEAD]}) < VARIETY:
            return False
        if part == PLACEHOLDER or self._names is None:
            return False
        return plain is None or not self._names.is_word(plain)

    def urls(self, data: bytes) -> tuple[list[Span], list[bytes]]:
        """Return the places of secrets in the URLs of a text, and the secrets to remember.

        Parameters:
            data: the text; UTF-8 if it was a `str`.
        """
        spans: list[Span] = []
        secrets: list[bytes] = []
        if self._names is None or self._names.readers_only:
            return spans, secrets
        for found in _USERINFO.finditer(data):
            spans.append(found.span(2))
            _, colon, password = found[2].partition(b":")
            if colon:
                secrets += [password, _unquoted(password)]
            elif found[1].lower() in (b"http", b"https"):
                # Without a password, the name is the secret: a token, for instance.
                secrets += [found[2], _unquoted(found[2])]
        for found in _PARAMETER.finditer(data):
            if self._names.is_parameter(found[1].decode()):
                spans.append(found.span(2))
                secrets += [found[2], _unquoted(found[2])]
        return sorted(spans), [text for text in dict.fromkeys(secrets) if self._is_told(text)]

    # -- hiding

    def hidden(self, value: Any, base: Any, limit: int, length: int) -> bytes | None:
        """Return the recorded part of a text without its secrets; None if it has none.

        Parameters:
            value: an instance of `base`; bytes may be only the first part.
            base: `str`, `bytes` or `bytearray`.
            limit: the number of characters or bytes to write.
            length: the number of characters or bytes of the whole text.

        Returns:
            The text with placeholders, in UTF-8; an empty one if all of it is secret.
        """
        if self._names is None:
            return None
        head = base.__getitem__(value, slice(limit + LOOKED_AHEAD))
        kept = limit
        if base is str:
            head = _encoded(head)
            kept = len(_encoded(str.__getitem__(value, slice(limit))))
        else:
            head = bytes(head)
        spans = self._spans(head, is_text=base is str)
        if not spans or spans[0][0] >= kept:
            return None
        if spans == [(0, len(head))] and length <= limit + LOOKED_AHEAD:
            return b""
        return _replaced(head, spans, kept)

    def clean(self, data: bytes) -> bytes:
        """Return a text with placeholders in place of secrets."""
        if self._names is None:
            return data
        spans = self._spans(data, is_text=False)
        return _replaced(data, spans, len(data)) if spans else data

    def masked(self, record: bytes) -> bytes:
        """Return a record of the same length, with asterisks in place of secrets in its texts.

        The record was made before the secrets were known. Only its texts are searched, because
        other bytes may look like a secret: the bytes of ``123456`` may be six objects in a list.
        """
        if not self._remembered(record, is_text=False, whole=False):
            return record
        for first, last, is_text in texts_of(record):
            text = record[first:last]
            for start, end in self._remembered(text, is_text=is_text, whole=False):
                text = text[:start] + b"*" * (end - start) + text[end:]
            record = record[:first] + text + record[last:]
        return record

    def _spans(self, data: bytes, *, is_text: bool) -> list[Span]:
        """Return the places of secrets, in order and without overlaps."""
        may_hold_url = _may_hold_url(data)
        if len(data) < WINDOW or not (self.count or may_hold_url):
            return []
        key = hash((self._key, is_text, data))
        slot = key % CLEAN_SLOTS
        if key == self._clean[slot]:
            return []
        spans: list[Span] = []
        if may_hold_url:
            spans, secrets = self.urls(data)
            for secret in secrets:
                self._add(secret)
        spans = _merged(spans + self._remembered(data, is_text=is_text, whole=True))
        if not spans:
            self._clean[slot] = key
        return spans

    def _remembered(self, data: bytes, *, is_text: bool, whole: bool) -> list[Span]:
        """Return the places of remembered secrets.

        Parameters:
            is_text: whether the data is UTF-8 and has to remain UTF-8.
            whole: whether the part of a long secret that is not compared belongs to it.
        """
        known = self._windows
        if not known or len(data) < WINDOW:
            return []
        bytes_at = [data[at:] for at in range(WINDOW)]
        windows = zip(repeat(self._key), *bytes_at, strict=False)
        if known.keys().isdisjoint(map(hash, windows)):
            return []
        spans = []
        end = 0
        for start, window in enumerate(map(hash, zip(repeat(self._key), *bytes_at, strict=False))):
            if start < end or window not in known or (is_text and data[start] & 0xC0 == 0x80):
                continue
            for length, compared, digest in known[window]:
                if hash((self._key, data[start : start + compared])) == digest:
                    end = min(start + (length if whole else compared), len(data))
                    while is_text and end < len(data) and data[end] & 0xC0 == 0x80:
                        end += 1
                    spans.append((start, end))
                    break
        return spans


def _items(value: Any, kinds: tuple[type, ...]) -> Iterable[object]:
    """Return some items of a container of any class."""
    if has(kinds, list):
        return list.__getitem__(value, slice(ITEMS))
    if has(kinds, tuple):
        return tuple.__getitem__(value, slice(ITEMS))
    if has(kinds, dict):
        return [*islice(dict.values(value), ITEMS)]
    for kind in (set, frozenset, deque):
        if has(kinds, kind):
            return [*islice(kind.__iter__(value), ITEMS)]
    return ()


def _encoded(text: str) -> bytes:
    return str.encode(text, "utf-8", "surrogatepass")


def _unquoted(data: bytes) -> bytes:
    return _ESCAPE.sub(_escaped, data)


def _escaped(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _quote(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def _may_hold_url(data: bytes) -> bool:
    """Return whether a text may have a URL with a secret, so that `urls` has to search it."""
    at = data.find(b"://")
    if at >= 0 and (data.find(b"@", at) >= 0 or data.find(b"=", at) >= 0):
        return True
    at = data.find(b"?")
    return at >= 0 and data.find(b"=", at) >= 0


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _replaced(data: bytes, spans: list[Span], kept: int) -> bytes:
    """Return the first `kept` bytes with placeholders for the spans that begin in them."""
    pieces = []
    position = 0
    for start, end in spans:
        if start >= kept:
            break
        pieces += [data[position:start], PLACEHOLDER]
        position = end
    return b"".join([*pieces, data[position:kept]])
