"""The changes since the last event, with names as the frame's code would write them."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer
from codetracer.replay.render import render
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
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import Held, State

__all__ = ["UNBOUND", "described", "differences", "named", "said", "variable_name"]

UNBOUND: Final = raw.UnboundValue()

LOOKED_INTO: Final = 300
"""How many objects are searched for a way to an object that has changed."""

TOLD_ALONE: Final = 3
"""If more items of an object have changed, the object is shown as a whole."""

VALUE: Final = 100
"""About how many characters of a value are shown."""

_INDEXED: Final = (FORM_LIST, FORM_TUPLE, FORM_NAMED_TUPLE)
_CALLED: Final = (FORM_CLASS, FORM_FUNCTION, FORM_MODULE)


def described(
    replay: Replay, printer: Printer, frame: Frame
) -> Iterator[tuple[str, object | None]]:
    """Yield the changes since the last event: a name, and the new value or None if it is gone.

    Changes are variables that were assigned or deleted, and attributes and items of objects that
    were known before.

    Parameters:
        replay: the replay at its current event.
        printer: determines the form of the values.
        frame: the frame whose variables the names begin with. An object to which none of them leads
            is named by its number, such as ``#5``.
    """
    changes, state = replay.changes, replay.state
    if changes is None:
        return
    told: set[str] = set()
    for owner, number in changes.variables:
        if owner is frame or number >= len(owner.code.variables):
            name = variable_name(owner.code, number)
            told.add(name)
            yield name, _shown(printer, state, state.variable(owner, number))
    found = {
        number: differing
        for number, before in changes.objects.items()
        if before is not None and (differing := [*differences(state, number, before)])
    }
    if found:
        names = named(state, frame, found)
        for number, differing in found.items():
            if _variable_of(names[number]) in told:
                # The new value of the variable shows the object already.
                continue
            for suffix, value in differing:
                yield f"{names[number]}{suffix}", _shown(printer, state, value)


def _variable_of(name: str) -> str:
    """Return the variable at the beginning of a name such as ``order.items[0]``."""
    return name.partition(".")[0].partition("[")[0]


def variable_name(code: Code, number: int) -> str:
    """Return the name of a variable.

    Parameters:
        code: the code object.
        number: an index into its local variables, followed by its global names.
    """
    local = len(code.variables)
    return code.variables[number] if number < local else code.global_names[number - local]


def _shown(printer: Printer, state: State, value: raw.Value) -> object | None:
    return None if type(value) is raw.UnboundValue else printer.value(state, value, VALUE)


def differences(state: State, number: int, before: Held) -> Iterator[tuple[str, raw.Value]]:
    """Yield the attributes and items of an object that have changed.

    Parameters:
        state: the current contents of objects.
        number: the object's number.
        before: its earlier contents.

    Yields:
        The suffix to the object's name, such as ``.total`` or ``['a']``, and the new value or
        `UNBOUND`. The suffix is empty and the value is the object itself where a formatter's text
        has changed, or where changes cannot be named one by one.
    """
    now = state.objects[number]
    is_whole = not _same(said(before), said(now))
    if is_whole:
        yield "", raw.ReferenceValue(number)
    old, new = dict(before.attributes), dict(now.attributes)
    for attribute in old | new:
        value = new.get(attribute, UNBOUND)
        if not _same(old.get(attribute, UNBOUND), value):
            yield f".{_attribute(state, attribute)}", value
    if (before.items == now.items and before.total == now.total) or now.form in _CALLED:
        return
    changed = _items(state, before, now)
    if changed is not None and len(changed) <= TOLD_ALONE:
        yield from changed
    elif not is_whole:
        yield "", raw.ReferenceValue(number)


def said(record: Held) -> raw.Value:
    """Return the text of the program's formatter for an object; `UNBOUND` if there is none."""
    return record.words if type(record) is raw.WordedRecord else UNBOUND


def _items(state: State, before: Held, now: Held) -> list[tuple[str, raw.Value]] | None:
    """Return the items that have changed; None if they cannot be named one by one."""
    if before.form != now.form:
        return None
    if now.form == FORM_DICT:
        old, new = _pairs(before), _pairs(now)
        return [
            (f"[{render(state.resolve(key[1], objects=1), 40)}]", value)
            for key in old | new
            if not _same(old.get(key, UNBOUND), value := new.get(key, UNBOUND))
        ]
    if now.form in _INDEXED and len(now.items) >= len(before.items):
        return [
            (f"[{index}]", value)
            for index, value in enumerate(now.items)
            if index >= len(before.items) or not _same(before.items[index], value)
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
