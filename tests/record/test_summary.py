"""`codetracer record` prints at its end how much was recorded, and how to see it."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codetracer.monitoring.backend import BACKENDS
from tests.support.reading import read
from tests.support.running import Outcome, execute, trace_environ, write


def record(folder: Path, program: str, *options: str, backend: str = BACKENDS[0]) -> Outcome:
    write(folder, {"app.py": program})
    return execute(
        *("-m", "codetracer", "record", *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend},
    )


def follow(line: str, folder: Path) -> Outcome:
    """Run the command that a line ends with, as a shell would take it."""
    words = shlex.split(line.partition("; to see it: ")[2])
    assert words[0] == "codetracer"
    return execute("-m", *words, cwd=folder)


@pytest.mark.parametrize("out", ["out", "it's 1 of 2", "deep/er"])
def test_the_last_line_says_how_much_was_recorded_and_the_command_that_shows_it(
    tmp_path: Path, out: str, backend: str
) -> None:
    outcome = record(
        tmp_path, "def f(n): return n\nfor i in range(1233): f(i)\n", "-o", out, backend=backend
    )

    assert (outcome.code, outcome.stdout) == (0, "")
    (line,) = outcome.stderr.splitlines()
    size = sum(path.stat().st_size for path in (tmp_path / out).glob("*.ctlog")) / 1000
    assert line.startswith(f"codetracer: recorded 1,234 calls, {size:.3g} kB; to see it: ")
    assert "… 1230 more calls of f" in follow(line, tmp_path).stdout


def test_one_call_is_not_said_to_be_several(tmp_path: Path) -> None:
    said = record(tmp_path, "pass").stderr

    assert re.fullmatch(
        r"codetracer: recorded 1 call, \d+ bytes; to see it: codetracer show trace-out\n", said
    )


def test_other_processes_of_the_recording_are_counted(tmp_path: Path) -> None:
    program = "import os\nfor _ in range(2):\n    if not os.fork(): break\nelse:\n    os.wait()\n"

    (line,) = record(tmp_path, f"{program}    os.wait()\n").stderr.splitlines()

    assert line.startswith("codetracer: recorded 1 call and 2 more processes, ")


RAISING = {
    "at once": "x = 1\nraise ValueError('the one')\n",
    "in a call": "def f(n):\n    m = n\n    raise ValueError('the one')\ndef g():\n    f(1)\n"
    "x = 1\ng()\n",
    "on its way through finally, with others raised there": """
def other(n):
    raise KeyError(n)
def f():
    try:
        raise ValueError('the one')
    finally:
        for n in range(5):
            try:
                other(n)
            except KeyError:
                pass
try:
    f()
finally:
    x = 1
""",
    "where others were raised before": """
def f(n):
    if n == 9: raise ValueError('the one')
    if n: raise IndexError(n)
for n in range(10):
    try:
        f(n)
    except IndexError:
        pass
""",
    "again after it was handled": """
def f():
    raise ValueError('the one')
try:
    f()
except ValueError as error:
    kept = error
x = 1
raise kept
""",
    "handed on by a bare raise": """
def f():
    raise ValueError('the one')
def g():
    try:
        f()
    except ValueError:
        x = 1
        raise
g()
""",
    "in a generator": """
def f():
    yield 1
    raise ValueError('the one')
for n in f():
    x = n
""",
    "in a task": """
import asyncio
async def f():
    await asyncio.sleep(0)
    raise ValueError('the one')
async def main():
    await asyncio.create_task(f())
