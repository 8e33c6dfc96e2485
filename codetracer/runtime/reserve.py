"""Keeps address space while recording, so that the recording can be ended.

A program may fill its memory and never free it. Then no Python function can be called any more,
because its frame needs memory.
"""

from __future__ import annotations

import mmap

from codetracer.own import seal
from codetracer.whose import ARENAS, began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["keep", "release"]

seal(globals())

_kept: Final[list[mmap.mmap]] = []

release: Final = _kept.clear
"""Frees the kept memory. It is a function in C, so it can be called when memory is full."""


def keep() -> None:
    """Keep memory until `release`, if there is any."""
    if _kept or not hasattr(mmap, "MAP_PRIVATE"):
        return
    try:
        _kept.append(mmap.mmap(-1, ARENAS, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0))
    except (OSError, MemoryError) as error:
        if not began_here(error):
            raise
