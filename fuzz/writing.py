"""Writes the text of a program, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Lines"]


class Lines:
    """The lines of a program; a subclass decides what they are."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._indent = 0

    def source(self) -> str:
        """Return the text so far."""
        return "\n".join(self._lines) + "\n"

    def line(self, text: str) -> None:
        """Add a line of the current block."""
        self._lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add a line, and have the lines that follow within it."""
        self.line(head)
        self._indent += 1
        yield
        self._indent -= 1
