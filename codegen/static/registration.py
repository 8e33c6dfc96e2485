"""The callback of each event: one list for mask, registration and teardown."""

from __future__ import annotations

import sys

from codetracer_bindings.callback_rows import CALLBACK_ROWS
from codetracer_bindings.events import EVENTS, CallbackOutcome, EventId, EventSet
from codetracer_bindings.own import seal
from codetracer_bindings.tracer import TracerBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType
    from typing import Final

    from codetracer_bindings.callbacks import OnError, OnOutcome

__all__ = [
    "CALLBACK_SPECS",
    "CallbackSpec",
    "bound_callbacks",
    "enabled_specs",
    "register_enabled_callbacks",
    "unregister_enabled_callbacks",
]

seal(globals())


class CallbackSpec:
    """The properties of one event that the monitoring layer needs.

    Attributes:
        event: the event's name.
        handler: the name of the handler.
        parameters: the names of the handler's parameters, without ``self``.
        bind: the name of the function that makes the guarded callback, in `callbacks` and in the
            module in C.
        enabled_by: the name of the event that must be set so that this one fires: itself, or the
            event that it is ancillary to.
        disable_since: the first version, such as (3, 12), in which CPython lets the callback return
            DISABLE; None if it never does.
        local_since: the first version in which it can be set for single code objects; None if it
            cannot.
        shares_slots_with: the names of the events that have the same callback slot.
    """

    __slots__ = (
        "bind",
        "disable_since",
        "enabled_by",
        "event",
        "handler",
        "local_since",
        "parameters",
        "shares_slots_with",
    )

    def __init__(
        self,
        event: str,
        handler: str,
        parameters: tuple[str, ...],
        bind: str,
        enabled_by: str,
        disable_since: tuple[int, int] | None,
        local_since: tuple[int, int] | None,
        shares_slots_with: tuple[str, ...],
    ) -> None:
        self.event = event
        self.handler = handler
        self.parameters = parameters
        self.bind = bind
        self.enabled_by = enabled_by
        self.disable_since = disable_since
        self.local_since = local_since
        self.shares_slots_with = shares_slots_with

    @property
    def id(self) -> EventId:
        """The event's id in the running interpreter; 0 if it lacks the event."""
        event: EventId = getattr(EVENTS, self.event)
        return event

    @property
    def mask(self) -> EventSet:
        """The events that must be set so that this one fires."""
        events: EventSet = getattr(EVENTS, self.enabled_by)
        return events


CALLBACK_SPECS: Final = tuple(CallbackSpec(*row) for row in CALLBACK_ROWS)


def enabled_specs(events: EventSet) -> tuple[CallbackSpec, ...]:
    """Return the specs of those events in `events` that the interpreter has."""
    return tuple(spec for spec in CALLBACK_SPECS if spec.id & events)


def bound_callbacks(
    specs: Iterable[CallbackSpec],
    tracer: TracerBase,
    binders: ModuleType,
    on_error: OnError,
    on_outcome: OnOutcome,
) -> tuple[tuple[EventId, Callable[..., CallbackOutcome]], ...]:
    """Return each spec's event with a guarded callback around the tracer's handler.

    `binders` is the module whose functions make the callbacks: `callbacks`, or the same in C.
    """
    return tuple(
        (
            spec.id,
            getattr(binders, spec.bind)(getattr(tracer, spec.handler), on_error, on_outcome),
        )
        for spec in specs
    )


def register_enabled_callbacks(
    tool: int,
    specs: Iterable[CallbackSpec],
    tracer: TracerBase,
    binders: ModuleType,
    on_error: OnError,
    on_outcome: OnOutcome,
) -> None:
    """Register for tool slot `tool` a guarded callback around the tracer's handler of each spec.

    The names of this function and of the next one are fixed, because other projects use them.
    """
    for event, callback in bound_callbacks(specs, tracer, binders, on_error, on_outcome):
        sys.monitoring.register_callback(tool, event, callback)


def unregister_enabled_callbacks(tool: int, specs: Iterable[CallbackSpec]) -> None:
    """Remove the callbacks of tool slot `tool` for each spec."""
    for spec in specs:
        sys.monitoring.register_callback(tool, spec.id, None)
