"""The breakpoints and watchpoints of the prompt, with pdb's numbers, conditions and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.replay import Change, Line, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codetracer.replay import Code, Frame, Goal, Moment

    type IsTrue = Callable[[str, Moment], bool]
    """Says whether a condition is true at a moment, or cannot be said to be false."""

__all__ = ["SHORT", "Breakpoint", "Breakpoints", "Watchpoint"]

SHORT: Final = 60
"""About how many characters a value has that is printed beside something else."""


class Breakpoint:
    """A place where ways end.

    Attributes:
        number: its number (1-based).
        path: its file: a `Code.path`.
        line: its line (1-based).
        function: the name of the function whose first line it is; None for a line alone.
        is_temporary: whether it is deleted when it ends a way.
        condition: an expression that must be true; None for none.
        is_enabled: whether it can end a way.
        ignore: how many times more it is passed before it ends a way.
        hits: how many times it was reached and its condition held.
        commands: what is typed by itself when it ends a way.
        is_silent: whether the place is not printed then.
    """

    def __init__(
        self,
        number: int,
        path: str,
        shown: str,
        line: int,
        function: str | None,
        *,
        is_temporary: bool,
    ) -> None:
        self.number = number
        self.path = path
        self._shown = shown
        self.line = line
        self.function = function
        self.is_temporary = is_temporary
        self.condition: str | None = None
        self.is_enabled = True
        self.ignore = 0
        self.hits = 0
        self.commands: list[str] = []
        self.is_silent = False

    def __str__(self) -> str:
        return f"breakpoint {self.number} at {self._shown}:{self.line}"

    def is_in(self, code: Code) -> bool:
        """Return whether code that is at its line is meant."""
        return self.function in (None, code.short_name)

    def goal(self, is_true: IsTrue) -> Goal:
        """Return it as a goal of a run."""

        def is_meant(moment: Moment) -> bool:
            if not self.is_in(moment.frame.code):
                return False
            return self.condition is None or is_true(self.condition, moment)

        return Line(self.path, self.line, is_meant)

    def is_passed(self) -> bool:
        """Count that it was reached, and return whether it is to be passed."""
        self.hits += 1
        if not self.ignore:
            return False
        self.ignore -= 1
        return True

    def described(self) -> list[str]:
        """Return the lines that list it; those after the first are indented by a tab."""
        kept = "del " if self.is_temporary else "keep"
        enabled = "yes" if self.is_enabled else "no "
        what, _, where = str(self).partition(f" {self.number} ")
        found = [f"{self.number:<4}{what:<12} {kept} {enabled}   {where}"]
        if self.condition is not None:
            found.append(f"stop only if {self.condition}")
        if self.ignore:
            found.append(f"ignore next {self.ignore} hits")
        if self.hits:
            times = "times" if self.hits > 1 else "time"
            found.append(f"breakpoint already hit {self.hits} {times}")
        return found


class Watchpoint(Breakpoint):
    """A value at whose changes runs end.

    Parameters:
        number: its number.
        text: what the user called it.
        subject: the value, as `Change` takes it.
        frame: the frame of a variable; None for an attribute or item of an object.

    Attributes:
        subject, frame: as given.
    """

    def __init__(self, number: int, text: str, subject: str, frame: Frame | None) -> None:
        super().__init__(number, "", text, 0, None, is_temporary=False)
        self._text = text
        self.subject = subject
        self.frame = frame

    def __str__(self) -> str:
        return f"watchpoint {self.number} on {self._text}"

    def goal(self, is_true: IsTrue) -> Goal:
        """Return it as a goal of a run."""
        condition = self.condition
        when = None if condition is None else lambda moment: is_true(condition, moment)
        return Change(self.subject, self.frame, when)

    def is_changed_by(self, moment: Moment) -> bool:
        """Return whether the line of a moment changes the value."""
        made = moment.next_change(self.subject, self.frame)
        return made is not None and made.place == moment.place

    def change(self, moment: Moment) -> str:
        """Return what the line of a moment does to the value."""
        made = moment.next_change(self.subject, self.frame)
        if made is None:
            return self._text
        return f"{self._text}: {render(made.before, SHORT)} -> {render(made.after, SHORT)}"


class Breakpoints:
    """The breakpoints, in the order of their numbers, which are never used again.

    Parameters:
        is_true: decides about conditions.
    """

    def __init__(self, is_true: IsTrue) -> None:
        self._is_true = is_true
        self._made = 0
        self._all: dict[int, Breakpoint] = {}

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter([*self._all.values()])

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def newest(self) -> int:
        """The number of the breakpoint that was made last; 0 if there was none."""
        return self._made

    def add(
        self, path: str, shown: str, line: int, function: str | None, *, is_temporary: bool
    ) -> Breakpoint:
        """Make a breakpoint; `shown` is the path that is printed of it."""
        self._made += 1
        made = Breakpoint(self._made, path, shown, line, function, is_temporary=is_temporary)
        self._all[made.number] = made
        return made

    def watch(self, text: str, subject: str, frame: Frame | None) -> Watchpoint:
        """Make a watchpoint; for the parameters see there."""
        self._made += 1
        made = Watchpoint(self._made, text, subject, frame)
        self._all[made.number] = made
        return made

    def has_lines(self) -> bool:
        """Return whether any enabled one is at a line."""
        return any(each.is_enabled and each.line for each in self)

    def goals(self, kind: type[Breakpoint] = Breakpoint) -> dict[Goal, Breakpoint]:
        """Return the enabled breakpoints of a kind, by their goals."""
        chosen = [each for each in self if isinstance(each, kind) and each.is_enabled]
        return {each.goal(self._is_true): each for each in chosen}

    def numbered(self, text: str) -> Breakpoint:
        """Return the breakpoint with a number.

        Raises:
            ValueError: there is none; its text is for the user.
        """
        if not text:
            raise ValueError("Breakpoint number expected")
        if not text.isdecimal():
            raise ValueError(f"Non-numeric breakpoint number {text}")
        found = self._all.get(int(text))
        if found is None:
            if int(text) in range(1, self._made + 1):
                raise ValueError(f"Breakpoint {text} already deleted")
            raise ValueError(f"Breakpoint number {text} out of range")
        return found

    def remove(self, breakpoint: Breakpoint) -> None:
        """Delete a breakpoint."""
        del self._all[breakpoint.number]

    def at(self, path: str, line: int) -> list[Breakpoint]:
        """Return those at a line of a file."""
        return [each for each in self if each.path == path and each.line == line]

    def lines(self, path: str) -> set[int]:
        """Return the lines of a file that have one."""
        return {each.line for each in self if each.path == path}

    def reached(self, code: Code, line: int, moment: Callable[[], Moment]) -> Breakpoint | None:
        """Count that a line is reached, and return the breakpoint that ends the way there.

        Parameters:
            code: what runs.
            line: the line (1-based).
            moment: returns the moment there, for conditions.
        """
        for each in self.at(code.path, line):
            if not each.is_enabled or not each.is_in(code):
                continue
            if each.condition is not None and not self._is_true(each.condition, moment()):
                continue
            if not each.is_passed():
                return each
        return None
