"""Whole numbers as values of options, and what is said of a value that is none."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["whole_number"]


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what `argparse` takes as the ``type`` of an option.

    A plain ``int`` is no such type: `argparse` would put the function's name into its message.

    Parameters:
        least: the lowest number that is allowed.
        most: the highest one; None if there is no such limit.
    """
    allowed = f"{least} or more" if most is None else f"from {least} to {most}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"must be a whole number, {allowed}, not {text!r}")
        return number

    return parse
