"""Install and uninstall: atomic, from anywhere, with nothing left behind."""

import os
import subprocess
import sys
import threading
from types import CodeType

import pytest

from codetracer import (
    EventSet,
    RecorderError,
    Tracer,
    UsageError,
    configure_policy,
    flush_installed_tracer,
    install_tracer,
    installed,
    uninstall_tracer,
    update_exit_status,
)
from codetracer.monitoring import MonitoringEvents
from codetracer_bindings.events import EVENTS
from tests.support.programs import compiled, run
from tests.support.slots import EMPTY, another_tool, slot, slots
from tests.support.tracers import Noting, error_of


def hold(number: int) -> None:
    sys.monitoring.use_tool_id(number, f"holder of {number}")


def release(number: int) -> None:
    sys.monitoring.free_tool_id(number)


def test_install_takes_slot_3_then_4_then_5_and_never_a_reserved_one() -> None:
    held = []
    for expected in (3, 4, 5):
        with installed(Noting()):
            assert sys.monitoring.get_tool(expected) == "codetracer"
        hold(expected)
        held.append(expected)

    error = error_of(Noting())

    assert "3 by 'holder of 3', 4 by 'holder of 4', 5 by 'holder of 5'" in str(error)
    for number in held:
        release(number)


@pytest.mark.parametrize("number", range(6))
def test_a_slot_that_is_asked_for_is_taken(number: int) -> None:
    with installed(Noting(), slot=number):
        assert sys.monitoring.get_tool(number) == "codetracer"
        assert slot(number).events == EVENTS.LINE

    assert slots() == [EMPTY] * 6


def test_a_slot_that_another_tool_holds_is_not_taken_and_its_holder_is_named() -> None:
    with another_tool(EVENTS.LINE, lambda *_: None):
        error = error_of(Noting(), slot=0)

    assert "tool slot 0 is not free; held: 0 by 'another tool'" in str(error)


@pytest.mark.parametrize("number", [-1, 6, 100])
def test_a_slot_that_does_not_exist_is_refused(number: int) -> None:
    assert f"there is no tool slot {number}" in str(error_of(Noting(), slot=number))


def test_a_second_tracer_is_refused_and_the_first_stays() -> None:
    first = Noting()
    with installed(first):
        error = error_of(Noting())
        run(compiled("loops"))

    assert "Noting" in str(error)
    assert first.lines > 0
    assert first.calls == ["flush", "finish"]


def test_uninstalling_twice_finishes_once() -> None:
    tracer = Noting()
    install_tracer(tracer)

    uninstall_tracer()
    uninstall_tracer()

    assert tracer.calls == ["flush", "finish"]


def test_flush_and_exit_status_reach_the_installed_tracer_and_nobody_else() -> None:
    tracer = Noting()
    flush_installed_tracer()
    update_exit_status(1)
    with installed(tracer):
        flush_installed_tracer()
        update_exit_status(3)
        update_exit_status(None)
    flush_installed_tracer()
    update_exit_status(2)

    assert tracer.calls == ["flush", 3, None, "flush", "finish"]


