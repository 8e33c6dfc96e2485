"""The options --include and --exclude, which choose files by globs."""

from __future__ import annotations

import os

from codetracer.filters.model import PatternError
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, Protocol

    class Options(Protocol):
        """A parser of options, such as that of argparse."""

        def add_argument(self, *flags: str, **settings: Any) -> object: ...


__all__ = ["add_file_options", "checked_glob"]

seal(globals())

CLOSED: Final = r"(?:[^[]|\[!?+\]?+[^\]]*+\])*+"
"""Matches a glob in which every ``[`` begins a set; `fnmatch` takes any other one literally.

A ``]`` right after ``[`` or ``[!`` is in the set and does not close it. The regex can match each
bracket in one way only, because a second way would double the time with each bracket.
"""


def add_file_options(parser: Options, verb: str, default: str) -> None:
    """Give `parser` the options --include and --exclude.

    Parameters:
        verb: the action on the files, for the help text.
        default: the files for the action if no --include is given, for the help text.
    """
    parser.add_argument(
        "--include",
        metavar="GLOB",
        action="append",
        default=[],
        type=_glob,
        help=f"{verb} only files that match GLOB (default: {default}). The glob may match a file's"
        " absolute path, or the part of it after any slash; * matches slashes, too. Can be given"
        " more than once",
    )
    parser.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        type=_glob,
        help=f"do not {verb} files that match GLOB. Can be given more than once",
    )


def checked_glob(glob: str) -> str:
    """Return a glob after checking that it can match the path of a file.

    Raises:
        PatternError: it cannot; the text describes the mistake and the correction.
    """
    if not glob:
        raise PatternError("a glob must not be empty")
    # Imported here, because a recording without such an option does not need it.
    import re

    if not re.fullmatch(CLOSED, glob):
        raise PatternError(
            f"{glob!r} has a '[' that is not closed; write [[] for a bracket in a name"
        )
    if glob.endswith("/") or os.path.isdir(glob):
        within = f"{glob.rstrip('/')}/*"
        raise PatternError(f"{glob!r} is a folder; {within!r} matches the files in it")
    return glob


def _glob(text: str) -> str:
    from argparse import ArgumentTypeError

    try:
        return checked_glob(text)
    except PatternError as error:
        raise ArgumentTypeError(str(error)) from None
