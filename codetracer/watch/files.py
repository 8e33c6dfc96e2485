"""Decides which files of the program are shown, and under which names.

Each is decided on once. Code that was compiled from text has a name in angle brackets, which much
other code may have too; whether it is the program's own goes by who runs it, the program or a
library such as `dataclasses`.
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
    """A file that is shown.

    Attributes:
        path: absolute, or a name in angle brackets.
        label: the path from the directory on that the file would be imported from.
    """

    __slots__ = ("label", "path")

    def __init__(self, path: str, label: str) -> None:
        self.path = path
        self.label = label


class Files:
    """The files met so far.

    Parameters:
        selection: says which are shown.
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
        """Let go of the program's namespace, whose objects are deleted when the program ends."""
        self._main_namespace = {}

    def of(self, code: CodeType) -> File | None:
        """Return the file of `code`, which is running; None when it is not to be shown."""
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
        """Return the file of code that was compiled from text; decides on all that is within it."""
        known = self._of_text.get(id(code))
        if known is not None and known[0]() is code:
            return known[1]
        file = self._decide(code.co_filename, is_own=self._is_run_by_program(code))
        for part in code_within(code):
            # Weakly, and by id: code objects of different files may be equal.
            forget = partial(self._of_text.pop, id(part))
            self._of_text[id(part)] = (weakref.ref(part, forget), file)
        return file

    def _is_run_by_program(self, code: CodeType) -> bool:
        frame = frame_of(code)
        if frame is None or (caller := frame.f_back) is None:
            return False
        # Text that the launcher runs is the program: the code of -c, or standard input.
        return caller.f_code is launcher.run.__code__ or self.of(caller.f_code) is not None


def _is_text(code: CodeType) -> bool:
    name = code.co_filename
    return name.startswith("<") and not name.startswith("<frozen ")


def _absolute(filename: str) -> str:
    """Return the absolute path of a file; a name in angle brackets as it is."""
    if filename.startswith("<"):
        return filename
    try:
        return os.path.abspath(filename)
    except OSError:
        # The working directory is gone.
        return filename
