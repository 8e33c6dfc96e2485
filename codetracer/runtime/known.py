"""Prepares the reading of known types: the rows of spec/types.toml, found in this process.

A type is known by identity: it is one of the interpreter's own, or stands where the spec says in a
module that the program has loaded. No module is imported because of a value. What is called on an
instance is written in C, of a type that no program can change; what a class written in Python holds
is read from its slots and its instances' dicts.
"""

from __future__ import annotations

import sys
import types
from importlib import import_module
from weakref import ref

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
"""Bytes; of what says that it is larger, no items are read."""

WAYS: Final = {"none": 0, "reads": 1, "iteration": 2, "buffer": 3, "bytes": 4}
"""How items are read, as the engine in C has it (native/known.c)."""

_ATTRIBUTES: Final = (types.GetSetDescriptorType, types.MemberDescriptorType)
_METHODS: Final = (types.MethodDescriptorType, types.WrapperDescriptorType)
_module_dict_of: Final[Any] = vars(types.ModuleType)["__dict__"].__get__

buffer_items: Any
"""Returns how many items an object's buffer has, and the first of them: in C alone."""
buffer_bytes: Any
"""Returns how many bytes an object's buffer or a BytesIO has, and the first of them: in C alone.

None for them says that they cannot be read; the number is then 1, or 0 if there are none.
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
        read: reads it; raises AttributeError where it is not bound, or no slot any more.
    """

    __slots__ = ("alive", "name", "read")

    def __init__(self, alive: ref[type], name: str) -> None:
        self.alive = alive
        self.name = name
        self.read = slot_reader(alive, name, types.MemberDescriptorType)


class Reading:
    """How the instances of a type are read.

    Attributes:
        base: the known type, where its own iterator gives the items: theirs, or one that theirs is
            derived from. Else None, for it may be a class of a module that the program drops.
        form: the form of their records.
        way: how items are read: one of `WAYS`.
        items: what is read for items: names, steps, whether to leave it out where it is nothing,
            and whether its own items stand for it.
        attributes: what is read for attributes.
        size: the steps that say how large one is, in bytes; none where they are all small.
        by_name: what reads each attribute, by the attribute's name.
        hidden: what of an instance's dict is read already, or not shown.
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
    """Return how the instances of a type are read, and how many classes stand before the known one.

    Parameters:
        mro: the type, and those that it is derived from, in the order of lookups.
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
    """Tell whether a type is what a loaded module has under a name.

    A module that is being loaded has nothing there yet; what is written in C is taken for it then.
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
    """Return what of some reads this CPython's type has."""
    reads: list[Read] = []
    for name, (text, *later), optional, spread in rows:
        first = _first(text, bases)
        if first is not None:
            more = (int(step) if step.isdigit() else (step,) for step in later)
            reads.append((name, (first, *more), optional, spread))
    return tuple(reads)


def _first(text: str, bases: tuple[type, ...]) -> Step | None:
    """Return what a first step is: something to call, a slot, or a name in the instance's dict."""
    if text[0] == "@":
        return _decimal_text() if text == "@decimal" else _helpers.get(text[1:])
    name = text.removesuffix("()")
    for owner in bases:
        found = entry(owner, name)
        if is_immutable(owner):
            if name == text and type(found) in _ATTRIBUTES:
                return found.__get__
            if name != text and type(found) in _METHODS:
                return found
        elif name == text and type(found) is types.MemberDescriptorType:
            return Slot(ref(owner), name)
    return name if name == text else None


def _decimal_text() -> Step | None:
    """Return what makes text of a Decimal: its own `__str__` makes the thread's context."""
    module = find(sys.modules, "_decimal", None)
    context = find(_module_dict_of(module), "Context", None)
    if type(context) is not type or not is_immutable(context):
        return None
    made: Any = context(
        prec=9, rounding="ROUND_HALF_EVEN", Emin=-9, Emax=9, capitals=1, clamp=0, flags=[], traps=[]
    )
    text: Step = made.to_sci_string
    return text
