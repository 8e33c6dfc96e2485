"""Appends to a trace log through a memory map, so that its bytes outlive the process.

It knows blocks and bytes; the encoder determines what they mean. A value that the block has already
is not written again (`_shortened`). `log.c` and `again.c` are the same in C.

No descriptor is kept, because the program may close any descriptor and open a file of its own with
its number. To map another part of the file, the writer opens it by its path, checks that it is the
file that was created, and closes it at once.

A signal handler of the program may raise an exception at any call in this module. So the log is
changed only in sequences of statements without a call, and each sequence leaves it consistent. The
steps before such a sequence can be repeated.
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

from codetracer.own import seal
from codetracer.recording.private import OWNER_FILE, make_private, unwritable
from codetracer.whose import began_here
from codetracer_bindings.trace_alone import LEAST_AGAIN, alone_in
from codetracer_bindings.trace_encoder import value_again
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
        """The interface of `LogWriter` and of the writer in C, which behave the same."""

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


__all__ = ["LogWriter"]

seal(globals())

WINDOW: Final = 16 * BLOCK_SIZE
"""The number of bytes of a long file mapped, and allocated on the disk, at a time."""

KEPT: Final = 16 * 2**20
"""The number of bytes of records that may wait during a temporary shortage."""

KEPT_IN_LITTLE: Final = 2 * BLOCK_SIZE
"""The same during a shortage of memory, which the program may need."""

LARGE: Final = 16 * 2**10
"""The size in bytes above which a group's records are copied one by one, without joining them."""

MOST_NOTED: Final = 2**13
"""The largest number of values of a block that are noted, to be found again."""

PATIENCE: Final = 16 * 2**10
"""The number of further bytes of records before another attempt; at least an eighth of those that
wait."""

PASSING: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
"""The errors of a shortage that may pass."""

