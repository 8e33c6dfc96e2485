"""The base class of tracers, events by name, and tool slots.

The functions for slots are thin, typed wrappers of `sys.monitoring` and keep no state.
"""

from __future__ import annotations

import sys

from codetracer.errors import UsageError
from codetracer.own import seal
from codetracer_bindings.events import (
    DISABLE,
    EVENTS,
    MISSING,
    NO_EVENTS,
    CallbackOutcome,
    EventId,
    EventSet,
    MonitoringEvents,
)
from codetracer_bindings.registration import CALLBACK_SPECS
from codetracer_bindings.tracer import TracerBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, NewType

    ToolId = NewType("ToolId", int)
else:
    ToolId = int

__all__ = [
    "DISABLE",
    "FREE_SLOTS",
    "HANDLERS",
    "MISSING",
    "NO_EVENTS",
    "SLOTS",
    "CallbackOutcome",
    "EventId",
    "EventSet",
    "MonitoringEvents",
    "ToolId",
    "Tracer",
    "acquire_tool_id",
    "candidates",
    "events_union",
    "free_tool_id",
    "monitoring_events",
    "no_free_slot",
    "overrides",
    "register_callback",
    "set_events",
    "slot_holders",
]

seal(globals())

SLOTS: Final = range(6)
"""All tool slots (docs, `sys.monitoring.use_tool_id`: 0 to 5)."""

FREE_SLOTS: Final = (3, 4, 5)
"""The default slots, in this order: 0, 1 and 2 are for debugger, coverage and profiler."""


class Tracer(TracerBase):
    """Base class of tracers: override the handlers of the events you want, and install it.

    A handler may return DISABLE to silence its event at that location. If a handler raises, the
    policy's ``on_recorder_error`` decides; the program never sees the exception itself. Handlers
    run in the thread of the event, and meanwhile no tool gets events in that thread.
    """

    def __init_subclass__(cls, **arguments: object) -> None:
        """Refuse a method whose name is a misspelled handler's.

        Raises:
            TypeError: a name is similar to that of a handler; the message has both.
        """
        super().__init_subclass__(**arguments)
        handlers = [spec.handler for spec in CALLBACK_SPECS]
        for name in vars(cls):
            if (
                name.startswith("on_")
                and name not in handlers
                and (right := _close(name, handlers))
            ):
                raise TypeError(
                    f"{cls.__qualname__}.{name} is not the handler of an event; did you mean"
                    f" {right}?"
                )

    def interest(self, events: MonitoringEvents, /) -> EventSet:
        """Return the events this tracer wants: by default, those whose handlers it overrides.

        Override it to choose events at installation, for example by what the interpreter has:
        ``events.BRANCH_LEFT`` is 0 before 3.14. Returned events without a handler are not enabled.
        """
        return events_union(*(event for name, event in events if overrides(self, HANDLERS[name])))

    def notify_failure(self) -> None:
        """Called when a handler of this tracer failed and it is removed; flush() comes next."""

    def set_exit_status(self, code: int | None, /) -> None:
        """Called with the exit status `code` of the program; None if it is not known."""

    def flush(self) -> None:
        """Write everything that is still in memory."""

    def finish(self) -> None:
        """Close everything; called once for each installation, after its last flush().

        A handler that was running in another thread when the tracer was removed may end later.
        """


HANDLERS: Final = {spec.event: spec.handler for spec in CALLBACK_SPECS}
"""The name of the method that handles each event."""


def overrides(tracer: TracerBase, handler: str) -> bool:
    """Return whether `tracer` overrides this handler, in its class or on the instance.

    A handler that is set to None does not count.
    """
    method = getattr(tracer, handler)
    return method is not None and getattr(method, "__func__", method) is not getattr(
        TracerBase, handler
    )


def monitoring_events() -> MonitoringEvents:
    """Return the events by name, with the ids of the running interpreter."""
    return EVENTS


def events_union(*events: EventSet) -> EventSet:
    """Return the union of any number of events and sets of events."""
    union = NO_EVENTS
    for event in events:
        union |= event
    return union


def acquire_tool_id(name: str = "codetracer", slot: int | None = None) -> ToolId:
    """Claim a tool slot.

    Parameters:
        name: the name of the tool in `sys.monitoring.get_tool`.
        slot: the slot, 0 to 5; None for the first free one of `FREE_SLOTS`.

    Raises:
        UsageError: ERR_TRACER_INSTALL_CONFLICT, no such slot is free, with the holder of each slot
            in the message; or `slot` is no slot.
    """
    for candidate in candidates(slot):
        try:
            sys.monitoring.use_tool_id(candidate, name)
        except ValueError:
            # In use. Checking first would leave time for another thread to claim it.
            continue
        return ToolId(candidate)
    raise no_free_slot(slot)


def candidates(slot: int | None) -> tuple[int, ...]:
    """Return the slots to try, in order: `slot`, or `FREE_SLOTS` if it is None.

    Raises:
        UsageError: ERR_TRACER_INSTALL_CONFLICT, there is no such slot, or it is not an int.
    """
    # Not isinstance: True is an int, and would be slot 1.
    if slot is not None and type(slot) is not int:
        raise UsageError(
            "ERR_TRACER_INSTALL_CONFLICT",
            f"a slot is an int from {SLOTS[0]} to {SLOTS[-1]}, not {slot!r}",
            {"slot": repr(slot)},
        )
    if slot is not None and slot not in SLOTS:
        raise UsageError(
            "ERR_TRACER_INSTALL_CONFLICT",
            f"there is no tool slot {slot}; slots are {SLOTS[0]} to {SLOTS[-1]}",
            {"slot": slot},
        )
    return FREE_SLOTS if slot is None else (slot,)


def no_free_slot(slot: int | None) -> UsageError:
    """Return the error if none of `candidates` is free; it names the holder of each slot.

    Parameters:
        slot: the slot that was asked for; None for any of `FREE_SLOTS`.
    """
    holders = slot_holders()
    wanted = "no free tool slot" if slot is None else f"tool slot {slot} is not free"
    held = ", ".join(f"{slot} by {holder!r}" for slot, holder in holders.items())
    return UsageError(
        "ERR_TRACER_INSTALL_CONFLICT",
        f"{wanted}; held: {held}; stop one of these tools, or name a free slot",
        {"slots": {str(slot): holder for slot, holder in holders.items()}},
    )


def slot_holders() -> dict[int, str]:
    """Return the name of the tool that holds each slot that is not free."""
    return {slot: name for slot in SLOTS if (name := sys.monitoring.get_tool(slot)) is not None}


def free_tool_id(tool: ToolId) -> None:
    """Free a slot. On 3.12 and 3.13 the caller must clear its events and callbacks before."""
    sys.monitoring.free_tool_id(tool)


def register_callback(
    tool: ToolId, event: EventId, callback: Callable[..., CallbackOutcome] | None
) -> Callable[..., CallbackOutcome] | None:
    """Register `callback` for one event, or remove it with None; return the previous one."""
    previous: Callable[..., CallbackOutcome] | None = sys.monitoring.register_callback(
        tool, event, callback
    )
    return previous


def set_events(tool: ToolId, events: EventSet) -> None:
    """Set the events that fire for `tool` in all code, in place of the previous ones."""
    sys.monitoring.set_events(tool, events)


def _close(name: str, handlers: list[str]) -> str | None:
    import difflib

    if (python_event := f"on_py_{name.removeprefix('on_')}") in handlers:
        return python_event
    close = difflib.get_close_matches(name.lower(), handlers, n=1, cutoff=0.75)
    return close[0] if close else None
