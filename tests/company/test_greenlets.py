"""Greenlets: each has frames of its own, out of sight while another one runs, and going on then."""

import json
import os
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, ReturnEvent
from tests.support.company import site
from tests.support.reading import read
from tests.support.recordings import BACKENDS
from tests.support.running import SOURCES, execute, write

pytestmark = [pytest.mark.slow, pytest.mark.network]

PROGRAM = """
from greenlet import greenlet
def inner(name, other):
    total = 0
    for i in range(5):
        total += i
        other[0].switch()
    return name, total
def run(name, other):
    print(inner(name, other))
first, second = [None], [None]
first[0] = greenlet(lambda: run("a", second))
second[0] = greenlet(lambda: run("b", first))
first[0].switch()
second[0].switch()
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_greenlets_calls_are_one_and_none_is_lost(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": PROGRAM})
    path = os.pathsep.join(map(str, (site(), *SOURCES)))
    environ = {"PYTHONPATH": path, "CODETRACER_BACKEND": backend}

    outcome = execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "app.py"), cwd=tmp_path, environ=environ
    )

    assert (outcome.code, outcome.stdout) == (0, "('a', 10)\n('b', 10)\n"), outcome
    events = list(codetracer.read(tmp_path / "out"))
    calls = [event.frame for event in events if isinstance(event, CallEvent)]
    returned = {event.frame for event in events if isinstance(event, ReturnEvent)}
    assert [frame.code.name for frame in calls].count("inner") == 2
    assert {frame.code.name for frame in calls if frame not in returned} == set()
    info = read("info", "--format", "json", "out", cwd=tmp_path)
    (process,) = json.loads(info.stdout)["processes"]
    assert process["lost"] == 0
