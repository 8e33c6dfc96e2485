"""Values become short text, and none of the program's code runs for it."""

import functools
import json
import types
from collections.abc import Iterator
from typing import Any

import pytest

from codetracer.watch.values import describe, describe_callable, describe_exception


class Point:
    def method(self) -> None: ...


class Metaclass(type):
    """Everything that could be asked of a class is a trap."""

    def __getattribute__(cls, name: str) -> Any:
        raise AssertionError(f"asked the class for {name}")

    def __hash__(cls) -> int:
        raise AssertionError("hashed the class")

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("compared the class")

    def __instancecheck__(cls, instance: object) -> bool:
        raise AssertionError("asked the class for its instances")

    def __subclasscheck__(cls, subclass: type) -> bool:
        raise AssertionError("asked the class for its subclasses")


class Trap(metaclass=Metaclass):
    """Everything that could be asked of an instance is a trap."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    def __repr__(self) -> str:
        raise AssertionError("asked for its repr")

    __str__ = __repr__
    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        raise AssertionError("asked for its length")

    def __bool__(self) -> bool:
        raise AssertionError("asked for its truth")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")


class TrapText(str):
    """A string whose every conversion is a trap."""

    __slots__ = ()

    def __repr__(self) -> str:
        raise AssertionError("asked for its repr")

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        raise AssertionError("formatted")


class TrapError(Exception):
    """An exception that cannot be asked."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    def __str__(self) -> str:
        raise AssertionError("asked for its message")


class TrapModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")


def refuse(self: object) -> Any:
    raise AssertionError("asked")


class Subclasses:
    class OfInt(int):
        __repr__ = refuse

    class OfList(list[int]):
        __len__ = refuse

    class OfDict(dict[int, int]):
        __len__ = refuse


def generate() -> Iterator[int]:
    yield 1


VALUES: dict[str, object] = {
    "None": None,
    "True": True,
    "-17": -17,
    "<int of 5000 bits>": 1 << 4999,
    "2.5": 2.5,
    "1j": 1j,
    "Ellipsis": ...,
    "NotImplemented": NotImplemented,
    "'it\\n'": "it\n",
    "'" + "x" * 80 + "'": "x" * 80,
    "'" + "x" * 80 + "'...": "x" * 81,
    "b'a\\xff'": b"a\xff",
    "b'" + "x" * 80 + "'...": b"x" * 5000,
    "<bytearray of 2>": bytearray(2),
    "<list of 3>": [1, Trap(), 3],
    "<tuple of 0>": (),
    "<dict of 1>": {1: Trap()},
    "<set of 2>": {1, 2},
    "<frozenset of 1>": frozenset([1]),
    "<module json>": json,
    "<function generate>": generate,
    "<generator generate>": generate(),
    "<built-in len>": len,
    "<built-in list.append>": [].append,
    "<method Point.method>": Point().method,
    "<class Point>": Point,
    "<class Trap>": Trap,
    "<Point>": Point(),
    "<Trap>": Trap(),
    "<TrapText>": TrapText("x"),
    "<Subclasses.OfInt>": Subclasses.OfInt(3),
    "<Subclasses.OfList>": Subclasses.OfList(),
    "<Subclasses.OfDict>": Subclasses.OfDict(),
    "<TrapModule>": TrapModule("x"),
    "<ValueError: bad>": ValueError("bad"),
    "<partial>": functools.partial(len),
}


@pytest.mark.parametrize(("text", "value"), VALUES.items(), ids=VALUES)
def test_a_value_is_described_in_a_few_words_and_left_alone(text: str, value: object) -> None:
    assert describe(value) == text


EXCEPTIONS = {
    "ValueError": ValueError(),
    "ValueError: bad": ValueError("bad"),
    "ValueError: 3": ValueError(3),
    "ValueError: 'two\\nlines'": ValueError("two\nlines"),
    "ValueError: " + "x" * 80 + "...": ValueError("x" * 100),
    "KeyError: 'pear'": KeyError("pear"),
    "FileNotFoundError: (2, 'No such file')": FileNotFoundError(2, "No such file"),
    "ValueError: <Trap>": ValueError(Trap()),
    "TrapError: bad": TrapError("bad"),
    "ExceptionGroup: ('two', <list of 1>)": ExceptionGroup("two", [ValueError(1)]),
}


@pytest.mark.parametrize(("text", "exception"), EXCEPTIONS.items(), ids=EXCEPTIONS)
def test_an_exception_is_described_by_its_arguments_and_not_asked(
    text: str, exception: BaseException
) -> None:
    assert describe_exception(exception) == text


CALLABLES: dict[str, object] = {
    "generate": generate,
    "Point": Point,
    "Trap": Trap,
    "Point.method": Point().method,
    "len": len,
    "list.append": [].append,
    "str.upper": str.upper,
    "dict.fromkeys": dict.fromkeys,
    "object.__init__": object.__init__,
    "int.__add__": (1).__add__,
    "<partial>": functools.partial(len),
    "<Trap>": Trap(),
}


@pytest.mark.parametrize(("text", "value"), CALLABLES.items(), ids=CALLABLES)
def test_what_is_called_is_named_and_left_alone(text: str, value: object) -> None:
    assert describe_callable(value) == text


def test_a_name_that_is_a_trap_is_read_as_plain_text() -> None:
    def function() -> None: ...

    function.__qualname__ = TrapText("renamed")
    kind = type("Renamed", (), {})
    kind.__qualname__ = TrapText("Renamed")

    assert [describe(function), describe(kind), describe(kind())] == [
        "<function renamed>",
        "<class Renamed>",
        "<Renamed>",
    ]