@pytest.mark.parametrize("step", ["flush", "set_exit_status", "finish"])
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_a_tracer_that_fails_when_told_something_is_removed_by_the_policy(
    step: str, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    configure_policy(on_recorder_error="abort" if policy == "abort" else "disable")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    tracer = Noting()
    setattr(tracer, step, fail)
    install_tracer(tracer)

    def tell() -> None:
        flush_installed_tracer()
        update_exit_status(0)
        uninstall_tracer()

    if policy == "abort":
        with pytest.raises(RecorderError, match="disk full"):
            tell()
    else:
        tell()
        assert "disk full" in caplog.text
    assert slot(3) == EMPTY


def test_a_failing_install_leaves_nothing_behind() -> None:
    class Undecided(Noting):
        def interest(self, events: MonitoringEvents, /) -> EventSet:
            raise LookupError("undecided")

    with pytest.raises(LookupError):
        install_tracer(Undecided())
    assert slots() == [EMPTY] * 6
    with installed(Noting()):
        pass


INSTALL_THAT_FAILS_MIDWAY = """
import sys
from codetracer import Tracer, install_tracer
from tests.support.slots import EMPTY, slots

class Three(Tracer):
    def on_py_start(self, code, offset): ...
    def on_line(self, code, line): ...
    def on_raise(self, code, offset, exception): ...
    def finish(self): print("finished")

calls = 0
def refuse_the_last_registration(event, arguments):
    global calls
    calls += event == "sys.monitoring.register_callback"
    if calls == CALLS:
        calls += 1
        raise RuntimeError("refused")

every = sum(1 for event in __import__("codetracer_bindings.events").events.EVENTS)
CALLS = every + 2
sys.addaudithook(refuse_the_last_registration)
try:
    install_tracer(Three())
except RuntimeError as error:
    print(error)
print(slots() == [EMPTY] * 6)
"""


def test_an_install_that_fails_between_two_registrations_is_undone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INSTALL_THAT_FAILS_MIDWAY],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert (done.stdout, done.stderr) == ("refused\nTrue\n", "")


def test_what_an_earlier_owner_left_in_the_slot_is_cleared() -> None:
    # 3.12 and 3.13 hand a freed slot over with its events and callbacks.
    leaked: list[object] = []
    sys.monitoring.use_tool_id(3, "careless")
    sys.monitoring.register_callback(3, EVENTS.PY_START, lambda *call: leaked.append(call))
    sys.monitoring.register_callback(3, EVENTS.CALL, lambda *call: leaked.append(call))
    sys.monitoring.set_events(3, EVENTS.PY_START)
    sys.monitoring.free_tool_id(3)

    class Returning(Tracer):
        def on_c_return(
            self, code: CodeType, offset: int, callable: object, arg0: object
        ) -> None: ...

    leaked.clear()
    with installed(Returning()):
        assert slot(3).callbacks.keys() == {"C_RETURN"}
        leaked.clear()
        run(compiled("calls"))

    assert leaked == []
    assert slots() == [EMPTY] * 6


def test_uninstall_from_inside_a_handler_takes_effect_at_once() -> None:
    class Leaving(Noting):
        def on_line(self, code: CodeType, line: int) -> None:
            super().on_line(code, line)
            if self.lines:
                uninstall_tracer()
                uninstall_tracer()

    tracer = Leaving()
    install_tracer(tracer)
    run(compiled("loops"))

    assert tracer.lines == 1
    assert tracer.calls == ["flush", "finish"]
    assert slots() == [EMPTY] * 6


def test_a_handler_may_flush_and_tell_the_exit_status_of_its_own_tracer() -> None:
    class Telling(Noting):
        def on_line(self, code: CodeType, line: int) -> None:
            super().on_line(code, line)
            if self.lines == 1 and not self.calls:
                flush_installed_tracer()
                update_exit_status(3)

    tracer = Telling()
    with installed(tracer):
        run(compiled("loops"))

    assert tracer.calls == ["flush", 3, "flush", "finish"]


def test_a_handler_may_install_its_successor() -> None:
    second = Noting()

    class First(Noting):
        def on_line(self, code: CodeType, line: int) -> None:
            super().on_line(code, line)
            if self.lines:
                uninstall_tracer()
                install_tracer(second)

    first = First()
    install_tracer(first)
    run(compiled("loops"))
    uninstall_tracer()

    assert first.lines == 1
    assert second.lines > 1
    assert first.calls == second.calls == ["flush", "finish"]


def test_finish_may_uninstall_and_install() -> None:
    second = Noting()

    class Chaining(Noting):
        def finish(self) -> None:
            super().finish()
            uninstall_tracer()
            install_tracer(second)

    first = Chaining()
    install_tracer(first)
    uninstall_tracer()
    uninstall_tracer()

    assert first.calls == second.calls == ["flush", "finish"]
    assert slots() == [EMPTY] * 6


