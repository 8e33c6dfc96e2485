"""The short form of the fuzzing of engines (`make fuzz`), and that it would see what is wrong."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codetracer.monitoring.backend import BACKENDS
from fuzz.engines import Engines
from fuzz.random_programs import run_programs
from fuzz.ways import Difference
from tests.support.project import BUILT, ROOT, Project
from tests.support.recordings import NATIVE

# A machine may be busy with other things; this takes less than half a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 40
SWITCHING = """
def counting(n=0):
    v0 = n
    turn()
    v0 += 1
    yield v0
    turn()
    return v0
async def waiting(n=0):
    v0 = [n]
    await Pause()
    v0.append(n)
    return v0
def fail():
    turn()
    raise KeyError(1)
say(in_turns(lambda: list(counting(1)), lambda: list(counting(2)), fail))
say(run_tasks(in_tasks(waiting(1), waiting(2))))
say(in_turns(lambda: run_tasks(in_tasks(waiting(3), waiting(4))), lambda: list(counting(5))))
"""
"""Threads and tasks that take turns, in the midst of their frames."""


@pytest.fixture
def engines() -> Iterator[Engines]:
    engines = Engines(sys.executable)
    yield engines
    engines.close()


@pytest.fixture
def spoiled(tmp_path: Path) -> Iterator[tuple[Project, Engines]]:
    """A copy of the project that a test may spoil, and what records programs with it."""
    project = Project(tmp_path, whole=True)
    for pattern in BUILT:
        for file in (ROOT / "generated" / "codetracer_bindings").glob(pattern):
            shutil.copy(file, project.root / "generated" / "codetracer_bindings")
    engines = Engines(sys.executable, project.root)
    yield project, engines
    engines.close()


def test_the_engines_record_the_same_of_random_programs(engines: Engines, tmp_path: Path) -> None:
    differences = run_programs([engines], 40, SEED, time.monotonic() + 300, tmp_path)

    assert differences == []
    assert engines.ways == [*BACKENDS]
    assert engines.figures.programs + engines.left_out == 40
    assert engines.figures.events > 3_000


def test_switches_of_threads_and_tasks_are_compared(engines: Engines) -> None:
    engines.check(SWITCHING)

    assert engines.left_out == 0
    assert engines.figures.by_event["Thread"] == 6
    assert engines.figures.by_event["Switch"] > 5
    assert engines.figures.by_event["Task"] > 5


@pytest.mark.only_where(NATIVE)  # Otherwise one engine has no other to be compared to.
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param(
            "codetracer/runtime/stacks.py",
            "record = encode_switch(thread.number)",
            "record = b''",
            "event [0-9]+: .*\nand .*UnfinishedEvent",
            id="a switch of threads is not told",
        ),
        pytest.param(
            "codetracer/runtime/tasks.py",
            "record = encode_task(name)",
            "record = b''",
            "event [0-9]+: .*'task 0'",
            id="a switch of tasks is not told",
        ),
        pytest.param(
            "codetracer/runtime/events.py",
            "        self._variables.settle(state, frame)\n",
            "",
            "event [0-9]+: .*StepEvent",
            id="variables are not those of the line",
        ),
        pytest.param(
            "codetracer/runtime/stacks.py",
            "record = encode_switch(thread.number)",
            "__import__('os')._exit(3)",
            "the process ended, exit 3",
            id="the process dies",
        ),
    ],
)
def test_a_fault_of_an_engine_is_a_difference(
    spoiled: tuple[Project, Engines], file: str, old: str, new: str, said: str
) -> None:
    project, engines = spoiled
    project.edit(old, new, file)

    with pytest.raises(Difference, match=said):
        engines.check(SWITCHING)


def test_a_program_that_is_not_recorded_the_same_twice_is_left_out(engines: Engines) -> None:
    engines.check("import time\nv0 = time.time_ns()\nv1 = 1\n" if len(BACKENDS) > 1 else "pass\n")

    assert engines.left_out == len(BACKENDS) - 1
