"""Copies the source files that an export names."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, Final

from codetracer.errors import HostError
from codetracer.export.codetracer_values import clean
from codetracer.export.size import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LARGEST", "Sources", "target"]

LARGEST: Final = 16_000_000
"""Bytes that a source file may have to be copied."""

LONGEST: Final = 1024
"""Bytes that the name of a source file may have to be copied."""

_NO_PLACE: Final = frozenset(
    {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EINVAL, errno.EILSEQ}
)
"""What a file system says of a name that it cannot have."""


class Sources:
    """Numbers source files, and copies them.

    Parameters:
        workdir: what relative paths are relative to; it is absolute.

    Attributes:
        paths: the files' paths in the export by their numbers: absolute, unless they name no file,
            such as ``<string>``.
    """

    def __init__(self, workdir: str) -> None:
        self.paths: list[str] = []
        self._numbers: dict[str, int] = {}
        self._workdir = workdir

    def number(self, path: str) -> int | None:
        """Return the number of a source file, by the path that was recorded, if it has one."""
        return self._numbers.get(path)

    def add(self, path: str) -> int:
        """Return the number of a source file that has none yet."""
        full = path
        if path and not path.startswith("<"):
            full = os.path.normpath(os.path.join(self._workdir, path))
        self.paths.append(clean(full))
        number = self._numbers[path] = len(self.paths) - 1
        return number

    def copy(
        self, folder: str, find: Callable[[str], str | None], room: int | None
    ) -> Iterator[tuple[str, str]]:
        """Copy the files into a folder, each below it as its path says.

        Parameters:
            folder: where to; what is in it already is never written to.
            find: returns the copy of a file in the recording, by the path that was recorded.
            room: how many bytes they may have together; None for no limit.

        Yields:
            The path of each file that has a copy and was left out, and the reason.

        Raises:
            HostError: ERR_IO, a file cannot be read or written.
        """
        copied: dict[str, str] = {}
        for path, number in self._numbers.items():
            found = find(path)
            if found is None:
                continue
            full = self.paths[number]
            if len(full.encode()) > LONGEST:
                yield path, "its name is too long"
                continue
            place = target(folder, full)
            if place is None:
                yield path, "its name leads outside of the export, or to no file"
                continue
            if place in copied:
                if copied[place] != found:
                    yield path, "another source has the same place"
                continue
            try:
                size = os.stat(found).st_size
                if size > LARGEST or (room is not None and size > room):
                    yield path, f"it has {said(size)}"
                    continue
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(found, "rb") as source, open(place, "xb") as copy:
                    shutil.copyfileobj(source, copy)
            except OSError as error:
                if error.errno not in _NO_PLACE:
                    raise HostError(
                        "ERR_IO",
                        f"{found} cannot be copied to {place}: {error.strerror or error}",
                        {"file": place},
                    ) from error
                yield path, f"there can be no such file: {error.strerror}"
                continue
            except UnicodeEncodeError:
                yield path, "file names here cannot have these characters"
                continue
            copied[place] = found
            if room is not None:
                room -= size


def target(folder: str, path: str) -> str | None:
    """Return where the copy of a source file goes, or None if that is not below the folder.

    Parameters:
        folder: what it must be below.
        path: the file's path in the export.
    """
    parts = path.lstrip(os.sep).split(os.sep)
    if "\0" in path or any(part in ("", os.curdir, os.pardir) for part in parts):
        return None
    return os.path.join(folder, *parts)
