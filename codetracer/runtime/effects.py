"""Says what a callable can change that is not recorded itself.

A function that is recorded with values reports its own changes; one that is recorded without them
counts here as one that is not recorded. A function or method in C is found by its identity in a
table. Everything else may change any object.
"""

from __future__ import annotations

import sys
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)

from codetracer.inspect.kinds import IS_HEAP_TYPE, entry, flags_of, mro_of, namespace_of
from codetracer.own import seal
from codetracer_bindings.effect_rows import FUNCTIONS, METHODS, TEXTS
from codetracer_bindings.trace_format import DETAIL_VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType
    from typing import Any, Final

    from codetracer.runtime.plans import Plan

__all__ = [
    "ARGUMENTS",
    "CONTAINERS",
    "ITERATORS",
    "NOTHING",
    "RECEIVER",
    "UNKNOWN",
    "Effects",
    "is_old_attribute",
    "lookup_in_class",
    "makes",
]

seal(globals())

NOTHING: Final = 0
RECEIVER: Final = 1
"""The object whose method it is may change, and no other."""
ARGUMENTS: Final = 2
"""The objects that are named in the line may change, and those close to them."""
UNKNOWN: Final = 3
"""Any object may change."""

_EMPTY: Final[dict[str, str]] = {}
CONTAINERS: Final = (list, tuple, dict, set, frozenset, str, bytes, range)
"""Types that give the same items each time, and make none."""
ITERATORS: Final = (
    GeneratorType,
    enumerate,
    reversed,
    zip,
    *(type(iter(kind())) for kind in (list, tuple, dict, set, str, bytes)),
    *(type(each) for each in (_EMPTY.keys(), _EMPTY.values(), _EMPTY.items())),
    *(type(iter(each)) for each in (_EMPTY.values(), _EMPTY.items(), range(0), range(1 << 70))),
)
"""Types of iterators that run no code; a generator runs its own, which is recorded or not."""

_MAKING: Final = frozenset(("__init__", "__new__", "__post_init__"))
"""Functions that get an object that has just been made."""


def is_old_attribute(effects: Effects, found: Any) -> bool:
    """Return whether what a class has under a name is, or gives, an object that exists already."""
    kind = type(found)
    if kind is property:
        return effects.of(found.fget) == NOTHING
    # Other descriptors, such as functions, give new objects.
    return lookup_in_class(kind, "__get__") is None


def makes(name: str) -> bool:
    """Return whether a function of that name gets an object that has just been made."""
    return name in _MAKING


class Effects:
    """Finds out what callables change.

    Parameters:
        plans: the plans of all code that has run, as `codetracer.runtime.plans.Plans` has them.
    """

    def __init__(self, plans: Mapping[int, tuple[bytes, Plan | None]]) -> None:
        self._plans = plans
        # By id; the values keep the callables alive, which belong to C code.
        self.known: dict[int, tuple[int, object]] = {}
        self.texts: dict[int, object] = {}
        self._modules: set[str] = set()

    def learn(self) -> None:
        """Take in the functions and types of modules that have been imported meanwhile."""
        for home, (nothing, changing) in METHODS.items():
            module, _, name = home.rpartition(".")
            if home not in self._modules and (kind := _type_at(module or "builtins", name)):
                self._modules.add(home)
                self._add(namespace_of(kind), nothing, NOTHING)
                self._add(namespace_of(kind), changing, RECEIVER)
                if kind is str:
                    self.texts.update(
                        (id(found), found) for found in _found(namespace_of(str), TEXTS)
                    )
        for name, (nothing, changing) in FUNCTIONS.items():
            module_found = sys.modules.get(name)
            if name not in self._modules and type(module_found) is ModuleType:
                self._modules.add(name)
                self._add(_module_dict_of(module_found), nothing, NOTHING)
                self._add(_module_dict_of(module_found), changing, ARGUMENTS)

    def _add(self, namespace: Any, names: str, effect: int) -> None:
        for found in _found(namespace, names.split()):
            if any(type(found) is kind for kind in _NATIVE):
                self.known[id(found)] = effect, found

    def of(self, found: Any) -> int:
        """Return what a callable may have changed in a line in which no call of it was recorded."""
        known = self.known.get(id(found))
        if known is not None:
            return known[0]
        kind = type(found)
        if kind is FunctionType:
            return UNKNOWN if self.is_unrecorded(found.__code__) else NOTHING
        if kind is MethodType:
            return self.of(found.__func__)
        if kind is _CLASS_METHOD or kind is _STATIC_METHOD:
            return self.of(found.__func__)
        if kind is type:
            return self._of_class(found)
        return UNKNOWN

    def runs(self, found: Any, code: int) -> bool:
        """Return whether a callable runs the code object with an id."""
        kind = type(found)
        if kind is MethodType or kind is _CLASS_METHOD or kind is _STATIC_METHOD:
            found = found.__func__
        return type(found) is FunctionType and id(found.__code__) == code

    def is_unrecorded(self, code: CodeType) -> bool:
        """Return whether code has run and does not report its changes."""
        known = self._plans.get(id(code))
        return known is not None and known[0] is code.co_linetable and not _reports(known[1])

    def is_recorded(self, found: object) -> bool:
        """Return whether a callable is a function that has run and reports its changes."""
        if type(found) is not FunctionType:
            return False
        known = self._plans.get(id(found.__code__))
        return known is not None and known[0] is found.__code__.co_linetable and _reports(known[1])

    def _of_class(self, kind: type) -> int:
        """Return what making an instance may have changed."""
        for name in ("__new__", "__init__"):
            found = lookup_in_class(kind, name)
            if type(found) is FunctionType and _is_generated(found.__code__):
                # As by dataclasses: it stores into the new instance.
                continue
            if self.of(found) != NOTHING:
                return UNKNOWN
        return NOTHING


def lookup_in_class(kind: type, name: str) -> object:
    """Return what a class or its bases have under a name, as it is; None if they have nothing.

    None itself counts as nothing.
    """
    for base in mro_of(kind):
        # A lookup in the namespace of a class of the program may run code of its keys.
        is_heap = flags_of(base) & IS_HEAP_TYPE
        found: object = entry(base, name) if is_heap else namespace_of(base).get(name)
        if found is not None:
            return found
    return None


def _reports(plan: Plan | None) -> bool:
    return plan is not None and plan.detail == DETAIL_VALUES


def _is_generated(code: CodeType) -> bool:
    return str.__str__(code.co_filename) == "<string>"


def _type_at(module: str, name: str) -> type | None:
    found = sys.modules.get(module)
    kind = None if type(found) is not ModuleType else _module_dict_of(found).get(name)
    return kind if type(kind) is type else None


def _found(namespace: Any, names: Iterable[str]) -> list[object]:
    return [namespace[name] for name in names if name in namespace]


_module_dict_of: Final[Callable[[ModuleType], dict[str, Any]]] = vars(ModuleType)[
    "__dict__"
].__get__
_CLASS_METHOD: Final[Any] = classmethod
_STATIC_METHOD: Final[Any] = staticmethod
_NATIVE: Final = (
    type,
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
    _STATIC_METHOD,
)
"""The types of callables that are written in C; the program may have replaced others."""
