"""The work that a script of `tests.stress.scripts` does while something befalls it.

An exception that interrupts it is never lost on a bare CPython: nothing is imported, no lock is
held by ``with``, nothing has a `__del__` or a weak reference, of which CPython would print and
forget what is raised there; and what is caught is an exception of its own. No suspended generator
is freed, either: where nothing is in C a callback runs there (docs/reliability.md).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Generator
from typing import Any

SOURCE = """
class New{n}:
    __slots__ = ("a", "b")
    def __init__(self):
        self.a, self.b = {n}, [self.__class__]
    def method(self, n):
        return [n, self.a, {{"k": n}}]
class Other{n}(dict):
    shared = {{"text": "é" * 300}}
    def __missing__(self, key):
        return key
def function(n):
    other = Other{n}(k=n)
    other.attribute = other
    return New{n}().method(n)[:2] + [other["k"], other["missing"]]
"""
"""New code and new types, about which a recorder has to ask."""

_numbers = itertools.count()


PATIENCE = 1000
"""Pieces of work after which an exception that was raised and has not come counts as lost."""


class OwnError(Exception):
    """Raised and caught by the work itself."""


class Managed:
    def __init__(self, errors: list[str]) -> None:
        self.errors = errors

    def __enter__(self) -> Managed:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.errors.append("" if kind is None else kind.__name__)
        return kind is OwnError

    @property
    def count(self) -> int:
        return len(self.errors)


def meets_new_code(n: int) -> None:
    number = next(_numbers)
    namespace: dict[str, Any] = {"__name__": f"new{number}"}
    exec(compile(SOURCE.format(n=number), f"new{number}.py", "exec"), namespace)
    for _ in range(2):
        assert namespace["function"](n) == [n, number, n, "missing"]


def recurses(n: int) -> None:
    assert fibonacci(n % 8) == (0, 1, 1, 2, 3, 5, 8, 13)[n % 8]


def fibonacci(n: int) -> int:
    return fibonacci(n - 1) + fibonacci(n - 2) if n > 1 else n


def raises_and_catches(n: int) -> None:
    found = []
    for depth in range(3):
        try:
            fails(depth + n % 3)
        except OwnError as error:
            found.append(error.args[0])
        finally:
            found.append(depth)
    assert found == [0, 0, 0, 1, 0, 2]


def fails(depth: int) -> None:
    if depth:
        fails(depth - 1)
    raise OwnError(depth)


def manages(n: int) -> None:
    errors: list[str] = []
    with Managed(errors) as managed:
        assert managed.count == 0
    with Managed(errors):
        fails(n % 3)
    assert errors == ["", "OwnError"]


def generates(n: int) -> None:
    assert sum(counts(n % 7)) == sum(range(n % 7))
    both = sends(n)
    try:
        assert [next(both), both.send(1), both.send(2)] == [n, n + 1, n + 3]
    finally:
        both.close()


def counts(n: int) -> Generator[int]:
    yield from (number for number in range(n))


def sends(total: int) -> Generator[int, int]:
    while True:
        total += yield total


def changes_containers(n: int) -> None:
    kept: dict[object, object] = {
        "list": list(range(n)),
        "text": "x" * (600 + n),
        "bytes": bytearray(n),
        "big": 7**n,
    }
    for key in [*kept]:
        kept[key, n] = (kept[key], {n}, frozenset({key}))
    kept.pop("big")
    assert len(kept) == 7
    found = {each: [*range(3)] for each in ("é", "b")}
    found["b"].append(n)
    found["b"].sort()
    assert sum(map(len, found.values())) == 7


PIECES: tuple[Callable[[int], None], ...] = (
    meets_new_code,
    recurses,
    raises_and_catches,
    manages,
    generates,
    changes_containers,
)


class Work:
    """Pieces of work, in an order that a seed chooses."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def step(self) -> None:
        """Do one piece."""
        self._chance.choice(PIECES)(self._chance.randrange(40))

    def go_on(self, is_raised: Callable[[], bool]) -> None:
        """Work until an exception interrupts it; return when that one is raised and lost.

        A loop in a ``try`` of its own would not do: what a signal handler raises where a loop that
        has a condition turns back gets past that ``try`` (seen on 3.13.0).
        """
        waited = 0
        while waited < PATIENCE:
            self.step()
            waited += is_raised()
