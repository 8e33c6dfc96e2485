"""The index of a log says what reading from the beginning says, and is never in the way."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from zlib import crc32

import pytest

import codetracer
from codetracer.errors import TargetError
from codetracer.monitoring.backend import in_c
from codetracer.recording.reader import DECODE_ERRORS, Block, LogReader
from codetracer.replay import Replay, StepEvent, index_builder, index_file
from codetracer.replay.index import Index
from codetracer.replay.index_file import index_path, open_index
from codetracer.replay.indexed import IndexedLog
from codetracer_bindings.index_format import INDEX_HEADER, SECTIONS, SEGMENT_HEADER
from codetracer_bindings.trace_decoder import decode_record
from tests.support.long_recordings import MIXED, Stacks, stacks
from tests.support.recordings import record
from tests.support.running import trace_environ

IN_C = in_c("_indexer")
BUILDERS: list[type] = [*([IN_C.IndexBuilder] if IN_C else []), index_builder.IndexBuilder]

CHECKED = 15
"""The number of steps that are compared."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the log of a recording of many blocks."""
    folder = tmp_path_factory.mktemp("recorded")
    record(folder, MIXED)
    return Path(codetracer.read(folder / "out").processes[0].path)


@pytest.fixture
def log(recorded: Path, tmp_path: Path) -> LogReader:
    """Return a copy of it, which the test may change."""
    return LogReader(shutil.copy(str(recorded), str(tmp_path)))


