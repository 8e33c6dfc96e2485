"""A formatter runs amid an event: what it does is the program's, and what fails is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import (
    CallEvent,
    OutputEvent,
    RaiseEvent,
    StepEvent,
    Words,
)
from tests.support.formatters import ORDER, calls, run, shown, words
from tests.support.recordings import ENVIRON, an_object, last
from tests.support.running import execute, write


def missed(trace: Path) -> object:
    counts = codetracer.read(trace).metadata["counts"]
    assert isinstance(counts, dict)
    return counts["missed"]


FAILURES = {
    "raise TypeError('secret reasons')": "TypeError",
    "raise OwnError": "__main__.OwnError",
    "assert not order": "AssertionError",
    "return order.nothing": "AttributeError",
    "return say(order)": "RecursionError",
    "raise MemoryError": "MemoryError",
    "raise StopIteration": "StopIteration",
    "return 5": "it returned int, not str",
    "return b'x'": "it returned bytes, not str",
    "return None": "it returned NoneType, not str",
    "yield 'x'": "it returned generator, not str",
    "import codetracer; codetracer.start('other')": "codetracer.errors.UsageError",
}

OWN_ERROR = """
class OwnError(Exception):
    def __init__(self): print('made')
    def __str__(self): print('asked')
    __class__ = property(lambda self: print('asked'))
"""


@pytest.mark.parametrize("body", FAILURES)
def test_a_formatter_that_fails_is_said_to_and_the_program_goes_on(
    tmp_path: Path, backend: str, body: str
) -> None:
    before = f"{ORDER}{OWN_ERROR}\ndef say(order):\n    {body}\n"
    program = "order = Order(1, [])\nprint('on')\norder"

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert (outcome.code, outcome.stderr) == (0, "")
    assert set(outcome.stdout.split()) <= {"on", "made"}
    order = an_object(last(tmp_path / "out")["order"])
    assert order.words == Words(FAILURES[body], failed=True)
    assert shown(order) == f"<Order #n formatter failed: {FAILURES[body]}; number=1, items=[]>"
    assert not (tmp_path / "other").exists()


PAUSED = """
import sys
def say(order):
    sys.monitoring.get_tool(0), helper(order)
    deeper = [step(n) for n in range(3)]
    next(numbers)
    return str(deeper)
def step(n):
    return n
def numbers_of():
    for n in range(1000):
        yield n
numbers = numbers_of()
"""


@pytest.mark.fresh
def test_what_a_formatter_does_is_no_event_and_what_follows_is(
    tmp_path: Path, backend: str
) -> None:
    program = "order = Order(1, [])\nstep(7)\nhelper(order)\nnext(numbers)\norder\norder"

    found = words(tmp_path, program, "say", backend, before=ORDER + PAUSED)

    assert found["order"].startswith("<Order #n says '[0, 1, 2]'")
    assert calls(tmp_path / "out") == [
        *("<module>", "Order.__init__", "step", "helper", "Order.total", "numbers_of")
    ]
    steps = [
        (event.frame.code.name, event.line)
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, StepEvent)
    ]
    assert not [step for step in steps if step[0] == "say"]
    assert [name for name, _ in steps].count("step") == 1
    assert missed(tmp_path / "out") == 0


def test_what_a_formatter_prints_is_the_programs_output(tmp_path: Path, backend: str) -> None:
    before = f"{ORDER}\ndef say(order):\n    print('asked'); return 'x'\n"

    outcome = run(
        tmp_path,
        "order = Order(1, [])\nprint('end')",
        "say",
        backend,
        before=before,
        capture="proxies",
    )

    assert (outcome.code, outcome.stderr) == (0, "")
    written = b"".join(
        event.data for event in codetracer.read(tmp_path / "out") if isinstance(event, OutputEvent)
    )
    assert written.decode() == outcome.stdout
    assert outcome.stdout.split() == ["asked"] * outcome.stdout.count("asked") + ["end"]


def test_a_formatter_is_asked_when_its_object_is_looked_at(tmp_path: Path, backend: str) -> None:
    before = f"{ORDER}\nasked = []\ndef say(order):\n    asked.append(1); return 'x'\n"
    program = (
        "order = Order(1, [[[]]])\norder = Order(2, [])\nx = 1\nx = 2\nx = 3\nprint(len(asked))"
    )

    outcome = run(tmp_path, program, "say", backend, before=before)

    # With the call and at the ends of its two lines; and when it is bound: twice each.
    assert outcome == (0, "8\n", "")


def test_the_object_is_read_as_the_formatter_leaves_it(tmp_path: Path, backend: str) -> None:
    before = f"{ORDER}\ndef say(order):\n    order.number += 1\n    return str(order.number)\n"

    found = words(tmp_path, "x = Order(1, [])\ny = x.number\ny", "say", backend, before=before)

    said, number = re.findall(r"says '(\d+)'; number=(\d+)", found["x"])[0]
    assert said == number
    assert int(found["y"]) in (int(number), int(number) - 1)


def test_a_formatter_may_give_its_object_another_class(tmp_path: Path, backend: str) -> None:
    before = (
        f"{ORDER}\nclass Other:\n    pass\ndef say(order):\n"
        "    order.number\n    order.__class__ = Other\n    return 'x'\n"
    )

    found = words(tmp_path, "x = Order(1, [])\nx\nx", "say", backend, before=before)

    assert found["x"] == "<Other #n number=1, items=[]>"


def test_a_text_of_a_class_of_its_own_is_taken_as_it_is(tmp_path: Path, backend: str) -> None:
    before = ORDER + (
        "class Text(str):\n"
        "    def bad(self, *args): print('asked'); raise OSError\n"
        "    __str__ = __len__ = __getitem__ = __hash__ = __eq__ = __format__ = bad\n"
    )

    found = words(
        tmp_path, "order = Order(1, [])\norder", "lambda order: Text('own')", backend, before=before
    )

    assert found["order"] == "<Order #n says 'own'; number=1, items=[]>"


ENDINGS = {
    "KeyboardInterrupt": "raise KeyboardInterrupt('c')",
    "SystemExit": "raise SystemExit('x')",
    "Stop": "raise Stop",
    "Timeout": "signal.setitimer(signal.ITIMER_REAL, 0.01)\n            while True: pass",
    "Put": "ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), put)\n"
    "            while True: pass",
}

INTERRUPTED = """
import ctypes, signal, threading
ident, put = threading.get_ident(), ctypes.py_object(type('Put', (Exception,), {}))
class Stop(BaseException): pass
class Timeout(Exception): pass
def ring(*_): raise Timeout
signal.signal(signal.SIGALRM, ring)
want = False
def say(order):
    global want
    if want:
        want = False
        try:
            ENDING
        finally:
            order.ended = True
    return 'calm'
