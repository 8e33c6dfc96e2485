"""A handler that raises, in each event, under both policies: the program is never hurt."""

import logging
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any, Literal

import pytest

from codetracer import (
    DISABLE,
    RecorderError,
    Tracer,
    configure_policy,
    install_tracer,
    installed,
    uninstall_tracer,
)
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec
from tests.support.programs import PROGRAMS, compiled, run
from tests.support.slots import EMPTY, another_tool, slot

SPECS = [spec for spec in CALLBACK_SPECS if spec.id]
LOCAL_SPECS = [
    spec for spec in SPECS if spec.disable_since == (3, 12) or spec.event.startswith("BRANCH_")
]
POLICIES: list[Literal["abort", "disable"]] = ["abort", "disable"]

every_event = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.event)
both_policies = pytest.mark.parametrize("policy", POLICIES)


class Faulty(Tracer):
    """Notes its events; `tracer_for` adds the bodies of its handlers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.events = 0

    def notify_failure(self) -> None:
        self.calls.append("notify_failure")

    def flush(self) -> None:
        self.calls.append("flush")

    def finish(self) -> None:
        self.calls.append("finish")


def tracer_for(spec: CallbackSpec, act: Callable[[], object], program: CodeType) -> Faulty:
    """Return a tracer that calls `act` in the handler of one event, in one program only."""

    def handler(self: Faulty, code: CodeType, *_: object) -> object:
        if code.co_filename != program.co_filename:
            return None
        self.events += 1
        return act()

    kind: Any = type("Faulty", (Faulty,), {spec.handler: handler})
    return kind()  # type: ignore[no-any-return]


class HandlerError(Exception):
    pass


def fail() -> object:
    raise HandlerError("a bug in the handler")


def fires_in(spec: CallbackSpec, name: str) -> bool:
    program = compiled(name)
    tracer = tracer_for(spec, lambda: None, program)
    with installed(tracer):
        run(program)
    return tracer.events > 0


@every_event
def test_under_disable_the_program_does_what_it_does_untraced(
    spec: CallbackSpec, caplog: pytest.LogCaptureFixture
) -> None:
    configure_policy(on_recorder_error="disable")
    programs = [name for name in PROGRAMS if fires_in(spec, name)]
    assert programs
    for name in programs:
        program = compiled(name)
        untraced = run(compiled(name))
        caplog.clear()
        tracer = tracer_for(spec, fail, program)

        with another_tool(EVENTS.PY_START, print_nothing):
            theirs = slot(0)
            install_tracer(tracer)
            traced = run(program)
            assert slot(0) == theirs

        assert traced == untraced, name
        assert tracer.calls == ["notify_failure", "flush", "finish"]
        assert slot(3) == EMPTY
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert "[ERR_TRACER_FAILED]" in caplog.text
        assert "HandlerError: a bug in the handler" in caplog.text


@every_event
def test_under_abort_one_recorder_error_reaches_the_program(spec: CallbackSpec) -> None:
    programs = [name for name in PROGRAMS if fires_in(spec, name)]
    for name in programs:
        program = compiled(name)
        tracer = tracer_for(spec, fail, program)

        with another_tool(EVENTS.PY_START, print_nothing):
            theirs = slot(0)
            install_tracer(tracer)
            outcome = run(program)
            assert slot(0) == theirs

        errors = [error for error in outcome.escaped if isinstance(error, RecorderError)]
        assert len(errors) == 1, (name, outcome)
        assert isinstance(errors[0].__cause__, HandlerError)
        assert errors[0].code == "ERR_TRACER_FAILED"
        assert tracer.calls == ["notify_failure", "flush", "finish"]
        assert slot(3) == EMPTY


def print_nothing(*_: object) -> None:
    """A callback of another tool."""


@every_event
@both_policies
def test_disable_silences_where_cpython_allows_it_and_is_a_handler_error_elsewhere(
    spec: CallbackSpec, policy: Literal["abort", "disable"]
) -> None:
    configure_policy(on_recorder_error=policy)
    allowed = spec.disable_since is not None and spec.disable_since <= sys.version_info[:2]
    for name in [name for name in PROGRAMS if fires_in(spec, name)]:
        program = compiled(name)
        untraced = run(compiled(name))
        tracer = tracer_for(spec, lambda: DISABLE, program)

        install_tracer(tracer)
        outcome = run(program)
        still_installed = slot(3) != EMPTY

        if allowed:
            assert outcome == untraced
            assert still_installed
            uninstall_tracer()
        elif policy == "disable":
            assert outcome == untraced
            assert tracer.events == 1
            assert not still_installed
        else:
            (error,) = (error for error in outcome.escaped if isinstance(error, RecorderError))
            assert "DISABLE" in str(error)
            assert spec.event in str(error)
            assert not still_installed


@pytest.mark.parametrize("spec", LOCAL_SPECS, ids=lambda spec: spec.event)
def test_a_disabled_location_is_silent_until_uninstall_and_armed_after_it(
    spec: CallbackSpec,
) -> None:
    code = compiled("loops", "exceptions", "generators", "yield from")

    def events(outcome: object) -> int:
        tracer = tracer_for(spec, lambda: outcome, code)
        with installed(tracer):
            run(code)
            first = tracer.events
            run(code)
        assert outcome is not DISABLE or tracer.events == first
        return first

    every = events(None)
    once = events(DISABLE)
    assert 0 < once <= every
    assert events(None) == every
    assert events(DISABLE) == once


@pytest.mark.parametrize("spec", LOCAL_SPECS, ids=lambda spec: spec.event)
def test_uninstall_leaves_the_locations_another_tool_disabled(spec: CallbackSpec) -> None:
    program = compiled("generators", "yield from", "loops")
    theirs: list[object] = []

    def silence(code: CodeType, *_: object) -> object:
        if code.co_filename == program.co_filename:
            theirs.append(code)
        return DISABLE

    # A tracer is there from the start: when the first other tool comes to a code object's lines,
    # CPython itself re-arms what was disabled there.
    with installed(tracer_for(spec, lambda: None, program)), another_tool(spec.id, silence):
        run(program)
        run(program)
        before = len(theirs)
        uninstall_tracer()
        with installed(tracer_for(spec, lambda: DISABLE, program)):
            run(program)
        again = tracer_for(spec, lambda: None, program)
        with installed(again):
            run(program)

    assert before > 0
    assert len(theirs) == before
    assert again.events >= before


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit])
@both_policies
def test_an_exception_that_is_no_exception_class_passes_and_the_tracer_stays(
    raised: type[BaseException], policy: Literal["abort", "disable"]
) -> None:
    configure_policy(on_recorder_error=policy)
    pending = [raised()]

    def interrupt() -> None:
        if pending:
            raise pending.pop()

    spec = next(spec for spec in SPECS if spec.event == "LINE")
    program = compiled("loops")
    tracer = tracer_for(spec, interrupt, program)

    with installed(tracer):
        with pytest.raises(raised):
            exec(program)
        run(program)

    assert tracer.events > 10
    assert tracer.calls == ["flush", "finish"]


def test_under_disable_the_exception_in_flight_is_untouched() -> None:
    configure_policy(on_recorder_error="disable")
    spec = next(spec for spec in SPECS if spec.event == "RAISE")
    original = LookupError("original")

    program = compile("raise error", "<program>", "exec")
    with installed(tracer_for(spec, fail, program)), pytest.raises(LookupError) as caught:
        exec(program, {"error": original})

    assert caught.value is original
    assert original.__context__ is None
    assert original.__cause__ is None


def test_a_handlers_recorder_error_keeps_its_code() -> None:
    def full() -> object:
        raise RecorderError("ERR_IO", "the disk is full", {"file": "x"})

    spec = next(spec for spec in SPECS if spec.event == "LINE")
    program = compiled("loops")
    install_tracer(tracer_for(spec, full, program))

    outcome = run(program)

    (error,) = outcome.escaped
    assert isinstance(error, RecorderError)
    assert (error.code, error.context) == ("ERR_IO", {"file": "x"})


@pytest.mark.parametrize("outcome", [0, "", [], object(), NotImplemented, sys.monitoring.MISSING])
def test_what_a_handler_returns_means_nothing_unless_it_is_disable(outcome: object) -> None:
    for spec in SPECS:
        program, again = compiled("exceptions"), compiled("exceptions")
        tracer = tracer_for(spec, lambda: outcome, program)
        counted = tracer_for(spec, lambda: None, again)
        with installed(tracer):
            result = run(program)
        with installed(counted):
            assert run(again) == result
        assert tracer.events == counted.events
        assert not result.escaped


def test_a_tracer_that_fails_while_it_is_told_of_its_failure_is_still_finished(
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure_policy(on_recorder_error="disable")

    class Worse(Faulty):
        def on_line(self, code: CodeType, line: int) -> None:
            raise HandlerError("first")

        def notify_failure(self) -> None:
            super().notify_failure()
            raise HandlerError("second")

        def flush(self) -> None:
            super().flush()
            raise HandlerError("third")

    tracer = Worse()
    install_tracer(tracer)
    outcome = run(compiled("loops"))

    assert outcome == run(compiled("loops"))
    assert tracer.calls == ["notify_failure", "flush", "finish"]
    assert all(word in caplog.text for word in ("first", "second", "third"))


def test_under_disable_a_logging_handler_of_the_program_that_fails_does_not_hurt_it() -> None:
    configure_policy(on_recorder_error="disable")

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ZeroDivisionError

    broken = Broken()
    logging.getLogger("codetracer").addHandler(broken)
    try:
        spec = next(spec for spec in SPECS if spec.event == "LINE")
        program = compiled("loops")
        install_tracer(tracer_for(spec, fail, program))
        outcome = run(program)
    finally:
        logging.getLogger("codetracer").removeHandler(broken)

    assert outcome == run(compiled("loops"))
    assert slot(3) == EMPTY
