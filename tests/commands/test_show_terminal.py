"""`codetracer show` on a terminal: its width, colours, and a pager; and none of that in a pipe."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.logs import NONE, text
from tests.support.reading import read
from tests.support.running import execute, trace_environ

PLAIN = {"TERM": "xterm", "PAGER": "cat"}


def on_terminal(
    *arguments: str, cwd: Path, columns: int = 80, environ: dict[str, str], flags: str = ""
) -> str:
    """Run ``codetracer show`` on a terminal, and return what that got to show."""
    known = trace_environ() | PLAIN | environ
    outer, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    start = f"{flags}import sys; from codetracer.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", start, "show", *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        # What pytest-xdist says of its own terminal would count more than this one.
        env={name: value for name, value in known.items() if name != "COLUMNS"},
        cwd=cwd,
        start_new_session=True,
    )
    os.close(inner)
    found = b""
    try:
        while part := os.read(outer, 10_000):
            found += part
    except OSError:
        # How Linux says that nobody has the terminal any more.
        pass
    os.close(outer)
    assert process.wait(60) == 0, found
    return found.decode().replace("\r\n", "\n")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return a folder with a recording, ``out``, of one long call."""
    records = [
        encode.encode_source("/app/app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f", parameters=["a"]),
        encode.encode_call(0, 5, [text("日本語" * 20)]),
        encode.encode_step(0),
        encode.encode_return(0, NONE),
        encode.encode_exit(0, 1, 0),
    ]
    source = {"/app/app.py": "def f(a): pass\n"}
    logs.write_trace(tmp_path / "out", logs.log(records), sources=source)
    return tmp_path


def unstyled(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


@pytest.mark.slow
def test_a_terminal_gets_colours_and_nothing_else_but_text(trace: Path) -> None:
    shown = on_terminal("out", "--step", "0", cwd=trace, environ={})

    assert "\x1b[" in shown
    assert "\x1b" not in unstyled(shown)
    assert "  > def f(a): pass" in unstyled(shown).splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_they_are_not_wanted(trace: Path, environ: dict[str, str]) -> None:
    assert "\x1b" not in on_terminal("out", cwd=trace, environ=environ)


def test_no_colours_in_a_pipe(trace: Path) -> None:
    done = execute("-m", "codetracer", "show", "out", cwd=trace, environ=PLAIN)

    assert (done.code, "\x1b" in done.stdout) == (0, False)


@pytest.mark.slow
def test_without_rich_a_terminal_gets_plain_text(trace: Path) -> None:
    hidden = "import sys; sys.modules['rich'] = None; "
    shown = on_terminal("out", cwd=trace, environ={}, flags=hidden)

    assert "\x1b" not in shown
    assert " f(a='日本語" in shown


@pytest.mark.slow
@pytest.mark.parametrize("columns", [50, 70])
def test_lines_are_as_wide_as_the_terminal(trace: Path, columns: int) -> None:
    line = unstyled(on_terminal("out", cwd=trace, environ={}, columns=columns)).splitlines()[0]

    # Each of these letters takes two columns.
    taken = len(line) + sum(letter in "日本語" for letter in line)
    assert columns - 1 <= taken <= columns
    assert "…  " in line


def test_lines_are_not_cut_in_a_pipe(trace: Path) -> None:
    done = read("show", "out", "--variable", "a", cwd=trace)

    assert "日本語" * 20 in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "paged"),
    [
        ({"PAGER": "sed 's/^/first /'"}, "first "),
        ({"PAGER": "false", "CODETRACER_PAGER": "sed 's/^/own /'"}, "own "),
        ({"PAGER": "sed 's/^/first /'", "CODETRACER_PAGER": ""}, ""),
        ({"PAGER": "sed 's/^/first /'", "CODETRACER_PAGER": "cat"}, ""),
    ],
)
def test_a_pager_shows_it_on_a_terminal(trace: Path, environ: dict[str, str], paged: str) -> None:
    shown = on_terminal("out", cwd=trace, environ=environ | {"NO_COLOR": "1"})

    assert shown.startswith(f"{paged}app.py:1 ")


@pytest.mark.slow
def test_no_pager_where_none_is_wanted_or_standard_output_is_no_terminal(trace: Path) -> None:
    pager = {"PAGER": "sed 's/^/paged /'"}

    assert "paged" not in on_terminal("out", "--no-pager", cwd=trace, environ=pager)
    assert (
        "paged" not in execute("-m", "codetracer", "show", "out", cwd=trace, environ=pager).stdout
    )


@pytest.mark.slow
def test_less_is_told_to_end_on_one_screen_and_to_show_colours(trace: Path) -> None:
    told = on_terminal("out", cwd=trace, environ={"PAGER": 'echo "LESS is $LESS"; cat'})
    kept = on_terminal("out", cwd=trace, environ={"PAGER": 'echo "LESS is $LESS"', "LESS": "S"})

    assert told.startswith("LESS is FRX\n")
    assert "\x1b[" in told
    assert kept == "LESS is S\n"


@pytest.mark.slow
def test_a_pager_that_is_left_early_ends_it_quietly(tmp_path: Path) -> None:
    call = (encode.encode_call(0, 0, [text("a" * 60)]), encode.encode_return(1, NONE))
    begin = [encode.encode_source("/app/app.py"), encode.encode_thread(1, "Main")]
    code = logs.code("f", parameters=["a"])
    records = [*begin, code, *call * 20_000, encode.encode_exit(0, 1, 0)]
    logs.write_trace(tmp_path / "out", logs.log(records))

    environ = {"PAGER": "head -n 1", "NO_COLOR": "1"}
    shown = on_terminal("out", "--all", cwd=tmp_path, environ=environ)

    assert len(shown.splitlines()) == 1


@pytest.mark.slow
def test_a_pager_that_is_not_there_is_said_and_not_missed(trace: Path) -> None:
    shown = on_terminal("out", cwd=trace, environ={"PAGER": "no-such-pager -x"})

    assert shown.startswith("codetracer: cannot find the pager no-such-pager")
    assert "f(a=" in unstyled(shown)


@pytest.mark.slow
def test_in_a_pager_no_line_is_too_many(tmp_path: Path) -> None:
    records = [
        encode.encode_source("/app/app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f"),
        *[encode.encode_output(1, "/app/app.py", 3, b"x\n")] * 300,
        encode.encode_exit(0, 1, 0),
    ]
    logs.write_trace(tmp_path / "out", logs.log(records))

    paged = on_terminal("out", "--output", cwd=tmp_path, environ={"PAGER": "cat -"})
    piped = read("show", "out", "--output", cwd=tmp_path).stdout

    assert (len(paged.splitlines()), len(piped.splitlines())) == (300, 201)


@pytest.mark.slow
def test_what_a_recording_holds_is_made_safe_before_it_gets_colours(tmp_path: Path) -> None:
    records = [
        encode.encode_source("/app/app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f\x1b]0;forged\x07"),
        *(encode.encode_call(0, 5, []), encode.encode_step(0), encode.encode_return(0, NONE)),
        encode.encode_exit(0, 1, 0),
    ]
    source = {"/app/app.py": "def f(): pass  # \x1b]0;forged\x07\n"}
    logs.write_trace(tmp_path / "out", logs.log(records), sources=source)

    shown = on_terminal("out", "--lines", cwd=tmp_path, columns=200, environ={})

    assert "\x1b[" in shown
    assert set(unstyled(shown)) & {"\x1b", "\x07"} == set()
    assert unstyled(shown).count("\\x1b]0;forged\\x07") == 2
