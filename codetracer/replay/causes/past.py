"""Looks up steps, calls, results and raises of one process, to find causes of values."""

from __future__ import annotations

from collections import OrderedDict
from heapq import merge
from typing import TYPE_CHECKING, Final

from codetracer.replay import events
from codetracer.replay.causes.facts import Facts
from codetracer.replay.causes.view import View
from codetracer.replay.history import writes
from codetracer.replay.model import Code, shortened
from codetracer.replay.slots import ObjectSlot
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.index_format import KEY_CALL, KEY_FRAME, KEY_LINE

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

    from codetracer.replay.causes.facts import Ending, Raised, Run, Step
    from codetracer.replay.model import Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.subjects import Step as Way
    from codetracer.replay.timeline import Timeline

__all__ = ["Past"]

KEPT_FACTS: Final = 64
KEPT_MOMENTS: Final = 32

MOST_CALLS: Final = 200
"""So many calls of one line are looked at."""


class Past:
    """Finds what happened in a process, from any moment back.

    Parameters:
        timeline: the steps of the process.

    Attributes:
        number: the number of the process.
        steps: how many steps it has.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.number = timeline.number
        self.steps = timeline.steps
        self._timeline = timeline
        source = timeline.source
        self._index = timeline.index
        self._facts: OrderedDict[int, Facts] = OrderedDict()
        self._views: OrderedDict[int, View] = OrderedDict()
        paths = [shortened(each.path) for each in source.defined(raw.SourceRecord, None)]
        self.codes = [
            Code(number, paths[record.source] if record.source < len(paths) else "", record)
            for number, record in enumerate(source.defined(raw.CodeRecord, None))
        ]

    def last_of(self, code: Code) -> Code:
        """Return code with the detail that it had last."""
        return self._timeline.source.codes[code.number]

    # ---------------------------------------------------------------- moments

    def view(self, step: int) -> View:
        """Return the variables right before a step's line runs."""
        view = self._views.pop(step, None)
        if view is None:
            moment = self._timeline.at(step)
            view = View(moment.state, moment.frame, step)
        self._views[step] = view
        if len(self._views) > KEPT_MOMENTS:
            self._views.popitem(last=False)
        return view

    def when(self, event: Ending | Run | Raised) -> View:
        """Return the variables of its frame at an event."""
        for order, (found, replay) in enumerate(self._events(event.block)):
            if order == event.order and found.frame is not None:
                return View(replay.state, found.frame, event.until)
        raise self._timeline.source.misfit(self._index.block(event.block).offset)

    # ---------------------------------------------------------------- steps

    def step(self, number: int) -> Step:
        """Return a step.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, there is no such step.
        """
        number_of_block = self._index.block_of_step(number)
        steps = self._block(number_of_block).steps
        if not steps or not 0 <= number - steps[0].number < len(steps):
            raise self._timeline.source.misfit(self._index.block(number_of_block).offset)
        return steps[number - steps[0].number]

    def back(self, frame: int, before: int) -> Iterator[Step]:
        """Yield the steps of a frame before a step, the last one first."""
        start = self._index.block_of_step(before) if before < self.steps else self._index.blocks - 1
        for block in self._blocks_back(frame, start):
            for step in reversed(self._block(block).frames.get(frame, ())):
                if step.number < before:
                    yield step

    def forward(self, frame: int, after: int) -> Iterator[Step]:
        """Yield the steps of a frame after a step; -1 for all of them."""
        born = self._index.block_of_call(frame)
        start = self._index.block_of_step(after) if after >= 0 else born
        later = (row.block for row in self._index.after(start, KEY_FRAME, frame))
        for block in _each_once(merge([start], later)):
            for step in self._block(block).frames.get(frame, ()):
                if step.number > after:
                    yield step

    def over(self, frame: int, step: int) -> int:
        """Return how many steps the process had made when a step's line was over."""
        after = next(self.forward(frame, step), None)
        if after is not None:
            return after.number
        ending = self.last(frame)
        return self.steps if ending is None else ending.until

    def last_at(
        self, places: Iterable[tuple[int, int]], before: int, frame: int | None = None
    ) -> Iterator[Step]:
        """Yield the steps at lines before a step, the last one first.

        Parameters:
            places: the number of a code and a line (1-based), each.
            before: the number of a step.
            frame: the number of the frame, for its steps alone.
        """
        wanted = set(places)
        start = self._index.block_of_step(before) if before < self.steps else self._index.blocks - 1
        first = 0 if frame is None else self._index.block_of_call(frame)
        of_each = [
            (row.block for row in self._index.before(start + 1, KEY_LINE, *place))
            for place in wanted
        ]
        for block in _each_once(merge(*of_each, reverse=True)):
            if block < first:
                return
            facts = self._block(block)
            steps = facts.steps if frame is None else facts.frames.get(frame, [])
            for step in reversed(steps):
                if step.number < before and (step.code, step.line) in wanted:
                    yield step

    def _blocks_back(self, frame: int, start: int) -> Iterator[int]:
        yield start
        born = self._index.block_of_call(frame)
        for row in self._index.before(start, KEY_FRAME, frame):
            yield row.block
        if born < start and next(self._index.before(start, KEY_FRAME, frame), None) is None:
            yield born

    # ---------------------------------------------------------------- calls

    def run(self, frame: int) -> Run:
        """Return the beginning of a frame."""
        for run in self._block(self._index.block_of_call(frame)).runs:
            if run.frame == frame and not run.resumed:
                return run
        raise KeyError(frame)

    def runs_of(self, step: Step) -> list[Run]:
        """Return the frames that began or went on while a step's line ran, below none but its own.

        At most `MOST_CALLS` of them are returned.
        """
        found: list[Run] = []
        after = next(self.forward(step.frame, step.number), None)
        stop = self._index.blocks if after is None else self._index.block_of_step(after.number)
        block = self._index.block_of_step(step.number)
        while block <= min(stop, self._index.blocks - 1):
            facts = self._block(block)
            found.extend(
                run for run in facts.runs if (run.caller, run.step) == (step.frame, step.number)
            )
            if len(found) >= MOST_CALLS:
                break
            over = any(
                ending.step == step.number and (ending.block, ending.order) > (block, -1)
                for ending in facts.endings.get(step.frame, ())
                if ending.kind != "yield"
            )
            if over:
                break
            # Passes over the blocks that a call has for itself.
            last = found[-1] if found else None
            if last is not None and self._ending_in(facts, last) is None:
                rows = self._index.after(block, KEY_FRAME, last.frame)
                end = max((row.block for row in rows), default=block + 1)
                block = max(block + 1, end) if not last.code.suspends else block + 1
            else:
                block += 1
        return found[:MOST_CALLS]

    def resumed(self, frame: int, after: int) -> Run | None:
        """Return how a suspended frame went on after a step; None if it did not."""
        start = self._index.block_of_step(after)
        later = (row.block for row in self._index.after(start, KEY_FRAME, frame))
        for block in _each_once(merge([start], later)):
            for run in self._block(block).runs:
                if run.frame == frame and run.resumed and run.until > after:
                    return run
        return None

    def ending(self, run: Run) -> Ending | None:
        """Return how a run ended: the frame yielded, or ended; None if the log ends before."""
        if not run.code.suspends:
            # It may have records in every block until then.
            return self.last(run.frame)
        rows = self._index.after(run.block, KEY_FRAME, run.frame)
        blocks = (row.block for row in rows)
        for block in _each_once(merge([run.block], blocks)):
            found = self._ending_in(self._block(block), run)
            if found is not None:
                return found
        return None

    def last(self, frame: int) -> Ending | None:
        """Return the last time that a frame left the stack; None if it is not in the log."""
        row = next(self._index.before(self._index.blocks, KEY_FRAME, frame), None)
        block = self._index.block_of_call(frame) if row is None else row.block
        found = self._block(block).endings.get(frame)
        return found[-1] if found else None

    def _ending_in(self, facts: Facts, run: Run) -> Ending | None:
        for ending in facts.endings.get(run.frame, ()):
            if (ending.block, ending.order) > (run.block, run.order):
                return ending
        return None

    def calls(self, codes: Iterable[int], before: int) -> Iterator[Run]:
        """Yield the calls of codes that began before a step, the last one first."""
        wanted = set(codes)
        start = self._index.block_of_step(before) if before < self.steps else self._index.blocks - 1
        of_each = [
            (row.block for row in self._index.before(start + 1, KEY_CALL, code)) for code in wanted
        ]
        for block in _each_once(merge(*of_each, reverse=True)):
            for run in reversed(self._block(block).runs):
                if not run.resumed and run.code.number in wanted and run.until <= before:
                    yield run

    # ---------------------------------------------------------------- exceptions

    def raises(self, before: int) -> Iterator[Raised]:
        """Yield where exceptions were raised before a step, the last one first."""
        start = self._index.block_of_step(before) if before < self.steps else self._index.blocks - 1
        for block in range(start, -1, -1):
            if not self._index.block(block).raises:
                continue
            for found in reversed(self._block(block).raises):
                if not found.handled and found.until <= before:
                    yield found

    def uncaught(self) -> list[Ending]:
        """Return the exceptions that ended a thread's outermost frame, in order."""
        found: list[Ending] = []
        for block in range(self._index.blocks):
            # An exception leaves its last frame soon after it came into it.
            if self._index.block(block).raises or (block and self._index.block(block - 1).raises):
                found.extend(
                    ending
                    for endings in self._block(block).endings.values()
                    for ending in endings
                    if ending.kind == "unwind" and ending.below < 0
                )
        return sorted(found, key=lambda ending: (ending.block, ending.order))

    def last_view(self, codes: set[int], node: ast.expr, before: int) -> View | None:
        """Return the last moment in a frame of some codes at which an expression exists.

        That is when the frame ended or yielded, or before one of its lines, if it is unbound later.

        Parameters:
            codes: the numbers of the codes.
            node: a name, or a chain of attributes and items.
            before: the number of a step.
        """
        start = self._index.block_of_step(before) if before < self.steps else self._index.blocks - 1
        for block in range(start, -1, -1):
            facts = self._block(block)
            wanted = {
                ending.order
                for endings in facts.endings.values()
                for ending in endings
                if ending.code in codes and ending.until <= before
            }
            if not wanted and not any(step.code in codes for step in facts.steps):
                continue
            last = -1
            for order, view in self._moments(block, codes, wanted):
                if view.until <= before and view.peek(node) != UNBOUND:
                    last = order
            if last >= 0:
                return next(v for order, v in self._moments(block, codes, wanted) if order == last)
        return None

    def _moments(
        self, block: int, codes: set[int], endings: set[int]
    ) -> Iterator[tuple[int, View]]:
        """Yield the variables before each line of some codes, and when their frames left the stack.

        Each is right until the next one is yielded, and has the number of its event in the block.
        """
        for order, (event, replay) in enumerate(self._events(block)):
            if event.frame is None:
                continue
            if order in endings:
                yield order, View(replay.state, event.frame, replay.steps)
            elif isinstance(event, events.StepEvent) and event.frame.code.number in codes:
                yield order, View(replay.state, event.frame, event.number)

    def end(self, frame: Frame) -> View:
        """Return the variables of a frame at the end of the process; its global ones are right."""
        block = self._index.blocks - 1
        state = None
        for _, replay in self._events(block):
            state = replay.state
        if state is None:
            raise self._timeline.source.misfit(self._index.block(block).offset)
        return View(state, frame, self.steps)

    def raised_in(self, frame: int, step: int) -> list[Raised]:
        """Return the exceptions that a step's line raised or began to handle, in order."""
        found: list[Raised] = []
        after = next(self.forward(frame, step), None)
        first = self._index.block_of_step(step)
        last = self._index.blocks - 1
        if after is not None:
            last = min(last, self._index.block_of_step(after.number))
        else:
            ending = self.last(frame)
            last = last if ending is None else ending.block
        rows = self._index.after(first, KEY_FRAME, frame)
        blocks = [first, *(row.block for row in rows if row.block <= last)]
        for block in blocks:
            found.extend(
                each
                for each in self._block(block).raises
                if (each.frame, each.step) == (frame, step)
            )
        return found

    # ---------------------------------------------------------------- objects

    def written(self, number: int, way: Way | None, before: int) -> int | None:
        """Return the step that changed an object last; None if none did.

        Parameters:
            number: the number of the object.
            way: the attribute or item; None for any change.
            before: the number of the step before which it was changed.
        """
        if not self.steps:
            return None
        slot = ObjectSlot("", number, () if way is None else (way,))
        for write in writes(self._timeline, slot, before, back=True):
            # Changes inside of what an attribute or item holds are changes of another object.
            if write.place is None or (way is not None and write.how == "contents"):
                continue
            # What the index does not cover is left out: the log is damaged there.
            if write.place.step < self.steps:
                return write.place.step
        return None

    # ---------------------------------------------------------------- blocks

    def _block(self, number: int) -> Facts:
        facts = self._facts.pop(number, None)
        if facts is None:
            known = 0 <= number < self._index.blocks
            facts = Facts(number, self._events(number) if known else ())
        self._facts[number] = facts
        if len(self._facts) > KEPT_FACTS:
            self._facts.popitem(last=False)
        return facts

    def _events(self, number: int) -> Iterator[tuple[events.Event, Replay]]:
        replay = self._timeline.block(number).replay
        is_last = number == self._index.blocks - 1
        for event in replay:
            # At the end of the log it says which frames have not ended; so does every block.
            if type(event) is events.UnfinishedEvent and not is_last:
                return
            yield event, replay


def _each_once(numbers: Iterable[int]) -> Iterator[int]:
    """Yield numbers that are in order, without those that are there twice."""
    last = None
    for number in numbers:
        if number != last:
            last = number
            yield number
