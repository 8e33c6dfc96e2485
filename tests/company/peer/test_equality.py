"""A program is recorded by codetracer as codetracer-python-recorder 0.3.0 records it.

That is: the same calls in the same order with the same arguments, the same returns, the same lines
in each frame, the same final value of each variable. Where it is not so, a test in test_unequal.py
says what each does. Both engines of codetracer are compared to one recording of the peer.

That recorder runs on CPython 3.12 and 3.13.
"""

from collections.abc import Iterator

import pytest

from codetracer.monitoring.backend import BACKENDS
from tests.support import peer
from tests.support.beside_peer import Pair, Recorded, recorded_by_all
from tests.support.equality import (
    Call,
    Event,
    Line,
    Return,
    Value,
    differences,
    same,
    same_variables,
)
from tests.support.equality_programs import FILES

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.only_where(peer.RUNS)]


@pytest.fixture(scope="module", params=FILES)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded_by_all(tmp_path_factory.mktemp("program"), FILES[request.param])


@pytest.fixture(params=BACKENDS)
def pair(recorded: Recorded, request: pytest.FixtureRequest) -> Pair:
    return Pair(recorded.theirs, recorded.mine[request.param])


def test_the_peer_recorded_the_program_to_its_end(recorded: Recorded) -> None:
    assert recorded.theirs.calls[0].function == "app.py:<module>"
    assert recorded.theirs.frames[0].lines
    assert recorded.theirs.returns[-1][0] == "app.py:<module>"


def test_the_calls_are_the_same_in_the_same_order_with_the_same_arguments(pair: Pair) -> None:
    assert differences(pair.theirs.calls, pair.mine.calls) == []


def test_the_returns_are_the_same_of_the_same_functions(pair: Pair) -> None:
    theirs, mine = pair.theirs.returns, pair.mine.returns
    assert [function for function, _ in mine] == [function for function, _ in theirs]
    assert (
        unequal(
            (function, same(value, other), value, other)
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
            (frame.function, same_variables(frame.final, other.final), frame, other)
            for frame, other in zip(theirs, mine, strict=True)
        )
        == []
    )


def test_every_event_is_the_same_with_all_variables_at_each_line(pair: Pair) -> None:
    assert differences(pair.theirs.events, pair.mine.events) == []


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

    assert differences(EVENTS, EVENTS) == []
    (found,) = differences(EVENTS, mine)
    assert found.startswith(f"{number}: ")


@pytest.mark.parametrize("missing", range(len(EVENTS)))
def test_an_event_that_is_missing_is_found(missing: int) -> None:
    mine = [*EVENTS[:missing], *EVENTS[missing + 1 :]]

    assert differences(EVENTS, mine) != []


@pytest.mark.parametrize(
    ("theirs", "mine", "equal"),
    [
        (("text", "<Own object at 0x>"), ("object", "Own"), True),
        (("text", "<Own object at 0x>"), ("object", "Other"), False),
        (("text", "any text"), ("object", "Own"), False),
        (("text", "Says('hello')"), ("object", "__main__.Says"), True),
        (("text", "Says('else')"), ("object", "__main__.Says"), False),
        (("text", "Says('hello')"), ("object", "__main__.Point"), False),
        (("error", "<unrepr>"), ("object", "__main__.Fails"), True),
        (("error", "<unrepr>"), ("object", "Own"), False),
        (
            ("text", "<Task pending name='Task-1' coro=<sleep() >>"),
            ("object", "_asyncio.Task"),
            True,
        ),
        (("text", "<Task pending name='Task-1' coro=<sleep() >>"), ("object", "Own"), False),
        (("text", "<Future pending>"), ("object", "_asyncio.Task"), False),
        (("text", "<_GatheringFuture pending>"), ("object", "_asyncio.Task"), False),
        (("text", "<class '__main__.Own'>"), ("class", "Own"), True),
        (("text", "<class '__main__.Own'>"), ("class", "Other"), False),
    ],
)
def test_a_text_is_accepted_of_an_object_only_where_its_type_makes_that_text(
    theirs: Value, mine: Value, equal: bool
) -> None:
    assert same(theirs, mine) is equal
