"""A recording agrees at each step with a full snapshot of all variables and objects."""

import ast
from pathlib import Path

import pytest

from tests.support.recordings import BACKENDS, FULL, Step, naive_steps, record, record_steps, steps
from tests.support.running import ROOT, write
from tests.support.snapshot_programs import PROGRAMS

FILES = {f"{name.replace(' ', '_')}.py": text for name, text in PROGRAMS.items()}
ALL = "".join(f"import {name[:-3]}\n" for name in FILES)


@pytest.fixture(scope="module")
def naive(tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    folder = tmp_path_factory.mktemp("naive")
    write(folder, FILES)
    return naive_steps(folder, ALL)


@pytest.fixture(scope="module", params=BACKENDS)
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Step]:
    folder = tmp_path_factory.mktemp("recorded")
    write(folder, FILES)
    return record_steps(folder, ALL, *FULL, backend=request.param)


def of_file(steps: list[Step], file: str) -> dict[str, list[Step]]:
    """Return the steps of each thread; which of them goes first is nobody's business."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        if step.file == file:
            found.setdefault(step.thread, []).append(step)
    return found


@pytest.mark.parametrize("file", FILES)
def test_the_variables_at_every_step_are_those_of_a_full_snapshot(
    naive: list[Step], recorded: list[Step], file: str
) -> None:
    true, found = of_file(naive, file), of_file(recorded, file)

    assert true
    assert found.keys() == true.keys()
    for thread, expected in true.items():
        assert [step[:4] for step in found[thread]] == [step[:4] for step in expected]
        wrong = [(a, b) for a, b in zip(expected, found[thread], strict=True) if a != b]
        assert wrong == []


@pytest.mark.slow
def test_with_the_usual_limits_a_small_program_is_recorded_whole_too(tmp_path: Path) -> None:
    program = PROGRAMS["recursion"]

    assert record_steps(tmp_path, program) == naive_steps(tmp_path, program)


@pytest.mark.slow
def test_an_object_at_the_address_of_another_that_is_gone_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    # CPython's free lists give the address of the list before the last to each new one.
    program = """
class Box:
    pass
box = Box()
for i in range(6):
    box.held = [[[i]]]
    box.held = ((i, [[i]]),)
    box.held[0][1].append([[[i + 1]]])
"""
    for backend in BACKENDS:
        folder = tmp_path / backend
        folder.mkdir()
        assert record_steps(folder, program, *FULL, backend=backend) == naive_steps(folder, program)


@pytest.mark.slow
def test_a_step_that_is_wrong_is_found(tmp_path: Path) -> None:
    program = "x = [1]\nx.append([2])\npass\n"
    record(tmp_path, program)
    naive = naive_steps(tmp_path, program)

    first, second, third = steps(tmp_path / "out")

    assert [first, second, third] == naive
    assert third.globals["x"][4] == [
        ["int", "1"],
        ["object", 1, "list", "list", [["int", "2"]], {}],
    ]
    for other in ("x = [1]\nx.append([3])\npass\n", "x = [1]\nx.append(x)\npass\n"):
        assert naive_steps(tmp_path, other)[2] != third


def test_the_snapshots_owe_nothing_to_codetracer() -> None:
    tree = ast.parse((ROOT / "tests/support/oracle.py").read_text(encoding="utf-8"))

    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }

    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert not any(name.startswith("codetracer") for name in imported)
