"""Appends to a trace log through a memory map, so that what was written outlives the process.

It knows blocks and bytes; what they mean is the encoder's business.
"""

from __future__ import annotations

import mmap
import os
from zlib import crc32

from codetracer.errors import HostError
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    BLOCK_SIZE,
    FILE_HEADER,
    LOG_VERSION,
    MAGIC,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["LogWriter"]

WINDOW: Final = 16 * BLOCK_SIZE
"""How many bytes of the file are mapped, and claimed on the disk, at a time."""


class LogWriter:
    """Writes one log file.

    Not for several threads at once: whoever calls holds a lock.

    Parameters:
        path: the file, which must not exist.
        recording: the recording's UUID (16 bytes).
        pid: the process that is recorded.
        started: when recording began (ns since 1970).

    Attributes:
        path: the file.
        problem: why nothing more can be written; None as long as it can.

    Raises:
        OSError: the file exists, or cannot be created or written.
    """

    def __init__(self, path: str, recording: bytes, pid: int, started: int) -> None:
        self.path = path
        self.problem: str | None = None
        self._map: mmap.mmap
        self._window_start = 0
        self._block_number = 0
        self._block_start = 0
        self._payload = 0
        self._position = 0
        self._limit = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            self._claim(0, WINDOW)
        except OSError:
            os.close(self._file)
            os.unlink(path)
            raise
        header = FILE_HEADER.pack(MAGIC, LOG_VERSION, BLOCK_SIZE, pid, started, recording)
        self._map[: len(header)] = header
        self._begin_block(len(header), BLOCK_SIZE - len(header))

    @property
    def size(self) -> int:
        """How many bytes of the file hold something."""
        return self._window_start + self._position

    def write(self, group: bytes) -> None:
        """Append a group of records; a reader will find all of it or nothing.

        Raises:
            HostError: ERR_IO, the disk is full, for instance; the log is whole up to here.
        """
        start = self._position
        end = start + len(group)
        if end > self._limit:
            self.next_block(len(group))
            start = self._position
            end = start + len(group)
        # The first byte last: as long as it is 0, the block ends before it.
        self._map[start + 1 : end] = group[1:]
        self._map[start] = group[0]
        self._position = end

    def next_block(self, needed: int) -> None:
        """Close the block and begin another one with room for `needed` bytes.

        Raises:
            HostError: ERR_IO, there is no room; the log is whole up to here.
        """
        self._seal_block()
        start = self._limit
        size = BLOCK_SIZE
        while size < needed + BLOCK_HEADER.size:
            size += BLOCK_SIZE
        if start + size > len(self._map):
            old = self._map
            try:
                self._claim(self._window_start + start, max(size, WINDOW))
            except OSError as error:
                self.problem = f"{self.path} cannot be made longer: {error.strerror or error}"
                raise HostError(
                    "ERR_IO",
                    f"{self.problem}; the recording ends here",
                    {"file": self.path},
                ) from error
            old.close()
            start = 0
        self._block_number += 1
        self._begin_block(start, size)

    def lend(self) -> tuple[mmap.mmap, int, int]:
        """Return the map, where in it the next group goes, and where its block ends.

        Until `take_back`, nobody else writes. What is written there must be as `write` would.
        """
        return self._map, self._position, self._limit

    def take_back(self, position: int) -> None:
        """Go on at `position` (byte offset in the map)."""
        self._position = position

    def flush(self) -> None:
        """Have the system write to the disk what is in the file; nothing if it is closed."""
        if self._file >= 0:
            self._map.flush()

    def close(self) -> None:
        """Close the last block and cut the file behind it; a second call does nothing."""
        if self._file < 0:
            return
        self._limit = self._position
        self._seal_block()
        end = self.size
        self._map.close()
        os.ftruncate(self._file, end)
        os.close(self._file)
        self._file = -1

    def abandon(self) -> None:
        """Let go of the file as it is: after a fork it is the parent's."""
        if self._file >= 0:
            self._map.close()
            os.close(self._file)
            self._file = -1

    def _claim(self, start: int, size: int) -> None:
        # Claimed, not only mapped: a write into the map of a full disk would kill the program.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file, start, size)
        else:
            os.pwrite(self._file, bytes(size), start)
        self._map = mmap.mmap(self._file, size, offset=start)
        self._window_start = start

    def _begin_block(self, start: int, size: int) -> None:
        self._block_start = start
        self._position = self._payload = start + BLOCK_HEADER.size
        self._limit = start + size
        self._header(size, 0, 0)

    def _seal_block(self) -> None:
        size = self._limit - self._block_start
        crc = crc32(self._map[self._payload : self._position])
        # In two steps, for the process may be killed amid one: `used` makes the checksum count.
        self._header(size, 0, crc)
        self._header(size, self._position - self._payload, crc)

    def _header(self, size: int, used: int, crc: int) -> None:
        start = self._block_start
        self._map[start : start + BLOCK_HEADER.size] = BLOCK_HEADER.pack(
            BLOCK_MAGIC, self._block_number, size, used, crc
        )
