"""The state of sys.monitoring, as a test may compare it before and after."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from codetracer_bindings.events import EVENTS

OTHER_TOOL = 0


class Slot(NamedTuple):
    """One tool slot: who holds it, which events are set, which callbacks are registered."""

    tool: str | None
    events: int
    callbacks: dict[str, Callable[..., object]]


def slot(number: int) -> Slot:
    """Return the state of a slot without changing it."""
    callbacks = {}
    for name, event in EVENTS:
        # The only way to read a callback is to replace it.
        found = sys.monitoring.register_callback(number, event, None)
        if found is not None:
            callbacks[name] = found
    for name, found in callbacks.items():
        sys.monitoring.register_callback(number, getattr(EVENTS, name), found)
    return Slot(sys.monitoring.get_tool(number), sys.monitoring.get_events(number), callbacks)


def slots() -> list[Slot]:
    """Return the state of every slot."""
    return [slot(number) for number in range(6)]


EMPTY = Slot(None, 0, {})


@contextmanager
def another_tool(event: int, callback: Callable[..., Any]) -> Iterator[None]:
    """Hold slot 0 as another tool would, with one callback for `event`."""
    sys.monitoring.use_tool_id(OTHER_TOOL, "another tool")
    try:
        sys.monitoring.register_callback(OTHER_TOOL, event, callback)
        sys.monitoring.set_events(OTHER_TOOL, event)
        yield
    finally:
        sys.monitoring.set_events(OTHER_TOOL, 0)
        sys.monitoring.register_callback(OTHER_TOOL, event, None)
        sys.monitoring.free_tool_id(OTHER_TOOL)
