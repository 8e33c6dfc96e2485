"""Lets ``python -m codetracer`` run the command line."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _command_line() -> Callable[[], int]:
    """Import the command line, past modules in the working directory that bear common names."""
    path = sys.path[:]
    if not sys.flags.safe_path:
        del sys.path[0]
    try:
        from codetracer.cli import main
    finally:
        sys.path[:] = path
    return main


if __name__ == "__main__":
    sys.exit(_command_line()())
