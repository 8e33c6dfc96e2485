"""The generated bindings are complete, in the order of the spec, and say what the spec says."""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

import codetracer_bindings
from codegen.core.load import load_spec
from codegen.core.rows import version_key
from codegen.events.model import EventsSpec
from codegen.observe.observation import load_observations
from codetracer_bindings import callbacks
from codetracer_bindings.events import EVENT_NAMES, EVENTS, MonitoringEvents
from codetracer_bindings.registration import CALLBACK_SPECS, enabled_specs
from codetracer_bindings.tracer import TracerBase
from tests.support.project import LIVE_EVENTS, ROOT

SPEC = load_spec(EventsSpec, ROOT)
BINDINGS = [
    f"codetracer_bindings.{module.name}"
    for module in pkgutil.iter_modules(codetracer_bindings.__path__)
    if not module.name.startswith("_")  # in C: test_native_build.py
]
PUBLIC_MODULES = ["codetracer", "codetracer.monitoring", "codetracer.errors", *BINDINGS]
CODE = compile("", "<test>", "exec")


# ---------------------------------------------------------------- __all__


def public_names(module: ModuleType) -> set[str]:
    """Return the names that a module defines or, when it is a package, re-exports."""
    names: set[str] = set()
    for node in _statements(ast.parse(inspect.getsource(module)).body):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.TypeAlias(name=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(names=aliases) if hasattr(module, "__path__"):
                names |= {alias.asname or alias.name for alias in aliases}
    return {name for name in names if not name.startswith("_")} - {"TYPE_CHECKING"}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If):
            yield from _statements(
                [
                    stmt
                    for stmt in (*node.body, *node.orelse)
                    if not isinstance(stmt, ast.ImportFrom)
                ]
            )
        else:
            yield node


