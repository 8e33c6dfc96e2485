"""Mistakes in spec/types.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.__main__ import main
from tests.support.project import Project

TYPES = "spec/types.toml"

SLICE = '[[type]]\nname = "slice"\n'


def spoils(old: str, new: str) -> Callable[[Project], None]:
    def spoil(project: Project) -> None:
        _, _, row = project.read(TYPES).partition(SLICE)
        project.edit(SLICE + row, SLICE + row.replace(old, new, 1), TYPES)

    return spoil


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "key", "problem"),
    [
        (spoils("form =", "fomr = 1\nform ="), "fomr", "unknown key; did you mean 'form'?"),
        (
            spoils('"start"', '"start.stop()"'),
            "items",
            "'start.stop()': only the first step may be",
        ),
        (spoils('"start"', '"0"'), "items", "'0': the first step must not be a number"),
        (spoils('form = "value"', 'form = "vale"'), "form", "Input should be"),
        (spoils("example = '", "example = ')"), "example", "is not Python"),
        (spoils('"start"', '"@referent"'), "without_c", "must have the text without the engine"),
        (spoils("shown = ", 'without_c = ["a", "b"]\nshown = '), "without_c", "needs a text for"),
        (spoils("shown = ", 'change = "x"\nshown = '), "change", "changes the example and needs"),
        (spoils('"step?"]', ']\nattributes = ["*step"]'), "attributes", "only items may be spread"),
    ],
    ids=["key", "call", "number", "form", "example", "in_c", "texts", "change", "spread"],
)
def test_a_mistake_in_the_spec_is_one_message_with_row_line_and_key(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Project], None],
    key: str,
    problem: str,
) -> None:
    project = Project(tmp_path)
    line = project.read(TYPES).partition(SLICE)[0].count("\n") + 1
    spoil(project)
    before = project.tree()

    status = main(["--root", str(project.root), "generate"])

    stdout, message = capsys.readouterr()
    assert (status, stdout, message.count("\n")) == (1, "", 1)
    assert message.startswith(f"codegen: {TYPES}: type slice (row ")
    assert f"line {line}): key '{key}" in message
    assert problem in message
    assert project.tree() == before


def test_two_rows_for_one_type_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path)
    project.edit('name = "memoryview"', 'name = "slice"', TYPES)

    assert main(["--root", str(project.root), "generate"]) == 1
    assert "slice exists already" in capsys.readouterr().err
