"""The changes that callables make which are not recorded; effects.c decides the same."""

from __future__ import annotations

import abc
import collections
import dataclasses
import enum
import functools
import io
import random
import re
import subprocess
import sys
from typing import Any

import pytest

from codetracer.runtime import effects
from codetracer.runtime.effects import ARGUMENTS, NOTHING, RECEIVER, UNKNOWN, Effects
from codetracer.runtime.keys import item_of
from codetracer.runtime.scopes import MISSING
from tests.support.project import ROOT


class Abstract(metaclass=abc.ABCMeta):
    @abc.abstractmethod
    def missing(self) -> None: ...


class Meta(type):
    def __call__(cls) -> list[int]:
        return [1]


class Made(metaclass=Meta):
    pass


class Stack(list[int]):
    def append(self, _: int) -> None:
        self.clear()


class Calling:
    def __call__(self) -> None:
        pass


class Color(enum.Enum):
    RED = 1


class FailureError(LookupError):
    pass


@dataclasses.dataclass
class Record:
    held: int


@functools.cache
def cached() -> int:
    return 1


Pair = collections.namedtuple("Pair", "one other")
STACK = Stack()
RANDOM = random.Random(1)


def known(*unrecorded: Any) -> Effects:
    """Return the effects, with functions that have run and are not recorded."""
    found = Effects({id(each.__code__): (each.__code__.co_linetable, None) for each in unrecorded})
    found.learn()
    return found


@pytest.mark.parametrize(
    ("callable_", "effect"),
    [
        (len, NOTHING),
        (list.append, RECEIVER),
        (setattr, ARGUMENTS),
        (exec, UNKNOWN),
        (ValueError, NOTHING),
        (OSError, NOTHING),
        (FailureError, NOTHING),
        (Abstract, NOTHING),
        (Made, NOTHING),
        (Record, NOTHING),
        (Pair, NOTHING),
        (Stack, UNKNOWN),  # its items come from an iterator that changes
        (collections.deque, NOTHING),
        ([].append, UNKNOWN),
        ([].copy, NOTHING),
        (re.compile("a").match, NOTHING),
        (functools.partial(len), NOTHING),
        (functools.partial(list.append, []), UNKNOWN),
        (Calling(), NOTHING),
        (cached, NOTHING),
        (staticmethod(len), NOTHING),
        (staticmethod(list.append), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_what_a_callable_changes(callable_: object, effect: int) -> None:
    assert known().of(callable_) == effect


IMPORTING = """\
import sys
from codetracer.runtime.effects import NOTHING, Effects

effects, answers = Effects({}), set()
sys.modules.pop("operator", None)
sys.setprofile(lambda *_: answers.add(effects.learn()))
import operator
sys.setprofile(None)
assert answers == {False, True}, answers
assert effects.learn()
assert effects.of(operator.attrgetter) == NOTHING
assert effects.of(vars(operator.attrgetter)["__call__"]) == NOTHING

class attrgetter:
    def __call__(self): pass
operator.attrgetter = attrgetter
other = Effects({})
other.learn()
assert other.of(len) == NOTHING
assert id(attrgetter) not in other.known
assert id(vars(attrgetter)["__call__"]) not in other.known
"""


def test_a_module_is_taken_in_when_it_has_been_imported() -> None:
    subprocess.run([sys.executable, "-c", IMPORTING], check=True, timeout=60, cwd=ROOT)


def test_a_bound_method_in_c_changes_its_object() -> None:
    one: list[int] = []

    assert known().of_bound(one.append) == (one, RECEIVER)
    # The class of the program has another one of that name, which is not this one.
    assert known().of_bound(super(Stack, STACK).append) == (STACK, RECEIVER)


def test_a_method_of_a_base_is_as_bad_as_the_worst_of_all_bases() -> None:
    class Empty:
        pass

    assert known().of_inherited(Empty(), "__init__") == NOTHING
    assert known().of_inherited(STACK, "append") == RECEIVER
    assert known().of_inherited(STACK, "missing") == UNKNOWN
    assert known(collections.UserList.append).of_inherited(collections.UserList(), "append") == (
        UNKNOWN
    )


def test_functions_of_the_standard_library_have_rows() -> None:
    found = known(re.match, random.Random.randint, random.Random.shuffle, enum.EnumType.__call__)

    assert found.of(re.match) == NOTHING
    assert found.of(Color) == NOTHING
    assert found.of_bound(RANDOM.randint) == (RANDOM, RECEIVER)
    assert found.of_bound(RANDOM.shuffle) == (RANDOM, ARGUMENTS)


def test_a_function_that_the_program_has_put_there_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def escape(text: str) -> str:
        return text

    monkeypatch.setattr(re, "escape", escape)

    assert known(escape).of(re.escape) == UNKNOWN


def test_a_row_does_not_hold_for_a_function_with_the_same_name_elsewhere() -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def match(text): pass", "match.py", "exec"), namespace)

    assert known(namespace["match"]).of(namespace["match"]) == UNKNOWN


class Odd(str):
    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = str.__hash__


class Counting(dict[str, int]):
    def __getitem__(self, key: str) -> int:
        raise AssertionError


ODD = Odd("a")


@pytest.mark.parametrize(
    ("container", "key", "item"),
    [
        ([1, 2], -1, 2),
        ([1, 2], 2, MISSING),
        ([1, 2], -3, MISSING),
        ([1, 2], True, MISSING),
        ((1, 2), 0, 1),
        (Pair(1, 2), 1, 2),
        (Stack([3]), 0, 3),
        ("ab", 0, ""),
        ({"a": 1}, "a", 1),
        ({"a": 1}, "b", MISSING),
        ({ODD: 1}, "a", MISSING),
        ({ODD: 1}, ODD, 1),
        ({5000: 1}, int("5000"), 1),
        ({True: 1}, 1, MISSING),
        (collections.defaultdict(int, a=1), "a", 1),
        (collections.defaultdict(list), "a", MISSING),
        (Counting(a=1), "a", MISSING),
        (dict.fromkeys(range(300), 1), 5, MISSING),
        (io.StringIO(), 0, MISSING),
    ],
)
def test_an_item_is_found_without_code_of_the_program(
    container: object, key: object, item: object
) -> None:
    assert item_of(container, key) == item


def test_iterators_that_run_no_code_are_known() -> None:
    assert type(iter(collections.deque())) in effects.ITERATORS
    assert map not in effects.ITERATORS
