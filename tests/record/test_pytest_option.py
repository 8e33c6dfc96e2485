"""`codetracer record --pytest`: the tests are recorded, pytest and its plugins are not."""

import os
import re
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent
from tests.support.recorded import functions, record
from tests.support.running import trace_environ, write

pytestmark = pytest.mark.slow


def test_pytest_is_run_by_its_option_and_leaves_itself_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "test_app.py": "from app import double\ndef test_it():\n    assert double(2) == 4\n"
            "def test_other():\n    assert double(2) == 5\n",
            "app.py": "def double(n):\n    return 2 * n\n",
        },
    )

    outcome = record(tmp_path, "-o", "out", "--pytest", "-q", "-p", "no:cacheprovider")

    assert outcome.code == 1
    assert "1 failed, 1 passed" in outcome.stdout
    assert outcome.stderr.startswith("codetracer: recorded ")
    called = [
        event.frame.code
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, CallEvent)
    ]
    own = [code.short_name for code in called if code.path.startswith(str(tmp_path))]
    assert own == ["<module>", "<module>", "test_it", "double", "test_other", "double"]
    assert not [code for code in called if "/_pytest/" in code.path]


PYTEST_PROJECT = {
    "test_app.py": """
from hypothesis import given, settings, strategies
from app import double
from packaging import pack

@settings(max_examples=3, database=None)
@given(strategies.integers())
def test_it(n): assert double(n) == pack(n)
def test_other(mine): assert double(mine) == 5
""",
    "app.py": "def double(n):\n    return 2 * n\n",
    "packaging/__init__.py": "def pack(n):\n    return n + n\n",
    "pytest_mine.py": "import pytest\n@pytest.fixture\ndef mine(): return 2\n",
    "site-packages/pytest_yours.py": "def pytest_report_header(config): return 'yours'\n",
}
"""A project with a package of a name that pytest uses, its own plugin, and an installed one."""

PYTEST = ("--pytest", "-q", "--color=yes", "-p", "no:cacheprovider", "-p", "pytest_mine")

INSTALLED_FILTER = """
[meta]
name = "mine"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
[[scope.rules]]
selector = 'pkg:regex:^(pytest_yours|hypothesis\\.core)$'
exec = "trace"
"""


def recorded_files(trace: Path) -> set[str]:
    """Return the paths of what was called in a complete trace, from its site-packages on."""
    read = codetracer.read(trace)
    assert read.complete, read.problem
    paths = {event.frame.code.path for event in read if isinstance(event, CallEvent)}
    return {path.partition("/site-packages/")[2] or path for path in paths}


def test_pytest_leaves_out_hypothesis_and_helpers_and_keeps_what_the_project_has(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, PYTEST_PROJECT)

    outcome = record(
        tmp_path, "-o", "out", *PYTEST, "test_app.py", environ={"CODETRACER_BACKEND": backend}
    )

    assert "1 failed" in outcome.stdout, outcome
    files = recorded_files(tmp_path / "out")
    own = ("test_app.py", "app.py", "packaging/__init__.py", "pytest_mine.py")
    assert {str(tmp_path / name) for name in own} <= files
    helpers = re.compile("_?(pytest|hypothesis|pygments|pluggy|packaging|sortedcontainers)")
    assert not list(filter(helpers.match, files))
    assert functions(tmp_path / "out").count("pack") >= 3


def test_a_project_filter_records_an_installed_plugin_and_hypothesis_again(
    tmp_path: Path, backend: str
) -> None:
    files = {".codetracer/trace-filter.toml": INSTALLED_FILTER}
    write(tmp_path, PYTEST_PROJECT | files)
    path = os.pathsep.join((str(tmp_path / "site-packages"), trace_environ()["PYTHONPATH"]))
    environ = {"CODETRACER_BACKEND": backend, "PYTHONPATH": path}
    arguments = (*PYTEST, "-p", "pytest_yours", "test_app.py")

    record(tmp_path, "-o", "with", *arguments, environ=environ)
    (tmp_path / ".codetracer/trace-filter.toml").unlink()
    record(tmp_path, "-o", "without", *arguments, environ=environ)

    added = recorded_files(tmp_path / "with") - recorded_files(tmp_path / "without")
    assert added == {"pytest_yours.py", "hypothesis/core.py"}
