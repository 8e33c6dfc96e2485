"""Takes from a recorded value its plain content, its items or its length.

A value that is hidden, or whose missing part was cut by a limit, is refused where that matters.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from codetracer.errors import UsageError
from codetracer.replay.render import render, short_type
from codetracer.replay.values import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
)

if TYPE_CHECKING:

    from codetracer.replay.values import Value


__all__ = [
    "DEFINITIONS",
    "HOLDERS",
    "LARGEST_RESULT",
    "OWN_NUMBERS",
    "SHOWN",
    "EvaluationError",
    "is_cut",
    "kind",
    "known",
    "length",
    "listed",
    "missing",
    "plain",
    "python_type",
    "range_of",
    "sequence",
    "short",
    "whole",
]

LARGEST_RESULT: Final = 1 << 16
"""The largest size of a calculated value: bits of an int, or items of a text or a container."""


OWN_NUMBERS: Final = count(-2, -1)
"""The numbers of objects that are an expression's own."""


SHOWN: Final = 60
"""About how many characters of a value a message shows."""


class EvaluationError(UsageError):
    """An expression has no value at this moment: it is wrong, or the recording lacks a part."""

    def __init__(self, message: str) -> None:
        super().__init__("ERR_BAD_EXPRESSION", message)

    def __reduce__(self) -> tuple[type[EvaluationError], tuple[str]]:
        return EvaluationError, (self.message,)


HOLDERS: Final = frozenset({"list", "dict", "set", "frozenset", "tuple", "named_tuple"})
"""The forms of objects that hold items."""


DEFINITIONS: Final = frozenset({"class", "function", "method", "module"})
"""The forms of objects that have a name."""


_RECORDED_AS: Final[dict[type, type]] = {
    CutBytes: bytes,
    CutInteger: int,
    CutText: str,
    CutTuple: tuple,
    RangeValue: range,
}


def python_type(value: object) -> type:
    """Return the type that a value had in the program; it must be no object and not hidden."""
    return _RECORDED_AS.get(type(value), type(value))


def length(value: Value) -> int:
    """Return ``len(value)``, of all that it had, also where the recorder has cut it."""
    match plain(value):
        case str() | bytes() | tuple() as found if type(found) in (str, bytes, tuple):
            return len(found)
        case CutText(total=total) | CutBytes(total=total) | CutTuple(total=total):
            return total
        case RangeValue() as found:
            return len(range_of(found))
        case ObjectValue(form="named_tuple") as found:
            return len(found.attributes) + found.cut_attributes
        case ObjectValue() as found if found.form in HOLDERS:
            return found.total
    raise EvaluationError(f"{short(value)} has no length that is recorded")


def listed(items: tuple[Value, ...]) -> ObjectValue:
    """Return a list of the expression's own: its number, below zero, is no other object's."""
    made = ObjectValue(next(OWN_NUMBERS), "list", "list")
    made.items, made.total = items, len(items)
    return made


def known(value: Value) -> Value:
    """Return a value, unless it is hidden."""
    if isinstance(value, Hidden):
        raise EvaluationError(f"the value is {value.how}: a filter kept it out of the recording")
    return value


def plain(value: Value) -> Value:
    """Return what an int, a float, a text or bytes hold whose class is one of the program's."""
    found = known(value)
    if isinstance(found, ObjectValue) and found.form == "wrapped" and found.items:
        return known(found.items[0])
    return found


def kind(value: Value) -> str:
    """Return ``list`` or ``tuple`` for what compares item by item, otherwise an empty text."""
    if isinstance(value, ObjectValue):
        return {"list": "list", "tuple": "tuple", "named_tuple": "tuple"}.get(value.form, "")
    return "tuple" if type(value) in (tuple, CutTuple) else ""


def sequence(value: Value) -> str | bytes | tuple[Value, ...]:
    """Return the recorded part of a sequence."""
    match value:
        case str() | bytes():
            return value
        case CutText(text):
            return text
        case CutBytes(data):
            return data
        case CutTuple(items):
            return items
        case ObjectValue(form="list" | "tuple"):
            return value.items
        case ObjectValue(form="named_tuple"):
            return tuple(value.attributes.values())
        case tuple() if type(value) is tuple:
            return value
        case ObjectValue(form="unseen"):
            raise missing(value)
    raise EvaluationError(f"{short(value)} has no recorded items with a number")


def whole(value: Value) -> tuple[Value, ...]:
    """Return all items of a container; refuse one that was cut."""
    if is_cut(value):
        raise missing(value)
    if isinstance(value, ObjectValue) and value.form != "named_tuple":
        return value.items
    items = sequence(value)
    return items if isinstance(items, tuple) else ()


def is_cut(value: Value) -> bool:
    """Return whether some of a container's items or attributes are not recorded."""
    if isinstance(value, ObjectValue):
        if value.form == "unseen":
            return True
        # The one item of a wrapped value is not in its total.
        return bool(value.cut_attributes or (value.cut and value.form in HOLDERS | {"value"}))
    return isinstance(value, CutTuple)


def range_of(value: RangeValue) -> range:
    """Return a recorded range as Python's own."""
    start, stop, step = map(plain, value)
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
        return range(start, stop, step)
    raise missing(value)


def missing(value: Value) -> EvaluationError:
    """Return the error for a value of which a part is needed that is not recorded."""
    if isinstance(value, ObjectValue) and value.form == "unseen":
        return EvaluationError(
            f"what {short(value)} holds was not recorded: it is deeper than --max-depth"
        )
    return EvaluationError(
        f"the part of {short(value)} that this needs was cut when it was recorded; see --max-items"
        " and --max-text of `codetracer record`"
    )


def short(value: Value | slice) -> str:
    """Return a value's text for a message."""
    if isinstance(value, ObjectValue) and value.number >= 0 and value.form != "enum":
        return f"<{short_type(value.type_name)} #{value.number}>"
    return "a slice" if isinstance(value, slice) else render(value, SHOWN)
