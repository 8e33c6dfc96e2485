"""The index of a log: which block has records about what. `index_builder` makes its segments.

docs/adr/0013-index.md says how it works, and generated/index.md lists its bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, overload
from zlib import crc32

from codetracer_bindings import index_format as layout
from codetracer_bindings.index_format import (
    BlockRow,
    CallRow,
    DefinitionRow,
    FrameRow,
    KeyRow,
    ObjectRow,
    PostingRow,
    ThreadRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from struct import Struct

__all__ = ["Index", "Segment", "Stack"]


class Stack(NamedTuple):
    """A thread's stack at the beginning of a block."""

    task: int
    """The byte offset in the log of the record of the thread's task; 0 for none."""
    frames: list[FrameRow]
    """The frames, lowest first."""


class _Rows[Row: tuple[int, ...]](Sequence[Row]):
    """The rows of a section."""

    __slots__ = ("_at", "_count", "_layout", "_make", "_view")

    def __init__(
        self,
        view: memoryview,
        at: int,
        count: int,
        row: Struct,
        make: Callable[[Iterable[int]], Row],
    ) -> None:
        self._view = view
        self._at = at
        self._count = count
        self._layout = row
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._count))]
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(f"a section of an index has {self._count} rows, none at {index}")
        at = self._at + index * self._layout.size
        return self._make(self._layout.unpack_from(self._view, at))


class Segment:
    """One segment of an index.

    Parameters:
        view: the index.
        offset: where the segment begins (byte offset).

    Attributes:
        first: the number of its first block.
        last: the number of the block after its last one.
        size: its size in bytes.
        blocks, threads, frames, definitions, calls, objects, keys, postings: its sections.

    Raises:
        ValueError: there is no whole segment, or its checksum is wrong.
    """

    __slots__ = (
        "blocks",
        "calls",
        "definitions",
        "first",
        "frames",
        "keys",
        "last",
        "objects",
        "postings",
        "size",
        "threads",
    )

    def __init__(self, view: memoryview, offset: int) -> None:
        start = offset + layout.SEGMENT_HEADER.size
        if start > len(view):
            raise ValueError("a segment's header is cut")
        magic, crc, first, *counts = layout.SEGMENT_HEADER.unpack_from(view, offset)
        end = start + sum(
            row.size * count for (_, row), count in zip(layout.SECTIONS, counts, strict=True)
        )
        if magic != layout.SEGMENT_MAGIC or end > len(view):
            raise ValueError("there is no whole segment")
        unsummed = layout.SEGMENT_HEADER.pack(magic, 0, first, *counts)
        if crc32(view[start:end], crc32(unsummed)) != crc:
            raise ValueError("the checksum of a segment is wrong")
        self.size: int = end - offset
        self.first: int = first
        at: dict[str, tuple[memoryview, int, int, Struct]] = {}
        for (name, row), count in zip(layout.SECTIONS, counts, strict=True):
            at[name] = view, start, count, row
            start += row.size * count
        self.blocks = _Rows(*at["blocks"], BlockRow._make)
        self.threads = _Rows(*at["threads"], ThreadRow._make)
        self.frames = _Rows(*at["frames"], FrameRow._make)
        self.definitions = _Rows(*at["definitions"], DefinitionRow._make)
        self.calls = _Rows(*at["calls"], CallRow._make)
        self.objects = _Rows(*at["objects"], ObjectRow._make)
        self.keys = _Rows(*at["keys"], KeyRow._make)
        self.postings = _Rows(*at["postings"], PostingRow._make)
        self.last = self.first + len(self.blocks) - 1
        self._check()

    def _check(self) -> None:
        """Check what look-ups rely on: a checksum says only that the bytes are those written."""
        rows = self.blocks[:] if 2 <= len(self.blocks) <= layout.BLOCKS + 1 else []
        if not rows:
            raise ValueError("a segment covers too many blocks, or none")
        for row, later in pairwise(rows):
            if (
                later.offset < row.offset + row.used
                or later.steps < row.steps
                or later.calls < row.calls
                or later.objects < row.objects
                or later.threads < row.threads
            ):
                raise ValueError("the rows of the blocks are not in order")
        if (
            len(self.calls) != rows[-1].calls - rows[0].calls
            or len(self.objects) != rows[-1].objects - rows[0].objects
            or rows[-1].threads > len(self.threads)
        ):
            raise ValueError("a section has another number of rows than its blocks say")
        depths: dict[int, int] = {}
        frames = 0
        for thread in self.threads:
            if thread.kept > depths.get(thread.thread, 0) or thread.frames != frames:
                raise ValueError("a stack does not go on from the one before")
            frames += thread.above
            depths[thread.thread] = thread.kept + thread.above
        if frames != len(self.frames):
            raise ValueError("the frames are not those of the stacks")

    def find(self, kind: int, major: int, minor: int) -> range:
        """Return the numbers of a key's postings; none if it has no record in these blocks."""
        wanted = (kind, major, minor)
        at = bisect_left(self.keys, wanted, key=lambda row: (row.kind, row.major, row.minor))
        if at == len(self.keys):
            return range(0)
        row = self.keys[at]
        if (row.kind, row.major, row.minor) != wanted:
            return range(0)
        return range(row.postings, row.postings + row.rows)

    def of_kind(self, kind: int) -> Iterator[tuple[KeyRow, list[PostingRow]]]:
        """Yield all keys of a kind, with their postings."""
        at = bisect_left(self.keys, kind, key=lambda row: row.kind)
        for number in range(at, len(self.keys)):
            row = self.keys[number]
            if row.kind != kind:
                return
            yield row, self.postings[row.postings : row.postings + row.rows]


