"""Lets a descendant of a recorded process find the recording and join it.

An environment variable names the recording's id and folder. A program that starts itself anew, as
debug servers do, asks for the folder that it is recorded into: it is not refused, but given a log
of its own in that recording. Who asks for another folder gets that one.
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

__all__ = ["VARIABLE", "Announcement", "ancestor"]

VARIABLE: Final = "CODETRACER_RECORDING"
"""``<the recording's id as 32 hexadecimal digits>:<its folder>``, in each descendant."""

seal(globals())


class Announcement:
    """The variable, as long as a recording lasts.

    Parameters:
        recording: the recording's id.
        folder: its folder.
    """

    def __init__(self, recording: bytes, folder: str) -> None:
        # Not through os.environ: its methods are Python code, and call what the program may have
        # replaced.
        names = getattr(_environ, "_data", None)
        self._names: dict[Any, Any] = {} if names is None else names
        value = f"{recording.hex()}:{folder}"
        # The program may have emptied it: what it holds says nothing of how names are kept.
        self._key = VARIABLE if names is None else _environ.encodekey(VARIABLE)
        self._value = value if names is None else _environ.encodevalue(value)
        self._before = self._names.get(self._key)

    def announce(self) -> None:
        """Set it."""
        self._names[self._key] = self._value
        _putenv(VARIABLE, self._value)

    def withdraw(self) -> None:
        """Put back what was there before, unless the program has changed it; again does nothing."""
        if self._names.get(self._key) is not self._value:
            return
        # What tells that it is still to be done goes last.
        if self._before is None:
            _unsetenv(VARIABLE)
            self._names.pop(self._key, None)
        else:
            _putenv(VARIABLE, self._before)
            self._names[self._key] = self._before


def ancestor(path: str | None, default: str, *, numbered: bool) -> tuple[str, bytes] | None:
    """Return folder and id of the recording that this process is to join; None if there is none.

    Parameters:
        path: the folder that is asked for; None for `default`.
        default: where a recording goes unless it is said.
        numbered: whether a folder that is taken is asked for with ``-2`` and so on.
    """
    number, _, folder = os.environ.get(VARIABLE, "").partition(":")
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
