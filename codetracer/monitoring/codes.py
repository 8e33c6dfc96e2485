"""Numbers code objects without keeping them alive, for events that are set on them.

If `codetracer_bindings._engine` exists, `native/engine/codes.c` does it: CPython reports the end of
a code object to C. Otherwise weak references are used, which a program can count.
"""

from __future__ import annotations

from _weakref import ref
from importlib import import_module

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

__all__ = ["WeakCodes", "make_codes", "programs_see_codes"]

seal(globals())


_kind: Any = None
"""`WeakCodes` or the type in C, once it is known.

It is kept, because each failing import creates a lock, and importlib loses an exception that a
signal handler raises in the callback of the lock's weak reference.
"""


def programs_see_codes() -> bool:
    """Return whether a program can see, by weak references, which code objects are numbered."""
    return type(make_codes()) is WeakCodes


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
    """Numbers of code objects, which are compared by identity: different ones may be equal."""

    __slots__ = ("_limit", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[ref[CodeType], int]] = {}
        self._limit = 1000

    def put(self, code: CodeType, number: int, /) -> None:
        """Set the number of a code object."""
        known = self._numbers.get(id(code))
        if known is not None and known[1] == number and known[0]() is code:
            return
        self._numbers[id(code)] = (ref(code), number)
        if len(self._numbers) > self._limit:
            self._numbers = {id(code): (ref(code), each) for code, each in self.items()}
            self._limit = 1000 + 2 * len(self._numbers)

    def drop(self, code: CodeType, /) -> None:
        """Remove a code object."""
        self._numbers.pop(id(code), None)

    def items(self) -> list[tuple[CodeType, int]]:
        """Return the living code objects with their numbers."""
        found = [(known(), number) for known, number in self._numbers.values()]
        return [(code, number) for code, number in found if code is not None]

    def clear(self) -> None:
        """Remove all code objects."""
        self._numbers.clear()
