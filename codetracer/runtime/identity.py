"""What is known of code objects and types, which are told by identity and not kept alive."""

from __future__ import annotations

from _weakref import ref as _ref

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final
    from weakref import ReferenceType

__all__ = ["ByIdentity"]

seal(globals())

_FEW: Final = 1000
"""Of how many entries it is not asked whether their objects are still there."""


class ByIdentity[Key, Value]:
    """Values by the identity of an object that takes weak references.

    Another object may have the address of one that is gone. So each entry has a weak reference to
    its object, which calls nothing when that goes: such a reference CPython has of each class
    already, and shares (PyWeakref_NewRef).
    """

    __slots__ = ("_entries", "_most")

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ReferenceType[Key], Value]] = {}
        self._most = _FEW

    def __len__(self) -> int:
        return len(self._entries)

    def get[Default](self, key: Key, default: Default) -> Value | Default:
        """Return what is known of an object, or `default`."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else default

    def set(self, key: Key, value: Value) -> None:
        """Take note of an object."""
        entry = _ref(key), value
        self._entries[id(key)] = entry
        if len(self._entries) > self._most:
            alive = [(key, entry) for key, entry in self._entries.items() if entry[0]() is not None]
            self._entries = dict(alive)
            self._most = max(_FEW, 2 * len(alive))

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
