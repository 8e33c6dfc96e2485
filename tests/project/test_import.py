"""Importing codetracer costs little: the standard library only, and little of that."""

import ast
from pathlib import Path

import pytest

from tests.support.project import run_python
from tests.support.recordings import NATIVE

OWN = {"codetracer", "codetracer_bindings"}
HEAVY = {
    "argparse",
    "asyncio",
    "contextlib",
    "dataclasses",
    "difflib",
    "enum",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "subprocess",
    "threading",
    "traceback",
    "typing",
}


def loaded_by(module: str) -> set[str]:
    """Return every module that a process has when it has imported `module` and nothing else.

    Without site, so that nothing an environment loads by itself hides what is imported.
    """
    done = run_python("-S", "-c", f"import sys, {module}; print(sorted(sys.modules))")
    assert done.stderr == ""
    return set(ast.literal_eval(done.stdout))


def standard_library() -> set[str]:
    done = run_python("-S", "-c", "import sys; print(sorted(sys.stdlib_module_names))")
    return set(ast.literal_eval(done.stdout))


@pytest.mark.parametrize("module", ["codetracer", "codetracer.monitoring.tracer"])
def test_importing_codetracer_loads_only_itself_and_the_standard_library(module: str) -> None:
    tops = {name.partition(".")[0] for name in loaded_by(module)}

    assert tops - standard_library() - {"__main__"} == OWN


def test_the_bindings_import_nothing_but_the_standard_library() -> None:
    tops = {name.partition(".")[0] for name in loaded_by("codetracer_bindings.registration")}

    assert tops - standard_library() - {"__main__"} == {"codetracer_bindings"}


def test_importing_codetracer_loads_none_of_the_modules_that_take_long() -> None:
    assert loaded_by("codetracer") & HEAVY == set()


def test_a_recorded_program_finds_little_loaded(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("import sys; print(sorted(sys.modules))", encoding="utf-8")

    done = run_python(
        "-S", "-m", "codetracer", "record", "-q", "-o", str(tmp_path / "out"), str(app)
    )

    # Each takes time, and is taken apart again at the end of every process that the program forks.
    unwanted = {
        "argparse",
        "hashlib",
        "_hashlib",
        "tomllib",
        "weakref",
    }
    if NATIVE:
        # The engine in Python.
        unwanted |= {"codetracer.runtime.events"}
    unwanted |= HEAVY | {"bisect", "codetracer.watch.tracer", "collections", "functools"}
    # What reads recordings.
    unwanted |= {
        f"codetracer_bindings.{name}" for name in ("_decoder", "_indexer", "trace_decoder")
    }
    assert set(ast.literal_eval(done.stdout)) & unwanted == set()


def test_the_spec_compiler_is_no_part_of_the_running_program() -> None:
    assert "codegen" not in loaded_by("codetracer")


def test_the_probe_runs_where_nothing_is_installed() -> None:
    tops = {name.partition(".")[0] for name in loaded_by("codegen.inside.event_observer")}

    assert tops - standard_library() - {"__main__"} == {"codegen"}
