"""The installed package is typed: a tool's author may run mypy --strict and pyright on it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.company import type_checkers
from tests.support.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]

TOOL = """
from types import CodeType

from codetracer import DISABLE, CallbackOutcome, EventSet, MonitoringEvents, Tracer, installed


class Lines(Tracer):
    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()

    def interest(self, events: MonitoringEvents, /) -> EventSet:
        return events.LINE

    def on_line(self, code: CodeType, line: int) -> CallbackOutcome:
        self.lines.add((code.co_filename, line))
        return DISABLE


with installed(Lines()) as lines:
    print(lines.lines)
"""

CHECKERS = {
    "mypy": ("mypy", "--strict", "--no-incremental", "--python-executable"),
    "pyright": ("pyright", "--level", "error", "--pythonpath"),
}

each_checker = pytest.mark.parametrize("checker", CHECKERS)


def check(checker: str, binaries: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """Run a checker, which has a folder of its own, on a file for an environment."""
    return subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker], str(binaries / "python"), file.name],
        cwd=file.parent,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        | {"PYTHONPATH": str(type_checkers())},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(300)
@each_checker
def test_a_tool_with_typed_handlers_passes_strict_checks_against_the_installed_wheel(
    checker: str, installed: Path, tmp_path: Path
) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text(f"# pyright: strict\n{TOOL}", encoding="utf-8")

    done = check(checker, installed, tool)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
@each_checker
def test_the_installed_wheel_tells_right_from_wrong_as_the_source_tree_does(
    checker: str, installed: Path, tmp_path: Path
) -> None:
    # A mistake that is not refused is a needless "type: ignore", which is an error too.
    cases = Path(shutil.copy(ROOT / "tests/support/typing_cases.py", tmp_path / "cases.py"))

    done = check(checker, installed, cases)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
@each_checker
def test_a_handler_with_a_wrong_type_is_refused_by_name(
    checker: str, installed: Path, tmp_path: Path
) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text(TOOL.replace("line: int", "line: str"), encoding="utf-8")

    done = check(checker, installed, tool)

    assert done.returncode == 1
    assert "on_line" in done.stdout
