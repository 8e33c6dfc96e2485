"""The tracer of ``codetracer watch``: it prints one line for each event."""

from __future__ import annotations

import os
import threading
import time

from codetracer.inspect.code import is_function
from codetracer.inspect.frames import frame as frame_of
from codetracer.launcher import run
from codetracer.monitoring import (
    EventSet,
    MonitoringEvents,
    Tracer,
    events_union,
    monitoring_events,
)
from codetracer.watch.files import File, Files
from codetracer.watch.formats import Event
from codetracer.watch.frames import FrameStack, arguments_of, line_of
from codetracer.watch.offset_tables import OffsetTables
from codetracer.watch.select import FRAME_EVENTS, FileSelection, event_name
from codetracer.watch.values import describe, describe_callable, describe_exception
from codetracer_bindings.display import EVENT_DISPLAYS, EventDisplay
from codetracer_bindings.events import DISABLE, MISSING, CallbackOutcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any, Final

    from codetracer.watch.output import Output

__all__ = ["LiveTracer"]


class LiveTracer(Tracer):
    """Writes a line for each event of the program, when it happens.

    `_handler_of` makes its handlers from the rows of spec/events.toml.

    It keeps none of the program's objects and runs none of its code. It must be installed after the
    program's ``__main__`` was created and before the program's first instruction.

    Parameters:
        shown: the events to show.
        selection: the files whose events are shown.
        render: formats an event as a line; `codetracer.watch.formats` has two such methods.
        output: writes the lines.
    """

    def __init__(
        self,
        shown: EventSet,
        selection: FileSelection,
        render: Callable[[Event], str],
        output: Output,
    ) -> None:
        self._events = shown
        self._shown = frozenset(
            event_name(name) for name, event in monitoring_events() if event & shown
        )
        self._files = Files(selection)
        self._render = render
        self._output = output
        self._stack = FrameStack(lambda code: self._files.of(code) is not None, run.__code__)
        self._main_thread = threading.get_ident()
        self._first_process = os.getpid()
        self._offsets = OffsetTables()
        # Kept in the instance: freezegun, gevent and mocks replace such functions in the globals
        # of all modules.
        self._now, self._get_pid, self._get_ident = (
            time.monotonic_ns,
            os.getpid,
            threading.get_ident,
        )
        self._began = self._now()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def interest(self, events: MonitoringEvents, /) -> EventSet:
        """Return the events to show, and those with which the depth is counted."""
        self._files.begin()
        return self._events | events_union(*(getattr(events, name) for name in FRAME_EVENTS))

    def finish(self) -> None:
        """Close the output, and release the program's namespace."""
        self._output.close()
        self._files.end()

    def _show(
        self,
        name: str,
        text: str,
        file: File,
        code: CodeType,
        line: int,
        depth: int,
        details: dict[str, Any],
    ) -> None:
        event = Event()
        event.name = name
        event.text = text
        event.time_ns = self._now() - self._began
        event.pid = self._get_pid()
        event.in_first_process = event.pid == self._first_process
        event.ident = self._get_ident()
        event.in_main_thread = event.ident == self._main_thread
        event.depth = depth
        event.path = file.path
        event.label = file.label
        event.line = line
        event.code = code
        event.details = details
        self._output.write(self._render(event))

    def _after_fork(self) -> None:
        # The forking thread is the main thread of the child.
        self._main_thread = self._get_ident()


def _handler_of(display: EventDisplay) -> Callable[..., CallbackOutcome]:
    """Return the handler of one event.

    Parameters:
        display: the display keys of the event's row in spec/events.toml.
    """
    name = event_name(display.event)
    names = tuple(parameter for parameter, _ in display.parameters)
    details = tuple(
        (index, parameter, _FIELD_DESCRIBERS[shown])
        for index, (parameter, shown) in enumerate(display.parameters)
        if shown != "place"
    )
    extras = tuple((extra, _EXTRAS[extra]) for extra in display.extras)
    line_index = names.index("line") if "line" in names else None
    goes_somewhere = "destination" in names
    foreign = DISABLE if display.may_silence else None
    move = {"enter": FrameStack.enter, "leave": FrameStack.leave, "stay": FrameStack.within}[
        display.frame
    ]

    def handler(self: LiveTracer, code: CodeType, /, *arguments: Any) -> CallbackOutcome:
        file = self._files.of(code)
        if file is None:
            return foreign
        frame = frame_of(code)
        depth = move(self._stack, frame)
        if name not in self._shown:
            return None
        found = {
            parameter: describer(arguments[index])
            for index, parameter, describer in details
            if arguments[index] is not MISSING
        }
        for extra, find in extras:
            if (value := find(self, code, frame, found)) is not None:
                found[extra] = value
        if line_index is not None:
            line = arguments[line_index]
        elif goes_somewhere:
            # Not f_lineno of the frame: in a BRANCH of 3.12 that is the destination's line.
            line = self._offsets.line(code, found["offset"])
        else:
            line = line_of(frame, code)
        self._show(name, display.text, file, code, line, depth, found)
        return None

    return handler


def _as_it_is(value: Any) -> Any:
    return value


def _arguments(
    tracer: LiveTracer, code: CodeType, frame: FrameType | None, found: dict[str, Any]
) -> dict[str, str] | None:
    if not is_function(code):
        return None
    given = arguments_of(frame)
    return {name: describe(given[name]) for name in given}


def _opname(
    tracer: LiveTracer, code: CodeType, frame: FrameType | None, found: dict[str, Any]
) -> str:
    return tracer._offsets.opname(code, found["offset"])


def _destination_line(
    tracer: LiveTracer, code: CodeType, frame: FrameType | None, found: dict[str, Any]
) -> int:
    return tracer._offsets.line(code, found["destination"])


_FIELD_DESCRIBERS: Final[dict[str, Callable[[Any], Any]]] = {
    "place": _as_it_is,
    "number": _as_it_is,
    "value": describe,
    "name": describe_callable,
    "exception": describe_exception,
}

_EXTRAS: Final[dict[str, Callable[..., Any]]] = {
    "arguments": _arguments,
    "opname": _opname,
    "destination_line": _destination_line,
}

for _display in EVENT_DISPLAYS:
    setattr(LiveTracer, _display.handler, _handler_of(_display))
