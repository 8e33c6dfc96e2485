"""The mistakes that handlers of a tracer may make, and their consequences."""

from __future__ import annotations

import _thread
import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from types import CodeType, GeneratorType
from typing import Any, Literal, NamedTuple

from codetracer import (
    Tracer,
    flush_installed_tracer,
    install_tracer,
    uninstall_tracer,
)
from codetracer_bindings.registration import CALLBACK_SPECS
from tests.support.slots import EMPTY, slots

SPECS = [spec for spec in CALLBACK_SPECS if spec.id]

type Comes = Literal["fails", "nothing", "removed", "passes"]
"""One error of the handler's; nothing at all; an uninstall; an exception that is the program's."""


class Fault(NamedTuple):
    """A mistake that a handler makes, and its consequence."""

    act: Callable[[CodeType], object]
    comes: Comes = "fails"


class BadTextError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


def raises(code: CodeType) -> object:
    raise LookupError("a bug in the handler")


def raises_what_has_no_text(code: CodeType) -> object:
    raise BadTextError


def recurses(code: CodeType) -> object:
    return recurses(code)


def exhausts_memory(code: CodeType) -> object:
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**25, resource.RLIM_INFINITY))
    kept = []
    size = 2**20
    # To the last byte is a segmentation fault of CPython's own on 3.15.0.
    smallest = 64 if sys.version_info < (3, 15) else 2**13
    # The program may end meanwhile in another thread, and the limit with it.
    while size >= smallest and resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        try:
            kept.append(bytearray(size))
        except MemoryError:
            size //= 2
    raise MemoryError


def installs(code: CodeType) -> object:
    install_tracer(Tracer())
    return None


def uninstalls(code: CodeType) -> object:
    uninstall_tracer()
    return None


def uninstalls_and_raises(code: CodeType) -> object:
    uninstall_tracer()
    raise LookupError("too late")


def forks(code: CodeType) -> object:
    child = os.fork()
    if not child:
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    raise LookupError("after a fork")


def forks_a_child_that_uninstalls(code: CodeType) -> object:
    child = os.fork()
    if not child:
        uninstall_tracer()
        os._exit(4 if slots() == [EMPTY] * 6 else 5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    return None


def starts_a_thread(code: CodeType) -> object:
    thread = threading.Thread(target=flush_installed_tracer)
    thread.start()
    thread.join()
    raise LookupError("after a thread")


def exits_the_thread(code: CodeType) -> object:
    return _thread.exit()


def closes_the_running_generator(code: CodeType) -> object:
    for found in gc.get_objects():
        if type(found) is GeneratorType and found.gi_running:
            found.close()
    raise LookupError("no generator runs")


def closes_a_generator_that_fails(code: CodeType) -> object:
    def failing() -> Any:
        try:
            yield
        finally:
            raise LookupError("at the end")

    generator = failing()
    next(generator)
    return generator.close()


def frees_our_slot(code: CodeType) -> object:
    sys.monitoring.free_tool_id(3)
    return None


def frees_our_slot_and_raises(code: CodeType) -> object:
    sys.monitoring.free_tool_id(3)
    raise LookupError("without a slot")


def unsets_our_events(code: CodeType) -> object:
    sys.monitoring.set_events(3, 0)
    return None


def unregisters_our_callbacks(code: CodeType) -> object:
    for spec in SPECS:
        sys.monitoring.register_callback(3, spec.id, None)
    return None


def restarts_all_events(code: CodeType) -> object:
    sys.monitoring.restart_events()
    return None


def uses_another_slot(code: CodeType) -> object:
    sys.monitoring.use_tool_id(5, "of a handler")
    sys.monitoring.set_events(5, sys.monitoring.events.LINE)
    sys.monitoring.set_events(5, 0)
    sys.monitoring.free_tool_id(5)
    raise LookupError("after another slot")


def sends_a_signal(code: CodeType) -> object:
    signal.raise_signal(signal.SIGUSR1)
    raise LookupError("after a signal")


def changes_the_recursion_limit(code: CodeType) -> object:
    sys.setrecursionlimit(sys.getrecursionlimit())
    raise LookupError("after a limit")


def collects_garbage(code: CodeType) -> object:
    gc.collect()
    raise LookupError("after a collection")


HANDLERS: dict[str, Fault] = {
    "raises": Fault(raises),
    "raises what has no text": Fault(raises_what_has_no_text),
    "returns nonsense": Fault(lambda code: [code], "nothing"),
    "recurses without end": Fault(recurses),
    "exhausts memory": Fault(exhausts_memory),
    "installs another tracer": Fault(installs),
    "uninstalls": Fault(uninstalls, "removed"),
    "uninstalls, then raises": Fault(uninstalls_and_raises, "removed"),
    "forks": Fault(forks),
    "forks a child that uninstalls": Fault(forks_a_child_that_uninstalls, "nothing"),
    "starts a thread": Fault(starts_a_thread),
    # SystemExit may come from a signal handler of the program's: it is the program's.
    "exits the thread": Fault(exits_the_thread, "passes"),
    "closes the generator that runs": Fault(closes_the_running_generator),
    "closes a generator that fails": Fault(closes_a_generator_that_fails),
    "frees our slot": Fault(frees_our_slot, "nothing"),
    "frees our slot, then raises": Fault(frees_our_slot_and_raises),
    "unsets our events": Fault(unsets_our_events, "nothing"),
    "unregisters our callbacks": Fault(unregisters_our_callbacks, "nothing"),
    "restarts all events": Fault(restarts_all_events, "nothing"),
    "uses another slot": Fault(uses_another_slot),
    "sends a signal": Fault(sends_a_signal),
    "changes the recursion limit": Fault(changes_the_recursion_limit),
    "collects garbage": Fault(collects_garbage),
}
