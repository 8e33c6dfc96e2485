"""Values as CodeTracer 25.11 reads them: its kinds of values and types.

It has no floats that all its versions read, no integers of more than 64 bits and no sets or dicts:
the first two become text, sets become sequences, and dicts become sequences of pairs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from codetracer.replay.render import render, short_type
from codetracer.replay.values import CutText, CutTuple, Hidden, ObjectValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codetracer.replay.values import Value

__all__ = ["DEPTH", "ITEMS", "Values", "clean"]

DEPTH: Final = 4
"""How deep values are given; what lies deeper is text."""

ITEMS: Final = 50
"""How many items of a value are given, how many fields of an object."""

TEXT: Final = 500
"""How many characters a value has that is given as text."""

_KINDS: Final = {
    "Seq": 0,
    "Set": 1,
    "Struct": 6,
    "Int": 7,
    "String": 9,
    "Bool": 12,
    "Raw": 16,
    "Error": 24,
    "Tuple": 27,
    "None": 30,
}
_SEQUENCES: Final = {"list": "Seq", "set": "Set", "frozenset": "Set", "dict": "Seq"}
_STRUCTS: Final = frozenset({"instance", "named_tuple", "exception"})
_LONG: Final = 1 << 63


class Values:
    """Turns values into CodeTracer's, and numbers the types that they need.

    Parameters:
        define: called with the JSON of a type, in the order of their numbers.
    """

    def __init__(self, define: Callable[[str], None]) -> None:
        self._define = define
        self._types: dict[object, int] = {}
        # CodeTracer takes type 0 for that of nothing.
        self.none: dict[str, object] = {"kind": "None", "type_id": self._type("None", "None")}

    def convert(self, value: Value) -> dict[str, object]:
        """Return a value as a ValueRecord."""
        return self._convert(value, ())

    def error(self, text: str) -> dict[str, object]:
        """Return what stands where there is no value, and why."""
        return {"kind": "Error", "msg": text, "type_id": self._type("Error", "Error")}

    def raw(self, text: str, type_name: str) -> dict[str, object]:
        """Return text in place of a value that CodeTracer has no kind for."""
        return {"kind": "Raw", "r": clean(text), "type_id": self._type("Raw", type_name)}

    def _convert(self, value: Value, above: tuple[int, ...]) -> dict[str, object]:
        match value:
            case None:
                return self.none
            case bool():
                return {"kind": "Bool", "b": value, "type_id": self._type("Bool", "bool")}
            case int() if -_LONG <= value < _LONG:
                return {"kind": "Int", "i": value, "type_id": self._type("Int", "int")}
            case str():
                return self._text(value)
            case CutText(text, total):
                return self._text(f"{text}… +{total - len(text)}")
            case Hidden(how):
                return self.error(f"<{how}>")
            case CutTuple(items, _):
                return self._sequence("Tuple", "tuple", items, above)
            case ObjectValue():
                return self._object(value, above)
            case tuple() if type(value) is tuple:
                return self._sequence("Tuple", "tuple", value, above)
        return self.raw(render(value, TEXT), type(value).__name__)

    def _text(self, text: str) -> dict[str, object]:
        return {"kind": "String", "text": clean(text), "type_id": self._type("String", "str")}

    def _object(self, value: ObjectValue, above: tuple[int, ...]) -> dict[str, object]:
        name = short_type(value.type_name)
        if value.number in above:
            return self.error("<cycle>")
        if len(above) >= DEPTH:
            return self.raw(f"<{name} #{value.number}>", name)
        inner = (*above, value.number)
        if value.form == "dict":
            pairs: list[Value] = list(value.pairs)
            return self._sequence("Seq", name, pairs, inner)
        if value.form in _SEQUENCES:
            return self._sequence(_SEQUENCES[value.form], name, value.items, inner)
        if value.form in _STRUCTS and value.attributes:
            fields = list(value.attributes.items())[:ITEMS]
            return {
                "kind": "Struct",
                "field_values": [self._convert(item, inner) for _, item in fields],
                "type_id": self._struct(name, tuple(field for field, _ in fields)),
            }
        return self.raw(render(value, TEXT), name)

    def _sequence(
        self, kind: str, name: str, items: Sequence[Value], above: tuple[int, ...]
    ) -> dict[str, object]:
        # A tuple has no number, but counts as a level.
        inner = (*above, -1) if kind == "Tuple" else above
        if len(inner) > DEPTH:
            return self.raw(f"<{name} of {len(items)}>", name)
        elements = [self._convert(item, inner) for item in items[:ITEMS]]
        type_id = self._type(kind, name)
        if kind == "Tuple":
            return {"kind": "Tuple", "elements": elements, "type_id": type_id}
        return {"kind": "Sequence", "elements": elements, "is_slice": False, "type_id": type_id}

    def _type(self, kind: str, name: str) -> int:
        return self._number((kind, name), kind, name, {"kind": "None"})

    def _struct(self, name: str, fields: tuple[str, ...]) -> int:
        anything = self._type("Raw", "object")
        info: dict[str, object] = {
            "kind": "Struct",
            "fields": [{"name": clean(field), "type_id": anything} for field in fields],
        }
        return self._number((name, fields), "Struct", name, info)

    def _number(self, key: object, kind: str, name: str, info: dict[str, object]) -> int:
        number = self._types.get(key)
        if number is None:
            number = self._types[key] = len(self._types)
            record = {"kind": _KINDS[kind], "lang_type": clean(name), "specific_info": info}
            self._define(json.dumps({"Type": record}))
        return number


def clean(text: str) -> str:
    """Return `text` without lone surrogates, which other languages' JSON readers refuse."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
