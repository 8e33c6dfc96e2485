"""Moments of a recording, and the way from one to another, forwards and backwards.

moment = codetracer.read("out").at("0:120")
while moment is not None:
    print(moment.place, moment.frame.code.name, moment.line, moment.locals())
    moment = moment.back()
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from codetracer.replay.effects import effects_of
from codetracer.replay.history import writes
from codetracer.replay.place import Place
from codetracer.replay.search import reach
from codetracer.replay.slots import slot_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.calls import Call
    from codetracer.replay.effects import Effects
    from codetracer.replay.events import OutputEvent, StepEvent
    from codetracer.replay.goals import Arrival, Goal
    from codetracer.replay.history import Write
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import State
    from codetracer.replay.timeline import Timeline
    from codetracer.replay.values import Value

__all__ = ["Moment"]


class Moment:
    """The moment right before a line runs. It does not change; its methods return other moments.

    Attributes:
        step: the number of the step.
        time_ns: the time (ns since recording of the process began).
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
        """Its process and step."""
        return Place(self._timeline.number, self.step)

    @property
    def process(self) -> int:
        """The number of the process."""
        return self._timeline.number

    @property
    def clock_ns(self) -> int:
        """The time on the clock of all processes (ns since 1970)."""
        return self._timeline.started + self.time_ns

    @property
    def task(self) -> str:
        """The name of the asyncio task that runs the line; empty if there is none."""
        return self.frame.task

    @property
    def source(self) -> str:
        """The text of the line, without the space around it; empty if it was not recorded."""
        return self._timeline.line_of(self.frame.code.path, self.line)

    @property
    def state(self) -> State:
        """The values of variables and objects in the form of the log."""
        return self._replay.state

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

    # ---------------------------------------------------------------- what the line did

    def changes(self) -> list[Write]:
        """Return what the line changed itself, until the next step of its frame.

        Changes are variables that it bound, and attributes and items of objects that were known
        before. An object to which no variable leads is named by its number, such as ``#5``.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, the log is damaged.
            HostError: ERR_IO, the log cannot be read.
        """
        return self._effects.writes

    def outputs(self) -> list[OutputEvent]:
        """Return what the line wrote itself, and read from standard input; see `changes`."""
        return self._effects.outputs

    def calls(self) -> list[Call]:
        """Return the calls that the line made; see `changes`."""
        return self._effects.calls

    @property
    def exception(self) -> Value:
        """The exception that the line raised, or that came in from what it called.

        `Hidden` ``unbound`` if there was none; see `changes`.
        """
        return self._effects.exception

    @property
    def result(self) -> Value:
        """The value returned or yielded at this line; `Hidden` ``unbound`` for neither.

        See `changes`.
        """
        return self._effects.result

    @cached_property
    def _effects(self) -> Effects:
        return effects_of(self._timeline, self)

    # ---------------------------------------------------------------- steps of the thread

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

    # ---------------------------------------------------------------- any step of the process

    def run(self, *goals: Goal) -> Arrival | None:
        """Go forwards, in all threads, to what happens first of some goals.

        A line that began before and still waits for a call is no place to arrive at, even if it
        changes something or raises later.

        Parameters:
            goals: where to stop; without any, the arrival is at the last step of the process.

        Returns:
            The step, and which of the goals are reached there; None if none is reached.

        Raises:
            TargetError: ERR_NOT_IN_TRACE, there is no such variable; ERR_TRACE_DAMAGED, the log is
                damaged.
            HostError: ERR_IO, the log cannot be read.
        """
        return reach(self._timeline, self, goals, back=False)

    def run_back(self, *goals: Goal) -> Arrival | None:
        """Go backwards, in all threads, to the nearest earlier step that is one of some goals.

        What a line changed or raised only after this moment does not count.

        Parameters:
            goals: as for `run`; without any, the arrival is at the first step of the process.

        Returns:
            As for `run`.

        Raises:
            TargetError, HostError: as for `run`.
        """
        return reach(self._timeline, self, goals, back=True)

    def last_change(self, subject: str, frame: Frame | None = None) -> Write | None:
        """Return the last change of a value before this moment; None if there was none.

        Parameters:
            subject: a variable, attribute, item or object: ``x``, ``self.total``,
                ``order.items[0]``, ``d['key']``, ``#5.total``, ``#5``. A local variable goes before
                a global one with the same name.
            frame: the frame whose code the text belongs to, one of `frames`; the innermost one
                without it.

        Raises:
            TargetError: ERR_NOT_IN_TRACE, there is no such variable, attribute or item at this
                moment; ERR_TRACE_DAMAGED, the log is damaged.
            HostError: ERR_IO, the log cannot be read.
        """
        return next(self.history(subject, frame, back=True), None)

    def next_change(self, subject: str, frame: Frame | None = None) -> Write | None:
        """Return the next change of a value after this moment; see `last_change`."""
        return next(self.history(subject, frame), None)

    def history(
        self, subject: str, frame: Frame | None = None, *, back: bool = False
    ) -> Iterator[Write]:
        """Yield the changes of a value after this moment, in order.

        An attribute or an item belongs to the object to which the text leads at this moment: all
        changes of that object are there, made by any code.

        Parameters:
            subject: as for `last_change`.
            frame: as for `last_change`.
            back: whether to yield those before this moment, the last one first.

        Raises:
            TargetError, HostError: as for `last_change`.
        """
        slot = slot_of(self._timeline, self, subject, frame or self.frame)
        return writes(self._timeline, slot, self.step, back=back)

    def _numbers(self) -> list[int]:
        return [frame.number for frame in self.frames]

    def _go(self, step: int | None) -> Moment | None:
        return None if step is None else self._timeline.at(step)
