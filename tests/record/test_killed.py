"""A process that ends without notice leaves a trace in which nothing is missing.

The programs report their progress by other means: each of their threads counts in a file that
is mapped into memory, in a line whose LINE event has been recorded when it counts.
"""

import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import CallEvent, ExitEvent, ReturnEvent, StepEvent, Trace, UnfinishedEvent
from tests.support.reading import read
from tests.support.running import Outcome, execute, trace_environ, write

pytestmark = pytest.mark.fresh

THREADS = 3
KILLS = {"native": 50, "python": 10}
"""The number of programs that are killed with each backend."""
AT_ONCE = 5
"""The number of programs that run at the same time, so that they are stopped anywhere."""

PROGRAM = """\
import mmap, sys, threading
with open("progress", "r+b") as file:
    # One store: struct.pack_into would make it 0 first.
    counts = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

def leaf(number, text):
    return number * 2

def nest(depth, number, text):
    return leaf(number, text) if depth == 0 else nest(depth - 1, number, text)

def items(number):
    yield number
    yield number + 1

def work(slot, number):
    text = f"{number:0400}"
    nest(number % 5, number, text)
    list(items(number))
    counts[slot] = number + 1  # counted

def run(slot):
    number = 0
    while True:
        work(slot, number)
        number += 1

for slot in range(int(sys.argv[1])):
    threading.Thread(target=run, args=(slot,), name=f"slot-{slot}", daemon=True).start()
threading.Event().wait()
"""
COUNTED = 1 + next(n for n, line in enumerate(PROGRAM.splitlines()) if "# counted" in line)


class Victim:
    """A recorded program that runs until it is killed."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.folder = folder
        write(folder, {"app.py": PROGRAM})
        (folder / "progress").write_bytes(bytes(8 * THREADS))
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "codetracer",
                "record",
                "-q",
                "-o",
                "out",
                "app.py",
                str(THREADS),
            ],
            cwd=folder,
            env=trace_environ() | {"CODETRACER_BACKEND": backend},
        )

    def counted(self) -> list[int]:
        """Return how far each thread says that it has come."""
        return list(struct.unpack(f"{THREADS}Q", (self.folder / "progress").read_bytes()))

    def end(self) -> None:
        """Kill it."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL


def kill_all(victims: list[Victim], longest: float) -> None:
    """Kill each at a random moment in the time (s) after its first thread has counted."""
    moments: dict[Victim, float] = {}
    deadline = time.monotonic() + 90
    while victims:
        for victim in list(victims):
            now = time.monotonic()
            assert now < deadline, "it does not begin"
            if victim not in moments and any(victim.counted()):
                moments[victim] = now + random.uniform(0, longest)
            if now >= moments.get(victim, deadline):
                victim.end()
                victims.remove(victim)
        time.sleep(0.001)


def check_nothing_is_missing(trace: Trace, counted: list[int]) -> None:
    """Compare what the log says with what each thread has counted."""
    steps: Counter[str] = Counter()
    calls: dict[str, list[object]] = {}
    doubled: dict[str, list[object]] = {}
    for event in trace:
        name = event.thread.name
        match event:
            case StepEvent(line=line) if line == COUNTED:
                steps[name] += 1
            case CallEvent(frame=frame) if frame.code.name == "work":
                calls.setdefault(name, []).append(event.arguments["number"])
            case ReturnEvent(frame=frame) if frame.code.name == "leaf":
                doubled.setdefault(name, []).append(event.value)
            case ExitEvent():
                pytest.fail("it was killed, and its log has an end")
    for slot, count in enumerate(counted):
        name = f"slot-{slot}"
        # The last one may have been about to count.
        assert count <= steps[name] <= count + 1, (name, count, steps[name])
        begun, ended = len(calls.get(name, [])), len(doubled.get(name, []))
        assert steps[name] <= ended <= begun <= steps[name] + 1
        assert calls.get(name, []) == list(range(begun))
        assert doubled.get(name, []) == [2 * number for number in range(ended)]


@pytest.mark.slow
def test_a_program_killed_at_a_random_moment_under_load_has_lost_no_event(
    tmp_path: Path, backend: str
) -> None:
    longest = 0.02 if backend == "native" else 0.2
    for first in range(0, KILLS[backend], AT_ONCE):
        victims = [Victim(tmp_path / str(first + i), backend) for i in range(AT_ONCE)]
        kill_all(list(victims), longest)
        for victim in victims:
            trace = codetracer.read(victim.folder / "out")
            check_nothing_is_missing(trace, victim.counted())
            assert not trace.complete


@pytest.mark.slow
def test_info_says_that_the_trace_of_a_killed_program_is_incomplete(
    tmp_path: Path, backend: str
) -> None:
    victim = Victim(tmp_path, backend)
    kill_all([victim], 0)

    outcome = read("info", "out", cwd=tmp_path)

    assert outcome.code == 0, outcome.stderr
    assert "complete   no: " in outcome.stdout


ENDINGS = {
    "os._exit": ("import os\nos._exit(3)", 3),
    "abort": ("import os\nos.abort()", -signal.SIGABRT),
    "a segmentation fault": ("import ctypes\nctypes.string_at(0)", -signal.SIGSEGV),
    "SIGTERM": ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
}


def record(folder: Path, program: str, backend: str) -> Outcome:
    write(folder, {"app.py": program})
    return execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend},
    )


@pytest.mark.parametrize("how", ENDINGS)
def test_the_last_line_before_a_sudden_end_is_recorded_with_all_before_it(
    tmp_path: Path, how: str, backend: str
) -> None:
    ending, code = ENDINGS[how]
    body = "\n".join(f"    {line}" for line in ending.splitlines())
    program = f"def f(n):\n    print(n)\n    return n\ndef end():\n{body}\nf(1)\nf(2)\nend()\n"

    outcome = record(tmp_path, program, backend)

    assert outcome.code == code, outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    events = list(trace)
    steps = [event for event in events if isinstance(event, StepEvent)]
    last = 4 + len(ending.splitlines())
    assert [(event.frame.code.name, event.line) for event in steps][-2:] == [
        ("end", last - 1),
        ("end", last),
    ]
    returned = [event.frame.code.name for event in events if isinstance(event, ReturnEvent)]
    assert returned == ["f", "f"]
    unfinished = [event.frame.code.name for event in events if isinstance(event, UnfinishedEvent)]
    assert unfinished == ["end", "<module>"]
    assert not trace.complete
    assert "killed, left by os._exit or crashed" in (trace.problem or "")


def test_the_first_event_of_a_program_is_in_its_trace_when_it_is_also_the_last(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, "import os; os.kill(os.getpid(), 9)\n", backend)

    assert outcome.code == -signal.SIGKILL
    events = list(codetracer.read(tmp_path / "out"))
    assert [type(event).__name__ for event in events] == [
        "ThreadEvent",
        "CallEvent",
        "StepEvent",
        "UnfinishedEvent",
    ]


def test_a_killed_programs_log_keeps_the_source_that_ran(tmp_path: Path) -> None:
    program = "import os\nos.kill(os.getpid(), 9)\n"

    record(tmp_path, program, BACKENDS[0])

    copy = tmp_path / "out/sources" / os.path.relpath(tmp_path / "app.py", "/")
    assert copy.read_text(encoding="utf-8") == program
