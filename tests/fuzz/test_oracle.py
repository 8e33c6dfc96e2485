"""The short form of the fuzzing against snapshots (`make fuzz`), and that it would see a fault."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codetracer.monitoring.backend import BACKENDS
from fuzz.mutations import program
from fuzz.oracle import run_oracle
from fuzz.snapshots import Snapshots

SEED = 1_000


@pytest.fixture
def snapshots() -> Iterator[Snapshots]:
    snapshots = Snapshots(sys.executable)
    yield snapshots
    snapshots.close()


@pytest.mark.timeout(600)
def test_a_few_programs_that_change_everything_are_recorded_as_they_are(
    snapshots: Snapshots,
) -> None:
    differences = snapshots.compare([program(SEED + number) for number in range(12)])

    assert differences == {}
    assert snapshots.ways == [*BACKENDS]
    assert snapshots.figures.programs == 12
    assert min(snapshots.figures.by_event[way] for way in BACKENDS) > 1_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_five_hundred_programs_that_change_everything_are_recorded_as_they_are(
    tmp_path: Path,
) -> None:
    deadline = time.monotonic() + 900

    figures, differences = run_oracle([sys.executable], 500, 0, deadline, tmp_path)

    assert differences == []
    assert figures[sys.executable].programs == 500


def test_the_same_seed_gives_the_same_program() -> None:
    assert program(SEED) == program(SEED)
    assert program(SEED) != program(SEED + 1)
