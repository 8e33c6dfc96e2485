"""A recording's files may be anything: what is no regular file or too large is said, not read."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import codetracer
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import BLOCK_HEADER, BLOCK_MAGIC, FILE_HEADER
from tests.support import logs
from tests.support.reading import read
from tests.support.running import Outcome

HOLE = 20 << 30
COMMANDS = (
    ("info", "trace"),
    ("show", "trace"),
    ("show", "trace", "--step", "0"),
    ("export", "trace", "--to", "codetracer-json"),
)


def whole_log() -> bytes:
    return logs.log(
        [
            encode.encode_source("/app/app.py"),
            encode.encode_thread(1, "Main"),
            logs.code("work"),
            encode.encode_call(0, 1, []),
            encode.encode_step(0),
            encode.encode_return(1, logs.NONE),
            encode.encode_exit(1, 1, 0),
        ]
    )


def trace(folder: Path) -> Path:
    return logs.write_trace(folder / "trace", whole_log(), sources={"/app/app.py": "x = 1\n"})


def limited(*arguments: str, cwd: Path) -> Outcome:
    """Run a command with 1 GiB of address space."""
    return read(*arguments, cwd=cwd, address_space=1 << 30)


def listen(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(before)


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "Is a FIFO"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "Is a device"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "Is a device"),
    "socket": (listen, "Is a socket"),
    "directory": (Path.mkdir, "Is a directory"),
    "loop": (lambda path: path.symlink_to(path.name), "symbolic links"),
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", OTHERS)
def test_a_log_that_is_no_regular_file_is_an_error_that_names_it(
    tmp_path: Path, kind: str, command: tuple[str, ...]
) -> None:
    make, reason = OTHERS[kind]
    log = trace(tmp_path) / "process-4321.ctlog"
    log.unlink()
    make(log)

    done = limited(*command, cwd=tmp_path)

    assert (done.code, done.stdout) == (1, "")
    assert f"[ERR_IO] trace/process-4321.ctlog cannot be read: {reason}" in done.stderr or (
        kind == "loop" and reason in done.stderr
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", OTHERS)
def test_metadata_that_is_no_regular_file_is_said_and_the_logs_are_read(
    tmp_path: Path, kind: str, command: tuple[str, ...]
) -> None:
    make, reason = OTHERS[kind]
    metadata = trace(tmp_path) / "trace_metadata.json"
    metadata.unlink()
    make(metadata)

    done = limited(*command, cwd=tmp_path)
    problem = codetracer.read(tmp_path / "trace").problem

    assert done.code == 0, done
    assert done.stdout
    assert problem is not None
    assert reason in problem
    if command[0] != "export":
        assert reason in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["fifo", "socket", "directory"])
def test_a_source_that_is_no_regular_file_counts_as_missing_and_is_said(
    tmp_path: Path, kind: str
) -> None:
    make, reason = OTHERS[kind]
    source = trace(tmp_path) / "sources" / "0.py"
    source.unlink()
    make(source)

    done = limited("show", "trace", "--step", "0", cwd=tmp_path)

    assert (done.code, done.stdout.splitlines()[1:]) == (0, [])
    assert f"sources/0.py cannot be read: {reason}" in done.stderr


def test_a_fifo_is_never_opened_not_even_for_a_moment(tmp_path: Path) -> None:
    log = trace(tmp_path) / "process-4321.ctlog"
    log.unlink()
    os.mkfifo(log)
    # It waits until somebody opens the other end.
    writer = threading.Thread(target=lambda: os.close(os.open(log, os.O_WRONLY)))
    writer.start()

    limited("info", "trace", cwd=tmp_path)

    still_waits = writer.is_alive()
    os.close(os.open(log, os.O_RDONLY))
    writer.join()
    assert still_waits


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_log_behind_which_is_a_hole_of_20_gb_ends_where_the_hole_begins(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    os.truncate(trace(tmp_path) / "process-4321.ctlog", HOLE)

    done = limited(*command, cwd=tmp_path)

    assert done.code == 0, done
    assert "damaged" not in done.stderr
    assert "not complete" not in done.stderr


@pytest.mark.parametrize(("size", "used"), [((1 << 32) - 1, 0), ((1 << 32) - 1, (1 << 32) - 21)])
def test_a_block_of_a_hole_of_4_gb_is_damage(tmp_path: Path, size: int, used: int) -> None:
    log = trace(tmp_path) / "process-4321.ctlog"
    header = BLOCK_HEADER.pack(BLOCK_MAGIC, 0, size, used, 1)
    log.write_bytes(whole_log()[: FILE_HEADER.size] + header + b"\x04\x00")
    os.truncate(log, HOLE)

    done = limited("info", "trace", cwd=tmp_path)

    assert done.code == 1, done
    assert "block 0 says that it has 4,294,967,295 bytes" in done.stdout


def test_room_that_was_claimed_and_never_used_is_not_read(tmp_path: Path) -> None:
    log = trace(tmp_path) / "process-4321.ctlog"
    room = 500 << 20
    with log.open("wb") as file:
        file.write(whole_log()[: FILE_HEADER.size])
        for number in range(40):
            file.seek(FILE_HEADER.size + number * room)
            file.write(BLOCK_HEADER.pack(BLOCK_MAGIC, number, room, 0, 0))
        file.truncate(HOLE)

    done = read("info", "trace", cwd=tmp_path, address_space=300 << 20)

    assert done.code == 0, done
    assert "0 steps" in done.stdout


@pytest.mark.parametrize("how", ["hole", "text"])
def test_a_source_of_more_than_16_mib_counts_as_missing_and_is_said(
    tmp_path: Path, how: str
) -> None:
    source = trace(tmp_path) / "sources" / "0.py"
    if how == "hole":
        os.truncate(source, HOLE)
    else:
        source.write_bytes(b"x = 1\n" * 3_000_000)

    done = limited("show", "trace", "--step", "0", cwd=tmp_path)

    assert (done.code, done.stdout.splitlines()[1:]) == (0, [])
    assert "sources/0.py is left out: it has more than 16,777,216 bytes" in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 180_000_000,
        b"[" + b"[]," * 8_000_000 + b"1]",
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"unknown": ' + b"9" * 5000 + b"}",
        b'{"unknown": 1e999}',
        b'{"unknown": NaN}',
        b'{"unknown": "\xff"}',
    ],
    ids=lambda content: f"{len(content)} of {content[:12]!r}",
)
@pytest.mark.parametrize("options", [(), ("--format", "json")])
def test_metadata_without_end_or_bottom_is_damage_and_the_logs_are_read(
    tmp_path: Path, content: bytes, options: tuple[str, ...]
) -> None:
    (trace(tmp_path) / "trace_metadata.json").write_bytes(content)

    done = limited("info", "trace", *options, cwd=tmp_path)

    assert (done.code, done.stderr) == (0, "")
    assert "trace_metadata.json is damaged" in done.stdout
    assert "1 steps" in done.stdout or '"steps": 1' in done.stdout


def test_metadata_that_is_a_hole_is_not_read_to_its_end(tmp_path: Path) -> None:
    os.truncate(trace(tmp_path) / "trace_metadata.json", HOLE)

    done = limited("info", "trace", cwd=tmp_path)

    assert done.code == 0, done
    assert "it has more than 16,777,216 bytes" in done.stdout


WRONG: list[tuple[str, object]] = [
    ("duration_ns", 10**400),
    ("duration_ns", -1),
    ("duration_ns", True),
    ("duration_ns", "5"),
    ("filters", [1]),
    ("filters", {"filters": [1]}),
    ("filters", {"filters": [{"name": 1}]}),
    ("filters", {"stats": {"value_drops": {"local": "many"}}}),
    ("filters", {"stats": [1]}),
    ("args", "-v"),
    ("args", [1]),
    ("program", ["app.py"]),
    ("workdir", {"a": 1}),
    ("python", ["3.13"]),
    ("python", {"version": {"major": 3}}),
    ("recorder", 5),
    ("exit_status", "exited 0"),
    ("exit_status", {"label": ["exited"]}),
    ("limits", [4]),
    ("limits", {"depth": [4]}),
    ("policy", "abort"),
    ("sources", ["app.py"]),
    ("sources", {"/app/app.py": 5}),
    ("processes", {"log": 1}),
    ("processes", [5, {"log": ["process-4321.ctlog"]}]),
    ("complete", "yes"),
    ("incomplete_reason", 5),
    ("started", 1_700_000_000),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_field_of_the_metadata_is_said_and_counts_as_unknown(
    tmp_path: Path, field: str, value: object
) -> None:
    logs.write_trace(tmp_path / "trace", whole_log(), metadata={field: value})

    for command in COMMANDS:
        done = read(*command, cwd=tmp_path)
        assert done.code == 0, done
        if command[0] == "info":
            assert f"no: trace_metadata.json is damaged: {field}" in done.stdout
            assert "cannot be right, and counts as unknown" in done.stdout
    found = codetracer.read(tmp_path / "trace")
    assert found.metadata["format"] == "codetracer"
    assert json.loads(json.dumps(found.metadata)) == found.metadata


def test_what_is_right_beside_a_wrong_field_stays_and_so_does_what_is_unknown(
    tmp_path: Path,
) -> None:
    logs.write_trace(
        tmp_path,
        whole_log(),
        metadata={
            "sources": {"/a": 5, "/b": "b.py", "/c": [], "/d": None, "/e": {}},
            "exit_status": {"code": 3, "label": "exited 3", "core": [1]},
            "later": {"version": [1.5, None]},
        },
    )

    found = codetracer.read(tmp_path)

    assert found.metadata["sources"] == {"/b": "b.py"}
    assert found.metadata["exit_status"] == {"code": 3, "label": "exited 3", "core": [1]}
    assert found.metadata["later"] == {"version": [1.5, None]}
    assert found.problem == (
        "trace_metadata.json is damaged: sources./a, sources./c, sources./d and 1 more"
        " cannot be right, and counts as unknown"
    )


@pytest.mark.parametrize("name", ["\ud800.py", "\0.py", "a" * 5000, "a/" * 3000, "0.py/x"])
def test_a_copy_whose_name_no_file_can_have_counts_as_missing(tmp_path: Path, name: str) -> None:
    logs.write_trace(tmp_path / "trace", whole_log(), metadata={"sources": {"/app/app.py": name}})

    done = read("show", "trace", "--step", "0", cwd=tmp_path)

    assert done.code == 0, done
    assert codetracer.read(tmp_path / "trace").source_lines("/app/app.py") == []


@pytest.mark.parametrize(
    "encoding",
    ["idna", "punycode", "undefined", "zlib", "hex", "rot13", "no-such", "..", "-" * 9999],
)
def test_a_source_in_an_encoding_that_no_source_has_is_read_as_utf_8(
    tmp_path: Path, encoding: str
) -> None:
    content = f"# coding: {encoding}\n{'a' * 300_000}-{'ä' * 300_000}\nx = 1\n"
    logs.write_trace(tmp_path / "trace", whole_log(), sources={"/app/app.py": content})

    assert codetracer.read(tmp_path / "trace").source_line("/app/app.py", 3) == "x = 1"


def test_lines_of_a_source_are_counted_as_the_parser_counts_them(tmp_path: Path) -> None:
    content = "a = 1\n\x0c\nb = '\u2028\x1c'\r\nc = 3\rd = 4\n"
    logs.write_trace(tmp_path / "trace", whole_log(), sources={"/app/app.py": content})

    found = codetracer.read(tmp_path / "trace")

    assert [found.source_line("/app/app.py", line) for line in (1, 4, 5)] == [
        "a = 1",
        "c = 3",
        "d = 4",
    ]


@pytest.mark.slow
def test_no_more_sources_are_kept_than_fit(tmp_path: Path) -> None:
    sources = {f"/app/{number}.py": "x = 1\n" * 1_000_000 for number in range(6)}
    found = codetracer.read(logs.write_trace(tmp_path, whole_log(), sources=sources))

    for path in sources:
        assert found.source_line(path, 5) == "x = 1"

    assert len(found._sources._lines) == 2
