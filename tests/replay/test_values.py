"""Recorded values as objects, as text and as JSON."""

from __future__ import annotations

import json

import pytest

from codetracer.replay import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
    Value,
    render,
    to_json,
)
from codetracer.replay.state import State
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings import trace_format as form


def an_object(
    shape: str,
    *items: Value,
    type_name: str = "",
    number: int = 7,
    cut: int = 0,
    cut_attributes: int = 0,
    **attributes: Value,
) -> ObjectValue:
    found = ObjectValue(number, shape, type_name or shape)
    found.items = items
    found.attributes = attributes
    found.total = len(items) + cut
    found.cut = cut
    found.cut_attributes = cut_attributes
    return found


def loop() -> ObjectValue:
    found = an_object("list", 1, number=3)
    found.items = (1, found)
    return found


NODE = an_object("instance", type_name="m.Node", number=8, value=1)

RENDERED: list[tuple[Value, str]] = [
    (None, "None"),
    (True, "True"),
    (-5, "-5"),
    (1.5, "1.5"),
    (2j, "2j"),
    (..., "Ellipsis"),
    (NotImplemented, "NotImplemented"),
    ("it's", '"it\'s"'),
    (b"\0a", "b'\\x00a'"),
    ("\udc80", "'\\udc80'"),
    (10**2000, hex(10**2000)),
    ((), "()"),
    ((1,), "(1,)"),
    ((1, (2, 3)), "(1, (2, 3))"),
    (CutText("ab", 92), "'ab'… +90"),
    (CutBytes(b"ab", 92), "b'ab'… +90"),
    (CutInteger(-255, 45), "-0xff… +90"),
    (CutTuple((1, 2), 92), "(1, 2, … +90)"),
    (RangeValue(0, 5, 1), "range(0, 5)"),
    (RangeValue(0, 5, -2), "range(0, 5, -2)"),
    (Hidden("redacted"), "<redacted>"),
    (an_object("list"), "[]"),
    (an_object("list", 1, 2, cut=90), "[1, 2, … +90]"),
    (an_object("list", 1, type_name="m.Stack"), "Stack([1])"),
    (an_object("set"), "set()"),
    (an_object("set", 1), "{1}"),
    (an_object("frozenset", 1), "frozenset({1})"),
    (an_object("frozenset"), "frozenset()"),
    (an_object("dict"), "{}"),
    (an_object("dict", "a", 1, "b", (2,), cut=3), "{'a': 1, 'b': (2,), … +3}"),
    (an_object("dict", 1, 2, type_name="collections.OrderedDict"), "OrderedDict({1: 2})"),
    (an_object("tuple", 1, 2, type_name="m.Pair"), "Pair(1, 2)"),
    (an_object("named_tuple", type_name="m.Point", x=1, y=2), "Point(x=1, y=2)"),
    (an_object("enum", type_name="m.Color", name="RED", value=1), "Color.RED"),
    (NODE, "<Node #8 value=1>"),
    (an_object("instance", type_name="m.Empty"), "<Empty #7>"),
    (
        an_object("instance", type_name="m.f.<locals>.Node", cut_attributes=4, next=NODE),
        "<Node #7 next=<Node #8 value=1>, … +4>",
    ),
    (an_object("class", "m.C", type_name="type"), "<class m.C>"),
    (an_object("function", "f"), "<function f>"),
    (an_object("module", "json"), "<module json>"),
    (an_object("exception", "no", type_name="ValueError"), "ValueError('no')"),
    (an_object("wrapped", 5, type_name="m.Int"), "Int(5)"),
    (an_object("opaque", type_name="_io.TextIOWrapper"), "<TextIOWrapper #7>"),
    (an_object("unseen", type_name="m.Node"), "<Node #7>"),
    (loop(), "[1, <list #3 again>]"),
]


@pytest.mark.parametrize(("value", "text"), RENDERED)
def test_a_value_is_rendered_much_as_source(value: Value, text: str) -> None:
    assert render(value) == text


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    assert render(an_object("list", *range(100)), 20) == "[0, 1, 2, 3, 4, 5, 6, … +93]"
    assert render("a" * 100, 20) == f"'{'a' * 20}'… +80"
    assert render(tuple(range(100)), 1) == "(0, … +99)"


@pytest.mark.parametrize("limit", [0, 1, 10, 50, 200, 1000])
def test_a_text_is_about_as_long_as_may_be(limit: int) -> None:
    deep: Value = 1
    for _ in range(300):
        deep = an_object("list", "abc", deep, deep, number=1)
    wide = an_object("dict", *(str(number) for number in range(2000)))

    for value in (deep, wide, "x" * 5000, (wide, deep)):
        assert len(render(value, limit)) < 2 * limit + 100


