"""The engine in C reports a plan that lacks something, and keeps nothing of what it has read."""

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import pytest

from codetracer.runtime.engine import code_reader
from codetracer.runtime.plans import Variable
from codetracer.runtime.values import ALLOW
from codetracer_bindings.trace_format import DETAIL_VALUES
from tests.support.recordings import NATIVE

TOOL = 4

read_code = code_reader()

pytestmark = pytest.mark.only_where(NATIVE)


def function(argument: int) -> None:
    pass


def whole_plan() -> SimpleNamespace:
    """Return a plan as `codetracer.runtime.plans.Plan` has it, of one variable, a parameter."""
    variable = Variable(0, "argument", ALLOW, is_global=False)
    return SimpleNamespace(
        number=0,
        kind=0,
        first_line=1,
        beginning=0,
        parameters=[variable],
        variables=[variable],
        locals=1,
        in_slots=True,
        name="function",
        makes=False,
        gathers=False,
        detail=DETAIL_VALUES,
        lines=read_code(function.__code__),
        everything=[(variable, 0)],
        return_action=ALLOW,
        attributes={},
    )


class Plans:
    """Gives one plan for any code."""

    def __init__(self, plan: object) -> None:
        self.plan = plan

    def make(self, code: CodeType, module: object) -> object:
        return self.plan

    def starts(self, code: CodeType) -> bool:
        return False


def begin(plan: object, folder: Path) -> None:
    """Report that a function begins to an engine that has this plan for it."""
    compiled = import_module("codetracer_bindings._engine")
    engine: Any = compiled.Engine(
        log=compiled.LogWriter(str(folder / "log"), bytes(16), 1, 1, OSError),
        **dict.fromkeys(("gate", "say", "parts", "urls", "clock", "layout_of")),
        plans=Plans(plan),
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


PARTS: dict[str, Callable[[Any], object]] = {
    "plan": lambda plan: plan,
    "variable": lambda plan: plan.variables[0],
}
NAMES = {
    "variable": ["name", "number", "is_global", "is_around", "action"],
    "plan": [*vars(whole_plan())],
}


@pytest.mark.parametrize(
    ("part", "missing"), [(part, name) for part, names in NAMES.items() for name in names]
)
def test_a_part_of_a_plan_that_lacks_an_attribute_is_an_error_that_names_it(
    part: str, missing: str, tmp_path: Path
) -> None:
    plan = whole_plan()
    delattr(PARTS[part](plan), missing)

    with pytest.raises(AttributeError, match=f"'{missing}'"):
        begin(plan, tmp_path)


@pytest.mark.parametrize("wrong", ["parameters", "variables", "everything"])
def test_a_plan_with_no_list_where_one_belongs_is_an_error(wrong: str, tmp_path: Path) -> None:
    plan = whole_plan()
    setattr(plan, wrong, 7)

    with pytest.raises(SystemError):
        begin(plan, tmp_path)


def test_a_plan_whose_lines_were_not_read_is_an_error(tmp_path: Path) -> None:
    plan = whole_plan()
    plan.lines = {1: 7}

    with pytest.raises(TypeError, match="CodeReading"):
        begin(plan, tmp_path)


def test_a_plan_with_other_variables_than_its_code_is_an_error(tmp_path: Path) -> None:
    plan = whole_plan()
    plan.lines = read_code(begin.__code__)

    with pytest.raises(SystemError, match="other variables"):
        begin(plan, tmp_path)


@pytest.mark.slow
def test_nothing_is_kept_of_a_plan_that_lacks_something(tmp_path: Path) -> None:
    plan = whole_plan()
    name = plan.variables[0].name
    del plan.attributes
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()

    def fail(folder: str) -> None:
        with pytest.raises(AttributeError):
            begin(plan, tmp_path / folder)
        gc.collect()

    fail("first")
    before = sys.getrefcount(name), sys.getrefcount(plan.lines)
    fail("second")

    assert (sys.getrefcount(name), sys.getrefcount(plan.lines)) == before
