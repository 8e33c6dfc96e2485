"""`codetracer watch` shows the files of a real program that its options select."""

import zipfile
from pathlib import Path

import pytest

from tests.support.running import watch, watch_lines, write

pytestmark = pytest.mark.fresh


def files(directory: Path) -> set[str]:
    """Return the files in the trace ``out``."""
    lines = (directory / "out").read_text().splitlines()
    return {line.split()[0].rpartition(":")[0] for line in lines}


PROJECT = {
    "app.py": "import json, helper, installed\nfrom package import part\njson.dumps({})",
    "helper.py": "x = 1",
    "package/__init__.py": "",
    "package/part.py": "def f(): pass\nf()",
    "site-packages/installed.py": "x = 1",
}


def test_by_default_the_programs_own_files_are_shown_and_no_library(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    program = "import sys; sys.path.append('site-packages')\n" + PROJECT["app.py"]
    write(tmp_path, {"app.py": program})

    watch("-o", "out", "app.py", cwd=tmp_path)

    assert files(tmp_path) == {"app.py", "helper.py", "package/__init__.py", "package/part.py"}


@pytest.mark.slow
def test_include_shows_what_it_names_alone_libraries_too(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import json\nimport helper\njson.dumps({})", "helper.py": ""})

    watch("-o", "out", "--include", "json/enc*.py", "--include=helper.py", "app.py", cwd=tmp_path)

    shown = files(tmp_path)
    assert {name.rpartition("json/")[2] for name in shown} == {"encoder.py", "helper.py"}


@pytest.mark.slow
def test_exclude_takes_away_what_it_names(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import helper, package.part", **dict(list(PROJECT.items())[1:4])})

    watch("-o", "out", "--exclude", "package/*", "--exclude", "helper.py", "app.py", cwd=tmp_path)

    assert files(tmp_path) == {"app.py"}


@pytest.mark.slow
def test_a_module_of_a_library_is_shown_when_it_is_what_runs(tmp_path: Path) -> None:
    outcome = watch("-o", "out", "-m", "json.tool", cwd=tmp_path, stdin="[1]")

    assert outcome == (0, "[\n    1\n]\n", "")
    assert len(files(tmp_path)) == 1
    assert files(tmp_path).pop().endswith("json/tool.py")


@pytest.mark.slow
def test_what_runs_from_a_directory_of_libraries_is_shown(tmp_path: Path) -> None:
    write(tmp_path, {"site-packages/tool.py": "import other", "site-packages/other.py": "x = 1"})

    watch("-o", "out", "site-packages/tool.py", cwd=tmp_path)

    assert files(tmp_path) == {"tool.py"}


@pytest.mark.slow
def test_text_that_the_program_runs_is_shown_and_text_that_a_library_runs_is_not(
    tmp_path: Path,
) -> None:
    program = """
from collections import namedtuple
from dataclasses import dataclass
@dataclass
class Point:
    x: int
Pair = namedtuple('Pair', 'a b')
Point(1), Pair(1, 2)
spaces = {}
exec('def f(x): return x', spaces)
spaces['f'](3)
"""

    lines = watch_lines(tmp_path, program, "--events", "start")

    started = [line.split()[2] for line in lines if "__annotate__" not in line]
    assert started == ["<module>", "Point", "<module>", "f(x=3)"]


@pytest.mark.slow
def test_what_is_not_shown_is_silenced_for_good_and_exceptions_through_it_are_kept(
    tmp_path: Path,
) -> None:
    program = """
import json
class Stop(Exception): pass
def default(value): raise Stop
for i in range(2):
    try:
        json.dumps(object(), default=default)
    except Stop:
        print('stopped')
"""
    write(tmp_path, {"app.py": program})

    outcome = watch("-o", "out", "--events", "raise,unwind", "app.py", cwd=tmp_path)

    assert outcome == (0, "stopped\nstopped\n", "")
    events = [line.split()[:2] for line in (tmp_path / "out").read_text().splitlines()]
    assert events == [["app.py:4", "raise"], ["app.py:4", "unwind"], ["app.py:7", "raise"]] * 2


@pytest.mark.slow
def test_a_program_in_a_zip_file_is_shown(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", "import part")
        archive.writestr("part.py", "x = 1")

    watch("-o", "out", "app.zip", cwd=tmp_path)

    assert files(tmp_path) == {"__main__.py", "part.py"}
