"""The position of a debugger in the common time of a recording's processes, and moves from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.replay import Arrival, Function, Line, ObjectValue, Raise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codetracer.replay import Goal, Moment, Timeline, Trace

    type Goals = Callable[[int], Sequence[Goal]]
    """Returns the goals in a process, by its number."""

__all__ = ["Travel", "reached_at"]


class Travel:
    """A moment in one process, and what the others do at that time.

    Parameters:
        trace: the recording.
        progress: called while the index of a process is made; see `Process.timeline`.

    Attributes:
        trace: the recording.
        timelines: the steps of the processes that have any, by number.
        moment: where it is.

    Raises:
        TargetError: no process has a step, or the recording is damaged.
        HostError: a log cannot be read.
    """

    def __init__(self, trace: Trace, progress: Callable[[int, int], None]) -> None:
        self.trace = trace
        every = {process.number: process.timeline(progress) for process in trace.processes}
        self.timelines = {number: line for number, line in every.items() if line.steps}
        self._started = {process.number: process.log.started for process in trace.processes}
        self._others: dict[int, Moment | None] = {}
        self._is_before_all = False
        first = min(self.timelines, default=0)
        # Where there is no step at all, this says so.
        self.moment: Moment = every[first].at(0)

    def go(self, moment: Moment) -> None:
        """Go to a moment."""
        self.moment = moment
        self._others = {}
        self._is_before_all = False

    def rewind(self) -> None:
        """Go to before the first line of every process, so that a run can stop there."""
        self._is_before_all = True

    def in_process(self, number: int) -> Moment | None:
        """Return the moment of a process now; None if it has not begun."""
        if self._is_before_all:
            return None
        if number == self.moment.process:
            return self.moment
        if number not in self._others:
            self._others[number] = self._at_time(self.timelines[number], self._now())
        return self._others[number]

    def in_thread(self, process: int, thread: int) -> Moment | None:
        """Return the moment at which a thread is now, at its last step; None if it has none."""
        moment = self.in_process(process)
        if moment is None or moment.thread.number == thread:
            return moment
        frame = next((each.top for each in moment.threads if each.number == thread), None)
        while frame is not None and frame.step < 0:
            frame = frame.caller
        return None if frame is None else self.timelines[process].at(frame.step)

    def run(self, goals: Goals, *, back: bool = False) -> Arrival | None:
        """Return what happens first of some goals in any process, or last before now."""
        arrivals = []
        for number, timeline in self.timelines.items():
            wanted = goals(number)
            if wanted:
                find = self._run_back if back else self._run
                arrival = find(timeline, wanted)
                if arrival is not None:
                    arrivals.append(arrival)
        choose = max if back else min
        return choose(arrivals, key=lambda each: self._time(each.moment), default=None)

    def end(self, *, back: bool) -> Moment:
        """Return the last moment of the recording, or the first."""
        ends = (
            timeline.at(0 if back else timeline.steps - 1) for timeline in self.timelines.values()
        )
        return (min if back else max)(ends, key=self._time)

    def _run(self, timeline: Timeline, goals: Sequence[Goal]) -> Arrival | None:
        here = self.in_process(timeline.number)
        if here is not None:
            return here.run(*goals)
        first = timeline.at(0)
        # What a first line raises may be known long after, when what it calls has ended.
        now = [goal for goal in goals if not isinstance(goal, Raise)]
        return reached_at(timeline, first, now) or first.run(*goals)

    def _run_back(self, timeline: Timeline, goals: Sequence[Goal]) -> Arrival | None:
        here = self.in_process(timeline.number)
        if here is None or here is self.moment:
            return None if here is None else here.run_back(*goals)
        # The last step of another process is before now, too.
        if here.step + 1 < timeline.steps:
            return timeline.at(here.step + 1).run_back(*goals)
        return reached_at(timeline, here, goals) or here.run_back(*goals)

    def _time(self, moment: Moment) -> tuple[int, int, int]:
        return self._started[moment.process] + moment.time_ns, moment.process, moment.step

    def _now(self) -> tuple[int, int, int]:
        return self._time(self.moment)

    def _at_time(self, timeline: Timeline, now: tuple[int, int, int]) -> Moment | None:
        low, high, found = 0, timeline.steps, None
        while low < high:
            middle = (low + high) // 2
            moment = timeline.at(middle)
            if self._time(moment) <= now:
                low, found = middle + 1, moment
            else:
                high = middle
        return found


def reached_at(timeline: Timeline, moment: Moment, goals: Sequence[Goal]) -> Arrival | None:
    """Return an arrival at a moment itself, from which a run only goes on."""
    found = tuple(
        goal
        for goal in goals
        if _is_at(timeline, goal, moment) and (goal.when is None or goal.when(moment))
    )
    return Arrival(moment, found) if found else None


def _is_at(timeline: Timeline, goal: Goal, moment: Moment) -> bool:
    match goal:
        case Line(path, line):
            return moment.frame.code.path == path and moment.line == line
        case Function(name):
            first = timeline.before(moment.step, [moment.frame.number], moment.thread.number)
            return first is None and moment.frame.code.is_named(name)
        case Raise(wanted):
            exception = moment.exception
            return isinstance(exception, ObjectValue) and wanted in (None, exception.type_name)
    return False
