"""What begins ends, in every thread: calls and returns, yields and resumes, whatever happens.

Most programs here watch themselves with a tool of their own on sys.monitoring, which keeps what it
sees in memory, by thread. The recording must say the same.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, cast

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import (
    CallEvent,
    Event,
    ExitEvent,
    Frame,
    HandledEvent,
    LostEvent,
    RaiseEvent,
    ResumeEvent,
    ReturnEvent,
    StepEvent,
    ThreadEvent,
    ThrowEvent,
    UnfinishedEvent,
    UnwindEvent,
    Value,
    YieldEvent,
    render,
    to_json,
)
from tests.support.running import Outcome, execute, write

OBSERVER = '''\
"""Notes the events of app.py, by thread, and writes them to a file when asked."""
import json, sys, threading
logs, own = [], threading.local()
EVENTS = sys.monitoring.events
KINDS = {"PY_START": "call", "PY_RESUME": "resume", "PY_THROW": "throw", "PY_RETURN": "return",
         "PY_YIELD": "yield", "PY_UNWIND": "unwind"}

def note(kind):
    append, home = list.append, own
    def callback(code, *_):
        if code.co_filename.endswith("app.py") and code.co_name != "<module>":
            try:
                log = home.log
            except AttributeError:
                log = home.log = []
                logs.append(log)
            append(log, (kind, code.co_qualname))
    return callback

def begin():
    sys.monitoring.use_tool_id(1, "observer")
    mask = 0
    for name, kind in KINDS.items():
        event = getattr(EVENTS, name)
        sys.monitoring.register_callback(1, event, note(kind))
        mask |= event
    sys.monitoring.set_events(1, mask)

def end():
    sys.monitoring.set_events(1, 0)
    sys.monitoring.free_tool_id(1)
    with open("observed.json", "w") as file:
        json.dump([log for log in logs if log], file)
'''

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


def record(
    folder: Path, program: str, backend: str, *options: str, files: dict[str, str] | None = None
) -> Outcome:
    """Record ``app.py`` into ``out``."""
    write(folder, {"app.py": program, "observer.py": OBSERVER} | (files or {}))
    return execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend},
    )


class Seen(NamedTuple):
    """An event, as it was when it was yielded."""

    kind: str
    function: str
    thread: str
    depth: int
    path: str
    value: object
    """What was returned, yielded or raised; the arguments of a call."""


class Thread(NamedTuple):
    """What happened in a thread."""

    name: str
    events: list[tuple[str, str]]
    """Kind and function of what begins or ends, in app.py."""


class History(NamedTuple):
    """What happened in a process."""

    threads: list[Thread]
    seen: list[Seen]
    statuses: list[int | None]
    """What the exit events say; one, when the recording was ended."""

    def of(self, kind: str, *functions: str) -> list[Seen]:
        """Return the events of a kind, or those of some functions."""
        return [
            seen
            for seen in self.seen
            if seen.kind == kind and (not functions or seen.function in functions)
        ]


NAMES: dict[type, str] = {
    CallEvent: "call",
    ResumeEvent: "resume",
    ThrowEvent: "throw",
    ReturnEvent: "return",
    YieldEvent: "yield",
    UnwindEvent: "unwind",
    LostEvent: "lost",
    UnfinishedEvent: "unfinished",
}
BEGINNINGS = ("call", "enter", "resume", "throw")
ENDS = ("return", "yield", "unwind", "lost", "unfinished")


def check_balance(events: Iterable[Event]) -> History:
    """Check that events nest within each thread, and return what happened."""
    seen: list[Seen] = []
    statuses: list[int | None] = []
    stacks: dict[int, list[Frame]] = {}
    threads: dict[int, Thread] = {}
    ended: set[int] = set()
    for event in events:
        if isinstance(event, ThreadEvent):
            stacks[event.thread.number] = []
            threads[event.thread.number] = Thread(event.thread.name, [])
            continue
        if isinstance(event, ExitEvent):
            statuses.append(event.status)
        if not isinstance(event, tuple(NAMES)):
            if isinstance(event, (StepEvent, RaiseEvent, HandledEvent)):
                assert stacks[event.thread.number][-1] is event.frame, event
            continue
        stack = stacks[event.thread.number]
        kind = NAMES[type(event)]
        if isinstance(event, CallEvent) and event.entered:
            kind = "enter"
        frame = event.frame
        assert frame is not None
        if kind in BEGINNINGS:
            assert frame.number not in ended, f"{frame} goes on after its end"
            if not (kind == "throw" and stack and stack[-1] is frame):
                assert all(frame not in other for other in stacks.values()), event
                assert frame.caller is (stack[-1] if stack else None)
                stack.append(frame)
        else:
            assert stack.pop() is frame, event
            if kind in ("return", "unwind"):
                ended.add(frame.number)
        value: object = None
        match event:
            case CallEvent():
                value = event.arguments
            case ReturnEvent() | YieldEvent():
                value = event.value
            case ThrowEvent() | UnwindEvent():
                value = event.exception
        seen.append(
            Seen(kind, frame.code.name, event.thread.name, frame.depth, frame.code.path, value)
        )
        if frame.code.name != "<module>" and frame.code.path.endswith("app.py"):
            threads[event.thread.number].events.append((kind, frame.code.name))
    assert not any(stacks.values()), "frames that did not end"
    return History(list(threads.values()), seen, statuses)


def without(events: list[tuple[str, str]], *kinds: str) -> list[tuple[str, str]]:
    return [event for event in events if event[0] not in kinds]


def history_of(folder: Path) -> History:
    """Check the balance of a complete trace of one process."""
    trace = codetracer.read(folder / "out")
    assert trace.complete, trace.problem
    assert len(trace.processes) == 1
    return check_balance(trace)


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["calls", "16 threads", "threads one after another"])
def test_nothing_is_lost_where_there_are_no_generators_to_close(
    tmp_path: Path, name: str, backend: str
) -> None:
    record(tmp_path, OBSERVED[name], backend)

    kinds = Counter(seen.kind for seen in history_of(tmp_path).seen)

    assert kinds["lost"] == kinds["unfinished"] == kinds["enter"] == 0
    assert kinds["call"] + kinds["resume"] == kinds["return"] + kinds["yield"] + kinds["unwind"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_one_after_another_have_their_own_names_though_they_share_an_ident(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, OBSERVED["threads one after another"], backend)

    calls = [(seen.thread, seen.value) for seen in history_of(tmp_path).of("call", "work")]

    assert calls == [(f"one-{n}", {"n": n}) for n in range(30)]


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
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


RECURSION = """
import sys
def down(n):
    return down(n + 1)
