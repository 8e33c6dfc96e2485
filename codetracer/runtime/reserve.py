"""Keeps address space while recording, so that the recording can be ended.

A program may fill its memory, and leave none when it is over. Then no Python function may be
called any more: its frame needs memory.
"""

from __future__ import annotations

import mmap

from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["keep", "release"]

seal(globals())

SIZE: Final = 2 * 2**20
"""Bytes, which are never written: two arenas of CPython's allocator."""

_kept: Final[list[mmap.mmap]] = []

release: Final = _kept.clear
"""Gives it back. It is no function in Python, so it can be called where memory is full."""


def keep() -> None:
    """Keep it until `release`, if it can be had."""
    if _kept or not hasattr(mmap, "MAP_PRIVATE"):
        return
    try:
        _kept.append(mmap.mmap(-1, SIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0))
    except (OSError, MemoryError) as error:
        if not began_here(error):
            raise
