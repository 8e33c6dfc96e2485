"""Looks names up in the program's dicts without running any of its code.

A dict may have keys that are no plain strings. CPython compares one that has the hash of what is
looked up, and that is where the program's ``__eq__`` would run.
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
"""The binary logarithm of the largest table that there may be."""


def find(namespace: object, name: str, default: object) -> Any:
    """Return what a dict has by a name; else `default`.

    Parameters:
        namespace: a dict, or an instance of a subclass.
        name: a str, not an instance of a subclass.
        default: what to return where there is nothing.
    """
    # An instance of a subclass may be of any size.
    if type(namespace) is dict and _size_of(namespace) in _PLAIN:
        return _get(namespace, name, default)
    for key, value in [*_items_of(namespace)]:
        if type(key) is str and key == name:
            return value
    return default


def namespace_of_loaded(module: str) -> Any:
    """Return the globals of a module that the program has loaded; None where it has not."""
    loaded = sys.modules
    found = find(loaded, module, None) if type(loaded) is dict else None
    if any(base is types.ModuleType for base in _mro_of(type(found))):
        return _module_dict_of(found)
    return None


def _plain_sizes() -> frozenset[int]:
    """Return how large dicts are that have no other keys than plain strings.

    They keep no hashes beside the keys (DICT_KEYS_UNICODE, Objects/dictobject.c, 3.11 on), so an
    entry has 16 bytes in place of 24, and no size is both's. Where this CPython's are others,
    nothing is returned, and every lookup goes through the dict.
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

_PLAIN: Final = _plain_sizes()
