"""Readers of code that a budget lowered while its frames were open or suspended."""

import json
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, Frame, Replay, ResumeEvent, StepEvent, Value, render
from codetracer.replay.evaluator import EvaluationError, evaluate
from codetracer.replay.moment import Moment
from tests.support.budgets import BUSY, record_lowered
from tests.support.running import execute

LONG = BUSY.replace("range(90)", "range(800)")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_lowered(tmp_path_factory.mktemp("lowered"), LONG)


def opened(replay: Replay | Moment) -> list[Frame]:
    """Return the frames on the stack of the first thread, the innermost first."""
    found, frame = [], replay.threads[0].top if replay.threads else None
    while frame is not None:
        found.append(frame)
        frame = frame.caller
    return found


def shown(values: dict[str, Value]) -> dict[str, str]:
    return {name: render(value, 10_000) for name, value in values.items()}


def test_a_frame_that_is_open_when_its_code_is_lowered_has_no_variables_from_then_on(
    recorded: Path,
) -> None:
    replay = codetracer.read(recorded).replay()
    count, changed = 0, set()
    for event in replay:
        if len(replay.lowered) == count:
            continue
        count = len(replay.lowered)
        last = replay.lowered[-1]
        for frame in opened(replay):
            # A call that begins now still has its arguments.
            begins = isinstance(event, CallEvent) and event.frame is frame
            if frame.code is last.code and not begins:
                changed.add((frame.code.name, last.after))
                assert replay.locals(frame) == replay.globals(frame) == {}
                assert frame.code.fuller == "values"
                if last.after == "calls":
                    assert (frame.line, frame.step) == (frame.code.line, -1)
    assert {("<module>", "lines"), ("<module>", "calls")} <= changed


def test_a_generator_that_was_suspended_then_has_none_when_it_is_resumed(recorded: Path) -> None:
    replay = codetracer.read(recorded).replay()
    before: dict[int, int] = {}
    resumed: list[tuple[int, bool]] = []
    for event in replay:
        if isinstance(event, StepEvent | ResumeEvent) and event.frame.code.name == "generate":
            if event.frame.code.has_values:
                before[event.frame.number] = len(replay.locals(event.frame))
            else:
                resumed.append((event.frame.number, bool(replay.locals(event.frame))))
                assert event.frame.values == {}

    # Both were suspended at some time of it.
    assert len(before) == 2
    assert min(before.values()) >= 2
    assert {number for number, _ in resumed} == {*before}


def test_a_moment_that_the_index_gives_is_the_one_that_reading_gives(recorded: Path) -> None:
    process = codetracer.read(recorded).processes[0]
    timeline = process.timeline()
    assert timeline.index.blocks >= 3
    replay = process.replay()
    compared = 0
    for event in replay:
        if not isinstance(event, StepEvent) or event.number % 97:
            continue
        moment = timeline.at(event.number)
        for one, other in zip(opened(replay), opened(moment), strict=True):
            seen = (one.number, one.line, one.step, one.code.detail, one.code.fuller)
            assert seen == (
                other.number,
                other.line,
                other.step,
                other.code.detail,
                other.code.fuller,
            )
            assert shown(replay.locals(one)) == shown(moment.locals(other))
            compared += not one.code.has_values
    assert compared > 50


def test_the_index_knows_what_was_lowered_and_when(recorded: Path) -> None:
    process = codetracer.read(recorded).processes[0]
    replay = process.replay()
    for _ in replay:
        pass

    found = process.timeline().source.lowered
    assert len(found) == len(replay.lowered) > 6
    for one, other in zip(found, replay.lowered, strict=True):
        assert (one.code.name, *one[1:]) == (other.code.name, *other[1:])


def first_step(recorded: Path, name: str, detail: str) -> int:
    """Return the first step of a function in a detail."""
    for event in codetracer.read(recorded).replay():
        if isinstance(event, StepEvent):
            code = event.frame.code
            if (code.name, code.detail) == (name, detail):
                return event.number
    raise AssertionError(name)


def test_show_says_what_is_missing_at_a_step_and_what_may_be_old(tmp_path: Path) -> None:
    # A caller has values.
    recorded = record_lowered(tmp_path, LONG, spares_module=True)
    step = first_step(recorded, "Box.add", "lines")
    command = ("-m", "codetracer", "show", recorded, "--step", str(step))
    text = execute(*command, cwd=recorded).stdout
    row = json.loads(execute(*command, "--format", "json", cwd=recorded).stdout)

    assert (
        "  the recording's budget lowered Box.add from detail values to lines, which has no values"
    ) in text.splitlines()
    assert "  what Box.add has changed is not seen yet" in text.splitlines()
    assert (row["detail"], row["locals"], row["globals"]) == ("lines", {}, {})
    assert [each["behind"] for each in row["callers"]] == [
        each["detail"] == "values" for each in row["callers"]
    ] or all(each["behind"] for each in row["callers"])


def test_an_expression_says_that_the_budget_took_its_variable(recorded: Path) -> None:
    process = codetracer.read(recorded).processes[0]
    moment = process.timeline().at(first_step(recorded, "Box.add", "lines"))

    with pytest.raises(EvaluationError, match=r"item has no value: the recording's budget lowered"):
        evaluate("item", moment)


def test_why_does_not_say_that_a_line_did_not_run_that_it_would_not_have_seen(
    recorded: Path,
) -> None:
    lowered = {
        each["function"]: each["to"]
        for each in json.loads(
            execute("-m", "codetracer", "info", "--format", "json", recorded, cwd=recorded).stdout
        )["processes"][0]["lowered"]
    }
    assert lowered["told"] == "calls"
    line = 1 + LONG[: LONG.index("        found.clear()")].count("\n")

    outcome = execute("-m", "codetracer", "why", "--not", f"app.py:{line}", recorded, cwd=recorded)

    assert outcome.code == 1
    assert "is not recorded: the recording's budget lowered told" in outcome.stderr
