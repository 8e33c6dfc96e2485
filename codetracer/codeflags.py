"""The flags of code objects, named as in `inspect`, which takes long to import."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = [
    "CO_ASYNC_GENERATOR",
    "CO_COROUTINE",
    "CO_GENERATOR",
    "CO_OPTIMIZED",
    "CO_VARARGS",
    "CO_VARKEYWORDS",
]

CO_OPTIMIZED: Final = 0x01
"""It is a function: its local variables are in slots, not in a namespace."""

CO_VARARGS: Final = 0x04
CO_VARKEYWORDS: Final = 0x08
CO_GENERATOR: Final = 0x20
CO_COROUTINE: Final = 0x80
CO_ASYNC_GENERATOR: Final = 0x200
