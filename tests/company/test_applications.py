"""The applications of `benchmarks/applications/`, from PyPI, are recorded to their ends."""

import os
import tomllib
from pathlib import Path

import pytest

import codetracer
from tests.support.company import applications
from tests.support.running import ROOT, SOURCES, execute

# networkx and sympy are recorded for half a minute on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]

PROGRAMS = ROOT / "benchmarks" / "applications"
ROWS = tomllib.loads((PROGRAMS / "applications.toml").read_text())["application"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_real_application_prints_the_same_and_its_recording_is_complete(
    tmp_path: Path, row: dict[str, list[str]]
) -> None:
    first, *rest = row["command"]
    words = [first if first == "-m" else str(PROGRAMS / first), *rest, *row["small"]]
    path = os.pathsep.join(map(str, (applications(), *SOURCES)))
    # Sets have the same order in both.
    environ = {"PYTHONPATH": path, "PYTHONHASHSEED": "0"}
    record = ("-m", "codetracer", "record", "-q", "-o", "out")

    untraced = execute(*words, cwd=tmp_path, environ=environ)
    recorded = execute(*record, *words, cwd=tmp_path, environ=environ, timeout=250)

    assert untraced.code == 0
    assert recorded == untraced
    assert codetracer.read(tmp_path / "out").complete
