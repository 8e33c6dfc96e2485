"""A mistake in spec/index.toml is one message with file, row, line and key; nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.__main__ import main
from tests.support.project import Project

INDEX = "spec/index.toml"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'name = "segment_header"',
            'name = "segment"',
            "there must be index_header and segment_header",
        ),
        (
            'name = "postings"\nrow',
            'name = "places"\nrow',
            "postings stands where places should",
        ),
        ('name = "rows", type', 'name = "count", type', "count is a method of tuples"),
        (
            'name = "call"\nnumber = 6',
            'name = "call"\nnumber = 5',
            "call or its number is there already",
        ),
        ('type = "s16"', 'type = "u16"', "type"),
        ("blocks = 128", "blocks = 0", "blocks"),
    ],
)
def test_a_mistake_is_one_message_that_names_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, problem: str
) -> None:
    project = Project(tmp_path)
    project.edit(old, new, INDEX)
    before = project.tree()

    status = main(["--root", str(project.root), "generate"])

    stdout, message = capsys.readouterr()
    assert (status, stdout, message.count("\n")) == (1, "", 1)
    assert message.startswith(f"codegen: {INDEX}: ")
    assert problem in message
    assert project.tree() == before
