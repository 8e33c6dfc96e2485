"""What an instance of a type holds, and how to read it without running the program's code.

Everything is read through the descriptors that CPython itself puts into types: no attribute is
looked up on an instance or on a type of the program's, no method of theirs is called.
"""

from __future__ import annotations

import types
from collections import deque
from importlib import import_module
from weakref import ref

from codetracer.own import seal
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
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    type Reader = Callable[[Any], object]

__all__ = ["WRAPPED", "Layout", "class_name", "layout_of", "type_name"]

seal(globals())

instance_dict: Any
"""Returns what an instance has in its dict, and makes none where it has none: in C alone."""
try:
    instance_dict = import_module("codetracer_bindings._engine").instance_dict
except ImportError:
    instance_dict = None

_mro_of: Final = type.__dict__["__mro__"].__get__
_namespace_of: Final = type.__dict__["__dict__"].__get__
_qualname_of: Final = type.__dict__["__qualname__"].__get__
_module_of: Final = type.__dict__["__module__"].__get__
_flags_of: Final = type.__dict__["__flags__"].__get__
_IS_HEAP_TYPE: Final = 1 << 9
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
        base: which of `WRAPPED` the instances are, or deque; else None.
        alive: a weak reference to the type; None to one that is there for good.
    """

    __slots__ = ("alive", "base", "dict_of", "form", "number", "owners", "slots")

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
        self.alive = alive

    def is_of(self, kind: type) -> bool:
        """Tell whether the type that this was told of is there, and is `kind`.

        Types are not kept alive; the id of one that is gone may be another's.
        """
        return self.alive is None or self.alive() is kind


def layout_of(kind: type) -> Layout:
    """Return the layout of a type's instances; the number is the caller's to set."""
    mro = _mro_of(kind)
    form = next((form for base, form in _BASES if _has(mro, base)), FORM_INSTANCE)
    slots: dict[str, Reader] = {}
    owners: dict[str, ref[type]] = {}
    dict_of = None
    if form not in (FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE):
        owners, dict_of = _owners_of(mro), _dict_of(mro)
        slots = {
            name: _reader_of(owner, name, types.MemberDescriptorType)
            for name, owner in owners.items()
        }
    base: type | None = next((base for base in WRAPPED if _has(mro, base)), None)
    if _is_enumeration(kind):
        form, slots, owners, base = FORM_ENUM, {}, {}, None
    elif base is not None:
        form = FORM_WRAPPED
    elif form == FORM_TUPLE and (fields := _fields_of(mro)):
        form = FORM_NAMED_TUPLE
        slots, owners = {name: _item_reader(index) for index, name in enumerate(fields)}, {}
    elif form == FORM_INSTANCE and dict_of is None and not slots:
        form = FORM_OPAQUE
        if kind is deque:
            form, base = FORM_LIST, deque
    return Layout(form, slots, owners, dict_of, base, _alive(kind))


def type_name(kind: type) -> str:
    """Return a type's module and qualified name; the latter alone for a builtin."""
    # In CPython a class keeps it in its namespace, where a key may be the program's.
    is_heap = _flags_of(kind) & _IS_HEAP_TYPE
    module = _entry(kind, "__module__") if is_heap else _module_of(kind)
    name = class_name(kind)
    return name if type(module) is not str or module == "builtins" else f"{module}.{name}"


def class_name(kind: type) -> str:
    """Return a class's qualified name."""
    name: str = _qualname_of(kind)
    # It may be set to an instance of a subclass, whose methods are the program's.
    return name if type(name) is str else str.__str__(name)


def _has(mro: tuple[type, ...], wanted: type) -> bool:
    # Not `in`: a metaclass may define __eq__.
    return any(base is wanted for base in mro)


def _alive(kind: type) -> ref[type] | None:
    """Return a weak reference that the program does not see.

    A class has one without a callback from each of its bases (add_subclass, Objects/typeobject.c),
    and there is never more than one such (get_basic_refs, Objects/weakrefobject.c): it is the same.
    """
    return ref(kind) if _flags_of(kind) & _IS_HEAP_TYPE else None


def _owners_of(mro: tuple[type, ...]) -> dict[str, ref[type]]:
    """Return which class has each slot, by the slot's name."""
    owners: dict[str, ref[type]] = {}
    for base in reversed(mro):
        # The fields of the types that CPython is made of are of no interest.
        if not _flags_of(base) & _IS_HEAP_TYPE:
            continue
        alive = ref(base)
        for name, descriptor in _items(base):
            if type(descriptor) is types.MemberDescriptorType and name not in _OFFSETS:
                owners[name] = alive
    return owners


def _dict_of(mro: tuple[type, ...]) -> Callable[[Any], Any] | None:
    for base in mro:
        descriptor = _entry(base, "__dict__")
        # A class may be made with another one's there. In 3.15 all have the same, of object.
        if type(descriptor) is types.GetSetDescriptorType and (
            descriptor.__objclass__ is base or descriptor.__objclass__ is object
        ):
            if instance_dict is not None:
                found: Callable[[Any], Any] = instance_dict
                return found
            if not _flags_of(base) & _IS_HEAP_TYPE:
                # It is there for good.
                return descriptor.__get__
            return _reader_of(ref(base), "__dict__", types.GetSetDescriptorType)
    return None


def _reader_of(alive: ref[type], name: str, kind: object) -> Reader:
    """Return what reads an attribute by a descriptor of this kind of the class that is `alive`.

    A descriptor keeps its class alive, and with it the globals of its methods. The class is there
    as long as an instance is.
    """
    # Only when a class is made can its namespace be given keys that are no strings.
    base = alive()
    is_plain = base is not None and all(type(key) is str for key in _namespace_of(base))

    def read(value: object) -> object:
        found = alive()
        descriptor: Any = None
        if found is not None:
            descriptor = _namespace_of(found).get(name) if is_plain else _entry(found, name)
        if type(descriptor) is not kind:
            # The program has put something else there.
            raise AttributeError(name)
        try:
            return descriptor.__get__(value)
        except TypeError as error:
            if not began_here(error):
                raise
            # It is another class's.
            raise AttributeError(name) from None

    return read


def _fields_of(mro: tuple[type, ...]) -> tuple[str, ...]:
    for base in mro:
        fields = _entry(base, "_fields")
        if type(fields) is tuple and all(type(name) is str for name in fields):
            return fields
    return ()


def _item_reader(index: int) -> Reader:
    return lambda value: tuple.__getitem__(value, index)


def _items(kind: type) -> list[tuple[str, object]]:
    """Return what is in a class's namespace under names that are strings."""
    # Not by a lookup, not compared before their type is known: other keys may have an __eq__.
    namespace: Mapping[str, object] = _namespace_of(kind)
    return [(name, value) for name, value in list(namespace.items()) if type(name) is str]


def _entry(kind: type, wanted: str) -> Any:
    return next((value for name, value in _items(kind) if name == wanted), None)


def _is_enumeration(kind: type) -> bool:
    # By its name: the module is not ours to import, and sys.modules is the program's.
    return any(
        class_name(base) == "EnumType" and type_name(base) == "enum.EnumType"
        for base in _mro_of(type(kind))
    )
