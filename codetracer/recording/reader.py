"""Reads a trace log block by block, and reports where one is damaged.

It knows blocks and bytes; what the records mean is the business of `codetracer.replay`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from zlib import crc32

from codetracer.errors import TargetError
from codetracer.recording.files import open_regular, unreadable
from codetracer_bindings.trace_decoder import ExecRecord, ExitRecord, decode_record
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    FILE_HEADER,
    LOG_VERSION,
    MAGIC,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from codetracer_bindings.trace_decoder import Record

__all__ = ["DECODE_ERRORS", "Block", "LogReader"]

DECODE_ERRORS: Final = (ValueError, IndexError, KeyError, OverflowError, RecursionError)
"""Exceptions for bad bytes, of the generated decoder and of a lookup of a record's numbers."""

LARGEST_BLOCK: Final = 512 << 20
"""Bytes; a block is in memory as a whole. It is more than 64 KiB where a single event needs it."""


class Block:
    """The records of one block, still as bytes.

    Attributes:
        data: the bytes; of a block that is not filled, up to the end of its room.
        offset: where `data` begins in the file (bytes).
        number: the number of blocks before it.
        filled: its end is known and its checksum is right; if not, its records end at the first
            zero byte.
    """

    __slots__ = ("cut", "data", "filled", "number", "offset")

    def __init__(self, data: bytes, offset: int, number: int, *, filled: bool, cut: bool) -> None:
        self.data = data
        self.offset = offset
        self.number = number
        self.filled = filled
        self.cut = cut
        """The file ends before the block does."""

    def ends_at(self, position: int) -> bool:
        """Return whether undecodable bytes at `position` (byte of `data`) are just the end."""
        if self.filled:
            return position >= len(self.data)
        if position >= len(self.data) or not self.data[position]:
            return True
        if not self.cut:
            return False
        try:
            decode_record(self.data, position)
        except IndexError:
            # The last record goes on where the file does not.
            return True
        except DECODE_ERRORS:
            return False
        return False


