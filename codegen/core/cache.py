"""Caches results that take long to compute, by the inputs that they were computed from.

An entry is a file named by the digest of its inputs. It contains a digest of inputs and content, so
an entry that is damaged, cut off or renamed is not used. The folder may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / ".codegen_cache"
"""The folder of the entries, which git ignores."""

_MOST_ENTRIES = 2000
_DIGEST_SIZE = 32


def read(inputs: Sequence[str]) -> bytes | None:
    """Return the cached content for `inputs` and this interpreter's version; None if there is none.

    Parameters:
        inputs: everything that determines the content: texts, versions of tools, and the code that
            calls the tools.
    """
    key = _key(inputs)
    try:
        entry = (FOLDER / key.hex()).read_bytes()
    except OSError:
        return None
    digest, content = entry[:_DIGEST_SIZE], entry[_DIGEST_SIZE:]
    return content if digest == _digest(key, content) else None


def keep(inputs: Sequence[str], content: bytes) -> None:
    """Cache `content` for `inputs`; do nothing if the folder cannot be written.

    Parameters:
        inputs: as for `read`.
        content: the result.
    """
    key = _key(inputs)
    # Under a temporary name first: several processes may write, and none must read half an entry.
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
