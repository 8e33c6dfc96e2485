"""Runs to goals, against all that happens when the log is read from its beginning."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import codetracer
from codetracer.errors import TargetError
from codetracer.replay import (
    CallEvent,
    Change,
    Frame,
    Function,
    Goal,
    Line,
    Moment,
    ObjectValue,
    Raise,
    RaiseEvent,
    StepEvent,
    Trace,
    UnwindEvent,
)
from tests.support.recordings import record

CHECKED = 3
"""From so many moments each goal is run to, in both directions."""


class Happening(NamedTuple):
    """A goal is reached at a step; it is known when so many steps have begun."""

    step: int
    known: int


type Key = tuple[str, object]
type Everything = dict[Key, list[Happening]]


@pytest.fixture(scope="module")
def everything(mixed: Trace) -> Everything:
    """Return the lines, calls and exceptions of the recording, in order."""
    found: Everything = defaultdict(list)
    replay = mixed.replay()
    called: set[Frame] = set()
    ended: dict[int, object] = {}
    for event in replay:
        before = ended.pop(event.thread.number, None)
        match event:
            case StepEvent():
                here = Happening(event.number, event.number)
                found["line", event.line].append(here)
                if event.frame in called:
                    called.remove(event.frame)
                    found["call", event.frame.code.name].append(here)
            case CallEvent():
                called.add(event.frame)
            case UnwindEvent():
                ended[event.thread.number] = event.raw
            case RaiseEvent() if event.raw != before:
                exception = event.exception
                assert isinstance(exception, ObjectValue)
                here = Happening(event.frame.step, replay.steps - 1)
                found["raise", None].append(here)
                found["raise", exception.type_name].append(here)
            case _:
                pass
    return found


LINE_OF_GEN = 17
GOALS: list[tuple[Goal, Key]] = [
    (Line("app.py", LINE_OF_GEN), ("line", LINE_OF_GEN)),
    (Line("app.py", 3), ("line", 3)),
    (Function("deep"), ("call", "deep")),
    (Function("Node.add"), ("call", "Node.add")),
    (Function("worker"), ("call", "worker")),
    (Raise(), ("raise", None)),
    (Raise("KeyError"), ("raise", "KeyError")),
    (Raise("ValueError"), ("raise", "ValueError")),
    (Raise("OSError"), ("raise", "OSError")),
]


@pytest.fixture(scope="module")
def starts(mixed: Trace) -> list[Moment]:
    last = mixed.processes[0].timeline().steps - 1
    chosen = [0, 1, last - 1, last, *random.Random(1).sample(range(last), CHECKED)]
    return [*map(mixed.at, chosen)]


@pytest.mark.slow
@pytest.mark.parametrize(("goal", "key"), GOALS, ids=[str(goal) for goal, _ in GOALS])
def test_a_run_stops_where_the_goal_was(
    starts: list[Moment], everything: Everything, goal: Goal, key: Key
) -> None:
    there = everything.get(key, [])
    for start in starts:
        here = start.step
        later = [each.step for each in there if each.step > here]
        earlier = [each.step for each in there if each.step < here and each.known < here]

        forward = start.run(goal)
        back = start.run_back(goal)

        assert (forward and forward.moment.step) == (later[0] if later else None)
        assert (back and back.moment.step) == (max(earlier) if earlier else None)


@pytest.mark.slow
def test_of_several_goals_the_nearest_is_reached_and_those_that_share_it(
    mixed: Trace, everything: Everything
) -> None:
    calls = [each.step for each in everything["call", "gen"]]
    line = Line("app.py", mixed.at(calls[5]).line)
    goals = (Raise("OSError"), line, Function("gen"))

    for go in (mixed.at(calls[4]).run, mixed.at(calls[5] + 1).run_back):
        arrival = go(*goals)

        assert arrival is not None
        assert arrival.moment.step == calls[5]
        assert arrival.goals == goals[1:]


def test_without_goals_a_run_ends_at_the_last_step_and_at_the_first(mixed: Trace) -> None:
    last = mixed.processes[0].timeline().steps - 1

    end = mixed.at(5).run()
    beginning = mixed.at(5).run_back()

    assert end is not None
    assert beginning is not None
    assert (end.moment.step, end.goals) == (last, ())
    assert beginning.moment.step == 0
    assert end.moment.run() is None
    assert beginning.moment.run_back() is None


PROGRAM = """\
total = 0
def add(n):
    global total
    total += n
    return total
