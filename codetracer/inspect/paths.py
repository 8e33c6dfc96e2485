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
"""Directories in which installers put what is not the program's own (Debian has the second)."""

_abspath: Final = os.path.abspath
_getcwd: Final = os.getcwd
_realpath: Final = os.path.realpath
_dirname: Final = os.path.dirname
_sep: Final = os.sep

seal(globals())


def working_directory() -> str:
    """Return the working directory, or ``/`` where it is gone."""
    try:
        return _getcwd()
    except OSError as error:
        if not began_here(error):
            raise
        return "/"


def absolute(filename: str, folder: str) -> str:
    """Return the path of a code object's file; a name in angle brackets stays as it is.

    It asks nobody: the program may have changed its folder since then, removed it, or replaced
    what `os.path.abspath` calls (in 3.12 also what `os.path.normpath` calls).

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
    """Return the directories that files are in, by every name, with a slash at the end."""
    names = {_dirname(_abspath(file)) for file in files if file}
    return tuple(name + _sep for name in names | set(map(_realpath, names)))


def is_foreign(path: str) -> bool:
    """Tell whether a file is the standard library's or installed, or no file at all: ``<…>``."""
    return path.startswith(_FOREIGN) or any(f"{_sep}{name}{_sep}" in path for name in INSTALLED)


def _globs(name: str, globs: Iterable[str]) -> tuple[str, ...]:
    # To type checkers a text is texts, too: its characters, of which * names every file.
    if isinstance(globs, str):
        raise TypeError(f"{name} is a list of globs, not {globs!r}; write [{globs!r}]")
    found = tuple(globs)
    for glob in found:
        if not isinstance(glob, str):
            raise TypeError(f"{name} is a list of globs, which are str; {glob!r} is none")
    return found


def _tests(globs: Iterable[str]) -> list[Callable[[str], Match[str] | None]]:
    # Not at the top: importing codetracer is to be light.
    import re
    from fnmatch import translate

    # Not through fnmatch's cache: the program has fnmatch, too.
    absolute = [_abspath(glob) if glob.startswith(("./", "../")) else glob for glob in globs]
    return [re.compile(translate(tail)).match for glob in absolute for tail in (glob, f"*/{glob}")]


OURS: Final = directories(_dirname(__file__), codetracer_bindings.__file__)
"""The directories of codetracer and its bindings, by every name, with a slash at the end."""

_FOREIGN: Final = ("<", *directories(os.__file__))


class FileGlobs:
    """Which files are chosen, as far as globs say so.

    Parameters:
        include: when there are any, the files that match one, and no others.
        exclude: no file that matches one.

    A glob is matched, as by `fnmatch`, with the absolute path and with its tail after any ``/``;
    its ``*`` also goes over a ``/``. One that begins with a dot and a slash is relative to the
    working directory.

    Raises:
        TypeError: it is one text instead of a list of them, or something in the list is no text.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self.include = _globs("include", include)
        self.exclude = _globs("exclude", exclude)
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


class PathFilter:
    """Tells of code whether a tool wants it, by the file it comes from.

    By default it wants the program's own files: not the standard library, not what is in
    ``site-packages``, not codetracer, no text that was compiled (``<string>``). Each file is
    decided on once. A relative path counts from the working directory in which the filter was made.

    Parameters:
        include: globs; when there are any, the files that match one are wanted, and no others.
        exclude: globs; no file that matches one is wanted.

    `FileGlobs` says how they are matched, and what is refused.
    """

    __slots__ = ("_folder", "_globs", "_known")

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._folder = working_directory()
        self._globs = FileGlobs(include, exclude)
        self._known: dict[str, bool] = {}

    def selects(self, code: CodeType) -> bool:
        """Tell whether the file of `code` is wanted; quick enough to ask in every handler."""
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
