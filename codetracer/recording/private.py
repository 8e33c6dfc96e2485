"""Files that only their owner may read, and the error for a log that cannot be written.

The engine in C needs this of the log's writer, and nothing else.
"""

from __future__ import annotations

import os
from os import fstat as _fstat

from codetracer.errors import HostError
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

__all__ = ["OWNER_FILE", "make_private", "unwritable"]

_fchmod: Final[Callable[[int, int], object] | None] = getattr(os, "fchmod", None)

seal(globals())

OWNER_FILE: Final = 0o600
"""The mode of a recording's files, because their content may be secret."""


def make_private(file: int) -> None:
    """Set the mode of a new file to `OWNER_FILE`, because the umask may have removed bits of it.

    Parameters:
        file: its descriptor.
    """
    if _fstat(file).st_mode & 0o777 == OWNER_FILE or _fchmod is None:
        return
    try:
        _fchmod(file, OWNER_FILE)
    except OSError as error:
        # Some file systems have no modes.
        if not began_here(error):
            raise


def unwritable(path: str, reason: str) -> HostError:
    """Return the error for a log that cannot be written.

    Parameters:
        path: the log.
        reason: the reason, for example the system's message.
    """
    return HostError("ERR_IO", f"{path} cannot be written: {reason}", {"file": path})
