"""Goes from a moment to the nearest step that a goal means, over the blocks that can have one."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from codetracer.replay.doing import Doing
from codetracer.replay.events import StepEvent
from codetracer.replay.goals import Arrival, Change
from codetracer.replay.indexed import MISFITS
from codetracer.replay.seekers import seeker_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codetracer.replay.events import Event
    from codetracer.replay.goals import Goal
    from codetracer.replay.moment import Moment
    from codetracer.replay.timeline import Block, Timeline

__all__ = ["reach"]


def reach(timeline: Timeline, here: Moment, goals: Sequence[Goal], *, back: bool) -> Arrival | None:
    """Go from a moment to a goal; see `Moment.run` and `Moment.run_back`."""
    if not goals:
        end = 0 if back else timeline.steps - 1
        return None if here.step == end else Arrival(timeline.at(end), ())
    search = _Search(timeline, here, goals)
    try:
        return search.back() if back else search.forward()
    except MISFITS:
        raise timeline.source.misfit(timeline.index.block(search.block).offset) from None


class _Search:
    """One search for some goals.

    Attributes:
        block: the number of the block that was read last.
    """

    def __init__(self, timeline: Timeline, here: Moment, goals: Sequence[Goal]) -> None:
        self.block = timeline.block_of(here.step)
        self._timeline = timeline
        self._here = here.step
        self._goals = goals
        self._seekers = [seeker_of(timeline, here, goal) for goal in goals]
        self._changes = any(isinstance(goal, Change) for goal in goals)

    def forward(self) -> Arrival | None:
        for number in self._blocks(back=False):
            found, reached = -1, set[int]()
            for step, which, event, block in self._reached(number):
                # What happens first decides; other goals may be reached at the same step.
                may_be = step > self._here and found in (-1, step)
                if may_be and self._is_meant(step, which, event, block):
                    found = step
                    reached.add(which)
            if found >= 0:
                return self._arrival(found, reached)
        return None

    def back(self) -> Arrival | None:
        # A line that waited for calls may have begun long before.
        found: dict[int, set[int]] = {}
        for number in self._blocks(back=True):
            row = self._timeline.index.block
            if found and max(found) >= row(number + 1).steps:
                break
            for step, which, event, block in self._reached(number, self._here):
                if step < self._here and self._is_meant(step, which, event, block):
                    found.setdefault(step, set()).add(which)
            if found and max(found) >= row(number).steps:
                break
        if not found:
            return None
        step = max(found)
        return self._arrival(step, found[step])

    def _blocks(self, *, back: bool) -> Iterator[int]:
        """Yield the numbers of blocks to read, this one first, each after the last was read."""
        first = self.block
        yield first
        of_each = [seeker.blocks(first, back=back) for seeker in self._seekers]
        for number in merge(*of_each, reverse=back):
            if number != self.block:
                yield number

    def _reached(
        self, number: int, end: int | None = None
    ) -> Iterator[tuple[int, int, Event, Block]]:
        """Read a block, up to a step; yield steps and the numbers of goals reached there."""
        self.block = number
        block = self._timeline.block(number, note_changes=self._changes)
        doing, changes = Doing(block), block.replay.changes
        for seeker in self._seekers:
            seeker.begin(block)
        for event in block:
            doer = doing.see(event)
            for which, seeker in enumerate(self._seekers):
                step = seeker.see(event, doer)
                if step >= 0:
                    yield step, which, event, block
            if changes is not None and event.frame is not None:
                changes.clear()
            if type(event) is StepEvent and event.number == end:
                return

    def _is_meant(self, step: int, which: int, event: Event, block: Block) -> bool:
        when = self._goals[which].when
        if when is None:
            return True
        if type(event) is StepEvent and event.number == step:
            return when(block.moment(event))
        return when(self._timeline.at(step))

    def _arrival(self, step: int, reached: set[int]) -> Arrival:
        goals = tuple(self._goals[which] for which in sorted(reached))
        return Arrival(self._timeline.at(step), goals)
