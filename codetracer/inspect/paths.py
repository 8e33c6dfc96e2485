"""Decides whether a code object's file is the program's own, and whether a glob matches it."""

from __future__ import annotations

import os

import codetracer_bindings
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from re import Match
    from types import CodeType
    from typing import Final

__all__ = [
    "OURS",
    "FileGlobs",
    "PathFilter",
    "absolute",
    "directories",
    "is_foreign",
    "working_directory",
]

INSTALLED: Final = ("site-packages", "dist-packages")
"""Directories in which installers put third-party packages (Debian uses the second)."""

_abspath: Final = os.path.abspath
_getcwd: Final = os.getcwd
_realpath: Final = os.path.realpath
_dirname: Final = os.path.dirname
_sep: Final = os.sep

seal(globals())


def working_directory() -> str:
    """Return the working directory, or ``/`` if it has been removed."""
    try:
        return _getcwd()
    except OSError as error:
        if not began_here(error):
            raise
        return "/"


def absolute(filename: str, folder: str) -> str:
    """Return the absolute path of a code object's file; a name in angle brackets stays unchanged.

    This function calls no function of `os`, because the program may have changed or removed its
    working directory, or replaced a function that `os.path.abspath` calls (in 3.12 also one that
    `os.path.normpath` calls).

    Parameters:
        filename: a code object's ``co_filename``, as a plain `str`.
        folder: an absolute path, to which `filename` is relative.
    """
    if filename.startswith("<"):
        return filename
    path = filename if filename.startswith("/") else f"{folder}/{filename}"
    if "//" not in path and "/." not in path:
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def directories(*files: str | None) -> tuple[str, ...]:
    """Return the directories of files, also with symbolic links resolved, with a final slash."""
    names = {_dirname(_abspath(file)) for file in files if file}
    return tuple(name + _sep for name in names | set(map(_realpath, names)))


def is_foreign(path: str) -> bool:
    """Return whether a path is in the standard library or installed, or is no file: ``<…>``."""
    return path.startswith(_FOREIGN) or any(f"{_sep}{name}{_sep}" in path for name in INSTALLED)


def _globs(name: str, globs: Iterable[str]) -> tuple[str, ...]:
    # Type checkers accept a str, which would be a list of its characters; a * matches every file.
    if isinstance(globs, str):
        raise TypeError(f"{name} is a list of globs, not {globs!r}; write [{globs!r}]")
    found = tuple(globs)
    for glob in found:
        if not isinstance(glob, str):
            raise TypeError(f"{name} is a list of globs, which are str; {glob!r} is none")
    return found


def _tests(globs: tuple[str, ...]) -> list[Callable[[str], Match[str] | None]]:
    if not globs:
        return []
    # Not at the top of the module, because importing codetracer has to be fast.
    import re
    from fnmatch import translate

    # Not fnmatch.fnmatch, whose cache the program uses too.
    absolute = [_abspath(glob) if glob.startswith(("./", "../")) else glob for glob in globs]
    return [re.compile(translate(tail)).match for glob in absolute for tail in (glob, f"*/{glob}")]


OURS: Final = directories(_dirname(__file__), codetracer_bindings.__file__)
"""The directories of codetracer and its bindings, also with symbolic links resolved."""

_FOREIGN: Final = ("<", *directories(os.__file__))


class FileGlobs:
    """Globs that choose files.

    Parameters:
        include: globs. If there are any, only files that match one of them are chosen.
        exclude: globs. No file that matches one of them is chosen.

    A glob matches, as in `fnmatch`, the absolute path or its part after any ``/``; a ``*`` also
    matches ``/``. A glob that begins with ``./`` or ``../`` is relative to the working directory.

    Raises:
        TypeError: a parameter is a str and not a list of them, or an item of the list is no str.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self.include = _globs("include", include)
        self.exclude = _globs("exclude", exclude)
        self._included = _tests(self.include)
        self._excluded = _tests(self.exclude)

    def choose(self, path: str) -> bool | None:
        """Return whether a file is chosen; None if no glob matches and there is no `include`.

        Parameters:
            path: an absolute path, or a name in angle brackets for code that has no file.
        """
        if any(test(path) for test in self._excluded):
            return False
        if not self._included:
            return None
        return any(test(path) for test in self._included)


class PathFilter:
    """Selects code objects by the files that they come from.

    By default, the filter selects the program's own files. It leaves out the standard library,
    ``site-packages``, codetracer, and code that was compiled from a string (``<string>``). The
    filter decides once for each file. A relative path is relative to the working directory in which
    the filter was made.

    Parameters:
        include: globs. If there are any, only files that match one of them are selected.
        exclude: globs. No file that matches one of them is selected.

    `FileGlobs` describes how globs match, and which errors they raise.
    """

    __slots__ = ("_folder", "_globs", "_known")

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._folder = working_directory()
        self._globs = FileGlobs(include, exclude)
        self._known: dict[str, bool] = {}

    def selects(self, code: CodeType) -> bool:
        """Return whether the filter selects the file of `code`.

        This is fast enough to call in every handler.
        """
        name = code.co_filename
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._decide(absolute(name, self._folder))
        return known

    def _decide(self, path: str) -> bool:
        chosen = self._globs.choose(path)
        if chosen is not None:
            return chosen
        return not (is_foreign(path) or path.startswith(OURS))