def recover():
    try:
        down(0)
    except RecursionError:
        return "recovered"
print(recover())
print(recover())
def after(n):
    return n
print(after(5))
sys.setrecursionlimit(6000)
def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
print(deep(4000))
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_program_that_fills_the_stack_and_recovers_is_balanced_afterwards(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, RECURSION, backend)

    assert (outcome.code, outcome.stdout) == (0, "recovered\nrecovered\n5\n4000\n")
    history = history_of(tmp_path)
    returned = [
        (seen.function, seen.value, seen.depth) for seen in history.of("return", "recover", "after")
    ]
    assert returned == [("recover", "recovered", 1), ("recover", "recovered", 1), ("after", 5, 1)]
    (thread,) = history.threads
    deep = [event for event in thread.events if event[1] == "deep"]
    assert deep == [("call", "deep")] * 4001 + [("return", "deep")] * 4001


ENDINGS = {
    "the end": ("pass", 0, []),
    "sys.exit": ("sys.exit(3)", 3, []),
    "sys.exit in a function": ("leave()", 3, []),
    "an exception": ("1 / 0", 1, []),
    "an interrupt": ("raise KeyboardInterrupt", 130, []),
    "os._exit": ("os._exit(3)", 3, ["leaves", "<module>"]),
}
ENDING = """
import os, sys, threading, time
def forever():
    running.set()
    while True: tick()
def tick(): time.sleep(0.001)
def leave(): sys.exit(3)
def gen():
    yield 1
    yield 2
running = threading.Event()
if {daemon}:
    threading.Thread(target=forever, daemon=True, name="daemon").start()
    running.wait()
unfinished = gen(); next(unfinished)
def leaves():
    {how}
leaves()
"""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("daemon", [False, True], ids=["alone", "daemon"])
@pytest.mark.parametrize("how", ENDINGS)
def test_a_program_is_balanced_however_it_ends(
    tmp_path: Path, how: str, daemon: bool, backend: str
) -> None:
    text, status, open_frames = ENDINGS[how]
    outcome = record(
        tmp_path,
        ENDING.format(how=text, daemon=daemon),
        backend,
    )

    assert outcome.code in (status, -2 if status == 130 else status), outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    history = check_balance(trace)
    unfinished: dict[str, list[str]] = {}
    for seen in history.of("unfinished"):
        unfinished.setdefault(seen.thread, []).append(seen.function)
    assert unfinished.pop("MainThread", []) == open_frames
    if daemon:
        # It was there until the end.
        assert unfinished.pop("daemon") in (["forever"], ["tick", "forever"])
    assert unfinished == {}
    assert trace.complete is (how != "os._exit")
    assert history.statuses == ([] if how == "os._exit" else [status])


