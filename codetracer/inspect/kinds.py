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
    "IS_EXCEPTION",
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

IS_EXCEPTION: Final = 1 << 30
"""The flag of exceptions' types (Py_TPFLAGS_BASE_EXC_SUBCLASS)."""


def type_name(kind: type) -> str:
    """Return a type's module and qualified name; only the qualified name for a builtin."""
    # A class keeps its module in its namespace, which may have keys of the program's own types.
    is_heap = flags_of(kind) & IS_HEAP_TYPE
    module = entry(kind, "__module__") if is_heap else _module_of(kind)
    name = class_name(kind)
    return name if type(module) is not str or module == "builtins" else f"{module}.{name}"


def class_name(kind: type) -> str:
    """Return a class's qualified name."""
    name: str = _qualname_of(kind)
    # The program may have set the name to an instance of a subclass of str, with other methods.
    return name if type(name) is str else str.__str__(name)


def has(mro: tuple[type, ...], wanted: type) -> bool:
    """Return whether `mro` contains the type `wanted`."""
    # Not `in`: a metaclass may define __eq__.
    return any(base is wanted for base in mro)


def entries(kind: type) -> list[tuple[str, object]]:
    """Return the items of a class's namespace whose keys are exactly of the type str."""
    # A lookup, or a comparison before the type is known, would call the __eq__ of other keys.
    namespace: Mapping[str, object] = namespace_of(kind)
    return [(name, value) for name, value in list(namespace.items()) if type(name) is str]


def entry(kind: type, wanted: str) -> Any:
    """Return the value with a name in a class's own namespace, or None."""
    return next((value for name, value in entries(kind) if name == wanted), None)


def is_immutable(kind: type) -> bool:
    """Return whether a type cannot be changed, as most types in C (Py_TPFLAGS_IMMUTABLETYPE)."""
    return bool(flags_of(kind) & _IS_IMMUTABLE)


def is_of_cpython(kind: type) -> bool:
    """Return whether the interpreter defines a type (_Py_TPFLAGS_STATIC_BUILTIN, since 3.12)."""
    return bool(flags_of(kind) & _IS_STATIC_BUILTIN)


def slot_reader(alive: ref[type], name: str, kind: object) -> Callable[[Any], object]:
    """Return a function that reads an attribute of an instance by a descriptor of its class.

    The function does not keep the descriptor, because that keeps its class alive, and so the
    globals of the class's methods. An instance keeps the class alive when the function is called.

    Parameters:
        alive: a weak reference to the class that has the descriptor.
        name: the name of the attribute.
        kind: the type of the descriptor.

    Returns:
        The function. It raises AttributeError if the class no longer has a descriptor of this type,
        or the descriptor belongs to another class.
    """
    # A class's namespace can get keys that are not strings only when the class is made.
    base = alive()
    is_plain = base is not None and all(type(key) is str for key in namespace_of(base))

    def read(value: object) -> object:
        found = alive()
        descriptor: Any = None
        if found is not None:
            descriptor = namespace_of(found).get(name) if is_plain else entry(found, name)
        if type(descriptor) is not kind:
            # The program has replaced the descriptor.
            raise AttributeError(name)
        try:
            return descriptor.__get__(value)
        except TypeError as error:
            if not began_here(error):
                raise
            # The descriptor belongs to another class.
            raise AttributeError(name) from None

    return read
