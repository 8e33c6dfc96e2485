"""Mistakes in spec/filters/."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.__main__ import main
from tests.support.project import Project

DEFAULT = "spec/filters/default.toml"
SECRETS = "spec/filters/secrets.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "row", "key", "problem"),
    [
        (DEFAULT, "\nexec = ", "\nexce = ", "scope", "rules.0.exce", "unknown key; did you mean"),
        (DEFAULT, "file:glob:", "file:blog:", "scope", "rules.0.selector", "does not match"),
        (DEFAULT, 'exec = "skip"', 'exec = "hop"', "scope", "rules.0.exec", "Input should be"),
        (DEFAULT, "version = 1", "version = 2", "meta", "version", "Input should be 1"),
        (
            SECRETS,
            '\nthen = "anything"',
            '\nthen = "nought"',
            "secret in row 1",
            "then",
            "Input should be",
        ),
        (SECRETS, '"pwd"', '"Pwd"', "secret in row 3", "names.0", "does not match"),
        (SECRETS, '"pwd"', '"pw"', "secret in row 3", "names", "'pw' is there twice"),
        (SECRETS, '"pwd"', '"secret"', "secret in row 3", "names", "'secret' is in a row above"),
        (SECRETS, '"values"', '"fields"', "addition in row 1", "names", "is a harmless last word"),
        (SECRETS, 'place = "last"', 'place = "end"', "harmless in row 1", "place", "Input should"),
    ],
)
def test_a_mistake_is_one_message_with_file_and_key(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    old: str,
    new: str,
    row: str,
    key: str,
    problem: str,
) -> None:
    project = Project(tmp_path)
    project.edit(old, new, file)

    status = main(["--root", str(project.root), "generate"])

    stdout, message = capsys.readouterr()
    assert (status, stdout, message.count("\n")) == (1, "", 1)
    assert message.startswith(f"codegen: {file}: {row}")
    assert f"key '{key}'" in message
    assert problem in message


def test_a_filter_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path)
    (project.root / DEFAULT).unlink()

    assert main(["--root", str(project.root), "generate"]) == 1
    assert f"{DEFAULT}: no such file" in capsys.readouterr().err