MIDDLE = """
import codetracer, sys
def leaf(n): return n
def starts():
    leaf("before")
    codetracer.start("out")
    leaf("after start")
    return "starts"
def around():
    starts()
    leaf("around")
    return "around"
def counting():
    yield leaf(1)
    yield leaf(2)
early = counting(); next(early)
around()
next(early)
late = counting(); next(late)
def stops():
    leaf("before stop")
    codetracer.stop()
    leaf("after stop")
def fails():
    try:
        stops()
        raise ValueError
    except ValueError:
        leaf("handled")
fails()
next(late); early.close(); late.close()
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_recording_that_starts_and_stops_in_the_middle_is_balanced(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": MIDDLE})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert (outcome.code, outcome.stderr) == (0, "")
    (thread,) = history_of(tmp_path).threads
    assert thread.events == [
        ("enter", "around"),
        ("enter", "starts"),
        ("call", "leaf"),
        ("return", "leaf"),
        ("return", "starts"),
        ("call", "leaf"),
        ("return", "leaf"),
        ("return", "around"),
        ("enter", "counting"),
        ("call", "leaf"),
        ("return", "leaf"),
        ("yield", "counting"),
        ("call", "counting"),
        ("call", "leaf"),
        ("return", "leaf"),
        ("yield", "counting"),
        ("call", "fails"),
        ("call", "stops"),
        ("call", "leaf"),
        ("return", "leaf"),
        ("unfinished", "stops"),
        ("unfinished", "fails"),
    ]


HIDDEN = """
import hidden, hidden_too
def leaf(n): return n
def gen():
    yield leaf(1)
    yield leaf(2)
def top():
    hidden.call(leaf, 1)
    hidden.through(gen)
    try:
        hidden.call(fails, 2)
    except ValueError:
        leaf("caught")
    hidden_too.each(lambda n: hidden.call(leaf, n))
    return hidden.swallow(fails)
def fails(n=0): raise ValueError(n)
top()
"""
HIDDEN_FILES = {
    "hidden.py": """
def call(function, *args): return function(*args)
def through(make): return list(pipe(make()))
def pipe(g): yield from g
def swallow(function):
    try:
        function()
    except ValueError:
        return None
""",
    "hidden_too.py": "def each(function): return [function(n) for n in range(3)]",
    "filter.toml": """
[meta]
name = "hides"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
[[scope.rules]]
selector = "file:glob:**/hidden*.py"
exec = "skip"
""",
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_between_which_a_filter_hides_others_are_balanced(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, HIDDEN, backend, "--trace-filter", "filter.toml", files=HIDDEN_FILES)

    assert (outcome.code, outcome.stderr) == (0, "")
    (thread,) = history_of(tmp_path).threads
    leaf = [("call", "leaf"), ("return", "leaf")]
    inner = "top.<locals>.<lambda>"
    assert thread.events == [
        ("call", "top"),
        *leaf,
        ("call", "gen"),
        *leaf,
        ("yield", "gen"),
        ("resume", "gen"),
        *leaf,
        ("yield", "gen"),
        ("resume", "gen"),
        ("return", "gen"),
        ("call", "fails"),
        ("unwind", "fails"),
        *leaf,
        *([("call", inner), *leaf, ("return", inner)] * 3),
        ("call", "fails"),
        ("unwind", "fails"),
        ("return", "top"),
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_with_an_activation_path_only_what_runs_within_its_first_frame_is_recorded(
    tmp_path: Path, backend: str
) -> None:
    program = "import part\ndef before(n): return n\nbefore(1)\npart.go(before)\npart.go(before)\n"
    part = (
        "def go(function):\n    return inner(function)\ndef inner(function): return function(2)\n"
    )

    outcome = record(
        tmp_path,
        program.replace("import part\n", "import sys; part = __import__('part')\n"),
        backend,
        "--activation-path",
        "part.py",
        files={"part.py": part},
    )

    assert (outcome.code, outcome.stderr) == (0, "")
    names = [seen.function for seen in history_of(tmp_path).of("call")]
    # The module's own frame is the first of that file.
    assert names[-1] == "<module>"
    assert "before" not in names


QUIET = """
import posixpath, sys
monitoring = sys.monitoring
tool = next(tool for tool in range(6) if monitoring.get_tool(tool) == "codetracer")
met = []

