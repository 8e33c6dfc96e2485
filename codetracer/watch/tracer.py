"""The tracer behind ``codetracer watch``: one line for each event that is shown."""

from __future__ import annotations

import os
import threading
import time

from codetracer.launcher import run
from codetracer.monitoring import (
    EventSet,
    MonitoringEvents,
    Tracer,
    events_union,
    monitoring_events,
)
from codetracer.watch.bytecode import Bytecode
from codetracer.watch.files import File, Files
from codetracer.watch.formats import Event
from codetracer.watch.frames import (
    FrameStack,
    arguments_of,
    frame_of,
    is_function,
    line_of,
)
from codetracer.watch.select import FRAME_EVENTS, FileSelection, event_name
from codetracer.watch.values import describe, describe_callable, describe_exception
from codetracer_bindings.events import DISABLE, MISSING, CallbackOutcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from codetracer.watch.output import Output

__all__ = ["LiveTracer"]


class LiveTracer(Tracer):
    """Writes a line for each event of the program, when it happens.

    It keeps none of the program's objects and runs none of its code. To be installed when the
    program's ``__main__`` is in place and its first instruction is still to come.

    Parameters:
        shown: the events to show.
        selection: the files to show them of.
        render: makes a line of an event, see `codetracer.watch.formats`.
        output: takes the lines.
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
        self._bytecode = Bytecode()
        # Kept here, out of reach of what replaces such functions wherever a module names them
        # (freezegun, gevent, a mock).
        self._now, self._get_pid, self._get_ident = (
            time.monotonic_ns,
            os.getpid,
            threading.get_ident,
        )
        self._began = self._now()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def interest(self, events: MonitoringEvents, /) -> EventSet:
        """Return the events to show, and those that depth is counted by."""
        self._files.begin()
        return self._events | events_union(*(getattr(events, name) for name in FRAME_EVENTS))

    def finish(self) -> None:
        """Close the output, and let go of the program's namespace."""
        self._output.close()
        self._files.end()

    def on_py_start(self, code: CodeType, offset: int, /) -> CallbackOutcome:
        """Show the function and its arguments."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        frame = frame_of(code)
        depth = self._stack.enter(frame)
        if "start" in self._shown:
            details: dict[str, Any] = {"offset": offset}
            if is_function(code):
                given = arguments_of(frame)
                details["arguments"] = {name: describe(given[name]) for name in given}
            self._show("start", file, code, line_of(frame, code), depth, details)
        return None

    def on_py_resume(self, code: CodeType, offset: int, /) -> CallbackOutcome:
        """Show the generator or coroutine that goes on."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        self._show_entry("resume", file, code, {"offset": offset})
        return None

    def on_py_throw(
        self, code: CodeType, offset: int, exception: BaseException, /
    ) -> CallbackOutcome:
        """Show what is thrown into which generator or coroutine."""
        if (file := self._files.of(code)) is not None:
            details = {"offset": offset, "exception": describe_exception(exception)}
            self._show_entry("throw", file, code, details)
        return None

    def on_py_return(self, code: CodeType, offset: int, retval: object, /) -> CallbackOutcome:
        """Show what the function returns."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        self._show_exit("return", file, code, {"offset": offset, "retval": describe(retval)})
        return None

    def on_py_yield(self, code: CodeType, offset: int, retval: object, /) -> CallbackOutcome:
        """Show what the generator yields."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        self._show_exit("yield", file, code, {"offset": offset, "retval": describe(retval)})
        return None

    def on_py_unwind(
        self, code: CodeType, offset: int, exception: BaseException, /
    ) -> CallbackOutcome:
        """Show which exception leaves the function."""
        if (file := self._files.of(code)) is not None:
            details = {"offset": offset, "exception": describe_exception(exception)}
            self._show_exit("unwind", file, code, details)
        return None

    def on_line(self, code: CodeType, line: int, /) -> CallbackOutcome:
        """Show the line."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        self._show("line", file, code, line, self._stack.within(frame_of(code)), {})
        return None

    def on_instruction(self, code: CodeType, offset: int, /) -> CallbackOutcome:
        """Show the instruction."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        details = {"offset": offset, "opname": self._bytecode.opname(code, offset)}
        self._show_within("instruction", file, code, details)
        return None

    def on_call(
        self, code: CodeType, offset: int, callable: object, arg0: object, /
    ) -> CallbackOutcome:
        """Show what is called."""
        file = self._files.of(code)
        if file is None:
            return DISABLE
        self._show_within("call", file, code, _call_details(offset, callable, arg0))
        return None

    def on_c_return(
        self, code: CodeType, offset: int, callable: object, arg0: object, /
    ) -> CallbackOutcome:
        """Show what has returned."""
        if (file := self._files.of(code)) is not None:
            self._show_within("c_return", file, code, _call_details(offset, callable, arg0))
        return None

    def on_c_raise(
        self, code: CodeType, offset: int, callable: object, arg0: object, /
    ) -> CallbackOutcome:
        """Show what has raised."""
        if (file := self._files.of(code)) is not None:
            self._show_within("c_raise", file, code, _call_details(offset, callable, arg0))
        return None

    def on_jump(self, code: CodeType, offset: int, destination: int, /) -> CallbackOutcome:
        """Show where it goes."""
        return self._show_branch("jump", code, offset, destination)

    def on_branch(self, code: CodeType, offset: int, destination: int, /) -> CallbackOutcome:
        """Show where it goes."""
        return self._show_branch("branch", code, offset, destination)

    def on_branch_left(self, code: CodeType, offset: int, destination: int, /) -> CallbackOutcome:
        """Show where it goes."""
        return self._show_branch("branch_left", code, offset, destination)

    def on_branch_right(self, code: CodeType, offset: int, destination: int, /) -> CallbackOutcome:
        """Show where it goes."""
        return self._show_branch("branch_right", code, offset, destination)

    def on_stop_iteration(
        self, code: CodeType, offset: int, exception: BaseException, /
    ) -> CallbackOutcome:
        """Show the exception that ends the iteration."""
        if self._files.of(code) is None:
            return DISABLE
        self._show_exception("stop_iteration", code, offset, exception)
        return None

    def on_raise(self, code: CodeType, offset: int, exception: BaseException, /) -> CallbackOutcome:
        """Show the exception."""
        self._show_exception("raise", code, offset, exception)
        return None

    def on_reraise(
        self, code: CodeType, offset: int, exception: BaseException, /
    ) -> CallbackOutcome:
        """Show the exception."""
        self._show_exception("reraise", code, offset, exception)
        return None

    def on_exception_handled(
        self, code: CodeType, offset: int, exception: BaseException, /
    ) -> CallbackOutcome:
        """Show the exception."""
        self._show_exception("exception_handled", code, offset, exception)
        return None

    def _show_entry(self, name: str, file: File, code: CodeType, details: dict[str, Any]) -> None:
        frame = frame_of(code)
        depth = self._stack.enter(frame)
        if name in self._shown:
            self._show(name, file, code, line_of(frame, code), depth, details)

    def _show_exit(self, name: str, file: File, code: CodeType, details: dict[str, Any]) -> None:
        frame = frame_of(code)
        depth = self._stack.leave(frame)
        if name in self._shown:
            self._show(name, file, code, line_of(frame, code), depth, details)

    def _show_within(self, name: str, file: File, code: CodeType, details: dict[str, Any]) -> None:
        frame = frame_of(code)
        self._show(name, file, code, line_of(frame, code), self._stack.within(frame), details)

    def _show_exception(
        self, name: str, code: CodeType, offset: int, exception: BaseException
    ) -> None:
        if (file := self._files.of(code)) is not None:
            details = {"offset": offset, "exception": describe_exception(exception)}
            self._show_within(name, file, code, details)

    def _show_branch(
        self, name: str, code: CodeType, offset: int, destination: int
    ) -> CallbackOutcome:
        file = self._files.of(code)
        if file is None:
            return DISABLE
        details = {
            "offset": offset,
            "destination": destination,
            "destination_line": self._bytecode.line(code, destination),
        }
        line = self._bytecode.line(code, offset)
        self._show(name, file, code, line, self._stack.within(frame_of(code)), details)
        return None

    def _show(
        self,
        name: str,
        file: File,
        code: CodeType,
        line: int,
        depth: int,
        details: dict[str, Any],
    ) -> None:
        event = Event()
        event.name = name
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
        # What forks becomes the child's main thread.
        self._main_thread = self._get_ident()


def _call_details(offset: int, callable: object, arg0: object) -> dict[str, Any]:
    details: dict[str, Any] = {"offset": offset, "callable": describe_callable(callable)}
    if arg0 is not MISSING:
        details["arg0"] = describe(arg0)
    return details
