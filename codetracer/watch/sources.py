"""Reads source lines to show beside line events.

`linecache` is not used, because it calls loaders of the program, and the program can see its cache.
This module reads only files and zip files.
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
    """The lines of the program's sources; each file is read when its first line is needed.

    Parameters:
        command: the code of ``-c``, which is in no file; None if the program is not run with -c.
    """

    def __init__(self, command: str | None = None) -> None:
        self._files: dict[str, list[str]] = {}
        # Kept in the instance, because tests of programs may replace open().
        self._open = open
        self._command = None if command is None else _trim(command.split("\n"))
        self._command_code: dict[int, CodeType] = {}

    def line(self, code: CodeType, path: str, number: int) -> str:
        """Return a line without surrounding blanks; "" if it cannot be read.

        Parameters:
            code: the code object to which the line belongs.
            path: the absolute path of its file, or a name in angle brackets.
            number: the line number, from 1.
        """
        lines = (
            self._lines_of_command(code) if path == COMMAND_FILENAME else self._lines_of_file(path)
        )
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def _lines_of_command(self, code: CodeType) -> list[str]:
        # Other code compiled from text is named <string>, too, but the command runs first.
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
            # Errors in the program's files are not reported here.
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
