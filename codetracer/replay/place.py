"""Places in a recording."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Place"]


class Place(NamedTuple):
    """A place in a recording, written ``process:step``."""

    process: int
    """The number of the process: how many of the recording's processes are before it."""
    step: int
    """The number of the step: how many of the process' steps are before it."""

    def __str__(self) -> str:
        return f"{self.process}:{self.step}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place that ``process:step`` says, or ``step`` of the first process.

        Raises:
            ValueError: it says none.
        """
        process, colon, step = text.rpartition(":")
        numbers = (process, step) if colon else ("0", step)
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError(f"{text!r} is not a place; a place is a step, or process:step")
        return cls(*map(int, numbers))
