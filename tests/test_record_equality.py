"""A program is recorded by codetracer as codetracer-python-recorder 0.3.0 records it.

Where it is not, a test of its own says what each does. That recorder runs on CPython 3.12 and 3.13.
It is compared to on 3.12 alone, and elsewhere no test is here.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import codetracer
from codetracer.replay import CallEvent, StepEvent
from tests import peer
from tests.equality import (
    Call,
    Event,
    Line,
    Recording,
    Return,
    Value,
    differences,
    ours,
    same,
    same_variables,
)
from tests.equality_programs import FILES
from tests.running import Outcome, execute, write

__test__ = sys.version_info[:2] == (3, 12)

OWN_TEXT = frozenset(
    {
        # Their __str__ or __repr__ is the program's own.
        *("__main__.Says", "__main__.Fails", "__main__.Point"),
        # Their text is CPython's own, and says more than the type and the address.
        *("builtin_function_or_method", "cell", "classmethod", "slice", "staticmethod"),
        "FileNotFoundError",
    }
)
"""Types whose instances have a text that only their code can make; codetracer does not run it."""


class Pair(NamedTuple):
    """One program, recorded twice."""

    theirs: Recording
    mine: Recording


def record(folder: Path, *options: str) -> Outcome:
    """Record ``app.py`` with codetracer into ``ours``."""
    return execute(
        *("-m", "codetracer", "record", "-o", "ours", "--io-capture", "off", *options, "app.py"),
        cwd=folder,
        environ={"PYTHONHASHSEED": "0"},
    )


@pytest.fixture(scope="module", params=FILES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("program")
    write(folder, FILES[request.param])
    theirs = peer.record(folder / "app.py", folder / "theirs")
    outcome = record(folder)
    assert outcome.code == 0, outcome.stderr
    return Pair(theirs, ours(folder / "ours", folder))


def test_the_calls_are_the_same_in_the_same_order_with_the_same_arguments(pair: Pair) -> None:
    assert list(differences(pair.theirs.calls, pair.mine.calls, OWN_TEXT)) == []


def test_the_returns_are_the_same_of_the_same_functions(pair: Pair) -> None:
    theirs, mine = pair.theirs.returns, pair.mine.returns
    assert [function for function, _ in mine] == [function for function, _ in theirs]
    assert (
        unequal(
            (function, same(value, other, OWN_TEXT), value, other)
            for (function, value), (_, other) in zip(theirs, mine, strict=True)
        )
        == []
    )


def test_the_lines_are_the_same_in_each_frame(pair: Pair) -> None:
    theirs = [(frame.function, frame.lines) for frame in pair.theirs.frames]
    mine = [(frame.function, frame.lines) for frame in pair.mine.frames]
    assert mine == theirs


def test_each_variable_has_the_same_value_in_the_end(pair: Pair) -> None:
    theirs, mine = pair.theirs.frames, pair.mine.frames
    assert (
        unequal(
            (frame.function, same_variables(frame.final, other.final, OWN_TEXT), frame, other)
            for frame, other in zip(theirs, mine, strict=True)
        )
        == []
    )


def test_every_event_is_the_same_with_all_variables_at_each_line(pair: Pair) -> None:
    assert list(differences(pair.theirs.events, pair.mine.events, OWN_TEXT)) == []


def unequal(compared: Iterator[tuple[str, bool, object, object]]) -> list[tuple[object, ...]]:
    """Return what is not the same, of tuples that say whether it is."""
    return [(name, one, two) for name, equal, one, two in compared if not equal]


ONE = ("int", 1)
EVENTS: list[Event] = [
    Call("app.py:f", (("x", ONE),)),
    Line(2, {"x": ONE, "y": ("list", (ONE, ("text", "<Own object at 0x>")))}),
    Return(("dict", ((("str", "key"), ONE),))),
]


@pytest.mark.parametrize(
    ("number", "other"),
    [
        (0, Call("app.py:g", (("x", ONE),))),
        (0, Call("app.py:f", (("x", ("int", 2)),))),
        (0, Call("app.py:f", (("y", ONE),))),
        (0, Call("app.py:f", ())),
        (1, Line(3, {"x": ONE, "y": ("list", (ONE, ("object", "Own")))})),
        (1, Line(2, {"y": ("list", (ONE, ("object", "Own")))})),
        (1, Line(2, {"x": ONE, "y": ("list", (ONE,))})),
        (1, Line(2, {"x": ONE, "y": ("tuple", (ONE, ("object", "Own")))})),
        (1, Line(2, {"x": ONE, "y": ("list", (ONE, ("object", "Other")))})),
        (1, Line(2, {"x": ("bool", True), "y": ("list", (ONE, ("object", "Own")))})),
        (2, Return(("dict", ((("str", "other"), ONE),)))),
        (2, Return(("dict", ()))),
        (2, Line(2, {})),
    ],
)
def test_one_thing_that_is_not_the_same_is_found(number: int, other: Event) -> None:
    mine = [*EVENTS[:number], other, *EVENTS[number + 1 :]]

    assert list(differences(EVENTS, EVENTS, OWN_TEXT)) == []
    (found,) = differences(EVENTS, mine, OWN_TEXT)
    assert found.startswith(f"{number}: ")


@pytest.mark.parametrize("missing", range(len(EVENTS)))
def test_an_event_that_is_missing_is_found(missing: int) -> None:
    mine = [*EVENTS[:missing], *EVENTS[missing + 1 :]]

    assert list(differences(EVENTS, mine, OWN_TEXT)) != []


def recorded(folder: Path, program: str) -> Pair:
    """Write a program, record it twice, and return both recordings."""
    write(folder, {"app.py": program})
    theirs = peer.record(folder / "app.py", folder / "theirs")
    outcome = record(folder)
    assert outcome.code == 0, outcome.stderr
    return Pair(theirs, ours(folder / "ours", folder))


def at_line(recording: Recording, line: int) -> dict[str, Value]:
    """Return the variables at the only time that a line ran."""
    (found,) = (
        event.variables
        for event in recording.events
        if isinstance(event, Line) and event.line == line
    )
    return found


def test_the_peer_has_keyword_only_arguments_first_and_we_the_order_of_the_def(
    tmp_path: Path,
) -> None:
    pair = recorded(tmp_path, "def f(a, *rest, key, **more): pass\nf(1, 2, key=3, x=4)\n")

    assert [name for name, _ in pair.theirs.calls[1].arguments] == ["a", "key", "rest", "more"]
    assert [name for name, _ in pair.mine.calls[1].arguments] == ["a", "rest", "key", "more"]


def test_a_global_hidden_by_a_local_that_is_not_yet_bound_is_written_by_the_peer_alone(
    tmp_path: Path,
) -> None:
    pair = recorded(tmp_path, "x = 'global'\ndef f():\n    x = 'local'\n    return x\nf()\n")

    assert at_line(pair.theirs, 3) == {"x": ("str", "global")}
    assert at_line(pair.mine, 3) == {}
    assert at_line(pair.theirs, 4) == at_line(pair.mine, 4) == {"x": ("str", "local")}


def test_at_each_line_the_peer_writes_every_global_and_we_those_that_the_code_names(
    tmp_path: Path,
) -> None:
    recorded(tmp_path, "unused = used = 1\ndef f():\n    return used\nf()\n")

    log = json.loads((tmp_path / "theirs/trace.json").read_text())
    names = [record["VariableName"] for record in log if "VariableName" in record]
    step = log.index({"Step": {"path_id": 0, "line": 3}})
    values = itertools.takewhile(lambda record: "Return" not in record, log[step + 1 :])
    theirs = {names[record["Value"]["variable_id"]] for record in values if "Value" in record}
    replay = codetracer.read(tmp_path / "ours").replay()
    (mine,) = (
        replay.globals(event.frame)
        for event in replay
        if isinstance(event, StepEvent) and event.line == 3
    )

    assert theirs >= {"unused", "used", "f", "__name__", "__file__"}
    assert mine == {"used": 1}


def test_what_is_long_or_deep_is_whole_in_the_log_of_the_peer_and_cut_in_ours(
    tmp_path: Path,
) -> None:
    pair = recorded(
        tmp_path, "long = 'x' * 10_000\nmany = [0] * 10_000\ndeep = [[[[[[1]]]]]]\npass\n"
    )

    theirs, mine = at_line(pair.theirs, 4), at_line(pair.mine, 4)
    deep: Value = ("int", 1)
    for _ in range(6):
        deep = ("list", (deep,))
    assert theirs == {
        "long": ("str", "x" * 10_000),
        "many": ("list", (("int", 0),) * 10_000),
        "deep": deep,
    }
    assert mine["long"][0] == mine["many"][0] == "cut"
    assert mine["deep"] == ("list", (("list", (("list", (("list", (("object", "list"),)),)),)),))


def test_secrets_are_redacted_by_both_and_more_names_count_as_secret_to_the_peer(
    tmp_path: Path,
) -> None:
    pair = recorded(tmp_path, "password = api_token = 'secret'\npasses = tokens_read = 1\npass\n")

    theirs, mine = at_line(pair.theirs, 3), at_line(pair.mine, 3)
    hidden = ("redacted",)
    assert (theirs["password"], theirs["api_token"], theirs["passes"]) == (hidden, hidden, hidden)
    assert (mine["password"], mine["api_token"], mine["passes"]) == (hidden, hidden, ("int", 1))


def test_lambdas_of_one_file_are_one_function_to_the_peer_and_several_to_us(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"app.py": "one = lambda: 1\ntwo = lambda: 2\none()\ntwo()\n"})

    peer.record(tmp_path / "app.py", tmp_path / "theirs")
    record(tmp_path)

    log = json.loads((tmp_path / "theirs/trace.json").read_text())
    theirs = [record["Function"] for record in log if "Function" in record]
    assert [row["line"] for row in theirs if row["name"] == "<lambda>"] == [1]
    mine = [
        event.frame.code.line
        for event in codetracer.read(tmp_path / "ours")
        if isinstance(event, CallEvent) and event.frame.code.name == "<lambda>"
    ]
    assert mine == [1, 2]


def test_a_value_that_contains_itself_ends_the_peer_but_not_us(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "loop = [1]\nloop.append(loop)\nprint(len(loop))\n"})

    with pytest.raises(peer.PeerError) as raised:
        peer.record(tmp_path / "app.py", tmp_path / "theirs")
    outcome = record(tmp_path)

    assert raised.value.status == peer.PEER_STACK_OVERFLOW
    assert outcome == Outcome(0, "2\n", "")
    assert ours(tmp_path / "ours", tmp_path).frames[0].lines == [1, 2, 3]


def test_the_peer_runs_code_of_the_program_to_record_it_and_we_do_not(tmp_path: Path) -> None:
    program = """\
