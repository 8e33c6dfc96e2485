"""A recording says what it cost."""

from pathlib import Path

import pytest

import codetracer
from tests.support.recordings import record
from tests.support.running import execute

BUSY = """\
def work(n):
    found = []
    for number in range(n):
        found.append(number)
    return found
for _ in range(40):
    work(100)
"""


@pytest.mark.slow
def test_a_recording_says_how_long_the_recorder_took(tmp_path: Path, backend: str) -> None:
    record(tmp_path, BUSY, backend=backend)

    metadata = codetracer.read(tmp_path / "out").metadata
    cost, duration = metadata["cost"], metadata["duration_ns"]
    assert isinstance(cost, dict)
    assert isinstance(duration, int)
    # A loop that is recorded does little else.
    assert duration / 20 < cost["events_ns"] < 2 * duration
    assert 0 < cost["writing_ns"] < cost["events_ns"]
    assert 0 < cost["code_ns"] < duration
    said = execute("-m", "codetracer", "info", "out", cwd=tmp_path).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("cost ")]
    assert " of CPU time for events, " in line
    assert line.endswith(" for reading new code")
