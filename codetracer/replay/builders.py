"""Chooses the builder of indexes: in C or in Python.

Both make the same bytes. codetracer_bindings._indexer is optional, like the callbacks in C, and
``CODETRACER_BACKEND`` chooses both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codetracer.monitoring.backend import in_c
from codetracer.replay import index_builder

if TYPE_CHECKING:
    from typing import Any

    from codetracer.recording.reader import Block

__all__ = ["Builder", "new_builder"]


class Builder(Protocol):
    """Takes the closed blocks of a log in order, and makes segments; see `index_builder`."""

    @property
    def blocks(self) -> int:
        """The number of blocks that the current segment covers."""
        ...

    @property
    def seen(self) -> int:
        """The number of blocks that were added."""
        ...

    def add(self, block: Block, *, note: bool = True) -> None:
        """Go through the records of the next block."""
        ...

    def segment(self) -> bytes:
        """Return the segment of the blocks since the last one, and begin the next."""
        ...


def new_builder() -> Builder:
    """Return a builder: in C if it was compiled, unless CODETRACER_BACKEND is ``python``."""
    module: Any = in_c("_indexer") or index_builder
    made: Builder = module.IndexBuilder()
    return made
