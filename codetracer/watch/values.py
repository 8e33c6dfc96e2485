"""Shows values as short text without running any code of the program.

Contents are shown only of values whose type is exactly a built-in type, and of the ``args`` of
exceptions. Of any other value, only the name of its type is read, without the attribute lookup that
the type or its metaclass may override: no ``__repr__``, ``__len__``, ``__class__``,
``__getattribute__`` or ``__hash__`` of the program is called.
"""

from __future__ import annotations

import types

from codetracer.inspect.kinds import class_name
from codetracer.inspect.lookups import find
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

__all__ = ["describe", "describe_callable", "describe_exception"]

seal(globals())

LONGEST_TEXT: Final = 80
"""The number of shown characters or bytes of a string; ``...`` marks a cut, as in strace."""

LONGEST_INT: Final = 256
"""The largest number of bits of an int that is shown in digits."""

_namespace_of: Final = vars(types.ModuleType)["__dict__"].__get__
_args_of: Final = BaseException.__dict__["args"].__get__


def describe(value: Any) -> str:
    """Return a value as text of one line: ``3``, ``'abc'``, ``<list of 3>``, ``<Point>``."""
    kind = type(value)
    # By id, because hashing a class may call __hash__ of a metaclass of the program.
    describer = _DESCRIBERS.get(id(kind))
    if describer is not None:
        return describer(value)
    # Not isinstance(), which looks up __class__ on the value.
    if issubclass(kind, type):
        return f"<class {class_name(value)}>"
    if issubclass(kind, BaseException):
        return f"<{describe_exception(value)}>"
    return f"<{class_name(kind)}>"


def describe_exception(exception: Any) -> str:
    """Return the last line of a traceback: ``KeyError: 'pear'``, ``ValueError``."""
    name = class_name(type(exception))
    args = _args_of(exception)
    if not args:
        return name
    if len(args) > 1:
        return f"{name}: ({', '.join(describe(arg) for arg in args)})"
    (arg,) = args
    if type(arg) is not str or type(exception) is KeyError:
        return f"{name}: {describe(arg)}"
    cut = arg[:LONGEST_TEXT]
    if not cut.isprintable():
        return f"{name}: {describe(arg)}"
    return f"{name}: {cut}" + ("..." if len(arg) > len(cut) else "")


def describe_callable(value: Any) -> str:
    """Return the name of a called object: ``total``, ``list.append``, ``Point``, ``<partial>``."""
    kind = type(value)
    namer = _CALLABLE_DESCRIBERS.get(id(kind))
    if namer is not None:
        return namer(value)
    if issubclass(kind, type):
        return class_name(value)
    return f"<{class_name(kind)}>"


def _exact(text: str) -> str:
    # A name can be an instance of a subclass of str with a __format__ of the program.
    return text if type(text) is str else str.__str__(text)


def _cut(value: Any) -> str:
    return repr(value) if len(value) <= LONGEST_TEXT else repr(value[:LONGEST_TEXT]) + "..."


def _int(value: int) -> str:
    bits = value.bit_length()
    return repr(value) if bits <= LONGEST_INT else f"<int of {bits} bits>"


def _sized(value: Any) -> str:
    return f"<{type(value).__name__} of {len(value)}>"


def _module(value: types.ModuleType) -> str:
    # Without calling __getattr__ of the module or of a subclass of ModuleType.
    name = find(_namespace_of(value), "__name__", None)
    return f"<module {name}>" if type(name) is str else "<module>"


def _built_in(value: Any) -> str:
    owner = value.__self__
    if owner is None or type(owner) is types.ModuleType:
        return _exact(value.__name__)
    kind = owner if issubclass(type(owner), type) else type(owner)
    return f"{class_name(kind)}.{_exact(value.__name__)}"


def _descriptor(value: Any) -> str:
    return f"{class_name(value.__objclass__)}.{_exact(value.__name__)}"


def _function(value: Any) -> str:
    return _exact(value.__qualname__)


def _method(value: types.MethodType) -> str:
    return describe_callable(value.__func__)


def _bracketed(word: str) -> Callable[[Any], str]:
    return lambda value: f"<{word} {describe_callable(value)}>"


def _by_id(table: dict[type, Callable[[Any], str]]) -> dict[int, Callable[[Any], str]]:
    return {id(kind): function for kind, function in table.items()}


_CALLABLE_DESCRIBERS: Final = _by_id(
    {
        types.FunctionType: _function,
        types.MethodType: _method,
        types.BuiltinFunctionType: _built_in,
        types.MethodDescriptorType: _descriptor,
        types.WrapperDescriptorType: _descriptor,
        types.ClassMethodDescriptorType: _descriptor,
        types.MethodWrapperType: _built_in,
    }
)

_DESCRIBERS: Final = _by_id(
    {
        type(None): repr,
        bool: repr,
        int: _int,
        float: repr,
        complex: repr,
        str: _cut,
        bytes: _cut,
        type(...): repr,
        type(NotImplemented): repr,
        list: _sized,
        tuple: _sized,
        dict: _sized,
        set: _sized,
        frozenset: _sized,
        bytearray: _sized,
        types.ModuleType: _module,
        types.FunctionType: _bracketed("function"),
        types.MethodType: _bracketed("method"),
        types.BuiltinFunctionType: _bracketed("built-in"),
        types.GeneratorType: lambda value: f"<generator {_function(value)}>",
        types.CoroutineType: lambda value: f"<coroutine {_function(value)}>",
        types.AsyncGeneratorType: lambda value: f"<async_generator {_function(value)}>",
    }
)
