"""spec/effects.toml: its mistakes, and that what it names exists."""

import importlib
import sys
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.core.load import load_spec
from codegen.effects.model import EffectsSpec
from tests.support.project import ROOT, Project

FILE = "spec/effects.toml"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('receiver = ["add_note"', 'receiver = ["__new__", "add_note"', "'__new__' is in nothing"),
        ('type = "tuple"', 'type = "list"', "list has a row above"),
        ('views = ["items"', 'views = ["itmes"', "'itmes' is not in nothing"),
        ('takes = ["getitem"', 'takes = ["getitme"', "'getitme' is not in nothing or arguments"),
        ('plain = ["getvalue"', 'plain = ["getvalu"', "'getvalu' is not in nothing or receiver"),
        ('module = "math"', 'modul = "math"', "unknown key; did you mean 'module'?"),
        ('arguments = ["Random.shuffle"', 'arguments = ["Random.gauss"', "is in another list, too"),
    ],
    ids=["twice", "two rows", "view", "takes", "plain", "key", "in Python"],
)
def test_a_mistake_is_one_message_that_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    project = Project(tmp_path)
    project.edit(old, new, FILE)

    status = main(["--root", str(project.root), "generate"])

    stdout, message = capsys.readouterr()
    assert (status, stdout, message.count("\n")) == (1, "", 1)
    assert message.startswith(f"codegen: {FILE}: ")
    assert said in message


def test_everything_that_is_named_exists() -> None:
    spec = load_spec(EffectsSpec, ROOT)
    missing = []
    for row in spec.method:
        module, _, name = row.type.rpartition(".")
        kind = getattr(importlib.import_module(module or "builtins"), name)
        names = (*row.nothing, *row.receiver)
        missing += [f"{row.type}.{name}" for name in names if not hasattr(kind, name)]
    for functions in spec.function:
        found = importlib.import_module(functions.module)
        names = (*functions.nothing, *functions.arguments)
        missing += [f"{functions.module}.{name}" for name in names if not hasattr(found, name)]
    for part in spec.python:
        place = importlib.import_module(part.module)
        names = (*part.nothing, *part.receiver, *part.arguments)
        missing += [f"{part.module}.{name}" for name in names if not has(place, name)]

    assert missing == [], sys.version


def has(place: object, name: str) -> bool:
    for part in name.split("."):
        place = getattr(place, part, None)
    return place is not None
