"""Moments of a recording, and the way from one to another, forwards and backwards.

moment = codetracer.read("out").at("0:120")
while moment is not None:
    print(moment.place, moment.frame.code.name, moment.line, moment.locals())
    moment = moment.back()
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from heapq import merge
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.errors import TargetError
from codetracer.replay.events import StepEvent
from codetracer.replay.indexed import MISFITS
from codetracer.replay.replay import Replay
from codetracer_bindings.index_format import KEY_FRAME, KEY_THREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from codetracer.replay.indexed import IndexedLog
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.values import Value

__all__ = ["Moment", "Place", "Timeline"]

KEPT_BLOCKS: Final = 16
"""For so many recently used blocks, the thread and the frame of each step are kept in memory."""


class Place(NamedTuple):
    """A place in a recording, written ``process:step``."""

    process: int
    """The number of the process: how many of the recording's processes are before it."""
    step: int
    """The number of the step: how many of the process' steps are before it."""

    def __str__(self) -> str:
        return f"{self.process}:{self.step}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place that ``process:step`` says, or ``step`` of the first process.

        Raises:
            ValueError: it says none.
        """
        process, colon, step = text.rpartition(":")
        numbers = (process, step) if colon else ("0", step)
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError(f"{text!r} is no place; a place is a step, or process:step")
        return cls(*map(int, numbers))


type _Step = tuple[int, int, int]
"""The numbers of a step, of its thread, and of its innermost frame."""


class Timeline:
    """The steps of one process.

    Parameters:
        number: the number of the process in its recording.
        source: its log, with the index.

    Attributes:
        number: as given.
        steps: how many steps the index covers: all, unless the log is damaged.
    """

    def __init__(self, number: int, source: IndexedLog) -> None:
        self.number = number
        self._source = source
        self._index = source.index
        self.steps = self._index.block(self._index.blocks).steps if self._index.blocks else 0
        self._kept: OrderedDict[int, list[_Step]] = OrderedDict()

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
            raise self._source.misfit(replay.position)
        last = f"the last one is {replay.steps - 1}" if replay.steps else "there is none"
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"process {self.number} has no step {step}; {last}",
            {"process": self.number, "step": step},
        )

    def replay(self, step: int) -> Replay:
        """Return a replay that begins shortly before a step, with the state there.

        Beyond the steps that the index covers, it begins where the index ends.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, the log is damaged there.
            HostError: ERR_IO, the log cannot be read.
        """
        return self._replay_from(self._index.block_of_step(max(step, 0)))

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
        block = self._index.block_of_step(step)
        try:
            later = [self._index.after(block, *key) for key in _keys(frames, thread)]
            of_each = [(row.block for row in rows if row.records) for rows in later]
            for number in _each_once(block, merge(*of_each)):
                for found in self._steps(number):
                    if found[0] > step and wanted(found):
                        return found[0]
        except MISFITS:
            raise self._source.misfit(self._index.block(block).offset) from None
        return None

    def before(self, step: int, frames: Sequence[int] | None, thread: int) -> int | None:
        """Return the number of the last step in a thread before a step; see `after`."""
        wanted = _wanted(frames, thread)
        block = self._index.block_of_step(step)
        try:
            earlier = [self._index.before(block, *key) for key in _keys(frames, thread)]
            of_each = [(row.block for row in rows if row.records) for rows in earlier]
            for number in _each_once(block, merge(*of_each, reverse=True)):
                for found in reversed(self._steps(number)):
                    if found[0] < step and wanted(found):
                        return found[0]
        except MISFITS:
            raise self._source.misfit(self._index.block(block).offset) from None
        return None

    def _steps(self, block: int) -> list[_Step]:
        """Return the steps in a block."""
        found = self._kept.pop(block, None)
        if found is None:
            found = []
            row, after = self._index.block(block), self._index.block(block + 1)
            replay = iter(self._replay_from(block))
            while len(found) < after.steps - row.steps:
                event = next(replay, None)
                if event is None:
                    raise self._source.misfit(row.offset)
                if type(event) is StepEvent:
                    found.append((event.number, event.thread.number, event.frame.number))
        self._kept[block] = found
        if len(self._kept) > KEPT_BLOCKS:
            self._kept.popitem(last=False)
        return found

    def _replay_from(self, block: int) -> Replay:
        if not self._index.blocks:
            return Replay(self._source.log)
        return Replay(self._source.log, start=self._source.keyframe(block))


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


class Moment:
    """The moment right before a line runs. It does not change; its methods return other moments.

    Attributes:
        step: the number of the step.
        time_ns: the time (ns since recording began).
        thread: the thread that runs the line.
        frame: the innermost frame.
        line: the line (1-based) of `frame.code.path`.
    """

    __slots__ = ("__dict__", "_replay", "_timeline", "frame", "line", "step", "thread", "time_ns")

    def __init__(self, timeline: Timeline, replay: Replay, event: StepEvent) -> None:
        self._timeline = timeline
        self._replay = replay
        self.step = event.number
        self.time_ns = event.time_ns
        self.thread = event.thread
        self.frame = event.frame
        self.line = event.line

    def __repr__(self) -> str:
        return f"<Moment {self.place} {self.frame.code.name} {self.frame.code.path}:{self.line}>"

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self._timeline.number, self.step)

    @property
    def threads(self) -> list[Thread]:
        """Every thread that was seen so far, with its stack."""
        return self._replay.threads

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of the thread, innermost first."""
        found: list[Frame] = []
        frame: Frame | None = self.frame
        while frame is not None:
            found.append(frame)
            frame = frame.caller
        return tuple(found)

    def locals(self, frame: Frame | None = None) -> dict[str, Value]:
        """Return the local variables of a frame by name; of the innermost without one."""
        return self._replay.locals(frame or self.frame)

    def globals(self, frame: Frame | None = None) -> dict[str, Value]:
        """Return the global variables that a frame's code names; of the innermost without one."""
        return self._replay.globals(frame or self.frame)

    def forward(self) -> Moment | None:
        """Return the next step of the thread; None if there is none."""
        return self._go(self._timeline.after(self.step, None, self.thread.number))

    def back(self) -> Moment | None:
        """Return the last step of the thread before this one; None if there is none."""
        return self._go(self._timeline.before(self.step, None, self.thread.number))

    def over(self) -> Moment | None:
        """Return the next step in this frame or one below it, past what they call.

        When none of them has another step, as at the end of a callback or a task, it is the next
        step of the thread.
        """
        step = self._timeline.after(self.step, self._numbers(), self.thread.number)
        return self.forward() if step is None else self._go(step)

    def back_over(self) -> Moment | None:
        """Return the last step before this one in this frame or one below it; see `over`."""
        step = self._timeline.before(self.step, self._numbers(), self.thread.number)
        return self.back() if step is None else self._go(step)

    def out(self) -> Moment | None:
        """Return the next step in a frame below this one."""
        return self._go(self._timeline.after(self.step, self._numbers()[1:], self.thread.number))

    def back_out(self) -> Moment | None:
        """Return the last step in a frame below this one: the line that called it."""
        return self._go(self._timeline.before(self.step, self._numbers()[1:], self.thread.number))

    def _numbers(self) -> list[int]:
        return [frame.number for frame in self.frames]

    def _go(self, step: int | None) -> Moment | None:
        return None if step is None else self._timeline.at(step)
