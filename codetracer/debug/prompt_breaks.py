"""The breakpoints of the prompt, with pdb's numbers, conditions and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codetracer.replay import Moment
    from codetracer.replay.model import Code

__all__ = ["Breakpoint", "Breakpoints"]


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

    def described(self) -> list[str]:
        """Return the lines that list it."""
        kept = "del " if self.is_temporary else "keep"
        enabled = "yes" if self.is_enabled else "no "
        found = [
            f"{self.number:<4}breakpoint   {kept} {enabled}   at {self._shown}:{self.line}",
        ]
        if self.condition is not None:
            found.append(f"\tstop only if {self.condition}")
        if self.ignore:
            found.append(f"\tignore next {self.ignore} hits")
        if self.hits:
            times = "times" if self.hits > 1 else "time"
            found.append(f"\tbreakpoint already hit {self.hits} {times}")
        return found


class Breakpoints:
    """The breakpoints, in the order of their numbers, which are never used again.

    Parameters:
        is_true: says whether a condition is true at a moment, or cannot be said to be false.
    """

    def __init__(self, is_true: Callable[[str, Moment], bool]) -> None:
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
            if not each.is_enabled or each.function not in (None, code.short_name):
                continue
            if each.condition is not None and not self._is_true(each.condition, moment()):
                continue
            each.hits += 1
            if each.ignore:
                each.ignore -= 1
                continue
            return each
        return None