def test_nesting_without_end_is_rendered_and_made_json() -> None:
    deep: Value = 1
    chain = an_object("instance", number=0)
    for number in range(1, 20_000):
        deep = (deep,)
        chain = an_object("instance", number=number, next=chain)

    for value in (deep, chain):
        assert "…" in render(value, 10**9)
        json.dumps(to_json(value))


def test_json_has_numbers_for_what_is_shared_and_for_cycles() -> None:
    assert to_json(loop()) == {
        "object": 3,
        "form": "list",
        "type": "list",
        "items": [1, {"object": 3}],
        "attributes": {},
        "total": 1,
        "cut": 0,
        "cut_attributes": 0,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**80, 2**80),
        (1.5, 1.5),
        (float("inf"), {"float": "inf"}),
        (float("nan"), {"float": "nan"}),
        (1 + 2j, {"complex": ["1.0", "2.0"]}),
        ("\udc80", "\udc80"),
        (b"\0\xff", {"bytes": "00ff"}),
        ((1, "a"), {"tuple": [1, "a"]}),
        (..., {"special": "Ellipsis"}),
        (CutText("a", 9), {"text": "a", "total": 9}),
        (CutBytes(b"a", 9), {"bytes": "61", "total": 9}),
        (CutInteger(255, 9), {"int": "0xff", "more": 9}),
        (CutTuple((1,), 9), {"tuple": [1], "total": 9}),
        (RangeValue(1, 2, 3), {"range": [1, 2, 3]}),
        (Hidden("dropped"), {"hidden": "dropped"}),
        (10**2000, {"int": hex(10**2000)}),
    ],
)
def test_json_keeps_what_a_value_is(value: Value, expected: object) -> None:
    found = to_json(value)

    assert found == expected
    assert json.loads(json.dumps(found)) == expected


def state() -> State:
    """Return a state with a list in itself (1), an instance (2) of it, and a long list (3)."""
    found = State()
    found.types = ["list", "m.Node"]
    found.attribute_names = ["next"]
    one = raw.ReferenceValue(1)
    found.objects = {
        1: raw.ObjectRecord(1, form.FORM_LIST, 0, 2, (5, one), 0, ()),
        2: raw.ObjectRecord(2, form.FORM_INSTANCE, 1, 0, (), 3, ((0, one),)),
        3: raw.ObjectRecord(3, form.FORM_LIST, 0, 500, tuple(range(100)), 0, ()),
    }
    return found


def test_resolving_keeps_cycles_names_and_what_was_cut() -> None:
    node = state().resolve(raw.ReferenceValue(2))

    assert isinstance(node, ObjectValue)
    assert (node.number, node.form, node.type_name) == (2, "instance", "m.Node")
    assert (node.total, node.cut, node.cut_attributes) == (0, 0, 3)
    inner = node.attributes["next"]
    assert isinstance(inner, ObjectValue)
    assert inner.items == (5, inner)
    long = state().resolve(raw.ReferenceValue(3))
    assert isinstance(long, ObjectValue)
    assert (len(long.items), long.total, long.cut) == (100, 500, 400)


def test_resolving_can_be_limited_and_says_what_it_left_out() -> None:
    node = state().resolve(raw.ReferenceValue(2), objects=1)
    long = state().resolve(raw.ReferenceValue(3), items=10)

    assert isinstance(node, ObjectValue)
    assert render(node) == "<Node #2 next=<list #1>, … +3>"
    assert isinstance(long, ObjectValue)
    assert (len(long.items), long.cut) == (10, 490)


def test_an_object_that_was_never_told_is_unseen() -> None:
    found = state().resolve(raw.ReferenceValue(99))

    assert isinstance(found, ObjectValue)
    assert (found.form, render(found)) == ("unseen", "<object #99>")


def test_an_object_holds_what_it_held_when_it_was_resolved() -> None:
    now = state()
    before = now.resolve(raw.ReferenceValue(1))
    now.objects[1] = raw.ObjectRecord(1, form.FORM_LIST, 0, 0, (), 0, ())

    assert isinstance(before, ObjectValue)
    assert before.items == (5, before)
    assert render(now.resolve(raw.ReferenceValue(1))) == "[]"


@pytest.mark.slow
def test_a_chain_of_objects_of_any_length_is_resolved() -> None:
    now = State()
    now.types = ["m.Node"]
    now.attribute_names = ["next"]
    for number in range(20_000):
        link = ((0, raw.ReferenceValue(number + 1)),)
        now.objects[number] = raw.ObjectRecord(number, form.FORM_INSTANCE, 0, 0, (), 0, link)

    found = now.resolve(raw.ReferenceValue(0))

    depth = 0
    while isinstance(found, ObjectValue) and found.attributes:
        found = found.attributes["next"]
        depth += 1
    assert depth == 20_000
