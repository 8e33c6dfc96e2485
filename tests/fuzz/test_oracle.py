"""The short form of the fuzzing against snapshots (`make fuzz`), and that it would see a fault."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codetracer.monitoring.backend import BACKENDS
from fuzz.mutations import program
from fuzz.oracle import Judged, run_oracle
from fuzz.reducing import reduced
from fuzz.snapshots import Snapshots
from tests.support.project import BUILT, ROOT, Project

SEED = 1_000
CHANGING = """
from operator import iadd
def outer(held):
    count = [0]
    def inner():
        held[0]['k'].append(count)
        count[0] = [count[0]]
    inner()
    return count
list0 = [{'k': []}]
float0 = 1.5
for number in range(5):
    list0[0]['k'].clear()
    iadd(list0[0]['k'], [[number]])
    count0 = outer(list0)
"""


@pytest.fixture
def snapshots() -> Iterator[Snapshots]:
    snapshots = Snapshots(sys.executable)
    yield snapshots
    snapshots.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_few_programs_that_change_everything_are_recorded_as_they_are(
    snapshots: Snapshots,
) -> None:
    differences = snapshots.compare([program(SEED + number) for number in range(5)])

    assert differences == {}
    assert snapshots.ways == [*BACKENDS]
    assert snapshots.figures.programs == 5
    assert min(snapshots.figures.by_event[way] for way in BACKENDS) > 500


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_programs_that_change_everything_are_recorded_as_they_are(
    tmp_path: Path,
) -> None:
    deadline = time.monotonic() + 500

    figures, differences = run_oracle([sys.executable], 100, 0, deadline, tmp_path, Judged())

    assert differences == []
    assert figures[sys.executable].programs == 100


@pytest.mark.slow
def test_every_seed_gives_a_program_that_compiles() -> None:
    for seed in range(1_000):
        compile(program(seed), str(seed), "exec")


def test_the_same_seed_gives_the_same_program() -> None:
    assert program(SEED) == program(SEED)
    assert program(SEED) != program(SEED + 1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param(
            "lines.py",
            "0 if wanted[name] else line.reach + 1",
            "0 if wanted[name] else 1",
            "list0",
            id="a line is followed less deep than it goes",
        ),
        pytest.param(
            "lines.py",
            "dict.fromkeys((*code.co_cellvars, *code.co_freevars), False)",
            "dict[str, bool]()",
            "count",
            id="variables that functions share are not looked at",
        ),
        pytest.param(
            "values.py",
            "if digest == known.content:",
            "if known.content:",
            # Which object differs first is not the same on each CPython.
            '["object", ',
            id="an object that was seen is trusted",
        ),
    ],
)
def test_a_fault_of_an_engine_is_a_difference(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    project = Project(tmp_path, whole=True)
    for pattern in BUILT:
        for built in (ROOT / "generated" / "codetracer_bindings").glob(pattern):
            shutil.copy(built, project.root / "generated" / "codetracer_bindings")
    project.edit(old, new, f"codetracer/runtime/{file}")
    snapshots = Snapshots(sys.executable, project.root, ["python"])

    (difference,) = snapshots.compare([CHANGING]).values()
    smaller = reduced(snapshots, CHANGING)
    snapshots.close()

    assert said in str(difference)
    assert "step " in str(difference)
    assert smaller is not None
    assert len(smaller[0]) < len(CHANGING)
