"""Values as a client shows them: a line of text each, and what is inside one when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay import CutTuple, ObjectValue, RangeValue, render
from codetracer.replay.parts import DEFINITIONS, python_type
from codetracer.replay.render import as_name
from codetracer.replay.values import Hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay import Frame, Value
    from codetracer_bindings.debug_protocol import Variable, VariablesArguments

__all__ = ["LINE_LENGTH", "Part", "Variables"]

LINE_LENGTH: Final = 1_000
"""About how many characters of a value a line shows."""

_ITEMS: Final = {"list", "set", "frozenset", "tuple", "exception", "value", "wrapped"}
"""The forms of objects whose items have numbers."""


class Part(NamedTuple):
    """A named value: a variable, or a part of another value.

    Parameters:
        name: its name.
        value: the value.
        process: the number of the process that it is of.
        path: an expression for it; empty if there is none.
        subject: its name as `Change` takes it; empty if changes of it cannot be found.
        frame: the frame of a variable; None for a part of an object.
    """

    name: str
    value: Value
    process: int
    path: str = ""
    subject: str = ""
    frame: Frame | None = None


class Variables:
    """The values that a client can open, by numbers that are valid until the next stop."""

    def __init__(self) -> None:
        self._parts: list[list[Part] | Part] = []

    def forget(self) -> None:
        """Make all numbers invalid, because the program is somewhere else."""
        self._parts = []

    def keep(self, parts: list[Part] | Part) -> int:
        """Return a number for some parts, or for what is inside one."""
        self._parts.append(parts)
        return len(self._parts)

    def named(self, number: int, name: str) -> Part | None:
        """Return the part with a name among those of a number."""
        return next((part for part in self._all(number) if part.name == name), None)

    def page(self, arguments: VariablesArguments) -> list[Variable] | None:
        """Return what a number stands for, or some of it; None if there is no such number."""
        number = arguments["variablesReference"]
        if not 0 < number <= len(self._parts):
            return None
        parts = self._all(number)
        wanted = arguments.get("filter")
        if wanted is not None:
            indexed = self._indexed(number)
            parts = parts[:indexed] if wanted == "indexed" else parts[indexed:]
        start, count = max(arguments.get("start", 0), 0), arguments.get("count", 0)
        if start or count > 0:
            parts = parts[start : start + count if count > 0 else None]
        return [self.shown(part) for part in parts]

    def shown(self, part: Part, limit: int = LINE_LENGTH) -> Variable:
        """Return a part as the client gets it."""
        value = part.value
        shown: Variable = {
            "name": part.name,
            "value": render(value, limit),
            "type": _type_of(value),
            "variablesReference": 0,
        }
        if part.path:
            shown["evaluateName"] = part.path
        indexed, named = _sizes(value)
        if indexed or named:
            shown["variablesReference"] = self.keep(part)
            shown["indexedVariables"], shown["namedVariables"] = indexed, named
        return shown

    def _all(self, number: int) -> list[Part]:
        if not 0 < number <= len(self._parts):
            return []
        found = self._parts[number - 1]
        return found if isinstance(found, list) else [*_inside(found)]

    def _indexed(self, number: int) -> int:
        found = self._parts[number - 1]
        return 0 if isinstance(found, list) else _sizes(found.value)[0]


def _type_of(value: Value) -> str:
    """Return the name of a value's type."""
    if isinstance(value, ObjectValue):
        return value.type_name
    if isinstance(value, Hidden):
        return "hidden"
    return python_type(value).__name__


def _sizes(value: Value) -> tuple[int, int]:
    """Return how many parts with numbers, and how many with names, a value has."""
    match value:
        case ObjectValue():
            if value.form in DEFINITIONS or value.form == "unseen":
                return 0, 0
            cut = int(bool(_left_out(value)))
            if value.form == "dict":
                return len(value.pairs), len(value.attributes) + cut
            items = len(value.items) if value.form in _ITEMS else 0
            return items, len(value.attributes) + cut
        case CutTuple(items):
            return len(items), 1
        case RangeValue():
            return 0, 3
        case tuple() if type(value) is tuple:
            return len(value), 0
    return 0, 0


def _inside(part: Part) -> Iterator[Part]:
    value, path = part.value, part.path
    match value:
        case RangeValue():
            for name, each in zip(RangeValue._fields, value, strict=True):
                yield Part(name, each, part.process, path and f"{path}.{name}")
        case ObjectValue(form="dict"):
            for key, each in value.pairs:
                # Only such keys can be written into an expression.
                plain = isinstance(key, str | int | bytes | float | None)
                way = f"[{render(key, 1 << 16)}]" if plain else ""
                yield _of_object(part, value, render(key, 100), each, way)
        case ObjectValue():
            yield from _items(part, value, value.items if value.form in _ITEMS else ())
        case CutTuple(items):
            yield from _items(part, None, items)
            left = value.total - len(items)
            yield _note(part, f"{left:,} more items were not recorded (--max-items)")
        case tuple() if type(value) is tuple:
            yield from _items(part, None, value)
    if isinstance(value, ObjectValue):
        for name, each in value.attributes.items():
            yield _of_object(part, value, as_name(name), each, f".{name}" * name.isidentifier())
        if left_out := _left_out(value):
            yield _note(part, left_out)


def _items(part: Part, owner: ObjectValue | None, items: tuple[Value, ...]) -> Iterator[Part]:
    has_numbers = owner is None or owner.form in ("list", "tuple")
    for number, each in enumerate(items):
        way = f"[{number}]" if has_numbers else ""
        if owner is not None and owner.form == "exception":
            way = f".args[{number}]"
        yield _of_object(part, owner, f"[{number}]", each, way)


def _of_object(part: Part, owner: ObjectValue | None, name: str, value: Value, way: str) -> Part:
    path = part.path + way if part.path and way else ""
    # Changes of an object are found by its number, on any path to it.
    subject = f"#{owner.number}{way}" if owner is not None and owner.number >= 0 and way else ""
    return Part(name, value, part.process, path, subject)


def _note(part: Part, text: str) -> Part:
    return Part("…", Hidden(text), part.process)


def _left_out(value: ObjectValue) -> str:
    """Return what is not there because of a limit, in words."""
    parts = []
    if value.form in _ITEMS | {"dict"} and value.form != "wrapped" and value.cut:
        parts.append(f"{value.cut:,} more items")
    if value.cut_attributes:
        parts.append(f"{value.cut_attributes:,} more attributes")
    return f"{' and '.join(parts)} were not recorded (--max-items)" if parts else ""
