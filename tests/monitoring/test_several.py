"""Several tracers at once, each in a slot of its own, and slots that another tool meddles with."""

import gc
import json
import sys
import weakref
from collections.abc import Callable, Iterator
from types import CodeType

import pytest

import codetracer
from codetracer import (
    DISABLE,
    HostError,
    Monitor,
    RecorderError,
    Tracer,
    UsageError,
    installed,
    log,
    uninstall_tracer,
)
from codetracer.policy import RecorderPolicy
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS
from tests.support.programs import compiled
from tests.support.slots import EMPTY, another_tool, slot, slots
from tests.support.tracers import Noting

LOCAL = EVENTS.LINE | EVENTS.PY_START


class Names(Tracer):
    """Notes in which functions of this file which events happen; silences them if it shall."""

    def __init__(self, outcome: object = None) -> None:
        self.events: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.outcome = outcome

    def note(self, event: str, code: CodeType) -> object:
        if code.co_filename == __file__ and code.co_name in ("one", "two"):
            self.events.append((event, code.co_name))
            return self.outcome
        return None

    def on_py_start(self, code: CodeType, offset: int) -> object:
        return self.note("start", code)

    def on_line(self, code: CodeType, line: int) -> object:
        return self.note("line", code)

    def notify_failure(self) -> None:
        self.calls.append("failed")

    def flush(self) -> None:
        self.calls.append("flush")

    def finish(self) -> None:
        self.calls.append("finish")

    def taken(self) -> list[tuple[str, str]]:
        """Return what was noted since the last time."""
        events, self.events = self.events, []
        return events


class Raising(Names):
    def on_raise(self, code: CodeType, offset: int, exception: BaseException) -> None: ...


def one() -> int:
    return 1


def two() -> int:
    return 2


ONE = [("start", "one"), ("line", "one")]
TWO = [("start", "two"), ("line", "two")]


@pytest.fixture
def monitors() -> Iterator[Callable[..., Monitor]]:
    """Make monitors that are uninstalled when the test ends."""
    made: list[Monitor] = []

    def make(name: str = "a tool", slot: int | None = None, policy: str = "abort") -> Monitor:
        made.append(Monitor(name, slot=slot, policy=RecorderPolicy({"on_recorder_error": policy})))
        return made[-1]

    yield make
    for monitor in made:
        monitor.uninstall()


def take_over(number: int) -> None:
    """Take a slot as a careless tool does: whoever holds it."""
    sys.monitoring.free_tool_id(number)
    sys.monitoring.use_tool_id(number, "careless")


def give_back(number: int) -> None:
    assert sys.monitoring.get_tool(number) == "careless"
    sys.monitoring.set_events(number, 0)
    sys.monitoring.free_tool_id(number)


# ---------------------------------------------------------------- side by side


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
    # Dispatch is by slot, from high to low: one is told before the failing one, one after it.
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


# ---------------------------------------------------------------- single functions


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


# ---------------------------------------------------------------- re-arming


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


# ---------------------------------------------------------------- slots that others meddle with


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
