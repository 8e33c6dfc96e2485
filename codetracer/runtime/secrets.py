"""Remembers secrets, and hides their text wherever it appears again.

A secret is found as a value with a secret name (`codetracer.filters.names`), or in a URL. From then
on it is hidden in every text of the recording. Only keyed hashes of it are kept: a hash of its
first six bytes, to search longer texts, and a hash of its first 256 bytes, to compare them.

`native/engine/secrets.c` does the same.
"""

from __future__ import annotations

from io import BytesIO
from itertools import islice, repeat
from os import urandom

from codetracer.inspect.kinds import has, mro_of
from codetracer.own import seal
from codetracer.runtime.known import buffer_bytes
from codetracer.runtime.secret_forms import (
    ITEMS,
    LOOKED_AHEAD,
    PLACEHOLDER,
    PREFIX,
    SHORTEST,
    SecretForms,
)
from codetracer_bindings.trace_texts import texts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable
    from typing import Any, Final

    from codetracer.filters.names import SecretNames
    from codetracer.runtime.secret_forms import Span
else:
    # `collections` takes a millisecond, and is written in Python.
    from _collections import deque

__all__ = ["LOOKED_AHEAD", "PLACEHOLDER", "Secrets"]

seal(globals())

LONGEST: Final = 1 << 16
"""The largest number of characters of a secret that are used."""

MOST: Final = 1 << 16
"""The number of secrets remembered; later ones are hidden only where they have secret names."""

MOST_ASKED: Final = 1 << 16
"""The number of secret texts remembered so that they are not processed again."""

CLEAN_SLOTS: Final = 4096
"""The largest number of texts that are remembered as free of secrets."""

DEEPEST: Final = 3
"""The number of levels of containers in a secret value that are searched for texts."""


class Secrets:
    """Remembers secrets, and replaces them in texts.

    Parameters:
        names: decides which names are secret; None to hide nothing.

    Attributes:
        count: how many texts are remembered.
    """

    def __init__(self, names: SecretNames | None = None) -> None:
        self.count = 0
        self._forms = None if names is None else SecretForms(names)
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
        if self._forms is None:
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
        for part in self._forms.parts(data) if self._forms is not None else ():
            self._add(part)
        if len(self._asked) < MOST_ASKED:
            self._asked.add(key)

    def _add(self, part: bytes) -> None:
        compared = part[:LOOKED_AHEAD]
        found = self._windows.setdefault(hash((self._key, *compared[:PREFIX])), [])
        entry = (len(part), len(compared), hash((self._key, compared)))
        if entry in found or self.count >= MOST:
            return
        found.append(entry)
        found.sort(reverse=True)
        self._clean = [0] * CLEAN_SLOTS
        self.count += 1

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
        if self._forms is None:
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
        if self._forms is None:
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
        if len(data) < PREFIX or not (self.count or may_hold_url):
            return []
        key = hash((self._key, is_text, data))
        slot = key % CLEAN_SLOTS
        if key == self._clean[slot]:
            return []
        spans: list[Span] = []
        if may_hold_url and self._forms is not None:
            spans, secrets = self._forms.urls(data)
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
        if not known or len(data) < PREFIX:
            return []
        bytes_at = [data[at:] for at in range(PREFIX)]
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
