"""Frames are balanced where a program fills its stack, ends early, or is recorded in part."""

from pathlib import Path

import pytest

import codetracer
from tests.support.balance import check_balance, history_of, record
from tests.support.running import Outcome, execute, write

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


@pytest.mark.slow
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


@pytest.mark.slow
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
