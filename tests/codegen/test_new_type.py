"""One row in the spec is a whole readable type: both engines read it, the reference has it."""

import shutil
from pathlib import Path

import pytest

from codetracer.monitoring.backend import BACKENDS, VARIABLE
from tests.support.project import ROOT, Project, run_python

TYPES = "spec/types.toml"
DIALECT = """
[[type]]
name = "_csv.Dialect"
form = "value"
attributes = ["delimiter", "doublequote"]
summary = "How fields are parted and quoted."
setup = 'import csv'
example = 'csv.reader([]).dialect'
shown = "Dialect(delimiter=',', doublequote=True)"
"""
PROGRAM = "import csv\ndialect = csv.reader([]).dialect\npass\n"


@pytest.fixture(scope="module")
def before() -> dict[str, bytes]:
    return {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, before: dict[str, bytes]) -> Project:
    project = Project(tmp_path_factory.mktemp("new"), whole=True)
    project.write(project.read(TYPES) + DIALECT, TYPES)
    before.update(project.tree())
    done = project.codegen("generate")
    assert (done.returncode, done.stderr) == (0, "")
    return project


@pytest.mark.slow
def test_a_new_type_changes_generated_files_and_no_other(
    project: Project, before: dict[str, bytes]
) -> None:
    after = project.tree()

    changed = {file for file in before.keys() | after.keys() if before.get(file) != after.get(file)}

    assert changed == {"generated/codetracer_bindings/types.py", "generated/types.md"}
    assert (
        "| `_csv.Dialect` | `csv.reader([]).dialect` | `Dialect(delimiter=',', doublequote=True)` |"
    ) in project.read("generated/types.md")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_both_engines_read_a_new_type_as_its_row_says(
    project: Project, tmp_path: Path, backend: str
) -> None:
    if backend == "native":
        bindings = "generated/codetracer_bindings"
        for binary in (ROOT / bindings).glob("*.so"):
            shutil.copy(binary, project.root / bindings)
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    out = str(tmp_path / "out")

    def codetracer(root: Path, *arguments: str) -> str:
        done = run_python("-m", "codetracer", *arguments, root=root, variables={VARIABLE: backend})
        assert done.returncode == 0, done.stderr
        return done.stdout

    codetracer(project.root, "record", "-q", "-o", out, str(tmp_path / "app.py"))
    shown = codetracer(project.root, "show", "--variable=dialect", out)
    codetracer(ROOT, "record", "-q", "-o", f"{out}-without", str(tmp_path / "app.py"))

    without = codetracer(ROOT, "show", "--variable=dialect", f"{out}-without")

    assert "Dialect(delimiter=',', doublequote=True)" in shown
    assert "Dialect" in without
    assert "Dialect(delimiter" not in without
