"""The steps of one process: what happens in any block of its log, and when."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.errors import TargetError
from codetracer.replay.details import lacking
from codetracer.replay.events import StepEvent, UnfinishedEvent
from codetracer.replay.indexed import MISFITS
from codetracer.replay.moment import Moment
from codetracer.replay.replay import Replay
from codetracer_bindings.index_format import KEY_FRAME, KEY_THREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from codetracer.replay.details import Part
    from codetracer.replay.events import Event
    from codetracer.replay.index import Index
    from codetracer.replay.indexed import IndexedLog
    from codetracer.replay.model import Frame

__all__ = ["Block", "Look", "Timeline"]

KEPT_BLOCKS: Final = 16
"""For so many recently used blocks, the thread and the frame of each step are kept in memory."""

type _Step = tuple[int, int, int]
"""The numbers of a step, of its thread, and of its innermost frame."""


class Block:
    """One block of the log: its events, with the state at each.

    Parameters:
        timeline: the process.
        source: its log, with the index.
        number: the number of the block.
        note_changes: whether to collect changes in `Replay.changes`.

    Attributes:
        number: as given.
        replay: has the state at the event that was yielded last.
        frames: the frames that are on a stack at its beginning.
    """

    def __init__(
        self, timeline: Timeline, source: IndexedLog, number: int, *, note_changes: bool
    ) -> None:
        start = source.keyframe(number)
        start.blocks = islice(source.blocks(number), 1)
        self.number = number
        self.replay = Replay(source.log, start=start, note_changes=note_changes)
        self._timeline = timeline
        self._resumable = start.resumable
        self.frames: list[Frame] = []
        for thread in start.threads:
            frame = thread.top
            while frame is not None:
                self.frames.append(frame)
                frame = frame.caller

    def __iter__(self) -> Iterator[Event]:
        for event in self.replay:
            if type(event) is UnfinishedEvent:
                return
            yield event

    def frame(self, number: int) -> Frame | None:
        """Return a frame that began before the block and has not ended; None if it is none."""
        return self._resumable.get(number)

    def moment(self, event: StepEvent) -> Moment:
        """Return the moment of a step that was yielded last; it ends with the next event."""
        return Moment(self._timeline, self.replay, event)


class Look(NamedTuple):
    """An event of a block, with the state there until somebody looks elsewhere."""

    event: Event
    replay: Replay
    """Its changes are those at the event."""


class _Looked(NamedTuple):
    """The place of the last look, and the events after it."""

    block: int
    at: int
    look: Look
    events: Iterator[Event]
    """The events after it."""


def _forget(replay: Replay, event: Event) -> None:
    """Forget the changes at an event, if they belong to it."""
    if replay.changes is not None and event.frame is not None:
        replay.changes.clear()


class Timeline:
    """The steps of one process.

    Parameters:
        number: the number of the process in its recording.
        source: its log, with the index.
        line_of: returns a line (1-based) of a source file, by path; empty if it is not known.

    Attributes:
        number, line_of: as given.
        started: when recording of the process began (ns since 1970).
        steps: how many steps the index covers: all, unless the log is damaged.
        index: the index of the log.
        source: as given.
    """

    def __init__(self, number: int, source: IndexedLog, line_of: Callable[[str, int], str]) -> None:
        self.number = number
        self.source = source
        self.line_of = line_of
        self.started: int = source.log.started
        self.index: Index = source.index
        self.steps = self.index.block(self.index.blocks).steps if self.index.blocks else 0
        self._kept: OrderedDict[int, list[_Step]] = OrderedDict()
        self._looked: _Looked | None = None

    def at(self, step: int) -> Moment:
        """Return the moment right before a step's line runs.

        Raises:
            TargetError: ERR_NOT_IN_TRACE, there is no such step; ERR_TRACE_DAMAGED, the log is
                damaged there or before.
            HostError: ERR_IO, the log cannot be read.
        """
        replay = self.replay(step)
        for event in replay:
            # A step that the index does not cover is in a damaged block.
            if type(event) is StepEvent and event.number == step < self.steps:
                return Moment(self, replay, event)
        if 0 <= step < self.steps:
            raise self.source.misfit(replay.position)
        last = f"the last one is {replay.steps - 1}" if replay.steps else "there is none"
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"process {self.number} has no step {step}; {last}{self.because('lines')}",
            {"process": self.number, "step": step},
        )

    def because(self, part: Part) -> str:
        """Return why code lacks lines or values, to append it to a message; empty if none does."""
        why = lacking(self.source.codes, part)
        return f"; {why}" if why else ""

    def replay(self, step: int) -> Replay:
        """Return a replay that begins shortly before a step, with the state there.

        Beyond the steps that the index covers, it begins where the index ends.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, the log is damaged there.
            HostError: ERR_IO, the log cannot be read.
        """
        return self._replay_from(self.block_of(max(step, 0)))

    def block_of(self, step: int) -> int:
        """Return the number of the block that has a step."""
        return self.index.block_of_step(step)

    def block(self, number: int, *, note_changes: bool = False) -> Block:
        """Return a block of the log, by its number.

        Parameters:
            number: the number of the block.
            note_changes: whether to collect changes in `Replay.changes`.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, the log is damaged there.
            HostError: ERR_IO, the log cannot be read.
        """
        return Block(self, self.source, number, note_changes=note_changes)

    def look(self, number: int, event: int) -> Look:
        """Return an event of a block, and the state at it.

        It is cheap to look at the events of a block in their order.

        Parameters:
            number: the number of the block.
            event: how many events of the block are before it.
        """
        looked = self._looked
        if looked is not None and (looked.block, looked.at) == (number, event):
            return looked.look
        self._looked = None
        if looked is None or looked.block != number or looked.at > event:
            block = self.block(number, note_changes=True)
            at, replay, events = -1, block.replay, iter(block)
        else:
            at, replay, events = looked.at, looked.look.replay, looked.events
            _forget(replay, looked.look.event)
        for found in events:
            at += 1
            if at == event:
                self._looked = _Looked(number, at, Look(found, replay), events)
                return self._looked.look
            _forget(replay, found)
        raise self.source.misfit(replay.position)

    def last_step(self, frame: int) -> int:
        """Return the number of the last step of a frame that is in several blocks; -1 for none."""
        for row in self.index.before(self.index.blocks, KEY_FRAME, frame):
            if row.records:
                return self.index.block(row.block).steps + row.records - 1
        return -1

    def at_time(self, time_ns: int) -> Moment | None:
        """Return the last step that began up to a time; None if there is none.

        Parameters:
            time_ns: the time (ns since recording of the process began).
        """
        rows = range(self.index.blocks)
        number = bisect_right(rows, time_ns, key=lambda block: self.index.block(block).time) - 1
        for block in range(number, -1, -1):
            found = -1
            for event in self.block(block):
                if type(event) is StepEvent and event.time_ns <= time_ns:
                    found = event.number
            if found >= 0:
                return self.at(found)
        return None

    def after(self, step: int, frames: Sequence[int] | None, thread: int) -> int | None:
        """Return the number of the next step in a thread.

        Parameters:
            step: the number of a step.
            frames: the numbers of frames, to pass over the steps of all others; None for any frame.
            thread: the number of the thread.

        Returns:
            The step's number; None if the index has no such step.
        """
        wanted = _wanted(frames, thread)
        block = self.index.block_of_step(step)
        try:
            later = [self.index.after(block, *key) for key in _keys(frames, thread)]
            of_each = [(row.block for row in rows if row.records) for rows in later]
            for number in _each_once(block, merge(*of_each)):
                for found in self._steps(number):
                    if found[0] > step and wanted(found):
                        return found[0]
        except MISFITS:
            raise self.source.misfit(self.index.block(block).offset) from None
        return None

    def before(self, step: int, frames: Sequence[int] | None, thread: int) -> int | None:
        """Return the number of the last step in a thread before a step; see `after`."""
        wanted = _wanted(frames, thread)
        block = self.index.block_of_step(step)
        try:
            earlier = [self.index.before(block, *key) for key in _keys(frames, thread)]
            of_each = [(row.block for row in rows if row.records) for rows in earlier]
            for number in _each_once(block, merge(*of_each, reverse=True)):
                for found in reversed(self._steps(number)):
                    if found[0] < step and wanted(found):
                        return found[0]
        except MISFITS:
            raise self.source.misfit(self.index.block(block).offset) from None
        return None

    def _steps(self, block: int) -> list[_Step]:
        """Return the steps in a block."""
        found = self._kept.pop(block, None)
        if found is None:
            found = [
                (event.number, event.thread.number, event.frame.number)
                for event in self.block(block)
                if type(event) is StepEvent
            ]
            row, after = self.index.block(block), self.index.block(block + 1)
            if len(found) != after.steps - row.steps:
                raise self.source.misfit(row.offset)
        self._kept[block] = found
        if len(self._kept) > KEPT_BLOCKS:
            self._kept.popitem(last=False)
        return found

    def _replay_from(self, block: int) -> Replay:
        if not self.index.blocks:
            return Replay(self.source.log)
        return Replay(self.source.log, start=self.source.keyframe(block))


def _keys(frames: Sequence[int] | None, thread: int) -> list[tuple[int, int]]:
    """Return the keys of the index that have all blocks with the wanted steps."""
    return [(KEY_THREAD, thread)] if frames is None else [(KEY_FRAME, frame) for frame in frames]


def _wanted(frames: Sequence[int] | None, thread: int) -> Callable[[_Step], bool]:
    if frames is None:
        return lambda step: step[1] == thread
    chosen = frozenset(frames)
    return lambda step: step[1] == thread and step[2] in chosen


def _each_once(first: int, more: Iterable[int]) -> Iterator[int]:
    """Yield numbers that are in order, without those that are there twice."""
    yield first
    for number in more:
        if number != first:
            first = number
            yield number
