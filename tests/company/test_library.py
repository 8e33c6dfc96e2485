"""`record` and `show` on the tests of a library from PyPI."""

import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent
from tests.support.running import ROOT, execute

pytestmark = [pytest.mark.slow, pytest.mark.network]

LIBRARY = "toolz"
LIBRARY_VERSION = "1.0.0"
"""Pure Python; its tests need nothing but pytest. Downloaded once, into .venvs/."""


@pytest.fixture(scope="module")
def library() -> Path:
    """Return a real library's sources, with its tests."""
    place = ROOT / ".venvs" / f"sdist-{LIBRARY}-{LIBRARY_VERSION}"
    if not (place / "setup.py").exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"),
                *("--no-build-isolation", "-d", str(place), f"{LIBRARY}=={LIBRARY_VERSION}"),
            ],
            check=True,
            capture_output=True,
        )
        (archive,) = place.glob("*.tar.gz")
        with tarfile.open(archive) as file:
            file.extractall(place, filter="data")
        (inside,) = (path for path in place.iterdir() if path.is_dir())
        for path in inside.iterdir():
            path.rename(place / path.name)
    return place


def test_a_librarys_own_tests_pass_and_are_recorded(library: Path, tmp_path: Path) -> None:
    suite = f"{LIBRARY}/tests/test_functoolz.py"
    options = ("-p", "no:cacheprovider", suite)

    outcome = execute(
        *("-m", "codetracer", "record", "-q", "-o", str(tmp_path / "out"), "--pytest", *options),
        cwd=library,
    )

    assert outcome.code == 0, outcome.stdout + outcome.stderr
    assert " passed" in outcome.stdout
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    called = Counter(event.frame.code.name for event in trace if isinstance(event, CallEvent))
    assert called["test_curry_simple"] == 1
    assert called["curry.__call__"] > 20
    shown = execute(
        *("-m", "codetracer", "show", "out", "--function", "test_curry_simple"), cwd=tmp_path
    )
    assert (shown.code, shown.stderr) == (0, "")
    assert "test_curry_simple(" in shown.stdout
