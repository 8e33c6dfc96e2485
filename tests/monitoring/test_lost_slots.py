"""Slots that another tool takes, frees or changes."""

import json
import sys
from collections.abc import Callable

import pytest

import codetracer
from codetracer import (
    DISABLE,
    HostError,
    Monitor,
    Tracer,
    UsageError,
    log,
)
from codetracer.policy import RecorderPolicy
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS
from tests.support.monitors import LOCAL, ONE, Names, one, two
from tests.support.slots import EMPTY, slot, slots
from tests.support.tracers import Noting


def take_over(number: int) -> None:
    """Take a slot as a careless tool does: whoever holds it."""
    sys.monitoring.free_tool_id(number)
    sys.monitoring.use_tool_id(number, "careless")


def give_back(number: int) -> None:
    assert sys.monitoring.get_tool(number) == "careless"
    sys.monitoring.set_events(number, 0)
    sys.monitoring.free_tool_id(number)


def lose(monitor: Monitor, step: str) -> None:
    """Do what makes a monitor look after its slot."""
    match step:
        case "flush" | "rearm" | "uninstall":
            getattr(monitor, step)()
        case "watch" | "unwatch":
            getattr(monitor, step)(one)
        case "install":
            monitor.install(Noting())
        case "set_exit_status":
            monitor.set_exit_status(3)


STEPS = ["flush", "rearm", "watch", "unwatch", "set_exit_status", "install", "uninstall"]


@pytest.mark.parametrize("step", STEPS)
def test_under_abort_a_slot_that_was_taken_over_is_one_error_and_left_alone(
    monitors: Callable[..., Monitor], step: str
) -> None:
    monitor, tracer = monitors("ours"), Names()
    monitor.install(tracer)
    take_over(3)
    sys.monitoring.register_callback(3, EVENTS.LINE, print_nothing)
    sys.monitoring.set_events(3, EVENTS.LINE)

    with pytest.raises(HostError, match="slot 3 of Names was taken over by 'careless'") as caught:
        lose(monitor, step)

    assert caught.value.code == "ERR_SLOT_LOST"
    assert caught.value.context == {"slot": 3, "holder": "careless", "tracer": "Names"}
    assert tracer.calls == ["failed", "flush", "finish"]
    assert monitor.tracer is None
    # What is left of ours would be called for their events (3.12, 3.13).
    left = {"LINE": print_nothing}
    assert slot(3) == ("careless", EVENTS.LINE, left)
    sys.monitoring.register_callback(3, EVENTS.LINE, None)
    give_back(3)
    monitor.install(tracer)
    one()
    assert tracer.taken() == ONE


@pytest.mark.parametrize("step", STEPS)
def test_under_disable_a_slot_that_was_taken_over_is_logged_and_the_program_goes_on(
    monitors: Callable[..., Monitor], step: str, caplog: pytest.LogCaptureFixture
) -> None:
    monitor, tracer = monitors("ours", 3, "disable"), Names()
    monitor.install(tracer)
    take_over(3)

    if step == "watch":
        # The one that wants a tracer: there is none any more.
        with pytest.raises(UsageError, match="no tracer is installed"):
            lose(monitor, step)
    elif step == "install":
        with pytest.raises(UsageError, match="slot 3 is not free; held: 3 by 'careless'"):
            lose(monitor, step)
    else:
        lose(monitor, step)

    assert caplog.text.count("[ERR_SLOT_LOST]") >= 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert tracer.calls == ["failed", "flush", "finish"]
    give_back(3)


