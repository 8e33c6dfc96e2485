"""examples/branches.py: what coverage.py reports of lines and branches, and free once covered."""

import os
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

from codetracer import Monitor, PathFilter
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from examples.branches import Branches
from tests.support.awkward_branches import AWKWARD
from tests.support.branch_programs import DRIVER, USES
from tests.support.project import ROOT

EXAMPLE = str(ROOT / "examples/branches.py")


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # coverage.py's core for branches on every version: it is called for each line.
    known = {"COVERAGE_CORE": "ctrace", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'generated'}"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | known | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


def reported(text: str) -> dict[str, str]:
    """Return the rows of a report by the names of files, and that of the total."""
    rows = [line.split(maxsplit=1) for line in text.splitlines() if "%" in line]
    return {name: " ".join(row.split()) for name, row in rows}


def theirs(folder: Path, program: str, include: list[str]) -> dict[str, str]:
    measured = run(
        folder, "-m", "coverage", "run", "--branch", f"--include={','.join(include)}", program
    )
    # It warns of modules that it has imported itself.
    assert measured.returncode == 0, measured.stderr
    return reported(run(folder, "-m", "coverage", "report", "--show-missing").stdout)


def ours(folder: Path, program: str, include: list[str], **variables: str) -> dict[str, str]:
    options = [option for glob in include for option in ("--include", glob)]
    measured = run(folder, EXAMPLE, *options, program, **variables)
    assert (measured.returncode, measured.stderr) == (0, "")
    return reported(measured.stdout)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("branches")
    (folder / "app.py").write_text(DRIVER, encoding="utf-8")
    (folder / "uses.py").write_text(f"USES = {USES!r}", encoding="utf-8")
    include = [f"*/{name.replace('.', '/')}.py" for name in USES]
    return [measure(folder, "app.py", include) for measure in (theirs, ours)]


@pytest.mark.slow
@pytest.mark.parametrize("name", USES)
def test_a_module_has_the_report_that_coverage_makes_of_it(
    name: str, both: list[dict[str, str]]
) -> None:
    rows = [
        row
        for report in both
        for path, row in report.items()
        if path.endswith(f"/{name.replace('.', '/')}.py")
    ]

    assert len(rows) == 2
    statements, missing, branches, partial, *_ = map(int, rows[0].split()[:4])
    assert 0 < missing < statements
    assert 0 < partial < branches
    assert rows[1] == rows[0]


@pytest.mark.slow
def test_nothing_else_is_reported(both: list[dict[str, str]]) -> None:
    assert both[1] == both[0]
    assert len(both[0]) == len(USES) + 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_awkward_code_has_the_report_that_coverage_makes_of_it(
    backend: str, tmp_path: Path
) -> None:
    (tmp_path / "awkward.py").write_text(AWKWARD, encoding="utf-8")
    (tmp_path / "app.py").write_text("import awkward\nawkward.main()\n", encoding="utf-8")

    found = ours(tmp_path, "app.py", ["*/awkward.py"], **{VARIABLE: backend})

    assert found == theirs(tmp_path, "app.py", ["*/awkward.py"])
    assert found.keys() == {"awkward.py", "TOTAL"}


@pytest.mark.slow
@pytest.mark.parametrize("how", [("app.py",), ("-m", "app")], ids=["script", "module"])
def test_the_program_has_its_arguments_its_output_and_its_exit_status(
    how: tuple[str, ...], tmp_path: Path
) -> None:
    app = "import sys, helper\nprint(sys.argv[1:], __name__)\nsys.exit(3)\nnever = 1\n"
    (tmp_path / "app.py").write_text(app, encoding="utf-8")
    (tmp_path / "helper.py").touch()

    done = run(tmp_path, EXAMPLE, *how, "-x", "y")

    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("['-x', 'y'] __main__\n")
    assert reported(done.stdout)["app.py"] == "4 1 0 0 75% 4"


@pytest.mark.slow
def test_an_exception_of_the_program_is_shown_and_reported_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("if len('a'):\n    1 / 0\nprint()\n", encoding="utf-8")

    done = run(tmp_path, EXAMPLE, "app.py")

    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert reported(done.stdout)["app.py"] == "3 1 2 1 60% 3"


def test_code_whose_branches_have_gone_both_ways_costs_nothing_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(values: list[int]) -> int:
        total = 0
        for value in values:
            if value > 1:
                total += value
        return total

    asked: list[CodeType] = []
    note = Branches._of

    def noted(self: Branches, code: CodeType) -> object:
        asked.append(code)
        return note(self, code)

    monkeypatch.setattr(Branches, "_of", noted)
    with Monitor("branches").installed(Branches(PathFilter([__file__]))):
        work([1, 2])
        covered = asked.count(work.__code__)
        for _ in range(100):
            work([1, 2, 3])

    assert covered > 4
    assert asked.count(work.__code__) == covered
