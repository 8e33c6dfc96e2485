"""The values of the program's variables and objects at one moment of a replay."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING

from codetracer.replay.subjects import UNBOUND
from codetracer.replay.values import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
    Words,
)
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import CALL_DEPTH, FORM_DICT, FORM_METHOD, FORM_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.model import Frame
    from codetracer.replay.values import Value

__all__ = ["Held", "State", "depth_of"]

type Held = raw.ObjectRecord | raw.WordedRecord
"""The contents of an object in the form of the log."""

_PLAIN = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)}
)


def depth_of(frame: Frame) -> int | None:
    """Return the depth of values that belong to a frame's call and its end; None for no limit.

    Where variables are not recorded, deeper objects may have changed since they were looked at, and
    of the others only some are looked at: see `_is_shown`.
    """
    return None if frame.code.has_values else CALL_DEPTH


class State:
    """The current objects and global variables in the form of the log; methods resolve them.

    Attributes:
        objects: the contents of each object, by its number.
        types: the names of types, by number.
        attribute_names: the names of attributes, by number.
        namespaces: the global variables, by the number of their namespace and then by name.
    """

    __slots__ = ("attribute_names", "namespaces", "objects", "types")

    def __init__(self) -> None:
        self.objects: dict[int, Held] = {}
        self.types: list[str] = []
        self.attribute_names: list[str] = []
        self.namespaces: dict[int, dict[str, raw.Value]] = {0: {}}

    def resolve(
        self,
        value: raw.Value,
        objects: int | None = None,
        items: int | None = None,
        values: int | None = None,
        depth: int | None = None,
    ) -> Value:
        """Return the current value with everything that can be reached from it.

        Parameters:
            value: a value in the form of the log.
            depth: the number of levels of objects and tuples with contents, as `depth_of` says;
                objects below have the form ``unseen``. None for no limit.
            objects: the largest number of objects with contents, the nearest ones first; others
                have the form ``unseen``. None for no limit.
            items: the largest number of items, and of attributes, of one object, and of items of
                one tuple. None for no limit.
            values: the largest number of items and attributes in all. None for no limit.
        """
        return _Resolver(self, objects, items, values, depth).resolve(value)

    def arguments(self, frame: Frame) -> dict[str, Value]:
        """Return the frame's parameters that have a value, by name.

        If the frame's variables are not recorded, these are the values of its call.
        """
        names = frame.code.arguments
        # Over the values: code may have many parameters, most of them without a value.
        return self._named(
            ((names[i], value) for i, value in sorted(frame.values.items()) if i < len(names)),
            depth_of(frame),
        )

    def locals(self, frame: Frame) -> dict[str, Value]:
        """Return the frame's local variables that have a value, by name.

        There are none if its variables are not recorded.
        """
        if not frame.code.has_values:
            return {}
        names = frame.code.variables
        return self._named((names[i], value) for i, value in sorted(frame.values.items()))

    def globals(self, frame: Frame) -> dict[str, Value]:
        """Return the global variables in the frame's code that have a value, by name.

        There are none if its variables are not recorded.
        """
        if not frame.code.has_values:
            return {}
        values = self.namespaces[frame.code.namespace]
        return self._named(
            (name, values[name]) for name in frame.code.global_names if name in values
        )

    def variable(self, frame: Frame, number: int) -> raw.Value:
        """Return the value of a variable; a `raw.UnboundValue` if it has none.

        Parameters:
            frame: the frame.
            number: an index into its local variables, followed by its code's global names.
        """
        code = frame.code
        index = number - len(code.variables)
        if index < 0:
            return frame.values.get(number, UNBOUND)
        if index >= len(code.global_names):
            return UNBOUND
        return self.namespaces[code.namespace].get(code.global_names[index], UNBOUND)

    def set_variable(self, frame: Frame, number: int, value: raw.Value) -> None:
        """Set the value of a variable.

        Parameters:
            frame: the frame.
            number: an index into its local variables, followed by its code's global names.
            value: a value in the form of the log.

        Raises:
            KeyError: the frame's code has no such variable.
        """
        code = frame.code
        count = len(code.variables)
        if number < count:
            frame.values[number] = value
        elif number - count < len(code.global_names):
            self.namespaces[code.namespace][code.global_names[number - count]] = value
        else:
            raise KeyError(f"{code.name} has no variable {number}")

    def _named(
        self, pairs: Iterable[tuple[str, raw.Value]], depth: int | None = None
    ) -> dict[str, Value]:
        # One resolver for all, so that an object in two variables stays one object.
        resolver = _Resolver(self, None, None, None, depth)
        return {
            name: resolver.resolve(value)
            for name, value in pairs
            if type(value) is not raw.UnboundValue
        }


class _Resolver:
    """Resolves values together, each object once, breadth first and without recursion."""

    __slots__ = (
        "_deep",
        "_depth",
        "_items",
        "_left",
        "_level",
        "_objects",
        "_queue",
        "_seen",
        "_state",
    )

    def __init__(
        self,
        state: State,
        objects: int | None,
        items: int | None,
        values: int | None,
        depth: int | None,
    ) -> None:
        self._depth = self._level = sys.maxsize if depth is None else depth
        self._state = state
        self._objects = objects
        self._items = sys.maxsize if items is None else items
        self._left = sys.maxsize if values is None else values
        self._seen: dict[int, ObjectValue] = {}
        # The objects that were too deep so far; another value may lead to them directly.
        self._deep: set[int] = set()
        self._queue: deque[tuple[ObjectValue, Held, int]] = deque()

    def resolve(self, value: raw.Value) -> Value:
        if type(value) in _PLAIN:
            return value  # type: ignore[return-value]
        self._level = self._depth
        result = self._value(value)
        while self._queue:
            self._fill(*self._queue.popleft())
        return result

    def _value(self, value: raw.Value) -> Value:
        kind = type(value)
        if kind in _PLAIN:
            return value  # type: ignore[return-value]
        match value:
            case raw.ReferenceValue(number):
                return self._object(number)
            case raw.CutIntegerValue(more, digits):
                return CutInteger(int.from_bytes(digits, "little", signed=True), more)
            case raw.CutTextValue(total, text):
                return CutText(text, total)
            case raw.CutBinaryValue(total, data):
                return CutBytes(data, total)
            case raw.CutTupleValue(total, items):
                return CutTuple(self._values(items, self._take(len(items))), total)
            case raw.RangeValue(start, stop, step):
                return RangeValue(self._value(start), self._value(stop), self._value(step))
            case raw.RedactedValue():
                return Hidden("redacted")
            case raw.DroppedValue():
                return Hidden("dropped")
            case raw.LeftOutValue():
                return Hidden("left out")
            case raw.UnboundValue():
                return Hidden("unbound")
            case tuple():
                kept = self._take(len(value))
                items = self._values(value, kept)
                return items if kept == len(value) else CutTuple(items, len(value))
        raise TypeError(f"no value of a trace: {value!r}")

    def _take(self, count: int) -> int:
        """Return how many of `count` items the limits allow, and count them."""
        kept = min(count, self._items, self._left)
        self._left -= kept
        return kept

    def _values(self, values: tuple[raw.Value, ...], count: int) -> tuple[Value, ...]:
        self._level -= 1
        found = tuple(map(self._value, values[:count] if count < len(values) else values))
        self._level += 1
        return found

    def _object(self, number: int) -> ObjectValue:
        found = self._seen.get(number)
        if found is not None and not (number in self._deep and self._level > 0):
            return found
        record = self._state.objects.get(number)
        if record is None:
            found = ObjectValue(number)
        else:
            found = found or ObjectValue(
                number, type_name=_name(self._state.types, record.type_number)
            )
            found.form = FORM_NAMES.get(record.form, "opaque")
            found.total = record.total
            self._deep.discard(number)
            if self._level <= 0 or not (self._depth == sys.maxsize or _is_shown(found)):
                found.form = "unseen"
                self._deep.add(number)
            elif self._objects is None:
                self._queue.append((found, record, self._level))
            elif self._objects:
                self._objects -= 1
                self._queue.append((found, record, self._level))
            else:
                found.form = "unseen"
        self._seen[number] = found
        return found

    def _fill(self, found: ObjectValue, record: Held, level: int) -> None:
        # The object to which a method belongs is as deep as the method.
        self._level = level if record.form == FORM_METHOD else level - 1
        width = 2 if record.form == FORM_DICT else 1
        items = record.items[: self._take(len(record.items) // width) * width]
        attributes = record.attributes[: self._take(len(record.attributes))]
        found.items = tuple(map(self._value, items))
        # The names of classes, functions and modules are items, but not in their total.
        found.cut = max(0, record.total - len(items) // width)
        found.cut_attributes = record.more + len(record.attributes) - len(attributes)
        if type(record) is raw.WordedRecord:
            found.words = Words(self._value(record.words), bool(record.failed))
        names = self._state.attribute_names
        found.attributes = {
            _name(names, number): self._value(value) for number, value in attributes
        }


def _is_shown(found: ObjectValue) -> bool:
    """Return whether the contents of an object are recorded where variables are not."""
    return found.form == "exception" or found.type_name in ("list", "dict", "set", "frozenset")


def _name(names: list[str], number: int) -> str:
    # A damaged log may have numbers without a name; this function does not fail for them.
    return names[number] if number < len(names) else f"?{number}"
