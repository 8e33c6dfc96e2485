"""The causes of values are right in programs whose causes are known."""

from __future__ import annotations

import random

import pytest

from codetracer.errors import TargetError, UsageError
from codetracer.replay import Hidden, Place, ReturnEvent, Trace
from tests.support.causes import asking, recorded, told
from tests.support.running import write
from tests.support.why_branches import NEVER_RUN
from tests.support.why_programs import KNOWN, MAIN, PROGRAMS


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    folder = tmp_path_factory.mktemp("why")
    write(folder, {**PROGRAMS, "app.py": MAIN})
    return recorded(folder, "app.py")


@pytest.mark.parametrize("expression", KNOWN)
def test_the_causes_of_a_value_are_those_that_it_has(trace: Trace, expression: str) -> None:
    assert told(asking(trace).value(expression, None)) == KNOWN[expression].strip("\n")


@pytest.mark.parametrize("place", NEVER_RUN)
def test_a_line_did_not_run_because_of_the_branch_that_was_taken(trace: Trace, place: str) -> None:
    path, _, line = place.partition(":")

    causes = asking(trace).unreached(path, int(line), None)

    assert told(causes) == NEVER_RUN[place].strip("\n")


def test_a_line_that_ran_in_the_last_call_has_a_cause_in_the_call_that_a_place_names(
    trace: Trace,
) -> None:
    with pytest.raises(TargetError, match="did run, last at 0:"):
        asking(trace).unreached("never.py", 4, None)
    call = next(
        event.frame.step
        for event in trace.processes[0]
        if isinstance(event, ReturnEvent) and event.frame.code.name == "check"
    )

    causes = asking(trace).unreached("never.py", 4, Place(0, call))

    assert told(causes) == (
        "4: never.py:4 did not run [line]\n"
        "  3: return 'over' [left]\n"
        "    2: amount > limit = True [condition]\n"
        "      28: amount = 10 [argument]\n"
        "      28: limit = 5 [argument]\n"
        "        27: limit = 5"
    )


def test_an_exception_is_caused_by_what_its_line_read(trace: Trace) -> None:
    causes, others = asking(trace).exception("ZeroDivisionError", None)

    assert told(causes) == (
        "21: ZeroDivisionError = ZeroDivisionError('division by zero') [exception]\n"
        "  26: whole = 0 [argument]"
    )
    assert others == []


def test_a_value_at_a_place_is_that_of_the_variables_there(trace: Trace) -> None:
    asked = asking(trace)
    (last,) = asked.value("total", None)
    (before,) = last.causes[:1]
    assert before.place is not None
    assert last.place is not None

    (there,) = asking(trace).value("total", last.place)

    assert (there.value, there.place) == (before.value, before.place)


def test_a_tree_goes_no_deeper_than_it_may(trace: Trace) -> None:
    (cause,) = asking(trace, deepest=1).value("answer", None)

    (only,) = cause.causes
    assert (only.cut, only.causes) == (True, [])


@pytest.mark.parametrize(
    ("expression", "error", "said"),
    [
        ("totl", TargetError, "the recording has no value of totl; did you mean total"),
        ("add_upp()", TargetError, "no call of add_upp; did you mean add_up"),
        ("1 +", UsageError, "'1 \\+' is not an expression"),
        ("len(x)", UsageError, "cannot be explained; name variables"),
        ("#x", UsageError, "names no object"),
        ("#99999.a", TargetError, "no change of #99999.a"),
    ],
)
def test_a_question_without_an_answer_says_why(
    trace: Trace, expression: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        asking(trace).value(expression, None)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere.py:3", "no code of nowhere.py was recorded; did you mean never.py"),
        ("never.py:4000", "never.py:4000 has no code"),
    ],
)
def test_a_line_that_is_none_is_named_in_the_error(trace: Trace, place: str, said: str) -> None:
    path, _, line = place.partition(":")

    with pytest.raises(TargetError, match=said):
        asking(trace).unreached(path, int(line), None)


@pytest.mark.slow
def test_anything_has_the_value_that_is_there_and_causes_from_before(trace: Trace) -> None:
    last = trace.processes[0].timeline().steps
    asked = 0
    for step in random.Random(3).sample(range(last), 25):
        moment = trace.at(step)
        for name, value in {**moment.globals(), **moment.locals()}.items():
            if isinstance(value, Hidden):
                continue
            (cause,) = asking(trace, deepest=5).value(name, moment.place)

            asked += 1
            if isinstance(value, int | str | float | None):
                assert cause.value == value
            late = [each for each in cause.all() if each.place and each.place > moment.place]
            assert late == []
    assert asked > 20
