"""Converts values to CodeTracer 25.11's kinds of values and types, as JSON.

CodeTracer has no floats that all its versions read, no integers of more than 64 bits, no sets and
no dicts. Floats and long integers become text, sets become sequences, and dicts become sequences of
pairs.

`Limits` bound the length of a value. Where parts do not fit, the longest are replaced by their type
and number, and an omission is counted: ``… +19950``. Most values are the same at the next step, so
the JSON of an object is cached until the object, or one inside it, changes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.render import render, short_type
from codetracer.replay.values import (
    CutBytes,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
)
from codetracer_bindings.trace_decoder import ReferenceValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codetracer.replay.state import Held, State
    from codetracer.replay.values import Value
    from codetracer_bindings import trace_decoder as raw

    type Seen = dict[int, Held | None]
    """The state of each object whose contents are in a text, by the object's number."""

__all__ = ["DEFAULT_ITEMS", "DEPTH", "MOST_LEVELS", "Limits", "Values", "clean", "quote"]

DEPTH: Final = 4
"""The number of levels of a value written by default; an object below them is only named."""

MOST_LEVELS: Final = 40
"""The highest allowed number of levels. CodeTracer reads JSON of 128 levels; a level takes two."""

DEFAULT_ITEMS: Final = 50
"""The number of items of a value, or fields of an object, written by default."""

ITEM_ROOM: Final = 160
"""The characters of JSON that a value may have for each of the items that `Limits` allow."""

TEXT: Final = 500
"""The largest number of characters of a value that is written as text."""

OBJECTS: Final = 200
"""The number of objects outside the cache converted for one value; others are named."""

CACHE_SIZE: Final = 50_000_000
"""The size at which the cache is emptied, in characters of JSON and an estimate of the rest."""

