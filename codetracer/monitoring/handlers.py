"""Finds and checks a tracer's handlers when it is installed."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType

from codetracer.codeflags import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_VARARGS,
    CO_VARKEYWORDS,
)
from codetracer.errors import UsageError
from codetracer.monitoring.api import Tracer, overrides
from codetracer.own import seal
from codetracer_bindings.events import EVENT_NAMES, EVENTS, EventSet
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec, enabled_specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Final

__all__ = ["conflict", "event_names", "python_function", "wanted_specs"]

seal(globals())

_SUSPENDING: Final = {
    CO_GENERATOR: "a generator function",
    CO_COROUTINE: "async def",
    CO_ASYNC_GENERATOR: "an asynchronous generator function",
}
"""The flags of functions whose call runs none of their code, and their kinds in words."""


def wanted_specs(tracer: Tracer) -> tuple[CallbackSpec, ...]:
    """Return the specs of the events that a tracer wants and has handlers for.

    Raises:
        UsageError: ERR_TRACER_INSTALL_CONFLICT, the tracer has no handlers, a handler that does not
            accept the arguments of its event, a handler for an event that this interpreter lacks,
            or handlers that exclude each other.
        TypeError: its interest() returned no int.
    """
    handled = [spec for spec in CALLBACK_SPECS if overrides(tracer, spec.handler)]
    for spec in handled:
        _refuse_unfit(tracer, spec)
    events = tracer.interest(EVENTS)
    if not isinstance(events, int):
        raise TypeError(f"{type(tracer).__qualname__}.interest() returned {events!r}, not events")
    if type(tracer).interest is Tracer.interest:
        _refuse_lacking_events(tracer, [spec for spec in handled if not spec.id])
    enabled = enabled_specs(events)
    specs = tuple(spec for spec in handled if spec in enabled)
    if not specs:
        _refuse_idle(tracer, handled, events)
    names = {spec.event: spec.handler for spec in specs}
    for spec in specs:
        if clash := [names[other] for other in spec.shares_slots_with if other in names]:
            raise conflict(
                f"{type(tracer).__qualname__} has {spec.handler} and {' and '.join(clash)}, which"
                " share their callback slots on this interpreter; keep one kind,"
                " or choose in interest()",
                handlers=[spec.handler, *clash],
            )
    return specs


def python_function(handler: object) -> FunctionType | None:
    """Return the Python function that a call of `handler` runs; None if that is unknown."""
    if type(handler) is MethodType:
        handler = handler.__func__
    elif type(handler) is not FunctionType:
        handler = getattr(type(handler), "__call__", None)  # noqa: B004
    return handler if type(handler) is FunctionType else None


def event_names(events: EventSet) -> str:
    """Return the names of `events`, separated by commas."""
    return ", ".join(name for name in EVENT_NAMES if getattr(EVENTS, name) & events)


def conflict(message: str, **context: object) -> UsageError:
    """Return the error for an installation that is not possible.

    Parameters:
        message: the message.
        context: names and values that locate the error.
    """
    return UsageError("ERR_TRACER_INSTALL_CONFLICT", message, context)


def _refuse_unfit(tracer: Tracer, spec: CallbackSpec) -> None:
    """Refuse a handler that would do nothing, or fail, at each event.

    Functions in C and `functools.partial` objects are accepted, because their parameters are not
    known.
    """
    handler = getattr(tracer, spec.handler)
    name = f"{type(tracer).__qualname__}.{spec.handler}"
    if not callable(handler):
        right = f"def {spec.handler}({', '.join(('self', *spec.parameters))})"
        raise conflict(
            f"{name} cannot be called: it is of type {type(handler).__qualname__}; write {right}",
            handler=spec.handler,
        )
    function = python_function(handler)
    if function is None:
        return
    # A function in an attribute of the instance, and a static method, get no self.
    given = (*(("self",) if type(handler) is not FunctionType else ()), *spec.parameters)
    code = function.__code__
    right = f"def {spec.handler}({', '.join(given)})"
    for flag, kind in _SUSPENDING.items():
        if code.co_flags & flag:
            raise conflict(
                f"{name} is {kind}, so calling it would run nothing; write {right} without"
                " await and yield",
                handler=spec.handler,
            )
    required = code.co_argcount - len(function.__defaults__ or ())
    most = None if code.co_flags & CO_VARARGS else code.co_argcount
    keywords = code.co_kwonlyargcount - len(function.__kwdefaults__ or ())
    if required > len(given) or (most is not None and most < len(given)) or keywords:
        raise conflict(
            f"{name}({_parameters_of(code)}) does not accept the arguments of {spec.event};"
            f" write {right}",
            handler=spec.handler,
        )


def _parameters_of(code: CodeType) -> str:
    """Return the parameters of a function as in its definition, without defaults."""
    names = code.co_varnames
    by_name = code.co_argcount + code.co_kwonlyargcount
    behind = iter(names[by_name:])
    star = "*" + next(behind) if code.co_flags & CO_VARARGS else "*" * bool(code.co_kwonlyargcount)
    keywords = "**" + next(behind) if code.co_flags & CO_VARKEYWORDS else ""
    taken = (*names[: code.co_argcount], star, *names[code.co_argcount : by_name], keywords)
    return ", ".join(filter(None, taken))


def _refuse_idle(tracer: Tracer, handled: list[CallbackSpec], events: EventSet) -> None:
    """Refuse a tracer that will never get an event, unless its `interest` chose so."""
    name = type(tracer).__qualname__
    if not handled:
        raise conflict(
            f"{name} has no handlers, so it would see nothing; define some of"
            f" {', '.join(spec.handler for spec in CALLBACK_SPECS)}"
        )
    if events:
        wanted = [spec.handler for spec in enabled_specs(events)]
        raise conflict(
            f"{name}.interest() returned {event_names(events)}, but it has no handler for that, so"
            f" it would see nothing; define {' or '.join(wanted)}, or return other events",
            handlers=wanted,
        )


def _refuse_lacking_events(tracer: Tracer, lacking: list[CallbackSpec]) -> None:
    if lacking:
        release = f"{sys.version_info.major}.{sys.version_info.minor}"
        handlers = [spec.handler for spec in lacking]
        raise conflict(
            f"{type(tracer).__qualname__} has {' and '.join(handlers)}, but CPython {release} has"
            f" no event {' or '.join(spec.event for spec in lacking)}; override interest() to"
            " choose what this interpreter has",
            handlers=handlers,
            release=release,
        )
