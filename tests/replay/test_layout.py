"""A whole value over several lines: one for each item, where one line is too short."""

from __future__ import annotations

import pytest

from codetracer.replay import CutTuple, ObjectValue, Value
from codetracer.replay.layout import SPREAD_LEVELS, lay_out
from codetracer.replay.values import Words


def an_object(form: str, *items: Value, type_name: str = "", **attributes: Value) -> ObjectValue:
    found = ObjectValue(7, form, type_name or form)
    found.items, found.attributes, found.total = items, attributes, len(items)
    return found


def cut_list() -> ObjectValue:
    found = an_object("list", "first item", "second item")
    found.cut = 90
    return found


def worded(form: str, *items: Value, **attributes: Value) -> ObjectValue:
    found = an_object(form, *items, type_name="m.Order", **attributes)
    found.words = Words("two of them", failed=False)
    return found


def loop() -> ObjectValue:
    found = an_object("list", number := 3)
    found.items = (number, "a long text", found)
    return found


LAID_OUT: list[tuple[Value, str]] = [
    (5, "5"),
    ("a text longer than a line", "'a text longer than a line'"),
    ((1, 2), "(1, 2)"),
    (("first item", "second item"), "(\n  'first item',\n  'second item',\n)"),
    (CutTuple(("first item", 2), 12), "(\n  'first item',\n  2,\n  … +10\n)"),
    (an_object("list", 1, 2), "[1, 2]"),
    (cut_list(), "[\n  'first item',\n  'second item',\n  … +90\n]"),
    (
        an_object("list", "first item", 2, type_name="m.Stack", size=2),
        "Stack([\n  'first item',\n  2,\n  size=2,\n])",
    ),
    (an_object("set", "first item", "second"), "{\n  'first item',\n  'second',\n}"),
    (
        an_object("frozenset", "first item", "second"),
        "frozenset({\n  'first item',\n  'second',\n})",
    ),
    (
        an_object("exception", "it went wrong", type_name="ValueError"),
        "ValueError(\n  'it went wrong',\n)",
    ),
    (
        an_object("dict", "key", "a long text", 2, ("nested", "another")),
        "{\n  'key': 'a long text',\n  2: (\n    'nested',\n    'another',\n  ),\n}",
    ),
    (
        an_object("dict", "key", "a long text", type_name="m.Table"),
        "Table({\n  'key': 'a long text',\n})",
    ),
    (
        an_object("instance", type_name="m.Node", value="a long text", **{"no name": 1}),
        "<Node #7\n  value='a long text',\n  'no name'=1,\n>",
    ),
    (
        an_object("named_tuple", type_name="m.Point", x="a long text", y=1),
        "<Point #7\n  x='a long text',\n  y=1,\n>",
    ),
    (an_object("function", type_name="function"), "<function ?>"),
    (
        worded("list", "first item"),
        "<Order #7 says 'two of them'; Order([\n  'first item',\n])>",
    ),
    (worded("instance", value=1), "<Order #7 says 'two of them'\n  value=1,\n>"),
    (loop(), "[\n  3,\n  'a long text',\n  <list #7 again>,\n]"),
]


@pytest.mark.parametrize(("value", "lines"), LAID_OUT, ids=[lines for _, lines in LAID_OUT])
def test_a_value_has_a_line_for_each_item_where_one_line_is_too_short(
    value: Value, lines: str
) -> None:
    assert "\n".join(lay_out(value, 18)) == lines


def test_what_stands_before_a_value_takes_room_from_its_first_line() -> None:
    assert lay_out((1, 2), 10, used=4) == ["(1, 2)"]
    assert lay_out((1, 2), 10, used=5) == ["(", "  1,", "  2,", ")"]


def test_no_more_levels_are_spread_than_can_be_read() -> None:
    value: Value = "x" * 80
    for _ in range(SPREAD_LEVELS + 5):
        value = (value, "y")

    lines = lay_out(value, 80)

    assert max(len(line) - len(line.lstrip()) for line in lines) == 2 * SPREAD_LEVELS
