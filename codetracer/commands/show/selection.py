"""Selects a part of a recording: one thread, one call, calls up to a depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from codetracer.errors import TargetError
from codetracer.replay import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.trace import Process

__all__ = ["ENDING", "OPENING", "Places", "Selection", "View", "call_at", "no_step"]

OPENING: Final = (events.CallEvent, events.ResumeEvent, events.ThrowEvent)
"""The kinds of events that put a frame on a stack."""

ENDING: Final = (
    events.ReturnEvent,
    events.YieldEvent,
    events.UnwindEvent,
    events.LostEvent,
    events.UnfinishedEvent,
)
"""The kinds of events that take a frame off its stack."""


class View(Protocol):
    """What a view is: it sees every event of a process, in order, and prints what it is for."""

    def see(self, event: Event) -> None:
        """Take in an event, and print what is known by it."""

    def finish(self) -> None:
        """Print what is left when there are no more events."""


class Selection:
    """Knows at each event which frames are in the part that is asked for.

    Parameters:
        thread: a thread's number or name; None for all.
        is_root: whether a frame, with all that it calls, is asked for; None for every frame.
        depth: frames that lie deeper, below a root or on their stack, are not; 0 for no limit.

    Attributes:
        threads: the threads that were seen, each by its number and name.
        found: whether one of them is asked for.
    """

    def __init__(
        self, thread: str | None, is_root: Callable[[Frame], bool] | None, depth: int
    ) -> None:
        self.threads: dict[str, None] = {}
        self.found = False
        self._thread = thread
        self._is_root = is_root
        self._depth = depth
        # How deep each frame that is on a stack lies below its root, those without one aside.
        self._depths: dict[Frame, int] = {}
        self._ended: Frame | None = None
        self._known: dict[Thread, bool] = {}

    def see(self, event: Event) -> None:
        """Take in an event; call it with each one, before `has` is asked about it."""
        if type(event) is events.StepEvent:
            return
        if self._ended is not None:
            self._depths.pop(self._ended, None)
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
        above = None if frame.caller is None else self._depths.get(frame.caller)
        if above is not None:
            self._depths[frame] = above + 1
        elif self._is_root is None or self._is_root(frame):
            self._depths[frame] = 0

    def is_root(self, frame: Frame) -> bool:
        """Tell whether a frame was asked for by itself, with what it calls."""
        return self._is_root is not None and self._depths.get(frame) == 0

    def depth(self, frame: Frame) -> int:
        """Return how deep a frame lies below its root, or below the bottom of its stack."""
        return self._depths.get(frame, 0)

    def has_thread(self, thread: Thread) -> bool:
        """Tell whether a thread is one that is asked for."""
        return self._known.get(thread, self._thread is None)

    def holds(self, frame: Frame | None, thread: Thread) -> bool:
        """Tell whether a frame is in the part, at any depth."""
        if not self.has_thread(thread):
            return False
        return frame in self._depths if frame is not None else self._is_root is None

    def has(self, frame: Frame | None, thread: Thread) -> bool:
        """Tell whether what happens in a frame, or in none, is shown."""
        if frame is None or not self._depth:
            return self.holds(frame, thread)
        return self.holds(frame, thread) and self._depths[frame] < self._depth


class Places:
    """Knows which line did what is found at an event."""

    def __init__(self) -> None:
        self._before: dict[Frame, tuple[int, int]] = {}
        self._ended: Frame | None = None

    def see(self, event: Event) -> tuple[Frame, int | None, int] | None:
        """Take in an event.

        Returns:
            The frame, the step (None if it made none) and the line that ran right before the event;
            None if it happened in no frame. For a call it is the caller's, if that is recorded.
        """
        if self._ended is not None:
            self._before.pop(self._ended, None)
            self._ended = None
        frame = event.frame
        if frame is None:
            return None
        if type(event) is events.StepEvent:
            step, line = self._before.get(frame, (None, frame.line))
            self._before[frame] = event.number, event.line
            return frame, step, line
        if isinstance(event, OPENING):
            if frame.caller is None:
                return frame, None, frame.line
            frame = frame.caller
        elif isinstance(event, ENDING) and type(event) is not events.YieldEvent:
            self._ended = frame
        return frame, frame.step if frame.step >= 0 else None, frame.line


def _is_thread(thread: Thread, wanted: str) -> bool:
    """Tell whether a thread has a number or a name."""
    return wanted in (str(thread.number), thread.name)


def call_at(process: Process, step: int) -> int:
    """Return the number of the frame that a step is in.

    Raises:
        TargetError: ERR_NOT_IN_TRACE, there are fewer steps.
    """
    replay = process.replay()
    for event in replay:
        if type(event) is events.StepEvent and event.number == step:
            return event.frame.number
    raise no_step(step, replay.steps)


def no_step(step: int, steps: int) -> TargetError:
    """Return the error that says which steps there are."""
    has = f"steps 0 to {steps - 1}" if steps else "no steps"
    return TargetError(
        "ERR_NOT_IN_TRACE",
        f"there is no step {step}: the log has {has}",
        {"step": step, "steps": steps},
    )
