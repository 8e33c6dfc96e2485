"""Python's operators on recorded values, which run no code of the program."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from codetracer.replay.comparison import equal
from codetracer.replay.parts import (
    DEFINITIONS,
    HOLDERS,
    LARGEST_RESULT,
    EvaluationError,
    kind,
    known,
    length,
    listed,
    missing,
    plain,
    range_of,
    sequence,
    short,
    whole,
)
from codetracer.replay.render import render
from codetracer.replay.values import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    ObjectValue,
    RangeValue,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.values import Value


__all__ = ["attribute", "calculate", "item", "text_of", "truth"]


def truth(value: Value) -> bool:
    """Return whether a value is true."""
    match plain(value):
        case CutText() | CutBytes() | CutInteger() | CutTuple():
            return True
        case RangeValue() as found:
            return bool(range_of(found))
        case ObjectValue(form="class" | "function" | "method" | "module"):
            return True
        case ObjectValue(form="enum") as found if truth(found.attributes.get("value")):
            return True
        case ObjectValue() as found if found.form in HOLDERS:
            return length(found) > 0
        case ObjectValue() as found:
            raise EvaluationError(
                "only the code of its class, which is not run, could decide whether"
                f" {short(found)} is true; ask for what you mean, such as `is not None`"
            )
        case found:
            return bool(found)


def item(value: Value, key: Value | slice) -> Value:
    """Return ``value[key]``."""
    found = plain(value)
    if isinstance(found, ObjectValue) and found.form == "dict":
        return _entry(found, key)
    if isinstance(found, RangeValue):
        numbers = range_of(found)
        if type(key) is slice:
            part = numbers[key]
            return RangeValue(part.start, part.stop, part.step)
        return numbers[_index(key, len(numbers), value)]
    items = sequence(found)
    total = length(found)
    if isinstance(key, slice):
        places = range(*key.indices(total))
        if places and max(places) >= len(items):
            raise missing(value)
        if isinstance(items, str):
            return "".join(items[place] for place in places)
        if isinstance(items, bytes):
            return bytes(items[place] for place in places)
        chosen = tuple(items[place] for place in places)
        is_list = isinstance(found, ObjectValue) and found.form == "list"
        return listed(chosen) if is_list else chosen
    place = _index(key, total, value)
    if place >= len(items):
        raise missing(value)
    return items[place]


def attribute(value: Value, name: str) -> Value:
    """Return ``value.name``, if it is an attribute that the object itself has."""
    match known(value):
        case ObjectValue() as found:
            if name in found.attributes:
                return found.attributes[name]
            if name == "args" and found.form == "exception":
                return CutTuple(found.items, found.total) if found.cut else found.items
            if name in ("__name__", "__qualname__") and found.form in DEFINITIONS:
                full = found.items[0] if found.items else None
                if isinstance(full, str):
                    is_part = name == "__name__" and found.form != "module"
                    return full.rpartition(".")[2] if is_part else full
            if found.form == "unseen" or found.cut_attributes:
                raise missing(found)
        case (int() | float() | complex()) as number if name in ("real", "imag"):
            return number.real if name == "real" else number.imag
        case RangeValue() as numbers if name in ("start", "stop", "step"):
            return {"start": numbers.start, "stop": numbers.stop, "step": numbers.step}[name]
    raise EvaluationError(
        f"{short(value)} has no recorded attribute {name}; those of its class are not recorded"
    )


def calculate(sign: str, left: Value, right: Value) -> Value:
    """Return ``left sign right``, for one of the signs of arithmetic."""
    one, other = plain(left), plain(right)
    numbers = (int, float, complex)
    try:
        if isinstance(one, numbers) and isinstance(other, numbers):
            return _number(sign, one, other)
        if sign == "+" and type(one) is type(other) and isinstance(one, str | bytes):
            return _bounded(one + other)  # type: ignore[operator]
        if sign == "+" and kind(one) == kind(other) != "":
            return _bounded(_like(one, (*whole(one), *whole(other))))
        if sign == "*" and isinstance(one, int):
            one, other = other, one
        if sign == "*" and isinstance(other, int) and (isinstance(one, str | bytes) or kind(one)):
            if length(one) * max(other, 0) > LARGEST_RESULT:
                raise EvaluationError(f"the result has more than {LARGEST_RESULT:,} items")
            if isinstance(one, str | bytes):
                return one * other
            return _like(one, whole(one) * other)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise EvaluationError(f"{type(error).__name__}: {error}") from None
    raise EvaluationError(f"{short(left)} {sign} {short(right)} cannot be calculated")


def text_of(value: Value) -> str:
    """Return ``str(value)``; of an object of the program's, its `repr` as it is shown."""
    match plain(value):
        case str() as text:
            return text
        case CutText(text, total):
            return f"{text}… +{total - len(text)}"
        case ObjectValue(form="exception") as found if found.total < 2 and not found.cut:
            return text_of(found.items[0]) if found.items else ""
    return render(value, LARGEST_RESULT)


_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Value]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


def _number(sign: str, one: complex, other: complex) -> Value:
    """Calculate with numbers; an int that would become too long is refused before."""
    if isinstance(one, int) and isinstance(other, int):
        bits, more = one.bit_length(), other.bit_length()
        size = bits + more
        if sign == "**":
            size = bits * max(other, 0) if more < 64 else LARGEST_RESULT + 1
            size = 1 if abs(one) < 2 else size
        elif sign == "<<":
            size = bits + other if more < 64 else LARGEST_RESULT + 1
        if size > LARGEST_RESULT and sign in ("**", "<<", "*"):
            raise EvaluationError(f"the result has more than {LARGEST_RESULT:,} bits")
    return _ARITHMETIC[sign](one, other)


def _bounded(value: Value) -> Value:
    if length(value) > LARGEST_RESULT:
        raise EvaluationError(f"the result has more than {LARGEST_RESULT:,} items")
    return value


def _like(value: Value, items: tuple[Value, ...]) -> Value:
    return listed(items) if kind(value) == "list" else items


def _entry(value: ObjectValue, key: Value | slice) -> Value:
    if isinstance(key, slice):
        raise EvaluationError("a dict has no slices")
    for found, entry in value.pairs:
        if equal(found, key):
            return entry
    if value.cut:
        raise missing(value)
    raise EvaluationError(f"{short(value)} has no key {short(key)}")


def _index(key: Value | slice, total: int, value: Value) -> int:
    number = None if isinstance(key, slice) else plain(key)
    if not isinstance(number, int):
        raise EvaluationError(f"an item of {short(value)} has a number, not {short(key)}")
    place = number + total if number < 0 else number
    if not 0 <= place < total:
        raise EvaluationError(f"{short(value)} has no item {number}; it has {total:,}")
    return place
