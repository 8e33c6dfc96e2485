"""Each thread has the events that an observer of its own has seen, and frames are balanced."""

import json
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from codetracer.replay import (
    Value,
    render,
    to_json,
)
from tests.support.balance import history_of, record

OBSERVED = {
    "calls": """
def leaf(n):
    return n
def middle(n):
    return leaf(n) + leaf(n + 1)
def top(n):
    return [middle(i) for i in range(n)]
top(3)
sorted([3, 1, 2], key=lambda x: leaf(-x))
class C:
    def __init__(self): self.x = leaf(1)
    def __getattr__(self, name): return leaf(name)
    def __del__(self): leaf("del")
c = C(); c.missing; del c
def swallow(function):
    try:
        function()
    except Exception:
        pass
    finally:
        leaf("finally")
swallow(lambda: 1 / 0)
def raises(n):
    if n: raises(n - 1)
    raise ValueError(n)
swallow(lambda: raises(3))
""",
    "generators": """
def counting(n):
    try:
        for i in range(n):
            try:
                got = yield i
            except KeyError as error:
                yield ("key", error.args)
    finally:
        leaf()
    return n
def leaf(): return None
def outer(n):
    value = yield from counting(n)
    yield value
list(outer(3))
g = counting(5); next(g); g.send("a"); g.throw(KeyError(1)); next(g); g.close()
g = counting(5); next(g)
try:
    g.throw(ValueError("not handled"))
except ValueError:
    leaf()
g = counting(5); next(g); del g
never = counting(5); del never
unstarted = counting(5)
try:
    unstarted.throw(LookupError)
except LookupError:
    leaf()
kept = [counting(9) for _ in range(3)]
for i in range(4):
    for g in kept: next(g)
    leaf()
sum(x for x in counting(4))
def tree(n):
    if n:
        yield from tree(n - 1)
        yield n
        yield from tree(n - 1)
list(tree(4))
""",
    "coroutines": """
import asyncio
async def leaf(n):
    await asyncio.sleep(0)
    return n
async def numbers(n):
    for i in range(n):
        yield await leaf(i)
class Manager:
    async def __aenter__(self): return await leaf(1)
    async def __aexit__(self, *_): return await leaf(2)
async def waits():
    try:
        await asyncio.sleep(60)
    finally:
        await leaf("cleaned")
async def stuck():
    await asyncio.Event().wait()
async def main():
    await asyncio.gather(*(leaf(i) for i in range(5)))
    async for n in numbers(3):
        async with Manager(): pass
    tasks = [asyncio.create_task(waits()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks: task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    try:
        await asyncio.wait_for(stuck(), 0.01)
    except TimeoutError:
        await leaf("timeout")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(stuck()); group.create_task(fails())
    except* ValueError:
        await leaf("group")
    never = leaf("never"); never.close()
async def fails():
    await leaf(0)
    raise ValueError
asyncio.run(main())
""",
    "16 threads": """
import threading
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def produce(n):
    for i in range(n):
        yield fib(i % 5)
barrier = threading.Barrier(16)
def worker(n):
    barrier.wait()
    for _ in range(3):
        sum(produce(n))
        try:
            fails(n)
        except LookupError:
            pass
def fails(n): raise LookupError(n)
threads = [threading.Thread(target=worker, args=(n,), name=f"worker-{n}") for n in range(16)]
for t in threads: t.start()
for t in threads: t.join()
""",
    "threads one after another": """
import threading
def work(n): return n * 2
idents = set()
def worker(n):
    idents.add(threading.get_ident())
    work(n)
for n in range(30):
    t = threading.Thread(target=worker, args=(n,), name=f"one-{n}")
    t.start(); t.join()
assert len(idents) < 30, "no ident was used twice"
""",
    "generators that change threads": """
import threading
def counting(name):
    for i in range(4):
        yield leaf(i)
def leaf(i): return i
def step(g):
    next(g, None)
def apart(function, *args):
    t = threading.Thread(target=function, args=args); t.start(); t.join()
g, h = counting("g"), counting("h")
for _ in range(3):
    step(g); apart(step, g); apart(step, h); step(h)
def outer(n):
    yield from counting(n)
o = outer("o")
step(o); apart(step, o)
apart(o.close)
""",
    "code that comes and goes": """
import gc
def call(function): return function()
for n in range(300):
    space = {}
    text = f"def made_{n}():\\n    return [{n} for _ in range(1)]"
    exec(compile(text, f"/{n}/app.py", "exec"), space)
    call(space[f"made_{n}"])
    eval(compile(f"(lambda: {n})()", "/eval/app.py", "eval"), space)
    def local(): return n
    call(local)
    del space, local
    if n % 50 == 0: gc.collect()
""",
    "classes made at run time": """
def make(n):
    class Made:
        value = n
        def method(self): return self.value
    return Made().method()
for n in range(50):
    make(n)
""",
}