def _segments(views: Iterable[memoryview]) -> list[Segment]:
    """Return the segments up to the first that is not whole, or not the next one."""
    found: list[Segment] = []
    for view in views:
        at = 0
        while at < len(view):
            try:
                segment = Segment(view, at)
            except ValueError:
                return found
            if found and segment.blocks[0][:5] != found[-1].blocks[-1][:5]:
                return found
            if segment.first != (found[-1].last if found else 0):
                return found
            found.append(segment)
            at += segment.size
    return found


class Index:
    """The segments of an index, as far as they are whole.

    Parameters:
        views: where the segments are, one after the other.

    Attributes:
        views: as they were given.
        segments: its segments, in order.
        definitions: where the records about the whole process are (byte offset in the log).
        blocks: how many blocks of the log it covers, from the first one on.
        size: the size of the segments in bytes.
    """

    __slots__ = ("_keyframe", "_starts", "blocks", "definitions", "segments", "size", "views")

    def __init__(self, *views: memoryview) -> None:
        self.views = views
        self.segments = _segments(views)
        self.blocks = self.segments[-1].last if self.segments else 0
        self.size = sum(segment.size for segment in self.segments)
        self._starts = [segment.first for segment in self.segments]
        self.definitions = [row.offset for segment in self.segments for row in segment.definitions]
        self._keyframe: tuple[int, dict[int, Stack]] = (-1, {})

    def block(self, number: int) -> BlockRow:
        """Return the state before a block; `blocks` is the number of the one after the last."""
        segment = self._segment(number)
        return segment.blocks[number - segment.first]

    def block_of_step(self, step: int) -> int:
        """Return the number of the block that has a step; `blocks` if none of the index has."""
        return self._block_of(step, lambda row: row.steps)

    def block_of_call(self, frame: int) -> int:
        """Return the number of the block in which a frame begins; `blocks` if none has it."""
        return self._block_of(frame, lambda row: row.calls)

    def block_of_object(self, number: int) -> int:
        """Return the number of the block with an object's first record; `blocks` if none has it."""
        return self._block_of(number, lambda row: row.objects)

    def block_of_offset(self, offset: int) -> int:
        """Return the number of the block that has a byte of the log; `blocks` if none has it."""
        return self._block_of(offset, lambda row: row.offset)

    def call(self, frame: int) -> tuple[int, int]:
        """Return where a frame's first record is: the block's number, and the byte in it.

        Raises:
            KeyError: the index has no such frame.
        """
        number = self.block_of_call(frame)
        if number == self.blocks:
            raise KeyError(f"there is no frame {frame}")
        segment = self._segment(number)
        return number, segment.calls[frame - segment.blocks[0].calls].offset

    def new_object(self, number: int) -> tuple[int, int] | None:
        """Return where an object's last record in the block of its first one is.

        Returns:
            The block's number, and the byte in it; None if there is no such object.
        """
        block = self.block_of_object(number)
        if block == self.blocks:
            return None
        segment = self._segment(block)
        last = segment.objects[number - segment.blocks[0].objects].last
        return (block, last - 1) if last else None

    def before(
        self, block: int, kind: int, major: int, minor: int = 0, first: int = 0
    ) -> Iterator[PostingRow]:
        """Yield a key's postings in the blocks before `block`, the last one first.

        Parameters:
            block: the number of a block.
            kind, major, minor: the key.
            first: the number of a block before which it has none.
        """
        start = max(0, bisect_right(self._starts, first) - 1)
        for segment in reversed(self.segments[start : bisect_left(self._starts, block)]):
            found = segment.find(kind, major, minor)
            at = bisect_left(found, block, key=lambda row: segment.postings[row].block)
            for row in reversed(found[:at]):
                yield segment.postings[row]

    def after(self, block: int, kind: int, major: int, minor: int = 0) -> Iterator[PostingRow]:
        """Yield a key's postings in the blocks after `block`, in order; -1 for all."""
        for segment in self.segments[max(0, bisect_right(self._starts, block) - 1) :]:
            for row in segment.find(kind, major, minor):
                posting = segment.postings[row]
                if posting.block > block:
                    yield posting

    def every(self, kind: int) -> Iterator[tuple[KeyRow, list[PostingRow]]]:
        """Yield all keys of a kind, with their postings; a key comes again in a later segment."""
        for segment in self.segments:
            yield from segment.of_kind(kind)

    def blocks_of(
        self, block: int, keys: Sequence[tuple[int, int, int]], *, back: bool
    ) -> Iterator[int]:
        """Yield the numbers of the blocks after (before) a block that have one of some keys."""
        for segment in reversed(self.segments) if back else self.segments:
            if segment.first < block if back else segment.last > block:
                rows = {row for key in keys for row in segment.find(*key)}
                found = {segment.postings[row].block for row in rows}
                there = [number for number in found if (number < block) is back and number != block]
                yield from sorted(there, reverse=back)

    def stacks(self, block: int) -> dict[int, Stack]:
        """Return the stacks before a block, by the threads' numbers."""
        segment = self._segment(block)
        known, stacks = self._keyframe
        if segment.first <= known <= block:
            stacks = dict(stacks)
        else:
            known, stacks = segment.first - 1, {}
        for number in range(known + 1, block + 1):
            index = number - segment.first
            end = (
                segment.blocks[index + 1].threads
                if index + 1 < len(segment.blocks)
                else len(segment.threads)
            )
            for row in segment.threads[segment.blocks[index].threads : end]:
                lower = stacks[row.thread].frames[: row.kept] if row.kept else []
                upper = segment.frames[row.frames : row.frames + row.above]
                stacks[row.thread] = Stack(row.task, lower + upper)
        self._keyframe = (block, stacks)
        return stacks

    def _segment(self, block: int) -> Segment:
        # The state after the last block of a segment stands in the next one, too.
        return self.segments[max(0, bisect_right(self._starts, block) - 1)]

    def _block_of(self, number: int, count: Callable[[BlockRow], int]) -> int:
        at = bisect_right(self.segments, number, key=lambda segment: count(segment.blocks[0])) - 1
        if at < 0:
            return self.blocks
        segment = self.segments[at]
        return segment.first + bisect_right(segment.blocks, number, key=count) - 1
