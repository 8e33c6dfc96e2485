"""The writer of logs: header, blocks, and a log that can be read at any moment."""

import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

import codetracer.monitoring.backend as backend_module
import codetracer.recording.writer as writer_module
from codetracer.errors import HostError
from codetracer.monitoring.backend import BACKENDS
from codetracer.recording.reader import LogReader
from codetracer.recording.writer import WINDOW, LogWriter
from codetracer.runtime.engine import make_log
from codetracer_bindings import trace_decoder as decode
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_decoder import ExitRecord, VariableRecord
from codetracer_bindings.trace_encoder import encode_exit
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_SIZE,
    FILE_HEADER,
    LARGEST_AGAIN,
    LOG_VERSION,
    MAGIC,
)

if TYPE_CHECKING:
    pass
from tests.support.written_logs import RECORDING, New, blocks, numbers, said


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


class Watch:
    """Looks at the log before every line of the writer's, as if it had been killed there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        """The number of groups that are written for certain."""
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


@pytest.mark.slow
def test_at_every_line_of_the_writer_the_log_has_all_that_was_written(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "a.ctlog")
    log = LogWriter(str(tmp_path / "a.ctlog"), RECORDING, 77, 1)
    watched(watch, log.open)
    # Several in a block, one that takes two, and on into another window.
    for size in (10, 0, 30_000, 30_000, 10, 70_000, 0, WINDOW, 10, 0):
        group = said(watch.written, size)
        watched(watch, partial(log.write, group))
        watch.written += 1
        watch.look()
        assert numbers(tmp_path / "a.ctlog") == list(range(watch.written))
    watched(watch, log.close)
    assert watch.looks > 100


@pytest.mark.slow
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


def values_of(path: Path) -> list[object]:
    """Return the values of the variables that a log has, in order."""
    return [
        record.value
        for record in LogReader(str(path)).records()
        if isinstance(record, VariableRecord)
    ]


def test_a_value_that_the_block_has_already_is_not_written_again(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    value = encode.value_text("a text of twenty letters")
    sizes = []
    for _ in range(3):
        before = log.size
        log.write([encode.encode_variable(0, value), encode.encode_variable(1, value)])
        sizes.append(log.size - before)
    log.close()

    # In the group of the first one, nobody can know that it will be there.
    assert sizes == [52, 6, 6]
    assert values_of(tmp_path / "a.ctlog") == ["a text of twenty letters"] * 6


@pytest.mark.slow
def test_each_block_has_its_values_itself(tmp_path: Path, new: New) -> None:
    log = new(tmp_path)
    values = [encode.value_text(f"{number:0100}") for number in range(50)]
    count = 0
    while log.size < 5 * BLOCK_SIZE:
        log.write([encode.encode_variable(0, values[count % 50])])
        count += 1
    log.close()

    *full, _ = LogReader(str(tmp_path / "a.ctlog")).blocks()
    assert len(full) == 5
    for block in full:
        assert sum(block.data.count(value) for value in values) == 50
    assert values_of(tmp_path / "a.ctlog") == [f"{number % 50:0100}" for number in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_both_writers_leave_out_the_same_values(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    for backend in BACKENDS:
        monkeypatch.setattr(backend_module, "_chosen", backend)
        (tmp_path / backend).mkdir()
        path = tmp_path / backend / "a.ctlog"
        log = make_log(str(path), RECORDING, 77, 1)
        chance = random.Random(seed)
        said = []
        while log.size < 3 * BLOCK_SIZE:
            group = []
            for _ in range(chance.randrange(1, 8)):
                value, data = some_value(chance)
                said.append(value)
                if chance.random() < 0.2:
                    record = encode.encode_object(1, 1, 0, 1, [data], 0, [(3, data)])
                    group.append(record + encode.encode_source("a" * 20))
                group.append(encode.encode_variable(0, data))
            log.write(group)
        log.close()
        assert values_of(path) == said
        written.append(path.read_bytes())
    assert len(set(written)) == 1


def some_value(chance: random.Random) -> tuple[object, bytes]:
    """Return a value, and its bytes."""
    number = chance.randrange(2000)
    size = chance.choice((0, 2, 3, 4, 5, 30, LARGEST_AGAIN - 4, LARGEST_AGAIN - 3, LARGEST_AGAIN))
    text = f"{number % 50:0{size}}" if size > 5 else "é" * size
    items = text, number * 10**9, 1 / (number + 1), text.encode()
    encoded = (
        encode.value_text(items[0]),
        encode.value_integer(items[1]),
        encode.value_float(items[2]),
        encode.value_binary(items[3]),
    )
    which = chance.randrange(6)
    if which < 4:
        return items[which], encoded[which]
    if which == 4:
        return decode.CutTextValue(9, text), encode.value_cut_text(9, text)
    return items, encode.value_tuple(encoded)
