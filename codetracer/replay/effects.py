"""Finds the effects of a line: all that it did until its frame's next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codetracer.replay.calls import Call
from codetracer.replay.differences import differences, named, variable_name
from codetracer.replay.doing import Doing
from codetracer.replay.events import (
    CallEvent,
    LostEvent,
    OutputEvent,
    RaiseEvent,
    ReturnEvent,
    StepEvent,
    UnwindEvent,
    YieldEvent,
)
from codetracer.replay.history import Found, Write
from codetracer.replay.same import same
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings.index_format import KEY_FRAME, KEY_THREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.doing import Doer
    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame
    from codetracer.replay.moment import Moment
    from codetracer.replay.timeline import Block, Timeline
    from codetracer.replay.values import Value
    from codetracer_bindings import trace_decoder as raw

__all__ = ["Effects", "effects_of"]


class Effects(NamedTuple):
    """The effects of a line itself, without those of the calls that it made."""

    writes: list[Write]
    """The changes of variables, and of attributes and items of objects that were known before."""
    outputs: list[OutputEvent]
    """The output that it wrote, and the input that it read."""
    calls: list[Call]
    """The calls that it made."""
    exception: Value
    """The exception that it raised or that came in; `Hidden` ``unbound`` for none."""
    result: Value
    """The value that the frame returned or yielded there; `Hidden` ``unbound`` for none."""


def effects_of(timeline: Timeline, moment: Moment) -> Effects:
    """Return what the line of a moment did."""
    return _Line(timeline, moment).effects()


class _Line:
    def __init__(self, timeline: Timeline, moment: Moment) -> None:
        self._timeline = timeline
        self._step = moment.step
        self._frame = moment.frame.number
        self._thread = moment.thread.number
        self._begun = False
        nothing = moment.state.resolve(UNBOUND)
        self._effects = Effects([], [], [], nothing, nothing)

    def effects(self) -> Effects:
        number: int | None = self._timeline.block_of(self._step)
        while number is not None:
            block = self._timeline.block(number, note_changes=True)
            if self._read(block):
                break
            number = self._next(block)
        return self._effects

    def _read(self, block: Block) -> bool:
        """Note what the line does in a block; return whether it ends there."""
        replay, doing = block.replay, Doing(block)
        for at, event in enumerate(block):
            doer = doing.see(event)
            if self._begun:
                if self._see(block, at, event, doer):
                    return True
            elif type(event) is StepEvent and event.number == self._step:
                self._begun = True
            if replay.changes is not None and event.frame is not None:
                replay.changes.clear()
        return False

    def _see(self, block: Block, at: int, event: Event, doer: Doer | None) -> bool:
        """Note an event, and return whether the line has ended."""
        frame = event.frame
        if frame is None:
            return False
        if doer is not None and doer.frame.number == self._frame:
            self._effects.writes.extend(self._writes(block, at, doer.frame))
        if isinstance(event, CallEvent):
            if frame.caller is not None and frame.caller.number == self._frame:
                self._effects.calls.append(Call(self._timeline, block.number, at, event))
        elif frame.number != self._frame:
            pass
        elif isinstance(event, OutputEvent):
            self._effects.outputs.append(event)
        elif isinstance(event, RaiseEvent):
            self._effects = self._effects._replace(exception=event.exception)
        elif isinstance(event, ReturnEvent | YieldEvent):
            self._effects = self._effects._replace(result=event.value)
        return frame.number == self._frame and isinstance(
            event, StepEvent | ReturnEvent | UnwindEvent | LostEvent
        )

    def _writes(self, block: Block, at: int, frame: Frame) -> Iterator[Write]:
        """Yield the changes at an event, with names as the frame's code would write them."""
        replay, state = block.replay, block.replay.state
        changes = replay.changes
        if changes is None:
            return
        for (owner, number), before in changes.variables.items():
            after = state.variable(owner, number)
            if not same(before, after):
                name = variable_name(owner.code, number)
                yield self._write(block, at, frame, name, "line", before, after)
        found = {
            number: [*differences(state, number, record)]
            for number, record in changes.objects.items()
            if record is not None
        }
        names = named(state, frame, [number for number, differing in found.items() if differing])
        for number, differing in found.items():
            for suffix, before, after in differing:
                how = "line" if suffix else "contents"
                subject = f"{names[number]}{suffix}"
                yield self._write(block, at, frame, subject, how, before, after)

    def _write(
        self,
        block: Block,
        at: int,
        frame: Frame,
        subject: str,
        how: str,
        before: raw.Value,
        after: raw.Value,
    ) -> Write:
        steps = block.replay.steps
        found = Found(at, steps, frame, self._step, how, before, after)
        return Write(self._timeline, subject, block.number, found)

    def _next(self, block: Block) -> int | None:
        """Return the number of the next block in which the line may do something."""
        index, after = self._timeline.index, block.number
        above = self._above(after + 1)
        if above is None:
            keys = [(KEY_FRAME, self._frame, 0), (KEY_THREAD, self._thread, 0)]
            return next(index.blocks_of(after, keys, back=False), None)
        number, suspends = above
        if suspends:
            return next(index.blocks_of(after, [(KEY_FRAME, number, 0)], back=False), None)
        # It ends in the last block that has something about it.
        last = next(index.before(index.blocks, KEY_FRAME, number), None)
        return last.block if last is not None and last.block > after else None

    def _above(self, block: int) -> tuple[int, bool] | None:
        """Return the frame right above the line's before a block, and whether it may suspend.

        None if the line's frame is the innermost one, or is suspended.
        """
        for stack in self._timeline.index.stacks(block).values():
            for lower, upper in zip(stack.frames, stack.frames[1:], strict=False):
                if lower.number == self._frame:
                    return upper.number, self._timeline.source.codes[upper.code].suspends
        return None
