"""Formatters that a filter names, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from codetracer.replay import (
    Hidden,
)
from tests.support.formatters import FILTER, ORDER, shown, words
from tests.support.recordings import an_object, last, record
from tests.support.running import execute, write

BAD = {
    "5": "they are int, not a dict",
    "[('__main__.Order', repr)]": "they are list, not a dict",
    "{Order: repr}": "the key <class '__main__.Order'> is not a text",
    "{'Order': repr}": "'Order' names no type; write its module and qualified name",
    "{'builtins.list': repr}": "builtins.list is recorded as it is",
    "{'__main__.Order': 'repr'}": "the formatter of __main__.Order is not callable: 'repr'",
}


@pytest.mark.parametrize("given", BAD)
@pytest.mark.parametrize("starts", ["start", "trace"])
def test_what_is_no_formatter_is_refused(tmp_path: Path, given: str, starts: str) -> None:
    program = (
        f"{ORDER}import codetracer\ntry:\n    codetracer.{starts}('out', formatters={given})\n"
        "except codetracer.UsageError as error:\n    print(error)\n"
    )
    write(tmp_path, {"app.py": program})

    outcome = execute("app.py", cwd=tmp_path)

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"[ERR_INVALID_FORMATTER] formatters: {BAD[given]}")
    assert "such as {'shop.Order': describe}" in outcome.stdout
    assert not (tmp_path / "out").exists()


NAMED = {
    "__repr__": "'repr of 1'",
    "text": "'Order 1: 0 items'",
    "total": None,
    "__main__:helper": "'Order 1: 0 items'",
    "__main__:Order.text": "'Order 1: 0 items'",
    "__main__:Late.text": "'Order 1: 0 items'",
    "__main__:Box.Inner.say": "'inner'",
    "builtins:repr": "'repr of 1'",
}

NOT_NAMED = (
    *("nothing", "number", "__main__:nothing", "__main__:Order.nothing", "__main__:VALUE"),
    *("wordy:say", "wordy.more:say", "__main__:VALUE.real", "__main__:BOX.say"),
)

NAMING = ORDER + """
Order.__repr__ = lambda self: f'repr of {self.number}'
VALUE = 5
class Box:
    class Inner:
        @staticmethod
        def say(order): return 'inner'
    def __getattr__(self, name): print('asked'); return lambda order: name
BOX = Box()
order = Order(1, [])
order
"""


@pytest.mark.parametrize("function", [*NAMED, *NOT_NAMED])
def test_a_filter_names_a_function_that_is_there_already(
    tmp_path: Path, backend: str, function: str
) -> None:
    write(tmp_path, {"f.toml": FILTER.format(function=function), "wordy.py": "print('loaded')"})

    outcome = record(tmp_path, NAMING, "--trace-filter=f.toml", backend=backend)

    assert outcome.stdout == ""
    says = NAMED.get(function)
    said = f"says {says}" if says else f"formatter failed: there is no function {function}"
    if function == "total":
        said = "formatter failed: it returned int, not str"
    order = shown(last(tmp_path / "out")["order"])
    assert order == f"<Order #n {said}; number=1, items=[]>"


def test_a_function_that_a_filter_names_may_be_loaded_later(tmp_path: Path, backend: str) -> None:
    write(
        tmp_path,
        {"f.toml": FILTER.format(function="wordy:say"), "wordy.py": "def say(order): return 'x'"},
    )
    program = f"{ORDER}order = Order(1, [])\nimport wordy\norder\norder\n"

    record(tmp_path, program, "--trace-filter=f.toml", backend=backend)

    order = shown(last(tmp_path / "out")["order"])
    assert order == "<Order #n says 'x'; number=1, items=[]>"


def test_what_the_program_gives_comes_before_what_a_filter_names(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {".codetracer/trace-filter.toml": FILTER.format(function="text")})

    found = words(tmp_path, "order = Order(1, [])\norder", "lambda order: 'given'", backend)

    assert found["order"].startswith("<Order #n says 'given'; ")


@pytest.mark.parametrize(
    ("default", "expected"),
    [("allow", "Order 1: 0 items"), ("redact", Hidden("redacted")), ("drop", None)],
)
def test_filters_hide_words_as_they_do_attributes(
    tmp_path: Path, backend: str, default: str, expected: object
) -> None:
    rule = (
        f'[[scope.rules]]\nselector = "pkg:*"\nvalue_default = "{default}"\n'
        '[[scope.rules.value_patterns]]\nselector = "global:order"\naction = "allow"\n'
    )
    text = FILTER.format(function="__main__:say")
    write(tmp_path, {"f.toml": text.replace("[[formatters]]", rule + "[[formatters]]")})
    program = (
        f"{ORDER}def say(order):\n    print('asked')\n    return order.text()\n"
        "order = Order(1, [])\norder\n"
    )

    outcome = record(tmp_path, program, "--trace-filter=f.toml", backend=backend)

    said = an_object(last(tmp_path / "out")["order"]).words
    assert (said and said.text) == expected
    assert ("asked" in outcome.stdout) == (default == "allow")