@pytest.fixture(scope="module")
def states(recorded: Path) -> dict[int, Stacks]:
    """Return the states at some steps, by reading from the beginning."""
    total = max(event.number for event in every_step(Replay(LogReader(str(recorded)))))
    chosen = {0, total, *random.Random(7).sample(range(total), CHECKED)}
    replay = Replay(LogReader(str(recorded)))
    return {event.number: stacks(replay) for event in every_step(replay) if event.number in chosen}


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
def test_an_index_is_made_once_and_only_its_owner_can_read_it(log: LogReader) -> None:
    told: list[tuple[int, int]] = []
    open_index(log, lambda done, whole: told.append((done, whole)))
    path = index_path(log.path)
    made = os.stat(path)

    again = open_index(log, lambda *_: pytest.fail("it was made again"))

    assert again.blocks > 4
    assert told
    assert all(0 < done <= whole == log.size() for done, whole in told)
    assert (os.stat(path).st_mtime_ns, made.st_mode & 0o777) == (made.st_mtime_ns, 0o600)


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def turned(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def of_another_log(data: bytes) -> bytes:
    return (
        data[: INDEX_HEADER.size - 1]
        + bytes([data[INDEX_HEADER.size - 1] ^ 1])
        + data[INDEX_HEADER.size :]
    )


def of_another_version(data: bytes) -> bytes:
    return data[:8] + b"\xff" + data[9:]


DAMAGE = [
    cut,
    turned,
    of_another_log,
    of_another_version,
    lambda data: b"",
    lambda data: b"\0" * 99,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_index_that_is_damaged_or_of_another_log_is_made_again(
    log: LogReader, damage: Callable[[bytes], bytes]
) -> None:
    open_index(log)
    path = Path(index_path(log.path))
    made = path.read_bytes()
    path.write_bytes(damage(made))

    found = open_index(log)

    assert path.read_bytes() == made
    assert found.definitions == open_index(log).definitions


@pytest.mark.slow
def test_no_damage_of_an_index_changes_what_is_read(log: LogReader) -> None:
    whole = open_index(log)
    path = Path(index_path(log.path))
    made = path.read_bytes()
    chosen = random.Random(3)
    for _ in range(200):
        damaged = bytearray(made)
        for _ in range(chosen.randrange(1, 4)):
            damaged[chosen.randrange(len(damaged))] ^= 1 << chosen.randrange(8)
        path.write_bytes(damaged[: chosen.choice([len(made), chosen.randrange(len(made))])])

        found = open_index(log)

        assert [segment.blocks[:] for segment in found.segments] == [
            segment.blocks[:] for segment in whole.segments
        ]
        assert path.read_bytes()[: len(made)] == made


@pytest.mark.slow
def test_an_index_of_a_log_that_was_cut_is_made_again(
    log: LogReader, states: dict[int, Stacks]
) -> None:
    open_index(log)
    os.truncate(log.path, log.size() // 2)

    index = open_index(log)

    steps = [step for step in states if step < index.block(index.blocks).steps]
    assert 0 < len(steps) < len(states)
    for step in steps:
        assert state_at(log, index, step) == states[step]


@pytest.mark.slow
def test_an_index_goes_on_where_the_log_has_grown(
    recorded: Path, log: LogReader, states: dict[int, Stacks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "BLOCKS", 2)
    whole = recorded.read_bytes()
    half = next(block.offset for block in log.blocks() if block.offset > len(whole) // 2)
    path = Path(index_path(log.path))
    before = b""
    for size in (half + 5000, half + 80_000, len(whole)):
        Path(log.path).write_bytes(whole[:size])
        index = open_index(log)
        written = path.read_bytes()
        # What is there stays, and only whole segments are added while the log has no end.
        assert written.startswith(before)
        in_file = Index(memoryview(written)[INDEX_HEADER.size :])
        assert in_file.size == len(written) - INDEX_HEADER.size > 0
        if size < len(whole):
            assert index.blocks > in_file.blocks > 0
            assert in_file.blocks % 2 == 0
        before = written

    for step, state in states.items():
        assert state_at(log, index, step) == state
    assert in_file.blocks == index.blocks


@pytest.mark.slow
def test_a_last_block_that_was_never_closed_is_covered_too(
    log: LogReader, states: dict[int, Stacks]
) -> None:
    *_, last = log.blocks()
    with open(log.path, "r+b") as file:
        # As it is while a recorder fills it: neither size nor checksum, and zeros behind.
        file.seek(last.offset - 8)
        file.write(bytes(8))
        file.seek(last.offset + len(last.data))
        file.write(bytes(70_000))

    index = open_index(log)

    assert index.blocks == last.number + 1
    for step, state in states.items():
        assert state_at(log, index, step) == state


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "fifo", "link", "device"])
def test_where_something_else_is_in_its_place_an_index_is_in_memory(
    log: LogReader, states: dict[int, Stacks], tmp_path: Path, kind: str
) -> None:
    path = index_path(log.path)
    other = tmp_path / "other"
    other.write_text("the program's own")
    match kind:
        case "folder":
            os.mkdir(path)
        case "fifo":
            os.mkfifo(path)
        case "link":
            os.symlink(other, path)
        case "device":
            os.symlink("/dev/zero", path)

    index = open_index(log)

    step = max(states)
    assert state_at(log, index, step) == states[step]
    assert other.read_text() == "the program's own"
    assert (os.path.islink(path), os.path.isfile(path)) == (
        kind in ("link", "device"),
        kind == "link",
    )


KILLED = """
import os, signal, sys
from codetracer.recording.reader import LogReader
from codetracer.replay import index_file
index_file.BLOCKS = 1
def progress(done, whole):
    if done > whole * float(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
index_file.open_index(LogReader(sys.argv[1]), progress)
"""


@pytest.mark.slow
def test_an_index_is_continued_after_its_making_was_killed(
    log: LogReader, states: dict[int, Stacks]
) -> None:
    sizes = []
    for part in ("0.3", "0.6"):
        command = [sys.executable, "-c", KILLED, log.path, part]
        done = subprocess.run(command, env=trace_environ(), check=False)
        assert done.returncode == -signal.SIGKILL
        sizes.append(os.path.getsize(index_path(log.path)))

    index = open_index(log)

    assert 100 < sizes[0] < sizes[1] < os.path.getsize(index_path(log.path))
    assert len(index.segments) > 2
    for step, state in states.items():
        assert state_at(log, index, step) == state


FULL = """
import resource, signal, sys
from codetracer.recording.reader import LogReader
from codetracer.replay import index_file
index_file.BLOCKS = 1
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, resource.RLIM_INFINITY))
index = index_file.open_index(LogReader(sys.argv[1]))
print(index.blocks)
"""


@pytest.mark.slow
def test_where_the_disk_is_full_the_rest_of_the_index_is_in_memory(
    log: LogReader, states: dict[int, Stacks]
) -> None:
    command = [sys.executable, "-c", FULL, log.path]
    done = subprocess.run(command, env=trace_environ(), capture_output=True, check=True, text=True)
    size = os.path.getsize(index_path(log.path))

    index = open_index(log)

    assert int(done.stdout) == index.blocks
    assert INDEX_HEADER.size < size <= 80_000 < os.path.getsize(index_path(log.path))
    for step, state in states.items():
        assert state_at(log, index, step) == state


OTHER = """
import sys
from codetracer.recording.reader import LogReader
from codetracer.replay import index_file
index_file.BLOCKS = 1
print(index_file.open_index(LogReader(sys.argv[1])).blocks)
"""


@pytest.mark.slow
def test_two_processes_that_continue_an_index_do_not_disturb_each_other(
    log: LogReader, states: dict[int, Stacks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "BLOCKS", 1)
    path = Path(index_path(log.path))
    open_index(log)
    alone = path.read_bytes()
    first = Index(memoryview(alone)[INDEX_HEADER.size :]).segments[0]
    path.write_bytes(alone[: INDEX_HEADER.size + first.size])
    others: list[int] = []

    def meanwhile(_: int, __: int) -> None:
        if not others:
            command = [sys.executable, "-c", OTHER, log.path]
            done = subprocess.run(command, env=trace_environ(), capture_output=True, check=True)
            others.append(int(done.stdout))

    outer = open_index(log, meanwhile)

    assert others == [outer.blocks]
    assert path.read_bytes() == alone
    step = max(states)
    for index in (outer, open_index(log)):
        assert state_at(log, index, step) == states[step]


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
