"""Finds the changed parts of an object, and names them as a frame's code would."""

from __future__ import annotations

from collections import deque
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.render import render
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import (
    FORM_CLASS,
    FORM_DICT,
    FORM_FUNCTION,
    FORM_LIST,
    FORM_MODULE,
    FORM_NAMED_TUPLE,
    FORM_TUPLE,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from codetracer.replay.model import Code, Frame
    from codetracer.replay.state import Held, State

__all__ = ["Difference", "differences", "named", "said", "variable_name"]

LOOKED_INTO: Final = 300
"""The number of objects searched for a way to an object that has changed."""

TOLD_ALONE: Final = 3
"""If more items of an object have changed, the object is shown as a whole."""

_INDEXED: Final = (FORM_LIST, FORM_TUPLE, FORM_NAMED_TUPLE)
_CALLED: Final = (FORM_CLASS, FORM_FUNCTION, FORM_MODULE)


class Difference(NamedTuple):
    """A part of an object that has changed."""

    suffix: str
    """The text after the object's name, such as ``.total`` or ``['a']``. It is empty, and the
    values are the object itself, if a formatter's text has changed or changes cannot be named one
    by one."""
    before: raw.Value
    """The earlier value, or `UNBOUND`."""
    now: raw.Value
    """The new value, or `UNBOUND`."""


def variable_name(code: Code, number: int) -> str:
    """Return the name of a variable.

    Parameters:
        code: the code object.
        number: an index into its local variables, followed by its global names.
    """
    local = len(code.variables)
    return code.variables[number] if number < local else code.global_names[number - local]


def differences(state: State, number: int, before: Held) -> Iterator[Difference]:
    """Yield the attributes and items of an object that have changed.

    Parameters:
        state: the current contents of objects.
        number: the object's number.
        before: its earlier contents.
    """
    now, itself = state.objects[number], raw.ReferenceValue(number)
    is_whole = not _same(said(before), said(now))
    if is_whole:
        yield Difference("", itself, itself)
    old, new = dict(before.attributes), dict(now.attributes)
    for attribute in old | new:
        earlier, value = old.get(attribute, UNBOUND), new.get(attribute, UNBOUND)
        if not _same(earlier, value):
            yield Difference(f".{_attribute(state, attribute)}", earlier, value)
    if (before.items == now.items and before.total == now.total) or now.form in _CALLED:
        return
    changed = _items(state, before, now)
    if changed is not None and len(changed) <= TOLD_ALONE:
        yield from changed
    elif not is_whole:
        yield Difference("", itself, itself)


def said(record: Held) -> raw.Value:
    """Return the text of the program's formatter for an object; `UNBOUND` if there is none."""
    return record.words if type(record) is raw.WordedRecord else UNBOUND


def _items(state: State, before: Held, now: Held) -> list[Difference] | None:
    """Return the items that have changed; None if they cannot be named one by one."""
    if before.form != now.form:
        return None
    if now.form == FORM_DICT:
        old, new = _pairs(before), _pairs(now)
        return [
            Difference(f"[{render(state.resolve(key[1], objects=1), 40)}]", earlier, value)
            for key in old | new
            if not _same(earlier := old.get(key, UNBOUND), value := new.get(key, UNBOUND))
        ]
    if now.form in _INDEXED and len(now.items) >= len(before.items):
        return [
            Difference(f"[{index}]", earlier, value)
            for index, (earlier, value) in enumerate(
                zip_longest(before.items, now.items, fillvalue=UNBOUND)
            )
            if not _same(earlier, value)
        ]
    return None


def _pairs(record: Held) -> dict[tuple[type, raw.Value], raw.Value]:
    items = record.items
    # With their types, because 1 and True compare equal.
    keys = ((type(key), key) for key in items[::2])
    return dict(zip(keys, items[1::2], strict=False))


def _same(before: raw.Value, now: raw.Value) -> bool:
    return before is now or (type(before) is type(now) and before == now)


def _attribute(state: State, number: int) -> str:
    names = state.attribute_names
    return names[number] if number < len(names) else f"?{number}"


def named(state: State, frame: Frame, wanted: Collection[int]) -> dict[int, str]:
    """Return names of objects in a frame's code: the shortest way from one of its variables.

    Parameters:
        state: the contents of objects.
        frame: the frame.
        wanted: the numbers of the objects.

    Returns:
        The names by number, such as ``order.items[0]``; ``#5`` if no way to object 5 was found
        among the first `LOOKED_INTO` objects.
    """
    names: dict[int, str] = {}
    seen: set[int] = set()
    queue: deque[tuple[str, raw.Value]] = deque(_variables(state, frame))
    while queue and len(seen) < LOOKED_INTO and len(names) < len(wanted):
        name, value = queue.popleft()
        if type(value) is not raw.ReferenceValue or value.number in seen:
            continue
        number = value.number
        seen.add(number)
        if number in wanted:
            names[number] = name
        record = state.objects.get(number)
        if record is not None and record.form not in _CALLED and len(queue) < LOOKED_INTO:
            queue.extend(_parts(state, name, record))
    return {number: names.get(number, f"#{number}") for number in wanted}


def _variables(state: State, frame: Frame) -> Iterator[tuple[str, raw.Value]]:
    code = frame.code
    for number, value in islice(frame.values.items(), LOOKED_INTO):
        yield code.variables[number], value
    held = state.namespaces[code.namespace]
    for name in code.global_names[:LOOKED_INTO]:
        yield name, held.get(name, UNBOUND)


def _parts(state: State, name: str, record: Held) -> Iterator[tuple[str, raw.Value]]:
    items = record.items[: 2 * LOOKED_INTO]
    for attribute, value in record.attributes[:LOOKED_INTO]:
        if type(value) is raw.ReferenceValue:
            yield f"{name}.{_attribute(state, attribute)}", value
    if record.form == FORM_DICT:
        for key, value in zip(items[::2], items[1::2], strict=False):
            if type(value) is raw.ReferenceValue:
                yield f"{name}[{render(state.resolve(key, objects=1), 40)}]", value
    else:
        for index, value in enumerate(items):
            if type(value) is raw.ReferenceValue:
                yield f"{name}[{index}]", value
