"""Commits faults in tracers, in this process, and reports the outcomes.

    python -m tests.stress.injection handlers POLICY SEED SECONDS    faults in handlers, in turn
    python -m tests.stress.injection program NAME POLICY SEED        a program, under one that fails
    python -m tests.stress.injection program NAME bare 0             the same, without

The first prints figures, and exits with 1 at the first difference, which it describes. The second
does what the program does; `WHAT_IS_LEFT` then says on stderr what is left of the tracer.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType
from typing import Literal

from codetracer import (
    RecorderError,
    Tracer,
    backend,
    configure_policy,
    flush_installed_tracer,
    install_tracer,
    uninstall_tracer,
)
from codetracer_bindings.registration import CallbackSpec
from tests.stress.faults import HANDLERS, SPECS, raises
from tests.stress.programs import PROGRAMS
from tests.support.programs import PROGRAMS as SMALL
from tests.support.programs import compiled, run
from tests.support.slots import EMPTY, slots

KINDS = [spec for spec in SPECS if spec.event != "BRANCH" or sys.version_info < (3, 14)]

ENDS_INSTALLED = "shutdown with daemon threads and __del__"
WHAT_IS_LEFT = "what is left: "
NOT_EVERYWHERE = {"10,000 code objects": ("PY_START", "LINE", "RAISE")}
"""Programs for which every event would take too long, and the events that they get."""

ESCAPES = (
    ("BRANCH", "BRANCH_LEFT", "BRANCH_RIGHT", "JUMP")
    if sys.version_info < (3, 13, 15) or (3, 14) <= sys.version_info < (3, 14, 7)
    else ()
)
"""Events in whose callback a signal handler's exception gets past the program's try (gh-152375)."""

CRASHES = (
    (("closes the generator that runs", "PY_RESUME"),)
    if (3, 13) <= sys.version_info < (3, 15)
    else ()
)
"""Programs and events that end CPython itself, without our tracers (spec/probes/callbacks.toml)."""


class Everything(Tracer):
    """Has every event of one program, and fails at one of them."""

    def __init__(
        self, spec: CallbackSpec | None, act: Callable[[CodeType], object], at: int
    ) -> None:
        self.failures = 0
        self.events = 0
        self.told: list[str] = []
        self.file = ""
        for each in KINDS:
            handler = self.fail if each is spec else self.see
            setattr(self, each.handler, handler)
        self._act = act
        self._at = at

    def see(self, code: CodeType, *_: object) -> None:
        """Do nothing."""

    def fail(self, code: CodeType, *rest: object) -> object:
        """Commit the fault, once, at its time.

        Not where a loop ends by StopIteration: CPython drops what RAISE's callback raises there.
        """
        if code.co_filename != self.file or type(rest[-1]) is StopIteration:
            return None
        self.events += 1
        return self._act(code) if self.events == self._at else None

    def notify_failure(self) -> None:
        self.failures += 1

    def finish(self) -> None:
        self.told.append("finish")


# ---------------------------------------------------------------- faults in handlers


class Counting(logging.Handler):
    """Counts errors that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.errors = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.errors += record.levelno >= logging.ERROR


def inject(name: str, spec: CallbackSpec, program: str, at: int, policy: str) -> str | None:
    """Commit one fault; return what was wrong, or None; "" when the event does not come."""
    fault = HANDLERS[name]
    counting = Counting()
    logging.getLogger("codetracer").handlers[:] = [counting]
    # What the program before left half-run ends now, and not in the middle of this one.
    gc.collect()
    untraced = run(compiled(program))
    threads = threading.active_count()
    limit = sys.getrecursionlimit()
    code = compiled(program)
    tracer = Everything(spec, fault.act, at)
    tracer.file = code.co_filename
    install_tracer(tracer)
    try:
        outcome = run(code)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    flush_installed_tracer()
    uninstall_tracer()
    errors = [error for error in outcome.escaped if isinstance(error, RecorderError)]
    if tracer.events < at:
        return ""
    fails = fault.comes == "fails"
    if slots() != [EMPTY] * 6:
        return f"left behind: {slots()}"
    for thread in threading.enumerate():
        # The program may have ended before it could wait for them.
        if thread is not threading.main_thread():
            thread.join(10)
    if threading.active_count() != threads:
        return f"threads left: {threading.enumerate()}"
    if sys.getrecursionlimit() != limit:
        return f"the recursion limit is {sys.getrecursionlimit()}"
    if tracer.told != ["finish"]:
        return f"finished {len(tracer.told)} times"
    if name == "exhausts memory" and not tracer.failures:
        # Memory stayed full: the tracer has missed the event.
        return None
    if tracer.failures != fails:
        return f"{tracer.failures} failures"
    if fault.comes == "passes":
        return None
    if policy == "disable" or not fails:
        if outcome != untraced:
            return f"{outcome}\nis not\n{untraced}"
        if counting.errors != fails:
            return f"{counting.errors} errors logged"
    elif len(errors) != 1:
        return f"{len(errors)} errors: {outcome}"
    return None


