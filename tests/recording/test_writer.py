"""The writer of logs: blocks, windows, a full disk; and a log that can be read at any moment."""

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

import codetracer.monitoring.backend as backend_module
import codetracer.recording.writer as writer_module
from codetracer.errors import HostError
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from codetracer.recording.reader import LogReader
from codetracer.recording.writer import WINDOW, LogWriter
from codetracer.runtime.engine import make_log
from codetracer_bindings.trace_decoder import ExitRecord, OutputRecord
from codetracer_bindings.trace_encoder import encode_exit, encode_output
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    BLOCK_SIZE,
    FILE_HEADER,
    LOG_VERSION,
    MAGIC,
)
from tests.support.running import trace_environ

if TYPE_CHECKING:
    from codetracer.recording.writer import Log

RECORDING = bytes(range(16))

type New = Callable[[Path], Log]


@pytest.fixture(params=BACKENDS)
def new(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], "Log"]:
    """Return what makes a log of one of the writers, in C or in Python."""
    monkeypatch.setattr(backend_module, "_chosen", request.param)

    def create(folder: Path) -> "Log":
        log = make_log(str(folder / "a.ctlog"), RECORDING, 77, 1_700_000_000_000_000_000)
        log.open()
        return log

    return create


def said(number: int, size: int = 0) -> list[bytes]:
    """Return a group of two records that say which one it is."""
    data = b"%08d" % number + b"x" * size
    return [encode_output(1, "", number, data), encode_output(2, "", number, b"")]


def numbers(path: Path) -> list[int]:
    """Return which groups a log has; each must be whole."""
    records = list(LogReader(str(path)).records())
    pairs = list(zip(records[::2], records[1::2], strict=True))
    for one, two in pairs:
        assert isinstance(one, OutputRecord)
        assert isinstance(two, OutputRecord)
        assert one.line == two.line == int(one.data[:8])
    return [one.line for one, _ in pairs if isinstance(one, OutputRecord)]


def blocks(content: bytes) -> list[tuple[int, int, int]]:
    """Return number, size and used of every block, following them through the file."""
    found = []
    offset = FILE_HEADER.size
    while offset < len(content):
        magic, number, size, used, crc = BLOCK_HEADER.unpack_from(content, offset)
        assert magic == BLOCK_MAGIC
        start = offset + BLOCK_HEADER.size
        assert crc == (crc32(content[start : start + used]) if used else 0)
        found.append((number, size, used))
        offset += size
    return found


