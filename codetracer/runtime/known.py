"""Reads known types: finds the rows of spec/types.toml in this process, and reads by them.

A type is recognized by identity: it is one of the interpreter's own, or it is at the place that the
spec names, in a module that the program has loaded. No module is imported because of a value. Only
functions in C are called on an instance, of types that no program can change. Instances of a class
in Python are read from their slots and dicts.
"""

from __future__ import annotations

import sys
import types
from _weakref import ref
from importlib import import_module
from itertools import islice

from codetracer.inspect.kinds import (
    entry,
    is_immutable,
    is_of_cpython,
    slot_reader,
    type_name,
)
from codetracer.inspect.lookups import find, namespace_of_loaded
from codetracer.own import seal
from codetracer.runtime.secret_forms import LOOKED_AHEAD
from codetracer.whose import began_here
from codetracer_bindings.types import KNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from codetracer.runtime.layouts import Layout
    from codetracer.runtime.values import Values

    # Something to call, an index, a name in the instance's dict, (a name,) in the `by_name` of the
    # value's own type, or a Slot.
    type Step = Any
    type Read = tuple[str, tuple[Step, ...], bool, bool]

__all__ = [
    "WAYS",
    "Reading",
    "Slot",
    "buffer_bytes",
    "known_attributes",
    "known_items",
    "reading_of",
]

seal(globals())

LARGEST: Final = 1_000
"""The largest size in bytes of an instance whose items are read, if its row has a size."""

WAYS: Final = {"none": 0, "reads": 1, "iteration": 2, "buffer": 3, "bytes": 4}
"""The numbers of the ways to read items; the engine in C uses the same (native/engine/known.c)."""

_BY_READS: Final = WAYS["reads"]
_BY_ITERATION: Final = WAYS["iteration"]
_BY_BUFFER: Final = WAYS["buffer"]
_MISSING: Final = object()
_UNREADABLE: Final = (AttributeError, TypeError, ValueError)
"""Exceptions of C code that has nothing to read, as in a closed file or an empty cell."""

_ATTRIBUTES: Final = (types.GetSetDescriptorType, types.MemberDescriptorType)
_METHOD_TYPES: Final = (types.MethodDescriptorType, types.WrapperDescriptorType)
_module_dict_of: Final[Any] = vars(types.ModuleType)["__dict__"].__get__

buffer_items: Any
"""Returns the number of items of an object's buffer, and the first ones. None without C."""
buffer_bytes: Any
"""Returns the number of bytes of an object's buffer or a BytesIO, and the first ones.

If they cannot be read, the second result is None, and the first is 1, or 0 if there are no bytes.
None without C.
"""
_helpers: dict[str, Any]
try:
    _engine = import_module("codetracer_bindings._engine")
    buffer_items, buffer_bytes = _engine.buffer_items, _engine.buffer_bytes
    _names = ("referent", "dtype", "shape", "line", "position")
    _helpers = {name: getattr(_engine, name) for name in _names}
except ImportError:
    buffer_items = buffer_bytes = None
    _helpers = {}


class Slot:
    """A step that reads a slot of a class written in Python.

    Attributes:
        alive: a weak reference to the class.
        name: the slot's name.
        read: a function that reads the slot of an instance; it raises AttributeError if the slot
            has no value, or is no slot any more.
    """

    __slots__ = ("alive", "name", "read")

    def __init__(self, alive: ref[type], name: str) -> None:
        self.alive = alive
        self.name = name
        self.read = slot_reader(alive, name, types.MemberDescriptorType)


class Reading:
    """The way to read the instances of a type.

    Attributes:
        base: if the items are read with the known type's own iterator, that type: the type itself
            or one of its bases. Otherwise None, because a reference would keep a class alive whose
            module the program has dropped.
        form: the form of their records.
        way: the way to read items, one of the numbers in `WAYS`.
        items: the reads for items. A read is its name, its steps, whether it is left out if it is
            None, False, 0 or (), and whether its own items replace it.
        attributes: the reads for attributes.
        size: the steps to the size in bytes; empty if all instances are small.
        by_name: the step that reads each attribute, by the attribute's name.
        hidden: the names in an instance's dict that are read otherwise, or not shown.
    """

    __slots__ = ("attributes", "base", "by_name", "form", "hidden", "items", "size", "way")

    def __init__(self, base: type | None, form: int, way: int) -> None:
        self.base = base
        self.form = form
        self.way = way
        self.items: tuple[Read, ...] = ()
        self.attributes: tuple[Read, ...] = ()
        self.size: tuple[Step, ...] = ()
        self.by_name: dict[str, Step] = {}
        self.hidden: frozenset[str] = frozenset()


def reading_of(mro: tuple[type, ...]) -> tuple[Reading | None, int]:
    """Return the way to read the instances of a type.

    Parameters:
        mro: the ``__mro__`` of the type.

    Returns:
        The reading, and the index of the known type in `mro`; None and 0 if none is known.
    """
    for place, base in enumerate(mro):
        row = KNOWN.get(type_name(base))
        if row is None or not (is_of_cpython(base) or _stands_at(row[0], base)):
            continue
        _, form, way, items, attributes, size, hides = row
        reading = Reading(base if way == "iteration" else None, form, WAYS[way])
        bases = mro[place:]
        reading.items = _found(items, bases)
        reading.attributes = _found(attributes, bases)
        reading.size = tuple(step for text in size if (step := _first(text, bases)) is not None)
        for name, steps, _, _ in reading.attributes:
            if len(steps) == 1:
                reading.by_name[name] = steps[0]
        for text in {each[1][0] for each in (*items, *attributes)}:
            reading.by_name.setdefault(text, _first(text, bases) or text)
        reads = (*reading.items, *reading.attributes)
        reading.hidden = frozenset(
            [*hides, *(steps[0] for _, steps, *_ in reads if type(steps[0]) is str)]
        )
        return reading, place
    return None, 0