def inject_all(policy: Literal["abort", "disable"], seed: int, seconds: float) -> dict[str, int]:
    """Commit each fault in four events, and then any in any until the time is over.

    Raises:
        AssertionError: something was not as it should be.
    """
    configure_policy(on_recorder_error=policy)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    chance = random.Random(seed)
    started = time.monotonic()
    injected = programs = 0
    plans = [
        (name, KINDS[(5 * number + 4 * step) % len(KINDS)])
        for number, name in enumerate(HANDLERS)
        for step in range(4)
    ]
    while plans or time.monotonic() - started < seconds:
        name, spec = plans.pop() if plans else (chance.choice([*HANDLERS]), chance.choice(KINDS))
        if (name, spec.event) in CRASHES:
            continue
        for program in chance.sample([*SMALL], len(SMALL)):
            at = chance.choice([1, 1, 1, 2, 3, 5, 9])
            print("at", name, spec.event, program, at, file=sys.stderr)
            wrong = inject(name, spec, program, at, policy)
            programs += 1
            assert not wrong, (
                f"{backend()}, {policy}: a handler of {spec.event} {name}, at the {at}. event of"
                f" {program!r}:\n{wrong}"
            )
            if wrong is None:
                injected += 1
                break
    return {"faults": injected, "programs": programs}


# ---------------------------------------------------------------- programs


def run_program(name: str, policy: str, seed: int) -> None:
    """Run one of `PROGRAMS` as a script would be, bare or under a tracer that fails."""
    space: dict[str, object] = {"__name__": "__main__"}
    code = compile(PROGRAMS[name], f"<{name}>", "exec")
    if policy == "bare":
        exec(code, space)
        return
    logging.getLogger("codetracer").addHandler(logging.NullHandler())
    configure_policy(on_recorder_error="abort" if policy == "abort" else "disable")
    chance = random.Random(seed)
    kinds = [
        spec
        for spec in KINDS
        if (name not in NOT_EVERYWHERE or spec.event in NOT_EVERYWHERE[name])
        and not (name.startswith("signals") and spec.event in ESCAPES)
    ]
    spec = None if policy == "sound" else chance.choice(kinds)
    tracer = Everything(spec, raises, chance.choice([1, 2, 5, 20, 100, 500]))
    for each in KINDS:
        if each not in kinds:
            delattr(tracer, each.handler)
    tracer.file = code.co_filename
    install_tracer(tracer)
    owner = os.getpid()
    seen = 0
    try:
        try:
            exec(code, space)
        finally:
            # The program may have ended before it could do so.
            signal.setitimer(signal.ITIMER_REAL, 0)
    except RecorderError:
        # A program of which nothing is left to say, and a child of one, end by it.
        if name == ENDS_INSTALLED or os.getpid() != owner:
            raise
        seen = 1
    except KeyboardInterrupt as error:
        # A signal that came when the program had ended already.
        if not isinstance(error.__context__, RecorderError):
            raise
        seen = 1
    finally:
        if name != ENDS_INSTALLED and os.getpid() == owner:
            uninstall_tracer()
            own = [n for n in range(6) if sys.monitoring.get_tool(n) == "the program's"]
            left = [n for n, slot in enumerate(slots()) if slot != EMPTY and n not in own]
            threads = [thread.name for thread in threading.enumerate()][1:]
            said = {"slots": left, "threads": threads, "failed": tracer.failures, "seen": seen}
            print(f"\n{WHAT_IS_LEFT}{json.dumps(said)}", file=sys.stderr)


def main() -> None:
    match sys.argv[1:]:
        case ["handlers", "abort" | "disable" as policy, seed, seconds]:
            print(json.dumps(inject_all(policy, int(seed), float(seconds))))
        case ["program", name, policy, seed]:
            run_program(name, policy, int(seed))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
