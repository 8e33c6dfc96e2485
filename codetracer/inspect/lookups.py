"""Looks names up in the program's dicts without running any of its code.

A dict may have keys that are not exactly of the type str. If such a key has the same hash as the
name, a lookup compares the two, and that calls the key's ``__eq__``.
"""

from __future__ import annotations

import sys
import types

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["find", "namespace_of_loaded"]

seal(globals())

_items_of: Final[Any] = dict.items
_get: Final[Any] = dict.get
_size_of: Final[Any] = dict.__sizeof__
_mro_of: Final[Any] = type.__dict__["__mro__"].__get__
_module_dict_of: Final[Any] = vars(types.ModuleType)["__dict__"].__get__
_LARGEST: Final = 40
"""The binary logarithm of the largest hash table that is considered."""


def find(namespace: object, name: str, default: object) -> Any:
    """Return the value with a name in a dict.

    Parameters:
        namespace: a dict, or an instance of a subclass.
        name: a str, not an instance of a subclass.
        default: the result if the dict does not have the name.
    """
    # The size of an instance of a subclass says nothing about its keys.
    if type(namespace) is dict and _size_of(namespace) in _PLAIN_SIZES:
        return _get(namespace, name, default)
    for key, value in [*_items_of(namespace)]:
        if type(key) is str and key == name:
            return value
    return default


def namespace_of_loaded(module: str) -> Any:
    """Return the globals of a module; None if the program has not loaded it."""
    loaded = sys.modules
    found = find(loaded, module, None) if type(loaded) is dict else None
    if any(base is types.ModuleType for base in _mro_of(type(found))):
        return _module_dict_of(found)
    return None


def _plain_sizes() -> frozenset[int]:
    """Return the possible sizes in bytes of dicts all of whose keys are exactly of the type str.

    These dicts keep no hashes beside the keys (DICT_KEYS_UNICODE, Objects/dictobject.c, since
    3.11). Their entries have 16 bytes in place of 24, so no other dict has one of these sizes. If
    the sizes of this CPython differ, the set is empty, and `find` searches all items of a dict.
    """
    empty = _size_of({})
    plain, general = {empty}, {0}
    for log in range(3, _LARGEST):
        index = 1 if log < 8 else 2 if log < 16 else 4 if log < 32 else 8
        table, usable = index << log, (2 << log) // 3
        plain.add(empty + _HEADER + table + 16 * usable)
        general.add(empty + _HEADER + table + 24 * usable)
    for count in (1, 6, 20, 400):
        texts = {str(number): number for number in range(count)}
        numbers: dict[object, int] = {number: number for number in range(count)}
        if _size_of(texts) not in plain or _size_of(numbers) not in general:
            return frozenset()
    return frozenset() if plain & general else frozenset(plain)


_HEADER: Final = 32
"""The size of PyDictKeysObject in bytes, without the table and the entries."""

_PLAIN_SIZES: Final = _plain_sizes()
