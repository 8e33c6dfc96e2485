"""Which files are the program's own, and which a glob names."""

from __future__ import annotations

import os

import codetracer_bindings
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from re import Pattern
    from types import CodeType
    from typing import Final

__all__ = ["PathFilter", "compiled_globs", "directories", "is_foreign", "matches"]

INSTALLED: Final = ("site-packages", "dist-packages")
"""Directories in which installers put what is not the program's own (Debian has the second)."""

_abspath: Final = os.path.abspath
_realpath: Final = os.path.realpath
_dirname: Final = os.path.dirname
_sep: Final = os.sep

seal(globals())


def directories(*files: str | None) -> tuple[str, ...]:
    """Return the directories that files are in, by every name, with a slash at the end."""
    names = {_dirname(_abspath(file)) for file in files if file}
    return tuple(name + _sep for name in names | set(map(_realpath, names)))


def compiled_globs(globs: Iterable[str]) -> tuple[Pattern[str], ...]:
    """Return globs as `matches` takes them; what that needs is loaded here, before a program runs.

    One that begins with a dot and a slash is relative to the working directory.
    """
    # Not at the top: importing codetracer is to be light.
    import re
    from fnmatch import translate

    absolute = [_abspath(glob) if glob.startswith(("./", "../")) else glob for glob in globs]
    return tuple(re.compile(translate(form)) for glob in absolute for form in (glob, f"*/{glob}"))


def matches(path: str, globs: tuple[Pattern[str], ...]) -> bool:
    """Tell whether one of `globs` matches a path, or its tail after any ``/``."""
    return any(glob.match(path) for glob in globs)


def is_foreign(path: str) -> bool:
    """Tell whether a file is the standard library's or installed, or no file at all: ``<…>``."""
    return path.startswith(_FOREIGN) or any(f"{_sep}{name}{_sep}" in path for name in INSTALLED)


_OURS: Final = directories(_dirname(__file__), codetracer_bindings.__file__)
_FOREIGN: Final = ("<", *directories(os.__file__))


class PathFilter:
    """Tells of code whether a tool wants it, by the file it comes from.

    By default it wants the program's own files: not the standard library, not what is in
    ``site-packages``, not codetracer, no text that was compiled (``<string>``). Each file is
    decided on once.

    Parameters:
        include: globs; when there are any, the files that match one are wanted, and no others.
        exclude: globs; no file that matches one is wanted.

    A glob is matched, by `fnmatch`, with the absolute path and with its tail after any ``/``; its
    ``*`` also goes over a ``/``. One that begins with a dot and a slash is relative to the working
    directory.
    """

    __slots__ = ("_exclude", "_include", "_known")

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._include = compiled_globs(include)
        self._exclude = compiled_globs(exclude)
        self._known: dict[str, bool] = {}

    def selects(self, code: CodeType) -> bool:
        """Tell whether the file of `code` is wanted; quick enough to ask in every handler."""
        name = code.co_filename
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._decide(name if name[:1] == "<" else _abspath(name))
        return known

    def _decide(self, path: str) -> bool:
        if matches(path, self._exclude):
            return False
        if self._include:
            return matches(path, self._include)
        return not (is_foreign(path) or path.startswith(_OURS))
