"""Breakpoints: what the client asks for, as goals of a run, and which of them a run has reached."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.debug.dap.checks import RequestError
from codetracer.debug.dap.raises import uncaught
from codetracer.debug.dap.travel import reached_at
from codetracer.replay import Change, EvaluationError, Expression, Function, Line, Raise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from codetracer.debug.dap.travel import Travel
    from codetracer.replay import Frame, Goal, Moment, Place

    type Condition = Callable[[Moment], bool]
    type _Make = Callable[[int, Condition], Goal | None]
    """Returns the goal in a process, by its number, given what decides at a moment."""

__all__ = ["Breakpoints", "Data", "InterruptedRunError", "Wanted"]

_HITS: Final = re.compile(r"\s*(==|=|>=|>|<=|<|%)?\s*([0-9]{1,18})\s*")


_REASONS: Final = ("exception", "data breakpoint", "function breakpoint", "breakpoint")
"""The reasons for a stop; if several apply, the first one is sent."""


class InterruptedRunError(Exception):
    """The client wants a run to end before it has found anything.

    Attributes:
        place: how far the run came.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place


class Data(NamedTuple):
    """The value that a data breakpoint watches.

    Parameters:
        process: the number of the process.
        subject: the value, as `Change` takes it.
        frame: the frame of a variable; None for a part of an object.
    """

    process: int
    subject: str
    frame: Frame | None


class Wanted(NamedTuple):
    """The options of a breakpoint, apart from its place.

    Parameters:
        condition: an expression that must be true; empty for none.
        hits: a condition on how often it was reached; empty for none.
        log: a text with expressions in braces, which is written instead of stopping; or empty.
    """

    condition: str = ""
    hits: str = ""
    log: str = ""


NOTHING_MORE: Final = Wanted()


class _Break:
    """One breakpoint: makes goals, and decides whether a moment at one is meant."""

    def __init__(
        self,
        number: int,
        reason: str,
        make: _Make,
        wanted: Wanted,
        owner: Breakpoints,
    ) -> None:
        self.number = number
        self.reason = reason
        self._make = make
        self._owner = owner
        self._condition = Expression(wanted.condition) if wanted.condition.strip() else None
        self._is_turn = _turns(wanted.hits)
        self._log = _LogText(wanted.log) if wanted.log else None
        self._turns: dict[int, list[int]] = {}

    def goal(self, process: int) -> Goal | None:
        return self._make(process, self._is_meant)

    def _is_meant(self, moment: Moment) -> bool:
        if self._owner.is_interrupted():
            raise InterruptedRunError(moment.place)
        if not self._holds(moment):
            return False
        if self._is_turn is not None and not self._is_turn(self._turn(moment)):
            return False
        if self._log is None:
            return True
        self._owner.logged[moment.place] = self._log.at(moment)
        return False

    def _holds(self, moment: Moment) -> bool:
        if self._condition is None:
            return True
        try:
            return self._condition.holds(moment)
        except EvaluationError as error:
            self._owner.complain(self.number, f"{self._condition.text}: {error.message}")
            return False

    def _turn(self, moment: Moment) -> int:
        """Return how often the breakpoint was reached from the beginning up to a moment."""
        steps = self._turns.get(moment.process)
        if steps is None:
            found: set[int] = set()

            def note(each: Moment) -> bool:
                if self._owner.is_interrupted():
                    raise InterruptedRunError(moment.place)
                if self._holds(each):
                    found.add(each.step)
                return False

            timeline = self._owner.travel.timelines[moment.process]
            first, goal = timeline.at(0), self._make(moment.process, note)
            if goal is not None:
                reached_at(timeline, first, [goal])
                first.run(goal)
            steps = self._turns[moment.process] = sorted(found)
        return bisect_right(steps, moment.step)


