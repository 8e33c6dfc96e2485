"""The engine in C reports a wrong outline of a plan, and keeps nothing of what it has read."""

import gc
import sys
from importlib import import_module
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import pytest

from codetracer.runtime.actions import ALLOW
from codetracer.runtime.engine import code_reader
from codetracer_bindings.trace_format import DETAIL_VALUES
from tests.support.recordings import NATIVE

TOOL = 4

read_code = code_reader()

pytestmark = pytest.mark.only_where(NATIVE)


def function(argument: int) -> None:
    pass


def whole_outline() -> dict[str, object]:
    """Return the parts of an outline as `codetracer.runtime.contract.Outline` has them, by name."""
    return {
        "source": 0,
        "detail": DETAIL_VALUES,
        "kind": 0,
        "first_line": 1,
        "beginning": 0,
        "in_slots": True,
        "gathers": False,
        "makes": False,
        "name": "function",
        "qualified": "function",
        "module": "app",
        "parameters": 1,
        "names": ["argument"],
        "global_names": [],
        "actions": bytes([ALLOW]),
        "return_action": ALLOW,
        "attributes": {},
        "reading": read_code(function.__code__),
    }


class Plans:
    """Gives one answer for any code."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def outline(self, code: CodeType, module: object) -> object:
        return self.answer


def begin(answer: object, folder: Path) -> None:
    """Report that a function begins to an engine that gets this answer about it."""
    compiled = import_module("codetracer_bindings._engine")
    engine: Any = compiled.Engine(
        log=compiled.LogWriter(str(folder / "log"), bytes(16), 1, 1, OSError),
        **dict.fromkeys(("gate", "say", "parts", "urls", "clock", "layout_of", "budget")),
        plans=Plans(answer),
        definitions=SimpleNamespace(out=[]),
        thread_name=str,
        builtins={},
        **dict.fromkeys(("depth", "items", "text", "objects"), 1),
        active=True,
        containers=(),
        iterators=(),
        formatters=False,
    )

    # A handler may be called in an event only: in 3.12 it takes the frame's object away.
    event = sys.monitoring.events.PY_START
    sys.monitoring.use_tool_id(TOOL, "half told")
    try:
        sys.monitoring.register_callback(TOOL, event, engine.on_py_start)
        sys.monitoring.set_local_events(TOOL, function.__code__, event)
        function(1)
    finally:
        sys.monitoring.set_local_events(TOOL, function.__code__, 0)
        sys.monitoring.register_callback(TOOL, event, None)
        sys.monitoring.free_tool_id(TOOL)


def begin_with(folder: Path, **changed: object) -> None:
    begin((False, whole_outline() | changed), folder)


def test_a_whole_outline_is_taken(tmp_path: Path) -> None:
    begin_with(tmp_path)


@pytest.mark.parametrize("name", whole_outline())
def test_an_outline_that_lacks_a_part_is_an_error(name: str, tmp_path: Path) -> None:
    parts = whole_outline()
    del parts[name]

    with pytest.raises(TypeError, match="outline"):
        begin((False, parts), tmp_path)


def test_an_outline_with_an_unknown_part_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="outline"):
        begin_with(tmp_path, more=1)


ANYTHING = {"in_slots", "gathers", "makes"}
"""Parts that may be anything: only their truth counts."""


@pytest.mark.parametrize("part", [name for name in whole_outline() if name not in ANYTHING])
def test_a_part_of_another_type_is_an_error(part: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        begin_with(tmp_path, **{part: ()})


@pytest.mark.parametrize("answer", [7, (), (False,), (False, 7), (False, [])])
def test_an_answer_that_has_no_outline_is_an_error(answer: object, tmp_path: Path) -> None:
    with pytest.raises((SystemError, IndexError, TypeError)):
        begin(answer, tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": b""},
        {"actions": bytes(2)},
        {"names": []},
        {"global_names": ["more"]},
        {"parameters": -1},
        {"parameters": 2},
    ],
    ids=str,
)
def test_an_outline_whose_counts_differ_is_an_error(
    wrong: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(SystemError, match=r"a plan has \d actions for \d variables"):
        begin_with(tmp_path, **wrong)


def test_an_outline_with_other_variables_than_its_code_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemError, match="other variables"):
        begin_with(tmp_path, reading=read_code(begin.__code__))


@pytest.mark.parametrize("wrong", ["names", "global_names"])
def test_a_name_that_is_no_text_is_an_error(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="name"):
        begin_with(tmp_path, **{"names": [], "actions": b"\0", "parameters": 0, wrong: [7]})


@pytest.mark.slow
def test_nothing_is_kept_of_an_outline_that_is_wrong(tmp_path: Path) -> None:
    outline = whole_outline() | {"reading": read_code(begin.__code__)}
    kept = [*outline.values()]
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()

    def fail(folder: str) -> None:
        with pytest.raises(SystemError):
            begin((False, outline), tmp_path / folder)
        gc.collect()

    fail("first")
    before = [sys.getrefcount(each) for each in kept]
    fail("second")

    assert [sys.getrefcount(each) for each in kept] == before