@pytest.mark.parametrize("step", STEPS[:-2])
def test_a_slot_that_was_freed_and_not_taken_is_taken_back_and_that_is_said(
    monitors: Callable[..., Monitor], step: str, caplog: pytest.LogCaptureFixture
) -> None:
    monitor, tracer = monitors("ours"), Names()
    monitor.install(tracer)
    monitor.watch(two)
    one()
    sys.monitoring.free_tool_id(3)

    lose(monitor, step)
    tracer.taken()
    one()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "[ERR_SLOT_LOST] tool slot 3 was freed or changed by another tool" in caplog.text
    assert tracer.taken() == ONE
    assert "failed" not in tracer.calls
    assert (codetracer.slots()[3], slot(3).events) == ("ours", LOCAL)


def test_functions_that_are_watched_are_watched_again_when_the_slot_was_taken_back(
    monitors: Callable[..., Monitor],
) -> None:
    monitor, tracer = monitors(), Names()
    monitor.install(tracer, everywhere=False)
    monitor.watch(one)
    one()
    sys.monitoring.free_tool_id(3)

    monitor.flush()
    tracer.taken()
    one()
    two()

    assert tracer.taken() == ONE


def test_events_that_another_tool_unset_are_set_again(
    monitors: Callable[..., Monitor], caplog: pytest.LogCaptureFixture
) -> None:
    monitor, tracer = monitors(), Names()
    monitor.install(tracer)
    sys.monitoring.set_events(3, 0)
    one()
    assert tracer.taken() == []

    monitor.flush()
    one()
    monitor.flush()

    assert tracer.taken() == ONE
    assert caplog.text.count("ERR_SLOT_LOST") == 1


def test_every_event_that_a_tracer_may_have_reads_back_as_it_was_set(
    monitors: Callable[..., Monitor], caplog: pytest.LogCaptureFixture
) -> None:
    # CALL is set for C_RETURN; 3.14 on: BRANCH reads back as BRANCH_LEFT and BRANCH_RIGHT.
    for spec in CALLBACK_SPECS:
        if spec.id:
            kind = type("One", (Tracer,), {spec.handler: print_nothing})
            monitor = monitors()
            monitor.install(kind())
            monitor.flush()
            monitor.uninstall()

    assert caplog.text == ""


def test_uninstalling_from_a_slot_that_was_freed_leaves_nothing_in_it(
    monitors: Callable[..., Monitor],
) -> None:
    # 3.12 and 3.13: events and callbacks outlive the claim to the slot.
    monitor, tracer = monitors(), Names(DISABLE)
    monitor.install(tracer)
    monitor.watch(two)
    one()
    sys.monitoring.free_tool_id(3)

    monitor.uninstall()

    assert slots() == [EMPTY] * 6
    assert sys.monitoring.get_local_events(4, two.__code__) == 0
    assert tracer.calls == ["flush", "finish"]
    again = Names()
    monitor.install(again)
    one()
    assert again.taken() == ONE


def test_a_monitor_in_a_slot_that_another_monitor_lost_is_left_alone(
    monitors: Callable[..., Monitor],
) -> None:
    first, second = monitors("first", 3, "disable"), monitors("second", 3)
    lost, kept = Names(), Names()
    first.install(lost)
    sys.monitoring.free_tool_id(3)
    second.install(kept)
    before = slots()

    first.flush()
    one()

    assert slots() == before
    assert kept.taken() == ONE
    assert lost.taken() == []
    assert (first.tracer, second.tracer) == (None, kept)


def test_a_lost_slot_is_a_json_line_where_the_policy_wants_one(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Standard error is what capfd has put there.
    monkeypatch.setattr(log, "_stderr", log._identity(2))
    policy = RecorderPolicy({"on_recorder_error": "disable", "json_errors": True})
    monitor = Monitor("ours", policy=policy)
    monitor.install(Names())
    sys.monitoring.free_tool_id(3)
    monitor.flush()
    take_over(3)
    monitor.uninstall()
    give_back(3)

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line[:1] == "{"]
    assert [line["error_code"] for line in lines] == ["ERR_SLOT_LOST"] * 2
    assert [line["context"]["holder"] for line in lines] == [None, "careless"]


def print_nothing(*_: object) -> None:
    """A callback."""
