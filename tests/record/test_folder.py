"""A recording goes to the named folder, or to one with a name of its own."""

from pathlib import Path

import pytest

from tests.support.recorded import PROGRAM, functions, listing, metadata, record
from tests.support.running import Outcome, execute, write


def test_a_folder_that_is_named_is_made_with_those_above_it(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})

    assert record(tmp_path, "--out-dir", "a/b/out", "app.py").code == 0

    assert functions(tmp_path / "a/b/out") == ["<module>", "f"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})
    (tmp_path / "out").mkdir()

    assert record(tmp_path, "-o", "out", "app.py").code == 0

    assert functions(tmp_path / "out") == ["<module>", "f"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_is_there_under_the_name_is_never_touched(tmp_path: Path, what: str) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})
    precious = tmp_path / ("out/old.txt" if what == "folder" else "out")
    write(tmp_path, {str(precious.relative_to(tmp_path)): "precious"})

    outcome = record(tmp_path, "-o", "out", "app.py")

    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(
        "codetracer: error: [ERR_TRACE_DIR_CONFLICT] out is not an empty"
    )
    assert precious.read_text() == "precious"
    assert listing(tmp_path) == ["app.py", "out"]


@pytest.mark.slow
def test_without_a_name_the_first_free_one_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM, "trace-out-2/other": ""})

    said = [record(tmp_path, "app.py").stderr.splitlines() for _ in range(3)]

    assert [lines[:-1] for lines in said] == [
        [],
        ["codetracer: trace-out exists; recording into trace-out-3"],
        ["codetracer: trace-out exists; recording into trace-out-4"],
    ]
    assert [lines[-1].rpartition(" ")[2] for lines in said] == [
        "trace-out",
        "trace-out-3",
        "trace-out-4",
    ]
    assert listing(tmp_path) == ["app.py", *(f"trace-out{n}" for n in ("", "-2", "-3", "-4"))]
    assert listing(tmp_path / "trace-out-2") == ["other"]
    assert functions(tmp_path / "trace-out-4") == ["<module>", "f"]


def test_a_variable_names_the_folder_and_the_option_is_stronger(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})
    environ = {"CODETRACER_PYTHON_RECORDER_OUT_DIR": "by-variable"}

    record(tmp_path, "app.py", environ=environ)
    record(tmp_path, "-o", "by-option", "app.py", environ=environ)

    assert listing(tmp_path) == ["app.py", "by-option", "by-variable"]


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})

    outcome = record(tmp_path, "-o", "app.py/out", "app.py")

    assert (outcome.code, outcome.stdout) == (1, "")
    assert "[ERR_TRACE_DIR_CREATE_FAILED]" in outcome.stderr


@pytest.mark.parametrize("word", ["1", "true", "yes"])
def test_recording_can_be_switched_off_by_a_variable(tmp_path: Path, word: str) -> None:
    write(tmp_path, {"app.py": "print('runs')\nraise SystemExit(3)"})

    outcome = record(tmp_path, "app.py", environ={"CODETRACER_PYTHON_RECORDER_DISABLED": word})

    assert outcome == Outcome(3, "runs\n", "")
    assert listing(tmp_path) == ["app.py"]


@pytest.mark.parametrize("program", [["-c", "def f(): print('ran')\nf()"], ["{}/app.py"]])
def test_a_program_is_recorded_where_the_working_directory_is_gone(
    tmp_path: Path, program: list[str]
) -> None:
    write(tmp_path, {"app.py": "def f(): print('ran')\nf()"})
    (tmp_path / "gone").mkdir()
    command = ["-m", "codetracer", "record", "-q", "-o", str(tmp_path / "out")]
    command += [argument.format(tmp_path) for argument in program]
    leave = f"""
import os, sys
os.rmdir(os.getcwd())
os.execv(sys.executable, [sys.executable, *{command}])
"""

    outcome = execute("-c", leave, cwd=tmp_path / "gone")

    assert outcome == Outcome(0, "ran\n", "")
    assert functions(tmp_path / "out") == ["<module>", "f"]
    assert metadata(tmp_path / "out")["workdir"] == "/"
