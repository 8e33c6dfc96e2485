"""Finds the attributes and items of a type's instances, and how to read them passively.

Everything is read through descriptors that CPython itself puts into types. No attribute is looked
up on an instance or type of the program, and none of their methods is called.
"""

from __future__ import annotations

import types
from _weakref import ref
from importlib import import_module

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
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.known import reading_of
from codetracer.whose import began_here
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

__all__ = ["WRAPPED", "Layout", "instance_dict", "layout_of"]

seal(globals())

instance_dict: Any
"""Returns the content of an instance's dict without creating a dict; None without the C module."""
try:
    instance_dict = import_module("codetracer_bindings._engine").instance_dict
except ImportError:
    instance_dict = None

_OFFSETS: Final = ("__dictoffset__", "__vectorcalloffset__", "__weaklistoffset__")
"""Members of classes in C that are offsets in memory, and not attributes."""

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
"""The types of the descriptor ``__dict__``; that of SimpleNamespace is a member."""
WRAPPED: Final = (int, float, complex, str, bytes, bytearray)
"""Types whose subclasses are recorded as a plain value with attributes. The plain value is cut like
any other."""


class Layout:
    """The content of a type's instances, and the way to read it.

    Attributes:
        number: the type's number in the log.
        form: the form of its instances.
        slots: a function that reads each slot, by the slot's name; for a named tuple, each field.
        owners: a weak reference to the class that has the slot, by the slot's name; fields have
            none.
        dict_of: a function that returns an instance's ``__dict__``; None if there is none.
        base: the type in `WRAPPED` that the instances are derived from; None for none.
        reading: more reads, if the type or one of its bases is a known type; else None.
        alive: a weak reference to the type; None for a type that lives as long as the process.
        formatter: the name under which the type has a formatter, which the caller sets; else None.
        is_announced: whether each new instance is seen, because its ``__init__`` is recorded.
    """

    __slots__ = (
        "alive",
        "base",
        "dict_of",
        "form",
        "formatter",
        "is_announced",
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
        self.is_announced = False

    def own_attribute(self, value: Any, name: str, default: object) -> Any:
        """Return what an instance itself has under a name, in a slot or in its dict."""
        read = self.slots.get(name)
        try:
            if read is not None:
                return read(value)
            namespace = None if self.dict_of is None else self.dict_of(value)
        except (AttributeError, IndexError) as error:
            if not began_here(error):
                raise
            return default
        return find(namespace, name, default) if type(namespace) is dict else default

    def is_of(self, kind: type) -> bool:
        """Return whether this is the layout of `kind`.

        Types are not kept alive, so the id of a deleted type may now be that of another.
        """
        return self.alive is None or self.alive() is kind


def layout_of(kind: type) -> Layout:
    """Return the layout of a type's instances; the caller sets its number."""
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
        # The slots of a known class are read only as its row says.
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
    """Return a weak reference to a type that adds none to those that the program can see.

    Each base of a class has a weak reference without a callback to it (add_subclass,
    Objects/typeobject.c), and an object has at most one such reference (get_basic_refs,
    Objects/weakrefobject.c). So this is that reference.
    """
    return ref(kind) if flags_of(kind) & IS_HEAP_TYPE else None


def _owners_of(mro: tuple[type, ...]) -> dict[str, ref[type]]:
    """Return the class that has each slot, by the slot's name."""
    owners: dict[str, ref[type]] = {}
    for base in reversed(mro):
        # The members of CPython's own static types are not recorded.
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
        # A class may have another class's descriptor. In 3.15 all classes share that of object.
        if type(descriptor) in _DICTS and (
            descriptor.__objclass__ is base or descriptor.__objclass__ is object
        ):
            if instance_dict is not None:
                found: Callable[[Any], Any] = instance_dict
                return found
            if not flags_of(base) & IS_HEAP_TYPE:
                # A static type is never deleted.
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
    # By the name, because recording must not import enum, and the program may change sys.modules.
    return any(
        class_name(base) == "EnumType" and type_name(base) == "enum.EnumType"
        for base in mro_of(type(kind))
    )
