"""Compares recorded values: ``==``, ``is``, ``<``, ``in`` and the like.

Lists, dicts, sets, tuples, texts and numbers compare as Python's own do, also where their class is
one of the program's. Whether any other two objects are equal only their class could say.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from codetracer.replay.parts import (
    DEFINITIONS,
    HOLDERS,
    EvaluationError,
    is_cut,
    kind,
    known,
    length,
    missing,
    plain,
    range_of,
    sequence,
    short,
    whole,
)
from codetracer.replay.values import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    ObjectValue,
    RangeValue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codetracer.replay.values import Value


__all__ = ["compare", "contains", "equal", "identical"]

MOST_COMPARED: Final = 200_000
"""The number of pairs of values that one comparison may look at."""


_OWN_EQUALITY: Final = {
    "array.array",
    "collections.deque",
    "dict_items",
    "dict_keys",
    "dict_values",
}
"""Types that have items as a list has, but are equal to no list."""


_TOLD_BY_ITEMS: Final = {
    "datetime.date",
    "datetime.timedelta",
    # Of 3.13 alone.
    "pathlib._local.PosixPath",
    "pathlib._local.PurePosixPath",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "uuid.UUID",
}
"""Types whose instances differ where what is recorded of them differs."""


def identical(left: Value, right: Value) -> bool:
    """Return whether two values are one object."""
    if isinstance(left, ObjectValue) and isinstance(right, ObjectValue):
        if left.number < 0 or right.number < 0:
            raise EvaluationError("`is` compares objects of the program; use `==`")
        return left.number == right.number
    single = (None, True, False, ..., NotImplemented)
    if any(left is one or right is one for one in single):
        return known(left) is known(right)
    if isinstance(left, ObjectValue) or isinstance(right, ObjectValue):
        return False
    raise EvaluationError("the identity of numbers and texts is not recorded; use `==`")


def equal(left: Value, right: Value) -> bool:
    """Return whether two values are equal."""
    return _Comparison().equal(left, right)


def compare(sign: str, left: Value, right: Value) -> bool:
    """Return whether ``left < right`` holds; or another of ``<=``, ``>`` and ``>=``."""
    return _Comparison().ordered(_ORDER_FUNCTIONS[sign], sign, left, right)


def contains(container: Value, wanted: Value) -> bool:
    """Return whether ``wanted in container`` holds."""
    match plain(container), plain(wanted):
        case (str(), str()) | (bytes(), bytes() | int()):
            return plain(wanted) in plain(container)  # type: ignore[operator]
        case (CutText(text), str(part)) if part in text:
            return True
        case (CutText() | CutBytes(), _):
            raise missing(container)
        case (RangeValue() as found, int(number)):
            return number in range_of(found)
    return _Comparison().among(_members(container), wanted, cut=is_cut(container))


class _Comparison:
    """One comparison, which gives up after `MOST_COMPARED` pairs."""

    def __init__(self) -> None:
        self._left = MOST_COMPARED

    def equal(self, left: Value, right: Value) -> bool:
        self._left -= 1
        if self._left < 0:
            raise EvaluationError("these values are too large to be compared")
        one, other = plain(left), plain(right)
        if isinstance(one, ObjectValue) and isinstance(other, ObjectValue):
            return self._objects(one, other)
        cut = (CutText, CutBytes, CutInteger, CutTuple)
        if isinstance(one, cut) or isinstance(other, cut):
            return self._cut(one, other)
        kinds = kind(one), kind(other)
        if kinds == ("tuple", "tuple"):
            return self._all(whole(one), whole(other))
        for found in (one, other):
            if isinstance(found, ObjectValue):
                if found.form in HOLDERS | DEFINITIONS:
                    return False
                raise _incomparable(one, other)
        return one == other

    def among(self, members: Sequence[Value], wanted: Value, *, cut: bool) -> bool:
        unclear: EvaluationError | None = None
        for member in members:
            try:
                if self.equal(member, wanted):
                    return True
            except EvaluationError as error:
                unclear = error
        if unclear is not None:
            raise unclear
        if cut:
            raise EvaluationError("it is not among the recorded items; the others were cut")
        return False

    def ordered(
        self, order: Callable[[Any, Any], bool], sign: str, left: Value, right: Value
    ) -> bool:
        one, other = plain(left), plain(right)
        for kinds in ((int, float), (str,), (bytes,)):
            if isinstance(one, kinds) and isinstance(other, kinds):
                return order(one, other)
        if kind(one) == kind(other) != "":
            items, others = whole(one), whole(other)
            for first, second in zip(items, others, strict=False):
                if not self.equal(first, second):
                    return self.ordered(order, sign, first, second)
            return order(len(items), len(others))
        raise EvaluationError(f"{short(left)} {sign} {short(right)} cannot be decided")

    def _objects(self, one: ObjectValue, other: ObjectValue) -> bool:
        if one.number == other.number:
            return True
        forms = one.form, other.form
        if "unseen" in forms:
            raise missing(one if forms[0] == "unseen" else other)
        kinds = kind(one), kind(other)
        if kinds[0] == kinds[1] != "":
            own = {one.type_name, other.type_name}
            if len(own) > 1 and own & _OWN_EQUALITY:
                raise _incomparable(one, other)
            return self._all(whole(one), whole(other))
        if forms == ("dict", "dict"):
            return self._dicts(one, other)
        sets = {"set", "frozenset"}
        if {*forms} <= sets:
            return len(whole(one)) == len(whole(other)) and all(
                self.among(other.items, each, cut=False) for each in one.items
            )
        if forms == ("enum", "enum") and one.type_name == other.type_name:
            return False
        if forms == ("value", "value") and one.type_name == other.type_name:
            same = one.attributes.keys() == other.attributes.keys() and self._all(
                (*whole(one), *one.attributes.values()),
                (*whole(other), *other.attributes.values()),
            )
            if same or one.type_name in _TOLD_BY_ITEMS:
                return same
        elif {*forms} <= HOLDERS | DEFINITIONS:
            return False
        raise _incomparable(one, other)

    def _dicts(self, one: ObjectValue, other: ObjectValue) -> bool:
        if one.total != other.total:
            return False
        for each in (one, other):
            whole(each)
        for key, value in one.pairs:
            matches = [entry for found, entry in other.pairs if self.equal(found, key)]
            if not matches or not self.equal(value, matches[0]):
                return False
        return True

    def _all(self, one: tuple[Value, ...], other: tuple[Value, ...]) -> bool:
        return len(one) == len(other) and all(map(self.equal, one, other))

    def _cut(self, one: Value, other: Value) -> bool:
        """Return False if the recorded parts differ; raise an error if that is open."""
        texts = (str, CutText), (bytes, CutBytes)
        for kinds in texts:
            if isinstance(one, kinds) and isinstance(other, kinds):
                first, second = sequence(one), sequence(other)
                both = min(len(first), len(second))
                if length(one) != length(other) or first[:both] != second[:both]:
                    return False
                raise missing(one if len(first) < length(one) else other)
        if kind(one) == kind(other) == "tuple" and length(one) != length(other):
            return False
        for found in (one, other):
            if isinstance(found, ObjectValue) and found.form not in HOLDERS | DEFINITIONS:
                raise _incomparable(one, other)
        if kind(one) == kind(other) == "tuple" or (
            isinstance(one, CutInteger | int | float)
            and isinstance(other, CutInteger | int | float)
        ):
            raise missing(one if isinstance(one, CutTuple | CutInteger) else other)
        return False


_ORDER_FUNCTIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _incomparable(one: Value, other: Value) -> EvaluationError:
    return EvaluationError(
        f"only the code of their class, which is not run, could decide whether {short(one)} equals"
        f" {short(other)}; compare their attributes, or use `is`"
    )


def _members(value: Value) -> tuple[Value, ...]:
    """Return the recorded part of what ``in`` looks through."""
    match known(value):
        case ObjectValue(form="dict") as found:
            return found.items[::2]
        case ObjectValue(form="set" | "frozenset") as found:
            return found.items
        case found:
            items = sequence(found)
            if isinstance(items, tuple):
                return items
    raise EvaluationError(f"`in` cannot look for such a value in {short(value)}")
