"""Several tracers at once, each in a slot of its own."""

import gc
import weakref
from collections.abc import Callable
from types import CodeType

import pytest

import codetracer
from codetracer import (
    DISABLE,
    Monitor,
    RecorderError,
    UsageError,
    installed,
    uninstall_tracer,
)
from codetracer_bindings.events import EVENTS
from tests.support.monitors import LOCAL, ONE, TWO, Names, one, two
from tests.support.slots import EMPTY, slot
from tests.support.tracers import Noting


def test_every_slot_can_have_a_monitor_and_each_gets_its_own_events(
    monitors: Callable[..., Monitor],
) -> None:
    tracers = [Names() for _ in range(6)]
    for number, tracer in enumerate(tracers):
        monitors(f"tool {number}", number).install(tracer)

    one()

    assert [tracer.taken() for tracer in tracers] == [ONE] * 6
    assert codetracer.slots() == {number: f"tool {number}" for number in range(6)}


def test_monitors_take_slots_3_4_and_5_unasked_and_then_there_is_none(
    monitors: Callable[..., Monitor],
) -> None:
    made = [monitors() for _ in range(4)]
    for monitor in made[:3]:
        monitor.install(Names())

    with pytest.raises(UsageError, match="3 by 'a tool', 4 by 'a tool', 5 by 'a tool'") as caught:
        made[3].install(Names())

    assert caught.value.code == "ERR_TRACER_INSTALL_CONFLICT"
    assert [monitor.slot for monitor in made] == [3, 4, 5, None]
    assert made[3].tracer is None


def test_the_module_level_functions_are_one_more_monitor(monitors: Callable[..., Monitor]) -> None:
    ours, theirs = Names(), Names()
    monitor = monitors("theirs")
    monitor.install(theirs)

    with installed(ours):
        assert codetracer.slots()[4] == "codetracer"
        one()
    two()

    assert ours.taken() == ONE
    assert theirs.taken() == ONE + TWO
    uninstall_tracer()
    assert monitor.tracer is theirs


def test_each_monitor_has_events_of_its_own(monitors: Callable[..., Monitor]) -> None:
    monitors(slot=3).install(Names())
    monitors(slot=4).install(Noting())
    monitors(slot=5).install(Names(), everywhere=False)

    assert slot(3).events == LOCAL
    assert slot(4).events == EVENTS.LINE
    assert slot(5).events == 0


def test_a_monitor_with_a_tracer_takes_no_second_one_and_keeps_the_first(
    monitors: Callable[..., Monitor],
) -> None:
    monitor, first = monitors(), Names()
    monitor.install(first)

    with pytest.raises(UsageError, match=r"Names.*slot 3"):
        monitor.install(Names())

    assert monitor.tracer is first
    assert first.calls == []


@pytest.mark.parametrize("name", ["", "x"])
def test_a_monitor_needs_a_name_that_says_something(name: str) -> None:
    with pytest.raises(ValueError, match="two characters"):
        Monitor(name)


def test_a_monitors_name_is_a_text() -> None:
    with pytest.raises(TypeError, match="a monitor's name is a str, not 5"):
        # What type checkers refuse, and who uses none may write.
        Monitor(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_a_tracer_that_fails_takes_only_itself_down_by_its_monitors_policy(
    monitors: Callable[..., Monitor], policy: str
) -> None:
    class Failing(Names):
        def note(self, event: str, code: CodeType) -> object:
            if code is one.__code__ and event == "line":
                raise LookupError("a bug")
            return None

    before, after = Names(), Names()
    # Dispatch is by slot, from high to low: one sees it before the failing one, one after.
    monitors(slot=3, policy="disable").install(after)
    monitors(slot=5, policy="disable").install(before)
    failing = Failing()
    monitors(slot=4, policy=policy).install(failing)

    if policy == "abort":
        with pytest.raises(RecorderError, match="a bug"):
            one()
    else:
        assert one() == 1
    two()

    assert failing.calls == ["failed", "flush", "finish"]
    assert slot(4) == EMPTY
    for tracer in (before, after):
        assert tracer.calls == []
        assert tracer.taken()[-2:] == TWO


def test_what_one_tracer_disables_is_disabled_for_it_alone(
    monitors: Callable[..., Monitor],
) -> None:
    silent, loud = Names(DISABLE), Names()
    monitors().install(silent)
    monitors().install(loud)

    one()
    one()

    assert silent.taken() == ONE
    assert loud.taken() == ONE * 2


def test_uninstalling_one_leaves_what_the_others_disabled_and_watch(
    monitors: Callable[..., Monitor],
) -> None:
    silent, watching = Names(DISABLE), Names()
    monitors().install(silent)
    watcher = monitors()
    watcher.install(watching, everywhere=False)
    watcher.watch(one)
    going = monitors()
    going.install(Names(DISABLE))
    going.watch(one)
    one()

    going.uninstall()
    one()

    assert silent.taken() == ONE
    assert watching.taken() == ONE * 2


def test_an_uninstalled_tracer_is_free_at_once(monitors: Callable[..., Monitor]) -> None:
    monitor, tracer = monitors(), Names()
    gone = weakref.ref(tracer)
    gc.disable()
    try:
        with monitor.installed(tracer):
            one()
        monitor.install(Noting())
        del tracer
        assert gone() is None
    finally:
        gc.enable()
