"""From any moment of a recording to the next and the one before, as reading it all would go."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import codetracer
from codetracer.errors import TargetError
from codetracer.replay import Frame, Moment, Place, StepEvent, Trace
from tests.support.recordings import record

CHECKED = 25
"""From so many moments every way is taken."""


class Step(NamedTuple):
    thread: int
    frames: tuple[int, ...]
    """The frames of the thread, innermost first."""


@pytest.fixture(scope="module")
def steps(mixed: Trace) -> list[Step]:
    """Return all steps, read from the beginning."""
    found: list[Step] = []
    for event in mixed:
        if isinstance(event, StepEvent):
            frames = []
            frame: Frame | None = event.frame
            while frame is not None:
                frames.append(frame.number)
                frame = frame.caller
            found.append(Step(event.thread.number, tuple(frames)))
    return found


def anywhere(step: Step, frame: int) -> bool:
    return True


def in_a_frame_of_the_stack(step: Step, frame: int) -> bool:
    return frame in step.frames


def below(step: Step, frame: int) -> bool:
    return frame in step.frames[1:]


WAYS: dict[str, tuple[Callable[[Moment], Moment | None], int, Callable[[Step, int], bool]]] = {
    "forward": (Moment.forward, 1, anywhere),
    "back": (Moment.back, -1, anywhere),
    "over": (Moment.over, 1, in_a_frame_of_the_stack),
    "back_over": (Moment.back_over, -1, in_a_frame_of_the_stack),
    "out": (Moment.out, 1, below),
    "back_out": (Moment.back_out, -1, below),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_where_the_program_went(mixed: Trace, steps: list[Step], way: str) -> None:
    go, direction, is_wanted = WAYS[way]
    last = len(steps) - 1
    for start in (0, 1, last - 1, last, *random.Random(way).sample(range(last), CHECKED)):
        here = steps[start]

        def find(wanted: Callable[[Step, int], bool], start: int = start, here: Step = here) -> int:
            at = start + direction
            while 0 <= at <= last and not (
                steps[at].thread == here.thread and wanted(here, steps[at].frames[0])
            ):
                at += direction
            return at

        wanted = find(is_wanted)
        if "over" in way and not 0 <= wanted <= last:
            wanted = find(anywhere)

        moment = go(mixed.at(start))

        if 0 <= wanted <= last:
            assert moment is not None
            assert (moment.step, moment.thread.number) == (wanted, here.thread)
            assert tuple(frame.number for frame in moment.frames) == steps[wanted].frames
        else:
            assert moment is None


def test_going_back_from_the_end_passes_what_going_forward_passed(tmp_path: Path) -> None:
    record(tmp_path, "def f(n):\n    x = n\n    return x\na = f(1)\nb = f(2) + a\n")
    moment: Moment | None = codetracer.read(tmp_path / "out").at(0)
    forward = []
    last = None
    while moment is not None:
        forward.append((moment.line, str(moment.locals()), str(moment.globals())))
        last, moment = moment, moment.forward()
    assert [line for line, *_ in forward] == [1, 4, 2, 3, 5, 2, 3]

    backward = []
    while last is not None:
        backward.append((last.line, str(last.locals()), str(last.globals())))
        last = last.back()

    assert backward == forward[::-1]


CALLED_BACK = """\
import collections, threading
def f(n):
    x = n
    return x
thread = threading.Thread(target=collections.deque, args=(map(f, [1, 2]),))
thread.start()
thread.join()
"""
"""Nothing below the calls of f is recorded, because all of it is of the standard library."""


def test_over_goes_on_where_the_lowest_frame_has_ended(tmp_path: Path) -> None:
    record(tmp_path, CALLED_BACK)
    trace = codetracer.read(tmp_path / "out")
    calls = [e for e in trace if isinstance(e, StepEvent) and e.frame.code.name == "f"]
    assert [event.line for event in calls] == [3, 4, 3, 4]
    _, last_of_one, first_of_other, last = (event.number for event in calls)

    after = trace.at(last_of_one).over()
    before = trace.at(first_of_other).back_over()

    assert after is not None
    assert after.step == first_of_other
    assert before is not None
    assert before.step == last_of_one
    assert trace.at(last).over() is None


def test_a_place_is_a_step_of_a_process() -> None:
    assert Place.parse("7") == Place(0, 7)
    assert Place.parse("2:41") == Place(2, 41)
    assert str(Place(2, 41)) == "2:41"
    for text in ("", "x", "1:", ":1", "1:2:3", "-1", "1 2", "²"):
        with pytest.raises(ValueError, match="a place is a step, or process:step"):
            Place.parse(text)


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("1:0", "has no process 1; it has 1, the first one is 0"),
        ("4000000", "process 0 has no step 4000000; the last one is "),
    ],
)
def test_a_place_that_is_not_there_is_an_error_that_says_which_are(
    mixed: Trace, place: str, problem: str
) -> None:
    with pytest.raises(TargetError, match=problem) as caught:
        mixed.at(place)

    assert caught.value.code == "ERR_NOT_IN_TRACE"


def test_a_step_below_zero_is_no_place(mixed: Trace) -> None:
    with pytest.raises(ValueError, match="a place is a step"):
        mixed.at(-1)
