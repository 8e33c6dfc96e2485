"""Writes trace lines to a file descriptor of its own, one line at a time.

Nothing is buffered, so that neither a crash nor ``os._exit`` loses a line; and no lock is held, so
that neither a signal handler nor a fork can find it taken.
"""

from __future__ import annotations

import os
import time

from codetracer.errors import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["Output"]

FIRST_DESCRIPTOR: Final = 200
"""Descriptors below it are left to the program: it gets the numbers that it gets untraced, and does
not close this one when it closes "all" the small ones."""

CLOSED: Final = -1


class Output:
    """A place for trace lines. After anyone has closed it, nothing is written.

    Parameters:
        path: the file to write to, emptied first; None for what is the standard error stream now,
            whatever the program makes of it later.

    Raises:
        HostError: ERR_IO, it cannot be opened.
    """

    def __init__(self, path: str | None = None) -> None:
        self._name = "standard error" if path is None else path
        # Kept here, out of reach of what replaces such functions wherever a module names them
        # (freezegun, pyfakefs, a mock).
        self._write_some, self._close, self._sleep = os.write, os.close, time.sleep
        try:
            self._descriptor = _out_of_the_way(2 if path is None else _open(path), path is not None)
        except OSError as error:
            raise self._failure("open", error) from error

    def write(self, text: str) -> None:
        """Write whole lines.

        Raises:
            HostError: ERR_IO, there is no room, or the device fails; nothing is written any more.
                A pipe that nobody reads any longer is no error.
        """
        data = text.encode("utf-8", "backslashreplace")
        while data and self._descriptor != CLOSED:
            try:
                data = data[self._write_some(self._descriptor, data) :]
            except BlockingIOError:
                # Standard error may be shared with a process that made it non-blocking.
                self._sleep(0.001)
            except BrokenPipeError:
                self.close()
            except OSError as error:
                closed_by_program = self._descriptor == CLOSED or not _is_open(self._descriptor)
                self.close()
                if not closed_by_program:
                    raise self._failure("write to", error) from error

    def close(self) -> None:
        """Write nothing any more; may be called again."""
        descriptor, self._descriptor = self._descriptor, CLOSED
        if descriptor != CLOSED:
            try:
                self._close(descriptor)
            except OSError:
                return

    def _failure(self, what: str, error: OSError) -> HostError:
        return HostError(
            "ERR_IO",
            f"cannot {what} {self._name}: {error.strerror or error}",
            {"file": self._name},
        )


def _open(path: str) -> int:
    # Appending, for a forked child writes through a descriptor of the same file.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)


def _out_of_the_way(descriptor: int, is_ours: bool) -> int:
    """Return a high, non-inheritable duplicate of `descriptor`, in its place if it is ours."""
    try:
        try:
            import fcntl

            return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR)
        except (ImportError, OSError):
            # No such thing on Windows; and few descriptors may be allowed.
            return os.dup(descriptor)
    finally:
        if is_ours:
            os.close(descriptor)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