class Box:
    pass
box = Box()
def fill():
    box.content = [1]
    box.content.append(add(2))
    box.other = 1
    return len(box.content)
def fail(n):
    try:
        sorted([2, 1], key=lambda x: n // (x - 1))
    except ZeroDivisionError:
        total = 1
        raise ValueError from None
def run():
    length = fill()
    try:
        fail(1)
    except ValueError as error:
        length = 0
    length = add(3)
run()
"""


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    folder = tmp_path_factory.mktemp("boxes")
    record(folder, PROGRAM)
    return codetracer.read(folder / "out")


def lines(start: Moment, go: Callable[[Moment], Moment | None]) -> list[int]:
    """Return the lines at which runs stop, until none is left."""
    found = []
    moment = go(start)
    while moment is not None:
        found.append(moment.line)
        moment = go(moment)
    return found


def run_to(*goals: Goal, back: bool = False) -> Callable[[Moment], Moment | None]:
    def go(moment: Moment) -> Moment | None:
        arrival = moment.run_back(*goals) if back else moment.run(*goals)
        return arrival and arrival.moment

    return go


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subject", "stops"), [("total", [4, 4]), ("box.content", [10, 11]), ("box", [10, 12])]
)
def test_a_run_stops_at_the_line_that_changes_a_value(
    boxes: Trace, subject: str, stops: list[int]
) -> None:
    start = next(m for m in moments(boxes) if m.frame.code.name == "run")
    end = start.run()
    assert end is not None

    assert lines(start, run_to(Change(subject, start.frames[-1]))) == stops
    back = run_to(Change(subject, end.moment.frames[-1]), back=True)
    assert lines(end.moment, back)[: len(stops)] == stops[::-1]


def moments(trace: Trace) -> list[Moment]:
    return [trace.at(step) for step in range(trace.processes[0].timeline().steps)]


def test_an_exception_is_raised_once_however_many_frames_it_passes(boxes: Trace) -> None:
    start = boxes.at(0)

    assert lines(start, run_to(Raise())) == [16, 19]
    assert lines(start, run_to(Raise("ZeroDivisionError"))) == [16]
    assert lines(start, run_to(Raise("builtins.ZeroDivisionError"))) == []


def test_a_condition_is_asked_about_the_moment(boxes: Trace) -> None:
    def adds_three(moment: Moment) -> bool:
        return moment.locals()["n"] == 3

    start = boxes.at(0)
    end = start.run()
    assert end is not None

    for arrival in (
        start.run(Function("add", adds_three)),
        end.moment.run_back(Function("add", adds_three)),
        start.run(Line("app.py", 4, adds_three)),
    ):
        assert arrival is not None
        assert arrival.moment.locals() == {"n": 3}
        caller = arrival.moment.back_out()
        assert caller is not None
        assert caller.line == 26


def test_a_value_that_is_not_there_is_an_error_that_says_so(boxes: Trace) -> None:
    start = boxes.at(0)
    for subject, problem in {
        "nothing": "<module __main__> has no variable nothing",
        "#4000": "there is no object #4000",
        "total.x": "the value before .x is not an object",
    }.items():
        with pytest.raises(TargetError, match=problem) as caught:
            start.run(Change(subject))

        assert caught.value.code == "ERR_NOT_IN_TRACE"


def test_another_file_with_the_same_ending_is_not_meant(tmp_path: Path) -> None:
    record(tmp_path, "x = 1\ny = 2\n")
    start = codetracer.read(tmp_path / "out").at(0)

    assert start.run(Line("app.py", 2)) is not None
    assert start.run(Line(str(tmp_path / "app.py"), 2)) is not None
    assert start.run(Line("pp.py", 2)) is None
