"""Collects the steps, the runs and endings of frames, and the exceptions in one block of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay import events
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay

__all__ = ["Ending", "Facts", "Raised", "Run", "Step"]


class Step(NamedTuple):
    """A step of a frame."""

    number: int
    frame: int
    code: int
    line: int
    thread: int


class Run(NamedTuple):
    """A frame begins, or a suspended one goes on."""

    frame: int
    code: Code
    caller: int
    """The frame below it; -1 for none."""
    step: int
    """The step of that frame; -1 for none."""
    resumed: bool
    entered: bool
    """True if the recording lacks its beginning."""
    block: int
    order: int
    until: int


class Ending(NamedTuple):
    """A frame leaves its thread's stack."""

    frame: int
    kind: str
    """``return``, ``yield``, ``unwind``, ``lost`` or ``unfinished``."""
    value: raw.Value
    code: int
    below: int
    """The frame below it; -1 for none."""
    step: int
    """The last step of the frame; -1 for none."""
    block: int
    order: int
    until: int
    """The number of steps that the process had made."""


class Raised(NamedTuple):
    """An exception is raised in a frame, or comes into it from one that it called."""

    frame: int
    step: int
    exception: int
    """The number of the exception; -1 if it has none."""
    code: int
    type_name: str
    handled: bool
    """True if the frame begins to handle it, instead."""
    block: int
    order: int
    until: int


_ENDS: Final[dict[type, str]] = {
    events.ReturnEvent: "return",
    events.YieldEvent: "yield",
    events.UnwindEvent: "unwind",
    events.LostEvent: "lost",
    events.UnfinishedEvent: "unfinished",
}


class Facts:
    """The steps, runs, endings and exceptions in a block.

    Parameters:
        number: the number of the block.
        happened: its events, each with the replay that yielded it.

    Attributes:
        steps: its steps, in order.
        frames: the same, by the numbers of their frames.
        runs: the frames that begin or go on, in order.
        endings: the frames that leave the stack, by their numbers.
        raises: the exceptions that are raised or handled, in order.
    """

    __slots__ = ("_number", "endings", "frames", "raises", "runs", "steps")

    def __init__(self, number: int, happened: Iterable[tuple[events.Event, Replay]]) -> None:
        self._number = number
        self.steps: list[Step] = []
        self.frames: dict[int, list[Step]] = {}
        self.runs: list[Run] = []
        self.endings: dict[int, list[Ending]] = {}
        self.raises: list[Raised] = []
        for order, (event, replay) in enumerate(happened):
            if event.frame is not None:
                self._see(event, event.frame, order, replay)

    def _see(self, event: events.Event, frame: Frame, order: int, replay: Replay) -> None:
        when = (self._number, order, replay.steps)
        caller = frame.caller
        match event:
            case events.StepEvent(number=number, line=line, thread=thread):
                step = Step(number, frame.number, frame.code.number, line, thread.number)
                self.steps.append(step)
                self.frames.setdefault(frame.number, []).append(step)
            case events.CallEvent() | events.ResumeEvent() | events.ThrowEvent():
                below = (-1, -1) if caller is None else (caller.number, caller.step)
                is_call = isinstance(event, events.CallEvent)
                entered = isinstance(event, events.CallEvent) and event.entered
                run = Run(frame.number, frame.code, *below, not is_call, entered, *when)
                self.runs.append(run)
            case events.RaiseEvent(raw=value) | events.HandledEvent(raw=value):
                number = value.number if isinstance(value, raw.ReferenceValue) else -1
                handled = isinstance(event, events.HandledEvent)
                name = _type_name(replay, number)
                code = frame.code.number
                raised = Raised(frame.number, frame.step, number, code, name, handled, *when)
                self.raises.append(raised)
            case _ if type(event) in _ENDS:
                value = getattr(event, "raw", raw.UnboundValue())
                below_it = -1 if caller is None else caller.number
                what = (_ENDS[type(event)], value, frame.code.number, below_it, frame.step)
                self.endings.setdefault(frame.number, []).append(Ending(frame.number, *what, *when))


def _type_name(replay: Replay, number: int) -> str:
    """Return the name of an object's type; empty if it is not known."""
    record, types = replay.state.objects.get(number), replay.state.types
    known = record is not None and record.type_number < len(types)
    return types[record.type_number] if record is not None and known else ""
