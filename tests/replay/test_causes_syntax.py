"""The causes of values are right for each kind of call and of statement."""

from __future__ import annotations

import pytest

from codetracer.errors import TargetError
from codetracer.replay import ObjectValue, Trace
from codetracer.replay.causes.rows import rows_of
from tests.support.causes import asking, recorded, told
from tests.support.running import write
from tests.support.why_calls import CALLS, KNOWN_CALLS
from tests.support.why_statements import FLOW, FLOW_UNREACHED, KNOWN_STATEMENTS
from tests.support.why_unreached import ENDED, ENDED_UNREACHED

KNOWN = KNOWN_CALLS | KNOWN_STATEMENTS
UNREACHED = FLOW_UNREACHED | ENDED_UNREACHED


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    folder = tmp_path_factory.mktemp("syntax")
    programs = {"calls.py": CALLS, "flow.py": FLOW, "ended.py": ENDED}
    write(folder, {**programs, "app.py": "import calls, flow, ended\n"})
    return recorded(folder, "app.py")


@pytest.mark.parametrize("expression", KNOWN)
def test_the_causes_of_a_value_are_those_that_the_syntax_gives_it(
    trace: Trace, expression: str
) -> None:
    assert told(asking(trace).value(expression, None)) == KNOWN[expression].strip("\n")


@pytest.mark.parametrize("place", UNREACHED)
def test_a_line_did_not_run_because_of_what_came_before_it(trace: Trace, place: str) -> None:
    path, _, line = place.partition(":")

    causes = asking(trace).unreached(path, int(line), None)

    assert told(causes) == UNREACHED[place].strip("\n")


def test_the_tree_is_drawn_with_what_each_line_says(trace: Trace) -> None:
    rows = [f"{branch}{words}" for _, branch, words in rows_of(asking(trace).value("mid", None))]

    assert rows == [
        "mid = 'mid'",
        "└─ nested() = 'mid'",
        "   └─ size = 'mid'",
        "      ├─ because n > 3 is true",
        "      │  └─ n = 4  (argument)",
        "      └─ because n > 5 is false",
        "         └─ n = 4  (argument)",
    ]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("ended.py:9", "because there was nothing in items"),
        ("ended.py:24", "left by break"),
        ("ended.py:51", "KeyError('x') is raised"),
        ("ended.py:67", "? it had not ended when the recording did, or was left unseen"),
    ],
)
def test_the_tree_of_a_line_says_how_it_was_missed(trace: Trace, place: str, said: str) -> None:
    path, _, line = place.partition(":")

    rows = rows_of(asking(trace).unreached(path, int(line), None))

    assert said in [row.words for row in rows]


@pytest.mark.slow
def test_the_tree_says_what_is_cut_and_what_stands_above(trace: Trace) -> None:
    (cut,) = [row.words for row in rows_of(asking(trace, deepest=1).value("fine", None))][1:]
    above = [row.words for row in rows_of(asking(trace).value("checked", None))]

    assert cut == "tried() = (42, True)  …"
    assert "chained = True  … as above" in above


def test_an_object_is_explained_by_the_line_that_changed_it_last(trace: Trace) -> None:
    (cause,) = asking(trace).value("square", None)
    assert isinstance(cause.value, ObjectValue)
    number = cause.value.number

    (whole,) = asking(trace).value(f"#{number}", None)
    (size,) = asking(trace).value(f"#{number}.size", None)

    assert told([whole]).splitlines()[0].startswith("40: #N = <Square #N size=6")
    assert told([size]).startswith("31: #N.size = 6 [change]\n  39: size = 6 [argument]")
    with pytest.raises(TargetError, match=f"no change of #{number}.colour"):
        asking(trace).value(f"#{number}.colour", None)


def test_an_exception_that_nothing_names_is_the_last_failure(trace: Trace) -> None:
    (cause,), _ = asking(trace).exception(None, None)

    assert told([cause]).splitlines()[0] == "72: ValueError = ValueError(6) [exception]"
    with pytest.raises(TargetError, match="no OSError was raised in your code; there is ValueErr"):
        asking(trace).exception("OSError", None)
    assert cause.place is not None
    (before,), _ = asking(trace).exception("KeyError", cause.place)
    assert told([before]).splitlines() == [
        "49: KeyError = KeyError('x') [exception]",
        "  107: table = {} [argument]",
    ]


@pytest.mark.slow
def test_a_result_is_that_of_the_last_call_before_a_place(trace: Trace) -> None:
    (last,) = asking(trace).value("nested()", None)
    assert last.place is not None

    with pytest.raises(TargetError, match="no call of orphan"):
        asking(trace).value("orphan()", last.place)
    (mid,) = asking(trace).value("mid", None)
    (result,) = asking(trace).value("nested()", mid.place)
    assert result.value == "big"
