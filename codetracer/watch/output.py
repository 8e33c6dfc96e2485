"""Writes trace lines to a file descriptor of its own, one line at a time.

Nothing is buffered, so that neither a crash nor ``os._exit`` loses a line. No lock is held, because
a signal handler or a forked child could find it locked.
"""

from __future__ import annotations

import os
import time

from codetracer.capture.streams import FIRST_DESCRIPTOR
from codetracer.errors import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["Output"]

NO_FILE: Final = -1


class Output:
    """Writes lines to a file or to standard error, until it is closed.

    Parameters:
        path: the file, which is emptied first. None for the present standard error, even if the
            program replaces it later.

    Raises:
        HostError: ERR_IO, the file cannot be opened.
    """

    def __init__(self, path: str | None = None) -> None:
        self._name = "standard error" if path is None else path
        # Kept in the instance: freezegun, pyfakefs and mocks replace such functions in the globals
        # of all modules.
        self._write_some, self._close, self._sleep = os.write, os.close, time.sleep
        try:
            self._descriptor = _out_of_the_way(2 if path is None else _open(path), path is not None)
        except OSError as error:
            raise self._failure("open", error) from error

    def write(self, text: str) -> None:
        """Write whole lines; do nothing after `close`, or if the program closed the descriptor.

        Parameters:
            text: the lines, each with its line end.

        Raises:
            HostError: ERR_IO, the disk is full or the device fails; later calls write nothing. A
                pipe without a reader is no error.
        """
        data = text.encode("utf-8", "backslashreplace")
        while data and self._descriptor != NO_FILE:
            try:
                data = data[self._write_some(self._descriptor, data) :]
            except BlockingIOError:
                # Standard error may be shared with a process that made it non-blocking.
                self._sleep(0.001)
            except BrokenPipeError:
                self.close()
            except OSError as error:
                closed_by_program = self._descriptor == NO_FILE or not _is_open(self._descriptor)
                self.close()
                if not closed_by_program:
                    raise self._failure("write to", error) from error

    def close(self) -> None:
        """Close the descriptor; may be called again."""
        descriptor, self._descriptor = self._descriptor, NO_FILE
        if descriptor != NO_FILE:
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
    # Appending, because a forked child writes to the same file.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)


def _out_of_the_way(descriptor: int, is_ours: bool) -> int:
    """Return a high, non-inheritable duplicate of a descriptor.

    Parameters:
        descriptor: the descriptor.
        is_ours: whether to close `descriptor` itself.
    """
    try:
        try:
            import fcntl

            return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR)
        except (ImportError, OSError):
            # Windows has no fcntl, and a low limit of descriptors may forbid high numbers.
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
