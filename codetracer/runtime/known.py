"""Prepares the reading of known types: the rows of spec/types.toml, found in this process.

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

from codetracer.inspect.kinds import (
    entry,
    is_immutable,
    is_of_cpython,
    slot_reader,
    type_name,
)
from codetracer.inspect.lookups import find, namespace_of_loaded
from codetracer.own import seal
from codetracer_bindings.types import KNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    # Something to call, an index, a name in the instance's dict, (a name,) in the `by_name` of the
    # value's own type, or a Slot.
    type Step = Any
    type Read = tuple[str, tuple[Step, ...], bool, bool]

__all__ = ["LARGEST", "WAYS", "Reading", "Slot", "buffer_bytes", "buffer_items", "reading_of"]

seal(globals())

LARGEST: Final = 1_000
"""The largest size in bytes of an instance whose items are read, if its row has a size."""

WAYS: Final = {"none": 0, "reads": 1, "iteration": 2, "buffer": 3, "bytes": 4}
"""The numbers of the ways to read items; the engine in C uses the same (native/known.c)."""

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
