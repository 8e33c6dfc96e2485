"""Recorded values as text for people, and as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.replay.values import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
)
from codetracer_bindings.types import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codetracer.replay.values import Value

__all__ = ["WHOLE", "as_name", "headed", "render", "short_type", "to_json"]

SHOWN_LEVELS: Final = 40
"""The largest number of nested objects, tuples and ranges that are shown."""

WHOLE: Final = 1 << 20
"""The largest number of characters of a value of which all is wanted."""

LONGEST_INTEGER: Final = 2048
"""The largest number of bits of an int that is shown in decimal digits. These are fewer digits than
the lowest limit of sys.set_int_max_str_digits(), 640."""


def render(value: Value, limit: int = 200) -> str:
    """Return `value` as text, similar to Python source.

    Parameters:
        value: a value that a replay has resolved.
        limit: about how many characters the text may have. Omissions are marked: ``… +90`` for 90
            more items or characters, ``…`` for values that are nested too deeply.
    """
    return _Renderer().text(value, limit)


def to_json(value: Value) -> object:
    """Return `value` in a form that `json.dumps` accepts.

    None, bool, int, str and finite floats stay unchanged. Any other value becomes a dict with one
    of these keys:

    - ``float``: the text of infinity or NaN; ``complex``: the texts of its two parts.
    - ``int``: an int of more than 2048 bits, in hexadecimal; if it was cut, ``more`` is the number
      of its lowest bytes that are missing.
    - ``bytes``: in hexadecimal; if they were cut, ``total`` is their number.
    - ``text``: a str that was cut; ``total`` is its number of characters.
    - ``tuple``: a list of its items; if it was cut, ``total`` is their number.
    - ``range``: a list of start, stop and step.
    - ``special``: ``Ellipsis`` or ``NotImplemented``.
    - ``hidden``: ``redacted`` or ``dropped``.
    - ``object``: the object's number, with ``form``, ``type``, ``items``, ``attributes``,
      ``total``, ``cut`` and ``cut_attributes``; if the program has a formatter for it, ``says`` or
      ``formatter_failed``. Where the same object appears again, only its number.
    """
    return _json(value, set(), 0)


def headed(value: ObjectValue, room: int = 1 << 20) -> str:
    """Return the beginning of an object's text: its type, its number and a formatter's text.

    The literal after ``says``, and the text after ``formatter failed:``, come from the program's
    formatter, so they may be wrong.

    Parameters:
        value: the object.
        room: about how many characters the text may have.
    """
    head = f"<{short_type(value.type_name)} #{value.number}"
    words = value.words
    if words is None:
        return head
    room -= len(head)
    if words.failed:
        reason = words.text if isinstance(words.text, str) else render(words.text, room)
        return f"{head} formatter failed: {reason}"
    return f"{head} says {render(words.text, room)}"


def short_type(name: str) -> str:
    """Return the last part of a type's qualified name."""
    return name.rpartition(".")[2] or name


def as_name(attribute: str) -> str:
    """Return an attribute's name, in quotes if it is no identifier (a ``__dict__`` allows any)."""
    return attribute if attribute.isidentifier() else repr(attribute)


