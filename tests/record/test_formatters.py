"""Formatters: the program's own words for its objects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codetracer.replay import (
    CutText,
    Words,
    to_json,
)
from tests.record.test_engines import RECORDER, without_identifiers
from tests.support.exporting import elements, export
from tests.support.formatters import FILTER, ORDER, calls, run, shown, words
from tests.support.reading import read
from tests.support.recordings import BACKENDS, ENVIRON, an_object, last, record
from tests.support.running import execute, write


def test_what_a_formatter_says_stands_beside_what_is_read_and_is_marked(
    tmp_path: Path, backend: str
) -> None:
    program = "order = Order(12, [1, 2])\norder.items.append(3)\norder"

    found = words(tmp_path, program, "Order.text", backend)

    assert found["order"] == "<Order #n says 'Order 12: 3 items'; number=12, items=[1, 2, 3]>"
    order = an_object(last(tmp_path / "out")["order"])
    assert order.words == Words("Order 12: 3 items", failed=False)
    assert (order.form, list(order.attributes)) == ("instance", ["number", "items"])
    said = to_json(order)
    assert isinstance(said, dict)
    assert said["says"] == "Order 12: 3 items"
    assert "formatter_failed" not in said


def test_nothing_is_asked_where_no_formatter_is_given(tmp_path: Path, backend: str) -> None:
    program = ORDER + "Order.__repr__ = Order.text\norder = Order(1, [])\norder\n"

    record(tmp_path, program, backend=backend)

    order = an_object(last(tmp_path / "out")["order"])
    assert order.words is None
    assert "text" not in calls(tmp_path / "out")


def test_an_attribute_is_never_taken_for_the_programs_words(tmp_path: Path, backend: str) -> None:
    program = ORDER + "o = Order(1, [])\no.__dict__[\"says 'x'; y\"] = 1\no\n"

    record(tmp_path, program, backend=backend)

    assert shown(last(tmp_path / "out")["o"]) == (
        "<Order #n number=1, items=[], \"says 'x'; y\"=1>"
    )


def test_a_formatter_is_for_instances_of_that_very_type(tmp_path: Path, backend: str) -> None:
    found = words(tmp_path, "late = Late(2, [])\nlate", "Order.text", backend)

    assert found["late"] == "<Late #n number=2, items=[]>"


FORMS = """
import collections, enum
class Things(list): pass
class Table(dict): pass
class Sum(int): pass
class Wrong(Exception): pass
class Color(enum.Enum): RED = 1
class Bare: __slots__ = ()
Pair = collections.namedtuple('Pair', 'a b')
class Slots: __slots__ = ('a',)
class Meta(type): pass
def say(value): return type(value).__name__.lower()
import codetracer
codetracer.start('out', io_capture='off', formatters={
    f'__main__.{name}': say for name in 'Things Table Sum Wrong Color Bare Pair Slots Meta'.split()
})
class Made(metaclass=Meta): pass
things, table, number, wrong = Things([1]), Table(a=1), Sum(5), Wrong('x')
color, bare, pair, slots = Color.RED, Bare(), Pair(1, 2), Slots()
slots.a = 3
pass; (things, table, number, wrong, color, bare, pair, slots, Made)
codetracer.stop()
"""


def test_objects_of_every_form_have_words(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": FORMS})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert outcome == (0, "", "")
    found = {name: shown(value) for name, value in last(tmp_path / "out").items()}
    assert found == found | {
        "things": "<Things #n says 'things'; Things([1])>",
        "table": "<Table #n says 'table'; Table({'a': 1})>",
        "number": "<Sum #n says 'sum'; Sum(5)>",
        "wrong": "<Wrong #n says 'wrong'; Wrong('x')>",
        "color": "<Color #n says 'color'; Color.RED>",
        "bare": "<Bare #n says 'bare'>",
        "pair": "<Pair #n says 'pair'; Pair(a=1, b=2)>",
        "slots": "<Slots #n says 'slots'; a=3>",
        "Made": "<Meta #n says 'meta'; <class Made>>",
    }


def test_secrets_are_hidden_in_words_and_the_limit_cuts_them(tmp_path: Path, backend: str) -> None:
    program = (
        "order = Order(1, [])\norder.password = 'open sesame'\norder\n"
        "long = Order(2, [])\nlong.password = 'sesame open' * 60\nlong"
    )
    says = "lambda order: f'{order.number}: {order.password}'"

    outcome = run(tmp_path, program, says, backend)

    assert (outcome.code, outcome.stderr) == (0, "")
    found = last(tmp_path / "out")
    assert an_object(found["order"]).words == Words("1: <redacted>", failed=False)
    told = an_object(found["long"]).words
    assert told is not None
    assert isinstance(told.text, CutText)
    assert told.text.total == 663
    assert "sesame" not in told.text.text
    assert b"sesame" not in b"".join(path.read_bytes() for path in tmp_path.glob("out/*.ctlog"))


def test_the_limit_of_texts_holds_for_words(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"f.toml": FILTER.format(function="text")})

    record(
        *(tmp_path, ORDER + "order = Order(1, [])\norder\n"),
        *("--trace-filter=f.toml", "--max-text=7"),
        backend=backend,
    )

    order = an_object(last(tmp_path / "out")["order"])
    assert order.words == Words(CutText("Order 1", 16), failed=False)
    assert shown(order) == "<Order #n says 'Order 1'… +9; number=1, items=[]>"


@pytest.mark.slow
def test_the_views_show_words_and_find_them(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"f.toml": FILTER.format(function="text")})
    program = (
        f"{ORDER}order = Order(1, [])\norder.items.append(2)\norder.other = 'x' * 200\norder\n"
    )
    record(tmp_path, program, "--trace-filter=f.toml", backend=backend)

    def show(*options: str) -> str:
        done = read("show", "out", *options, cwd=tmp_path)
        assert (done.code, done.stderr) == (0, "")
        return re.sub(r"#\d+", "#n", done.stdout)

    assert "order = <Order #n says 'Order 1: 1 items'; number=1, items=[2]>" in show("--lines")
    assert "order = <Order #n says 'Order 1: 1 items'" in show("--find", "1: 1 it")
    whole = show("--step", str(max(map(int, re.findall(r":\d+ +(\d+) ", show("--lines"))))))
    assert "order = <Order #n says 'Order 1: 1 items'\n" in whole
    exported = export("out", "-o", "json", cwd=tmp_path)
    assert exported.code == 0
    types = [each["Type"] for each in elements(tmp_path / "json") if "Type" in each]
    fields = [
        [field["name"] for field in each["specific_info"].get("fields", ())]
        for each in types
        if each["lang_type"] == "Order"
    ]
    assert ["(says)", "number", "items"] in fields


@pytest.mark.slow
def test_the_engines_write_the_same_bytes_of_formatters(tmp_path: Path) -> None:
    recorder = RECORDER.replace("Definitions()", "Definitions(formatters=formatters)").replace(
        "log = make_log",
        "from codetracer.runtime.formatting import Formatters\n"
        "say = lambda order: order.text()\n"
        "formatters = Formatters({'__main__.Order': say}, {'__main__.Late': 'nothing',"
        " '__main__.Things': '__repr__', '__main__.Bad': '__repr__'})\nlog = make_log",
        1,
    )
    program = ORDER + """
class Things(list):
    def __repr__(self): return f'{len(self)} things'
class Bad(Order):
    def __repr__(self): return 1 / 0
keep = kept.append
orders = [Order(n, [n]) for n in range(5)]
keep(Late(1, orders)); keep(Things(orders)); keep(Bad('', [])); keep(Order('é' * 600, orders))
orders[2].items.append(orders[3]); orders[3].items.append(orders[2])
orders[0].password = 'sesame open'; orders[1].number = 'the sesame open'
def work(order, things):
    order.items.append(things)
    return order
keep(work(orders[4], kept[1]))
"""
    write(tmp_path, {"app.py": program})
    found = []
    for backend in BACKENDS:
        outcome = execute(
            *("-c", recorder, f"{backend}.ctlog", "values"),
            cwd=tmp_path,
            environ=ENVIRON | {"CODETRACER_BACKEND": backend},
        )
        assert (outcome.code, outcome.stderr) == (0, "")
        found.append(without_identifiers((tmp_path / f"{backend}.ctlog").read_bytes()))

    first, *others = found
    assert b"Order 2: 2 items" in first
    assert b"ZeroDivisionError" in first
    assert b"there is no function nothing" in first
    for other in others:
        assert other == first
