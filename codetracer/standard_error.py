"""Writes lines to standard error, in a process that codetracer shares with the program."""

from __future__ import annotations

import sys

from codetracer.own import seal

__all__ = ["complain"]

seal(globals())


def complain(text: str) -> None:
    """Print a line on standard error, if there is one."""
    # print() takes None for standard output.
    if sys.stderr is not None:
        print(text, file=sys.stderr)
