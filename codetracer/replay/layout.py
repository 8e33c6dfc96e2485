"""Lays a whole value out over several lines, one for each item if one line is too short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.replay.render import WHOLE, as_name, headed, render, short_type
from codetracer.replay.values import CutTuple, ObjectValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.values import Value

__all__ = ["lay_out"]

SPREAD_LEVELS: Final = 12
"""The number of nested levels of objects that are spread over lines."""


def lay_out(value: Value, width: int, used: int = 0) -> list[str]:
    """Return the lines of a value, without line ends.

    Parameters:
        value: the value.
        width: the wished number of columns of a line; a line with one long atom can be longer.
        used: how many columns of the first line are taken already.
    """
    return _lines(value, width, used, [])


def _lines(value: Value, width: int, used: int, inside: list[int]) -> list[str]:
    parts = _parts(value)
    if parts is None or len(inside) >= SPREAD_LEVELS:
        return [render(value, WHOLE if parts is None else width)]
    # Rendered up to the width only: a cut is enough to see that the value does not fit.
    short = render(value, width)
    if len(short) + used <= width and "…" not in short:
        return [short]
    number = value.number if isinstance(value, ObjectValue) else -1
    if number >= 0 and number in inside:
        return [f"<{short_type(value.type_name)} #{number} again>"]  # type: ignore[union-attr]
    head, end, cut, items = parts
    found = [head]
    for prefix, item in items:
        first, *more = _lines(item, width - 2, len(prefix) + 1, [*inside, number])
        found.append(f"  {prefix}{first}{'' if more else ','}")
        found += [f"  {line}" for line in more[:-1]]
        found += [f"  {line}," for line in more[-1:]]
    if cut:
        found.append(f"  … +{cut}")
    return [*found, end]


def _parts(value: Value) -> tuple[str, str, int, Iterator[tuple[str, Value]]] | None:
    """Return the parts of a value that can be spread over lines; None for any other value.

    Returns:
        The text before its items, the text after them, how many items are missing, and the items,
        each with the text in front of it.
    """
    if isinstance(value, CutTuple):
        return "(", ")", value.total - len(value.items), (("", item) for item in value.items)
    if isinstance(value, tuple) and type(value) is tuple:
        return "(", ")", 0, (("", item) for item in value)
    if not isinstance(value, ObjectValue):
        return None
    parts = _parts_of_object(value)
    if parts is None or value.words is None or value.form == "instance":
        return parts
    begin, end, cut, items = parts
    return f"{headed(value)}; {begin}", f"{end}>", cut, items


def _parts_of_object(
    value: ObjectValue,
) -> tuple[str, str, int, Iterator[tuple[str, Value]]] | None:
    name = short_type(value.type_name)
    match value.form:
        case "list":
            begin, end = ("[", "]") if name == "list" else (f"{name}([", "])")
        case "set" | "frozenset":
            begin, end = ("{", "}") if name == "set" else (f"{name}({{", "})")
        case "tuple" | "exception":
            begin, end = f"{name}(", ")"
        case "dict":
            begin, end = ("{", "}") if name == "dict" else (f"{name}({{", "})")
            entries = ((f"{render(key, 60)}: ", item) for key, item in value.pairs)
            return begin, end, value.cut, _with_attributes(entries, value)
        case "instance" | "named_tuple":
            cut = value.cut_attributes
            head = headed(value) if value.form == "instance" else f"<{name} #{value.number}"
            return head, ">", cut, _with_attributes(iter(()), value)
        case _:
            return None
    return begin, end, value.cut, _with_attributes((("", item) for item in value.items), value)


def _with_attributes(
    entries: Iterator[tuple[str, Value]], value: ObjectValue
) -> Iterator[tuple[str, Value]]:
    yield from entries
    for name, item in value.attributes.items():
        yield f"{as_name(name)}=", item
