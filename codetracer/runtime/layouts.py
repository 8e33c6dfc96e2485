"""Finds the attributes and items of a type's instances, and how to read them passively.

Everything is read through the descriptors that CPython itself puts into types: no attribute is
looked up on an instance or on a type of the program's, no method of theirs is called.
"""

from __future__ import annotations

import types
from importlib import import_module
from weakref import ref

from codetracer.inspect.kinds import (
    IS_HEAP_TYPE,
    class_name,
    entries,
    entry,
    flags_of,
    has,
    mro_of,
    slot_reader,
    type_name,
)
from codetracer.own import seal
from codetracer.runtime.known import reading_of
from codetracer_bindings.trace_format import (
    FORM_CLASS,
    FORM_DICT,
    FORM_ENUM,
    FORM_EXCEPTION,
    FORM_FROZENSET,
    FORM_FUNCTION,
    FORM_INSTANCE,
    FORM_LIST,
    FORM_METHOD,
    FORM_MODULE,
    FORM_NAMED_TUPLE,
    FORM_OPAQUE,
    FORM_SET,
    FORM_TUPLE,
    FORM_WRAPPED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from codetracer.runtime.known import Reading

    type Reader = Callable[[Any], object]

__all__ = ["WRAPPED", "Layout", "layout_of"]

seal(globals())

instance_dict: Any
"""Returns what an instance has in its dict, and makes none where it has none: in C alone."""
try:
    instance_dict = import_module("codetracer_bindings._engine").instance_dict
except ImportError:
    instance_dict = None

_OFFSETS: Final = ("__dictoffset__", "__vectorcalloffset__", "__weaklistoffset__")
"""What a class written in C has as members, but are places in memory."""

_BASES: Final = (
    (type, FORM_CLASS),
    (types.FunctionType, FORM_FUNCTION),
    (types.MethodType, FORM_METHOD),
    (types.BuiltinMethodType, FORM_METHOD),
    (types.ModuleType, FORM_MODULE),
    (BaseException, FORM_EXCEPTION),
    (list, FORM_LIST),
    (dict, FORM_DICT),
    (set, FORM_SET),
    (frozenset, FORM_FROZENSET),
    (tuple, FORM_TUPLE),
)
_DICTS: Final = (types.GetSetDescriptorType, types.MemberDescriptorType)
"""What a type has for ``__dict__``; SimpleNamespace a member."""
WRAPPED: Final = (int, float, complex, str, bytes, bytearray)
"""What a value may be beside having attributes; it is cut as a plain one is."""


class Layout:
    """What the instances of a type hold.

    Attributes:
        number: the type's number in the log.
        form: the form of its instances.
        slots: what reads each slot, by the slot's name; for a named tuple its fields.
        owners: a weak reference to the class that has the slot, by the slot's name. Fields have
            none.
        dict_of: returns an instance's ``__dict__``; None where it has none.
        base: which of `WRAPPED` the instances are; else None.
        reading: what else is read of them if their type, or one of its bases, is a known type.
        alive: a weak reference to the type; None to one that is there for good.
        formatter: by what name there is a formatter for it, the caller's to set; else None.
    """

    __slots__ = (
        "alive",
        "base",
        "dict_of",
        "form",
        "formatter",
        "number",
        "owners",
        "reading",
        "slots",
    )

    def __init__(
        self,
        form: int,
        slots: dict[str, Reader],
        owners: dict[str, ref[type]],
        dict_of: Callable[[Any], Any] | None,
        base: type | None,
        alive: ref[type] | None,
    ) -> None:
        self.number = 0
        self.form = form
        self.slots = slots
        self.owners = owners
        self.dict_of = dict_of
        self.base = base
        self.reading: Reading | None = None
        self.alive = alive
        self.formatter: str | None = None

    def is_of(self, kind: type) -> bool:
        """Tell whether the type that this was told of is there, and is `kind`.

        Types are not kept alive; the id of one that is gone may be another's.
        """
        return self.alive is None or self.alive() is kind


def layout_of(kind: type) -> Layout:
    """Return the layout of a type's instances; the number is the caller's to set."""
    mro = mro_of(kind)
    form = next((form for base, form in _BASES if has(mro, base)), FORM_INSTANCE)
    slots: dict[str, Reader] = {}
    owners: dict[str, ref[type]] = {}
    dict_of = None
    base: type | None = next((base for base in WRAPPED if has(mro, base)), None)
    is_enumeration = _is_enumeration(kind)
    reading, place = reading_of(mro)
    if is_enumeration or base is not None or (form != FORM_INSTANCE and _form(reading) != form):
        reading = None
    if form not in (FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE):
        # What a known class keeps in slots is read as it says.
        owners, dict_of = _owners_of(mro[:place] if reading else mro), _dict_of(mro)
        slots = {
            name: slot_reader(owner, name, types.MemberDescriptorType)
            for name, owner in owners.items()
        }
    if is_enumeration:
        form, slots, owners, base = FORM_ENUM, {}, {}, None
    elif base is not None:
        form = FORM_WRAPPED
    elif reading is not None:
        form = reading.form
    elif form == FORM_TUPLE and (fields := _fields_of(mro)):
        form = FORM_NAMED_TUPLE
        slots, owners = {name: _item_reader(index) for index, name in enumerate(fields)}, {}
    elif form == FORM_INSTANCE and dict_of is None and not slots:
        form = FORM_OPAQUE
    layout = Layout(form, slots, owners, dict_of, base, _alive(kind))
    layout.reading = reading
    return layout


def _form(reading: Reading | None) -> int | None:
    return None if reading is None else reading.form


def _alive(kind: type) -> ref[type] | None:
    """Return a weak reference that the program does not see.

    A class has one without a callback from each of its bases (add_subclass, Objects/typeobject.c),
    and there is never more than one such (get_basic_refs, Objects/weakrefobject.c): it is the same.
    """
    return ref(kind) if flags_of(kind) & IS_HEAP_TYPE else None


def _owners_of(mro: tuple[type, ...]) -> dict[str, ref[type]]:
    """Return which class has each slot, by the slot's name."""
    owners: dict[str, ref[type]] = {}
    for base in reversed(mro):
        # The fields of the types that CPython is made of are of no interest.
        if not flags_of(base) & IS_HEAP_TYPE:
            continue
        alive = ref(base)
        for name, descriptor in entries(base):
            if type(descriptor) is types.MemberDescriptorType and name not in _OFFSETS:
                owners[name] = alive
    return owners


def _dict_of(mro: tuple[type, ...]) -> Callable[[Any], Any] | None:
    for base in mro:
        descriptor = entry(base, "__dict__")
        # A class may be made with another one's there. In 3.15 all have the same, of object.
        if type(descriptor) in _DICTS and (
            descriptor.__objclass__ is base or descriptor.__objclass__ is object
        ):
            if instance_dict is not None:
                found: Callable[[Any], Any] = instance_dict
                return found
            if not flags_of(base) & IS_HEAP_TYPE:
                # It is there for good.
                return descriptor.__get__  # type: ignore[no-any-return]
            return slot_reader(ref(base), "__dict__", type(descriptor))
    return None


def _fields_of(mro: tuple[type, ...]) -> tuple[str, ...]:
    for base in mro:
        fields = entry(base, "_fields")
        if type(fields) is tuple and all(type(name) is str for name in fields):
            return fields
    return ()


def _item_reader(index: int) -> Reader:
    return lambda value: tuple.__getitem__(value, index)


def _is_enumeration(kind: type) -> bool:
    # By its name: the module is not ours to import, and sys.modules is the program's.
    return any(
        class_name(base) == "EnumType" and type_name(base) == "enum.EnumType"
        for base in mro_of(type(kind))
    )
