"""The prompt's commands that set breakpoints, as pdb's."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from codetracer.debug.prompt_session import Session
from codetracer.replay import Expression, ObjectValue
from codetracer.replay.evaluator import EvaluationError

if TYPE_CHECKING:
    from codetracer.debug.prompt_breaks import Breakpoint
    from codetracer.replay import Frame

__all__ = ["Breaking"]

MOVING_COMMANDS: Final = frozenset(
    (
        *("s", "step", "n", "next", "r", "return", "unt", "until", "c", "cont", "continue"),
        *("rs", "rn", "ru", "rc", "goto", "j", "jump", "run", "restart", "thread", "process"),
        *("q", "quit", "exit"),
    )
)
"""The commands that go somewhere; what a breakpoint does ends with one of them."""


class Breaking(Session):
    """Commands for breakpoints."""

    def do_break(self, argument: str) -> None:
        """End every way at a line, or list the breakpoints.

        b(reak) [([file:]line | function) [, condition]]
        The condition is an expression that must be true there. Breakpoints work in both directions.
        """
        self._break(argument, is_temporary=False)

    def do_tbreak(self, argument: str) -> None:
        """Set a breakpoint that is deleted when it ends a way.

        tbreak [([file:]line | function) [, condition]]
        """
        self._break(argument, is_temporary=True)

    def do_clear(self, argument: str) -> None:
        """Delete breakpoints.

        cl(ear) [file:line | number ...]
        Without an argument, delete all, after a question.
        """
        if not argument:
            reply = self.ask("Clear all breaks? ")
            chosen = [*self.breakpoints] if reply.strip().lower() in ("y", "yes") else []
        elif ":" in argument:
            name, _, line = argument.rpartition(":")
            path = self._file(name)
            if path is None:
                return
            chosen = self.breakpoints.at(path, int(line)) if line.isdecimal() else []
            if not chosen:
                self.error(f"There is no breakpoint at {self.full_path(path)}:{line}")
        else:
            chosen = self._numbered(argument)
        for each in chosen:
            self.breakpoints.remove(each)
            self.message(f"Deleted {each}")

    def do_enable(self, argument: str) -> None:
        """Let breakpoints end ways again.

        enable number [number ...]
        """
        for each in self._numbered(argument):
            each.is_enabled = True
            self.message(f"Enabled {each}")

    def do_disable(self, argument: str) -> None:
        """Keep breakpoints, but pass them.

        disable number [number ...]
        """
        for each in self._numbered(argument):
            each.is_enabled = False
            self.message(f"Disabled {each}")

    def do_condition(self, argument: str) -> None:
        """Give a breakpoint another condition, or none.

        condition number [condition]
        """
        number, _, condition = argument.partition(" ")
        for each in self._numbered(number):
            if not condition:
                each.condition = None
                self.message(f"Breakpoint {each.number} is now unconditional.")
            elif self._is_expression(condition):
                each.condition = condition
                self.message(f"New condition set for breakpoint {each.number}.")

    def do_ignore(self, argument: str) -> None:
        """Pass a breakpoint so many times.

        ignore number [count]
        """
        number, _, text = argument.partition(" ")
        if text and not text.strip().isdecimal():
            self.refuse(argument)
            return
        count = int(text or 0)
        for each in self._numbered(number):
            each.ignore = count
            if count:
                crossings = "1 crossing" if count == 1 else f"{count} crossings"
                self.message(f"Will ignore next {crossings} of breakpoint {each.number}.")
            else:
                self.message(f"Will stop next time breakpoint {each.number} is reached.")

    def do_commands(self, argument: str) -> None:
        """Say what is typed by itself when a breakpoint ends a way.

        commands [number]
        The commands follow on lines of their own, up to the line `end`. Without a number they are
        for the newest breakpoint. `silent` among them means that the place is not printed. A
        command that goes somewhere is the last one.
        """
        chosen = self._numbered(argument or str(self.breakpoints.newest))
        if not chosen:
            return
        typed: list[str] = []
        is_silent = False
        while (line := self.ask("(com) ", at_end="end").strip()) != "end":
            if line == "silent":
                is_silent = True
            elif line:
                typed.append(line)
                if line.split()[0] in MOVING_COMMANDS:
                    break
        chosen[0].commands, chosen[0].is_silent = typed, is_silent

    def do_watch(self, argument: str) -> None:
        """End every way at the lines that change a value, in both directions.

        watch variable | value.attribute | value[item]
        The way ends before the line. An attribute or item is that of the object that it belongs to
        now, wherever that goes.
        """
        if not argument:
            self.error("A variable, attribute or item expected")
            return
        subject, frame = self._subject(argument)
        # Refuses what there is not.
        self.moment.next_change(subject, frame)
        made = self.breakpoints.watch(argument, subject, frame)
        self.message(f"Watchpoint {made.number} on {argument}")

    do_b = do_break
    do_cl = do_clear

    def _break(self, argument: str, *, is_temporary: bool) -> None:
        if not argument:
            if self.breakpoints:
                self.message("Num Type         Disp Enb   Where")
            for each in self.breakpoints:
                first, *more = each.described()
                self.message(first)
                for line in more:
                    self.message(line, "\t")
            return
        where, comma, condition = argument.partition(",")
        condition = condition.strip()
        if comma and not self._is_expression(condition):
            return
        found = self._where(where.strip())
        if found is None:
            return
        path, at, function = found
        made = self.breakpoints.add(
            path, self.full_path(path), at, function, is_temporary=is_temporary
        )
        made.condition = condition or None
        self.message(f"Breakpoint {str(made).removeprefix('breakpoint ')}")

    def _subject(self, text: str) -> tuple[str, Frame | None]:
        """Return what a text means at any other moment, and the frame that it needs for that."""
        try:
            node = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return text, self.frame
        if not isinstance(node, ast.Attribute | ast.Subscript):
            return text, self.frame
        owner = self.value(ast.unparse(node.value))
        if not isinstance(owner, ObjectValue):
            return text, self.frame
        inside = ast.unparse(node)[len(ast.unparse(node.value)) :]
        return f"#{owner.number}{inside}", None

    def _where(self, text: str) -> tuple[str, int, str | None] | None:
        """Return the file, the line and perhaps the function that a text names."""
        name, colon, rest = text.rpartition(":")
        if not colon and not text.isdecimal():
            return self._function(text)
        path: str | None = self.frame.code.path
        if colon:
            path = self._file(name.strip())
            if path is None:
                return None
            if not rest.strip().isdecimal():
                self.error(f"Bad lineno: {rest.strip()}")
                return None
        line = int(rest)
        assert path is not None
        lines = self.trace.source_lines(path)
        if lines and not 0 < line <= len(lines):
            self.message("End of file")
            return None
        source = self.trace.source_line(path, line)
        if lines and (not source or source.startswith(("#", '"""', "'''"))):
            self.error("Blank or comment")
            return None
        return path, line, None

    def _function(self, text: str) -> tuple[str, int, str] | None:
        """Return the place of a function's first line."""
        here = self.frame.code.path
        for path in [here, *(each for each in self.paths() if each != here)]:
            known = self.facts_of(path)
            module = path.replace("\\", "/").rpartition("/")[2].removesuffix(".py")
            for name in (text, text.removeprefix("self."), text.removeprefix(f"{module}.")):
                found = known.named(name)
                if found is not None:
                    return path, found.body, found.name.rpartition(".")[2]
        self.error(f"The specified object {text!r} is not a function of the recorded sources.")
        return None

    def _file(self, name: str) -> str | None:
        """Return the path of the recorded file that a name means."""
        wanted = name.replace("\\", "/")
        paths = self.paths()
        for ending in (wanted, f"{wanted}.py"):
            for path in paths:
                known = self.full_path(path).replace("\\", "/")
                if known == ending or known.endswith(f"/{ending.lstrip('./')}"):
                    return path
        there = ", ".join(path.replace("\\", "/").rpartition("/")[2] for path in paths[:10])
        self.error(f"{name!r} is not in the recording; there is {there or 'no source'}")
        return None

    def _numbered(self, argument: str) -> list[Breakpoint]:
        """Return the breakpoints with these numbers; say of any other that there is none."""
        found = []
        for number in argument.split() or [""]:
            try:
                found.append(self.breakpoints.numbered(number))
            except ValueError as error:
                self.error(str(error))
        return found

    def _is_expression(self, text: str) -> bool:
        try:
            Expression(text)
        except EvaluationError as error:
            self.error(f"Invalid condition {text}: {error.message}")
            return False
        return True
