"""Expressions over recorded values have Python's results, or an error with the reason."""

from __future__ import annotations

import contextlib
import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import codetracer
from codetracer.replay import Moment, StepEvent, render
from codetracer.replay.evaluator import EvaluationError, Expression, evaluate
from tests.support.recordings import record

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = [
    "1 + 2 * 3 - -4",
    "7 // 2, 7 % 3, 7 / 2, 2 ** 10, 1 << 4, 12 >> 2, 6 & 3, 6 | 3, 6 ^ 3, ~5, +n, -n",
    "2 ** -1, 0.5 ** 2, (1 + 2j) * 2",
    "n",
    "n + len(text)",
    "text + '!'",
    "text * 2",
    "3 * text",
    "text[0], text[-1], text[1:3], text[::-1]",
    "data[0], data[1:], data + b'x', b'b' in data",
    "numbers",
    "numbers[0], numbers[-1], numbers[1:], numbers[::2]",
    "numbers + [4]",
    "[0] * 3",
    "len(numbers), sum(numbers), max(numbers), min(numbers), max(3, n), min('b', 'a')",
    "2 in numbers, 9 in numbers, 9 not in numbers, [1] in [[1]], 'el' in text",
    "pair",
    "pair[0] + pair[1]",
    "pair + (3,)",
    "pair == (1, 2), pair < (1, 3), pair >= (1, 2, 0)",
    "table['a']",
    "table['b'][0]",
    "table[(1, 2)]",
    "'a' in table, 'z' in table",
    "len(table)",
    "numbers == [1, 2, 3], numbers == [1, 2], numbers != [1, 2], numbers < [1, 3], numbers == pair",
    "table == other_table",
    "some == some, 3 in some, len(some)",
    "node.name, node.next.name, node.next.next.name",
    "node.next.next is node, node is None",
    "node is not node.next",
    "node == node, node != node, node in [node]",
    "point.x + point.y, point[1], len(point), point == (3, 4)",
    "colour.name, colour.value, colour == colour, colour is other_colour, colour == other_colour",
    "own_int + 1, own_int == 7, own_text[0], own_text == 'own', own_list[1], len(own_list)",
    "row[2], len(row), 4 in row, 5 in row, row[1:3], row.start, row.step, max(row)",
    "error.args, error.args[0], str(error)",
    "not numbers, not [], not '', not None, bool(pair), bool(0)",
    "n and text, n or text, 0 or '', None and 1, 0 or n or text",
    "(n and node) is node, (0 or node) is node",
    "1 < n < 10, 1 < n > 10, 0 <= 1 <= 1 < 2",
    "'yes' if n > 3 else 'no'",
    "(1, [2, 'three'])",
    "f'{n} and {text!r:>8} {n:05d} {ratio:.2f} {text:^{n}}'",
    "f'{pair} {None} {text!s}'",
    "f'{error}', f'{text!a}'",
    "type(n).__name__, type(text).__name__, type(node).__name__, type(numbers).__name__",
    "function.__name__, Node.__name__",
    "abs(-3), abs(ratio), repr(text), str(n), str(text), repr(numbers), str(numbers)",
    "day == same_day, day == later, when == when",
    "... is ..., None is None, True is True, n is None",
    "n.real, n.imag",
    "number_in_global + n",
    "some == frozen, frozen == some, some == other_set, other_set == frozen",
    "table == nested, nested == table, nested == nested_too, table != nested",
    "numbers == some, table == some, numbers == text, text == numbers, numbers == function",
    "queue == other_queue, queue == long_queue, colour == blue, colour in [blue, other_colour]",
    "text < 'help', data <= b'abd', 1.5 < 2, numbers < [1, 2, 3, 4], [1, 2] > [1]",
    "numbers >= numbers, 1 == '', '' != 1",
    "path == same_path, path == other_path, identity == same_identity, identity == other_identity",
    "98 in data, 'a' in table, 2 in pair, [1] in [[2], [1]], 1 in some, 9 in frozen, 2 in frozen",
    "numbers is pair, None is numbers, numbers is not None, pair[2:] == ()",
]

