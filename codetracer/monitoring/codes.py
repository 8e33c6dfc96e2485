"""Numbers code objects without keeping them alive, for events that are set on them.

With `codetracer_bindings._engine` (`native/codes.c`), whatever makes the callbacks, CPython tells
of the end of a code object. Without it there are weak references, which a program can count.
"""

from __future__ import annotations

from importlib import import_module
from weakref import ref

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

__all__ = ["WeakCodes", "make_codes"]

seal(globals())


_kind: Any = None
"""`WeakCodes` or the type in C, once it is known.

Each import that fails takes a lock, in whose weak reference importlib loses what a signal handler
raises.
"""


def make_codes() -> Any:
    """Return an empty `WeakCodes`, or the same in C."""
    global _kind
    if _kind is None:
        try:
            _kind = import_module("codetracer_bindings._engine").Codes
        except ImportError:
            _kind = WeakCodes
    return _kind()


class WeakCodes:
    """Code objects, compared by identity: those of different files may be equal."""

    __slots__ = ("_limit", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[ref[CodeType], int]] = {}
        self._limit = 1000

    def put(self, code: CodeType, number: int, /) -> None:
        """Give a code object its number."""
        known = self._numbers.get(id(code))
        if known is not None and known[1] == number and known[0]() is code:
            return
        self._numbers[id(code)] = (ref(code), number)
        if len(self._numbers) > self._limit:
            self._numbers = {id(code): (ref(code), each) for code, each in self.items()}
            self._limit = 1000 + 2 * len(self._numbers)

    def drop(self, code: CodeType, /) -> None:
        """Take a code object out."""
        self._numbers.pop(id(code), None)

    def items(self) -> list[tuple[CodeType, int]]:
        """Return those that are alive, with their numbers."""
        found = [(known(), number) for known, number in self._numbers.values()]
        return [(code, number) for code, number in found if code is not None]

    def clear(self) -> None:
        """Take all of them out."""
        self._numbers.clear()