_KIND_NUMBERS: Final = {
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
_SEQUENCES: Final = {
    "list": "Seq",
    "set": "Set",
    "frozenset": "Set",
    "dict": "Seq",
    "tuple": "Tuple",
}
_STRUCTS: Final = frozenset({"instance", "named_tuple", "exception"})
_WORDS_FIELDS: Final = ("(says)", "(formatter failed)")
"""Names of the field with a formatter's text, or with its failure; no attribute has such a name."""
_TYPE_NAMES: Final = {CutBytes: "bytes", RangeValue: "range"}
_LONG: Final = 1 << 63
_NOTHING_SEEN: Final[Seen] = {}


class Limits(NamedTuple):
    """Limits on the part of a value that is written."""

    depth: int = DEPTH
    """The number of levels, from 1 to `MOST_LEVELS`."""

    items: int = DEFAULT_ITEMS
    """The number of items or fields at each level, 1 or more."""


class _Kept(NamedTuple):
    """The cached JSON of a value; valid while the objects in `seen` have not changed."""

    text: str
    seen: Seen
    value: object
    """The value whose id is in the key; the cache keeps it alive so that the id stays its own."""


class Values:
    """Converts values to CodeTracer's, and numbers the types that they need.

    Parameters:
        state: the contents of objects.
        define: called with the JSON of each type, in the order of their numbers.
        limits: how much of a value is written.

    Attributes:
        none: the JSON of None.
    """

    def __init__(self, state: State, define: Callable[[str], None], limits: Limits) -> None:
        self._state = state
        self._define = define
        self._depth = limits.depth
        self._items = limits.items
        self._room = max(limits.items * ITEM_ROOM, 2 * TEXT)
        self._types: dict[object, int] = {}
        self._kept: dict[object, _Kept] = {}
        self._size = 0
        self._left = 0
        # CodeTracer treats type 0 as the type of None, so it is defined first.
        self.none = f'{{"kind":"None","type_id":{self._type("None", "None")}}}'

    def text_to(self, value: raw.Value, depth: int | None) -> str:
        """Return the JSON of a value, to no more than a depth; None for that of the limits."""
        if depth is None or depth >= self._depth:
            return self.text(value)
        limit, self._depth = self._depth, depth
        try:
            return self.text(value)
        finally:
            self._depth = limit

    def text(self, value: raw.Value) -> str:
        """Return the JSON of CodeTracer's ValueRecord for a value of the log."""
        key: tuple[object, ...]
        # The key differs for values that compare equal: True and 1, -0.0 and 0.0.
        if isinstance(value, ReferenceValue):
            key = self._depth, 0, value.number
        elif isinstance(value, int | str):
            key = type(value), value
        else:
            key = self._depth, id(value), None, None
        kept = self._kept.get(key)
        if kept is not None:
            objects = self._state.objects
            for number, record in kept.seen.items():
                if objects.get(number) is not record:
                    break
            else:
                return kept.text
        self._left = OBJECTS
        text, seen = self._convert(self._state.resolve(value, 0), ())
        if not isinstance(value, ReferenceValue):
            self._keep(key, text, seen, value)
        return text

    def error(self, text: str) -> str:
        """Return the JSON of an error, which stands where a value is missing.

        Parameters:
            text: why there is none.
        """
        return f'{{"kind":"Error","msg":{quote(text)},"type_id":{self._type("Error", "Error")}}}'

    def raw(self, text: str, type_name: str) -> str:
        """Return the JSON of a text in place of a value that CodeTracer has no kind for.

        Parameters:
            text: the value as text.
            type_name: the name of the value's type.
        """
        return f'{{"kind":"Raw","r":{quote(text)},"type_id":{self._type("Raw", type_name)}}}'

    def _keep(self, key: tuple[object, ...], text: str, seen: Seen, value: object) -> None:
        # `seen` keeps states of objects alive that the replay may have replaced; they count too.
        held = sum(len(record.items) for record in seen.values() if record is not None)
        self._size += len(text) + 50 * (held + len(seen) + 4)
        if self._size > CACHE_SIZE:
            self._kept.clear()
            self._size = 0
        self._kept[key] = _Kept(text, seen, value)

    def _convert(self, value: Value, above: tuple[int, ...]) -> tuple[str, Seen]:
        match value:
            case ObjectValue():
                return self._object(value, above)
            case CutTuple(items, total):
                return self._tuple(items, total, above)
            case tuple() if type(value) is tuple:
                return self._tuple(value, len(value), above)
        return self._atom(value, TEXT if above else self._room // 2), _NOTHING_SEEN

    def _atom(self, value: Value, room: int) -> str:
        match value:
            case None:
                return self.none
            case bool():
                flag = "true" if value else "false"
                return f'{{"kind":"Bool","b":{flag},"type_id":{self._type("Bool", "bool")}}}'
            case int() if -_LONG <= value < _LONG:
                return f'{{"kind":"Int","i":{value},"type_id":{self._type("Int", "int")}}}'
            case str():
                return self._string(value, len(value), room)
            case CutText(text, total):
                return self._string(text, total, room)
            case Hidden(how):
                return self.error(f"<{how}>")
        kind = type(value)
        return self.raw(render(value, min(room, TEXT)), _TYPE_NAMES.get(kind, kind.__name__))

    def _string(self, text: str, total: int, room: int) -> str:
        kept = text[:room]
        while len(quoted := quote(kept)) > room + 2:
            # JSON writes some characters as several. A second round is rarely needed.
            kept = kept[: min(len(kept) - 1, len(kept) * room // len(quoted))]
        if total > len(kept):
            quoted = quote(f"{kept}… +{total - len(kept)}")
        return f'{{"kind":"String","text":{quoted},"type_id":{self._type("String", "str")}}}'

    def _short(self, value: Value) -> str:
        """Return a short form: the name of an object, the length of a tuple, or 20 characters."""
        match value:
            case ObjectValue():
                return self._named(value)
            case CutTuple(_, total):
                return self.raw(f"<tuple of {total}>", "tuple")
            case tuple() if type(value) is tuple:
                return self.raw(f"<tuple of {len(value)}>", "tuple")
        return self._atom(value, 20)

    def _named(self, value: ObjectValue) -> str:
        name = short_type(value.type_name)
        return self.raw(f"<{name} #{value.number}>", name)

    def _tuple(
        self, items: Sequence[Value], total: int, above: tuple[int, ...]
    ) -> tuple[str, Seen]:
        # A tuple has no number, but counts as a level.
        if len(above) >= self._depth:
            return self.raw(f"<tuple of {total}>", "tuple"), _NOTHING_SEEN
        seen: Seen = {}
        return self._sequence("Tuple", "tuple", items, total, (*above, -1), seen), seen

    # ---------------------------------------------------------------- objects

    def _object(self, value: ObjectValue, above: tuple[int, ...]) -> tuple[str, Seen]:
        number = value.number
        if number in above:
            return self.error("<cycle>"), {number: None}
        if len(above) >= self._depth:
            return self._named(value), _NOTHING_SEEN
        key = (self._depth, len(above), number)
        objects = self._state.objects
        kept = self._kept.get(key)
        if kept is not None and not any(outer in kept.seen for outer in above):
            for each, record in kept.seen.items():
                if objects.get(each) is not record:
                    break
            else:
                return kept.text, kept.seen
        if not self._left:
            return self._named(value), _NOTHING_SEEN
        self._left -= 1
        seen: Seen = {}
        filled = self._state.resolve(ReferenceValue(number), 1, self._items)
        assert isinstance(filled, ObjectValue)
        text = self._filled(filled, (*above, number), seen)
        seen[number] = objects.get(number)
        # A text with a cycle through an enclosing object is valid at this place only.
        if not any(outer in seen for outer in above):
            self._keep(key, text, seen, None)
        return text, seen

    def _filled(self, value: ObjectValue, above: tuple[int, ...], seen: Seen) -> str:
        name = short_type(value.type_name)
        kind = _SEQUENCES.get(value.form)
        if value.words is not None:
            kind = None
        if kind is not None:
            items = value.pairs if value.form == "dict" else value.items
            return self._sequence(kind, name, items, len(items) + value.cut, above, seen)
        if value.form in _STRUCTS and value.attributes:
            named = value.attributes
            if value.words is not None:
                named = {_WORDS_FIELDS[value.words.failed]: value.words.text} | named
            fields = list(named)
            texts = self._fit(list(named.values()), above, seen)
            cut = len(fields) - len(texts) + value.cut_attributes
            del fields[len(texts) :]
            if cut:
                fields.append("…")
                texts.append(self.raw(f"+{cut}", "cut"))
            type_id = self._struct(name, tuple(fields))
            return f'{{"kind":"Struct","field_values":[{",".join(texts)}],"type_id":{type_id}}}'
        return self.raw(render(value, TEXT), name)

    def _sequence(
        self,
        kind: str,
        name: str,
        items: Sequence[Value],
        total: int,
        above: tuple[int, ...],
        seen: Seen,
    ) -> str:
        texts = self._fit(items[: self._items], above, seen)
        if total > len(texts):
            texts.append(self.raw(f"… +{total - len(texts)}", "cut"))
        elements, type_id = ",".join(texts), self._type(kind, name)
        if kind == "Tuple":
            return f'{{"kind":"Tuple","elements":[{elements}],"type_id":{type_id}}}'
        return f'{{"kind":"Sequence","elements":[{elements}],"is_slice":false,"type_id":{type_id}}}'

    def _fit(self, values: Sequence[Value], above: tuple[int, ...], seen: Seen) -> list[str]:
        """Return the JSON of as many values as fit into their level, whole or in their short form.

        Parameters:
            above: the numbers of the objects that contain the values, the outermost first.
            seen: gets the states of the objects whose contents are returned.
        """
        found = [self._convert(value, above) for value in values]
        texts = [text for text, _ in found]
        room = self._room * (self._depth + 1 - len(above)) // self._depth
        spare = room - sum(map(len, texts))
        if spare < 0:
            for index in sorted(range(len(texts)), key=lambda index: (-len(texts[index]), -index)):
                short = self._short(values[index])
                if len(short) < len(texts[index]):
                    spare += len(texts[index]) - len(short)
                    texts[index] = short
                    found[index] = short, _NOTHING_SEEN
                if spare >= 0:
                    break
        while spare < 0:
            spare += len(texts.pop())
        for _, inner in found[: len(texts)]:
            if inner:
                seen.update(inner)
        return texts

    # ---------------------------------------------------------------- types

    def _type(self, kind: str, name: str) -> int:
        number = self._types.get((kind, name))
        if number is None:
            number = self._number((kind, name), kind, name, {"kind": "None"})
        return number

    def _struct(self, name: str, fields: tuple[str, ...]) -> int:
        number = self._types.get((name, fields))
        if number is None:
            anything = self._type("Raw", "object")
            info: dict[str, object] = {
                "kind": "Struct",
                "fields": [{"name": clean(field), "type_id": anything} for field in fields],
            }
            number = self._number((name, fields), "Struct", name, info)
        return number

    def _number(self, key: object, kind: str, name: str, info: dict[str, object]) -> int:
        number = self._types[key] = len(self._types)
        record = {"kind": _KIND_NUMBERS[kind], "lang_type": clean(name), "specific_info": info}
        self._define(json.dumps({"Type": record}))
        return number


def quote(text: str) -> str:
    """Return `text` as a JSON string, in ASCII and without lone surrogates."""
    return json.dumps(clean(text))


def clean(text: str) -> str:
    r"""Return `text` with lone surrogates as ``\udc80``, because some JSON readers refuse them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
