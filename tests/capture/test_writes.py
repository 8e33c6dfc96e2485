"""The output that a program writes is recorded once, with its line."""

import subprocess
from pathlib import Path

import pytest

from tests.support.capturing import (
    BOTH,
    command,
    datas,
    environ,
    run,
    run_to_file,
    seen,
    text_of,
)
from tests.support.writing_programs import PROGRAMS


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_unbuffered_streams_write_as_untraced_and_are_recorded(tmp_path: Path, mode: str) -> None:
    program = "import os, sys\nprint('a')\nsys.stdout.buffer.write(b'b')\nos.write(1, b'c')\n"
    env = environ(PYTHONUNBUFFERED="1")

    assert run(tmp_path, mode, program, env=env) == (0, b"a\nbc", b"")
    assert text_of(seen(tmp_path), 1) == ("a\nbc" if mode == "proxies+fd" else "a\nb")


@pytest.mark.parametrize("mode", BOTH)
def test_every_way_to_write_is_recorded_once_with_its_line(tmp_path: Path, mode: str) -> None:
    run(tmp_path, mode, PROGRAMS["every way to write"])

    found = [(stream, data, line) for stream, data, line in datas(tmp_path) if data.strip("\n")]
    raw = [(1, "nine\n", 11)] if mode == "proxies+fd" else []
    assert found == [
        (1, "one", 3),
        (1, "-", 3),
        (1, "2", 3),
        (1, "two\n", 4),
        (1, "three\n", 5),
        (1, "four\n", 5),
        (1, "five\n", 7),
        (1, "six\n", 8),
        (1, "seven\n", 8),
        (1, "eight\n", 9),
        *raw,
        (2, "ten", 12),
        (2, "eleven\n", 13),
        (1, "twelve\n", 14),
    ]
    assert {record.file for record in seen(tmp_path)} == {"app.py"}


@pytest.mark.parametrize("mode", BOTH)
def test_what_is_buffered_is_recorded_where_it_is_written_and_not_where_flushed(
    tmp_path: Path, mode: str
) -> None:
    run(tmp_path, mode, PROGRAMS["buffers out of step"])

    by_python = [row for row in datas(tmp_path) if row[2] is not None]
    assert by_python == [
        (1, "text", 3),
        (1, "binary ", 4),
        (2, "error, no end", 5),
        (1, "x" * 10000, 8),
        (1, "y" * 10000, 9),
    ]


@pytest.mark.parametrize("mode", BOTH)
def test_a_file_that_can_tell_its_position_is_not_recorded_twice(tmp_path: Path, mode: str) -> None:
    program = "import sys\nsys.stdout.write('a')\nprint(sys.stdout.tell() > 0, file=sys.stderr)\n"

    assert run_to_file(tmp_path, mode, program) == b"aTrue\n"
    assert text_of(seen(tmp_path), 1) == "a"


@pytest.mark.parametrize("mode", BOTH)
def test_logging_is_recorded_where_it_writes(tmp_path: Path, mode: str) -> None:
    run(tmp_path, mode, PROGRAMS["logging"])

    first, *others = seen(tmp_path)
    assert (first.stream, first.data, first.file) == (2, "INFO:root:informed\n", "__init__.py")
    assert others[-1].file in ("warnings.py", "_py_warnings.py")  # the latter from 3.14 on
    assert "UserWarning: warned" in text_of(others, 2)


@pytest.mark.parametrize("mode", BOTH)
def test_each_thread_records_what_it_writes(tmp_path: Path, mode: str) -> None:
    program = """
import threading
def work(): print('thread')
thread = threading.Thread(target=work); thread.start(); thread.join()
print('main')
"""
    run(tmp_path, mode, program)

    assert [(record.data, record.in_main_thread) for record in seen(tmp_path)] == [
        ("thread", False),
        ("\n", False),
        ("main", True),
        ("\n", True),
    ]


@pytest.mark.parametrize("mode", BOTH)
def test_only_what_a_stream_accepts_is_recorded(tmp_path: Path, mode: str) -> None:
    program = """
import sys
sys.stdout.reconfigure(encoding='ascii')
for data in ('good\\n', '\\u20ac'):
    try: sys.stdout.write(data)
    except UnicodeEncodeError: pass
sys.stdout.close()
try: print('closed')
except ValueError: pass
"""
    run(tmp_path, mode, program)

    assert datas(tmp_path) == [(1, "good\n", 5)]


@pytest.mark.parametrize("mode", BOTH)
def test_text_is_recorded_in_utf8_lone_surrogates_too(tmp_path: Path, mode: str) -> None:
    program = "import sys\nsys.stderr.write('\\xe9\\ud800')\n"

    run(tmp_path, mode, program)

    assert datas(tmp_path) == [(2, "\xc3\xa9\xed\xa0\x80", 2)]


def test_of_a_write_that_would_block_the_part_that_was_taken_is_recorded(tmp_path: Path) -> None:
    program = """
import os, sys
os.set_blocking(1, False)
taken = 0
try:
    for i in range(30): taken += sys.stdout.buffer.write(b'%06d' % i * 2000)
except BlockingIOError as error: taken += error.characters_written
print(taken, file=sys.stderr)
finish()
os._exit(0)
"""
    process = subprocess.Popen(
        command(tmp_path, "proxies", program),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.communicate()

    binary = [row for row in datas(tmp_path) if row[2] == 6]
    assert sum(len(row[1]) for row in binary) == int(stderr)
    assert int(stderr) % 12000 != 0


def test_of_text_that_would_block_what_the_buffer_took_is_recorded(tmp_path: Path) -> None:
    program = """
import os, sys
os.set_blocking(1, False)
sys.stdout.reconfigure(line_buffering=True)
filled = 0
try:
    while True: filled += os.write(1, b'.' * 1024)
except BlockingIOError: pass
for text in ('kept', 'x' * 500000):
    try: print(text)
    except BlockingIOError as error: print(error.__traceback__.tb_next, file=sys.stderr)
print(filled, file=sys.stderr)
sys.stderr.flush()
os.close(2)
finish()
os.set_blocking(1, True)
"""
    process = subprocess.Popen(
        command(tmp_path, "proxies", program),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first, second, filled = process.stderr.read().split()
    stdout = process.stdout.read()
    process.communicate()

    assert (first, second) == (b"None", b"None")
    written = stdout[int(filled) :].decode()
    assert 4000 < len(written) < 500000
    assert text_of(seen(tmp_path), 1) == written
