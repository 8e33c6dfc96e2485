"""The input that a program reads is recorded once, with its line."""

from pathlib import Path

import pytest

from tests.support.capturing import (
    BOTH,
    datas,
    run,
    run_on_terminal,
    seen,
    text_of,
)

READS = """
import sys
a = input()
b = input('prompt ')
c = sys.stdin.readline()
for d in sys.stdin: break
e = next(sys.stdin)
f = sys.stdin.read(2)
g = sys.stdin.readlines(3)
h = sys.stdin.read()
i = sys.stdin.read()
print([a, b, c, d, e, f, g, h, i])
"""


@pytest.mark.parametrize("mode", BOTH)
def test_every_way_to_read_text_is_recorded_once_with_its_line(tmp_path: Path, mode: str) -> None:
    stdin = b"a\nb\r\nc\nd\ne\nffg\nhhh\n\xc3\xa9\n"

    captured = run(tmp_path, mode, READS, stdin)

    assert captured == run(tmp_path, "untraced", READS, stdin)
    assert [row for row in datas(tmp_path) if row[0] == 0 or row[1] == "prompt "] == [
        (0, "a\n", 3),
        (1, "prompt ", 4),
        (0, "b\r\n", 4),
        (0, "c\n", 5),
        (0, "d\n", 6),
        (0, "e\n", 7),
        (0, "ff", 8),
        (0, "g\nhhh\n", 9),
        (0, "\xc3\xa9\n", 10),
    ]


READS_BINARY = """
import io, sys
buffer = sys.stdin.buffer
a = buffer.readline()
for b in buffer: break
c = bytearray(4); n = buffer.readinto(memoryview(c)[:2])
d = buffer.read(2)
buffer.peek()
e = buffer.readlines(1)
f = buffer.read1(3)
g = next(buffer)
sys.stdin = io.TextIOWrapper(sys.stdin.detach(), encoding='latin-1')
h = input()
print([a, b, c, n, d, e, f, g, h])
"""


@pytest.mark.parametrize("mode", BOTH)
def test_every_way_to_read_bytes_is_recorded_once_with_its_line(tmp_path: Path, mode: str) -> None:
    stdin = b"a\nb\nccddee\nfffg\n\xe9\n"

    captured = run(tmp_path, mode, READS_BINARY, stdin)

    assert captured == run(tmp_path, "untraced", READS_BINARY, stdin)
    assert [row for row in datas(tmp_path) if row[0] == 0] == [
        (0, "a\n", 4),
        (0, "b\n", 5),
        (0, "cc", 6),
        (0, "dd", 7),
        (0, "ee\n", 9),
        (0, "fff", 10),
        (0, "g\n", 11),
        (0, "\xe9\n", 13),
    ]


ASKS = """
import os, sys
{first}
print(os.isatty(0), os.isatty(1), os.isatty(2), sys.stdout.isatty(), os.get_terminal_size(1))
name = input('name> ')
print('hello', name)
sys.stdin.readline()
try: input('again> ')
except EOFError as error: print('ended', error.__traceback__.tb_next)
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["", "import readline"])
@pytest.mark.parametrize("mode", BOTH)
def test_input_on_a_terminal_edits_and_echoes_as_untraced(
    tmp_path: Path, mode: str, first: str
) -> None:
    program = ASKS.format(first=first)
    typed = [(b"name> ", b"jou\x7fe\r"), (b"hello joe", b"line\r"), (b"again> ", b"\x04")]

    untraced = run_on_terminal(tmp_path, "untraced", program, typed)
    captured = run_on_terminal(tmp_path, mode, program, typed)

    assert captured == untraced
    assert b"True True True True os.terminal_size(columns=77, lines=33)" in captured
    records = seen(tmp_path)
    assert [row[:4] for row in records if row.stream == 0] == [
        (0, "joe\n", "app.py", 5),
        (0, "line\n", "app.py", 7),
    ]
    if mode == "proxies":
        prompts = [row[:4] for row in records if row.data.endswith("> ")]
        assert prompts == [(1, "name> ", "app.py", 5), (1, "again> ", "app.py", 8)]
    else:
        assert text_of(records, 1).count("name> ") == 1
