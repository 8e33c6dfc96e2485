"""The file of an index, beside its log: found, made, and continued where the log has grown.

An index that is missing, cut, damaged or of another log is made again. Where its file cannot be
written, it is in a temporary one.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final
from zlib import crc32

from codetracer.errors import HostError, TargetError
from codetracer.recording.decoder import decode_record
from codetracer.recording.files import open_regular
from codetracer.recording.reader import DECODE_ERRORS, FIRST_PAYLOAD, Block
from codetracer.replay.builders import new_builder
from codetracer.replay.index import Index
from codetracer_bindings.index_format import (
    BLOCKS,
    INDEX_HEADER,
    INDEX_MAGIC,
    INDEX_SUFFIX,
    INDEX_VERSION,
)
from codetracer_bindings.trace_format import BLOCK_HEADER, LOG_SUFFIX

try:
    import fcntl
except ImportError:  # Windows, where two processes may make the same index: both write the same.
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from typing import BinaryIO

    from codetracer.recording.reader import LogReader
    from codetracer.replay.builders import Builder

__all__ = ["index_path", "open_index"]

_FLAGS: Final = (
    os.O_RDWR
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def index_path(log_path: str) -> str:
    """Return the path of the index of a log."""
    return log_path.removesuffix(LOG_SUFFIX) + INDEX_SUFFIX


def open_index(log: LogReader, progress: Callable[[int, int], None] | None = None) -> Index:
    """Return the index of a log, and make what is missing of it.

    It covers the log up to its end, or up to where that is damaged. A last block that was never
    closed is not in the file.

    Parameters:
        log: the log.
        progress: called with how many bytes of the log are done, and how many there are.

    Raises:
        HostError: ERR_IO, the log cannot be read.
    """
    path = index_path(log.path)
    header = INDEX_HEADER.pack(
        INDEX_MAGIC, INDEX_VERSION, log.version, log.pid, log.started, log.recording
    )
    found = _read(path, header, log)
    builder: Builder | None = None
    if found is None or _block_behind(log, found, closed=True) is not None:
        with _opened_to_write(path, header, anew=found is None) as file:
            # Another process may have gone on with it since.
            found = Index(_mapped(file, header))
            builder = _go_on(file, log, found, progress)
            found = Index(_mapped(file, header))
    rest = _rest(log, found, builder)
    return Index(*found.views, memoryview(rest)) if rest else found


# ---------------------------------------------------------------- the file


def _read(path: str, header: bytes, log: LogReader) -> Index | None:
    """Return the index in a file, if there is one that fits the log."""
    try:
        with open_regular(path) as file:
            if file.read(len(header)) != header:
                return None
            found = Index(_mapped(file, header))
    except (HostError, OSError):
        return None
    return found if _fits(log, found) else None


def _fits(log: LogReader, index: Index) -> bool:
    """Whether the last block that the index covers is the same in the log."""
    if not index.blocks:
        return True
    row, behind = index.block(index.blocks - 1), index.block(index.blocks)
    header = log.read(row.offset - BLOCK_HEADER.size, BLOCK_HEADER.size)
    wanted = (index.blocks - 1, behind.offset - row.offset, row.used, row.crc)
    return (
        log.size() >= row.offset + row.used
        and len(header) == BLOCK_HEADER.size
        and BLOCK_HEADER.unpack(header)[1:] == wanted
    )


def _mapped(file: FileIO | BinaryIO, header: bytes) -> memoryview:
    """Return the segments in a file."""
    size = os.fstat(file.fileno()).st_size
    if size <= len(header):
        return memoryview(b"")
    return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))[len(header) :]


@contextmanager
def _opened_to_write(path: str, header: bytes, *, anew: bool) -> Iterator[FileIO]:
    """Open the file of an index, or a temporary one where that cannot be written now."""
    try:
        file = _replaced(path, header) if anew else os.fdopen(os.open(path, _FLAGS), "r+b", 0)
    except OSError:
        file = None
    if file is not None and _locked(file):
        with file:
            try:
                yield file
            finally:
                _unlock(file)
        return
    if file is not None:
        file.close()
    # It has no name, and is gone with the last map of it.
    with tempfile.TemporaryFile(buffering=0) as temporary:
        _append(temporary, header)
        yield temporary


def _replaced(path: str, header: bytes) -> FileIO:
    """Create the file, in the place of one that is there; who has that open keeps its bytes."""
    descriptor, name = tempfile.mkstemp(suffix=INDEX_SUFFIX, dir=os.path.dirname(path) or ".")
    file = os.fdopen(descriptor, "r+b", 0)
    try:
        _append(file, header)
        os.replace(name, path)
    except BaseException:
        file.close()
        os.unlink(name)
        raise
    return file


def _locked(file: FileIO) -> bool:
    """Whether no other process makes this index now."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(file: FileIO) -> None:
    # Closing is not enough: a map has a descriptor of its own, which shares the lock.
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_UN)


def _append(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


# ---------------------------------------------------------------- segments


def _block_behind(log: LogReader, index: Index, *, closed: bool) -> Block | None:
    """Return the first block that the index does not cover, if it was closed or if it was not."""
    offset = index.block(index.blocks).offset if index.blocks else FIRST_PAYLOAD
    try:
        block = next(log.blocks(offset, index.blocks), None)
    except TargetError:
        return None
    return block if block is not None and block.filled == closed else None


def _go_on(
    file: FileIO, log: LogReader, found: Index, progress: Callable[[int, int], None] | None
) -> Builder | None:
    """Write the segments that are missing, each as soon as it is made.

    Returns:
        The builder, which has seen all closed blocks; None if the log is damaged or the disk full.
    """
    builder = new_builder()
    size = log.size()
    file.seek(INDEX_HEADER.size + found.size)
    try:
        for block in log.blocks():
            if not block.filled:
                break
            builder.add(block, note=block.number >= found.blocks)
            if builder.blocks == BLOCKS:
                _append(file, builder.segment())
            if progress is not None:
                progress(block.offset, size)
        if builder.blocks:
            _append(file, builder.segment())
    except (*DECODE_ERRORS, TargetError, OSError):
        return None
    return builder


def _rest(log: LogReader, index: Index, builder: Builder | None) -> bytes:
    """Return the segment of a last block that was never closed, if there is one."""
    last = _block_behind(log, index, closed=False)
    records = b"" if last is None else last.data[: _end_of_records(last.data)]
    if last is None or not records:
        return b""
    try:
        if builder is None or builder.seen != index.blocks:
            builder = new_builder()
            for block in islice(log.blocks(), index.blocks):
                builder.add(block, note=False)
        builder.add(
            Block(
                records,
                last.offset,
                last.number,
                size=last.size,
                crc=crc32(records),
                filled=True,
                cut=False,
            )
        )
        return builder.segment()
    except (*DECODE_ERRORS, TargetError):
        return b""


def _end_of_records(data: bytes) -> int:
    """Return where the first byte is that begins no record."""
    position = 0
    try:
        while position < len(data):
            position = decode_record(data, position)[1]
    except DECODE_ERRORS:
        pass
    return position
