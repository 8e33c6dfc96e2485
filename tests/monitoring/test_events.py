"""Handlers get exactly what the raw API delivers, in the same order."""

import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest

from codetracer import EventSet, Tracer, installed
from codetracer.monitoring import MonitoringEvents
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec
from tests.support.programs import PROGRAMS, compiled, run

SPECS = [spec for spec in CALLBACK_SPECS if spec.id]

type Stream = dict[int, list[tuple[object, ...]]]


def tracer_of(specs: list[CallbackSpec], record: Callable[..., None]) -> Tracer:
    """Return a tracer whose handlers, made as a user would write them, call `record`."""

    def handler(event: str) -> Callable[..., None]:
        def method(_self: Tracer, *arguments: object) -> None:
            record(event, *arguments)

        return method

    kind: Any = type("Recording", (Tracer,), {spec.handler: handler(spec.event) for spec in specs})
    return kind()  # type: ignore[no-any-return]


def recorder(stream: Stream, program: CodeType) -> Callable[..., None]:
    def record(event: str, *arguments: Any) -> None:
        code: CodeType = arguments[0]
        if code.co_filename == program.co_filename:
            stream[threading.get_ident()].append((event, *arguments))

    return record


class RawTool:
    """The events as sys.monitoring gives them to a tool that is written by hand."""

    def __init__(self, specs: list[CallbackSpec], record: Callable[..., None]) -> None:
        self.specs = specs
        self.record = record

    def __enter__(self) -> None:
        sys.monitoring.use_tool_id(0, "raw")
        mask = 0
        for spec in self.specs:
            callback = self._callback(spec.event)
            sys.monitoring.register_callback(0, spec.id, callback)
            mask |= spec.mask
        sys.monitoring.set_events(0, mask)

    def _callback(self, event: str) -> Callable[..., None]:
        return lambda *arguments: self.record(event, *arguments)

    def __exit__(self, *_: object) -> None:
        sys.monitoring.set_events(0, 0)
        for spec in self.specs:
            sys.monitoring.register_callback(0, spec.id, None)
        sys.monitoring.free_tool_id(0)


def same(left: tuple[object, ...], right: tuple[object, ...]) -> bool:
    return len(left) == len(right) and all(
        a is b or (type(a) is int and a == b) for a, b in zip(left, right, strict=True)
    )


def assert_same_streams(layer: Stream, raw: Stream) -> None:
    assert layer.keys() == raw.keys()
    for thread in raw:
        assert len(layer[thread]) == len(raw[thread])
        for one, other in zip(layer[thread], raw[thread], strict=True):
            assert same(one, other)


def without_shared_slots(specs: list[CallbackSpec]) -> list[CallbackSpec]:
    """Leave out BRANCH where it is an alias of other events, whose callbacks it would replace."""
    names = {spec.event for spec in specs}
    return [spec for spec in specs if not names.intersection(spec.shares_slots_with)]


# A second tool that uses INSTRUCTION takes the first one's callbacks away (gh-157900), so the two
# cannot watch the same run; its arguments are plain numbers, so two runs can be compared.
TOGETHER = [spec for spec in SPECS if spec.event != "INSTRUCTION"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_all_handlers_together_get_the_very_objects_the_raw_api_delivers(name: str) -> None:
    layer: Stream = defaultdict(list)
    raw: Stream = defaultdict(list)
    specs = without_shared_slots(TOGETHER)

    code = compiled(name)
    with installed(tracer_of(specs, recorder(layer, code))), RawTool(specs, recorder(raw, code)):
        outcome = run(code)

    assert outcome == run(compiled(name))
    assert sum(map(len, raw.values())) > 10
    assert_same_streams(layer, raw)


@pytest.mark.parametrize("spec", TOGETHER, ids=lambda spec: spec.event)
def test_each_handler_alone_gets_the_very_objects_the_raw_api_delivers(spec: CallbackSpec) -> None:
    events = 0
    for name in PROGRAMS:
        layer: Stream = defaultdict(list)
        raw: Stream = defaultdict(list)

        code = compiled(name)
        with (
            installed(tracer_of([spec], recorder(layer, code))),
            RawTool([spec], recorder(raw, code)),
        ):
            run(code)

        assert_same_streams(layer, raw)
        events += sum(map(len, raw.values()))
    assert events, f"no program fires {spec.event}"


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {"threads"}))
def test_instruction_handlers_get_what_the_raw_api_delivers(name: str) -> None:
    specs = [spec for spec in SPECS if spec.event == "INSTRUCTION"]
    layer: Stream = defaultdict(list)
    raw: Stream = defaultdict(list)

    code = compiled(name)
    with RawTool(specs, recorder(raw, code)):
        run(code)
    code = compiled(name)
    with installed(tracer_of(specs, recorder(layer, code))):
        run(code)

    def positions(stream: Stream) -> list[tuple[object, ...]]:
        return [
            (code.co_qualname, offset)
            for calls in stream.values()
            for _, code, offset in calls
            if isinstance(code, CodeType)
        ]

    assert len(positions(raw)) > 10
    assert positions(layer) == positions(raw)


def test_an_event_without_a_handler_is_neither_set_nor_registered() -> None:
    class Returns(Tracer):
        def on_py_return(self, code: CodeType, offset: int, retval: object) -> None:
            pass

        def interest(self, events: MonitoringEvents, /) -> EventSet:
            return events.PY_RETURN | events.LINE

    with installed(Returns()):
        events = sys.monitoring.get_events(3)
        line = sys.monitoring.register_callback(3, EVENTS.LINE, None)

    assert events == EVENTS.PY_RETURN
    assert line is None


@pytest.mark.parametrize("event", ["C_RETURN", "C_RAISE"])
def test_an_ancillary_handler_brings_call_along_without_a_call_handler(event: str) -> None:
    calls: list[object] = []
    spec = next(spec for spec in SPECS if spec.event == event)

    with installed(tracer_of([spec], lambda *arguments: calls.append(arguments[0]))):
        events = sys.monitoring.get_events(3)
        run(compiled("calls"))

    assert events == EVENTS.CALL
    assert set(calls) == {event}