def test_the_end_of_the_block_does_not_remove_somebody_elses_tracer() -> None:
    other = Noting()
    with installed(Noting()):
        uninstall_tracer()
        install_tracer(other)

    assert other.calls == []
    uninstall_tracer()
    assert other.calls == ["flush", "finish"]


@pytest.mark.slow
def test_many_threads_may_install_and_uninstall_while_others_run_traced_code() -> None:
    stop = threading.Event()
    finished: list[Noting] = []
    unexpected: list[BaseException] = []

    def install_and_uninstall() -> None:
        for _ in range(100):
            tracer = Noting()
            try:
                install_tracer(tracer)
            except UsageError:
                continue
            except BaseException as error:
                unexpected.append(error)
            uninstall_tracer()
            finished.append(tracer)

    def work() -> None:
        program = compiled("recursion")
        while not stop.is_set():
            exec(program, {"print": len_of})

    def len_of(*_: object) -> None: ...

    workers = [threading.Thread(target=work) for _ in range(2)]
    installers = [threading.Thread(target=install_and_uninstall) for _ in range(4)]
    for thread in workers + installers:
        thread.start()
    for thread in installers:
        thread.join()
    uninstall_tracer()
    stop.set()
    for thread in workers:
        thread.join()

    assert unexpected == []
    assert len(finished) > 10
    assert slots() == [EMPTY] * 6


def test_a_handler_that_fails_after_the_tracer_was_removed_does_not_reach_the_program() -> None:
    inside, removed = threading.Event(), threading.Event()

    class Slow(Noting):
        def on_py_start(self, code: CodeType, offset: int) -> None:
            if code.co_name == "<module>" and code.co_filename.startswith("<program"):
                inside.set()
                removed.wait(30)
                raise LookupError("too late")

    tracer = Slow()
    install_tracer(tracer)
    outcomes: list[object] = []
    thread = threading.Thread(target=lambda: outcomes.append(run(compiled("loops"))))
    thread.start()
    inside.wait(30)
    uninstall_tracer()
    removed.set()
    thread.join()

    assert outcomes == [run(compiled("loops"))]
    assert tracer.calls == ["flush", "finish"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a platform without fork has no such child")
def test_a_fork_waits_for_the_lock_so_that_no_hook_of_the_child_meets_it_held() -> None:
    program = """
import _thread, os, sys, threading, time
def renew(): return "a hook in Python, as those of threading, logging and random"
os.register_at_fork(after_in_child=renew)
from codetracer import Tracer, install_tracer, uninstall_tracer
from codetracer.monitoring.callbacks import locked

class Starts(Tracer):
    def on_py_start(self, code, offset): return sys.monitoring.DISABLE

# In C: Python functions of this thread would wait for the lock that the other one holds.
go, forking, held = [_thread.allocate_lock() for _ in range(3)]
go.acquire(), forking.acquire(), held.acquire()
os.register_at_fork(before=forking.release)
def hold():
    held.release()
    forking.acquire()
    time.sleep(0.1)
def run():
    go.acquire()
    locked(hold)
thread = threading.Thread(target=run)
thread.start()
install_tracer(Starts())
go.release()
held.acquire()
pid = os.fork()
if pid == 0:
    uninstall_tracer()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
thread.join()
uninstall_tracer()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert (done.stdout, done.stderr) == ("7\n", "")


def test_the_callbacks_are_made_by_the_backend_in_use(
    each_backend: str, request: pytest.FixtureRequest
) -> None:
    with installed(Noting()):
        made_by = type(slot(3).callbacks["LINE"]).__name__

    assert f"[{each_backend}]" in request.node.name
    assert made_by == {"native": "Callback", "python": "function"}[each_backend]
