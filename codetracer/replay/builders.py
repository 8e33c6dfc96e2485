"""Chooses the builder of indexes: in C or in Python.

Both make the same bytes. codetracer_bindings._indexer is optional, like the callbacks in C, and
``CODETRACER_BACKEND`` chooses both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from codetracer.monitoring.backend import backend
from codetracer.replay import index_builder

if TYPE_CHECKING:
    from codetracer.recording.reader import Block

__all__ = ["BUILDERS", "Builder", "new_builder"]


class Builder(Protocol):
    """Takes the closed blocks of a log in order, and makes segments; see `index_builder`."""

    @property
    def blocks(self) -> int:
        """How many blocks the segment covers that is being made."""
        ...

    @property
    def seen(self) -> int:
        """How many blocks were added."""
        ...

    def add(self, block: Block, *, note: bool = True) -> None:
        """Go through the records of the next block."""
        ...

    def segment(self) -> bytes:
        """Return the segment of the blocks since the last one, and begin the next."""
        ...


BUILDERS: Final[list[type[Builder]]] = [index_builder.IndexBuilder]
"""The available builders, the one in C first."""
try:
    from codetracer_bindings import _indexer

    BUILDERS.insert(0, _indexer.IndexBuilder)
except ImportError:
    # Not compiled, or for another interpreter.
    pass


def new_builder() -> Builder:
    """Return a builder: in C if it was compiled, unless CODETRACER_BACKEND is ``python``."""
    return BUILDERS[0 if backend() == "native" else -1]()