def isort_key(name: str) -> tuple[int, str]:
    """Constants first, then classes, then the rest: as ruff (RUF022) sorts `__all__`."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_the_bindings_are_the_modules_they_should_be() -> None:
    names = [name.rpartition(".")[2] for name in BINDINGS]

    assert names == [
        "builtin_filters",
        "callback_rows",
        "callbacks",
        "debug_protocol",
        "display",
        "display_rows",
        "effect_rows",
        "events",
        "index_format",
        "own",
        "registration",
        "secret_names",
        "trace_alone",
        "trace_decoder",
        "trace_decoding",
        "trace_encoder",
        "trace_encoding",
        "trace_format",
        "trace_letters",
        "trace_numbers",
        "trace_reading",
        "trace_texts",
        "tracer",
        "types",
    ]


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_all_is_complete_sorted_and_true(name: str) -> None:
    module = importlib.import_module(name)

    exported: list[str] = module.__all__

    assert set(exported) == public_names(module)
    assert exported == sorted(exported, key=isort_key)
    assert len(set(exported)) == len(exported)
    for each in exported:
        getattr(module, each)


# ---------------------------------------------------------------- events


def test_events_have_the_ids_of_the_running_interpreter_in_the_order_of_the_spec() -> None:
    in_spec = [event.name for event in SPEC.event]

    assert list(EVENT_NAMES) == in_spec
    assert list(EVENTS) == [(name, LIVE_EVENTS[name]) for name in in_spec if name in LIVE_EVENTS]


def test_an_event_that_this_interpreter_lacks_is_0() -> None:
    lacking = [event.name for event in SPEC.event if event.name not in LIVE_EVENTS]

    assert lacking == ([] if sys.version_info >= (3, 14) else ["BRANCH_LEFT", "BRANCH_RIGHT"])
    assert [getattr(EVENTS, name) for name in lacking] == [0] * len(lacking)


def test_events_take_no_other_name() -> None:
    with pytest.raises(AttributeError):
        MonitoringEvents().TELEPORT = 1  # type: ignore[attr-defined]


# ---------------------------------------------------------------- registration


def test_callback_specs_are_the_rows_of_the_spec_in_their_order() -> None:
    assert [
        (
            spec.event,
            spec.handler,
            list(spec.parameters),
            spec.enabled_by,
            spec.disable_since,
            spec.shares_slots_with,
            spec.bind,
        )
        for spec in CALLBACK_SPECS
    ] == [
        (
            event.name,
            event.handler,
            event.arguments,
            event.ancillary_of or event.name,
            version_key(event.disable_since) if event.disable_since else None,
            tuple(event.shares_slots_with),
            f"bind_{event.name.lower()}",
        )
        for event in SPEC.event
    ]


def test_a_callback_spec_knows_its_live_id_and_what_must_be_set_for_it() -> None:
    for spec in CALLBACK_SPECS:
        assert spec.id == LIVE_EVENTS.get(spec.event, 0)
        enabling = "CALL" if spec.event in ("C_RETURN", "C_RAISE") else spec.event
        assert spec.mask == LIVE_EVENTS.get(enabling, 0)


def test_enabled_specs_are_those_of_the_mask_and_no_others() -> None:
    mask = EVENTS.RAISE | EVENTS.PY_START | EVENTS.BRANCH_LEFT

    found = [spec.event for spec in enabled_specs(mask)]

    assert found == [
        "PY_START",
        *(["BRANCH_LEFT"] if sys.version_info >= (3, 14) else []),
        "RAISE",
    ]


# ---------------------------------------------------------------- handlers and callbacks


def test_there_is_one_handler_for_each_event_and_no_other() -> None:
    handlers = [name for name in vars(TracerBase) if name.startswith("on_")]

    assert handlers == [event.handler for event in SPEC.event]
    assert handlers[:3] == ["on_py_start", "on_py_resume", "on_py_return"]


@pytest.mark.parametrize("event", SPEC.event, ids=lambda event: event.name)
def test_a_handler_takes_the_arguments_of_its_event_by_position_and_does_nothing(
    event: Any,
) -> None:
    handler = getattr(TracerBase, event.handler)

    signature = inspect.signature(handler)
    outcome = handler(TracerBase(), *[None] * len(event.arguments))

    taken = list(signature.parameters.values())[1:]
    assert [parameter.name for parameter in taken] == event.arguments
    assert [parameter.annotation for parameter in taken] == [
        SPEC.argument[name].type for name in event.arguments
    ]
    assert {parameter.kind for parameter in taken} == {inspect.Parameter.POSITIONAL_ONLY}
    assert signature.return_annotation == "CallbackOutcome"
    assert outcome is None


@pytest.mark.parametrize("event", SPEC.event, ids=lambda event: event.name)
def test_a_handlers_docstring_tells_the_event_its_versions_and_its_arguments(event: Any) -> None:
    doc = inspect.cleandoc(getattr(TracerBase, event.handler).__doc__ or "")

    summary, facts = doc.split("\n\n")[:2]
    assert summary == event.summary
    assert facts.startswith(f"{event.name}, since CPython {event.since}")
    assert ("deprecated since" in facts) == (event.deprecated is not None)
    for name in event.arguments:
        assert f"\n    {name}: " in doc


@pytest.mark.parametrize("event", SPEC.event, ids=lambda event: event.name)
def test_a_bound_callback_hands_arguments_over_and_guards_the_handler(event: Any) -> None:
    received: list[object] = []
    error = KeyError("the handler's")
    outcomes: list[object] = [None, "an outcome", error]

    def handler(*arguments: object) -> object:
        received.append(arguments)
        outcome = outcomes[len(received) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def on_error(name: str, raised: Exception) -> bool:
        received.append((name, raised))
        return False

    def on_outcome(name: str, code: CodeType, outcome: object) -> object:
        return name, code, outcome

    callback = getattr(callbacks, f"bind_{event.name.lower()}")(handler, on_error, on_outcome)
    arguments = (CODE, *range(1, len(event.arguments)))

    results = [callback(*arguments) for _ in outcomes]

    assert callback.__name__ == f"{event.name.lower()}_callback"
    assert results == [None, (event.name, CODE, "an outcome"), None]
    assert received == [arguments, arguments, arguments, (event.name, error)]


# ---------------------------------------------------------------- the reference page


def test_the_reference_has_a_section_for_each_event_with_what_each_cpython_did() -> None:
    page = Path(ROOT / "generated/events.md").read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in page.split("\n## ")[1:])

    assert list(sections) == [
        "The arguments of handlers",
        *(event.name for event in SPEC.event),
        "sys.monitoring",
        "What changed",
    ]
    for event in SPEC.event:
        assert event.summary in sections[event.name]
        for note in event.notes:
            assert note in sections[event.name]
        for observation in load_observations(ROOT):
            seen = observation.event.get(event.name)
            cells = f"{seen.id} | {', '.join(seen.types)} | {seen.disable_global} |" if seen else ""
            assert f"\n| {observation.release} | {cells}" in sections[event.name]
