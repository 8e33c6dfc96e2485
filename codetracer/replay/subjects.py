"""Subjects: a variable, an attribute, an item or an object, as a text names it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import FORM_DICT

if TYPE_CHECKING:
    from codetracer.replay.state import Held, State

__all__ = ["UNBOUND", "Step", "Subject", "attribute", "follow", "inside", "parse_subject"]

type Step = tuple[str, object]
"""A step from a value to one inside it: ``(".", name)`` or ``("[", key)``."""

UNBOUND = raw.UnboundValue()


class Subject(NamedTuple):
    """The way from a variable or an object to the wanted attribute or item."""

    text: str
    """The text that the user gave."""
    name: str
    """The variable's name; empty for an object."""
    number: int
    """The object's number; -1 for a variable."""
    steps: tuple[Step, ...]
    """The rest of the way: ``(".", name)`` for an attribute, ``("[", key)`` for an item."""


def parse_subject(text: str) -> Subject:
    """Parse a text such as ``self.session``, ``order.items[0]`` or ``#5.balance``.

    Any other text is the name of a variable, because a recording may have any names.
    """
    number, rest = -1, text
    if text.startswith("#"):
        digits = text[1:].partition(".")[0].partition("[")[0]
        if not digits.isdecimal():
            return Subject(text, text, -1, ())
        number, rest = int(digits), f"_{text[1 + len(digits) :]}"
    steps: list[Step] = []
    try:
        node = ast.parse(rest, mode="eval").body
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute):
                steps.append((".", node.attr))
            elif isinstance(node, ast.Subscript):
                steps.append(("[", ast.literal_eval(node.slice)))
            else:
                return Subject(text, text, -1, ())
            node = node.value
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return Subject(text, text, -1, ())
    name = "" if number >= 0 else node.id if steps else text
    return Subject(text, name, number, tuple(reversed(steps)))


def follow(state: State, value: raw.Value, steps: tuple[Step, ...]) -> raw.Value:
    """Return the value at the end of some steps; `UNBOUND` if they lead nowhere."""
    for step in steps:
        record = state.objects.get(value.number) if type(value) is raw.ReferenceValue else None
        value = inside(state, value, record, step)
    return value


def inside(state: State, value: raw.Value, record: Held | None, step: Step) -> raw.Value:
    """Return the value one step inside another.

    Parameters:
        state: has the names of attributes.
        value: a value.
        record: what it contains, if it is an object that is known.
        step: the step.
    """
    kind, key = step
    if kind == ".":
        return UNBOUND if record is None else attribute(state, record, key)
    if record is not None:
        if record.form == FORM_DICT:
            return _item(record.items, key)
        return _at(record.items, key, record.total)
    if isinstance(value, raw.CutTupleValue):
        # The last items are not known if items were cut.
        return _at(value.items, key, value.total)
    return _at(value, key, len(value)) if type(value) is tuple else UNBOUND


def attribute(state: State, record: Held, name: object) -> raw.Value:
    """Return the value of an object's attribute; `UNBOUND` if it has none."""
    names = state.attribute_names
    for number, value in record.attributes:
        if number < len(names) and names[number] == name:
            return value
    return UNBOUND


def _item(items: tuple[raw.Value, ...], key: object) -> raw.Value:
    for known, value in zip(items[::2], items[1::2], strict=False):
        if type(known) is type(key) and known == key:
            return value
    return UNBOUND


def _at(items: tuple[raw.Value, ...], key: object, total: int) -> raw.Value:
    if not isinstance(key, int):
        return UNBOUND
    if key < 0:
        key += total
    return items[key] if 0 <= key < len(items) else UNBOUND
