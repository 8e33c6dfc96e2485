"""Suspended generators and coroutines: recording keeps little of them, and leaves theirs alone."""

import re
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import Frame, ThrowEvent, UnwindEvent, YieldEvent
from tests.support.recordings import NATIVE, record
from tests.support.running import execute, write

REFERENTS = """
import asyncio, contextlib, gc, sys, types
def show(suspended):
    while hasattr(suspended, '__name__'):
        # None is what an except of anybody leaves on 3.12.
        held = [type(held).__name__ for held in gc.get_referents(suspended) if held is not None]
        print(suspended.__name__, *sorted(held))
        awaited = getattr(suspended, 'gi_yieldfrom', None), getattr(suspended, 'cr_await', None)
        suspended = awaited[0] or awaited[1]
def helper(n):
    more = n + 1
    return more
def plain(n):
    total = n
    yield total
    total = helper(total)
    yield total
def nested(n):
    for each in plain(n): yield each
def delegating(n):
    result = yield from nested(n)
    yield result
def prints(n):
    print('hello', n)
    sys.stdout.write('written\\n')
    yield n
    print('again')
    yield n
def handles(n):
    try: raise ValueError(n)
    except ValueError: pass
    yield n
def asks(n):
    yield n
    sys._getframe()
    yield n
def comprehends(n):
    made = [x * n for x in range(3)]
    yield made
    yield sum(y for y in made)
def makes(n):
    class Made:
        a = n
        def method(self): return n
    yield Made().method()
def library(n):
    with contextlib.suppress(ValueError):
        yield sorted([3, 1, n], key=lambda value: -value)
def recursive(n):
    if n: yield from recursive(n - 1)
    yield n
@types.coroutine
def pause(): yield 1
async def inner():
    await pause()
    return 3
async def outer():
    found = await inner()
    await pause()
    return found
async def several():
    yield 1
    await pause()
    yield 2
functions = plain, nested, delegating, prints, handles, asks, comprehends, makes, library, recursive
for function in functions:
    generator = function(2)
    for _ in generator:
        show(generator)
coroutine = outer()
with contextlib.suppress(StopIteration):
    while True:
        coroutine.send(None)
        show(coroutine)
generator = several()
for send in generator.asend(None), generator.asend(None):
    with contextlib.suppress(StopIteration):
        send.send(None)
    show(generator)
async def worker(event, n):
    await event.wait()
    return n
async def main():
    event = asyncio.Event()
    workers = [worker(event, n) for n in range(3)]
    tasks = [asyncio.create_task(each) for each in workers]
    await asyncio.sleep(0)
    for each in workers:
        show(each)
    event.set()
    print(await asyncio.gather(*tasks))
asyncio.run(main())
"""