def _stands_at(home: str, kind: type) -> bool:
    """Return whether a loaded module has a type at its place.

    While a module is being loaded, the place may be empty. A type in C with the right name is
    accepted then.

    Parameters:
        home: the place: the module and the name.
        kind: the type.
    """
    module, _, name = home.rpartition(".")
    namespace = namespace_of_loaded(module)
    if namespace is None:
        return False
    there = find(namespace, name, None)
    return there is kind or (there is None and is_immutable(kind))


def _found(
    rows: tuple[tuple[str, tuple[str, ...], bool, bool], ...], bases: tuple[type, ...]
) -> tuple[Read, ...]:
    """Return the reads among `rows` whose first steps exist in this CPython."""
    reads: list[Read] = []
    for name, (text, *later), optional, spread in rows:
        first = _first(text, bases)
        if first is not None:
            more = (int(step) if step.isdigit() else (step,) for step in later)
            reads.append((name, (first, *more), optional, spread))
    return tuple(reads)


def _first(text: str, bases: tuple[type, ...]) -> Step | None:
    """Return a first step: a function to call, a slot, or a name in the instance's dict."""
    if text[0] == "@":
        return _decimal_text() if text == "@decimal" else _helpers.get(text[1:])
    name = text.removesuffix("()")
    for owner in bases:
        found = entry(owner, name)
        if is_immutable(owner):
            if name == text and type(found) in _ATTRIBUTES:
                return found.__get__
            if name != text and type(found) in _METHOD_TYPES:
                return found
        elif name == text and type(found) is types.MemberDescriptorType:
            return Slot(ref(owner), name)
    return name if name == text else None


def _decimal_text() -> Step | None:
    """Return a function that makes the text of a Decimal.

    `Decimal.__str__` is not used, because it creates the thread's decimal context.
    """
    module = find(sys.modules, "_decimal", None)
    context = find(_module_dict_of(module), "Context", None)
    if type(context) is not type or not is_immutable(context):
        return None
    made: Any = context(
        prec=9, rounding="ROUND_HALF_EVEN", Emin=-9, Emax=9, capitals=1, clamp=0, flags=[], traps=[]
    )
    text: Step = made.to_sci_string
    return text


def known_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    """Return the number of items of an object of a known type, and the first ones, encoded."""
    reading, limit = layout.reading, values._limits.items
    assert reading is not None
    if reading.size:
        size = _read(values, value, reading.size)
        if type(size) is not int or size > LARGEST:
            return 1, []
    if reading.way == _BY_ITERATION:
        base: Any = reading.base
        items = list(islice(base.__iter__(value), limit))
        return base.__len__(value), values._encode_items(items, depth)
    if reading.way == _BY_READS:
        if not reading.items:
            # Only the engine in C can read it, so it is recorded as one item that was cut.
            return 1, []
        return _read_items(values, value, reading.items, depth)
    if reading.way == _BY_BUFFER:
        total, found = buffer_items(value, limit) if buffer_items is not None else (1, ())
        return total, values._encode_items(found, depth)
    most = values._limits.text + LOOKED_AHEAD
    total, data = buffer_bytes(value, most) if buffer_bytes is not None else (1, None)
    if data is None:
        return total, []
    return 1, [values._binary(data, total)]


def _read_items(
    values: Values, value: object, reads: tuple[Read, ...], depth: int
) -> tuple[int, list[bytes]]:
    limit = values._limits.items
    items: list[bytes] = []
    total = kept_total = kept = 0
    for _, steps, optional, spread in reads:
        held = _read(values, value, steps)
        if held is _MISSING:
            continue
        if spread:
            first = held[:limit] if type(held) is tuple or type(held) is list else ()
            items += values._encode_items(first, depth)
            total += len(held) if first else 0
        else:
            items.append(values.encode(held, depth))
            total += 1
            if optional and _is_nothing(held):
                continue
        kept, kept_total = len(items), total
    # Empty items are left out only at the end, because items are identified by their position.
    return kept_total, items[:kept]


def known_attributes(
    values: Values,
    value: object,
    reads: tuple[Read, ...],
    depth: int,
    encoded: list[tuple[int, bytes]],
) -> int:
    """Append the attributes of an object of a known type.

    Returns:
        How many of them the limit cuts.
    """
    cut = 0
    for name, steps, optional, _ in reads:
        held = _read(values, value, steps)
        if held is not _MISSING and not (optional and _is_nothing(held)):
            cut += values._attribute(name, held, depth, encoded)
    return cut


def _read(values: Values, value: Any, steps: tuple[Step, ...]) -> Any:
    """Return the part of an object of a known type to which steps lead, or `_MISSING`."""
    for step in steps:
        if type(step) is tuple:
            reading = values._definitions.layout(type(value)).reading
            found = None if reading is None else reading.by_name.get(step[0])
            if found is None:
                return _MISSING
            step = found
        if type(step) is int:
            if type(value) is not tuple or len(value) <= step:
                return _MISSING
            value = value[step]
        elif type(step) is str:
            dict_of = values._definitions.layout(type(value)).dict_of
            namespace = None if dict_of is None else dict_of(value)
            value = find(namespace, step, _MISSING) if type(namespace) is dict else _MISSING
        else:
            call: Any = step.read if type(step) is Slot else step
            try:
                value = call(value)
            except _UNREADABLE as error:
                if not began_here(error):
                    raise
                return _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _is_nothing(value: object) -> bool:
    return (
        value is None
        or value is False
        or (type(value) is int and value == 0)
        or (type(value) is tuple and not value)
    )
