"""What happened, one class for each kind of event; a replay yields them in order.

Every event has `thread` (where it happened), `time_ns` (ns since recording began, as of the last
record that had a time: exact for calls and their ends, not later than that for the others) and
`frame` (what it happened to). Properties that give values resolve them when they are asked for:
ask before going on to the next event, for the objects will have changed then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    """A frame begins, or was seen for the first time; `frame.code` says of what."""

    thread: Thread
    time_ns: int
    frame: Frame
    entered: bool
    """It had begun before it was seen; nothing is known of its arguments then."""
    _state: State = field(repr=False)

    @property
    def arguments(self) -> dict[str, Value]:
        """The parameters by name, with what they are right now."""
        return self._state.arguments(self.frame)


@dataclass(slots=True, eq=False)
class StepEvent:
    """A line is about to run; variables are as they are before it does."""

    thread: Thread
    time_ns: int
    frame: Frame
    number: int
    """How many steps of the same process are before it."""
    line: int
    """The line (1-based) of `frame.code.path`."""


@dataclass(slots=True, eq=False)
class _ValueEvent:
    thread: Thread
    time_ns: int
    frame: Frame
    raw: raw.Value = field(repr=False)
    """The value as the log has it."""
    _state: State = field(repr=False)


@dataclass(slots=True, eq=False)
class ReturnEvent(_ValueEvent):
    """A frame returned."""

    @property
    def value(self) -> Value:
        """What it returned."""
        return self._state.resolve(self.raw)


@dataclass(slots=True, eq=False)
class YieldEvent(_ValueEvent):
    """A frame was suspended: it yielded, or awaits something."""

    @property
    def value(self) -> Value:
        """What it yielded."""
        return self._state.resolve(self.raw)


@dataclass(slots=True, eq=False)
class ResumeEvent:
    """A suspended frame goes on."""

    thread: Thread
    time_ns: int
    frame: Frame


@dataclass(slots=True, eq=False)
class _ExceptionEvent(_ValueEvent):
    @property
    def exception(self) -> Value:
        """The exception, an object of the form ``exception``."""
        return self._state.resolve(self.raw)


@dataclass(slots=True, eq=False)
class ThrowEvent(_ExceptionEvent):
    """A suspended frame goes on with an exception that is thrown into it."""


@dataclass(slots=True, eq=False)
class UnwindEvent(_ExceptionEvent):
    """A frame ended by an exception that passed out of it."""


@dataclass(slots=True, eq=False)
class RaiseEvent(_ExceptionEvent):
    """An exception was raised in a frame, or came into it from one that it called."""


@dataclass(slots=True, eq=False)
class HandledEvent(_ExceptionEvent):
    """A frame begins to handle an exception; also where ``finally`` or ``with`` does."""


@dataclass(slots=True, eq=False)
class LostEvent:
    """A frame has left, and nothing told how."""

    thread: Thread
    time_ns: int
    frame: Frame


@dataclass(slots=True, eq=False)
class UnfinishedEvent:
    """The log has ended, and the frame had not; no record says so, the replay adds it."""

    thread: Thread
    time_ns: int
    frame: Frame


@dataclass(slots=True, eq=False)
class OutputEvent:
    """The program wrote something, or read its standard input."""

    thread: Thread
    time_ns: int
    frame: Frame | None
    """The innermost frame that is recorded, if any."""
    stream: str
    """``stdin``, ``stdout`` or ``stderr``."""
    path: str
    """The file that wrote or read it; empty when it is not known."""
    line: int
    """The line there (1-based); 0 when it is not known."""
    data: bytes
    """What was written, or read."""

    @property
    def text(self) -> str:
        """`data` as text; what is no UTF-8 is shown as escapes."""
        return self.data.decode("utf-8", "backslashreplace")


@dataclass(slots=True, eq=False)
class ThreadEvent:
    """A thread was seen for the first time."""

    thread: Thread
    time_ns: int
    frame: None = None


@dataclass(slots=True, eq=False)
class ExitEvent:
    """Recording ended in order; frames that are still open are told as unfinished after it."""

    thread: Thread
    time_ns: int
    frame: Frame | None
    status: int | None
    """The exit status, when it is known."""


type EndEvent = ReturnEvent | YieldEvent | UnwindEvent | LostEvent | UnfinishedEvent
"""Whatever takes a frame off its thread's stack."""

type FrameEvent = (
    CallEvent | StepEvent | EndEvent | ResumeEvent | ThrowEvent | RaiseEvent | HandledEvent
)
"""Whatever happens to a frame."""

type Event = FrameEvent | OutputEvent | ThreadEvent | ExitEvent
"""Anything that a replay yields."""
