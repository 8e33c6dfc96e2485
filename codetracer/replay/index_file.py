"""The file of an index, beside its log: found, made, and continued where the log has grown.

An index that is missing, cut, damaged or of another log is made again. What cannot be written is
kept in memory.
"""

from __future__ import annotations

import os
import stat
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Final
from zlib import crc32

from codetracer.errors import HostError, TargetError
from codetracer.recording.decoder import decode_record
from codetracer.recording.files import open_regular
from codetracer.recording.reader import DECODE_ERRORS, Block
from codetracer.replay.builders import new_builder
from codetracer.replay.index import Index
from codetracer_bindings.index_format import (
    BLOCKS,
    INDEX_HEADER,
    INDEX_MAGIC,
    INDEX_SUFFIX,
    INDEX_VERSION,
)
from codetracer_bindings.trace_format import BLOCK_HEADER, FIRST_PAYLOAD, LOG_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from codetracer.recording.reader import LogReader
    from codetracer.replay.builders import Builder

    type Progress = Callable[[int, int], None]

__all__ = ["index_path", "open_index"]

_INDEX_FLAGS: Final = (
    os.O_RDWR
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def index_path(log_path: str) -> str:
    """Return the path of the index of a log."""
    return log_path.removesuffix(LOG_SUFFIX) + INDEX_SUFFIX


def open_index(log: LogReader, progress: Progress | None = None) -> Index:
    """Return the index of a log, and make what is missing of it.

    It covers the log up to its end, or up to the block where that is damaged. The file gets whole
    segments while the log has no end, and all segments afterwards.

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
    found, may_write = _read(path, header, log)
    if not _goes_on(log, found):
        return found
    file = _opened(path, header, log) if may_write else None
    try:
        if file is not None:
            # Another process may have continued it since.
            found = _segments(file, header)
        return _continued(log, found, file, progress)
    finally:
        if file is not None:
            file.close()


# ---------------------------------------------------------------- the file


def _read(path: str, header: bytes, log: LogReader) -> tuple[Index, bool]:
    """Return the index in a file, empty if it does not fit the log; and whether to write there."""
    try:
        with open_regular(path) as file:
            data = file.read()
    except (HostError, OSError):
        # There may be a good one that cannot be read now.
        return Index(), not os.path.lexists(path)
    found = Index(memoryview(data)[len(header) :]) if data.startswith(header) else Index()
    return (found if _fits(log, found) else Index()), True


def _fits(log: LogReader, index: Index) -> bool:
    """Return whether the last block that the index covers is the same in the log."""
    if not index.blocks:
        return True
    row, after = index.block(index.blocks - 1), index.block(index.blocks)
    if not FIRST_PAYLOAD <= row.offset <= row.offset + row.used <= log.size():
        return False
    header = log.read(row.offset - BLOCK_HEADER.size, BLOCK_HEADER.size)
    wanted = (index.blocks - 1, after.offset - row.offset, row.used, row.crc)
    return len(header) == BLOCK_HEADER.size and BLOCK_HEADER.unpack(header)[1:] == wanted


def _opened(path: str, header: bytes, log: LogReader) -> FileIO | None:
    """Open the file to continue it, or a new one if it has no index of the log.

    Returns:
        The file, locked; None if it cannot be written now, or another process is writing it.
    """
    try:
        file = os.fdopen(os.open(path, _INDEX_FLAGS), "r+b", 0)
    except FileNotFoundError:
        return _created(path, header)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not _locked(file):
            file.close()
            return None
        index = _segments(file, header)
        if not index.blocks or not _fits(log, index):
            file.close()
            return _created(path, header)
        file.truncate(len(header) + index.size)
    except OSError:
        file.close()
        return None
    return file


def _created(path: str, header: bytes) -> FileIO | None:
    """Create the file, in place of one that is there, which stays for whoever has it open."""
    try:
        folder = os.path.dirname(path) or "."
        descriptor, name = tempfile.mkstemp(suffix=INDEX_SUFFIX, dir=folder)
    except OSError:
        return None
    file = os.fdopen(descriptor, "r+b", 0)
    try:
        if _locked(file) and _appended(file, header):
            os.replace(name, path)
            return file
        os.unlink(name)
    except OSError:
        os.unlink(name)
    file.close()
    return None


def _locked(file: FileIO) -> bool:
    """Lock the file; return whether no other process has locked it."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        # Windows has no fcntl. Two processes that make the same index write the same bytes there.
        return True
    except OSError:
        return False
    return True


def _segments(file: FileIO, header: bytes) -> Index:
    """Return the index in an open file; empty if the file has another header."""
    file.seek(0)
    data = file.readall()
    return Index(memoryview(data)[len(header) :]) if data.startswith(header) else Index()


def _appended(file: FileIO, data: bytes) -> bool:
    """Write at the end of the file; return whether there was room."""
    try:
        file.seek(0, os.SEEK_END)
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        return False
    return True


# ---------------------------------------------------------------- segments


def _goes_on(log: LogReader, index: Index) -> bool:
    """Return whether the log has a readable block that the index does not cover."""
    return next(_blocks(log, index), None) is not None


def _blocks(log: LogReader, index: Index) -> Iterator[Block]:
    """Yield the blocks that the index does not cover, the last one even if it was never closed."""
    offset = index.block(index.blocks).offset if index.blocks else FIRST_PAYLOAD
    try:
        for block in log.blocks(offset, index.blocks):
            if block.filled:
                yield block
                continue
            records = block.data[: _end_of_records(block.data)]
            if records:
                yield Block(
                    records,
                    block.offset,
                    block.number,
                    size=block.size,
                    crc=crc32(records),
                    filled=False,
                    cut=block.cut,
                )
            return
    except TargetError:
        # Whoever reads the log there meets the error.
        return


def _end_of_records(data: bytes) -> int:
    """Return the offset of the first byte that does not begin a record."""
    position = 0
    try:
        while position < len(data):
            position = decode_record(data, position)[1]
    except DECODE_ERRORS:
        pass
    return position


def _continued(
    log: LogReader,
    found: Index,
    file: FileIO | None,
    progress: Progress | None,
    most: int | None = None,
) -> Index:
    """Return the index with the missing segments, and write them.

    Parameters:
        most: the number of the first block that is not added; None for all.
    """
    size, ended = log.size(), log.has_end()
    builder = _builder(log, found.blocks)
    made: list[bytes] = []
    for block in _blocks(log, found):
        if block.number == most:
            break
        if not block.filled:
            # Its segment, and what is before it and no whole segment, will be another one.
            if builder.blocks:
                _keep(builder, made, None)
            file = None
        try:
            builder.add(block)
        except DECODE_ERRORS:
            # The builder's state is spoilt: the blocks before this one are added once more.
            index = Index(*found.views, *(memoryview(data) for data in made))
            return _continued(log, index, file, progress, block.number)
        if builder.blocks == BLOCKS:
            file = _keep(builder, made, file)
        if progress is not None:
            progress(block.offset + len(block.data), size)
    if builder.blocks:
        _keep(builder, made, file if ended else None)
    return Index(*found.views, *(memoryview(data) for data in made))


def _keep(builder: Builder, made: list[bytes], file: FileIO | None) -> FileIO | None:
    """Add the segment to those that were made and to the file; return the file if it has room."""
    made.append(builder.segment())
    return file if file is not None and _appended(file, made[-1]) else None


def _builder(log: LogReader, blocks: int) -> Builder:
    """Return a builder that knows the state after so many blocks."""
    builder = new_builder()
    for block in islice(log.blocks(), blocks):
        builder.add(block, note=False)
    return builder
