"""Opens the files of a recording, but only regular ones, because others may never end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from codetracer.errors import HostError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["open_regular", "unreadable"]

_KINDS: Final = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFDIR: "directory",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def open_regular(path: str) -> BinaryIO:
    """Open a file for reading, if it is a regular one; nothing waits, whatever it is.

    Raises:
        HostError: ERR_IO, it is none, or cannot be opened.
    """
    try:
        # Asked before it is opened as well: a FIFO's writer and some devices notice that.
        _check(path, os.stat(path).st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            _check(path, os.fstat(descriptor).st_mode)
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
    except (OSError, ValueError) as error:  # ValueError: a null byte or a surrogate in the path
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError | ValueError) -> HostError:
    """Return the error that says why a file cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return HostError("ERR_IO", f"{path} cannot be read: {reason}", {"file": path})


def _check(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = _KINDS.get(stat.S_IFMT(mode), "special file")
    raise HostError(
        "ERR_IO",
        f"{path} cannot be read: Is a {kind}, and a recording consists of regular files;"
        " restore the recorded file",
        {"file": path},
    )
