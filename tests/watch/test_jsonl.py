"""The events of a program as JSON lines: their keys, their depth, and every event by its name."""

import json
import sys
import threading
from pathlib import Path
from types import CodeType

import pytest

from codetracer.monitoring import monitoring_events
from codetracer.watch.formats import JsonLines
from codetracer.watch.output import Output
from codetracer.watch.select import FileSelection, available_events
from codetracer.watch.tracer import LiveTracer
from tests.support.running import watch_events

HAS_SIDES = sys.version_info >= (3, 14)

COMMON = ["event", "time_ns", "pid", "thread", "depth", "file", "line", "function"]

OWN = {
    "start": ["offset", "arguments"],
    "resume": ["offset"],
    "return": ["offset", "retval"],
    "yield": ["offset", "retval"],
    "throw": ["offset", "exception"],
    "unwind": ["offset", "exception"],
    "call": ["offset", "callable", "arg0"],
    "c_return": ["offset", "callable", "arg0"],
    "c_raise": ["offset", "callable", "arg0"],
    "line": [],
    "instruction": ["offset", "opname"],
    "jump": ["offset", "destination", "destination_line"],
    "branch": ["offset", "destination", "destination_line"],
    "branch_left": ["offset", "destination", "destination_line"],
    "branch_right": ["offset", "destination", "destination_line"],
    "stop_iteration": ["offset", "exception"],
    "raise": ["offset", "exception"],
    "reraise": ["offset", "exception"],
    "exception_handled": ["offset", "exception"],
}

EVERYTHING = """
def numbers(limit):
    try:
        for number in range(limit):
            yield number
    except KeyError:
        pass
def over(): yield from numbers(1)
def fail():
    try: int('x')
    finally: pass
def main():
    for number in numbers(2):
        if number:
            continue
        str(number)
    for _ in over(): pass
    generator = numbers(9)
    next(generator)
    try: generator.throw(KeyError('k'))
    except StopIteration: pass
    try: fail()
    except ValueError: pass
main()
"""


@pytest.mark.parametrize("name", [*available_events(monitoring_events()), "all"])
def test_an_event_that_is_asked_for_is_shown_and_no_other(name: str, tmp_path: Path) -> None:
    events = watch_events(tmp_path, EVERYTHING, "--events", name)

    # An instruction or a branch that is watched keeps a `for` from telling how its generator ends.
    expected = {name} if name != "all" else set(OWN) - {"branch", "stop_iteration"}
    if name == "branch" and HAS_SIDES:
        expected = {"branch_left", "branch_right"}
    if name == "all" and not HAS_SIDES:
        expected = expected - {"branch_left", "branch_right"} | {"branch"}
    assert {event["event"] for event in events} - {"stop_iteration"} == expected - {
        "stop_iteration"
    } or {event["event"] for event in events} == {name}
    for event in events:
        own = OWN[event["event"]]
        keys = [key for key in own if key in event or key not in ("arg0", "arguments")]
        assert list(event) == COMMON + keys


def test_the_keys_say_what_happened_where_and_when(tmp_path: Path) -> None:
    program = """
import threading
class Box:
    def add(self, item, *rest):
        return [item]
def work():
    Box().add('ä', 2)
thread = threading.Thread(target=work, name='worker')
thread.start(); thread.join()
"""

    events = watch_events(tmp_path, program, "--events", "start,return,line")

    by_function = {(event["function"], event["event"]): event for event in events}
    start, end = by_function["Box.add", "start"], by_function["Box.add", "return"]
    ident = start["thread"]["ident"]
    assert start | {"time_ns": 0, "pid": 0} == {
        "event": "start",
        "time_ns": 0,
        "pid": 0,
        "thread": {"name": "worker", "ident": ident},
        "depth": 1,
        "file": str(tmp_path / "app.py"),
        "line": 4,
        "function": "Box.add",
        "offset": 0,
        "arguments": {"self": "<Box>", "item": "'ä'", "rest": "<tuple of 1>"},
    }
    assert (end["line"], end["retval"]) == (5, "<list of 1>")
    assert by_function["<module>", "start"]["thread"]["name"] == "MainThread"
    assert "arguments" not in by_function["<module>", "start"]
    assert len({event["pid"] for event in events}) == 1
    times = [event["time_ns"] for event in events]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] < 60 * 10**9
    assert ident != threading.get_ident()


