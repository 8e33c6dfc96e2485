"""Makes indexes of a log, and reads the state at a step by them."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from codetracer.recording.reader import LogReader
from codetracer.replay import Replay, StepEvent
from codetracer.replay.index import Index
from codetracer.replay.indexed import IndexedLog
from codetracer_bindings.index_format import INDEX_HEADER, SECTIONS, SEGMENT_HEADER
from tests.support.long_recordings import Stacks, stacks

__all__ = ["every_step", "segments", "state_at", "summed"]


def every_step(replay: Replay) -> Iterator[StepEvent]:
    return (event for event in replay if isinstance(event, StepEvent))


def segments(log: LogReader, builder: type, blocks: int) -> bytes:
    """Return the segments of all closed blocks, of so many blocks each."""
    made = builder()
    found = []
    for block in log.blocks():
        made.add(block)
        if made.blocks == blocks:
            found.append(made.segment())
    if made.blocks:
        found.append(made.segment())
    return b"".join(found)


def state_at(log: LogReader, index: Index, step: int) -> Stacks:
    replay = Replay(log, start=IndexedLog(log, index).keyframe(index.block_of_step(step)))
    assert any(event.number == step for event in every_step(replay))
    return stacks(replay)


def summed(index: bytearray) -> None:
    """Give the first segment of an index the checksum of what it has, as far as it goes."""
    start = INDEX_HEADER.size
    _, _, _, *counts = SEGMENT_HEADER.unpack_from(index, start)
    size = SEGMENT_HEADER.size + sum(
        row.size * count for (_, row), count in zip(SECTIONS, counts, strict=True)
    )
    index[start + 4 : start + 8] = bytes(4)
    crc = crc32(index[start : start + size])
    index[start + 4 : start + 8] = crc.to_bytes(4, "little")
