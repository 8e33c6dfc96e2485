"""An engine disables events only after the only frame that is recorded."""

import json
from pathlib import Path
from typing import TypeGuard

import pytest

import codetracer
from codetracer.monitoring.backend import VARIABLE
from codetracer.replay import CallEvent, render
from tests.support.recordings import ENVIRON, record
from tests.support.running import execute, write

LOCAL = {"on_py_start", "on_py_resume", "on_line", "on_py_return", "on_py_yield"}
OTHER = {"on_py_throw", "on_raise", "on_exception_handled", "on_py_unwind"}

WATCHED = """
import collections, json, sys
from codetracer import DISABLE
from codetracer.filters import load_chain
from codetracer.monitoring import Tracer, install_tracer, uninstall_tracer
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans
from codetracer.limits import Limits

log = make_log("log", bytes(16), 1, 1)
gate, definitions = Gate(load_chain("/", environ={}), "part.py"), Definitions()
plans = Plans(gate, definitions, code_reader())
engine = make_engine(log, gate, plans, definitions, Limits(), active=False)
part, app = ({"__name__": name} for name in ("part", "app"))
with open("part.py") as file:
    # The module's own frame is not the one: it runs before anything is watched.
    exec(compile(file.read(), "part.py", "exec"), part)
with open("app.py") as file:
    exec(compile(file.read(), "app.py", "exec"), app)
seen = []

def watched(name):
    handler = getattr(engine, name)
    def watch(code, *arguments):
        outcome = handler(code, *arguments)
        if code.co_filename == "app.py":
            seen.append((name, outcome is DISABLE))
        return outcome
    return watch

tracer = Tracer()
for name in dir(engine):
    if name.startswith("on_"):
        setattr(tracer, name, watched(name))

def stage(run, *arguments):
    run(*arguments)
    stages.append(seen.copy())
    seen.clear()

stages = []
install_tracer(tracer)
stage(app["work"])
if sys.argv[1:] == ["end"]:
    engine.end()
else:
    stage(part["go"], app["work"])
stage(app["work"])
stage(app["work"])
uninstall_tracer()
log.close()
print(json.dumps(stages))
"""

WORK = """
def numbers():
    try:
        yield 1
        yield 2
    except KeyError:
        yield 3
def fails():
    raise KeyError
def work():
    for number in numbers():
        pass
    suspended = numbers()
    next(suspended)
    suspended.throw(KeyError)
    try:
        fails()
    except KeyError:
        pass
"""


def watch(folder: Path, backend: str, *arguments: str) -> list[list[tuple[str, bool]]]:
    """Return the events of each stage, and whether each was answered with DISABLE."""
    go = "def go(function):\n    return function()\n"
    write(folder, {"watched.py": WATCHED, "app.py": WORK, "part.py": go})
    outcome = execute("watched.py", *arguments, cwd=folder, environ=ENVIRON | {VARIABLE: backend})
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    stages = json.loads(outcome.stdout)
    return [[(name, is_disable) for name, is_disable in stage] for stage in stages]


@pytest.mark.slow
def test_before_and_within_the_activation_nothing_is_disabled(tmp_path: Path, backend: str) -> None:
    waiting, within, *_ = watch(tmp_path, backend)

    assert {name for name, _ in waiting} == {name for name, _ in within} == LOCAL | OTHER
    assert not any(is_disable for _, is_disable in waiting + within)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("end",)])
def test_when_it_is_over_every_event_that_can_be_is_disabled(
    tmp_path: Path, backend: str, arguments: tuple[str, ...]
) -> None:
    *_, first, second = watch(tmp_path, backend, *arguments)

    assert {name for name, is_disable in first if is_disable} == LOCAL
    assert {name for name, is_disable in first if not is_disable} == OTHER
    assert {name for name, _ in second} == OTHER


FORKS = """
import os
def leaf(where): return where
import sys; part = __import__('part')
pid = os.fork()
leaf("after")
if pid: os.waitpid(pid, 0)
if pid and part.pid: os.waitpid(part.pid, 0)
"""
PART = "import os, __main__\npid = os.fork()\n__main__.leaf('within')\n"


def test_a_forked_child_is_recorded_until_the_activation_is_over_there_too(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"part.py": PART})

    record(tmp_path, FORKS, "--activation-path", "part.py", backend=backend)

    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    calls = [
        [render(event.arguments["where"]) for event in process if is_leaf(event)]
        for process in trace.processes
    ]
    # Forked within it and behind it; the first child forks once more.
    assert sorted(calls) == [[], [], ["'within'"], ["'within'"]]


def is_leaf(event: object) -> TypeGuard[CallEvent]:
    """Return whether a call of leaf() is meant."""
    return isinstance(event, CallEvent) and event.frame.code.name == "leaf"
