"""Reads a trace log block by block, and reports where one is damaged.

It knows blocks and bytes; `codetracer.replay` interprets the records.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from zlib import crc32

from codetracer.errors import TargetError
from codetracer.recording.decoder import Records, decode_record
from codetracer.recording.files import open_regular, unreadable
from codetracer_bindings.trace_decoder import ExecRecord, ExitRecord
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    FILE_HEADER,
    FIRST_PAYLOAD,
    LOG_VERSION,
    MAGIC,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from codetracer_bindings.trace_decoder import Record

__all__ = ["DECODE_ERRORS", "Block", "LogReader"]

DECODE_ERRORS: Final = (ValueError, IndexError, KeyError, OverflowError, RecursionError)
"""The exceptions of the decoder and of `codetracer.replay` for damaged bytes."""

LARGEST_BLOCK: Final = 512 << 20
"""The largest size of a block in bytes, because a block is read as a whole.

A recorder writes a block of more than 64 KiB only for a single event that needs it."""


class Block:
    """The records of one block, as bytes.

    Attributes:
        data: the bytes of the records; for a block that is not filled, also the unused rest.
        offset: the byte offset of `data` in the file.
        number: the number of blocks before it.
        size: the block's size in bytes, with its header.
        crc: its checksum; 0 if it is not filled.
        filled: whether the end of the records is known and their checksum is right. If not, the
            records end at the first zero byte in place of a tag.
        cut: whether the file ends before the block does.
    """

    __slots__ = ("crc", "cut", "data", "filled", "number", "offset", "size")

    def __init__(
        self,
        data: bytes,
        offset: int,
        number: int,
        *,
        size: int,
        crc: int,
        filled: bool,
        cut: bool,
    ) -> None:
        self.data = data
        self.offset = offset
        self.number = number
        self.size = size
        self.crc = crc
        self.filled = filled
        self.cut = cut

    def ends_at(self, position: int) -> bool:
        """Return whether undecodable bytes are only the end of the records, and no damage.

        Parameters:
            position: the byte offset in `data`.
        """
        if self.filled:
            return position >= len(self.data)
        if position >= len(self.data) or not self.data[position]:
            return True
        if not self.cut:
            return False
        try:
            decode_record(self.data, position)
        except IndexError:
            # The last record continues after the end of the file.
            return True
        except DECODE_ERRORS:
            return False
        return False


class LogReader:
    """One log file. Creating an instance reads only the file's header.

    Parameters:
        path: the file.

    Attributes:
        path: the file.
        version: the version of the log's format.
        pid: the PID of the recorded process.
        started: when recording began (ns since 1970).
        recording: the recording's UUID (16 bytes).

    Raises:
        HostError: ERR_IO, the file cannot be read.
        TargetError: ERR_TRACE_DAMAGED, it is not a trace log; ERR_UNSUPPORTED_FORMAT, a newer
            codetracer wrote it.
    """

    __slots__ = ("path", "pid", "recording", "started", "version")

    def __init__(self, path: str) -> None:
        self.path = path
        with self._open() as file:
            header = self._read(file, FILE_HEADER.size)
        if header[: len(MAGIC)] != MAGIC:
            raise self.damage("is not a trace log, or its beginning is lost", 0)
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
            raise self.damage(f"has version {self.version}, which never existed", len(MAGIC))

    def size(self) -> int:
        """Return the current size of the file in bytes.

        Raises:
            HostError: ERR_IO, the file does not exist any more.
        """
        try:
            return os.stat(self.path).st_size
        except OSError as error:
            raise unreadable(self.path, error) from error

    def blocks(self, offset: int = FIRST_PAYLOAD, number: int = 0) -> Iterator[Block]:
        """Yield the blocks in order; only one at a time is in memory.

        Parameters:
            offset: the byte offset of the records of the first one.
            number: the number of the first one.

        Raises:
            HostError: ERR_IO, the file cannot be read any further.
            TargetError: ERR_TRACE_DAMAGED, the next block is damaged; all before it were yielded.
        """
        with self._open() as file:
            offset -= BLOCK_HEADER.size
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
                    yield Block(data, payload, number, size=size, crc=crc, filled=True, cut=False)
                else:
                    yield Block(data, payload, number, size=size, crc=crc, filled=False, cut=cut)
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
                    # No other block may follow one that was not closed.
                    if self._read(file, BLOCK_HEADER.size).strip(b"\0"):
                        file.seek(payload - BLOCK_HEADER.size)
                        if self._block_header(file, payload - BLOCK_HEADER.size, number)[1]:
                            # The block was closed meanwhile, because the recording is running.
                            return
                        raise self.damage(
                            f"is damaged: block {number} was never closed, and yet another"
                            " follows",
                            offset,
                        )
                    return
                number += 1

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` (byte offset) on.

        Raises:
            HostError: ERR_IO, the file cannot be read.
        """
        with self._open() as file:
            file.seek(offset)
            return self._read(file, size)

    def records(self) -> Iterator[Record]:
        """Yield every record, in order.

        Raises:
            HostError: as for `blocks`.
            TargetError: as for `blocks`.
        """
        for block in self.blocks():
            yield from self._decode(block)

    def has_end(self) -> bool:
        """Return whether the log has the end of a complete log; see `end`."""
        return self.end() is not None

    def end(self) -> ExitRecord | ExecRecord | None:
        """Return the record that ends a complete log, from its last block.

        A log is also complete if the process was replaced by another program with exec. In the log
        of a forked child that only called exec, that record may be the first one instead.

        Returns:
            None if there is no such record, or the end of the log is damaged.
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
        """Return the error for damage in this file.

        Parameters:
            problem: the message after the name of the file.
            offset: the byte offset in the file.
        """
        return TargetError(
            "ERR_TRACE_DAMAGED",
            f"{self.path} {problem} (at byte {offset})",
            {"file": self.path, "offset": offset},
        )

    def bad_record(self, block: Block, position: int, error: BaseException) -> TargetError:
        """Return the error for a record that cannot be read.

        Parameters:
            block: the block that contains it.
            position: the byte offset of the record in the block's data.
            error: the exception of the decoder.
        """
        reason = error.args[0] if isinstance(error, KeyError) else str(error)
        if isinstance(error, RecursionError):
            reason = "a value is nested too deeply"
        if isinstance(error, IndexError):
            reason = "a record continues after the end of its block"
        return self.damage(
            f"is damaged: block {block.number} has a record that cannot be read, {reason}",
            block.offset + position,
        )

    def _decode(self, block: Block) -> Iterator[Record]:
        records = Records(block.data)
        try:
            yield from records
        except DECODE_ERRORS as error:
            if not block.ends_at(records.position):
                raise self.bad_record(block, records.position, error) from error

    def _block_header(self, file: BinaryIO, offset: int, number: int) -> tuple[int, int, int]:
        """Return size, used and crc of the block at a byte offset; zeros if there is no block."""
        header = self._read(file, BLOCK_HEADER.size)
        if not header.strip(b"\0"):
            # The end of the file, or space that a recorder has allocated and not used yet.
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
        """Return the last block that has records; this reads the headers of all blocks."""
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
            return Block(
                data,
                payload,
                number,
                size=size,
                crc=crc,
                filled=used > 0,
                cut=len(data) < wanted,
            )

    def _open(self) -> BinaryIO:
        return open_regular(self.path)

    def _end(self, file: BinaryIO) -> int:
        """Return the size of the file in bytes."""
        try:
            return os.fstat(file.fileno()).st_size
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _payload(self, file: BinaryIO, size: int, *, filled: bool) -> bytes:
        """Read a block's records; nothing if the block is not filled and has none."""
        if filled:
            return self._read(file, size)
        # Space that was allocated and never used may be a hole of any size.
        first = self._read(file, min(size, 1))
        return first + self._read(file, size - 1) if first.strip(b"\0") else b""

    def _read(self, file: BinaryIO, size: int) -> bytes:
        """Read up to `size` bytes, without allocating more than the file has."""
        try:
            return file.read(max(0, min(size, self._end(file) - file.tell())))
        except OSError as error:
            raise unreadable(self.path, error) from error
