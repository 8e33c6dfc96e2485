"""The copies of source files in a recording: where each is, and its lines."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Final

from codetracer.errors import HostError
from codetracer.inspect.source import decode_lines
from codetracer.recording.files import open_regular, unreadable
from codetracer.recording.names import SOURCES_FOLDER, source_name

__all__ = ["SourceCopies"]

LARGEST_SOURCE: Final = 16 << 20
"""The largest size in bytes of a source file's copy; a larger one is not used."""

KEPT_SOURCES: Final = 16 << 20
"""The number of characters of source files kept in memory, without the last file read."""


class SourceCopies:
    """Finds and reads the copies of source files.

    Parameters:
        folder: the folder of the recording.
        names: the field ``sources`` of its metadata: the names of the copies, by path.

    Attributes:
        problems: why copies could not be used, by path.
    """

    def __init__(self, folder: str, names: object) -> None:
        self.problems: dict[str, str] = {}
        self._folder = folder
        self._names = names if isinstance(names, dict) else {}
        self._lines: OrderedDict[str, list[str]] = OrderedDict()
        self._kept = 0

    def lines(self, path: str) -> list[str]:
        """Return the lines of a source file as it was recorded; none if there is no copy."""
        lines = self._lines.get(path)
        if lines is None:
            lines = self._lines[path] = self._read(path)
            self._kept += _size(lines)
            while self._kept > KEPT_SOURCES and len(self._lines) > 1:
                self._kept -= _size(self._lines.popitem(last=False)[1])
        return lines

    def copy(self, path: str) -> str | None:
        """Return the path of the copy of a source file; None if there is no readable one.

        It is a regular file inside the recording, of any size.
        """
        name = self._names.get(path)
        if name is None:
            # A process may have copied it after the metadata was written.
            name = source_name(path)
        if not isinstance(name, str):
            return None
        # Nothing outside the trace is read, even if the metadata names it.
        folder = os.path.join(os.path.realpath(self._folder), SOURCES_FOLDER, "")
        try:
            copy = os.path.realpath(os.path.join(folder, name))
            if not copy.startswith(folder) or not os.path.exists(copy):
                return None
            open_regular(copy).close()
        except (OSError, ValueError) as error:  # ValueError: a null byte or a surrogate in the name
            self.problems[path] = unreadable(name, error).message
            return None
        except HostError as error:
            self.problems[path] = error.message
            return None
        return copy

    def _read(self, path: str) -> list[str]:
        copy = self.copy(path)
        if copy is None:
            return []
        try:
            with open_regular(copy) as file:
                content = file.read(LARGEST_SOURCE + 1)
            if len(content) <= LARGEST_SOURCE:
                lines = decode_lines(content)
                return lines if lines[-1] else lines[:-1]
            self.problems[path] = f"{copy} is left out: it has more than {LARGEST_SOURCE:,} bytes"
        except OSError as error:
            self.problems[path] = unreadable(copy, error).message
        except HostError as error:
            self.problems[path] = error.message
        return []


def _size(lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines)
