"""Appends to a trace log through a memory map, so that its bytes outlive the process.

It knows blocks and bytes; what they mean is the encoder's business. `native/log.c` is the same in
C.

No descriptor is kept: the program may close any number, and open a file of its own under it. The
file is opened by its path whenever another part of it is to be mapped, checked to be the one that
was created, and closed at once.

A signal handler of the program may raise at any call here. So what changes the log stands in runs
of statements without a call, each of which leaves it whole; what comes before can be done again.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from os import close as _close
from os import fstat as _fstat
from os import ftruncate as _ftruncate
from os import open as _open
from os import strerror as _strerror
from os import unlink as _unlink
from zlib import crc32 as _crc32

from codetracer.errors import HostError
from codetracer.own import seal
from codetracer.whose import began_here
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
    from collections.abc import Callable
    from typing import Any, Final, Protocol

    class Log(Protocol):
        """What the writer here and the one in C have; their behaviour is this module's."""

        @property
        def path(self) -> str: ...
        @property
        def problem(self) -> str | None: ...
        @property
        def size(self) -> int: ...
        def open(self) -> None: ...
        def write(self, records: list[bytes], /) -> None: ...
        def settle(self, records: list[bytes], /) -> None: ...
        def flush(self) -> None: ...
        def close(self) -> None: ...
        def abandon(self) -> None: ...


__all__ = ["OWNER_FILE", "LogWriter", "make_private", "unwritable"]

seal(globals())

OWNER_FILE: Final = 0o600
"""The mode of a recording's files, because their content may be secret."""

WINDOW: Final = 16 * BLOCK_SIZE
"""How many bytes of the file are mapped, and claimed on the disk, at a time, once it is long."""

KEPT: Final = 16 * 2**20
"""How many bytes of records may wait for a machine that is short of something."""

KEPT_IN_LITTLE: Final = 2 * BLOCK_SIZE
"""How many where it is short of memory, which the program may need."""

LARGE: Final = 16 * 2**10
"""Bytes of a group above which its records are not joined first."""

PATIENCE: Final = 16 * 2**10
"""After how many more bytes of records it is tried again; an eighth more where much waits."""

PASSING: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
"""What a machine is short of now, and may have later."""

