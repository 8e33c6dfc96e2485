"""Says what is known of a value on the stack, of its parts, and of a call of it."""

from __future__ import annotations

from types import CodeType

from codetracer.own import seal
from codetracer.runtime.facts import Call, variables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from codetracer.runtime.facts import Key, LineFacts, Place

    type Entry = tuple[Any, ...] | None
    """A tag, and what belongs to it; None if nothing is known of a value."""

__all__ = [
    "CALLABLE",
    "FRESH",
    "FRESH_ENTRY",
    "ITEM",
    "ITERATOR",
    "METHOD",
    "NULL_ENTRY",
    "PLACE",
    "PLAIN",
    "RETURNED",
    "WITHIN",
    "as_method",
    "attribute_of",
    "call_of",
    "function_of",
    "key_of",
    "leads_from",
    "line_of",
    "part_of",
]

seal(globals())

LONGEST_PATH: Final = 3
"""The most attributes in a place."""
MOST_STEPS: Final = 5
"""The most attributes and items on the way to what is called."""

# The tags.
PLACE: Final = 0  # (PLACE, name, is_global, attributes): it is at a place
ITEM: Final = 1  # (ITEM, *place, key, line): an item of the object at a place; the key or None
WITHIN: Final = 2  # (WITHIN,) or (WITHIN, *place, line): a variable of the line leads to it
FRESH: Final = 3  # (FRESH,) or (FRESH, name): the line has made it; a function's name
NULL: Final = 4  # (NULL,): it is no value
METHOD: Final = 5  # (METHOD, name, entry): it is a method of the value; a fourth: of its bases
PLAIN: Final = 6  # (PLAIN, type): a constant; with its value, if that can be a key; code: its name
ITERATOR: Final = 7  # (ITERATOR, entry, …): it iterates over the values
RETURNED: Final = 8  # (RETURNED, index, facts): that call of a line has returned it
CALLABLE: Final = 9  # (CALLABLE, type): it is a type of CPython's

FRESH_ENTRY: Final = (FRESH,)
NULL_ENTRY: Final = (NULL,)
_WITHIN: Final = (WITHIN,)


def attribute_of(entry: Entry, name: str) -> Entry:
    """Return what is known of an attribute of a value."""
    if entry is None:
        return None
    if entry[0] == PLACE:
        _, variable, is_global, path = entry
        if len(path) < LONGEST_PATH:
            return (PLACE, variable, is_global, (*path, name))
    return part_of(entry, name, None)


def part_of(entry: Entry, step: str | Key | None, line: LineFacts | None) -> Entry:
    """Return what is known of a part of a value, which is no place.

    Parameters:
        entry: what is known of the value.
        step: the name of an attribute, or the key of an item; None if it is not known.
        line: the line that takes it; None to keep that of the value.
    """
    if entry is None or entry[0] not in (PLACE, ITEM, WITHIN):
        return None
    place = _way(entry)
    if place is None or step is None or len(place[2]) >= MOST_STEPS:
        return _WITHIN
    return (
        WITHIN,
        place[0],
        place[1],
        (*place[2], step),
        line_of(entry) if line is None else line,
    )


def line_of(entry: Entry) -> LineFacts | None:
    """Return the line that took the last item on the way to a value; None if there is none."""
    if entry is None or len(entry) < 5:
        return None
    line: LineFacts | None = entry[-1] if entry[0] == ITEM or entry[0] == WITHIN else None
    return line


def _way(entry: Entry) -> Place | None:
    """Return the place of a value, as far as it may have keys."""
    if entry is None:
        return None
    if entry[0] == ITEM:
        _, variable, is_global, path, key, _ = entry
        return None if key is None else (variable, is_global, (*path, key))
    if len(entry) < 4 or (entry[0] != PLACE and entry[0] != WITHIN):
        return None
    _, variable, is_global, steps = entry[:4]
    return (variable, is_global, steps)


def leads_from(entry: Entry, variable: tuple[str, bool]) -> bool:
    """Return whether it is known of a value that a variable leads to it."""
    if entry is None or entry[0] not in (PLACE, ITEM, WITHIN, METHOD, ITERATOR):
        return False
    if entry[0] == METHOD or entry[0] == ITERATOR:
        values = entry[1:] if entry[0] == ITERATOR else entry[2:3]
        return any(leads_from(each, variable) for each in values)
    place = _way(entry)
    return variable == entry[1:3] if place is None else variable in variables_of(place)


def function_of(code: Entry) -> Entry:
    """Return a function that the line has made of code."""
    if code is None or code[0] != PLAIN or code[1] is not CodeType:
        return FRESH_ENTRY
    return (FRESH, code[2])


def as_method(place: Entry) -> Entry:
    """Return what is called as an attribute as a method of what it is taken from."""
    assert place is not None
    _, variable, is_global, path = place
    return (METHOD, path[-1], (PLACE, variable, is_global, path[:-1])) if path else place


def call_of(callee: Entry, line: LineFacts, whole: LineFacts) -> Call:
    """Return what is known of a call; the caller sets where it starts.

    Parameters:
        callee: what is known of what is called.
        line: the line that calls, or a part of it.
        whole: the line.
    """
    is_late = bool(line.targets) or line.is_wide
    if callee is not None and callee[0] == CALLABLE:
        return Call("__new__", None, callee[1], is_method=True, is_late=is_late)
    if callee is None or callee[0] != METHOD:
        if callee is not None and callee[0] == FRESH and len(callee) > 1:
            # It tells of its changes when it runs, if it is recorded.
            return Call(callee[1], None, None, is_method=False, is_late=is_late)
        place = _place_of(callee, whole)
        last = "" if place is None else place[2][-1] if place[2] else place[0]
        name = last if isinstance(last, str) else ""
        return Call(name, place, None, is_method=False, is_late=is_late)
    name, owner, is_super = callee[1], callee[2], len(callee) > 3
    place = _place_of(owner, whole)
    if place is not None:
        return Call(name, place, None, is_method=True, is_late=is_late, is_super=is_super)
    constant = owner[1] if owner is not None and owner[0] == PLAIN else None
    # The call that returned the object may be in another line.
    before = -1
    if owner is not None and owner[0] == RETURNED and owner[2] is line:
        before = owner[1]
    return Call(name, None, constant, is_method=True, is_late=is_late, before=before)


def _place_of(entry: Entry, line: LineFacts) -> Place | None:
    """Return the place of what a line calls, or of the object whose method that is."""
    # An item that an earlier line took may be another one now.
    return _way(entry) if line_of(entry) in (None, line) else None


def key_of(entry: Entry, line: LineFacts) -> Key | None:
    """Return the key of an item that a line takes; None if it is not known.

    Parameters:
        entry: what is known of the value that is the key.
        line: the line.
    """
    if entry is not None and entry[0] == PLAIN and len(entry) > 2:
        return None if entry[1] is CodeType else entry[1:]
    place = _place_of(entry, line)
    return None if place is None else (place,)
