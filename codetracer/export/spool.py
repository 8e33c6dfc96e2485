"""Writes parts of one JSON array at the same time, and then joins them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from codetracer.errors import HostError
from codetracer.export.size import said, too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMA", "Spool"]

BUFFER: Final = 4_000_000
"""The number of characters of all parts together that are kept in memory."""

COMMA: Final = ",\n"
"""The text between two elements of the array."""


class Spool:
    """A folder with a file for each part. No file stays open, because there may be many parts.

    Parameters:
        folder: an existing folder for the files.
        limit: how many bytes all parts may have together; None for no limit.

    Attributes:
        size: how many bytes they have so far.

    Raises:
        HostError: ERR_IO, from every method: a file cannot be written.
        UsageError: ERR_EXPORT_TOO_LARGE, from every method: the parts have more bytes than `limit`
            when they are written to their files.
    """

    def __init__(self, folder: str, limit: int | None = None) -> None:
        self.size = 0
        self._folder = folder
        self._limit = limit
        self._buffers: dict[str, list[str]] = {}
        self._buffered = 0

    def add(self, part: str, *elements: str) -> None:
        """Append elements to a part.

        Parameters:
            part: the name of the part; a new name begins a new part.
            elements: JSON in ASCII.
        """
        if not elements:
            return
        text = COMMA.join(elements)
        buffer = self._buffers.get(part)
        if buffer is None:
            buffer = self._buffers[part] = []
        buffer.append(text)
        size = len(text) + len(COMMA)
        self.size += size
        self._buffered += size
        if self._buffered > BUFFER:
            self._flush()

    def join(self, path: str, parts: Sequence[str]) -> None:
        """Write parts as one JSON array, and remove their files.

        Parameters:
            path: the file to write.
            parts: the names of the parts, in order; those without elements are skipped.
        """
        self._flush()
        try:
            with open(path, "wb") as whole:
                whole.write(b"[")
                first = True
                for part in parts:
                    name = self._path(part)
                    if not os.path.exists(name):
                        continue
                    with open(name, "rb") as content:
                        # A part's file begins with ",\n"; the array's first element needs no comma.
                        content.seek(1 if first else 0)
                        first = False
                        shutil.copyfileobj(content, whole, 1 << 20)
                    os.unlink(name)
                whole.write(b"\n]\n")
        except OSError as error:
            raise _unwritable(path, error) from error

    def _flush(self) -> None:
        if self._limit is not None and self.size > self._limit:
            raise too_large(f"the export has {said(self.size)} already, more than was estimated")
        for part, buffer in self._buffers.items():
            if not buffer:
                continue
            path = self._path(part)
            try:
                with open(path, "a", encoding="ascii") as file:
                    file.write(f"{COMMA}{COMMA.join(buffer)}")
            except OSError as error:
                raise _unwritable(path, error) from error
            buffer.clear()
        self._buffered = 0

    def _path(self, part: str) -> str:
        return os.path.join(self._folder, f"{part}.part")


def _unwritable(path: str, error: OSError) -> HostError:
    return HostError(
        "ERR_IO", f"{path} cannot be written: {error.strerror or error}", {"file": path}
    )