class Counts:
    texts = 0
    def __str__(self):
        Counts.texts += 1
        return 'counted'
def work(counts):
    here = counts
    return here.texts
print(work(Counts()))
"""
    write(tmp_path, {"app.py": program})

    theirs = peer.run_peer(tmp_path / "app.py", tmp_path / "theirs")
    outcome = record(tmp_path)

    assert int(theirs.stdout) > 0
    assert outcome == Outcome(0, "0\n", "")


def test_a_module_beside_the_program_is_found_without_help_by_us_alone(tmp_path: Path) -> None:
    write(tmp_path, {"program/app.py": "import helper\n", "program/helper.py": "found = 1\n"})

    theirs = peer.run_peer(tmp_path / "program/app.py", tmp_path / "theirs", path=())
    outcome = record(tmp_path / "program")

    assert "No module named 'helper'" in theirs.stderr
    assert outcome == Outcome(0, "", "")


def test_an_uncaught_exception_fails_the_recording_of_the_peer_alone(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "raise ValueError('uncaught')\n"})

    theirs = peer.run_peer(tmp_path / "app.py", tmp_path / "theirs")
    outcome = record(tmp_path)

    assert theirs.returncode == 1
    assert outcome.code == 0
    assert "ValueError: uncaught" in outcome.stderr