def test_an_event_of_code_that_runs_in_no_frame_is_shown_all_the_same(tmp_path: Path) -> None:
    # Extension modules fire such events since 3.13; Cython does for its functions.
    events = monitoring_events()
    out = tmp_path / "out"
    tracer = LiveTracer(events.PY_START, FileSelection(["*"]), JsonLines().render, Output(str(out)))
    tracer.interest(events)
    code = compile("def f(x): pass", "extension.pyx", "exec").co_consts[0]
    assert isinstance(code, CodeType)

    tracer.on_py_start(code, 0)
    tracer.on_py_return(code, 0, None)
    tracer.finish()

    (shown,) = map(json.loads, out.read_text().splitlines())
    assert (shown["function"], shown["line"], shown["arguments"]) == ("f", 1, {})


DEPTHS = """
import asyncio, contextlib, functools
from sys import _getframe
def check(here):
    # Depth as the program sees it: how many of its own frames are below.
    frame, depth = _getframe(1), -1
    while frame:
        depth += frame.f_code.co_filename == __file__
        frame = frame.f_back
    print(here, depth)
def generator():
    check('generator')
    try:
        yield 1
        check('resumed')
        yield 2
    except KeyError:
        check('thrown')
        yield 3
    finally:
        check('closed')
def outer():
    check('outer')
    yield from generator()
class Number:
    def __lt__(self, other):
        check('compared')
        return True
def recurse(n):
    check('recursed')
    if n:
        recurse(n - 1)
    else:
        raise ValueError
@contextlib.contextmanager
def context():
    check('entered')
    try:
        yield
    finally:
        check('left')
async def coroutine(n):
    check('awaited')
    await asyncio.sleep(0)
    check('woken')
    if n: await coroutine(n - 1)
async def main():
    await asyncio.gather(coroutine(1), coroutine(2), return_exceptions=True)
    task = asyncio.create_task(asyncio.sleep(9))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    check('cancelled')
list(outer())
for stop in 'throw', 'close':
    o = outer(); next(o)
    try: o.throw(KeyError('k')) if stop == 'throw' else o.close()
    except StopIteration: pass
    check('after ' + stop)
unstarted = outer()
try: unstarted.throw(KeyError('k'))
except KeyError: check('unstarted')
o = outer(); next(o); del o
check('deleted')
sorted([Number(), Number(), Number()])
try: recurse(5)
except ValueError: check('caught')
with context(): check('within')
try:
    with context(): 1/0
except ZeroDivisionError: check('failed')
def overflow(n):
    return overflow(n + 1)
try: overflow(0)
except RecursionError: check('overflowed')
functools.reduce(lambda a, b: check('reduced'), [1, 2, 3])
class Body:
    check('body')
asyncio.run(main())
check('end')
"""


@pytest.mark.slow
@pytest.mark.parametrize("events", ["line", "all"])
def test_depth_is_that_of_the_programs_own_frames_whatever_happens(
    events: str, tmp_path: Path
) -> None:
    program = DEPTHS.replace("print(here, depth)", "told(here, depth)").replace(
        "def check(here):", "def told(here, depth): pass\ndef check(here):"
    )

    shown = watch_events(tmp_path, program, "--events", f"start,{events}")

    told = [event for event in shown if event["function"] == "told" and event["event"] == "start"]
    assert len(told) > 40
    for event in told:
        # told() is called by check(), and that by the place it names.
        arguments = event["arguments"]
        assert (arguments["here"], event["depth"] - 2) == (
            arguments["here"],
            int(arguments["depth"]),
        )
