"""`codetracer show` over made logs: durations, processes, damage; and wrong usage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codetracer.commands.printer import duration
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.logs import NONE, number, text
from tests.support.running import trace_environ
from tests.support.shown import rows, show, small


def test_durations_and_places_are_what_the_log_says(tmp_path: Path) -> None:
    log = small(
        tmp_path,
        encode.encode_call(0, 5, []),
        encode.encode_call(1, 10, [text("x")]),
        encode.encode_return(1500, number(3)),
        encode.encode_call(1, 0, [NONE]),
        encode.encode_unwind(2_500_000, text("e")),
        encode.encode_call(1, 0, [NONE]),
        encode.encode_lost(),
        encode.encode_call(1, 0, [NONE]),
    )
    folder = logs.write_trace(tmp_path / "out", log)

    assert show(folder, "--all", cwd=tmp_path).stdout.splitlines() == [
        "app.py:1       0  <module __main__>",
        "app.py:1       0    f(a='x') -> 3  1.5µs",
        "app.py:1       0    f(a=None) !! 'e'  2.5ms",
        "app.py:1       0    f(a=None) ended unseen  0ns",
        "app.py:1       0    f(a=None) not finished  0ns",
        "app.py:1            not finished  2.5ms",
        "                  <toplevel> -> exit status 0  2.5ms",
    ]
    # Of calls that are folded, those that raise are counted apart.
    calls = (encode.encode_call(1, 0, [NONE]), encode.encode_unwind(1, NONE))
    folder = logs.write_trace(
        tmp_path / "many", small(tmp_path, encode.encode_call(0, 5, []), *calls * 9)
    )
    assert "    … 6 more calls of f (6 raised)\n" in show(folder, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (0, "0ns"),
        (999, "999ns"),
        (1_000, "1µs"),
        (1_234, "1.23µs"),
        (999_999, "1000µs"),
        (12_345_678, "12.3ms"),
        (123_456_789, "123ms"),
        (7_200_000_000_000, "7200s"),
    ],
)
def test_a_duration_has_three_digits_and_a_unit(ns: int, expected: str) -> None:
    assert duration(ns) == expected


def test_each_process_has_its_section_and_one_can_be_chosen(tmp_path: Path) -> None:
    call = [encode.encode_call(0, 0, []), encode.encode_return(1, NONE)]
    folder = logs.write_trace(
        tmp_path / "out", small(tmp_path, *call, pid=9), small(tmp_path, *call, pid=4)
    )

    both = show(folder, cwd=tmp_path).stdout.splitlines()
    one = show(folder, "--process", "4", cwd=tmp_path)
    none = show(folder, "--process", "5", cwd=tmp_path)

    assert both == [
        "== process 9",
        "app.py:1       0:0  <module __main__> -> None  1ns",
        "                    <toplevel> -> exit status 0  1ns",
        "== process 4",
        "app.py:1       1:0  <module __main__> -> None  1ns",
        "                    <toplevel> -> exit status 0  1ns",
    ]
    assert one.stdout.splitlines() == both[4:]
    assert (none.code, "has no process 5; there is 9, 4" in none.stderr) == (1, True)
    assert {row["process"] for row in rows(folder, cwd=tmp_path)} == {9, 4}


def test_a_trace_that_is_not_complete_is_shown_and_that_is_said(tmp_path: Path) -> None:
    folder = logs.write_trace(
        tmp_path / "out", small(tmp_path, encode.encode_call(0, 0, []), end=False)
    )

    done = show(folder, cwd=tmp_path)

    assert (done.code, done.stdout) == (
        0,
        "app.py:1       0  <module __main__> not finished  0ns\n",
    )
    assert "codetracer: the recording is incomplete: process-1.ctlog has no end" in done.stderr


def test_what_is_before_the_damage_is_shown_and_the_exit_code_is_1(tmp_path: Path) -> None:
    log = small(tmp_path, encode.encode_call(0, 0, [])) + b"garbage that is no block at all"
    folder = logs.write_trace(tmp_path / "out", log)

    done = show(folder, cwd=tmp_path)

    assert (done.code, done.stdout) == (
        1,
        "app.py:1       0  <module __main__> not finished  0ns\n",
    )
    assert done.stderr.startswith("codetracer: error: [ERR_TRACE_DAMAGED] ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["out", "--step"], 2),
        (["out", "--step", "-1"], 2),
        (["out", "--step", "x"], 2),
        (["out", "--limit", "-1"], 2),
        (["out", "--format", "xml"], 2),
        (["missing"], 1),
        (["."], 1),
    ],
)
def test_wrong_usage_is_2_and_no_trace_is_1(
    recorded: Path, arguments: list[str], code: int
) -> None:
    done = show(*arguments, cwd=recorded)

    assert (done.code, done.stdout, "Traceback" in done.stderr) == (code, "", False)


@pytest.mark.slow
def test_a_reader_that_has_enough_ends_it_quietly(recorded: Path, tmp_path: Path) -> None:
    call = (encode.encode_call(1, 0, [text("a" * 60)]), encode.encode_return(1, NONE))
    folder = logs.write_trace(
        tmp_path / "out", small(tmp_path, encode.encode_call(0, 0, []), *call * 20_000)
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "codetracer", "show", str(folder), "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=trace_environ(),
        cwd=recorded,
    )
    assert process.stdout is not None
    assert process.stderr is not None

    assert process.stdout.readline().endswith(b"  <module __main__>\n")
    process.stdout.close()

    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 0


@pytest.mark.slow
def test_names_that_the_terminal_cannot_show_are_escaped(recorded: Path, tmp_path: Path) -> None:
    environ = trace_environ() | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "codetracer", "show", "out"],
        capture_output=True,
        env=environ,
        cwd=recorded,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u2026 3 more calls of fib" in done.stdout
    assert os.linesep.encode() in done.stdout