_LOG_FLAGS: Final = sum(
    getattr(os, name, 0)
    for name in ("O_RDWR", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")
)
_NEW: Final = 0
_OPEN: Final = 1
_CLOSED: Final = 2
_pack_file_header: Final = FILE_HEADER.pack
_pack_header: Final = BLOCK_HEADER.pack


class LogWriter:
    """Writes one log file, which `open` or the first `write` creates.

    Only one thread at a time may call its methods; callers use a lock.

    Parameters:
        path: the file, which must not exist.
        recording: the recording's UUID (16 bytes).
        pid: the PID of the recorded process.
        started: when recording began (ns since 1970).

    Attributes:
        path: the file.
        problem: why nothing more can be written; None if there is no such problem.
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
        self._places: dict[bytes, int] = {}
        self._places_block = 0
        self._noted = 0

    @property
    def size(self) -> int:
        """The number of bytes of the file up to the end of the last record."""
        return self._window_start + self._position

    def open(self) -> None:
        """Create the file; do nothing if that was done already.

        Raises:
            HostError: ERR_IO, the file exists, or cannot be created or allocated on the disk.
        """
        if self._state == _NEW:
            self._try(self._create, 0)

    def write(self, records: list[bytes]) -> None:
        """Append a group of records, and empty the list; a reader finds the whole group or nothing.

        During a shortage that may pass (`PASSING`), the list stays unchanged. The caller appends
        the next group to it and calls again.

        Parameters:
            records: the encoded records of the group.

        Raises:
            HostError: ERR_IO, for example the disk is full; the log before this group is complete.
        """
        if self._waits_for and self._is_too_early(records):
            return
        count = sum(map(len, records))
        if not count:
            return
        # Before the records are joined, because joining needs as much memory again.
        if self._position + count > self._limit and not self._make_room(count):
            self._waiting, self._counted = count, len(records)
            return
        if self._places_block != self._block_number:
            self._places.clear()
            self._noted = 0
            self._places_block = self._block_number
        shortened = self._shortened(records)
        count = sum(map(len, shortened))
        start = self._position
        window = self._map
        if count > LARGE and shortened[0]:
            group = shortened[0]
            at = start + len(group)
            for record in shortened[1:]:
                window[at : at + len(record)] = record
                at += len(record)
        else:
            group = b"".join(shortened)
        # The first byte is written last: as long as it is 0, the block ends before it. There are no
        # calls from here on.
        window[start + 1 : start + len(group)] = group[1:]
        window[start] = group[0]
        self._position = start + count
        del records[:]

    def _shortened(self, records: list[bytes]) -> list[bytes]:
        """Return records without the values that the block has already.

        They are looked up among those of earlier groups. A place that is noted need not be true,
        because a signal handler may have kept a group from being written.
        """
        window, payload, places = self._map, self._payload, self._places
        before = at = self._position - payload
        shortened = []
        for record in records:
            pieces: list[bytes] = []
            copied = 0
            for begin, end in alone_in(record) if len(record) > LEAST_AGAIN else ():
                value = record[begin:end]
                place = places.get(value)
                if (
                    place is not None
                    and place < before
                    and window[payload + place : payload + place + len(value)] == value
                ):
                    again = value_again(place)
                    pieces += record[copied:begin], again
                    at += begin - copied + len(again)
                    copied = end
                else:
                    here = at + begin - copied
                    if here < BLOCK_SIZE and self._noted < MOST_NOTED:
                        self._noted += 1
                        if place is None or place < before:
                            places[value] = here
            shortened.append(b"".join((*pieces, record[copied:])) if pieces else record)
            at += len(record) - copied
        return shortened

    def settle(self, records: list[bytes]) -> None:
        """Append the last group of records, and the records that have waited.

        Parameters:
            records: the encoded records of all of them; the list is emptied.

        Raises:
            HostError: ERR_IO, as for `write`; or a shortage has not passed.
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
        """Close the last block, and cut the file after it; a second call does nothing.

        If the file is not at its path any more, it is not cut, and zeros follow the last block.
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
        """Release the file without a change, because after a fork it belongs to the parent."""
        window, self._window, self._map = self._window, None, None
        self._state = _CLOSED
        self._window_start = self.size
        self._position = self._limit = 0
        if window is not None:
            window.close()

    def _is_too_early(self, records: list[bytes]) -> bool:
        """Return whether too few bytes wait for another attempt; each record is counted once."""
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
        """Call `step` with `needed`; return False if it must be repeated later.

        Parameters:
            step: creates the file or the next block.
            needed: how many bytes of records must fit.
        """
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
            # Removed, so that it can be created again, unless it existed before: then another
            # process has created it.
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

        If this fails, nothing has changed, except that the old window may be unmapped.
        """
        size = BLOCK_SIZE
        while size < needed + BLOCK_HEADER.size:
            size += BLOCK_SIZE
        start = self._limit
        window, window_start, window_size = self._window, self._window_start, self._map_size
        if start + size > window_size:
            # Windows grow, so that a short log needs little space on the disk.
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
        """Close the block and unmap its window, to make room for another when memory is short."""
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
        # In two steps, because the process may be killed during a copy: the checksum must be
        # complete before `used` makes it valid.
        self._map[start:end] = first
        self._map[start:end] = second

    def _claim(self, start: int, size: int) -> _Window:
        """Allocate a part of the file on the disk, and map it.

        Parameters:
            start: the byte offset of the part.
            size: its number of bytes.

        Raises:
            OSError: the disk is full, for example, or the file was replaced.
        """
        if _too_long(start + size):
            raise OSError(errno.EFBIG, "")
        file = self._open_file()
        try:
            # Allocated first, because writing into a map of a full disk would kill the program.
            _allocate(file, start, size)
            return _window(file, start, size)
        finally:
            _close(file)

    def _open_file(self) -> int:
        """Create the file, or open it and check that it is the file that was created."""
        if self._state == _NEW:
            file = _open(self.path, _LOG_FLAGS | os.O_CREAT | os.O_EXCL, OWNER_FILE)
        else:
            file = _open(self.path, _LOG_FLAGS)
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


def _number(error: OSError | MemoryError) -> int:
    """Return the errno of an error; ENOMEM for a MemoryError."""
    if isinstance(error, OSError):
        return error.errno or errno.EIO
    return errno.ENOMEM


def _remove(path: str) -> None:
    try:
        _unlink(path)
    except OSError as error:
        if not began_here(error):
            raise


try:
    from resource import RLIM_INFINITY, RLIMIT_FSIZE
    from resource import getrlimit as _getrlimit
except ImportError:

    def _too_long(end: int) -> bool:
        return False

else:

    def _too_long(end: int) -> bool:
        """Return whether the limit RLIMIT_FSIZE forbids a file of this size.

        Beyond the limit the system would send the process a signal.

        Parameters:
            end: the size in bytes.
        """
        most = _getrlimit(RLIMIT_FSIZE)[0]
        return most != RLIM_INFINITY and end > most


_fallocate: Final[Any] = getattr(os, "posix_fallocate", None)
_pwrite: Final[Any] = getattr(os, "pwrite", None)


def _allocate(file: int, start: int, size: int) -> None:
    if _fallocate is None:
        _pwrite(file, bytes(size), start)
    else:
        _fallocate(file, start, size)


class _Window:
    """A mapped part of the file, for which no descriptor is kept.

    Attributes:
        bytes: a writable buffer whose type is in C, so that assigning to a slice is no call.
        flush: a function that makes the system write the part to the disk.
        close: a function that unmaps it.
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
        """Return functions of the C library, in place of `mmap.mmap`, which keeps a descriptor.

        Its parameter ``trackfd``, which avoids that, exists since 3.13.
        """
        if not _loaded:
            # Imported only if needed, because the import takes long.
            import ctypes

            library = ctypes.CDLL(None, use_errno=True)
            library.mmap.restype = ctypes.c_void_p
            library.mmap.argtypes = (
                *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
                *(ctypes.c_int, ctypes.c_int, ctypes.c_long),
            )
            library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
            library.msync.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            # A ctypes array would need a new type for each size, which becomes garbage.
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
