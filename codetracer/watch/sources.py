"""Reads source lines to show beside line events.

`linecache` would do it too, but it asks the program's own loaders, and its cache is one that the
program may look into. Here only files are read, and zip files.
"""

from __future__ import annotations

import os
from zipimport import ZipImportError, zipimporter

from codetracer.inspect.code import code_within
from codetracer.inspect.source import decode_lines
from codetracer.launcher import COMMAND_FILENAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

__all__ = ["Sources"]


class Sources:
    """The lines of the program's sources, each file read when its first line is asked for.

    Parameters:
        command: the code of ``-c``, which is in no file.
    """

    def __init__(self, command: str | None = None) -> None:
        self._files: dict[str, list[str]] = {}
        # Kept here, for tests like to replace open().
        self._open = open
        self._command = None if command is None else _trim(command.split("\n"))
        self._command_code: dict[int, CodeType] = {}

    def line(self, code: CodeType, path: str, number: int) -> str:
        """Return a line without the blanks around it; "" when it cannot be had.

        Parameters:
            code: whose line it is.
            path: its file, absolute, or a name in angle brackets.
            number: from 1.
        """
        lines = (
            self._lines_of_command(code) if path == COMMAND_FILENAME else self._lines_of_file(path)
        )
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def _lines_of_command(self, code: CodeType) -> list[str]:
        # Much else that is compiled from text is called <string>, but the command comes first.
        if self._command is None:
            return []
        if not self._command_code:
            self._command_code = {id(part): part for part in code_within(code)}
        return self._command if id(code) in self._command_code else []

    def _lines_of_file(self, path: str) -> list[str]:
        lines = self._files.get(path)
        if lines is None:
            lines = [] if path.startswith("<") else self._read_lines(path)
            self._files[path] = lines
        return lines

    def _read_lines(self, path: str) -> list[str]:
        try:
            try:
                with self._open(path, "rb") as file:
                    source = file.read()
            except OSError:
                source = _read_from_zip(path)
            return _trim(decode_lines(source))
        except (OSError, ValueError, LookupError):
            # It is the program's file; whatever is wrong with it is not ours to say.
            return []


def _trim(lines: list[str]) -> list[str]:
    return [line.strip().expandtabs() for line in lines]


def _read_from_zip(path: str) -> bytes:
    archive = path
    while not os.path.exists(archive):
        if archive == (archive := os.path.dirname(archive)):
            break
    try:
        return zipimporter(archive).get_data(path)
    except ZipImportError as error:
        raise OSError(*error.args) from error
