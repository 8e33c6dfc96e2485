"""The events that a replay yields in order, one class for each kind.

Every event has `thread`, the thread it happened in; `frame`, the frame it happened to; and
`time_ns`, the nanoseconds since recording began. The time is exact for calls and their ends; for
other events it is that of the last record with a time. A property that returns a value resolves it
when it is read: read it before you go on to the next event, because objects change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codetracer.replay.state import depth_of

if TYPE_CHECKING:
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.state import State
    from codetracer.replay.values import Value
    from codetracer_bindings import trace_decoder as raw

__all__ = [
    "CallEvent",
    "EndEvent",
    "Event",
    "ExitEvent",
    "FrameEvent",
    "HandledEvent",
    "LostEvent",
    "OutputEvent",
    "RaiseEvent",
    "ResumeEvent",
    "ReturnEvent",
    "StepEvent",
    "ThreadEvent",
    "ThrowEvent",
    "UnfinishedEvent",
    "UnwindEvent",
    "YieldEvent",
]


@dataclass(slots=True, eq=False)
class CallEvent:
    """A frame begins, or was seen for the first time; it runs `frame.code`."""

    thread: Thread
    time_ns: int
    frame: Frame
    entered: bool
    """True if it had begun before the recording; then its arguments are unknown."""
    _state: State = field(repr=False)

    @property
    def arguments(self) -> dict[str, Value]:
        """The parameters and their current values, by name."""
        return self._state.arguments(self.frame)


@dataclass(slots=True, eq=False)
class StepEvent:
    """A line is about to run; variables have the values from before it."""

    thread: Thread
    time_ns: int
    frame: Frame
    number: int
    """The number of earlier steps in the same process."""
    line: int
    """The line (1-based) of `frame.code.path`."""


@dataclass(slots=True, eq=False)
class _ValueEvent:
    thread: Thread
    time_ns: int
    frame: Frame
    raw: raw.Value = field(repr=False)
    """The value in the form of the log."""
    _state: State = field(repr=False)


@dataclass(slots=True, eq=False)
class ReturnEvent(_ValueEvent):
    """A frame returned."""

    @property
    def value(self) -> Value:
        """The returned value."""
        return self._state.resolve(self.raw, depth=depth_of(self.frame))


@dataclass(slots=True, eq=False)
class YieldEvent(_ValueEvent):
    """A frame was suspended: it yielded, or awaits something."""

    @property
    def value(self) -> Value:
        """The yielded value."""
        return self._state.resolve(self.raw, depth=depth_of(self.frame))


@dataclass(slots=True, eq=False)
class ResumeEvent:
    """A suspended frame continues."""

    thread: Thread
    time_ns: int
    frame: Frame


@dataclass(slots=True, eq=False)
class _ExceptionEvent(_ValueEvent):
    @property
    def exception(self) -> Value:
        """The exception, an object of the form ``exception``."""
        return self._state.resolve(self.raw, depth=depth_of(self.frame))


@dataclass(slots=True, eq=False)
class ThrowEvent(_ExceptionEvent):
    """A suspended frame continues with an exception that is thrown into it."""


@dataclass(slots=True, eq=False)
class UnwindEvent(_ExceptionEvent):
    """A frame ended, because an exception passed out of it."""


@dataclass(slots=True, eq=False)
class RaiseEvent(_ExceptionEvent):
    """An exception was raised in a frame, or came into it from a frame that it called."""


@dataclass(slots=True, eq=False)
class HandledEvent(_ExceptionEvent):
    """A frame begins to handle an exception, also in a ``finally`` or ``with``."""


@dataclass(slots=True, eq=False)
class LostEvent:
    """A frame has ended unseen: it is not known how."""

    thread: Thread
    time_ns: int
    frame: Frame


@dataclass(slots=True, eq=False)
class UnfinishedEvent:
    """The frame was still running at the end of the log; the replay adds this event."""

    thread: Thread
    time_ns: int
    frame: Frame


@dataclass(slots=True, eq=False)
class OutputEvent:
    """The program wrote something, or read its standard input."""

    thread: Thread
    time_ns: int
    frame: Frame | None
    """The innermost recorded frame, or None."""
    stream: str
    """``stdin``, ``stdout`` or ``stderr``."""
    path: str
    """The source file that wrote or read it; empty if it is not known."""
    line: int
    """The line there (1-based); 0 if it is not known."""
    data: bytes
    """The bytes that were written or read."""

    @property
    def text(self) -> str:
        """`data` as text; bytes that are not UTF-8 are shown as escapes."""
        return self.data.decode("utf-8", "backslashreplace")


@dataclass(slots=True, eq=False)
class ThreadEvent:
    """A thread was seen for the first time."""

    thread: Thread
    time_ns: int
    frame: None = None


@dataclass(slots=True, eq=False)
class ExitEvent:
    """Recording ended normally; frames that are still open follow as unfinished."""

    thread: Thread
    time_ns: int
    frame: Frame | None
    status: int | None
    """The exit status, if it is known."""


type EndEvent = ReturnEvent | YieldEvent | UnwindEvent | LostEvent | UnfinishedEvent
"""Any event that takes a frame off its thread's stack."""

type FrameEvent = (
    CallEvent | StepEvent | EndEvent | ResumeEvent | ThrowEvent | RaiseEvent | HandledEvent
)
"""Any event of a frame."""

type Event = FrameEvent | OutputEvent | ThreadEvent | ExitEvent
"""Any event that a replay yields."""
