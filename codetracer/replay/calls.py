"""Calls: where each began, its arguments, how and where it ended, and its result."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from codetracer.replay.events import CallEvent, LostEvent, ReturnEvent, StepEvent, UnwindEvent
from codetracer.replay.place import Place
from codetracer.replay.state import depth_of
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings.index_format import KEY_CALL, KEY_FRAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codetracer.replay.events import Event
    from codetracer.replay.model import Code, Thread
    from codetracer.replay.moment import Moment
    from codetracer.replay.timeline import Timeline
    from codetracer.replay.values import Value
    from codetracer_bindings import trace_decoder as raw

__all__ = ["Call", "calls"]


class _End(NamedTuple):
    """The end of a call, and its result or exception."""

    how: str
    """As `Call.ended`."""
    step: int
    """The last step in it; -1 for none."""
    time_ns: int
    block: int
    """The number of the block."""
    event: int
    """The number of the block's events before it."""
    value: raw.Value


class Call:
    """A call of a function, or another run of code. Its end is looked for when it is asked for.

    Attributes:
        frame: the number of its frame.
        code: the code.
        thread: the thread.
        caller: the step that called it; None if no recorded line did.
        task: the name of the asyncio task; empty if there is none.
        entered: whether it had begun before recording did; then its arguments are unknown.
        began_ns: the time when it began (ns since recording of the process began).
    """

    def __init__(self, timeline: Timeline, block: int, at: int, event: CallEvent) -> None:
        frame = event.frame
        self.frame = frame.number
        self.code: Code = frame.code
        self.thread: Thread = event.thread
        self.task = frame.task
        self.entered = event.entered
        self.began_ns = event.time_ns
        calling = -1 if frame.caller is None else frame.caller.step
        self.caller = Place(timeline.number, calling) if calling >= 0 else None
        self._timeline = timeline
        self._block = block
        self._event = at
        self._first: int | None = None
        self._ended: _End | None = None

    def __repr__(self) -> str:
        return f"<Call {self.code.shown_name} {self.place}>"

    @property
    def place(self) -> Place | None:
        """Its first step; None if it had none."""
        if self._first is None:
            self._first = self._first_step()
        return Place(self._timeline.number, self._first) if self._first >= 0 else None

    @property
    def moment(self) -> Moment | None:
        """The moment of its first step; None if it had none."""
        return None if self.place is None else self._timeline.at(self.place.step)

    @property
    def end_place(self) -> Place | None:
        """The last step in it; None if it had none."""
        step = self._end.step
        return Place(self._timeline.number, step) if step >= 0 else None

    @cached_property
    def arguments(self) -> dict[str, Value]:
        """The parameters and their values when it began, by name."""
        event, replay = self._timeline.look(self._block, self._event)
        return {} if event.frame is None else replay.state.arguments(event.frame)

    @property
    def ended(self) -> str:
        """The way it ended: ``returned``, ``raised``, ``lost`` (unseen), or ``unfinished``."""
        return self._end.how

    @property
    def duration_ns(self) -> int:
        """The time from its beginning to its end, or to the end of the recording (ns)."""
        return self._end.time_ns - self.began_ns

    @cached_property
    def result(self) -> Value:
        """The returned value or raised exception; `Hidden` ``unbound`` for neither."""
        end = self._end
        look = self._timeline.look(end.block, end.event)
        depth = None if look.event.frame is None else depth_of(look.event.frame)
        return look.replay.state.resolve(end.value, depth=depth)

    def see(self, event: Event, block: int, at: int) -> None:
        """Note an event of its frame in the block in which it began.

        Parameters:
            event: the event.
            block: the number of the block.
            at: how many events of the block are before it.
        """
        if type(event) is StepEvent:
            if self._first is None:
                self._first = event.number
        elif type(event) is not LostEvent:
            self._ended = _ending(event, block, at)

    @property
    def _end(self) -> _End:
        if self._ended is None:
            self._ended = self._find_end()
        return self._ended

    def _first_step(self) -> int:
        index = self._timeline.index
        later = (
            row.block for row in index.after(self._block, KEY_FRAME, self.frame) if row.records
        )
        for number in (self._block, next(later, None)):
            if number is None:
                continue
            for event in self._timeline.block(number):
                if type(event) is StepEvent and event.frame.number == self.frame:
                    return event.number
        return -1

    def _find_end(self) -> _End:
        index = self._timeline.index
        last = next(index.before(index.blocks, KEY_FRAME, self.frame), None)
        number = self._block if last is None else last.block
        found: _End | None = None
        for at, event in enumerate(self._timeline.block(number)):
            if event.frame is not None and event.frame.number == self.frame:
                found = _ending(event, number, at) or found
        if found is not None:
            return found
        row = index.block(index.blocks)
        step = self._timeline.last_step(self.frame)
        return _End("unfinished", step, row.time, self._block, self._event, UNBOUND)


def _ending(event: Event, block: int, at: int) -> _End | None:
    """Return how an event ends the call of its frame; None if it does not."""
    if isinstance(event, ReturnEvent | UnwindEvent):
        how = "returned" if isinstance(event, ReturnEvent) else "raised"
        return _End(how, event.frame.step, event.time_ns, block, at, event.raw)
    if isinstance(event, LostEvent):
        return _End("lost", event.frame.step, event.time_ns, block, at, UNBOUND)
    return None


def calls(timeline: Timeline, wanted: Callable[[Code], bool]) -> Iterator[Call]:
    """Yield the calls of the codes that are wanted, in order."""
    codes = {code.number for code in timeline.source.codes if wanted(code)}
    keys = [(KEY_CALL, code, 0) for code in codes]
    for number in timeline.index.blocks_of(-1, keys, back=False):
        found: dict[int, Call] = {}
        for at, event in enumerate(timeline.block(number)):
            if event.frame is None:
                continue
            frame = event.frame
            if isinstance(event, CallEvent):
                if frame.code.number in codes:
                    found[frame.number] = Call(timeline, number, at, event)
                continue
            call = found.get(frame.number)
            if call is not None:
                call.see(event, number, at)
        yield from found.values()
