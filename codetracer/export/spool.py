"""Parts of one JSON array that are written at the same time, and put one after the other."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from codetracer.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Spool"]

BUFFER: Final = 1 << 18
"""Characters of a part that are kept in memory."""


class Spool:
    """A folder with a file for each part; no file stays open, for parts may be many.

    Parameters:
        folder: where the files are made; it must exist.

    Raises:
        HostError: ERR_IO, from every method: a file cannot be written.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._buffers: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, part: str, element: str) -> None:
        """Append an element, as JSON, to a part."""
        self._buffers.setdefault(part, []).append(element)
        size = self._sizes[part] = self._sizes.get(part, 0) + len(element)
        if size > BUFFER:
            self._flush(part)

    def join(self, path: str, parts: Sequence[str]) -> None:
        """Write the JSON array of these parts, in this order, and remove their files."""
        try:
            with open(path, "wb") as whole:
                whole.write(b"[")
                first = True
                for part in parts:
                    self._flush(part)
                    name = self._path(part)
                    if not os.path.exists(name):
                        continue
                    with open(name, "rb") as content:
                        # Every element begins with a comma and a new line; an array's first not.
                        content.seek(1 if first else 0)
                        first = False
                        shutil.copyfileobj(content, whole, 1 << 20)
                    os.unlink(name)
                whole.write(b"\n]\n")
        except OSError as error:
            raise _unwritable(path, error) from error

    def _flush(self, part: str) -> None:
        elements = self._buffers.get(part)
        if not elements:
            return
        path = self._path(part)
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write("".join(f",\n{element}" for element in elements))
        except OSError as error:
            raise _unwritable(path, error) from error
        elements.clear()
        self._sizes[part] = 0

    def _path(self, part: str) -> str:
        return os.path.join(self._folder, f"{part}.part")


def _unwritable(path: str, error: OSError) -> HostError:
    return HostError(
        "ERR_IO", f"{path} cannot be written: {error.strerror or error}", {"file": path}
    )
