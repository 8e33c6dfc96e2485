"""Checks values of options: whole numbers, percentages, texts and places."""

from __future__ import annotations

from codetracer.limits import percent_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentTypeError
    from collections.abc import Callable

    from codetracer.replay import Place

__all__ = ["percentage", "place", "source_line", "step", "text", "whole_number"]


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a ``type`` of an option for `argparse`, which accepts whole numbers in a range.

    ``int`` itself would not do: the message of `argparse` would name that function.

    Parameters:
        least: the lowest allowed number.
        most: the highest allowed number; None for no limit.
    """
    allowed = f"{least} or more" if most is None else f"from {least} to {most}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            raise _wrong(f"must be a whole number, {allowed}, not {text!r}")
        return number

    return parse


def percentage(given: str) -> str:
    """Return the text, which must be a percentage above 0%; a ``type`` of an option."""
    if percent_of(given) is None:
        raise _wrong(f"must be a percentage above 0%, such as 20%, not {given!r}")
    return given


def text(given: str) -> str:
    """Return the text, which must not be empty; a ``type`` of an option for `argparse`."""
    if not given:
        raise _wrong("must not be empty")
    return given


def place(given: str) -> Place:
    """Return the place that a text says; a ``type`` of an option for `argparse`."""
    from codetracer.replay import Place

    try:
        return Place.parse(given)
    except ValueError as error:
        raise _wrong(str(error)) from None


def step(given: str) -> Place:
    """Return a place as `place` does; a step without a process has -1 for its process."""
    found = place(given)
    return found if ":" in given else found._replace(process=-1)


def source_line(given: str) -> tuple[str, int]:
    """Return the file and the line of a text; a ``type`` of an option for `argparse`."""
    path, _, line = given.rpartition(":")
    if not path or not line.isascii() or not line.isdigit() or int(line) < 1:
        raise _wrong(f"must be FILE:LINE, such as app.py:40, not {given!r}")
    return path, int(line)


def _wrong(text: str) -> ArgumentTypeError:
    # Imported here, because a plain command line is read without it.
    from argparse import ArgumentTypeError

    return ArgumentTypeError(text)