def without(events: list[tuple[str, str]], *kinds: str) -> list[tuple[str, str]]:
    return [event for event in events if event[0] not in kinds]


@pytest.mark.slow
@pytest.mark.parametrize("name", OBSERVED)
def test_every_thread_has_the_events_that_an_observer_of_its_own_has_seen(
    tmp_path: Path, name: str, backend: str
) -> None:
    program = f"import observer; observer.begin()\n{OBSERVED[name]}\nobserver.end()\n"

    outcome = record(tmp_path, program, backend)

    assert (outcome.code, outcome.stderr) == (0, "")
    threads = history_of(tmp_path).threads
    observed = [
        [(kind, function) for kind, function in log]
        for log in json.loads((tmp_path / "observed.json").read_text())
    ]
    recorded = [thread.events for thread in threads if thread.events]
    assert len(recorded) == len(observed)
    for mine, theirs in zip(recorded, observed, strict=True):
        # A generator that is thrown into, or closed, through another one leaves or comes back
        # without an event; the recording has more of these, and never less.
        assert without(mine, "lost", "resume", "throw", "enter") == without(
            theirs, "resume", "throw"
        )
        counted, expected = Counter(mine), Counter(theirs)
        for (kind, function), number in expected.items():
            if kind == "resume":
                assert counted[kind, function] >= number
            if kind == "throw":
                assert counted[kind, function] + counted["enter", function] >= number


@pytest.mark.parametrize("name", ["calls", "16 threads", "threads one after another"])
def test_nothing_is_lost_where_there_are_no_generators_to_close(
    tmp_path: Path, name: str, backend: str
) -> None:
    record(tmp_path, OBSERVED[name], backend)

    kinds = Counter(seen.kind for seen in history_of(tmp_path).seen)

    assert kinds["lost"] == kinds["unfinished"] == kinds["enter"] == 0
    assert kinds["call"] + kinds["resume"] == kinds["return"] + kinds["yield"] + kinds["unwind"]


def test_threads_one_after_another_have_their_own_names_though_they_share_an_ident(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, OBSERVED["threads one after another"], backend)

    calls = [(seen.thread, seen.value) for seen in history_of(tmp_path).of("call", "work")]

    assert calls == [(f"one-{n}", {"n": n}) for n in range(30)]


@pytest.mark.slow
def test_code_at_the_address_of_code_that_is_gone_is_not_taken_for_it(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, OBSERVED["code that comes and goes"], backend)

    made = [
        (seen.function, seen.path, to_json(cast(Value, seen.value)))
        for seen in history_of(tmp_path).of("return")
        if seen.function.startswith("made_")
    ]
    assert [(name, path) for name, path, _ in made] == [
        (f"made_{n}", f"/{n}/app.py") for n in range(300)
    ]
    assert all(f"{n}" in json.dumps(value) for n, (_, _, value) in enumerate(made))


def test_a_thrown_exception_is_told_with_the_generator_it_goes_into(
    tmp_path: Path, backend: str
) -> None:
    record(
        tmp_path,
        "def g():\n    try:\n        yield 1\n    except KeyError:\n        yield 2\n"
        "i = g()\nnext(i)\ni.throw(KeyError('thrown'))\ni.close()\n",
        backend,
    )

    thrown = history_of(tmp_path).of("throw")
    assert [seen.function for seen in thrown] == ["g", "g"]
    first, second = (render(cast(Value, seen.value)) for seen in thrown)
    assert first == "KeyError('thrown')"
    assert second.startswith("GeneratorExit(")
