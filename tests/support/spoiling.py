"""Mistakes in a copy of the project, and what the spec compiler says of them."""

from collections.abc import Callable

import pytest

from codegen.__main__ import main
from tests.support.project import Project

type Spoil = Callable[[Project], object]
"""Makes a mistake in a copy."""


def generate_in_vain(project: Project, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one message of a `generate` that fails, and has changed nothing.

    In this process, because there are many; `tests.codegen.test_errors` has how a process of its
    own ends.
    """
    before = project.tree()
    status = main(["--root", str(project.root), "generate"])
    stdout, message = capsys.readouterr()
    assert (status, stdout, message.count("\n")) == (1, "", 1)
    assert project.tree() == before
    return message