_FLAGS: Final = sum(
    getattr(os, name, 0)
    for name in ("O_RDWR", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")
)
_NEW: Final = 0
_OPEN: Final = 1
_CLOSED: Final = 2
_pack_file_header: Final = FILE_HEADER.pack
_pack_header: Final = BLOCK_HEADER.pack


class LogWriter:
    """Writes one log file, which is created by `open`, or when something is first written.

    Not for several threads at once: whoever calls holds a lock.

    Parameters:
        path: the file, which must not exist.
        recording: the recording's UUID (16 bytes).
        pid: the process that is recorded.
        started: when recording began (ns since 1970).

    Attributes:
        path: the file.
        problem: why nothing more can be written; None as long as it can.
    """

    def __init__(self, path: str, recording: bytes, pid: int, started: int) -> None:
        self.path = path
        self.problem: str | None = None
        self._first = _pack_file_header(MAGIC, LOG_VERSION, BLOCK_SIZE, pid, started, recording)
        self._state = _NEW
        self._identity = (0, 0)
        self._window: _Window | None = None
        self._map: Any = None
        self._map_size = 0
        self._window_start = 0
        self._block_number = 0
        self._block_start = 0
        self._payload = 0
        self._position = 0
        self._limit = 0
        self._shortage = 0
        self._waits_for = 0
        self._waiting = 0
        self._counted = 0

    @property
    def size(self) -> int:
        """How many bytes of the file hold something."""
        return self._window_start + self._position

    def open(self) -> None:
        """Create the file; nothing happens if that has been done.

        Raises:
            HostError: ERR_IO, the file exists, or cannot be created or claimed.
        """
        if self._state == _NEW:
            self._try(self._create, 0)

    def write(self, records: list[bytes]) -> None:
        """Append a group of records, and empty the list; a reader finds all of it or nothing.

        Where the machine is short of something that it may have later, the list stays as it is: the
        next group is appended to it.

        Raises:
            HostError: ERR_IO, the disk is full, for instance; the log is whole up to here.
        """
        if self._waits_for and self._is_too_early(records):
            return
        count = sum(map(len, records))
        if not count:
            return
        # Before it is joined: what waits for memory must not need as much again.
        if self._position + count > self._limit and not self._make_room(count):
            self._waiting, self._counted = count, len(records)
            return
        start = self._position
        window = self._map
        if count > LARGE and records[0]:
            group = records[0]
            at = start + len(group)
            for record in records[1:]:
                window[at : at + len(record)] = record
                at += len(record)
        else:
            group = b"".join(records)
        # The first byte last: as long as it is 0, the block ends before it. No call from here on.
        window[start + 1 : start + len(group)] = group[1:]
        window[start] = group[0]
        self._position = start + count
        del records[:]

    def settle(self, records: list[bytes]) -> None:
        """Append the last group of records, and the records that have waited.

        Raises:
            HostError: ERR_IO, as `write` does; or it has waited in vain.
        """
        self._waits_for = 0
        self.write(records)
        if records:
            raise unwritable(self.path, _strerror(self._shortage))

    def flush(self) -> None:
        """Make the system write the file to the disk, unless the file is closed."""
        if self._window is not None:
            self._window.flush()

    def close(self) -> None:
        """Close the last block and cut the file behind it; a second call does nothing.

        Where the file is not found any more it is not cut; behind its end are zeros.
        """
        if self._state != _OPEN:
            self._state = _CLOSED
            return
        if self._map is not None:
            self._seal_block(self._position)
        end = self.size
        self.abandon()
        try:
            file = self._open_file()
        except OSError as error:
            if not began_here(error):
                raise
            return
        try:
            _ftruncate(file, end)
        except OSError as error:
            if not began_here(error):
                raise
            return
        finally:
            _close(file)

    def abandon(self) -> None:
        """Let go of the file as it is: after a fork it is the parent's."""
        window, self._window, self._map = self._window, None, None
        self._state = _CLOSED
        self._window_start = self.size
        self._position = self._limit = 0
        if window is not None:
            window.close()

    def _is_too_early(self, records: list[bytes]) -> bool:
        """Tell whether too little waits for another try; each record is counted once."""
        if self.problem is not None or self._state == _CLOSED:
            return False
        self._waiting += sum(map(len, records[self._counted :]))
        self._counted = len(records)
        return self._waiting < self._waits_for

    def _make_room(self, count: int) -> bool:
        if self.problem is not None or self._state == _CLOSED:
            raise unwritable(self.path, self.problem or "it is closed")
        made = self._try(self._create if self._state == _NEW else self._next_block, count)
        self._waits_for = 0 if made else count + max(PATIENCE, count // 8)
        return made

    def _try(self, step: Any, needed: int) -> bool:
        """Take a step; return False if it must be taken again later."""
        try:
            step(needed)
        except (OSError, MemoryError) as error:
            if not began_here(error):
                raise
            number = _number(error)
            if number in PASSING and needed <= (KEPT_IN_LITTLE if number == errno.ENOMEM else KEPT):
                self._shortage = number
                return False
            told = unwritable(self.path, _strerror(number))
            self.problem = told.message
            raise told from error
        return True

    def _create(self, needed: int) -> None:
        size = BLOCK_SIZE
        while size < needed + FILE_HEADER.size + BLOCK_HEADER.size:
            size += BLOCK_SIZE
        header = _pack_header(BLOCK_MAGIC, 0, size - len(self._first), 0, 0)
        start = len(self._first)
        end = start + len(header)
        try:
            window = self._claim(0, size)
            content = window.bytes
            content[:start] = self._first
            content[start:end] = header
        except BaseException as error:
            # It is created again, and may not be there. If it was, it is somebody else's.
            if not isinstance(error, FileExistsError) or not began_here(error):
                _remove(self.path)
            raise
        self._window = window
        self._map = content
        self._map_size = size
        self._state = _OPEN
        self._block_start = start
        self._payload = self._position = end
        self._limit = size

    def _next_block(self, needed: int) -> None:
        """Close the block and begin another one.

        Until that is sure nothing has changed, but that the window may have been given up.
        """
        size = BLOCK_SIZE
        while size < needed + BLOCK_HEADER.size:
            size += BLOCK_SIZE
        start = self._limit
        window, window_start, window_size = self._window, self._window_start, self._map_size
        if start + size > window_size:
            # A short log takes little of the disk.
            window_size = max(size, min(2 * window_size, WINDOW))
            window_start += start
            try:
                window = self._claim(window_start, window_size)
            except (OSError, MemoryError) as error:
                if not began_here(error):
                    raise
                if _number(error) != errno.ENOMEM:
                    raise
                self._give_up_window()
                window_size = size
                window = self._claim(window_start, window_size)
            start = 0
        header = _pack_header(BLOCK_MAGIC, self._block_number + 1, size, 0, 0)
        end = start + len(header)
        if self._map is not None:
            self._seal_block(self._limit)
        before = self._window
        assert window is not None
        window.bytes[start:end] = header
        self._window = window
        self._map = window.bytes
        self._map_size = window_size
        self._window_start = window_start
        self._block_number += 1
        self._block_start = start
        self._payload = self._position = end
        self._limit = start + size
        if before is not None and before is not window:
            before.close()

    def _give_up_window(self) -> None:
        """Close the block and unmap it: where memory is short, another one needs its place."""
        window = self._window
        if window is None:
            return
        self._seal_block(self._limit)
        self._window_start += self._limit
        self._window = self._map = None
        self._map_size = self._block_start = self._payload = self._position = self._limit = 0
        window.close()

    def _seal_block(self, limit: int) -> None:
        size = limit - self._block_start
        used = self._position - self._payload
        crc = _crc32(self._map[self._payload : self._position])
        first = _pack_header(BLOCK_MAGIC, self._block_number, size, 0, crc)
        second = _pack_header(BLOCK_MAGIC, self._block_number, size, used, crc)
        start, end = self._block_start, self._block_start + BLOCK_HEADER.size
        # In two steps, for the process may be killed amid one: `used` makes the checksum count.
        self._map[start:end] = first
        self._map[start:end] = second

    def _claim(self, start: int, size: int) -> _Window:
        """Claim a part of the file on the disk, and return it mapped."""
        if _too_long(start + size):
            raise OSError(errno.EFBIG, "")
        file = self._open_file()
        try:
            # Claimed, not only mapped: a store into the map of a full disk would kill the program.
            _allocate(file, start, size)
            return _window(file, start, size)
        finally:
            _close(file)

    def _open_file(self) -> int:
        """Open the file that was created, or create it."""
        if self._state == _NEW:
            file = _open(self.path, _FLAGS | os.O_CREAT | os.O_EXCL, OWNER_FILE)
        else:
            file = _open(self.path, _FLAGS)
        try:
            if self._state == _NEW:
                make_private(file)
            found = _fstat(file)
            identity = (found.st_dev, found.st_ino)
            if self._state == _NEW:
                self._identity = identity
            elif identity != self._identity:
                raise OSError(errno.ESTALE, "")
        except BaseException:
            _close(file)
            raise
        return file


def make_private(file: int) -> None:
    """Give a new file of ours its mode: the program's umask may have taken bits of it away."""
    if _fstat(file).st_mode & 0o777 == OWNER_FILE or _fchmod is None:
        return
    try:
        _fchmod(file, OWNER_FILE)
    except OSError as error:
        # Some file systems have no modes.
        if not began_here(error):
            raise


def _number(error: OSError | MemoryError) -> int:
    """Return the errno that an error has, or stands for."""
    if isinstance(error, OSError):
        return error.errno or errno.EIO
    return errno.ENOMEM


def _remove(path: str) -> None:
    try:
        _unlink(path)
    except OSError as error:
        if not began_here(error):
            raise


def unwritable(path: str, reason: str) -> HostError:
    """Return the error of a log that cannot be written on.

    Parameters:
        reason: the system's words.
    """
    return HostError("ERR_IO", f"{path} cannot be written: {reason}", {"file": path})


try:
    from resource import RLIM_INFINITY, RLIMIT_FSIZE
    from resource import getrlimit as _getrlimit
except ImportError:

    def _too_long(end: int) -> bool:
        return False

else:

    def _too_long(end: int) -> bool:
        """Tell whether the process may not write so far (bytes): the system would signal it."""
        most = _getrlimit(RLIMIT_FSIZE)[0]
        return most != RLIM_INFINITY and end > most


_fallocate: Final[Any] = getattr(os, "posix_fallocate", None)
_fchmod: Final[Any] = getattr(os, "fchmod", None)
_pwrite: Final[Any] = getattr(os, "pwrite", None)


def _allocate(file: int, start: int, size: int) -> None:
    if _fallocate is None:
        _pwrite(file, bytes(size), start)
    else:
        _fallocate(file, start, size)


class _Window:
    """A part of the file in memory, for which no descriptor is kept.

    Attributes:
        bytes: a writable buffer of a type written in C, so that to store in it is no call.
        flush: has the system write it to the disk.
        close: unmaps it.
    """

    __slots__ = ("bytes", "close", "flush")

    def __init__(
        self, content: Any, flush: Callable[[], object], close: Callable[[], object]
    ) -> None:
        self.bytes = content
        self.flush = flush
        self.close = close


if sys.version_info >= (3, 13):
    _mmap: Final = mmap.mmap

    def _window(file: int, start: int, size: int) -> _Window:
        found = _mmap(file, size, offset=start, trackfd=False)
        return _Window(found, found.flush, found.close)

else:
    _MS_SYNC: Final = 4
    _WRITABLE: Final = 0x200  # PyBUF_WRITE
    _loaded: list[Any] = []

    def _load() -> Any:
        """Return C's functions: `mmap.mmap` keeps a descriptor before 3.13."""
        if not _loaded:
            # It is no small thing to import, and few need it.
            import ctypes

            library = ctypes.CDLL(None, use_errno=True)
            library.mmap.restype = ctypes.c_void_p
            library.mmap.argtypes = (
                *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
                *(ctypes.c_int, ctypes.c_int, ctypes.c_long),
            )
            library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
            library.msync.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            # An array of ctypes has a type for each size, which is garbage afterwards.
            view = ctypes.pythonapi.PyMemoryView_FromMemory
            view.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
            view.restype = ctypes.py_object
            _loaded[:] = [ctypes, library, view]
        return _loaded

    def _window(file: int, start: int, size: int) -> _Window:
        ctypes, library, view = _load()
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        address = library.mmap(None, size, protection, mmap.MAP_SHARED, file, start)
        if address in (None, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), "")
        content = view(address, size, _WRITABLE)

        def flush() -> None:
            if library.msync(address, size, _MS_SYNC) != 0:
                number = ctypes.get_errno()
                raise OSError(number, _strerror(number))

        def close() -> None:
            content.release()
            library.munmap(address, size)

        return _Window(content, flush, close)
