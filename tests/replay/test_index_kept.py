"""An index is kept beside its log: continued, made again, or in memory where it cannot be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codetracer.recording.reader import LogReader
from codetracer.replay import index_file
from codetracer.replay.index import Index
from codetracer.replay.index_file import index_path, open_index
from codetracer_bindings.index_format import INDEX_HEADER
from tests.support.indexes import state_at
from tests.support.long_recordings import Stacks
from tests.support.running import trace_environ


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
        # The existing part stays, and only whole segments are added while the log has no end.
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