# The engine in Python has to ask for a frame's object, and cannot take it away again.
@pytest.mark.slow
@pytest.mark.only_where(NATIVE)
@pytest.mark.parametrize("backend", ["native"])
def test_no_frame_object_stays_that_the_program_has_not_asked_for(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": REFERENTS})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert unrecorded.stderr == ""
    # Those that the program has asked for stay: by raising, and by sys._getframe.
    with_frames = [line.split()[0] for line in unrecorded.stdout.splitlines() if " frame " in line]
    assert with_frames == ["handles", "asks"]

    recorded = record(tmp_path, REFERENTS, "--io-capture=proxies", backend=backend)

    assert recorded == unrecorded


MEMORY = """
import collections, gc, operator, types
def resident():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * 4096
def generator(n):
    doubled = n * 2
    yield doubled
@types.coroutine
def waiting(n):
    yield n
async def coroutine(n):
    doubled = n * 2
    await waiting(n)
    return doubled
def make(count):
    return [FUNCTION(7) for _ in range(count)]
def start(suspended):
    collections.deque(map(operator.methodcaller('send', None), suspended), 0)
gc.disable()
few = make(1000)
start(few)
before = resident()
many = make(100_000)
start(many)
print((resident() - before) // len(many))
"""


# The engine in Python has to ask for a frame's object, and cannot take it away again.
@pytest.mark.slow
@pytest.mark.only_where(NATIVE)
@pytest.mark.parametrize("backend", ["native"])
@pytest.mark.parametrize(("function", "frames"), [("generator", 1), ("coroutine", 2)])
def test_recording_keeps_less_than_a_hundred_bytes_of_each(
    tmp_path: Path, function: str, frames: int, backend: str
) -> None:
    program = MEMORY.replace("FUNCTION", function)
    write(tmp_path, {"app.py": program})
    unrecorded = execute("app.py", cwd=tmp_path)

    recorded = record(tmp_path, program, backend=backend)

    assert int(unrecorded.stdout) > 150
    assert int(recorded.stdout) - int(unrecorded.stdout) < 100 * frames


SAME = {
    "a frame that the program holds": """
def numbers(n):
    for each in range(n):
        yield each
generator = numbers(3)
frame = generator.gi_frame
for each in generator:
    print(frame is generator.gi_frame, frame.f_lineno, frame.f_lasti > 0, frame.f_back)
    print(sys.getrefcount(frame), frame.f_locals['each'])
print(generator.gi_frame, sys.getrefcount(frame), frame.f_locals)
""",
    "a frame that it has asked for and not held": """
def numbers(n):
    first = id(sys._getframe())
    yield
    others = [bytearray(size) for size in range(300)]
    yield first == id(sys._getframe())
    taken = sys._getframe(), helper(others)
    yield first == id(taken[0])
def helper(others):
    return len(others), id(sys._getframe(1))
for each in range(50):
    print(*numbers(3))
async def waits():
    first = id(sys._getframe())
    await asyncio.sleep(0)
    others = [bytearray(size) for size in range(300)]
    await asyncio.sleep(0)
    return first == id(sys._getframe())
async def main():
    print(await asyncio.gather(*(waits() for _ in range(50))))
asyncio.run(main())
""",
    "a frame that a traceback holds": """
def fails(n):
    try:
        yield n
        raise ValueError(n)
    except ValueError as error:
        kept.append(error.__traceback__)
        yield n
    yield n
kept = []
for each in range(3):
    generator = fails(each)
    print(list(generator), generator.gi_frame)
    frame = kept[-1].tb_frame
    print(frame.f_lineno, kept[-1].tb_lineno, frame.f_code.co_name)
    print(frame.f_back, frame.f_locals['n'])
    second = fails(each)
    next(second), next(second)
    print(kept[-1].tb_frame is second.gi_frame)
    second.close()
    print(kept[-1].tb_frame.f_locals)
""",
    "what is set on a frame": """
def numbers(n):
    for each in range(n):
        yield each
seen = []
def trace(frame, event, arg):
    seen.append((event, frame.f_code.co_name, frame.f_lineno))
    return trace
one, two, three, four = generators = [numbers(3) for _ in range(4)]
one.gi_frame.f_trace = trace
two.gi_frame.f_trace_lines = False
three.gi_frame.f_trace_opcodes = True
if sys.version_info >= (3, 13):
    four.gi_frame.f_locals['added'] = 'kept'
    four.gi_frame.f_locals['n'] = 2
for each in range(2):
    print([next(generator) for generator in generators])
    frames = [generator.gi_frame for generator in generators]
    print([(frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes) for frame in frames])
    print(frames[3].f_locals.get('added'), frames[3].f_locals['n'])
    del frames
sys.settrace(trace)
for each in zip(*generators): pass
sys.settrace(None)
print(seen)
""",
    "frames that other threads ask for": """
def numbers(n):
    for each in range(n):
        asking.set()
        answered.wait()
        answered.clear()
        yield each
def ask():
    for each in range(20):
        asking.wait()
        asking.clear()
        frame = sys._current_frames()[main]
        while frame.f_code.co_name != 'numbers':
            frame = frame.f_back
        kept.append(frame if each % 2 else id(frame))
        del frame
        answered.set()
main, kept = threading.get_ident(), []
asking, answered = threading.Event(), threading.Event()
thread = threading.Thread(target=ask)
thread.start()
generator = numbers(20)
for each in generator:
    others = [bytearray(size) for size in range(300)]
    frame = generator.gi_frame
    print(kept[-1] in (frame, id(frame)), len({id(each) for each in kept if each is frame}))
thread.join()
""",
    "how generators end": """
class Told:
    def __init__(self, name): self.name = name
    def __del__(self): print('end of', self.name)
def numbers(name):
    told = Told(name)
    try:
        yield 1
        yield 2
    except KeyError as error:
        print('thrown', name, error)
        yield 3
    finally:
        print('closed', name)
def delegating(name):
    told = Told('around ' + name)
    yield from numbers(name)
def held(make, name):
    generator = make(name)
    next(generator)
    return generator, generator.gi_frame
for make in numbers, delegating:
    generator = make('closed'); next(generator); generator.close(); del generator
    generator = make('dropped'); next(generator); next(generator); del generator
    generator = make('thrown into'); next(generator); print(generator.throw(KeyError('k')))
    print(list(generator))
    generator, frame = held(make, 'held')
    del generator
    print('held', frame.f_locals.keys())
    del frame
    generator, frame = held(make, 'cleared')
    try: frame.clear()
    except RuntimeError as error: print(error)
    del generator, frame
    never = make('never begun')
    del never
    cycle = [make('in a cycle')]
    cycle.append(cycle)
    next(cycle[0])
    del cycle
    print(gc.collect() > 0)
""",
    "asynchronous generators": """
async def numbers(n):
    try:
        for each in range(n):
            yield each
            await asyncio.sleep(0)
    finally:
        print('closing', n)
        await asyncio.sleep(0)
        print('closed', n)
async def main():
    print([each async for each in numbers(3)])
    async for each in numbers(4):
        break
    left = numbers(5)
    await left.__anext__()
    frame = left.ag_frame
    await left.__anext__()
    print(frame is left.ag_frame, frame.f_locals['each'])
    await left.aclose()
    print(left.ag_frame, frame.f_locals)
    thrown = numbers(6)
    await thrown.asend(None)
    try: await thrown.athrow(KeyError('k'))
    except KeyError as error: print(repr(error), error.__traceback__.tb_next is not None)
    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    print(task.get_stack(), task.get_coro().cr_frame is task.get_stack()[0])
    task.cancel()
    try: await task
    except asyncio.CancelledError: print('cancelled')
async def waits():
    await asyncio.sleep(10)
asyncio.run(main())
""",
    "other tools": """
def numbers(n):
    for each in range(n):
        yield each
def watch(code, *args):
    if code is numbers.__code__:
        frames.append(sys._getframe(1))
        ids.add(id(sys._getframe(1)))
frames, ids = [], set()
events = sys.monitoring.events
for tool in 0, 2:
    sys.monitoring.use_tool_id(tool, str(tool))
    for event in events.PY_YIELD, events.PY_RESUME, events.LINE:
        sys.monitoring.register_callback(tool, event, watch)
    sys.monitoring.set_events(tool, events.PY_YIELD | events.PY_RESUME | events.LINE)
generator = numbers(10)
for each in generator:
    frames[-1] is generator.gi_frame or print('another frame')
    if each == 4: frames.clear()
for tool in 0, 2: sys.monitoring.free_tool_id(tool)
print(len(ids), len(frames))
""",
}
"""Programs that look at their own generators closely, and print that."""


@pytest.mark.slow
@pytest.mark.parametrize("what", SAME)
def test_a_program_finds_them_as_they_are_unrecorded(
    tmp_path: Path, what: str, backend: str
) -> None:
    # Without automatic collections, which come earlier where the recorder allocates.
    program = f"import asyncio, gc, sys, threading\ngc.disable()\n{SAME[what]}"
    write(tmp_path, {"app.py": program})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert (unrecorded.code, unrecorded.stderr) == (0, "")

    recorded = record(tmp_path, program, "--io-capture=proxies", backend=backend)

    assert _plain(recorded.stdout) == _plain(unrecorded.stdout)


def _plain(text: str) -> str:
    """Return a program's output without the addresses in it."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


DEAD_AND_UNBORN = """\
def count(n):
    yield n
    yield n + 1
def run():
    dead = count(1)
    next(dead)
    del dead
    unborn = count(2)
    try: unborn.throw(LookupError)
    except LookupError: pass
run()
"""
"""The second generator gets the memory of the first, which ends without an event."""


def test_one_that_is_thrown_into_before_it_begins_is_not_taken_for_one_that_is_gone(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, DEAD_AND_UNBORN, backend=backend)

    frames: dict[Frame | None, list[str]] = {}
    for event in codetracer.read(tmp_path / "out"):
        kinds = YieldEvent | ThrowEvent | UnwindEvent
        if isinstance(event, kinds) and event.frame and event.frame.code.name == "count":
            frames.setdefault(event.frame, []).append(type(event).__name__)
    dead, unborn = frames.values()
    # 3.14 reports the end of the first one.
    assert dead in (["YieldEvent"], ["YieldEvent", "ThrowEvent", "UnwindEvent"])
    assert unborn == ["UnwindEvent"]
