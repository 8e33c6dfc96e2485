"""Trace lines reach their file or standard error, whatever happens to the program."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import execute, trace_environ, watch, write

NOISY = "import sys\ndef f(n): return n\nfor i in range({n}): f(i)\nprint('done')\nsys.exit(3)\n"


def shown(directory: Path, name: str = "out") -> list[str]:
    """Return the lines of a trace without their places."""
    return [line.split(maxsplit=1)[1] for line in (directory / name).read_text().splitlines()]


def start(directory: Path, *options: str) -> Any:
    """Start tracing ``app.py``, with pipes to read from."""
    return subprocess.Popen(
        [sys.executable, "-m", "codetracer", "watch", *options, "app.py"],
        cwd=directory,
        env=trace_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: Any) -> int:
    """Wait for its end, and return its exit code."""
    process.stdout.close()
    process.stderr.close()
    code: int = process.wait(60)
    return code


def test_the_file_is_emptied_first_and_standard_error_is_the_programs(tmp_path: Path) -> None:
    write(tmp_path, {"out": "old\n", "app.py": "import sys; print('mine', file=sys.stderr)"})

    outcome = watch("-o", "out", "--events", "return", "app.py", cwd=tmp_path)

    assert outcome == (0, "", "mine\n")
    assert shown(tmp_path) == ["return  <module> -> None"]


def test_a_file_that_cannot_be_opened_is_named_with_the_reason_and_nothing_runs(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"app.py": "print('ran')"})

    outcome = watch("-o", "no/such/out", "app.py", cwd=tmp_path)

    message = "codetracer: error: [ERR_IO] cannot open no/such/out: No such file or directory\n"
    assert outcome == (1, "", message)


ENDS = {
    "os._exit": "os._exit(0)",
    "a signal": "os.kill(os.getpid(), 9)",
    "a crash": "import ctypes; ctypes.string_at(0)",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_no_line_is_lost_when_the_program_ends_by(end: str, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": f"import os\ndef f(n): pass\nf(1)\nf(2)\nbefore = 3\n{end}"})

    watch("-o", "out", "--events", "start,line", "app.py", cwd=tmp_path)

    assert shown(tmp_path)[-2].split() == ["line", "before", "=", "3"]


@pytest.mark.slow
def test_what_runs_at_the_end_is_traced_exit_handlers_and_threads(tmp_path: Path) -> None:
    program = """
import atexit, threading, time
@atexit.register
def last(): pass
@atexit.register
def first(): pass
def work():
    time.sleep(0.1)
    late()
def late(): pass
threading.Thread(target=work, name='w').start()
"""
    write(tmp_path, {"app.py": program})

    watch("-o", "out", "--events", "start", "app.py", cwd=tmp_path)

    assert shown(tmp_path) == [
        "start  <module>",
        "start  [w] work()",
        "start  [w]   late()",
        "start  first()",
        "start  last()",
    ]


def test_lines_go_to_the_standard_error_that_was_whatever_the_program_makes_of_it(
    tmp_path: Path,
) -> None:
    program = """
import os, sys
os.closerange(3, 100)
os.close(2)
os.open(os.devnull, os.O_WRONLY)
sys.stderr = None
def f(): pass
f()
print('done')
"""
    write(tmp_path, {"app.py": program})

    outcome = watch("--events", "start", "app.py", cwd=tmp_path)

    assert (outcome.code, outcome.stdout) == (0, "done\n")
    assert [line.split()[2] for line in outcome.stderr.splitlines()] == ["<module>", "f()"]


def test_a_program_that_closes_every_descriptor_goes_on_without_a_trace(tmp_path: Path) -> None:
    program = "import os\nos.closerange(3, 4096)\ndef f(): pass\nf()\nprint('done')"
    write(tmp_path, {"app.py": program})

    outcome = watch("--events", "start", "app.py", cwd=tmp_path)

    assert (outcome.code, outcome.stdout) == (0, "done\n")
    assert "f()" not in outcome.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_does_not_disturb_the_program(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": NOISY.format(n=5000)})
    process = start(tmp_path)

    first = process.stderr.readline()
    process.stderr.close()

    assert b"start" in first
    assert process.stdout.read() == b"done\n"
    assert finish(process) == 3


@pytest.mark.slow
def test_a_standard_error_that_does_not_block_loses_no_line(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import os\nos.set_blocking(2, False)\n" + NOISY.format(n=9000)})
    process = start(tmp_path, "--events", "start")

    # More than fits into a pipe, and nobody reads it for a while.
    time.sleep(1)

    assert process.stderr.read().count(b"\n") == 9001
    assert finish(process) == 3


def test_threads_and_forked_children_write_whole_lines(tmp_path: Path) -> None:
    program = """
import os, threading
def f(n): pass
def work():
    for i in range(300): f(i)
children = []
for i in range(2):
    if not (pid := os.fork()):
        work()
        os._exit(0)
    children.append(pid)
threads = [threading.Thread(target=work) for i in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for pid in children: os.waitpid(pid, 0)
"""
    write(tmp_path, {"app.py": program})

    watch("-o", "out", "--events", "start", "app.py", cwd=tmp_path)

    calls = [line for line in shown(tmp_path) if " f(n=" in line]
    assert len(calls) == 5 * 300
    assert all(line.startswith("start") and line.endswith(")") for line in calls)


@pytest.mark.only_where(os.path.exists("/dev/full"))
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_a_full_device_is_a_failure_of_the_tracer_and_goes_by_the_policy(
    policy: str, tmp_path: Path
) -> None:
    write(tmp_path, {"app.py": "print('ran')"})
    environ = {"CODETRACER_ON_RECORDER_ERROR": policy}

    outcome = watch("-o", "/dev/full", "app.py", cwd=tmp_path, environ=environ)

    assert "[ERR_IO] cannot write to /dev/full: No space left on device" in outcome.stderr
    expected = (1, "") if policy == "abort" else (0, "ran\n")
    assert (outcome.code, outcome.stdout) == expected


def test_a_program_sees_no_descriptor_more_than_untraced(tmp_path: Path) -> None:
    program = """
import os, sys
print([fd for fd in os.listdir('/proc/self/fd') if int(fd) < 100], flush=True)
os.execv(sys.executable, [sys.executable, 'b.py'])
"""
    write(tmp_path, {"app.py": program, "b.py": "import os; print(os.listdir('/proc/self/fd'))"})

    assert watch("-o", "out", "app.py", cwd=tmp_path) == execute("app.py", cwd=tmp_path)
