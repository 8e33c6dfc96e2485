"""CODETRACER_TRACE records a program from its import of codetracer on."""

import json
import os
from pathlib import Path

import pytest

from codetracer.monitoring.backend import VARIABLE
from tests.support.running import execute, write
from tests.support.sessions import calls, run, run_well, statuses


@pytest.mark.slow
def test_the_variable_records_a_program_from_its_import_of_codetracer_on(
    tmp_path: Path, backend: str
) -> None:
    run_well(
        tmp_path,
        "def before(): pass\nbefore()\nimport codetracer\ndef after(): pass\nafter()\n",
        {"CODETRACER_TRACE": "out", "CODETRACER_BACKEND": backend},
    )

    assert calls(tmp_path / "out") == ["after"]


@pytest.mark.slow
def test_without_the_variable_or_with_an_empty_one_nothing_is_recorded(tmp_path: Path) -> None:
    program = "import codetracer\nprint(codetracer.is_tracing())\n"

    assert run_well(tmp_path, program) == "False\n"
    assert run_well(tmp_path, program, {"CODETRACER_TRACE": ""}) == "False\n"
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]


@pytest.mark.slow
def test_processes_that_inherit_the_variable_join_the_recording(tmp_path: Path) -> None:
    write(tmp_path, {"child.py": "import codetracer\ndef child(): pass\nchild()\n"})
    run_well(
        tmp_path,
        "import codetracer, subprocess, sys\n"
        "def parent(): pass\nparent()\n"
        "running = [subprocess.Popen([sys.executable, 'child.py']) for _ in range(4)]\n"
        "print([process.wait() for process in running])\n",
        {"CODETRACER_TRACE": "out"},
    )

    assert calls(tmp_path / "out") == ["parent", *["child"] * 4]
    assert sorted(os.listdir(tmp_path)) == ["app.py", "child.py", "out"]


@pytest.mark.slow
def test_a_trace_that_is_there_stays_as_it_was(tmp_path: Path) -> None:
    program = "import codetracer\ndef f(): pass\nf()\n"
    run_well(tmp_path, program, {"CODETRACER_TRACE": "out"})
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}

    run_well(tmp_path, program, {"CODETRACER_TRACE": "out"})

    after = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert after == before
    assert calls(tmp_path / "out-2") == ["f"]


def test_the_variable_says_where_filters_and_capture_come_from_like_the_others(
    tmp_path: Path,
) -> None:
    outcome = run(
        tmp_path,
        "import codetracer\nprint('ran')\n",
        {"CODETRACER_TRACE": "out", "CODETRACER_CAPTURE_IO": "nonsense"},
    )

    assert (outcome.code, outcome.stdout) == (0, "ran\n")
    assert "[ERR_INVALID_POLICY_VALUE] CODETRACER_CAPTURE_IO is 'nonsense'" in outcome.stderr
    assert not (tmp_path / "out").exists()


UNUSABLE = {"CODETRACER_TRACE": "app.py/out"}


def test_under_abort_a_recording_that_cannot_start_is_an_error_of_the_import(
    tmp_path: Path,
) -> None:
    outcome = run(
        tmp_path,
        "try:\n    import codetracer\nexcept Exception as error:\n"
        "    print(type(error).__mro__[1].__name__, error.code)\n",
        UNUSABLE | {"CODETRACER_ON_RECORDER_ERROR": "abort"},
    )

    assert outcome.stdout == "RecorderError ERR_TRACE_DIR_CREATE_FAILED\n"


@pytest.mark.slow
@pytest.mark.parametrize("policy", [{}, {"CODETRACER_ON_RECORDER_ERROR": "disable"}])
def test_unless_abort_is_set_it_is_logged_and_the_program_goes_on(
    tmp_path: Path, policy: dict[str, str]
) -> None:
    outcome = run(
        tmp_path,
        "import codetracer\nprint(codetracer.is_tracing())\n",
        UNUSABLE | policy | {"CODETRACER_JSON_ERRORS": "1"},
    )

    assert (outcome.code, outcome.stdout) == (0, "False\n")
    line, said = outcome.stderr.splitlines()
    assert json.loads(line)["error_code"] == "ERR_TRACE_DIR_CREATE_FAILED"
    assert said.startswith("this process is not recorded: [ERR_TRACE_DIR_CREATE_FAILED]")


@pytest.mark.slow
def test_the_command_line_is_not_recorded_by_the_variable(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import codetracer\nprint(codetracer.is_tracing())\n"})

    outcome = execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "app.py"),
        cwd=tmp_path,
        environ={"CODETRACER_TRACE": "unasked"},
    )
    info = execute(
        *("-X", "dev", "-m", "codetracer", "info", "out"),
        cwd=tmp_path,
        environ={"CODETRACER_TRACE": "unasked"},
    )

    assert (outcome.code, outcome.stdout, info.code) == (0, "True\n", 0)
    assert sorted(os.listdir(tmp_path)) == ["app.py", "out"]


def test_what_the_command_records_can_be_stopped_from_within(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"app.py": "import codetracer\ndef f(): pass\nf()\ncodetracer.stop(4)\nf()\n"},
    )

    outcome = execute(*("-m", "codetracer", "record", "-q", "-o", "out", "app.py"), cwd=tmp_path)

    assert (outcome.code, outcome.stderr) == (0, "")
    assert calls(tmp_path / "out") == ["<module>", "f"]
    assert statuses(tmp_path / "out") == [4]


def test_a_program_that_has_emptied_its_environment_can_go_through_it(
    tmp_path: Path, backend: str
) -> None:
    program = (
        "import os\nimport codetracer\nos.environ.clear()\n"
        "with codetracer.trace('out'):\n    print(list(os.environ))\nprint(list(os.environ))\n"
    )

    outcome = run_well(tmp_path, program, {VARIABLE: backend})

    assert outcome == "['CODETRACER_RECORDING']\n[]\n"