asyncio.run(main())
""",
    "in the standard library": "x = 1\nimport json\njson.loads('{')\n",
}


def raised(folder: Path) -> list[dict[str, Any]]:
    """Return what `show` says was raised in a recording and ended a thread."""
    shown = execute(
        *("-m", "codetracer", "show", "trace-out", "--raises", "--format=json"), cwd=folder
    )
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    return [row for row in rows if row["fate"] == "ended"]


@pytest.mark.slow
@pytest.mark.parametrize("how", RAISING)
def test_an_uncaught_exception_is_named_with_the_step_at_which_it_was_raised(
    tmp_path: Path, how: str, backend: str
) -> None:
    outcome = record(tmp_path, RAISING[how], backend=backend)

    assert outcome.code == 1
    *_, line = outcome.stderr.splitlines()
    (row,) = raised(tmp_path)
    name = "JSONDecodeError" if "library" in how else "ValueError"
    assert line == (
        f"codetracer: uncaught {name}, raised at step {row['step']};"
        f" to see it: codetracer show trace-out --step {row['step']}"
    )
    assert re.match(rf"app\.py:\d+ +{row['step']}  ", follow(line, tmp_path).stdout)


@pytest.mark.slow
def test_where_too_many_others_were_raised_since_the_command_shows_all_of_them(
    tmp_path: Path, backend: str
) -> None:
    program = (
        "kept = []\ntry:\n    raise ValueError('the one')\nfinally:\n    for n in range(100):\n"
        "        try:\n            raise KeyError(n)\n"
        "        except KeyError as error:\n            kept.append(error)\n"
    )

    *_, line = record(tmp_path, program, backend=backend).stderr.splitlines()

    assert line == (
        "codetracer: uncaught ValueError; to see it: codetracer show trace-out --raises"
    )
    assert "ValueError('the one')" in follow(line, tmp_path).stdout


@pytest.mark.slow
def test_it_comes_after_all_that_the_program_prints(tmp_path: Path) -> None:
    program = (
        "import atexit, sys, threading, time\natexit.register(print, 'at exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\n"
        "print('main')\nprint('no end', file=sys.stderr)\n"
    )
    write(tmp_path, {"app.py": program})

    done = subprocess.run(
        [sys.executable, "-m", "codetracer", "record", "app.py"],
        cwd=tmp_path,
        env=trace_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )

    *printed, line = done.stdout.splitlines()
    assert sorted(printed) == ["at exit", "main", "no end", "thread"]
    assert line.startswith("codetracer: recorded ")


QUIET = {
    "it is asked for": ("print(1); raise ValueError", ("-q",)),
    "standard error has been closed": ("import os; os.close(2)", ()),
    "standard error is a file of the program's": (
        "import os\nos.dup2(os.open('mine', os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)\n"
        "os.write(2, b'mine')\n",
        (),
    ),
    "it ends at once": ("import os; os._exit(3)", ()),
}


@pytest.mark.parametrize("where", QUIET)
def test_nothing_is_said_where(tmp_path: Path, where: str) -> None:
    program, options = QUIET[where]
    write(tmp_path, {"app.py": program})
    plain = execute("app.py", cwd=tmp_path)

    outcome = record(tmp_path, program, *options)

    assert outcome == plain
    assert not (tmp_path / "mine").exists() or (tmp_path / "mine").read_text() == "mine"


def test_what_is_quiet_does_not_say_that_the_name_is_taken_either(tmp_path: Path) -> None:
    write(tmp_path, {"trace-out/x": ""})

    assert record(tmp_path, "pass", "--quiet") == Outcome(0, "", "")

    assert (tmp_path / "trace-out-2").is_dir()


@pytest.mark.slow
def test_a_process_that_joins_the_recording_says_nothing(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\nif len(sys.argv) == 1:\n    done = subprocess.run(\n"
        "        [sys.executable, '-m', 'codetracer', 'record', 'app.py', 'again'],\n"
        "        stderr=subprocess.PIPE)\n    print(done.stderr)\n"
    )

    outcome = record(tmp_path, program)

    assert outcome.stdout == "b''\n"
    assert len(list((tmp_path / "trace-out").glob("*.ctlog"))) == 2, "it has joined"
    assert "and 1 more process, " in outcome.stderr


def test_where_nothing_was_recorded_it_says_what_may_have_left_all_out(tmp_path: Path) -> None:
    outcome = record(tmp_path, "pass", "--include", "other.py")

    assert outcome.stderr == (
        "codetracer: nothing was recorded: the filters, --include or --activation-path"
        " left out all code that ran\n"
    )


def test_a_stream_of_the_programs_own_is_not_flushed_for_it(tmp_path: Path) -> None:
    program = """
import sys
class Mine:
    def __init__(self, stream): self.stream = stream
    def write(self, text): return self.stream.write(text)
    def flush(self): self.stream.write('flushed\\n')
sys.stderr = Mine(sys.stderr)
sys.stdout = Mine(sys.stdout)
"""
    write(tmp_path, {"app.py": program})
    plain = execute("app.py", cwd=tmp_path)

    outcome = record(tmp_path, program)

    said = [line for line in outcome.stderr.splitlines() if not line.startswith("codetracer: ")]
    assert (outcome.stdout, said) == (plain.stdout, plain.stderr.splitlines())


FULL_STACK = """
class Thing:
    pass
def deeper():
    thing = Thing()
    deeper()
try:
    deeper()
except RecursionError:
    pass
"""


def test_events_that_were_missed_are_counted(tmp_path: Path, backend: str) -> None:
    outcome = record(tmp_path, FULL_STACK, "-o", "out", backend=backend)

    metadata = json.loads((tmp_path / "out/trace_metadata.json").read_text())
    said = re.search(r", ([0-9,]+) events? missed; to see it: ", outcome.stderr)
    assert said is not None
    assert int(said[1].replace(",", "")) == metadata["counts"]["missed"]
    told = read("info", "out", cwd=tmp_path).stdout
    assert f"\nmissed     {said[1]} events: " in told
