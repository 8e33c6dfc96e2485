"""A log is read block by block; of a damaged one what is sound, then an error that says where."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from codetracer.errors import HostError, RecorderError, TargetError
from codetracer.recording.reader import LogReader
from codetracer.replay import Replay
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_decoder import ExitRecord, Record, TypeRecord
from codetracer_bindings.trace_format import BLOCK_HEADER, FILE_HEADER, LOG_VERSION
from tests.support import logs

HEAD = FILE_HEADER.size
BLOCK = BLOCK_HEADER.size
EXIT = encode.encode_exit(7, 1, 0)


def types(*names: str) -> list[bytes]:
    return [encode.encode_type(name) for name in names]


def written(folder: Path, content: bytes) -> LogReader:
    path = folder / "process-1.ctlog"
    path.write_bytes(content)
    return LogReader(str(path))


def names_and_error(reader: LogReader) -> tuple[list[str], TargetError | None]:
    """Return the names of the types that can be read, and what came then."""
    names = []
    try:
        for record in reader.records():
            assert isinstance(record, TypeRecord)
            names.append(record.name)
    except TargetError as error:
        return names, error
    return names, None


def test_the_header_says_whose_log_it_is(tmp_path: Path) -> None:
    reader = written(tmp_path, logs.log([EXIT], pid=99))

    assert (reader.pid, reader.version) == (99, LOG_VERSION)
    assert (reader.started, reader.recording) == (1_700_000_000_000_000_000, logs.RECORDING)


def test_records_come_in_the_order_of_the_blocks(tmp_path: Path) -> None:
    reader = written(tmp_path, logs.log(types("a", "b"), types("c"), [EXIT]))

    assert list(reader.records()) == [
        TypeRecord("a"),
        TypeRecord("b"),
        TypeRecord("c"),
        ExitRecord(7, 1, 0),
    ]


def test_a_block_that_is_being_filled_ends_at_its_first_zero_byte(tmp_path: Path) -> None:
    reader = written(tmp_path, logs.log(types("a"), types("b"), filled=False))

    assert names_and_error(reader) == (["a", "b"], None)


def test_blocks_that_were_claimed_and_not_used_are_no_damage(tmp_path: Path) -> None:
    reader = written(tmp_path, logs.log(types("a"), types("b"), filled=False) + bytes(9000))

    assert names_and_error(reader) == (["a", "b"], None)


def test_an_empty_block_may_be_followed_by_others(tmp_path: Path) -> None:
    content = logs.log([]) + logs.block(1, types("b")[0])

    assert names_and_error(written(tmp_path, content)) == (["b"], None)


@pytest.mark.parametrize("version", [LOG_VERSION + 1, 2**32 - 1])
def test_a_newer_version_is_refused_with_both_versions_and_the_remedy(
    tmp_path: Path, version: int
) -> None:
    with pytest.raises(TargetError) as caught:
        written(tmp_path, logs.log([EXIT], version=version))

    assert caught.value.code == "ERR_UNSUPPORTED_FORMAT"
    for part in (
        "process-1.ctlog",
        f"version {version}",
        f"version {LOG_VERSION}",
        "with the codetracer that recorded it, or a newer one",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not a trace log"),
        (b"import os\n" * 50, "is not a trace log"),
        (logs.log([EXIT])[: HEAD - 1], "ends within its header"),
        (logs.log([EXIT], version=0), "has version 0, which never existed"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(TargetError) as caught:
        written(tmp_path, content)

    assert caught.value.code == "ERR_TRACE_DAMAGED"
    assert problem in str(caught.value)
    assert str(tmp_path / "process-1.ctlog") in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_of_the_host(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        LogReader(str(tmp_path / "none.ctlog"))


def spoiled(change: int, value: bytes) -> bytes:
    """Return a log of three blocks whose second block has other bytes at an offset in it."""
    content = bytearray(logs.log(types("a"), types("b"), types("c")))
    start = HEAD + BLOCK + len(types("a")[0]) + change
    content[start : start + len(value)] = value
    return bytes(content)


SECOND = HEAD + BLOCK + len(types("a")[0])


@pytest.mark.parametrize(
    ("content", "problem", "offset"),
    [
        (spoiled(BLOCK + 2, b"X"), "block 1 has another checksum than was written", SECOND),
        (spoiled(16, b"\1"), "block 1 has another checksum than was written", SECOND),
        (spoiled(0, b"X"), "there is no block 1 where it must be", SECOND),
        (spoiled(4, b"\5"), "block 1 is missing, block 5 stands there", SECOND),
        (spoiled(8, b"\1"), "block 1 says that it has 1 bytes, 3 of them used", SECOND),
        (spoiled(12, b"\xff"), "255 of them used", SECOND),
    ],
)
def test_a_damaged_block_is_named_with_its_place_after_what_is_before_it(
    tmp_path: Path, content: bytes, problem: str, offset: int
) -> None:
    names, error = names_and_error(written(tmp_path, content))

    assert names == ["a"]
    assert error is not None
    assert error.code == "ERR_TRACE_DAMAGED"
    assert problem in error.message
    assert error.message.endswith(f"(at byte {offset})")
    assert error.context == {"file": str(tmp_path / "process-1.ctlog"), "offset": offset}


def test_of_a_full_block_that_the_file_cuts_the_whole_records_are_given(tmp_path: Path) -> None:
    content = logs.log(types("first", "second", "third"))[:-3]

    names, error = names_and_error(written(tmp_path, content))

    assert names == ["first", "second"]
    assert error is not None
    assert "ends within block 0, 3 bytes of which are missing" in error.message


def test_a_block_that_was_never_closed_must_be_the_last_one(tmp_path: Path) -> None:
    content = logs.log(types("a"), filled=False) + logs.block(1, types("b")[0])

    names, error = names_and_error(written(tmp_path, content))

    assert names == ["a"]
    assert error is not None
    assert "block 0 was never closed, and yet another follows" in error.message


def test_a_record_that_cannot_be_is_damage_where_the_checksum_says_nothing(tmp_path: Path) -> None:
    content = bytearray(logs.log(types("a"), filled=False))
    content[HEAD + BLOCK + 3] = 0x3F

    names, error = names_and_error(written(tmp_path, bytes(content)))

    assert names == ["a"]
    assert error is not None
    assert "no record with the tag 0x3f" in error.message
    assert error.context["offset"] == HEAD + BLOCK + 3


def test_a_log_has_its_end_only_when_the_last_block_holds_an_exit(tmp_path: Path) -> None:
    assert written(tmp_path, logs.log(types("a"), [EXIT])).has_end()
    assert written(tmp_path, logs.log(types("a"), [EXIT], filled=False) + bytes(9000)).has_end()
    assert not written(tmp_path, logs.log(types("a"))).has_end()
    assert not written(tmp_path, logs.log(types("a"), [EXIT])[:-1]).has_end()
    assert not written(tmp_path, logs.log()).has_end()


@pytest.mark.slow
def test_a_long_log_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    block = types(*(f"type {number:08}" for number in range(2000)))

    def peak(blocks: int) -> int:
        reader = written(tmp_path, logs.log(*[block] * blocks, [EXIT]))
        tracemalloc.start()
        try:
            assert sum(1 for _ in reader.records()) == 2000 * blocks + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(40) < 1.2 * peak(4)


def small_log(*, filled: bool) -> bytes:
    """Return a log that has every kind of record, in two blocks."""
    one = encode.value_reference(1)
    pair = [logs.number(1), one]
    first = [
        encode.encode_source("/app.py"),
        encode.encode_thread(7, "Main"),
        encode.encode_type("m.Node"),
        encode.encode_attribute("next"),
        logs.code("<module>", kind=0, global_names=["g", "f"]),
        logs.code("f", line=5, parameters=["x"], variables=["y"], global_names=["g"]),
        logs.code("gen", line=9, kind=3),
        encode.encode_namespace(1, 1),
        encode.encode_call(0, 10, []),
        encode.encode_step(1),
        encode.encode_object(1, 8, 0, 0, [], 0, [(0, one)]),
        encode.encode_variable(0, encode.value_tuple(pair)),
        encode.encode_call(1, 10, [encode.value_text("a text")]),
        encode.encode_step(-200),
        encode.encode_variable(1, encode.value_cut_tuple(9, pair)),
        encode.encode_variable(2, encode.value_float(1.5)),
        encode.encode_variable(1, encode.value_unbound()),
        encode.encode_output(1, "/app.py", 6, b"hello\n"),
    ]
    second = [
        encode.encode_raise(one),
        encode.encode_handled(one),
        encode.encode_return(10, encode.value_range(*[logs.number(1)] * 3)),
        encode.encode_call(2, 10, []),
        encode.encode_yield(5, logs.number(300)),
        encode.encode_thread(8, "Worker"),
        encode.encode_resume(2, 5),
        encode.encode_yield(5, encode.value_cut_text(9, "abc")),
        encode.encode_throw(2, 5, one),
        encode.encode_unwind(5, one),
        encode.encode_enter(1, 5, 6),
        encode.encode_lost(),
        encode.encode_switch(0),
        encode.encode_return(1, logs.NONE),
        EXIT,
    ]
    return logs.log(first, second, filled=filled)


def read_all(path: Path) -> tuple[list[str], RecorderError | None]:
    """Replay a log, asking for every value; return what came and the error at the end."""
    seen = []
    try:
        replay = Replay(LogReader(str(path)))
        for event in replay:
            frame = event.frame
            parts: list[object] = [event]
            if frame is not None:
                parts += [replay.locals(frame), replay.globals(frame)]
            seen.append(repr(parts))
        calls = sum(1 for text in seen if text.startswith(("[CallEvent", "[Resume", "[Throw")))
        ends = ("[Return", "[Yield", "[Unwind", "[Lost", "[Unfinished")
        assert calls == sum(1 for text in seen if text.startswith(ends))
    except RecorderError as error:
        return seen, error
    return seen, None


def test_the_log_of_every_kind_of_record_is_read_without_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.ctlog"
    for filled in (True, False):
        path.write_bytes(small_log(filled=filled))
        seen, error = read_all(path)
        assert error is None
        assert len(seen) == 20


@pytest.mark.slow
@pytest.mark.parametrize("filled", [True, False])
def test_a_log_cut_at_any_length_gives_its_beginning_and_at_most_one_clear_error(
    tmp_path: Path, filled: bool
) -> None:
    content = small_log(filled=filled)
    path = tmp_path / "a.ctlog"
    path.write_bytes(content)
    whole, _ = read_all(path)

    for length in range(min(len(content), 1500)):
        path.write_bytes(content[:length])
        seen, error = read_all(path)
        told = [text for text in seen if not text.startswith("[Unfinished")]
        assert told == whole[: len(told)], length
        assert error is None or str(path) in str(error), length


@pytest.mark.slow
@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_are_never_anything_but_one_clear_error(
    tmp_path: Path, filled: bool, seed: int
) -> None:
    content = small_log(filled=filled)
    used = len(content.rstrip(b"\0"))
    source = random.Random(seed)
    path = tmp_path / "a.ctlog"
    errors = 0
    for _ in range(500):
        spoilt = bytearray(content)
        for _ in range(source.choice((1, 1, 1, 2, 8))):
            spoilt[source.randrange(used)] ^= 1 << source.randrange(8)
        path.write_bytes(spoilt)
        _, error = read_all(path)
        errors += error is not None
        assert error is None or error.code in ("ERR_TRACE_DAMAGED", "ERR_UNSUPPORTED_FORMAT")
    # Only the numbers in the file's header are free to be anything.
    assert errors > 400 if filled else errors > 200


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_blocks_with_a_right_checksum_and_senseless_records_are_one_clear_error(
    tmp_path: Path, seed: int
) -> None:
    source = random.Random(seed)
    path = tmp_path / "a.ctlog"
    kinds = list(_pieces())
    for _ in range(300):
        records = [source.choice(kinds) for _ in range(source.randrange(1, 60))]
        path.write_bytes(logs.log(records))
        _, error = read_all(path)
        assert error is None or error.code == "ERR_TRACE_DAMAGED"


def _pieces() -> Iterator[bytes]:
    """Yield records that are each in order, and make no sense together."""
    values = [
        logs.NONE,
        encode.value_unbound(),
        *(encode.value_reference(number) for number in range(4)),
        encode.value_tuple([encode.value_reference(9)]),
    ]
    yield encode.encode_source("/a.py")
    yield encode.encode_thread(1, "t")
    yield encode.encode_type("T")
    yield encode.encode_attribute("a")
    yield logs.code("f", kind=9, parameters=["a"], global_names=["b"])
    yield logs.code("g", source=3)
    for number in range(3):
        yield encode.encode_namespace(number, 5)
        yield encode.encode_switch(number)
        yield encode.encode_call(number, 1, values[:number])
        yield encode.encode_enter(number, 1, 2)
        yield encode.encode_resume(number, 1)
        yield encode.encode_throw(number, 1, values[3])
        yield encode.encode_output(number + 1, "", 0, b"x")
    for number, value in enumerate(values):
        yield encode.encode_variable(number, value)
        yield encode.encode_object(number, number * 4, number, 1, [value], 0, [(number, value)])
        yield encode.encode_return(1, value)
        yield encode.encode_yield(1, value)
        yield encode.encode_unwind(1, value)
        yield encode.encode_raise(value)
    yield encode.encode_step(1)
    yield encode.encode_step(-99)
    yield encode.encode_lost()
    yield EXIT


def test_a_value_nested_a_thousand_deep_is_one_clear_error(tmp_path: Path) -> None:
    value = logs.NONE
    for _ in range(5000):
        value = encode.value_tuple([value])
    record = encode.encode_raise(value)

    reader = written(tmp_path, logs.log([record]))

    def records() -> list[Record]:
        return list(reader.records())

    with pytest.raises(TargetError, match="nested too deeply"):
        records()
