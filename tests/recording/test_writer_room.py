"""The writer of logs where descriptors, memory, the disk or the file itself is taken away."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codetracer.errors import HostError
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from codetracer.recording.writer import WINDOW
from codetracer_bindings.trace_format import (
    BLOCK_SIZE,
)
from tests.support.running import trace_environ

if TYPE_CHECKING:
    from codetracer.recording.writer import Log
from tests.support.written_logs import New, blocks, numbers, said


@pytest.mark.slow
def test_the_writer_keeps_one_window_and_no_descriptor_however_long_the_log_is(
    tmp_path: Path, new: New
) -> None:
    def mapped() -> list[int]:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            ranges = [line.split()[0].split("-") for line in maps if "a.ctlog" in line]
        return [int(end, 16) - int(start, 16) for start, end in ranges]

    def opened() -> list[str]:
        names = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        return [name for name in names if os.path.lexists(name) and "a.ctlog" in os.readlink(name)]

    log = new(tmp_path)
    assert (mapped(), opened()) == ([BLOCK_SIZE], [])
    while log.size < 5 * WINDOW:
        log.write(said(0, 5000))
        assert opened() == []

    assert mapped() == [WINDOW]
    log.close()
    assert mapped() == []


def grow(log: "Log", count: int) -> int:
    """Write until another window is mapped; return how many groups there are by then."""
    start = log.size
    while log.size < start + 2 * WINDOW:
        log.write(said(count, 5000))
        count += 1
    return count


def test_a_file_that_has_come_to_the_logs_place_is_left_as_it_is(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    count = grow(log, 0)
    (tmp_path / "a.ctlog").rename(tmp_path / "moved.ctlog")
    (tmp_path / "a.ctlog").write_bytes(b"precious")

    with pytest.raises(HostError, match="Stale file handle"):
        grow(log, count)
    log.close()

    assert (tmp_path / "a.ctlog").read_bytes() == b"precious"
    found = numbers(tmp_path / "moved.ctlog")
    assert found == list(range(len(found)))
    assert len(found) >= count


def test_a_link_that_has_come_to_the_logs_place_is_not_followed(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    count = grow(log, 0)
    (tmp_path / "a.ctlog").rename(tmp_path / "moved.ctlog")
    (tmp_path / "a.ctlog").symlink_to("moved.ctlog")

    with pytest.raises(HostError, match="ERR_IO"):
        grow(log, count)


def test_a_log_whose_folder_is_gone_is_closed_without_a_word(tmp_path: Path, new: New) -> None:
    (tmp_path / "folder").mkdir()
    log = new(tmp_path / "folder")
    log.write(said(0))
    (tmp_path / "folder").rename(tmp_path / "moved")

    log.close()

    assert numbers(tmp_path / "moved" / "a.ctlog") == [0]


def test_what_cannot_be_written_for_want_of_descriptors_is_written_when_there_are_some(
    tmp_path: Path, new: New
) -> None:
    log = new(tmp_path)
    count = 0
    records: list[bytes] = []
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        while len(records) < 100:
            records += said(count, 5000)
            log.write(records)
            count += 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert records
    log.settle(records)
    assert records == []
    log.close()

    assert numbers(tmp_path / "a.ctlog") == list(range(count))


NO_MEMORY = """
import mmap, resource, sys
import codetracer.monitoring.backend as backend
from tests.recording.test_writer import RECORDING, said
from codetracer.runtime.engine import make_log
backend._chosen, window, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
log = make_log(path, RECORDING, 77, 1)
log.open()
count = window // 1000 + 400
groups, large = [said(number, 1000) for number in range(count)], said(count, 90_000)
written = 0
while log.size < window:
    log.write(groups[written])
    written += 1
with open('/proc/self/statm') as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20), resource.RLIM_INFINITY))
kept = []
for size in (1 << 20, 1 << 16, 1 << 12):
    try:
        while True: kept.append(mmap.mmap(-1, size))
    except (OSError, MemoryError):
        pass
for group in groups[written:]:
    log.write(group)
assert log.problem is None, log.problem
log.write(large)
for held in kept[:4]: held.close()
log.settle(large)
log.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("window", [0, 3 * BLOCK_SIZE, 2 * WINDOW])
def test_where_memory_is_short_a_log_goes_on_in_the_memory_that_it_has(
    tmp_path: Path, backend: str, window: int
) -> None:
    path = tmp_path / "a.ctlog"

    done = subprocess.run(
        [sys.executable, "-c", NO_MEMORY, backend, str(window), path],
        cwd=tmp_path,
        env=trace_environ(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert numbers(path) == list(range(window // 1000 + 401))
    content = path.read_bytes()
    assert [number for number, _, _ in blocks(content)] == list(range(len(blocks(content))))


def test_what_waits_for_descriptors_does_not_take_all_memory(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        records = said(0, 10 * 2**20)
        log.write(records)
        assert records
        records += said(1, 10 * 2**20)
        with pytest.raises(HostError, match="ERR_IO"):
            log.write(records)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        log.close()


class Counted(bytes):
    """A record that counts how often it is looked at."""

    looks = 0

    def __len__(self) -> int:
        Counted.looks += 1
        return super().__len__()


@pytest.mark.slow
def test_what_waits_is_not_looked_at_again_with_each_record(tmp_path: Path, new: New) -> None:
    Counted.looks = 0
    log = new(tmp_path)
    records: list[bytes] = []
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        for number in range(2000):
            records += map(Counted, said(number, 500))
            log.write(records)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(records) > 2000
    log.settle(records)
    log.close()

    assert numbers(tmp_path / "a.ctlog") == list(range(2000))
    assert Counted.looks < 25 * 4000


FULL = """\
import resource, sys
sys.path[:0] = {path!r}
from codetracer.errors import HostError
from codetracer.runtime.engine import make_log
from codetracer.recording.writer import WINDOW
from tests.recording.test_writer import said
log = make_log("a.ctlog", bytes(16), 1, 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (WINDOW + 4096, resource.RLIM_INFINITY))
count = 0
try:
    while True:
        log.write(said(count, 3000))
        count += 1
except HostError as error:
    print(count, error.code, log.problem, sep="|")
for _ in range(2):
    try:
        log.write(said(count, 3000))
    except HostError:
        print("again")
log.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_when_no_more_can_be_written_the_log_is_whole_up_to_there(
    tmp_path: Path, backend: str
) -> None:
    environ = trace_environ() | {VARIABLE: backend}
    program = FULL.format(path=environ["PYTHONPATH"].split(os.pathsep))

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    first, *again = done.stdout.splitlines()
    count, code, problem = first.split("|")
    assert (code, again) == ("ERR_IO", ["again", "again"])
    assert problem == "a.ctlog cannot be written: File too large"
    assert numbers(tmp_path / "a.ctlog") == list(range(int(count)))
    blocks((tmp_path / "a.ctlog").read_bytes())


def test_a_log_for_which_there_is_no_room_at_all_leaves_no_file(tmp_path: Path, new: New) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(HostError, match="File too large"):
            new(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(tmp_path.iterdir()) == []
