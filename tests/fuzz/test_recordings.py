"""The short form of the fuzzing of recordings (`make fuzz`), and that it sees what is wrong."""

import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.damage import write_damaged
from fuzz.recordings import VIEWS, Reader, run_recordings
from tests.support.decoders import DECODERS
from tests.support.project import BUILT, ROOT, Project

# A machine may be busy with other things; this takes less than half a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 2_000


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader(sys.executable)
    yield reader
    reader.close()


@pytest.fixture
def spoiled(tmp_path: Path) -> Project:
    """A copy of the project that a test may spoil."""
    project = Project(tmp_path, whole=True)
    for pattern in BUILT:
        for file in (ROOT / "generated" / "codetracer_bindings").glob(pattern):
            shutil.copy(file, project.root / "generated" / "codetracer_bindings")
    return project


def test_every_command_is_well_behaved_on_damaged_recordings(
    reader: Reader, tmp_path: Path
) -> None:
    checked, faults = run_recordings([reader], 6, SEED, time.monotonic() + 300, tmp_path)

    assert faults == []
    assert checked == 6
    assert reader.commands == 6 * len(VIEWS) * len(DECODERS)


def test_a_seed_makes_the_same_recording_again(tmp_path: Path) -> None:
    for seed in range(SEED, SEED + 30):
        one, other = tmp_path / f"{seed}-1", tmp_path / f"{seed}-2"

        assert write_damaged(one, random.Random(seed)) == write_damaged(other, random.Random(seed))

        assert _content(one) == _content(other)


def _content(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): (
            path.read_bytes()
            if path.is_file() and path.stat().st_size < 1 << 30
            else path.lstat().st_mode
        )
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        pytest.param(
            "codetracer/terminal.py",
            "self.stream.write(safe(line) + text[len(line) :])",
            "self.stream.write(text)",
            "raw character",
            id="names are written raw",
        ),
        pytest.param(
            "codetracer/commands/show/state_at_step.py",
            "            self.found = True\n",
            "            self.found = event.nothing\n",
            "traceback",
            id="a command fails",
        ),
        pytest.param(
            "codetracer/commands/show/state_at_step.py",
            "            self.found = True\n",
            "            while True:\n                pass\n",
            "hang",
            id="a command never ends",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "codetracer/commands/show/state_at_step.py",
            "            self.found = True\n",
            "            bytes(3 << 30)\n",
            "excess memory",
            id="a command takes memory",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "codetracer/commands/show/state_at_step.py",
            "            self.found = True\n",
            "            open('../outside', 'w').close()\n",
            "wrote outside",
            id="a command writes beside the recording",
        ),
        pytest.param(
            "codetracer/commands/show/state_at_step.py",
            "            self.found = True\n",
            "            open('trace/more.ctlog', 'a').write('x')\n",
            "wrote outside",
            id="a command writes into the recording",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "codetracer/commands/show/state_at_step.py",
            "            self.found = True\n",
            "            __import__('os').abort()\n",
            "killed",
            id="a command crashes",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_fault_of_a_command_is_seen(
    spoiled: Project, tmp_path: Path, file: str, old: str, new: str, what: str
) -> None:
    spoiled.edit(old, new, file)
    reader = Reader(sys.executable, spoiled.root, seconds=2)

    _, faults = run_recordings([reader], 1, SEED, time.monotonic() + 300, tmp_path / "found")
    reader.close()

    assert what in {fault.what for fault in faults}
    assert len(list((tmp_path / "found").iterdir())) == len(faults)
