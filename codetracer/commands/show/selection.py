"""Selects a part of a recording: one thread, one call, calls up to a depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codetracer.commands.indexing import indexed
from codetracer.errors import TargetError
from codetracer.replay import events
from codetracer.replay.doing import ENDING, OPENING

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.trace import Process

__all__ = ["Selection", "View", "call_at", "no_step"]


class View(Protocol):
    """A view of a recording: it gets every event of a process, in order, and prints its part."""

    def see(self, event: Event) -> None:
        """Process an event, and print the lines that it completes."""

    def finish(self) -> None:
        """Print the remaining lines after the last event."""


class Selection:
    """Decides at each event which frames are in the selected part of a recording.

    Parameters:
        thread: the number or the name of the selected thread; None for all threads.
        is_root: returns whether a frame is selected, together with everything it calls; None
            selects every frame.
        depth: the number of selected levels of frames, counted from a root or from the bottom of
            the stack; 0 for no limit.

    Attributes:
        threads: the threads so far, as ``number (name)``, in a dict without values.
        found: whether a selected thread was among them.
    """

    def __init__(
        self, thread: str | None, is_root: Callable[[Frame], bool] | None, depth: int
    ) -> None:
        self.threads: dict[str, None] = {}
        self.found = False
        self._thread = thread
        self._is_root = is_root
        self._depth = depth
        # By the number of the frame, its depth below its root; frames without one are not in it.
        self._depths: dict[int, int] = {}
        self._ended: Frame | None = None
        self._known: dict[Thread, bool] = {}

    def begin(self, threads: list[Thread]) -> None:
        """Go on at a later event, with the stacks that threads have then."""
        self._depths.clear()
        self._ended = None
        for thread in threads:
            stack: list[Frame] = []
            frame = thread.top
            while frame is not None:
                stack.append(frame)
                frame = frame.caller
            for each in reversed(stack):
                self._enter(each)

    def see(self, event: Event) -> None:
        """Process an event; the caller must do so before it asks `has` about the event."""
        if type(event) is events.StepEvent:
            return
        if self._ended is not None:
            self._depths.pop(self._ended.number, None)
            self._ended = None
        if isinstance(event, events.ThreadEvent):
            known = self._thread is None or _is_thread(event.thread, self._thread)
            self._known[event.thread] = known
            self.found |= known
            self.threads[f"{event.thread.number} ({event.thread.name})"] = None
        elif isinstance(event, OPENING):
            self._enter(event.frame)
        elif isinstance(event, ENDING):
            self._ended = event.frame

    def _enter(self, frame: Frame) -> None:
        above = None if frame.caller is None else self._depths.get(frame.caller.number)
        if above is not None:
            self._depths[frame.number] = above + 1
        elif self._is_root is None or self._is_root(frame):
            self._depths[frame.number] = 0

    def is_root(self, frame: Frame) -> bool:
        """Return whether a frame was selected itself, not only because of its caller."""
        return self._is_root is not None and self._depths.get(frame.number) == 0

    def depth(self, frame: Frame) -> int:
        """Return the depth of a frame below its root, or below the bottom of its stack."""
        return self._depths.get(frame.number, 0)

    def has_thread(self, thread: Thread) -> bool:
        """Return whether a thread is selected."""
        return self._known.get(thread, self._thread is None)

    def holds(self, frame: Frame | None, thread: Thread) -> bool:
        """Return whether a frame is selected if the depth is ignored.

        Parameters:
            frame: the frame; None for an event without one, which is in no call.
            thread: its thread.
        """
        if not self.has_thread(thread):
            return False
        return frame.number in self._depths if frame is not None else self._is_root is None

    def has(self, frame: Frame | None, thread: Thread) -> bool:
        """Return whether the events of a frame, or of none, are selected."""
        if frame is None or not self._depth:
            return self.holds(frame, thread)
        return self.holds(frame, thread) and self._depths[frame.number] < self._depth


def _is_thread(thread: Thread, wanted: str) -> bool:
    """Return whether a thread's number or name is `wanted`."""
    return wanted in (str(thread.number), thread.name)


def call_at(process: Process, step: int) -> int:
    """Return the number of the frame in which a step ran.

    Parameters:
        process: the process.
        step: the number of the step.

    Raises:
        HostError: ERR_IO, the log cannot be read.
        TargetError: ERR_NOT_IN_TRACE, there are fewer steps; ERR_TRACE_DAMAGED, the log is damaged
            before the step.
    """
    replay = indexed(process).replay(step)
    for event in replay:
        if type(event) is events.StepEvent and event.number == step:
            return event.frame.number
    raise no_step(process, step, replay.steps)


def no_step(process: Process, step: int, steps: int) -> TargetError:
    """Return the error for a step that does not exist.

    Parameters:
        process: the process.
        step: the number that the user gave.
        steps: how many steps the log has.
    """
    has = f"steps 0 to {steps - 1}" if steps else "no steps"
    return TargetError(
        "ERR_NOT_IN_TRACE",
        f"there is no step {step}: the log has {has}{indexed(process).because('lines')}",
        {"step": step, "steps": steps},
    )