PROGRAM = """\
import collections, datetime, enum, json, pathlib, uuid
class Node:
    def __init__(self, name, next=None):
        self.name, self.next = name, next
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
class Own(int): pass
class OwnText(str): pass
class OwnList(list): pass
Point = collections.namedtuple("Point", "x y")
number_in_global = 40
def function():
    n, text, data, ratio = 5, "hello", b"abc", 2.5
    numbers, pair, row = [1, 2, 3], (1, 2), range(0, 10, 2)
    table = {"a": 1, "b": [2, 3], (1, 2): "t"}
    other_table = {(1, 2): "t", "b": [2, 3], "a": 1}
    some = {1, 2, 3}
    node = Node("first", Node("second"))
    node.next.next = node
    point, colour, other_colour = Point(3, 4), Colour.RED, Colour.BLUE
    own_int, own_text, own_list = Own(7), OwnText("own"), OwnList([1, 2])
    error = ValueError("wrong")
    password = "secret"
    long, many, huge = "x" * 50_000, list(range(500)), 10 ** 3000
    queue = collections.deque([1, 2, 3])
    big = collections.namedtuple("Big", [f"f{i}" for i in range(150)])(*range(150))
    inner, other_inner = [0] * 90, [0] * 90
    cube, other_cube = [[inner] * 90] * 90, [[other_inner] * 90] * 90
    deep = [[[[[[[[1]]]]]]]]
    day = datetime.date(2024, 5, 6)
    same_day, later = datetime.date(2024, 5, 6), datetime.date(2024, 5, 7)
    when = datetime.datetime(2024, 5, 6)
    seen = globals() | locals() | {"function": function, "Node": Node, "total": number_in_global}
    frozen, other_set = frozenset([3, 2, 1]), {1, 2}
    nested, nested_too = {"a": [1], "b": (1, 2)}, {"b": (1, 2), "a": [1]}
    other_queue, long_queue = collections.deque([1, 2, 3]), collections.deque([1, 2, 3, 4])
    blue = Colour.BLUE
    path, same_path = pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a/b")
    other_path = pathlib.PurePosixPath("a/c")
    identity, same_identity, other_identity = uuid.UUID(int=5), uuid.UUID(int=5), uuid.UUID(int=6)
    raw_long, long_tuple, same_tuple = b"y" * 50_000, tuple(range(500)), (*range(500),)
    other_deep = [[[[[[[[1]]]]]]]]
    seen |= {name: value for name, value in locals().items() if name != "seen"}
    done = 1
    return seen
seen = function()
with open("answers", "w") as file:
    json.dump([repr(eval(text, dict(seen))) for text in json.load(open("questions"))], file)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "questions").write_text(json.dumps(SHARED))
    record(folder, PROGRAM)
    return folder


@pytest.fixture(scope="module")
def moment(folder: Path) -> Moment:
    """Return the moment at which everything has its value."""
    line = PROGRAM.splitlines().index("    return seen") + 1
    trace = codetracer.read(folder / "out")
    steps = (e.number for e in trace if isinstance(e, StepEvent) and e.line == line)
    return trace.at(next(steps))


@pytest.fixture(scope="module")
def answers(folder: Path) -> list[Any]:
    found: list[Any] = json.loads((folder / "answers").read_text())
    return found


@pytest.mark.parametrize("number", range(len(SHARED)), ids=SHARED)
def test_an_expression_has_the_value_that_python_gives_it(
    moment: Moment, answers: list[str], number: int
) -> None:
    assert render(evaluate(SHARED[number], moment), 10_000) == answers[number]


WITHOUT_A_VALUE = {
    "": "is not a Python expression",
    "1 +": "is not a Python expression",
    "x = 1": "is not a Python expression",
    "nothing": "function has no variable nothing at this moment",
    "numbrs": "did you mean numbers?",
    "text.upper()": "`text.upper(…)` is not evaluated: nothing of the program is run",
    "function()": "`function(…)` is not evaluated",
    "len(obj=text)": "is not evaluated",
    "len()": "another number of arguments",
    "open('x')": "`open(…)` is not evaluated",
    "[n for n in numbers]": "is not evaluated: only names",
    "lambda: 1": "is not evaluated: only names",
    "(n := 3)": "is not evaluated: only names",
    "n @ n": "is not evaluated: only names",
    "numbers[9]": "has no item 9; it has 3",
    "numbers['a']": "has a number, not 'a'",
    "numbers[::0]": "is not a slice",
    "table['zz']": "has no key 'zz'",
    "node.upper": "has no recorded attribute upper",
    "n.__class__": "has no recorded attribute __class__",
    "1 / 0": "ZeroDivisionError",
    "text - 1": "'hello' - 1 cannot be calculated",
    "text < 1": "'hello' < 1 cannot be decided",
    "node == node.next": "only the code of their class, which is not run, could decide whether",
    "not node": "only the code of its class, which is not run, could decide whether",
    "node + 1": "cannot be calculated",
    "text is text": "use `==`",
    "9 ** 9 ** 9": "more than 65,536 bits",
    "1 << 10 ** 10": "more than 65,536 bits",
    "'a' * 10 ** 10": "more than 65,536 items",
    "[0] * 10 ** 10": "more than 65,536 items",
    "2.0 ** 99999": "OverflowError",
    "str(2 ** 60000)[0]": "",
    "f'{n:1000000000}'": "more than 1,000 characters",
    "f'{ratio:.99999f}'": "more than 1,000 characters",
    "f'{n:q}'": "Unknown format code",
    "'%999999999d' % 1": "cannot be calculated",
    "password": "",
    "password + ''": "the value is redacted: a filter kept it out",
    "password == 'secret'": "the value is redacted",
    "len(password)": "hidden",
    "f'{password}'": "the value is redacted",
    "long == 'x' * 50_000": "was cut when it was recorded",
    "long + ''": "cannot be calculated",
    "long[-1]": "was cut when it was recorded",
    "many[499]": "was cut when it was recorded",
    "many[400:410]": "was cut when it was recorded",
    "big + (1,)": "was cut when it was recorded",
    "queue == numbers": "only the code of their class",
    "cube == other_cube": "too large to be compared",
    "many == many + [1]": "was cut when it was recorded",
    "499 in many": "the others were cut",
    "sum(many)": "was cut when it was recorded",
    "huge + 1": "cannot be calculated",
    "raw_long == b'y' * 50_000": "was cut when it was recorded",
    "long_tuple == same_tuple": "was cut when it was recorded",
    "long_tuple < same_tuple": "was cut when it was recorded",
    "huge == 5": "was cut when it was recorded",
    "'z' in long": "was cut when it was recorded",
    "121 in raw_long": "was cut when it was recorded",
    "huge == node": "only the code of their class",
    "deep == other_deep": "deeper than --max-depth",
    "queue == [1, 2, 3]": "only the code of their class",
    "9 in [node]": "only the code of their class",
    "numbers < pair": "cannot be decided",
    "1 in text": "`in` cannot look for such a value in 'hello'",
    "text in n": "5 has no recorded items",
    "colour < blue": "cannot be decided",
    "deep[0][0][0][0][0][0]": "deeper than --max-depth",
    "(" * 300 + "1" + ")" * 300: "",
    "-" * 3_900 + "1": "nested too deeply",
    "1" + "+1" * 3_000: "more than 4,000 characters",
    "'\0'": "",
}
"""A part of the message for each; nothing where the value only must come, or be refused."""


_MOST_CALLS = 2_500_000
"""Of Python functions: no expression works longer than a comparison that gives up."""


@contextlib.contextmanager
def _calls_counted() -> Iterator[list[int]]:
    """Count the calls of Python functions, which are the same on every machine."""
    monitoring, calls = sys.monitoring, [0]
    tool = next(each for each in range(6) if monitoring.get_tool(each) is None)

    def started(_code: object, _offset: int) -> None:
        calls[0] += 1

    monitoring.use_tool_id(tool, "calls of an evaluation")
    monitoring.register_callback(tool, monitoring.events.PY_START, started)
    monitoring.set_events(tool, monitoring.events.PY_START)
    try:
        yield calls
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.PY_START, None)
        monitoring.free_tool_id(tool)


@pytest.mark.parametrize("text", WITHOUT_A_VALUE)
def test_an_expression_without_a_value_says_why(moment: Moment, text: str) -> None:
    with _calls_counted() as calls:
        try:
            evaluate(text, moment)
            said = ""
        except EvaluationError as error:
            said = error.message
    assert WITHOUT_A_VALUE[text] in said
    assert bool(said) or not WITHOUT_A_VALUE[text]
    assert 0 < calls[0] < _MOST_CALLS


def test_what_a_limit_left_is_still_known(moment: Moment) -> None:
    assert evaluate("len(long), len(many)", moment) == (50_000, 500)
    assert evaluate("long[0], many[3], 3 in many, 'x' in long", moment) == ("x", 3, True, True)
    assert evaluate("long == 'x' * 60_000, long[:3] == 'xxx'", moment) == (False, True)
    assert evaluate("long == 'short', long != text, bool(long)", moment) == (False, True, True)
    assert evaluate("raw_long == b'z', raw_long == text, huge == text", moment) == (False,) * 3
    assert evaluate("long_tuple == pair, long_tuple == (1, long), 3 in long_tuple", moment) == (
        False,
        False,
        True,
    )
    assert "xxx… +" in str(evaluate("f'{long[:3]} {long}'", moment))


def test_a_hidden_value_is_shown_as_hidden_alone(moment: Moment) -> None:
    assert render(evaluate("password", moment)) == "<redacted>"


def test_the_names_are_those_of_the_frame_that_is_asked_for(moment: Moment) -> None:
    expression = Expression("number_in_global")
    below = moment.frames[1]

    assert expression.evaluate(moment) == 40
    assert expression.holds(moment)
    with pytest.raises(EvaluationError, match="text has no value in <module>"):
        evaluate("text", moment, below)


def test_an_error_can_be_sent_to_another_process(moment: Moment) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate("nothing", moment)

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
