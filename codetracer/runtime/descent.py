"""Lets a descendant of a recorded process find the recording and join it.

An environment variable names the recording's id and folder. A program that starts itself again, as
debug servers do, asks for the folder in which it is being recorded. It gets a log of its own in
that recording. A process that asks for another folder gets a recording there.
"""

from __future__ import annotations

import os
from os import O_CLOEXEC, O_NONBLOCK, O_RDONLY
from os import close as _close
from os import environ as _environ
from os import listdir as _listdir
from os import open as _open
from os import putenv as _putenv
from os import read as _read
from os import unsetenv as _unsetenv

from codetracer.own import seal
from codetracer_bindings.trace_format import FILE_HEADER, LOG_SUFFIX, MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["RECORDING_VARIABLE", "Announcement", "ancestor"]

RECORDING_VARIABLE: Final = "CODETRACER_RECORDING"
"""``<the recording's id as 32 hexadecimal digits>:<its folder>``, in each descendant."""

seal(globals())


class Announcement:
    """The environment variable while a recording runs.

    Parameters:
        recording: the recording's id.
        folder: its folder.
    """

    def __init__(self, recording: bytes, folder: str) -> None:
        # Not through os.environ: its methods are Python code, which calls functions that the
        # program may have replaced.
        names = getattr(_environ, "_data", None)
        self._names: dict[Any, Any] = {} if names is None else names
        value = f"{recording.hex()}:{folder}"
        # The program may have emptied os.environ, so its content does not show the type of names.
        self._key = RECORDING_VARIABLE if names is None else _environ.encodekey(RECORDING_VARIABLE)
        self._value = value if names is None else _environ.encodevalue(value)
        self._before = self._names.get(self._key)

    def announce(self) -> None:
        """Set the variable."""
        self._names[self._key] = self._value
        _putenv(RECORDING_VARIABLE, self._value)

    def withdraw(self) -> None:
        """Restore the earlier value, unless the program has changed it. May be called again."""
        if self._names.get(self._key) is not self._value:
            return
        # The last step is the one that marks the work as done.
        if self._before is None:
            _unsetenv(RECORDING_VARIABLE)
            self._names.pop(self._key, None)
        else:
            _putenv(RECORDING_VARIABLE, self._before)
            self._names[self._key] = self._before


def ancestor(path: str | None, default: str, *, numbered: bool) -> tuple[str, bytes] | None:
    """Return folder and id of the recording that this process joins; None if it joins none.

    Parameters:
        path: the requested folder; None for `default`.
        default: the folder of a recording for which none is requested.
        numbered: whether ``-2`` and so on is added if the folder is taken.
    """
    number, _, folder = os.environ.get(RECORDING_VARIABLE, "").partition(":")
    wanted = os.path.abspath(path or default)
    rest = folder.removeprefix(wanted)
    if folder != wanted and not (
        (numbered or path is None)
        and folder.startswith(wanted)
        and rest[:1] == "-"
        and rest[1:].isdecimal()
    ):
        return None
    try:
        recording = bytes.fromhex(number)
        logs = [name for name in _listdir(folder) if name.endswith(LOG_SUFFIX)]
    except (OSError, ValueError):
        return None
    # The folder may have been emptied, and taken by another recording.
    if any(_recording_of(f"{folder}/{name}") == recording for name in logs):
        return folder, recording
    return None


def _recording_of(path: str) -> bytes | None:
    try:
        file = _open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        try:
            header = _read(file, FILE_HEADER.size)
        finally:
            _close(file)
    except OSError:
        return None
    if len(header) < FILE_HEADER.size or not header.startswith(MAGIC):
        return None
    recording: bytes = FILE_HEADER.unpack(header)[-1]
    return recording
