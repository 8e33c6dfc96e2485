"""The command line of `codetracer watch`: what is ours, what is the program's, what is an error."""

from pathlib import Path

import pytest

import codetracer
from tests.support.running import SOURCES, execute, watch, write

SHOW = "import sys\nprint(sys.argv[1:])\n"
FILES = {"app.py": SHOW, "-m": SHOW, "-x.py": SHOW, "p/__main__.py": SHOW, "p/__init__.py": ""}


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["-o", "out", "app.py", "-o", "mine", "--events"], ["-o", "mine", "--events"]),
        (["-oout", "app.py", "--", "a"], ["--", "a"]),
        (["--output=out", "--", "app.py", "-o", "x"], ["-o", "x"]),
        (["-o", "out", "--", "-x.py", "x"], ["x"]),
        (["-o", "out", "--", "-m"], []),
        (["-o", "out", "-m", "p", "-m", "x"], ["-m", "x"]),
        (["-o", "out", "-mp", "--indent", "2"], ["--indent", "2"]),
        (["-o", "out", "-c", SHOW, "-c", "--help"], ["-c", "--help"]),
        (["-o", "out", "-c" + SHOW], []),
        (["--include", "a", "--exclude", "b", "-o", "out", "app.py", ""], [""]),
    ],
)
def test_options_before_the_program_are_ours_and_all_after_it_are_its_own(
    arguments: list[str], seen: list[str], tmp_path: Path
) -> None:
    write(tmp_path, FILES)

    assert watch(*arguments, cwd=tmp_path) == (0, f"{seen}\n", "")


USAGE = "usage: codetracer watch [OPTION ...] (SCRIPT | -m MODULE | -c CODE) [ARG ...]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no program: name a SCRIPT, -m MODULE or -c CODE"),
        (["--"], "no program: name a SCRIPT, -m MODULE or -c CODE"),
        (["-o", "out"], "no program: name a SCRIPT, -m MODULE or -c CODE"),
        (["-m"], "argument -m: expected one argument"),
        (["-c"], "argument -c: expected one argument"),
        (["-o", "-m", "app.py"], "argument -o/--output: expected one argument"),
        (["-o"], "argument -o/--output: expected one argument"),
        (["--colour", "app.py"], "unrecognized arguments: --colour"),
        (["--form", "jsonl", "app.py"], "unrecognized arguments: --form"),
        (["--format", "xml", "app.py"], "argument --format: invalid choice: 'xml'"),
        (["--events", "lin", "app.py"], "there is no event 'lin' (did you mean 'line'?); events"),
    ],
)
def test_wrong_usage_is_said_in_a_line_and_exits_with_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    write(tmp_path, {"app.py": "print('ran')"})

    outcome = watch(*arguments, cwd=tmp_path)

    usage, error = outcome.stderr.splitlines()
    assert (outcome.code, outcome.stdout, usage) == (2, "", USAGE)
    assert error.startswith("codetracer watch: error: ")
    assert message in error


def test_without_arguments_the_help_is_shown_and_the_exit_code_is_2(tmp_path: Path) -> None:
    outcome = execute("-m", "codetracer", cwd=tmp_path)

    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("usage: codetracer ")
    assert "watch" in outcome.stderr


def test_the_name_that_watch_had_is_answered_with_what_there_is_now(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "print('ran')"})

    outcome = execute("-m", "codetracer", "trace", "-o", "out", "app.py", cwd=tmp_path)

    error = outcome.stderr.splitlines()[-1]
    assert (outcome.code, outcome.stdout) == (2, "")
    assert error.startswith("codetracer: error: there is no command 'trace': ")
    assert "`codetracer watch`" in error
    assert "`codetracer record`" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["watch", "--help"]])
def test_help_goes_to_standard_output(arguments: list[str], tmp_path: Path) -> None:
    outcome = execute("-m", "codetracer", *arguments, cwd=tmp_path)

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("usage: codetracer ")


def test_the_version_names_codetracer_and_cpython(tmp_path: Path) -> None:
    outcome = execute("-m", "codetracer", "--version", cwd=tmp_path)

    release = execute("-V", cwd=tmp_path).stdout.split()[1]
    which = f"CPython {release}, {codetracer.backend()} callbacks"
    assert outcome == (0, f"codetracer {codetracer.__version__} ({which})\n", "")


def test_a_wrong_policy_in_the_environment_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "print('ran')"})

    outcome = watch("app.py", cwd=tmp_path, environ={"CODETRACER_ON_RECORDER_ERROR": "maybe"})

    assert (outcome.code, outcome.stdout) == (2, "")
    prefix = "codetracer: error: [ERR_INVALID_POLICY_VALUE] CODETRACER_ON_RECORDER_ERROR is 'maybe'"
    assert outcome.stderr.startswith(prefix)
    assert outcome.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_conflict_with_other_tools_is_told_and_the_program_does_not_run(tmp_path: Path) -> None:
    taken = "import sys\nfor slot in 3, 4, 5: sys.monitoring.use_tool_id(slot, f'tool {slot}')"
    write(tmp_path, {"app.py": "print('ran')", "start/sitecustomize.py": taken})
    path = ":".join(map(str, [tmp_path / "start", *SOURCES]))

    outcome = watch("app.py", cwd=tmp_path, environ={"PYTHONPATH": path})

    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("codetracer: error: [ERR_TRACER_INSTALL_CONFLICT] no free")
    assert "tool 3" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_errors_are_json_too_where_the_policy_says_so(tmp_path: Path) -> None:
    outcome = watch("-o", "no/out", "app.py", cwd=tmp_path, environ={"CODETRACER_JSON_ERRORS": "1"})

    text, json_line = outcome.stderr.splitlines()
    assert text.startswith("codetracer: error: [ERR_IO] ")
    assert '"error_code": "ERR_IO"' in json_line


@pytest.mark.slow
def test_nothing_is_said_on_standard_output_when_there_is_no_standard_error(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "print('ran')"})
    shell = "import os, sys; os.close(2); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"

    def run(*arguments: str) -> tuple[int, str]:
        command = ("-c", shell, "-m", "codetracer", "watch", *arguments)
        return execute(*command, cwd=tmp_path)[:2]

    assert run("app.py") == (1, "")
    assert run("-o", "out", "app.py") == (0, "ran\n")
    assert run("-o", "out", "none.py") == (2, "")


@pytest.mark.fresh
def test_a_backend_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    outcome = watch("-c", "1", cwd=tmp_path, environ={"CODETRACER_BACKEND": "rust"})

    assert outcome.code == 2
    assert outcome.stderr.startswith("codetracer: error: [ERR_INVALID_POLICY_VALUE] CODETRACER_")


@pytest.mark.slow
def test_the_console_script_that_started_us_is_no_part_of_the_program(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "codetracer"
    script.parent.mkdir()
    script.write_text("import sys\nfrom codetracer.cli import main\nsys.exit(main())\n")

    outcome = execute(str(script), "watch", "--events", "all", "-c", "1 / 0", cwd=tmp_path)

    assert outcome.code == 1
    assert "<string>:1" in outcome.stderr
    assert "bin/codetracer" not in outcome.stderr
