"""The index of a log says what reading from the beginning says, and is never in the way."""

from __future__ import annotations

import os
import random
from itertools import islice, pairwise
from pathlib import Path
from zlib import crc32

import pytest

import codetracer
from codetracer.errors import TargetError
from codetracer.monitoring.backend import in_c
from codetracer.recording.reader import DECODE_ERRORS, Block, LogReader
from codetracer.replay import Replay, index_builder
from codetracer.replay.index import Index
from codetracer.replay.index_file import index_path, open_index
from codetracer.replay.indexed import IndexedLog
from codetracer_bindings.index_format import INDEX_HEADER
from codetracer_bindings.trace_decoder import decode_record
from tests.support.indexes import every_step, segments, state_at, summed
from tests.support.long_recordings import Stacks, stacks
from tests.support.recordings import record

IN_C = in_c("_indexer")
BUILDERS: list[type] = [*([IN_C.IndexBuilder] if IN_C else []), index_builder.IndexBuilder]


@pytest.mark.slow
@pytest.mark.only_where(len(BUILDERS) > 1)
def test_builders_make_the_same_segments(log: LogReader) -> None:
    for blocks in (1, 3, 128):
        made = [segments(log, builder, blocks) for builder in BUILDERS]

        assert len(set(made)) == 1


def made_of(blocks: list[Block], builder: type) -> bytes | None:
    """Return the segment of blocks; None if they are refused."""
    made = builder()
    try:
        for block in blocks:
            made.add(block)
        segment: bytes = made.segment()
    except DECODE_ERRORS:
        return None
    return segment


@pytest.mark.slow
@pytest.mark.only_where(len(BUILDERS) > 1)
def test_builders_refuse_the_same_blocks(log: LogReader) -> None:
    chosen = random.Random(11)
    whole = next(log.blocks())
    ends = [0]
    while ends[-1] < 9000:
        ends.append(decode_record(whole.data, ends[-1])[1])
    refused = 0
    for _ in range(60):
        data = bytearray(whole.data[: chosen.choice(ends[100:])])
        for _ in range(chosen.randrange(3)):
            data[chosen.randrange(len(data))] = chosen.randrange(256)
        block = Block(bytes(data), whole.offset, 0, size=whole.size, crc=1, filled=True, cut=False)

        first, *others = (made_of([block], builder) for builder in BUILDERS)

        assert all(other == first for other in others)
        refused += first is None
    assert 5 < refused < 55


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [1, 4, 128])
def test_the_state_at_a_step_is_that_of_reading_from_the_beginning(
    log: LogReader, states: dict[int, Stacks], blocks: int
) -> None:
    index = Index(memoryview(segments(log, BUILDERS[0], blocks)))
    assert index.blocks > 4

    for step, state in states.items():
        assert state_at(log, index, step) == state


@pytest.mark.slow
def test_what_is_before_a_damaged_block_is_found(log: LogReader, states: dict[int, Stacks]) -> None:
    bad = [*log.blocks()][3]
    with open(log.path, "r+b") as file:
        file.seek(bad.offset + 100)
        file.write(bytes([bad.data[100] ^ 1]))
    trace = codetracer.read(log.path)

    index = open_index(log)

    assert index.blocks == bad.number
    before = [step for step in states if step < index.block(bad.number).steps]
    assert 0 < len(before) < len(states)
    for step in before:
        assert state_at(log, index, step) == states[step]
    with pytest.raises(TargetError, match="block 3 has another checksum") as caught:
        trace.at(max(states))
    assert caught.value.code == "ERR_TRACE_DAMAGED"


def test_a_block_that_no_builder_takes_ends_the_index_before_it(log: LogReader) -> None:
    blocks = [*log.blocks()]
    bad = blocks[3]
    data = b"\x1f\x1f" + bad.data[2:]
    with open(log.path, "r+b") as file:
        file.seek(bad.offset - 4)
        file.write(crc32(data).to_bytes(4, "little") + data)

    index = open_index(log)

    assert index.blocks == bad.number
    assert open_index(log).blocks == bad.number


SPACES = """
code = compile("x = tag\\nfor i in range(12000):\\n    y = i\\n", "part.py", "exec")
one, two = {"tag": 1}, {"tag": 2}
exec(code, one)
exec(code, two)
exec(code, one)
"""


@pytest.mark.slow
def test_code_that_runs_in_one_namespace_again_finds_its_variables_there(tmp_path: Path) -> None:
    record(tmp_path, SPACES)
    log = LogReader(codetracer.read(tmp_path / "out").processes[0].path)
    replay = Replay(log)
    wanted = {e.number: stacks(replay) for e in every_step(replay) if e.number % 4001 == 0}
    assert len({(*state.threads[0][-1][0][3].items(),) for state in wanted.values()}) > 5

    index = Index(memoryview(segments(log, BUILDERS[0], 1)))

    assert index.blocks > 2
    for step, state in wanted.items():
        assert state_at(log, index, step) == state


def test_many_moments_hold_no_open_files(log: LogReader) -> None:
    trace = codetracer.read(log.path)
    trace.at(0)
    before = len(os.listdir("/proc/self/fd"))

    moments = [trace.at(step) for step in range(0, 200, 10)]

    assert len(os.listdir("/proc/self/fd")) == before
    assert len({moment.step for moment in moments}) == 20


@pytest.mark.slow
def test_a_made_up_index_with_a_right_checksum_gives_a_state_or_an_error(
    log: LogReader, states: dict[int, Stacks]
) -> None:
    right = open_index(log)
    firsts = [right.block(number).steps for number in range(right.blocks)]
    longest = max(later - earlier for earlier, later in pairwise(firsts))
    path = Path(index_path(log.path))
    made = path.read_bytes()
    chosen = random.Random(5)
    met: dict[str, int] = {}
    # Without C, an index that is refused is made again in Python.
    for _ in range(100 if IN_C else 25):
        damaged = bytearray(made)
        for _ in range(chosen.randrange(1, 4)):
            # Among the blocks, threads and frames, or anywhere.
            end = chosen.choice([INDEX_HEADER.size + 900, len(damaged)])
            damaged[chosen.randrange(INDEX_HEADER.size + 8, end)] ^= 1 << chosen.randrange(8)
        summed(damaged)
        path.write_bytes(damaged)
        try:
            index = open_index(log)
            source = IndexedLog(log, index)
            step = chosen.choice(sorted(states))
            replay = Replay(log, start=source.keyframe(index.block_of_step(step)))
            is_found = any(event.number == step for event in islice(every_step(replay), longest))
            outcome = "read" if is_found and stacks(replay) else "no such step"
        except TargetError as error:
            outcome = str(error.code)
        met[outcome] = met.get(outcome, 0) + 1
    assert met.keys() <= {"read", "ERR_TRACE_DAMAGED", "no such step"}
    assert len(met) > 1
