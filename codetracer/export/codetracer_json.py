"""Writes the events of a recording as the trace.json that CodeTracer 25.11 opens.

The format has a single stack of calls and no threads. A call named ``<toplevel>`` contains
everything. The main thread's calls come first in it. The calls of each other thread follow, inside
a call named ``<thread NAME>``. Events are in the order of time only within one thread.

An export may be a part of a recording. A frame that began before that part begins there without
arguments, and a frame that ends after it returns an error that says so. Calls and returns are
therefore always balanced.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from codetracer.export.codetracer_elements import Elements, call, step
from codetracer.export.codetracer_values import clean
from codetracer.replay import events

if TYPE_CHECKING:
    from codetracer.export.codetracer_values import Limits
    from codetracer.export.cut import Cut
    from codetracer.export.sources import Sources
    from codetracer.export.spool import Spool
    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.replay import Replay

__all__ = ["Writer"]

_DEFINITIONS: Final = "definitions"
"""The part with paths, functions, types and names. Other parts refer to them, so it comes first."""

_BEGIN: Final = "begin"
_END: Final = "end"
_ERROR: Final = 11
_MAIN: Final = 0
"""The number of the thread in which the recording began."""


class _Stack:
    """The written part of one thread.

    Attributes:
        part: the name of its part of the spool.
        open: the frames whose call is written and whose return is not, the innermost one last.
        place: the number of the path and the line of its last step; None before the first.
    """

    __slots__ = ("open", "part", "place")

    def __init__(self, thread: Thread) -> None:
        self.part = f"thread-{thread.number}"
        self.open: list[Frame] = []
        self.place: tuple[int, int] | None = None


class Writer:
    """Writes the elements of one process' events.

    Parameters:
        replay: the events of the process.
        cut: selects the events that the caller passes to `write`.
        spool: receives the elements.
        sources: numbers the source files.
        limits: how much of each value is written.

    Raises:
        HostError: ERR_IO, from every method: a file cannot be written.
        UsageError: ERR_EXPORT_TOO_LARGE, from every method: the limit of the spool is exceeded.
    """

    def __init__(
        self, replay: Replay, cut: Cut, spool: Spool, sources: Sources, limits: Limits
    ) -> None:
        self._cut = cut
        self._spool = spool
        self._elements = Elements(replay.state, sources, self._define, limits)
        self._stacks: dict[Thread, _Stack] = {}
        # <toplevel> must be the first call, so its path gets number 0.
        toplevel = self._elements.function("<toplevel>", self._elements.path(""), 1)
        spool.add(_BEGIN, call(toplevel))

    def write(self, event: Event) -> None:
        """Write the elements of an event; events without elements are ignored."""
        match event:
            case events.StepEvent(thread=thread, frame=frame):
                stack = self._reach(thread, frame)
                stack.place = self._elements.path(frame.code.path), event.line
            case events.CallEvent() | events.ResumeEvent() | events.ThrowEvent():
                frame = event.frame
                stack = self._reach(event.thread, frame.caller, beginning=frame)
                stack.place = self._elements.path(frame.code.path), frame.line
                if stack.open and stack.open[-1] is frame:
                    # The frame's call is written already; an exception was thrown into it.
                    self._spool.add(stack.part, step(*stack.place))
                    return
                stack.open.append(frame)
            case (
                events.ReturnEvent(thread=thread, frame=frame)
                | events.YieldEvent(thread=thread, frame=frame)
                | events.UnwindEvent(thread=thread, frame=frame)
                | events.LostEvent(thread=thread, frame=frame)
                | events.UnfinishedEvent(thread=thread, frame=frame)
            ):
                stack = self._reach(thread, frame)
                stack.open.pop()
            case events.OutputEvent(thread=thread, frame=frame):
                if frame is not None:
                    part = self._reach(thread, frame).part
                else:
                    part = self._part_without_frame(thread)
                self._spool.add(part, *self._elements.of(event))
                return
            case _:
                return
        self._spool.add(stack.part, *self._elements.of(event))

    def finish(self, path: str, error: str | None) -> None:
        """End all open calls, and write the whole trace to a file.

        Parameters:
            path: the file to write.
            error: a description of the error that ended the program; None if none did.
        """
        elements = self._elements
        left = elements.leave(elements.values.error("<continues after the exported part>"))
        done = elements.leave(elements.values.none)
        threads = sorted(self._stacks, key=lambda thread: thread.number)
        for thread in threads:
            stack = self._stacks[thread]
            self._spool.add(stack.part, *(left for _ in stack.open))
            if thread.number != _MAIN:
                self._spool.add(stack.part, done)
        if error is not None:
            main = self._stacks[threads[0]].place if len(threads) > 1 else None
            if main is not None:
                # CodeTracer shows the error at the last step, which must be the main thread's.
                self._spool.add(_END, step(*main))
            record = {"kind": _ERROR, "metadata": "", "content": clean(error)}
            self._spool.add(_END, json.dumps({"Event": record}))
        self._spool.add(_END, done)
        parts = [self._stacks[thread].part for thread in threads]
        self._spool.join(path, [_DEFINITIONS, _BEGIN, *parts, _END])

    def _reach(self, thread: Thread, frame: Frame | None, beginning: Frame | None = None) -> _Stack:
        """Return the thread's stack, after beginning the frames that are missing on it.

        Parameters:
            frame: the frame that must be on the stack, with its callers; None for none.
            beginning: a frame that the caller of this method is about to push.
        """
        stack = self._stacks.get(thread)
        if stack is None:
            stack = self._begin_thread(thread, frame or beginning)
        frames = stack.open
        top = frames[-1] if frames else None
        if frame is top or (top is not None and beginning is top):
            return stack
        missing: list[Frame] = []
        while frame is not None and frame is not top and self._cut.has(frame):
            missing.append(frame)
            frame = frame.caller
        for each in reversed(missing):
            self._spool.add(stack.part, *self._elements.begin(each))
            frames.append(each)
        return stack

    def _begin_thread(self, thread: Thread, frame: Frame | None) -> _Stack:
        stack = self._stacks[thread] = _Stack(thread)
        if thread.number != _MAIN and frame is not None:
            while frame.caller is not None and self._cut.has(frame.caller):
                frame = frame.caller
            path = self._elements.path(frame.code.path)
            function = self._elements.function(f"<thread {thread.name}>", path, frame.line)
            self._spool.add(stack.part, step(path, frame.line), call(function))
        return stack

    def _part_without_frame(self, thread: Thread) -> str:
        """Return the part for output without a frame: its thread's, or else the first thread's."""
        stack = self._stacks.get(thread)
        if stack is None:
            stack = next(iter(self._stacks.values()), None)
        return _BEGIN if stack is None else stack.part

    def _define(self, element: str) -> None:
        self._spool.add(_DEFINITIONS, element)
