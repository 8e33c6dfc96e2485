"""Opens the files of a recording, but only regular ones, because others may never end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from codetracer.errors import HostError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["open_regular", "unreadable"]

_FILE_KINDS: Final = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFDIR: "directory",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def open_regular(path: str) -> BinaryIO:
    """Open a regular file for reading; never wait, also not for other files.

    Raises:
        HostError: ERR_IO, the file is not regular, or cannot be opened.
    """
    try:
        # Checked also before opening, because opening affects a FIFO's writer and some devices.
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
    """Return the error for a file that cannot be read.

    Parameters:
        path: the file.
        error: the reason.
    """
    reason = getattr(error, "strerror", None) or error
    return HostError("ERR_IO", f"{path} cannot be read: {reason}", {"file": path})


def _check(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = _FILE_KINDS.get(stat.S_IFMT(mode), "special file")
    raise HostError(
        "ERR_IO",
        f"{path} cannot be read: Is a {kind}, and a recording consists of regular files;"
        " restore the recorded file",
        {"file": path},
    )
