"""Events of single functions, and re-arming."""

import gc
import sys
import weakref
from collections.abc import Callable
from types import CodeType

import pytest

from codetracer import (
    DISABLE,
    Monitor,
    UsageError,
)
from codetracer_bindings.events import EVENTS
from tests.support.monitors import LOCAL, ONE, TWO, Names, one, two
from tests.support.programs import compiled
from tests.support.slots import another_tool, slot, slots


class Raising(Names):
    def on_raise(self, code: CodeType, offset: int, exception: BaseException) -> None: ...


def test_a_function_that_is_watched_is_the_only_one_that_is_told_of(
    monitors: Callable[..., Monitor],
) -> None:
    monitor, tracer = monitors(), Names()
    monitor.install(tracer, everywhere=False)

    monitor.watch(one)
    one()
    two()
    monitor.unwatch(one)
    monitor.unwatch(two)
    one()

    assert tracer.taken() == ONE


def test_a_function_is_watched_for_the_events_that_are_asked_for(
    monitors: Callable[..., Monitor],
) -> None:
    monitor, tracer = monitors(), Names()
    monitor.install(tracer, everywhere=False)

    monitor.watch(one, EVENTS.LINE)
    one()
    monitor.watch(one, EVENTS.PY_START)
    one()

    assert tracer.taken() == [("line", "one"), ("start", "one")]


def test_what_is_set_both_ways_is_told_once(monitors: Callable[..., Monitor]) -> None:
    monitor, tracer = monitors(), Names()
    monitor.install(tracer)
    monitor.watch(one)

    one()
    monitor.unwatch(one)
    one()

    assert tracer.taken() == ONE * 2


class Holder:
    def one(self) -> int:
        return 1


@pytest.mark.parametrize("what", [one, one.__code__, Holder.one, Holder().one])
def test_functions_methods_and_code_can_be_watched(
    monitors: Callable[..., Monitor], what: Callable[..., object]
) -> None:
    monitor = monitors()
    monitor.install(Names(), everywhere=False)
    code = getattr(what, "__code__", what)
    assert isinstance(code, CodeType)

    monitor.watch(what)

    assert sys.monitoring.get_local_events(3, code) == LOCAL
    monitor.uninstall()
    assert sys.monitoring.get_local_events(4, code) == 0


@pytest.mark.parametrize("what", [len, 3, None, Holder, "one"])
def test_what_is_no_code_cannot_be_watched(
    monitors: Callable[..., Monitor], what: Callable[..., object]
) -> None:
    monitor = monitors()
    monitor.install(Names())

    with pytest.raises(TypeError, match="nor a Python function"):
        monitor.watch(what)
    with pytest.raises(TypeError):
        monitor.unwatch(what)


def test_nothing_can_be_watched_without_a_tracer(monitors: Callable[..., Monitor]) -> None:
    with pytest.raises(UsageError, match="no tracer is installed"):
        monitors().watch(one)
    monitors().unwatch(one)
    monitors().rearm()


def test_an_event_without_a_handler_cannot_be_watched_for(
    monitors: Callable[..., Monitor],
) -> None:
    monitor = monitors()
    monitor.install(Names(), everywhere=False)

    with pytest.raises(UsageError, match="Names has no handler for CALL") as caught:
        monitor.watch(one, EVENTS.LINE | EVENTS.CALL)

    assert caught.value.code == "ERR_TRACER_INSTALL_CONFLICT"
    assert sys.monitoring.get_local_events(3, one.__code__) == 0


def test_before_3_15_an_exceptions_event_cannot_be_watched_for_and_that_is_said_up_front(
    monitors: Callable[..., Monitor],
) -> None:
    monitor = monitors()
    monitor.install(Raising(), everywhere=False)

    if sys.version_info >= (3, 15):
        monitor.watch(one, EVENTS.RAISE)
        assert sys.monitoring.get_local_events(3, one.__code__) == EVENTS.RAISE
    else:
        with pytest.raises(UsageError, match=r"cannot set RAISE for single functions"):
            monitor.watch(one, EVENTS.LINE | EVENTS.RAISE)
        assert sys.monitoring.get_local_events(3, one.__code__) == 0


def test_by_default_a_function_is_watched_for_all_that_this_version_allows(
    monitors: Callable[..., Monitor],
) -> None:
    monitor = monitors()
    monitor.install(Raising(), everywhere=False)

    monitor.watch(one)

    allowed = EVENTS.RAISE if sys.version_info >= (3, 15) else 0
    assert sys.monitoring.get_local_events(3, one.__code__) == LOCAL | allowed


def test_a_function_that_is_watched_is_not_kept_alive(monitors: Callable[..., Monitor]) -> None:
    monitor = monitors()
    monitor.install(Names(), everywhere=False)
    codes = [compiled("loops") for _ in range(50)]
    alive = [weakref.ref(code) for code in codes]
    while codes:
        monitor.watch(codes.pop())

    gc.collect()

    assert [found for ref in alive if (found := ref())] == []
    monitor.rearm()


@pytest.mark.parametrize("everywhere", [True, False])
def test_rearming_brings_back_ones_own_locations_and_no_other_tools(
    monitors: Callable[..., Monitor], everywhere: bool
) -> None:
    mine, theirs, foreign = Names(DISABLE), Names(DISABLE), []
    made = [monitors(), monitors()]
    for monitor, tracer in zip(made, (mine, theirs), strict=True):
        monitor.install(tracer, everywhere=everywhere)
        monitor.watch(one)
        monitor.watch(two)

    def silence(code: CodeType, *_: object) -> object:
        if code is one.__code__:
            foreign.append(code)
        return DISABLE

    with another_tool(EVENTS.LINE, silence):
        for _ in range(2):
            one()
            two()
        before = len(foreign)
        assert mine.taken() == ONE + TWO
        assert theirs.taken() == ONE + TWO

        made[0].rearm()
        for _ in range(2):
            one()
            two()

        assert mine.taken() == ONE + TWO
        assert theirs.taken() == []
        assert len(foreign) == before
    assert slot(3).events == (LOCAL if everywhere else 0)
    assert sys.monitoring.get_local_events(3, one.__code__) == LOCAL


def test_rearming_twice_and_with_nothing_disabled_changes_nothing(
    monitors: Callable[..., Monitor],
) -> None:
    monitor, tracer = monitors(), Names()
    monitor.install(tracer)
    before = slots()

    monitor.rearm()
    monitor.rearm()
    one()

    assert slots() == before
    assert tracer.taken() == ONE
