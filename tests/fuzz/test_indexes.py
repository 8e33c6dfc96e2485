"""The short form of the fuzzing of indexes (`make fuzz`), and that it sees what is wrong."""

import shutil
import sys
import time
from pathlib import Path

import pytest

from fuzz.indexes import AT_ONCE, Indexes, run_indexes
from tests.support.decoders import DECODERS
from tests.support.project import BUILT, ROOT, Project

# A machine may be busy with other things; this takes less than half a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COUNT = AT_ONCE * len(DECODERS)


def test_no_damage_of_an_index_changes_what_is_read(tmp_path: Path) -> None:
    indexes = Indexes(sys.executable)
    checked, faults = run_indexes([indexes], COUNT, 0, time.monotonic() + 300, tmp_path)
    indexes.close()

    assert faults == []
    assert checked == COUNT


def test_an_index_that_is_taken_for_right_is_seen(tmp_path: Path) -> None:
    project = Project(tmp_path, whole=True)
    for pattern in BUILT:
        for file in (ROOT / "generated" / "codetracer_bindings").glob(pattern):
            shutil.copy(file, project.root / "generated" / "codetracer_bindings")
    project.edit(
        "        if crc32(view[start:end], crc32(unsummed)) != crc:\n",
        "        if crc32(unsummed) < 0:\n",
        "codetracer/replay/index.py",
    )
    indexes = Indexes(sys.executable, project.root)

    _, faults = run_indexes([indexes], COUNT, 0, time.monotonic() + 300, tmp_path / "found")
    indexes.close()

    assert {fault.damage for fault in faults} & {"flipped bits", "nonsense"}
    assert len(list((tmp_path / "found").iterdir())) == len({fault.seed for fault in faults})
