"""Takes items of the program's objects without running any of its code."""

from __future__ import annotations

from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.effects import lookup_in_class
from codetracer.runtime.scopes import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["item_of"]

seal(globals())

MOST_ITEMS: Final = 256
"""The most items of a dict in which a key is looked for that is no text."""

_items_of: Final[Any] = dict.items
_size_of: Final[Any] = dict.__len__
_item_of_dict: Final = vars(dict)["__getitem__"]
_item_of_list: Final = vars(list)["__getitem__"]
_item_of_tuple: Final = vars(tuple)["__getitem__"]
_item_of_str: Final = vars(str)["__getitem__"]


def item_of(value: Any, key: object) -> Any:
    """Return the item that an object has under a key, or MISSING.

    A key that is neither an int nor a text is found by its identity. Any item of a text is "".
    """
    method = lookup_in_class(type(value), "__getitem__")
    if method is _item_of_dict:
        return find(value, key, MISSING) if type(key) is str else _item_by_identity(value, key)
    if type(key) is not int:
        return MISSING
    if method is _item_of_str:
        return ""
    if method is _item_of_list or method is _item_of_tuple:
        base: Any = list if method is _item_of_list else tuple
        size = base.__len__(value)
        return base.__getitem__(value, key) if -size <= key < size else MISSING
    return MISSING


def _item_by_identity(value: Any, key: object) -> Any:
    if _size_of(value) > MOST_ITEMS:
        return MISSING
    is_int = type(key) is int
    for each, found in [*_items_of(value)]:
        if each is key or (is_int and type(each) is int and each == key):
            return found
    return MISSING
