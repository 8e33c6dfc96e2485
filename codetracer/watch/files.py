"""Decides which files of the program are shown, and under which names.

Each file is decided once. Code that was compiled from text has a file name in angle brackets, such
as ``<string>``, which other code may have too. Such code is the program's own if the program runs
it, and not if a library such as `dataclasses` does.
"""

from __future__ import annotations

import os
import sys
import weakref
from functools import partial

from codetracer import launcher
from codetracer.inspect.code import code_within
from codetracer.inspect.frames import frame as frame_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from codetracer.watch.select import FileSelection

__all__ = ["File", "Files"]


class File:
    """A file whose events are shown.

    Attributes:
        path: the absolute path, or a name in angle brackets.
        label: the path relative to the entry of `sys.path` from which it would be imported.
    """

    __slots__ = ("label", "path")

    def __init__(self, path: str, label: str) -> None:
        self.path = path
        self.label = label


class Files:
    """Decides about files, and caches the decisions.

    Parameters:
        selection: selects the files that are shown.
    """

    def __init__(self, selection: FileSelection) -> None:
        self._selection = selection
        self._by_name: dict[str, File | None] = {}
        self._of_text: dict[int, tuple[weakref.ref[CodeType], File | None]] = {}
        self._bases: list[str] = []
        self._main_namespace: dict[str, Any] = {}

    def begin(self) -> None:
        """Remember the program's ``__main__`` and `sys.path`."""
        self._main_namespace = sys.modules["__main__"].__dict__
        names = [_absolute(name) for name in [os.curdir, *sys.path] if type(name) is str]
        self._bases = [name if name.endswith(os.sep) else name + os.sep for name in names]

    def end(self) -> None:
        """Release the program's namespace, so that its objects can be deleted at the end."""
        self._main_namespace = {}

    def of(self, code: CodeType) -> File | None:
        """Return the file of code, or None if it is not shown.

        Parameters:
            code: a code object whose frame is the innermost one or was just left.
        """
        try:
            return self._by_name[code.co_filename]
        except KeyError:
            if _is_text(code):
                return self._text(code)
        frame = frame_of(code)
        is_main = frame is not None and frame.f_globals is self._main_namespace
        file = self._decide(_absolute(code.co_filename), is_own=is_main)
        self._by_name[code.co_filename] = file
        return file

    def _decide(self, path: str, *, is_own: bool) -> File | None:
        return (
            File(path, self._label(path)) if self._selection.selects(path, is_own=is_own) else None
        )

    def _label(self, path: str) -> str:
        bases = [base for base in self._bases if path.startswith(base)]
        return path[len(max(bases, key=len)) :] if bases else path

    def _text(self, code: CodeType) -> File | None:
        """Return the file of code compiled from text, or None; decides for all code in it, too."""
        known = self._of_text.get(id(code))
        if known is not None and known[0]() is code:
            return known[1]
        file = self._decide(code.co_filename, is_own=self._is_run_by_program(code))
        for part in code_within(code):
            # By id, because code objects of different files may be equal; weakly, so that they
            # can be deleted.
            forget = partial(self._of_text.pop, id(part))
            self._of_text[id(part)] = (weakref.ref(part, forget), file)
        return file

    def _is_run_by_program(self, code: CodeType) -> bool:
        frame = frame_of(code)
        if frame is None or (caller := frame.f_back) is None:
            return False
        # The launcher runs the program itself: the code of -c, or standard input.
        return caller.f_code is launcher.run.__code__ or self.of(caller.f_code) is not None


def _is_text(code: CodeType) -> bool:
    name = code.co_filename
    return name.startswith("<") and not name.startswith("<frozen ")


def _absolute(filename: str) -> str:
    """Return the absolute path of a file; a name in angle brackets stays unchanged."""
    if filename.startswith("<"):
        return filename
    try:
        return os.path.abspath(filename)
    except OSError:
        # The working directory was deleted.
        return filename