class Breakpoints:
    """All breakpoints of a session.

    Parameters:
        travel: the recording.
        say: reports to the user a condition that has no value.
        is_interrupted: says whether the client wants the current run to end.

    Attributes:
        travel, is_interrupted: as given.
        logged: what log points said in the last run, by place.
    """

    def __init__(
        self,
        travel: Travel,
        say: Callable[[str, str], None],
        is_interrupted: Callable[[], bool],
    ) -> None:
        self.travel = travel
        self.is_interrupted = is_interrupted
        self.logged: dict[tuple[int, int], str] = {}
        self._say = say
        self._groups: dict[str, list[_Break]] = {}
        self._last = 0
        self._complained: set[int] = set()
        self._uncaught: dict[int, frozenset[int]] = {}
        self._made: dict[int, tuple[Goal, _Break]] = {}

    def clear(self, group: str) -> None:
        """Take the breakpoints of a group away: of a file, or of a kind."""
        self._groups[group] = []

    def add_line(self, group: str, path: str, line: int, wanted: Wanted) -> int:
        """Add a breakpoint at a line (1-based); return its number.

        Raises:
            EvaluationError, RequestError: its condition, its hits or its text are wrong.
        """
        return self._add(group, "breakpoint", lambda _, when: Line(path, line, when), wanted)

    def add_function(self, name: str, wanted: Wanted) -> int:
        """Add a breakpoint at the first line of a function; see `add_line`."""
        return self._add(
            "functions", "function breakpoint", lambda _, when: Function(name, when), wanted
        )

    def add_data(self, data: Data, wanted: Wanted) -> int:
        """Add a breakpoint at each line that changes a value; see `add_line`."""

        def make(process: int, when: Condition) -> Goal | None:
            is_there = process == data.process
            return Change(data.subject, data.frame, when) if is_there else None

        return self._add("data", "data breakpoint", make, wanted)

    def add_raised(self, condition: str) -> None:
        """Add a breakpoint at each line that raises; `condition` has names of types, or nothing."""
        for name in re.split(r"[\s,]+", condition.strip()):
            self._add("exceptions", "exception", _raising(name or None))

    def add_uncaught(self) -> None:
        """Add a breakpoint at each line whose exception nothing recorded has caught."""

        def make(process: int, when: Condition) -> Goal | None:
            steps = self.uncaught_in(process)
            return Raise(None, lambda moment: moment.step in steps) if steps else None

        self._add("exceptions", "exception", make)

    def uncaught_in(self, process: int) -> frozenset[int]:
        """Return the steps of a process whose exceptions nothing recorded has caught."""
        found = self._uncaught.get(process)
        if found is None:
            found = self._uncaught[process] = frozenset(uncaught(self.travel.timelines[process]))
        return found

    def goals(self, process: int) -> list[Goal]:
        """Return what a run through a process stops at."""
        found: list[Goal] = []
        for each in self._breaks():
            goal = each.goal(process)
            if goal is not None:
                self._made[id(goal)] = goal, each
                found.append(goal)
        return found

    def forget(self) -> None:
        """Forget the goals and the logged texts of the last run."""
        self._made, self.logged = {}, {}

    def reached(self, goals: Iterable[Goal]) -> tuple[str, list[int]]:
        """Return why a run stopped, and the numbers of the breakpoints; no reason for none."""
        found = [self._made[id(goal)][1] for goal in goals if id(goal) in self._made]
        reasons = {each.reason for each in found}
        reason = next((reason for reason in _REASONS if reason in reasons), "")
        return reason, [each.number for each in found]

    def complain(self, number: int, text: str) -> None:
        """Say once why a breakpoint's condition has no value."""
        if number not in self._complained:
            self._complained.add(number)
            self._say(f"the condition has no value where it was first asked: {text}\n", "important")

    def _add(self, group: str, reason: str, make: _Make, wanted: Wanted = NOTHING_MORE) -> int:
        self._last += 1
        made = _Break(self._last, reason, make, wanted, self)
        self._groups.setdefault(group, []).append(made)
        return self._last

    def _breaks(self) -> Iterator[_Break]:
        for group in self._groups.values():
            yield from group


def _raising(name: str | None) -> _Make:
    return lambda _, when: Raise(name, when)


def _turns(text: str) -> Callable[[int], bool] | None:
    """Return what decides by a number, counted from 1; None for no condition.

    A number alone means exactly this time, as in debugpy.
    """
    if not text.strip():
        return None
    found = _HITS.fullmatch(text)
    if found is None:
        raise RequestError(
            f"{text!r} is not a hit count; it may be 5, == 5, > 5, >= 5, < 5, <= 5 or % 5"
        )
    sign, number = found[1] or "==", int(found[2])
    match sign:
        case "%":
            return lambda turn: number > 0 and turn % number == 0
        case ">":
            return lambda turn: turn > number
        case ">=":
            return lambda turn: turn >= number
        case "<":
            return lambda turn: turn < number
        case "<=":
            return lambda turn: turn <= number
    return lambda turn: turn == number


class _LogText:
    """The text of a log point, with expressions in braces, which may have a format."""

    def __init__(self, text: str) -> None:
        parts = re.split(r"\{([^{}]+)\}", text)
        self._texts = parts[::2]
        self._expressions = [Expression(f"f'{{{part}}}'") for part in parts[1::2]]

    def at(self, moment: Moment) -> str:
        values = []
        for expression in self._expressions:
            try:
                values.append(str(expression.evaluate(moment)))
            except EvaluationError as error:
                values.append(f"<{error.message}>")
        pairs = zip(self._texts, [*values, ""], strict=True)
        return "".join(text + value for text, value in pairs)