class LogReader:
    """One log file, of which only the header is read at first.

    Parameters:
        path: the file.

    Attributes:
        path: the file.
        version: the version of the log's format.
        pid: the process that was recorded.
        started: when recording began (ns since 1970).
        recording: the recording's UUID (16 bytes).

    Raises:
        HostError: ERR_IO, the file cannot be read.
        TargetError: ERR_TRACE_DAMAGED, it is no trace log; ERR_UNSUPPORTED_FORMAT, it was written
            by a newer codetracer.
    """

    __slots__ = ("path", "pid", "recording", "started", "version")

    def __init__(self, path: str) -> None:
        self.path = path
        with self._open() as file:
            header = self._read(file, FILE_HEADER.size)
        if header[: len(MAGIC)] != MAGIC:
            raise self.damage("is no trace log, or its beginning is lost", 0)
        if len(header) < FILE_HEADER.size:
            raise self.damage("ends within its header", len(header))
        _, self.version, _, self.pid, self.started, self.recording = FILE_HEADER.unpack(header)
        if self.version > LOG_VERSION:
            raise TargetError(
                "ERR_UNSUPPORTED_FORMAT",
                f"{path} has version {self.version} of the trace log, and this codetracer reads"
                f" up to version {LOG_VERSION}; read it with the codetracer that recorded it, or a"
                " newer one",
                {"file": path, "version": self.version, "supported": LOG_VERSION},
            )
        if self.version < 1:
            raise self.damage(f"has version {self.version}, which there never was", len(MAGIC))

    def size(self) -> int:
        """Return the current size of the file in bytes."""
        try:
            return os.stat(self.path).st_size
        except OSError as error:
            raise unreadable(self.path, error) from error

    def blocks(self) -> Iterator[Block]:
        """Yield one block after the other; only one is in memory.

        Raises:
            HostError: ERR_IO, the file cannot be read any further.
            TargetError: ERR_TRACE_DAMAGED, what follows is damaged; all before it was yielded.
        """
        with self._open() as file:
            offset = FILE_HEADER.size
            number = 0
            file.seek(offset)
            while True:
                size, used, crc = self._block_header(file, offset, number)
                if not size:
                    return
                payload = offset + BLOCK_HEADER.size
                wanted = used or size - BLOCK_HEADER.size
                data = self._payload(file, wanted, filled=used > 0)
                cut = len(data) < wanted if data else payload + wanted > self._end(file)
                if used and not cut:
                    if crc32(data) != crc:
                        raise self.damage(
                            f"is damaged: block {number} has another checksum than was written",
                            offset,
                        )
                    yield Block(data, payload, number, filled=True, cut=False)
                else:
                    yield Block(data, payload, number, filled=False, cut=cut)
                    if used:
                        raise self.damage(
                            f"is damaged: it ends within block {number},"
                            f" {used - len(data)} bytes of which are missing",
                            payload + len(data),
                        )
                    if cut:
                        return
                offset += size
                file.seek(offset)
                if not used and data[:1].strip(b"\0"):
                    # Nothing may follow a block that is still being filled.
                    if self._read(file, BLOCK_HEADER.size).strip(b"\0"):
                        file.seek(payload - BLOCK_HEADER.size)
                        if self._block_header(file, payload - BLOCK_HEADER.size, number)[1]:
                            # It has been closed since: somebody is recording right now.
                            return
                        raise self.damage(
                            f"is damaged: block {number} was never closed, and yet another"
                            " follows",
                            offset,
                        )
                    return
                number += 1

    def records(self) -> Iterator[Record]:
        """Yield every record, in order.

        Raises:
            HostError: as for `blocks`.
            TargetError: as for `blocks`.
        """
        for block in self.blocks():
            yield from self._decode(block)

    def has_end(self) -> bool:
        """Tell whether the log ends as one that is complete does; see `end`."""
        return self.end() is not None

    def end(self) -> ExitRecord | ExecRecord | None:
        """Return the end of a complete log; this reads its last block.

        None for a log that is damaged at its end, too. Where another program took the process over,
        that is an end; a log that begins with it is of a child that ran little else.
        """
        try:
            last = self._last_block()
            if last is None:
                return None
            record: Record | None = None
            for record in self._decode(last):
                if isinstance(record, ExitRecord):
                    return record
            if not isinstance(record, ExecRecord):
                record = next(self.records(), None)
            return record if isinstance(record, ExecRecord) else None
        except TargetError:
            return None

    def damage(self, problem: str, offset: int) -> TargetError:
        """Return an error that describes a mistake in this file, with its byte offset."""
        return TargetError(
            "ERR_TRACE_DAMAGED",
            f"{self.path} {problem} (at byte {offset})",
            {"file": self.path, "offset": offset},
        )

    def bad_record(self, block: Block, position: int, error: BaseException) -> TargetError:
        """Return the error for a record, at `position` (byte of the block's data)."""
        reason = error.args[0] if isinstance(error, KeyError) else str(error)
        if isinstance(error, RecursionError):
            reason = "a value is nested too deeply"
        if isinstance(error, IndexError):
            reason = "a record goes on behind the end of its block"
        return self.damage(
            f"is damaged: block {block.number} has a record that cannot be read, {reason}",
            block.offset + position,
        )

    def _decode(self, block: Block) -> Iterator[Record]:
        data, position = block.data, 0
        try:
            while position < len(data):
                record, position = decode_record(data, position)
                yield record
        except DECODE_ERRORS as error:
            if not block.ends_at(position):
                raise self.bad_record(block, position, error) from error

    def _block_header(self, file: BinaryIO, offset: int, number: int) -> tuple[int, int, int]:
        """Return size, used and crc of the block at `offset`; zeros when there is none."""
        header = self._read(file, BLOCK_HEADER.size)
        if not header.strip(b"\0"):
            # The end of the file, or room that a recorder claimed and has not used yet.
            return 0, 0, 0
        if len(header) < BLOCK_HEADER.size:
            raise self.damage(f"is damaged: it ends within the header of block {number}", offset)
        magic, found, size, used, crc = BLOCK_HEADER.unpack(header)
        if magic != BLOCK_MAGIC:
            raise self.damage(f"is damaged: there is no block {number} where it must be", offset)
        if found != number:
            raise self.damage(
                f"is damaged: block {number} is missing, block {found} stands there", offset
            )
        if size > LARGEST_BLOCK:
            raise self.damage(
                f"is damaged: block {number} says that it has {size:,} bytes, and no more than"
                f" {LARGEST_BLOCK:,} can be read",
                offset,
            )
        if size < BLOCK_HEADER.size or used > size - BLOCK_HEADER.size:
            raise self.damage(
                f"is damaged: block {number} says that it has {size} bytes, {used} of them used",
                offset,
            )
        return size, used, crc

    def _last_block(self) -> Block | None:
        """Return the last block that has records, found by the headers of all."""
        found: tuple[int, int, int, int, int] | None = None
        with self._open() as file:
            offset = FILE_HEADER.size
            number = 0
            while True:
                file.seek(offset)
                size, used, crc = self._block_header(file, offset, number)
                if not size:
                    break
                if used or self._payload(file, 1, filled=False):
                    found = (offset + BLOCK_HEADER.size, number, size, used, crc)
                offset += size
                number += 1
            if found is None:
                return None
            payload, number, size, used, crc = found
            file.seek(payload)
            wanted = used or size - BLOCK_HEADER.size
            data = self._payload(file, wanted, filled=used > 0)
            if used and (len(data) < used or crc32(data) != crc):
                return None
            return Block(data, payload, number, filled=used > 0, cut=len(data) < wanted)

    def _open(self) -> BinaryIO:
        return open_regular(self.path)

    def _end(self, file: BinaryIO) -> int:
        """Return the size of the file in bytes."""
        try:
            return os.fstat(file.fileno()).st_size
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _payload(self, file: BinaryIO, size: int, *, filled: bool) -> bytes:
        """Read a block's records; of one that is not filled nothing, when it has none."""
        if filled:
            return self._read(file, size)
        # Room that was claimed and never used may be a hole of any size.
        first = self._read(file, min(size, 1))
        return first + self._read(file, size - 1) if first.strip(b"\0") else b""

    def _read(self, file: BinaryIO, size: int) -> bytes:
        """Read up to `size` bytes, never asking for more than the file has."""
        try:
            return file.read(max(0, min(size, self._end(file) - file.tell())))
        except OSError as error:
            raise unreadable(self.path, error) from error