class _Renderer:
    """Renders one value, and remembers the objects that are being rendered, because of cycles."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[int] = []

    def text(self, value: Value, room: int) -> str:
        match value:
            case ObjectValue():
                return self._object(value, room)
            case str() | bytes():
                return _cut_text(value, len(value), room)
            case CutText(text, total):
                return _cut_text(text, total, room)
            case CutInteger(first, more):
                digits = hex(first)
                kept = digits[: max(room, 8)]
                return f"{kept}… +{len(digits) - len(kept) + 2 * more}"
            case CutBytes(data, total):
                return _cut_text(data, total, room)
            case CutTuple(items, total):
                return f"({self._nested(items, total - len(items), room)})"
            case RangeValue(start, stop, step):
                ends = (start, stop) if step == 1 else (start, stop, step)
                return f"range({self._nested(ends, 0, room)})"
            case Hidden(how):
                return f"<{how}>"
            case tuple():
                inside = self._nested(value, 0, room)
                return f"({inside},)" if len(value) == 1 else f"({inside})"
            case int() if not isinstance(value, bool):
                return _integer(value)
        return repr(value)

    def _nested(self, items: tuple[Value, ...], cut: int, room: int) -> str:
        if len(self._open) > SHOWN_LEVELS:
            return "…"
        self._open.append(-1)
        inside = self._items(items, cut, room)
        self._open.pop()
        return inside

    def _object(self, value: ObjectValue, room: int) -> str:
        name = short_type(value.type_name)
        if value.form in ("unseen", "opaque"):
            return f"{headed(value, room)}>"
        if value.number in self._open:
            return f"<{name} #{value.number} again>"
        if len(self._open) > SHOWN_LEVELS or room < 1:
            return f"<{name} #{value.number} …>"
        self._open.append(value.number)
        try:
            if value.words is None or value.form == "instance":
                return self._open_object(value, name, room)
            head = headed(value, room)
            return f"{head}; {self._open_object(value, name, room - len(head))}>"
        finally:
            self._open.pop()

    def _open_object(self, value: ObjectValue, name: str, room: int) -> str:
        items, form = value.items, value.form
        match form:
            case "list" | "set" | "frozenset":
                inside = self._items(items, value.cut, room)
                inside = f"[{inside}]" if form == "list" else inside and f"{{{inside}}}"
                if inside and name in ("list", "set"):
                    return inside
                return self._called(name, inside, value, room)
            case "dict":
                pairs = value.pairs
                entries = ((f"{self.text(key, room)}: ", item) for key, item in pairs)
                inside = f"{{{self._join(entries, len(pairs), value.cut, room)}}}"
                return inside if name == "dict" else self._called(name, inside, value, room)
            case "exception":
                return f"{name}({self._items(items, value.cut, room - len(name))})"
            case "tuple" | "wrapped" | "value":
                # The one item of a wrapped value is not in its total.
                cut = 0 if form == "wrapped" else value.cut
                words = _TYPE_RENDERERS.get(WORDS.get(value.type_name, ""))
                said = words(items) if form == "value" and words is not None else None
                inside = said or self._items(items, cut, room - len(name))
                return self._called(name, inside, value, room)
            case "named_tuple":
                return f"{name}({self._named(value, room - len(name))})"
            case "enum":
                member = value.attributes.get("name")
                return f"{name}.{member}" if isinstance(member, str) else f"<{name}>"
            case "class" | "function" | "module" | "method":
                return f"<{form} {items[0] if items and isinstance(items[0], str) else '?'}>"
        head = headed(value, room)
        inside = self._named(value, room - len(head))
        between = " " if value.words is None else "; "
        return f"{head}{between}{inside}>" if inside else f"{head}>"

    def _called(self, name: str, inside: str, value: ObjectValue, room: int) -> str:
        """Return a text like a call: ``name(inside, attribute=value)``."""
        named = self._named(value, room - len(name) - len(inside))
        return f"{name}({', '.join(part for part in (inside, named) if part)})"

    def _named(self, value: ObjectValue, room: int) -> str:
        entries = ((f"{as_name(name)}=", item) for name, item in value.attributes.items())
        return self._join(entries, len(value.attributes), value.cut_attributes, room)

    def _items(self, items: tuple[Value, ...], cut: int, room: int) -> str:
        return self._join((("", item) for item in items), len(items), cut, room)

    def _join(self, entries: Iterator[tuple[str, Value]], count: int, cut: int, room: int) -> str:
        """Return as many entries as fit, at least one, and the number of the others."""
        parts: list[str] = []
        for prefix, value in entries:
            text = f"{prefix}{self.text(value, room - len(prefix))}"
            if parts and len(text) > room:
                break
            parts.append(text)
            room -= len(text) + 2
            if room <= 0:
                break
        left = count - len(parts) + cut
        return ", ".join([*parts, f"… +{left}"] if left else parts)


def _uuid(items: tuple[Value, ...]) -> str | None:
    match items:
        case (int(number),) if 0 <= number < 1 << 128:
            digits = f"{number:032x}"
            places = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
            return repr("-".join(digits[start:end] for start, end in places))
    return None


_TYPE_RENDERERS: Final = {"uuid": _uuid}
"""Functions that render values of certain types; spec/types.toml names them in its rows."""


def _cut_text(text: str | bytes, total: int, room: int) -> str:
    kept = text[: max(room, 8)]
    return f"{kept!r}… +{total - len(kept)}" if total > len(kept) else repr(kept)


def _integer(number: int) -> str:
    # repr() refuses numbers of more than sys.int_max_str_digits decimal digits.
    return hex(number) if number.bit_length() > LONGEST_INTEGER else repr(number)


def _json(value: Value, seen: set[int], depth: int) -> object:
    match value:
        case ObjectValue():
            return _json_object(value, seen, depth)
        case float() if value != value or value in (float("inf"), float("-inf")):
            return {"float": repr(value)}
        case complex():
            return {"complex": [repr(value.real), repr(value.imag)]}
        case int() if value.bit_length() > LONGEST_INTEGER:
            return {"int": hex(value)}
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return {"bytes": value.hex()}
        case CutText(text, total):
            return {"text": text, "total": total}
        case CutInteger(first, more):
            return {"int": hex(first), "more": more}
        case CutBytes(data, total):
            return {"bytes": data.hex(), "total": total}
        case CutTuple(items, total):
            return {"tuple": _json_all(items, seen, depth), "total": total}
        case RangeValue():
            return {"range": _json_all((value.start, value.stop, value.step), seen, depth)}
        case Hidden(how):
            return {"hidden": how}
        case tuple():
            return {"tuple": _json_all(value, seen, depth)}
    return {"special": repr(value)}


def _json_all(values: Iterable[Value], seen: set[int], depth: int) -> object:
    # json.dumps fails for values that are nested more deeply.
    return [_json(value, seen, depth + 1) for value in values] if depth < SHOWN_LEVELS else "…"


def _json_object(value: ObjectValue, seen: set[int], depth: int) -> object:
    if value.number in seen:
        return {"object": value.number}
    shown: dict[str, object] = {
        "object": value.number,
        "form": value.form,
        "type": value.type_name,
    }
    if depth >= SHOWN_LEVELS:
        return shown | {"form": "unseen"}
    seen.add(value.number)
    shown["items"] = _json_all(value.items, seen, depth)
    shown["attributes"] = {
        name: _json(item, seen, depth + 1) for name, item in value.attributes.items()
    }
    if value.words is not None:
        key = "formatter_failed" if value.words.failed else "says"
        shown[key] = _json(value.words.text, seen, depth + 1)
    return shown | {
        "total": value.total,
        "cut": value.cut,
        "cut_attributes": value.cut_attributes,
    }