def test_a_log_begins_with_its_header(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    log.close()

    content = (tmp_path / "a.ctlog").read_bytes()

    assert FILE_HEADER.unpack_from(content) == (
        MAGIC,
        LOG_VERSION,
        BLOCK_SIZE,
        77,
        1_700_000_000_000_000_000,
        RECORDING,
    )


def test_what_was_written_is_there_before_the_log_is_closed(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)

    for number in range(5):
        log.write(said(number))
        assert numbers(tmp_path / "a.ctlog") == list(range(number + 1))
    log.close()

    assert numbers(tmp_path / "a.ctlog") == list(range(5))


def test_a_closed_log_is_cut_to_what_it_holds(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    log.write(said(0))
    size = log.size
    assert (tmp_path / "a.ctlog").stat().st_size == BLOCK_SIZE
    log.close()

    content = (tmp_path / "a.ctlog").read_bytes()

    assert len(content) == size == FILE_HEADER.size + BLOCK_HEADER.size + len(b"".join(said(0)))
    assert blocks(content) == [(0, size - FILE_HEADER.size, len(b"".join(said(0))))]


def test_closing_twice_does_nothing(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    log.write(said(0))
    log.close()
    content = (tmp_path / "a.ctlog").read_bytes()

    log.close()

    assert (tmp_path / "a.ctlog").read_bytes() == content


def test_blocks_are_numbered_sealed_and_of_one_size_but_for_the_last(
    tmp_path: Path, new: New
) -> None:
    log = new(tmp_path)
    count = 0
    while log.size < 3 * WINDOW + BLOCK_SIZE // 2:
        log.write(said(count, 1000))
        count += 1
    log.close()

    content = (tmp_path / "a.ctlog").read_bytes()

    found = blocks(content)
    assert [number for number, _, _ in found] == list(range(len(found)))
    assert found[0][1] == BLOCK_SIZE - FILE_HEADER.size
    assert {size for _, size, _ in found[1:-1]} == {BLOCK_SIZE}
    assert all(used for _, _, used in found)
    assert numbers(tmp_path / "a.ctlog") == list(range(count))


def test_a_group_that_fits_to_the_byte_does_not_begin_a_block(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    room = BLOCK_SIZE - log.size
    size = next(n for n in range(room, 0, -1) if len(b"".join(said(0, n))) == room)

    log.write(said(0, size))
    log.write(said(1))
    log.close()

    found = blocks((tmp_path / "a.ctlog").read_bytes())
    assert [used for _, _, used in found] == [room, len(b"".join(said(1)))]
    assert numbers(tmp_path / "a.ctlog") == [0, 1]


@pytest.mark.parametrize("size", [BLOCK_SIZE - 60, BLOCK_SIZE, 3 * BLOCK_SIZE, WINDOW, 2 * WINDOW])
def test_a_group_larger_than_a_block_gets_a_block_that_holds_it(
    tmp_path: Path, new: New, size: int
) -> None:
    log = new(tmp_path)
    log.write(said(0))
    log.write(said(1, size))
    log.write(said(2))
    log.close()

    found = blocks((tmp_path / "a.ctlog").read_bytes())

    assert all(size % BLOCK_SIZE == 0 for _, size, _ in found[1:-1])
    assert numbers(tmp_path / "a.ctlog") == [0, 1, 2]


def test_a_log_that_exists_is_not_overwritten(tmp_path: Path, new: New) -> None:
    (tmp_path / "a.ctlog").write_bytes(b"precious")

    with pytest.raises(HostError, match="File exists"):
        new(tmp_path)

    assert (tmp_path / "a.ctlog").read_bytes() == b"precious"


def test_a_log_that_is_abandoned_stays_as_it_is(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    log.write(said(0))

    log.abandon()
    log.close()

    content = (tmp_path / "a.ctlog").read_bytes()
    assert len(content) == BLOCK_SIZE
    assert BLOCK_HEADER.unpack_from(content, FILE_HEADER.size)[3:] == (0, 0)
    assert numbers(tmp_path / "a.ctlog") == [0]


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


class Watch:
    """Looks at the log before every line of the writer's, as if it had been killed there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        """How many groups have been written for certain."""
        self.looks = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != writer_module.__file__:
            return None
        self.look()
        return self

    def look(self) -> None:
        if not self.path.exists() or self.path.stat().st_size < FILE_HEADER.size:
            return
        if not self.path.read_bytes()[: len(MAGIC)].strip(b"\0"):
            return
        found = numbers(self.path)
        self.looks += 1
        assert found in (list(range(self.written)), list(range(self.written + 1)))


def watched(watch: Watch, action: Callable[[], object]) -> None:
    sys.settrace(watch)
    try:
        action()
    finally:
        sys.settrace(None)
    watch.look()


def test_at_every_line_of_the_writer_the_log_has_all_that_was_written(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "a.ctlog")
    log = LogWriter(str(tmp_path / "a.ctlog"), RECORDING, 77, 1)
    watched(watch, log.open)
    # Several in a block, one that takes two, and on into another window.
    for size in (10, 0, 30_000, 30_000, 10, 70_000, 0, WINDOW, 10, 0):
        group = said(watch.written, size)
        watched(watch, lambda group=group: log.write(group))  # type: ignore[misc]
        watch.written += 1
        watch.look()
        assert numbers(tmp_path / "a.ctlog") == list(range(watch.written))
    watched(watch, log.close)
    assert watch.looks > 100


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


def test_a_log_can_be_read_while_another_thread_writes_it(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    stop = threading.Event()
    written = [0]

    def write() -> None:
        while not stop.is_set() and log.size < 4 * WINDOW:
            log.write(said(written[0], 200))
            written[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(20):
            least = written[0]
            found = numbers(tmp_path / "a.ctlog")
            assert found == list(range(len(found)))
            assert len(found) >= least
    finally:
        stop.set()
        thread.join()
        log.close()


def test_the_end_of_a_log_is_its_last_record(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    log.write(said(0))
    assert not LogReader(log.path).has_end()
    log.write([encode_exit(5, 1, -3)])
    log.close()

    reader = LogReader(log.path)

    assert reader.has_end()
    assert list(reader.records())[-1] == ExitRecord(5, 1, -3)
