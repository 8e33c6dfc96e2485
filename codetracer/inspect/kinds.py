"""Finds out what a type is without running code of it or of its metaclass."""

from __future__ import annotations

from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final
    from weakref import ref

__all__ = [
    "IS_HEAP_TYPE",
    "class_name",
    "entries",
    "entry",
    "flags_of",
    "has",
    "is_immutable",
    "is_of_cpython",
    "mro_of",
    "namespace_of",
    "slot_reader",
    "type_name",
]

seal(globals())

mro_of: Final = type.__dict__["__mro__"].__get__
namespace_of: Final = type.__dict__["__dict__"].__get__
flags_of: Final = type.__dict__["__flags__"].__get__
_qualname_of: Final = type.__dict__["__qualname__"].__get__
_module_of: Final = type.__dict__["__module__"].__get__
IS_HEAP_TYPE: Final = 1 << 9
_IS_IMMUTABLE: Final = 1 << 8
_IS_STATIC_BUILTIN: Final = 1 << 1


def type_name(kind: type) -> str:
    """Return a type's module and qualified name; the latter alone for a builtin."""
    # In CPython a class keeps it in its namespace, where a key may be the program's.
    is_heap = flags_of(kind) & IS_HEAP_TYPE
    module = entry(kind, "__module__") if is_heap else _module_of(kind)
    name = class_name(kind)
    return name if type(module) is not str or module == "builtins" else f"{module}.{name}"


def class_name(kind: type) -> str:
    """Return a class's qualified name."""
    name: str = _qualname_of(kind)
    # It may be set to an instance of a subclass, whose methods are the program's.
    return name if type(name) is str else str.__str__(name)


def has(mro: tuple[type, ...], wanted: type) -> bool:
    """Tell whether a type is among others."""
    # Not `in`: a metaclass may define __eq__.
    return any(base is wanted for base in mro)


def entries(kind: type) -> list[tuple[str, object]]:
    """Return what is in a class's namespace under names that are strings."""
    # Not by a lookup, not compared before their type is known: other keys may have an __eq__.
    namespace: Mapping[str, object] = namespace_of(kind)
    return [(name, value) for name, value in list(namespace.items()) if type(name) is str]


def entry(kind: type, wanted: str) -> Any:
    """Return what a class has in its own namespace by a name, or None."""
    return next((value for name, value in entries(kind) if name == wanted), None)


def is_immutable(kind: type) -> bool:
    """Tell whether a type is written in C, and stays as it is (Py_TPFLAGS_IMMUTABLETYPE)."""
    return bool(flags_of(kind) & _IS_IMMUTABLE)


def is_of_cpython(kind: type) -> bool:
    """Tell whether a type is one of the interpreter's own (_Py_TPFLAGS_STATIC_BUILTIN, 3.12 on)."""
    return bool(flags_of(kind) & _IS_STATIC_BUILTIN)


def slot_reader(alive: ref[type], name: str, kind: object) -> Callable[[Any], object]:
    """Return what reads an attribute by a descriptor of this kind of the class that is `alive`.

    A descriptor keeps its class alive, and with it the globals of its methods. The class is there
    as long as an instance is.
    """
    # Only when a class is made can its namespace be given keys that are no strings.
    base = alive()
    is_plain = base is not None and all(type(key) is str for key in namespace_of(base))

    def read(value: object) -> object:
        found = alive()
        descriptor: Any = None
        if found is not None:
            descriptor = namespace_of(found).get(name) if is_plain else entry(found, name)
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