"""


@pytest.mark.parametrize("name", ENDINGS)
def test_what_ends_a_program_or_comes_from_outside_is_the_programs(
    tmp_path: Path, backend: str, name: str
) -> None:
    before = ORDER + INTERRUPTED.replace("ENDING", ENDINGS[name])
    program = """
order = Order(1, [])
seen = []
def work():
    global want
    want = True
    for _ in range(100):
        order.number
try:
    work()
except BaseException as error:
    seen.append(type(error).__name__)
print(*seen, order.ended)
order
"""

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, f"{name} True\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert "say 'calm'" not in str(last(tmp_path / "out"))
    raised = [event for event in trace if isinstance(event, RaiseEvent)]
    assert raised[0].frame.code.name == "work"
    assert shown(last(tmp_path / "out")["order"]).startswith("<Order #n says 'calm'; ")


def test_an_uncaught_exit_of_a_formatter_ends_the_program(tmp_path: Path, backend: str) -> None:
    outcome = run(tmp_path, "order = Order(1, [])\nprint(1)", "lambda _: exit(3)", backend)

    assert outcome == (3, "", "")


@pytest.mark.slow
@pytest.mark.fresh
@pytest.mark.parametrize("stops", ["codetracer.stop()", "os.kill(os.getpid(), signal.SIGUSR1)"])
def test_a_formatter_may_end_the_recording(tmp_path: Path, backend: str, stops: str) -> None:
    before = (
        f"{ORDER}\nimport codetracer, os, signal\nstop = False\n"
        "codetracer.configure_policy(on_recorder_error='abort')\n"
        "signal.signal(signal.SIGUSR1, lambda *_: codetracer.stop())\n"
        f"def say(order):\n    if stop: {stops}\n    return 'x'\n"
    )
    program = "order = Order(1, [])\nstop = True\norder.number\nprint(codetracer.is_tracing())"

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, "False\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert calls(tmp_path / "out") == ["<module>", "Order.__init__"]


def test_a_formatter_may_fork(tmp_path: Path, backend: str) -> None:
    before = (
        f"{ORDER}\nimport os\nfork = False\npids = []\ndef say(order):\n"
        "    global fork\n    if fork:\n        fork = False\n        pids.append(os.fork())\n"
        "    return 'x'\n"
    )
    program = """
order = Order(1, [])
fork = True
order.number
def after(): return order.total()
after()
if not pids[0]:
    codetracer.stop(); os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
"""

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, "5\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    found = [
        [event.frame.code.name for event in process.replay() if type(event) is CallEvent]
        for process in trace.processes
    ]
    assert len(found) == 2
    assert all(names[-2:] == ["after", "Order.total"] for names in found)


@pytest.mark.slow
def test_other_threads_are_recorded_while_a_formatter_runs(tmp_path: Path, backend: str) -> None:
    before = (
        f"{ORDER}\nimport threading, time\nslow = False\n"
        "def say(order):\n    if slow: time.sleep(0.2)\n    return 'x'\n"
    )
    program = """
order = Order(1, [])
slow = True
def other():
    for n in range(50):
        step(n)
def step(n): return n
thread = threading.Thread(target=other)
thread.start()
order.number
slow = False
thread.join()
"""

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, "", "")
    assert calls(tmp_path / "out").count("step") == 50
    assert missed(tmp_path / "out") == 0


@pytest.mark.fresh
@pytest.mark.slow
def test_a_stack_that_is_nearly_full_is_not_filled_by_a_formatter(
    tmp_path: Path, backend: str
) -> None:
    before = f"{ORDER}def say(order, n=40): return say(order, n - 1) if n else 'x'\n"
    program = """
import sys
def deep(n):
    global order
    order = Order(n, [])
    return deep(n - 1) if n else 0
sys.setrecursionlimit(150)
reached = []
try:
    for n in range(200): reached.append(deep(n))
except RecursionError:
    sys.setrecursionlimit(1000)
print(len(reached))
"""
    starts = "import codetracer\ncodetracer.start('without', io_capture='off')\n"
    write(tmp_path, {"without.py": before + starts + program})
    environ = ENVIRON | {"CODETRACER_BACKEND": backend}
    without = execute("without.py", cwd=tmp_path, environ=environ)

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert without.code == 0
    assert outcome == without
    (log,) = (tmp_path / "out").glob("*.ctlog")
    assert b"RecursionError" in log.read_bytes()
