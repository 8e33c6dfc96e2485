"""What may go wrong under a tracer, as data; run as a program, it injects faults and says so.

    python -m tests.faults handlers POLICY SEED SECONDS    faults in handlers, one after the other
    python -m tests.faults program NAME POLICY SEED        one program, under a tracer that fails
    python -m tests.faults program NAME bare 0             the same, without

The first prints figures, and exits with 1 at the first difference, which it describes. The second
does what the program does; `WHAT_IS_LEFT` then says on stderr what is left of the tracer.
"""

from __future__ import annotations

import _thread
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
from types import CodeType, GeneratorType
from typing import Any, Literal, NamedTuple

from codetracer import (
    RecorderError,
    Tracer,
    backend,
    configure_policy,
    flush_installed_tracer,
    install_tracer,
    uninstall_tracer,
)
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec
from tests.programs import PROGRAMS as SMALL
from tests.programs import compiled, run
from tests.slots import EMPTY, slots

SPECS = [spec for spec in CALLBACK_SPECS if spec.id]
KINDS = [spec for spec in SPECS if spec.event != "BRANCH" or sys.version_info < (3, 14)]

type Comes = Literal["fails", "nothing", "removed", "passes"]
"""One error of the handler's; nothing at all; an uninstall; an exception that is the program's."""


class Fault(NamedTuple):
    """What a handler does, given its code, and what comes of it."""

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
    while True:
        try:
            kept.append(bytearray(size))
        except MemoryError:
            # To the last byte is a segmentation fault of CPython's own on 3.15.0.
            if size < (64 if sys.version_info < (3, 15) else 2**13):
                raise
            size //= 2


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

