"""The report of `make suites` on two runs of a suite; the suites take too long for CI."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.suites.outcomes import Run, differences, lacks, read_report
from tests.suites.running import ROOT, load_suites
from tests.support.running import write

pytestmark = pytest.mark.slow

SUITE = """
import os, pytest
def test_passes(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_fails(n): assert n == 1
def test_changes(): assert "CHANGED" not in os.environ
@pytest.mark.skip(reason="never")
def test_skipped(): pass
@pytest.fixture
def broken():
    yield
    raise KeyError("teardown")
def test_breaks(broken): pass
"""


LEAVING = """
import os, sys
for status in range(int(sys.argv[1])):
    if os.fork() == 0:
        os._exit(status)
    os.wait()
"""


def run(folder: Path, text: str, name: str, *arguments: str, **variables: str) -> Run:
    """Return the outcome of pytest on a file of tests."""
    write(folder, {"test_it.py": text})
    report = folder / f"{name}.xml"
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    done = subprocess.run(
        [*command, f"--junitxml={report}", *arguments, "test_it.py"],
        cwd=folder,
        env={"PATH": "", **variables},
        capture_output=True,
        check=False,
    )
    return Run(done.returncode, read_report(report))


def recorded_info(folder: Path, left: int) -> dict[str, Any]:
    """Return what is found in the recording of a program, some of whose children leave."""
    write(folder, {"leaving.py": LEAVING})
    command = (sys.executable, "-m", "codetracer")
    subprocess.run([*command, "record", "-o", "out", "leaving.py", str(left)], cwd=folder)
    info = subprocess.run([*command, "info", "--format", "json", "out"], cwd=folder, stdout=-1)
    found: dict[str, Any] = json.loads(info.stdout)
    return found


def test_two_runs_in_which_each_test_comes_out_the_same_do_not_differ(tmp_path: Path) -> None:
    first, second = (run(tmp_path, SUITE, name) for name in ("first", "second"))

    assert first.status == 1
    assert [outcome.partition(" ")[0] for _, outcome in first.outcomes] == [
        *("passed", "passed", "failure", "passed", "skipped", "error")
    ]
    assert differences(first, second) == []


def test_a_test_that_comes_out_otherwise_is_named(tmp_path: Path) -> None:
    plain = run(tmp_path, SUITE, "plain")
    recorded = run(tmp_path, SUITE, "recorded", CHANGED="1")

    (line,) = differences(plain, recorded)
    assert line.startswith("test_it::test_changes: passed, recorded failure")


def test_a_test_that_is_missing_and_another_exit_status_are_told(tmp_path: Path) -> None:
    plain = run(tmp_path, SUITE, "plain")
    recorded = run(tmp_path, SUITE, "recorded", "-k", "passes or skipped")

    status, missing = differences(plain, recorded)
    assert status == "pytest ended with 1, recorded it ended with 0"
    assert "test_it::test_changes" in missing


@pytest.mark.parametrize("text", ["import not_there", ""])
def test_a_suite_that_does_not_run_unrecorded_is_a_difference(tmp_path: Path, text: str) -> None:
    plain = run(tmp_path, text, "plain")

    assert "does not run unrecorded" in " ".join(differences(plain, plain))


@pytest.mark.parametrize("left", [0, 2])
def test_a_recording_lacks_nothing_when_as_many_children_leave_by_os_exit_as_should(
    tmp_path: Path, left: int
) -> None:
    assert lacks(recorded_info(tmp_path, left), left) is None


@pytest.mark.parametrize(("left", "expected"), [(1, 0), (0, 1), (2, 1)])
def test_more_or_fewer_logs_without_an_end_than_expected_are_told(
    tmp_path: Path, left: int, expected: int
) -> None:
    said = lacks(recorded_info(tmp_path, left), expected)

    assert said is not None
    assert said.startswith(
        f"{expected} of {left + 1} processes should have no end, {left} have none"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), ("pip wheel", "PIP_INDEX_URL names")),
        (("--python", "/no/python"), ("/no/python: No such file or directory", 'PYTHONS="path')),
    ],
)
def test_what_is_needed_and_cannot_be_had_is_named_with_the_remedy(
    tmp_path: Path, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    nowhere = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.suites", "--folder", tmp_path / "folder", *arguments],
        cwd=ROOT,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert all(words in done.stderr for words in said)


def test_there_are_ten_suites_one_of_each_kind() -> None:
    suites = load_suites()

    assert len({suite.name for suite in suites}) == len(suites) >= 10
    kinds = {"an async library", "a web framework", "a parser", "C code", "Hypothesis", "forks"}
    assert kinds <= {suite.covers for suite in suites}


def test_a_key_that_is_not_known_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"suites.toml": '[[suite]]\nname = "a"\nnmae = "b"\n'})

    with pytest.raises(TypeError, match="nmae"):
        load_suites(tmp_path / "suites.toml")
