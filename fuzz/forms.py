"""The normal form of an event: the same in every process, because it has no addresses.

No code of the program runs while a form is made: nothing is asked of an object but its type, and
what the interpreter itself keeps of functions and exceptions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    WrapperDescriptorType,
)
from typing import Any

from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec

__all__ = ["DISABLED", "event_specs", "form", "kind_of", "shape"]

_type_name: Callable[[Any], str] = vars(type)["__name__"].__get__
_type_qualname: Callable[[Any], str] = vars(type)["__qualname__"].__get__
_traceback: Callable[[Any], Any] = vars(BaseException)["__traceback__"].__get__
_context: Callable[[Any], Any] = vars(BaseException)["__context__"].__get__
_cause: Callable[[Any], Any] = vars(BaseException)["__cause__"].__get__
_arguments: Callable[[Any], tuple[object, ...]] = vars(BaseException)["args"].__get__

_NAMED = (
    FunctionType,
    BuiltinFunctionType,
    MethodDescriptorType,
    WrapperDescriptorType,
)
_BY_VALUE = (int, bool, float, type(None))

DISABLED = 3
"""One in so many locations is disabled by a handler that disables."""


def event_specs(*, instructions: bool = True) -> list[CallbackSpec]:
    """Return every event that the interpreter has, without those that exclude each other.

    BRANCH is left out where it is an alias of BRANCH_LEFT and BRANCH_RIGHT (3.14 on), whose
    callbacks it would replace.
    """
    specs = [spec for spec in CALLBACK_SPECS if spec.id]
    names = {spec.event for spec in specs}
    return [
        spec
        for spec in specs
        if not names.intersection(spec.shares_slots_with)
        and (instructions or spec.event != "INSTRUCTION")
    ]


def kind_of(value: object) -> str:
    """Return what `value` is: its type's name, and a function's own name."""
    kind = type(value)
    if isinstance(value, type):
        return f"type {_type_qualname(value)}"
    if kind in _NAMED:
        return f"{_type_name(kind)} {value.__qualname__}"  # type: ignore[attr-defined]
    if kind is MethodType:
        return f"method of {kind_of(value.__func__)}"  # type: ignore[attr-defined]
    if value is sys.monitoring.MISSING:
        return "MISSING"
    return _type_name(kind)


def form(value: object, depth: int = 2) -> str:
    """Return a text for an event's argument: its value as far as that is the same everywhere."""
    kind = type(value)
    if kind in _BY_VALUE:
        return repr(value)[:40]
    if kind is str:
        text: str = value  # type: ignore[assignment]
        return text[:40] if " at 0x" not in text else "text with an address"
    if kind in (tuple, list):
        items: list[object] = value  # type: ignore[assignment]
        inner = ",".join(form(one, depth - 1) for one in items[:4]) if depth else ""
        return f"{_type_name(kind)} {len(items)}[{inner}]"
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return _exception(value, depth)
    if kind is CodeType:
        return f"code {value.co_qualname}"  # type: ignore[attr-defined]
    return kind_of(value)


def _exception(error: object, depth: int) -> str:
    arguments = ",".join(form(one, depth - 1) for one in _arguments(error)[:3]) if depth else ""
    entry, length = _traceback(error), 0
    while entry is not None:
        length += 1
        entry = entry.tb_next
    context, cause = (_type_name(type(one(error))) for one in (_context, _cause))
    return f"{_type_name(type(error))}({arguments}) tb {length} context {context} cause {cause}"


def shape(error: BaseException, filename: str) -> list[tuple[str, int | None]]:
    """Return the part of an exception's traceback that is within a file."""
    entry = error.__traceback__
    shape: list[tuple[str, int | None]] = []
    while entry is not None:
        code = entry.tb_frame.f_code
        if code.co_filename == filename:
            shape.append((code.co_qualname, entry.tb_lineno))
        entry = entry.tb_next
    return shape
