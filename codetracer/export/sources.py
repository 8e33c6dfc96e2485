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

__all__ = ["LARGEST_COPY", "Sources", "target"]

LARGEST_COPY: Final = 16_000_000
"""The size of the largest source file that is copied, in bytes."""

LONGEST_COPIED_PATH: Final = 1024
"""The length of the longest path of a source file that is copied, in bytes."""

_NO_PLACE: Final = frozenset(
    {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EINVAL, errno.EILSEQ}
)
"""The errors with which a file system refuses a file's name."""


class Sources:
    """Numbers source files, and copies them.

    Parameters:
        workdir: the absolute path that relative paths start from.

    Attributes:
        paths: the files' paths in the export, by their numbers. They are absolute, except for names
            that are no file, such as ``<string>``.
    """

    def __init__(self, workdir: str) -> None:
        self.paths: list[str] = []
        self._numbers: dict[str, int] = {}
        self._workdir = workdir

    def number(self, path: str) -> int | None:
        """Return the number of a source file, or None if it has none yet.

        Parameters:
            path: its recorded path.
        """
        return self._numbers.get(path)

    def add(self, path: str) -> int:
        """Number a source file that has no number yet, and return the number.

        Parameters:
            path: its recorded path.
        """
        full = path
        if path and not path.startswith("<"):
            full = os.path.normpath(os.path.join(self._workdir, path))
        self.paths.append(clean(full))
        number = self._numbers[path] = len(self.paths) - 1
        return number

    def copy(
        self, folder: str, find: Callable[[str], str | None], room: int | None
    ) -> Iterator[tuple[str, str]]:
        """Copy the files into a folder, each to its absolute path below that folder.

        Parameters:
            folder: the destination; files that exist in it are never overwritten.
            find: returns the path of the recording's copy of a file, given the recorded path; None
                if the recording has no copy.
            room: how many bytes the copies may have together; None for no limit.

        Yields:
            For each file that the recording has and that is not copied: its recorded path, and the
            reason.

        Raises:
            HostError: ERR_IO, a file cannot be read or written.
        """
        copied: dict[str, str] = {}
        for path, number in self._numbers.items():
            found = find(path)
            if found is None:
                continue
            full = self.paths[number]
            if len(full.encode()) > LONGEST_COPIED_PATH:
                yield path, "its name is too long"
                continue
            place = target(folder, full)
            if place is None:
                yield path, "its path leads outside of the export, or is not that of a file"
                continue
            if place in copied:
                if copied[place] != found:
                    yield path, "another source has the same path"
                continue
            try:
                size = os.stat(found).st_size
                if size > LARGEST_COPY or (room is not None and size > room):
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
                yield path, f"the file cannot be created: {error.strerror}"
                continue
            except UnicodeEncodeError:
                yield path, "the file system does not allow the characters of its name"
                continue
            copied[place] = found
            if room is not None:
                room -= size


def target(folder: str, path: str) -> str | None:
    """Return the path of a source file's copy, or None if it would not be below the folder.

    Parameters:
        folder: the folder of the copies.
        path: the file's path in the export.
    """
    parts = path.lstrip(os.sep).split(os.sep)
    if "\0" in path or any(part in ("", os.curdir, os.pardir) for part in parts):
        return None
    return os.path.join(folder, *parts)