PROGRAMS = {
    "signals at random moments": """
import signal, random
caught = []
def interrupt(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
signal.signal(signal.SIGUSR1, lambda number, frame: None)
def work(n): return sum(work(n - 1) for _ in range(2)) if n else 1
done = 0
while len(caught) < 40:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-3))
        while True:
            assert work(4) == 16
            signal.raise_signal(signal.SIGUSR1)
    except KeyboardInterrupt:
        caught.append(1)
signal.setitimer(signal.ITIMER_REAL, 0)
print(work(5), sum(caught))
""",
    "signals whose handlers raise an Exception, each of which is seen once": """
import signal, random
class Timeout(Exception): pass
raised = caught = 0
def late(number, frame):
    global raised
    raised += 1
    raise Timeout
signal.signal(signal.SIGALRM, late)
def work(n): return sum(work(n - 1) for _ in range(2)) if n else 1
while caught < 40:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-4, 5e-3))
        while True: work(4)
    except Timeout:
        caught += 1
print(raised, caught)
""",
    "signals while tracers come and go": """
import signal, random, sys
from codetracer import Monitor, Tracer
class Lines(Tracer):
    def on_line(self, code, line): return sys.monitoring.DISABLE
def interrupt(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
def work(): return [n for n in range(3)]
monitor, caught = Monitor("signalled", slot=5), 0
# All that is needed is loaded by then: importlib loses an interrupt in its weak references.
monitor.install(Lines())
monitor.uninstall()
while caught < 200:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 4e-4))
        while True:
            monitor.install(Lines())
            monitor.watch(work)
            work()
            monitor.rearm()
            monitor.uninstall()
    except KeyboardInterrupt:
        caught += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Whole or not at all: what was interrupted can be undone.
        monitor.uninstall()
        assert sys.monitoring.get_tool(5) is None, "a slot that nobody knows of"
        assert sys.monitoring.get_events(5) == 0
        for name in ("LINE", "PY_START"):
            event = getattr(sys.monitoring.events, name)
            assert sys.monitoring.register_callback(5, event, None) is None, name
print(caught)
""",
    "8 threads install and uninstall while 8 run": """
import threading
from codetracer import Monitor, Tracer, UsageError
class Lines(Tracer):
    def on_line(self, code, line): ...
    def on_py_start(self, code, offset): ...
stop, errors, done = threading.Event(), [], []
def work(n): return work(n - 1) + work(n - 2) if n > 1 else n
def working():
    while not stop.is_set():
        if work(8) != 21: errors.append("wrong")
def installing():
    monitor = Monitor("of a thread")
    for _ in range(3):
        try:
            monitor.install(Lines())
        except UsageError as error:
            if error.code != "ERR_TRACER_INSTALL_CONFLICT": errors.append(error)
        except BaseException as error:
            errors.append(error)
        monitor.watch(work) if monitor.tracer else None
        monitor.rearm()
        monitor.uninstall()
    done.append(1)
workers = [threading.Thread(target=working) for _ in range(8)]
installers = [threading.Thread(target=installing) for _ in range(8)]
for thread in workers + installers: thread.start()
for thread in installers: thread.join()
stop.set()
for thread in workers: thread.join()
print(len(done), errors)
""",
    "forks, with exec and without": """
import os, subprocess, sys
def work(n): return [n * n for n in range(n)]
sys.stdout.flush()
for kind in range(4):
    child = os.fork()
    if not child:
        if kind == 0: os._exit(len(work(7)))
        if kind == 1: os.execv(sys.executable, [sys.executable, "-S", "-c", "raise SystemExit(9)"])
        if kind == 2: sys.exit(len(work(5)))
        child = os.fork()
        if not child: os._exit(2)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) + 40)
    print(kind, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(subprocess.run([sys.executable, "-S", "-c", "print(3)"], capture_output=True).stdout)
""",
    "subinterpreters": """
try:
    import _interpreters as made
except ImportError:
    import _xxsubinterpreters as made
import os
def work(n): return sum(range(n))
for _ in range(2):
    one = made.create()
    read, write = os.pipe()
    tools = "[sys.monitoring.get_tool(n) for n in range(6)]"
    made.run_string(one, f"import os, sys; os.write({write}, repr({tools}).encode())")
    made.destroy(one)
    print(os.read(read, 100), work(5))
""",
    "shutdown with daemon threads and __del__": """
import atexit, sys, threading, time
class Dies:
    def __init__(self, name): self.name = name
    def __del__(self):
        total = 0
        for n in range(3): total += n
kept = Dies("kept")
sys.kept = Dies("in sys")
def forever():
    while True: [n for n in range(10)]
for _ in range(3): threading.Thread(target=forever, daemon=True).start()
@atexit.register
def last():
    print("last", sum(n for n in range(4)))
loop = Dies("in a loop")
loop.self = loop
print("end")
sys.exit(5)
""",
    "greenlets": """
from greenlet import greenlet
said = []
def first(n):
    for i in range(n):
        said.append(("first", i, second_one.switch(i)))
    return "first ends"
def second(i):
    while True:
        try:
            i = first_one.switch(i * 2)
        except KeyError as error:
            said.append(repr(error))
first_one, second_one = greenlet(first), greenlet(second)
print(first_one.switch(3))
def fails(): raise LookupError("in a greenlet")
try:
    greenlet(fails).switch()
except LookupError as error:
    said.append(repr(error))
print(said)
""",
    "a program that uses sys.monitoring": """
import sys
mon, seen = sys.monitoring, []
mon.use_tool_id(0, "the program's")
def work(n):
    total = 0
    for i in range(n):
        total += i
    return total
try:
    mon.register_callback(0, mon.events.LINE, lambda code, line: seen.append(line) or mon.DISABLE)
    mon.set_local_events(0, work.__code__, mon.events.LINE)
    print(work(3), work(3))
    mon.restart_events()
    print(work(3), len(seen))
finally:
    mon.set_local_events(0, work.__code__, 0)
    mon.register_callback(0, mon.events.LINE, None)
    mon.free_tool_id(0)
print(mon.get_tool(0))
""",
    "a program that uses settrace, setprofile and setrecursionlimit": """
import sys
seen = []
def trace(frame, event, argument):
    if frame.f_code.co_name in ("work", "deep"): seen.append((event, frame.f_lineno))
    return trace
def profile(frame, event, argument):
    if frame.f_code.co_name == "work": seen.append(event)
def work(n):
    try:
        return 1 // n
    except ZeroDivisionError:
        return None
def deep(n): return deep(n + 1)
sys.settrace(trace); work(1); work(0); sys.settrace(None)
sys.setprofile(profile); work(1); work(0); sys.setprofile(None)
limit = sys.getrecursionlimit()
sys.setrecursionlimit(200)
try:
    deep(0)
except RecursionError as error:
    print(type(error).__name__)
sys.setrecursionlimit(limit)
print(seen, sys.getrecursionlimit() == limit)
""",
    "generators 50 deep": """
def deep(n):
    try:
        yield n
        if n:
            got = yield from deep(n - 1)
            return got + 1
        yield "deepest"
        return 0
    except KeyError:
        if n % 7 == 0: return 100
        raise
    finally:
        pass
def whole(): return (yield from deep(50))
made = whole()
print(sum(1 for _ in made))
thrown = whole()
for _ in range(51): next(thrown)
try:
    print(thrown.throw(KeyError("through")))
except StopIteration as error:
    print(error.value)
closed = whole()
for _ in range(30): next(closed)
print(closed.close())
half = whole(); next(half); del half
""",
    "10,000 code objects": """
import gc, sys, weakref
alive = []
for n in range(10_000):
    code = compile(f"def f(x):\\n    return x + {n}\\ny = f(1)", "<many>", "exec")
    if n % 100 == 0: alive.append(weakref.ref(code))
    space = {}
    exec(code, space)
    assert space["y"] == n + 1
del code, space
gc.collect()
print(sum(ref() is not None for ref in alive))
""",
}
"""Programs that do to a tracer whatever a program may do."""

ENDS_INSTALLED = "shutdown with daemon threads and __del__"
WHAT_IS_LEFT = "what is left: "
NOT_EVERYWHERE = {"10,000 code objects": ("PY_START", "LINE", "RAISE")}
"""Where every event would take too long."""

ESCAPES = (
    ("BRANCH", "BRANCH_LEFT", "BRANCH_RIGHT", "JUMP")
    if sys.version_info < (3, 13, 15) or (3, 14) <= sys.version_info < (3, 14, 7)
    else ()
)
"""What a signal's handler raises in a callback of these gets past the program's try (gh-152375)."""


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

    def fail(self, code: CodeType, *_: object) -> object:
        """Commit the fault, once, at its time."""
        if code.co_filename != self.file:
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
    if threading.active_count() != threads:
        return f"threads left: {threading.enumerate()}"
    if sys.getrecursionlimit() != limit:
        return f"the recursion limit is {sys.getrecursionlimit()}"
    if tracer.told != ["finish"]:
        return f"finished {len(tracer.told)} times"
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
        seen = 1
    except KeyboardInterrupt as error:
        # A signal that came when the program had ended already.
        if not isinstance(error.__context__, RecorderError):
            raise
        seen = 1
    finally:
        if name != ENDS_INSTALLED and os.getpid() == owner:
            uninstall_tracer()
            left = [n for n, slot in enumerate(slots()) if slot != EMPTY]
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
