"""The recordings of long programs, for all tests of this folder."""

import random
import shutil
from pathlib import Path

import pytest

import codetracer
from codetracer.recording.reader import LogReader
from codetracer.replay import Replay, Trace
from tests.support.indexes import every_step
from tests.support.long_recordings import MIXED, Stacks, stacks
from tests.support.recordings import record

CHECKED = 15
"""The number of steps that are compared."""


@pytest.fixture(scope="package")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Return the recording of a long program that has everything in it."""
    folder = tmp_path_factory.mktemp("mixed")
    record(folder, MIXED)
    return codetracer.read(folder / "out")


@pytest.fixture(scope="package")
def recorded(mixed: Trace) -> Path:
    """Return the log of that recording, which has many blocks."""
    return Path(mixed.processes[0].path)


@pytest.fixture
def log(recorded: Path, tmp_path: Path) -> LogReader:
    """Return a copy of it, which the test may change."""
    return LogReader(shutil.copy(str(recorded), str(tmp_path)))


@pytest.fixture(scope="package")
def states(recorded: Path) -> dict[int, Stacks]:
    """Return the states at some steps, by reading from the beginning."""
    total = max(event.number for event in every_step(Replay(LogReader(str(recorded)))))
    chosen = {0, total, *random.Random(7).sample(range(total), CHECKED)}
    replay = Replay(LogReader(str(recorded)))
    return {event.number: stacks(replay) for event in every_step(replay) if event.number in chosen}
