"""Files chosen by globs: the options --include and --exclude of the command line."""

from __future__ import annotations

import os
import re
from fnmatch import translate

from codetracer.filters.patterns import PatternError
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Final

    from codetracer.filters.selectors import Test

__all__ = ["FileGlobs", "add_file_options", "checked_glob"]

seal(globals())

CLOSED: Final = re.compile(r"(?:[^[]|\[!?\]?[^\]]*\])*")
"""A glob of which every bracket begins a set; `fnmatch` takes one that does not for itself."""


def add_file_options(parser: argparse.ArgumentParser, verb: str, default: str) -> None:
    """Give `parser` the options --include and --exclude.

    Parameters:
        verb: what is done with the files.
        default: which files it is done with unless --include says so.
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
    """Return a glob, if it can match the path of a file.

    Raises:
        PatternError: it cannot; the text says why, and what would be right.
    """
    if not glob:
        raise PatternError("a glob must not be empty")
    if not CLOSED.fullmatch(glob):
        raise PatternError(
            f"{glob!r} has a '[' that is not closed; write [[] for a bracket in a name"
        )
    if glob.endswith("/") or os.path.isdir(glob):
        within = f"{glob.rstrip('/')}/*"
        raise PatternError(f"{glob!r} is a folder; {within!r} matches the files in it")
    return glob


class FileGlobs:
    """Which files are chosen, as far as globs say so.

    Parameters:
        include: when there are any, the files that match one, and no others.
        exclude: no file that matches one.

    A glob is matched, as by `fnmatch`, with the absolute path and with its tail after any ``/``;
    its ``*`` also goes over a ``/``. One that begins with a dot and a slash is relative to the
    working directory.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self.include = tuple(include)
        self.exclude = tuple(exclude)
        self._included = _tests(self.include)
        self._excluded = _tests(self.exclude)

    def choose(self, path: str) -> bool | None:
        """Tell whether a file is chosen; None where no glob says anything of it.

        Parameters:
            path: absolute, or a name in angle brackets for code that comes from no file.
        """
        if any(test(path) for test in self._excluded):
            return False
        if not self._included:
            return None
        return any(test(path) for test in self._included)


def _tests(globs: Iterable[str]) -> list[Test]:
    # Compiled now, and not through fnmatch's cache: the program has fnmatch, too.
    tails = [tail for glob in map(_absolute, globs) for tail in (glob, f"*/{glob}")]
    return [re.compile(translate(tail)).match for tail in tails]


def _absolute(glob: str) -> str:
    return os.path.abspath(glob) if glob.startswith(("./", "../")) else glob


def _glob(text: str) -> str:
    from argparse import ArgumentTypeError

    try:
        return checked_glob(text)
    except PatternError as error:
        raise ArgumentTypeError(str(error)) from None
