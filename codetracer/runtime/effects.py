"""Says what a callable can change that is not recorded itself.

A function that is recorded with values reports its own changes; one that is recorded without them
counts here as one that is not recorded. A function or method in C is found by its identity in a
table. Everything else may change any object.
"""

from __future__ import annotations

import itertools
import sys
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)

from codetracer.inspect.kinds import (
    IS_HEAP_TYPE,
    entry,
    flags_of,
    has,
    is_immutable,
    is_of_cpython,
    mro_of,
    namespace_of,
)
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.layouts import instance_dict
from codetracer_bindings.effect_rows import DERIVED, FUNCTIONS, METHODS, PYTHON, TEXTS
from codetracer_bindings.trace_format import DETAIL_VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Mapping
    from functools import _lru_cache_wrapper, partial
    from types import CodeType
    from typing import Any, Final

    from codetracer.runtime.plans import Plan
else:
    # `collections` and `functools` take a millisecond, and are written in Python.
    from _collections import deque
    from _functools import _lru_cache_wrapper, partial

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

_LIBRARY: Final = f"{getattr(sys, '_stdlib_dir', None) or '<unknown>'}/"
"""The folder of the standard library."""

_EMPTY: Final[dict[str, str]] = {}
CONTAINERS: Final = (list, tuple, dict, set, frozenset, str, bytes, range)
"""Types that give the same items each time, and make none."""
ITERATORS: Final = (
    GeneratorType,
    enumerate,
    reversed,
    zip,
    itertools.chain,
    itertools.combinations,
    itertools.count,
    itertools.cycle,
    itertools.islice,
    itertools.pairwise,
    itertools.permutations,
    itertools.product,
    itertools.repeat,
    itertools.zip_longest,
    *(type(iter(kind())) for kind in (list, tuple, dict, set, str, bytes, deque)),
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
    if kind is GetSetDescriptorType or kind is MemberDescriptorType:
        return effects.of(found) == NOTHING
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
        self.plain: dict[int, object] = {}
        # The modules from which nothing has been taken in.
        self._left = [*_MODULES]

    def learn(self) -> bool:
        """Take in the functions and types of modules that have been imported meanwhile.

        Returns:
            Whether that was all there is: a module that is being imported is taken in at its end.
        """
        is_all = True
        for name in [*self._left]:
            module = sys.modules.get(name)
            if type(module) is not ModuleType:
                continue
            namespace = _module_dict_of(module)
            if _is_being_imported(namespace):
                is_all = False
            else:
                self._left.remove(name)
                self._learn(name, namespace)
        return is_all

    def _learn(self, module: str, namespace: dict[str, Any]) -> None:
        for kind_name, home in _TYPES.get(module, ()):
            kind = find(namespace, kind_name, None)
            if type(kind) is not type:
                continue
            nothing, changing, old, plain = METHODS[home]
            for each in self._derived(kind) if home in DERIVED else (kind,):
                self._add(namespace_of(each), nothing, NOTHING)
                self._add(namespace_of(each), changing, RECEIVER)
                self._add(namespace_of(each), old, NOTHING)
                self._add_plain(namespace_of(each), plain)
            if kind is str:
                self.texts.update((id(found), found) for found in _found(namespace_of(str), TEXTS))
        nothing, changing, plain = FUNCTIONS.get(module, ("", "", ""))
        self._add(namespace, nothing, NOTHING)
        self._add(namespace, changing, ARGUMENTS)
        self._add_plain(namespace, plain)
        texts = PYTHON.get(module, ("", "", ""))
        for effect, text in zip((NOTHING, RECEIVER, ARGUMENTS), texts, strict=True):
            codes = [_code_in(namespace, each) for each in text.split()]
            self.known.update((id(each), (effect, each)) for each in codes if each is not None)

    def _derived(self, kind: type) -> list[type]:
        """Return a type, and CPython's own types that are derived from it."""
        found = [kind]
        for each in found:
            found += [derived for derived in _subclasses_of(each) if is_of_cpython(derived)]
        return found

    def _add(self, namespace: Any, names: str, effect: int) -> None:
        for found in _found(namespace, names.split()):
            if type(found) is type:
                is_native = is_immutable(found)
            else:
                is_native = any(type(found) is kind for kind in _NATIVE)
            if is_native:
                self.known[id(found)] = effect, found

    def _add_plain(self, namespace: Any, names: str) -> None:
        for found in _found(namespace, names.split()):
            # The program may have put another function in its place.
            if id(found) in self.known:
                self.plain[id(found)] = found

    def of(self, found: Any) -> int:
        """Return what a callable may have changed in a line in which no call of it was recorded."""
        known = self.known.get(id(found))
        if known is not None:
            return known[0]
        kind = type(found)
        if kind is FunctionType:
            return self._of_function(found)
        if kind is _CLASS_METHOD or kind is _STATIC_METHOD:
            # The object whose method it is is not the first argument.
            return NOTHING if self._of_wrapped(found.__func__) == NOTHING else UNKNOWN
        if has(mro_of(kind), type):
            return self._of_class(found)
        owner, effect = self.of_bound(found)
        # It changes the object that it is bound to, which the caller does not see.
        return effect if effect == NOTHING or owner is None else UNKNOWN

    def _of_function(self, found: FunctionType) -> int:
        if not self.is_unrecorded(found.__code__):
            return NOTHING
        known = self.known.get(id(found.__code__))
        return UNKNOWN if known is None else known[0]

    def _of_wrapped(self, found: Any) -> int:
        """Return what something changes that a callable calls. Others might wrap themselves."""
        known = self.known.get(id(found))
        if known is not None:
            return known[0]
        return self._of_function(found) if type(found) is FunctionType else UNKNOWN

    def _of_object(self, found: Any, kind: type) -> int:
        """Return what an object changes that is called as a function."""
        if kind is partial:
            called = _func_of(found)
        elif kind is _lru_cache_wrapper:
            namespace = _wrapper_dict_of(found)
            called = find(namespace, "__wrapped__", None) if type(namespace) is dict else None
        else:
            called = lookup_in_class(kind, "__call__")
        if id(called) in self.known:
            return NOTHING if self.known[id(called)][0] == NOTHING else UNKNOWN
        return self._of_called(called)

    def _of_called(self, called: Any) -> int:
        """Return what a function or a class changes. Anything else might call itself."""
        if has(mro_of(type(called)), type):
            return self._of_class(called)
        return self._of_wrapped(called)

    def of_bound(self, found: Any) -> tuple[Any, int]:
        """Return the object to which a method is bound, or None; and what the method changes."""
        kind = type(found)
        if kind is MethodType:
            return found.__self__, self._of_called(found.__func__)
        if not has(mro_of(kind), BuiltinFunctionType):
            return None, self._of_object(found, kind)
        owner, name = found.__self__, found.__name__
        # A class of the program may have another method of that name.
        bases = mro_of(owner) if has(mro_of(type(owner)), type) else mro_of(type(owner))
        entries = [_own(base, name) for base in bases]
        methods = [each for each in entries if any(type(each) is kind for kind in _DESCRIPTORS)]
        return owner, self._worst(methods)

    def of_inherited(self, owner: Any, name: str) -> int:
        """Return what a method of any base of an object changes, or of a class and its class."""
        bases = mro_of(type(owner))
        if type(owner) is type:
            # Its bases have all that its class has from `object`.
            bases = mro_of(owner) or ()
        elif has(bases, type):
            bases = (*(mro_of(owner) or ()), *bases)
        return self._worst(found for base in bases if (found := _own(base, name)) is not None)

    def _worst(self, found: Iterable[object]) -> int:
        """Return the worst of the effects of several callables; UNKNOWN if there is none."""
        return max((self.of(each) for each in found), default=UNKNOWN)

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
        call = lookup_in_class(type(kind), "__call__")
        if call is not _TYPE_CALL:
            # A metaclass has its own.
            return self._of_function(call) if type(call) is FunctionType else UNKNOWN
        for name in ("__new__", "__init__"):
            found: Any = lookup_in_class(kind, name)
            wrapped: Any = found.__func__ if type(found) is _STATIC_METHOD else found
            effect = self._of_wrapped(wrapped)
            # Others take items from what they are given.
            keeps_to_itself = type(found) is FunctionType or has(mro_of(kind), BaseException)
            if effect != NOTHING and not (effect == RECEIVER and keeps_to_itself):
                return UNKNOWN
        return NOTHING


def lookup_in_class(kind: type, name: str) -> object:
    """Return what a class or its bases have under a name, as it is; None if they have nothing.

    None itself counts as nothing.
    """
    # A class has no bases yet while the `mro` of its class runs.
    for base in mro_of(kind) or ():
        found = _own(base, name)
        if found is not None:
            return found
    return None


def _reports(plan: Plan | None) -> bool:
    return plan is not None and plan.detail == DETAIL_VALUES


def _own(kind: type, name: str) -> object:
    """Return what a class itself has under a name, as it is; None if it has nothing."""
    # A lookup in the namespace of a class of the program may run code of its keys.
    is_heap = flags_of(kind) & IS_HEAP_TYPE
    return entry(kind, name) if is_heap else namespace_of(kind).get(name)


def _code_in(namespace: dict[str, Any], wanted: str) -> object:
    """Return the code of a function of the standard library, or the function if it is in C.

    None if it is not there, or if the program has put another one in its place.
    """
    first, _, method = wanted.partition(".")
    found = find(namespace, first, None)
    if method:
        found = _own(found, method) if has(mro_of(type(found)), type) else None
    if type(found) is BuiltinFunctionType:
        return found
    if type(found) is not FunctionType:
        return None
    code = found.__code__
    file = str.__str__(code.co_filename)
    is_own = file.startswith((_LIBRARY, "<frozen ")) and "-packages" not in file
    # On 3.15, re.match is called re.prefixmatch, too.
    return code if is_own and str.__str__(code.co_qualname).endswith(wanted) else None


def _is_being_imported(namespace: dict[str, Any]) -> bool:
    """Return whether a module may lack names in its namespace as yet, or have others there."""
    spec = find(namespace, "__spec__", None)
    # importlib._bootstrap sets it as long as that goes on.
    return type(spec) is _SPEC and find(_spec_dict_of(spec), "_initializing", None) is True


def _found(namespace: Any, names: Iterable[str]) -> list[object]:
    return [namespace[name] for name in names if name in namespace]


_module_dict_of: Final[Callable[[ModuleType], dict[str, Any]]] = vars(ModuleType)[
    "__dict__"
].__get__
_SPEC: Final[Any] = type(sys.__spec__)
_spec_dict_of: Final[Any] = instance_dict or vars(_SPEC)["__dict__"].__get__
_TYPES: Final[dict[str, list[tuple[str, str]]]] = {}
"""The types whose methods are known: their names and keys in METHODS, by module."""
for _home in METHODS:
    _module, _, _name = _home.rpartition(".")
    _TYPES.setdefault(_module or "builtins", []).append((_name, _home))
_MODULES: Final = dict.fromkeys((*_TYPES, *FUNCTIONS, *PYTHON))
"""The modules whose functions and types are known."""
_TYPE_CALL: Final = namespace_of(type)["__call__"]
_CLASS_METHOD: Final[Any] = classmethod
_STATIC_METHOD: Final[Any] = staticmethod
_subclasses_of: Final[Callable[[type], list[type]]] = type.__subclasses__
_DESCRIPTORS: Final = (ClassMethodDescriptorType, MethodDescriptorType)
_func_of: Final = vars(partial)["func"].__get__
_wrapper_dict_of: Final[Any] = instance_dict or vars(_lru_cache_wrapper)["__dict__"].__get__
_NATIVE: Final = (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    _STATIC_METHOD,
)
"""The types of what is written in C; the program may have replaced others."""