def watched(event):
    number = getattr(monitoring.events, event)
    given = monitoring.register_callback(tool, number, None)

    def callback(code, *rest):
        met.append((event, code.co_name))
        return given(code, *rest)

    monitoring.register_callback(tool, number, callback)

def loop():
    for n in (yield 0), 1:
        n += 1
    return n

for event in "PY_START PY_RESUME LINE PY_RETURN PY_YIELD".split():
    watched(event)
for _ in range(3):
    met.clear()
    posixpath.normcase("excluded")
    generator = loop()
    next(generator)
    try:
        generator.send(1)
    except StopIteration:
        pass
print([event for event, name in met if name in ("loop", "normcase")])
"""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("first", "still_met"),
    [
        ("__import__('part')", []),
        ("", ["PY_START", "LINE", "PY_YIELD", "PY_RESUME", *["LINE"] * 5, "PY_RETURN"]),
    ],
    ids=["over", "not yet begun"],
)
def test_only_code_that_may_yet_be_recorded_still_costs_anything(
    tmp_path: Path, first: str, still_met: list[str], backend: str
) -> None:
    outcome = record(
        *(tmp_path, first + QUIET, backend, "--activation-path", "part.py"),
        files={"part.py": "def never(): pass"},
    )

    assert outcome == Outcome(0, f"{still_met}\n", "")


FORK = """
import os, sys
def leaf(n): return n
def child(): return leaf("child")
def forks():
    pid = os.fork()
    if pid == 0:
        child()
        return "in the child"
    os.waitpid(pid, 0)
    leaf("parent")
    return "in the parent"
def around(): return forks()
around()
leaf("end")
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_forked_child_has_a_log_of_its_own_and_its_parents_is_whole(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, FORK, backend)

    assert outcome.code == 0, outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert len(trace.processes) == 2
    histories = {}
    for process in trace.processes:
        history = check_balance(process)
        (thread,) = history.threads
        values = [seen.value for seen in history.of("return") if isinstance(seen.value, str)]
        histories[values[0]] = (thread.events, values)
    assert histories["parent"][1] == ["parent", "in the parent", "in the parent", "end"]
    assert histories["child"][1] == [
        *("child", "child", "in the child", "in the child"),
        "end",
    ]
    # In the child the frames that the fork was called in are met in the midst.
    assert histories["child"][0][:2] == [("enter", "around"), ("enter", "forks")]


MULTIPROCESSING = """
import multiprocessing
def work(n): return n * n
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        print(pool.map(work, range(6)))
        pool.close(); pool.join()
    process = context.Process(target=work, args=(9,))
    process.start(); process.join()
    print(process.exitcode)
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_processes_of_multiprocessing_have_whole_logs_of_their_own(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, MULTIPROCESSING, backend)

    assert (outcome.code, outcome.stdout) == (0, "[0, 1, 4, 9, 16, 25]\n0\n"), outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    results = [
        seen.value
        for process in trace.processes
        for seen in check_balance(process).of("return", "work")
        if isinstance(seen.value, int)
    ]
    assert len(trace.processes) == 4
    assert sorted(results) == [0, 1, 4, 9, 16, 25, 81]


def test_both_engines_log_the_same_number_of_frames_of_a_forking_program(tmp_path: Path) -> None:
    counts = []
    for backend in BACKENDS:
        folder = tmp_path / backend
        record(folder, FORK, backend)
        logs = sorted(os.listdir(folder / "out"))
        trace = codetracer.read(folder / "out")
        counts.append((len(logs), Counter(type(event).__name__ for event in trace)))
    assert all(count == counts[0] for count in counts)
    assert counts[0][1]["CallEvent"] > 5
