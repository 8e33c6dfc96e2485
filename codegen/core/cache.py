"""What takes long to make, kept by everything that it was made from.

An entry is a file named by the digest of its inputs. It holds a digest of inputs and content, so
one that is damaged, cut short or renamed is made anew. The folder may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / ".codegen_cache"
"""Ignored by git, as other tools' caches are, and like them beside the code that fills it."""

_MOST_ENTRIES = 1000
_DIGEST_SIZE = 32


def read(inputs: Sequence[str]) -> bytes | None:
    """Return what was kept for `inputs` by this interpreter's version; None when nothing was.

    Parameters:
        inputs: all that decides the content: texts, versions of tools, the code that calls them.
    """
    key = _key(inputs)
    try:
        entry = (FOLDER / key.hex()).read_bytes()
    except OSError:
        return None
    digest, content = entry[:_DIGEST_SIZE], entry[_DIGEST_SIZE:]
    return content if digest == _digest(key, content) else None


def keep(inputs: Sequence[str], content: bytes) -> None:
    """Keep `content` for `inputs`. A folder that cannot be written is no mistake."""
    key = _key(inputs)
    # Several processes may write at once, and readers must never see half an entry.
    unfinished = FOLDER / f"{key.hex()}.{os.getpid()}"
    with contextlib.suppress(OSError):
        FOLDER.mkdir(exist_ok=True)
        unfinished.write_bytes(_digest(key, content) + content)
        unfinished.replace(FOLDER / key.hex())
        _remove_oldest()


def _key(inputs: Sequence[str]) -> bytes:
    parts = (sys.version, *inputs)
    return _digest(*(_digest(part.encode("utf-8", "surrogatepass")) for part in parts))


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _remove_oldest() -> None:
    names = os.listdir(FOLDER)
    if len(names) <= _MOST_ENTRIES:
        return
    entries = sorted((FOLDER / name for name in names), key=lambda entry: entry.stat().st_mtime)
    for entry in entries[: _MOST_ENTRIES // 2]:
        entry.unlink(missing_ok=True)
