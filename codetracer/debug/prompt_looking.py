"""The prompt's commands that print something of the moment: as pdb's, and what a recording adds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from codetracer.debug.prompt_breaks import SHORT
from codetracer.debug.prompt_session import NEEDS_A_PROGRAM, Session
from codetracer.debug.stops import LEAVES, UNWIND
from codetracer.errors import RecorderError
from codetracer.replay.details import lacking_in
from codetracer.replay.layout import lay_out
from codetracer.replay.parts import DEFINITIONS, python_type
from codetracer.replay.render import WHOLE, render
from codetracer.replay.values import Hidden, ObjectValue

if TYPE_CHECKING:
    from codetracer.replay.model import Frame
    from codetracer.replay.values import Value

__all__ = ["Looking"]

AROUND: Final = 5
"""The number of lines that `list` prints above the current one, and below it."""

PRETTY: Final = 80
"""The width of what `pp` prints."""


class Looking(Session):
    """Commands that go nowhere."""

    # ---------------------------------------------------------------- the stack

    def do_where(self, argument: str) -> None:
        """Print the stack, the innermost frame last; `>` marks the selected one.

        w(here) [count]
        With a count, print so many of the innermost frames, or of the outermost if it is negative;
        0 is the selected frame alone.
        """
        if argument and not argument.removeprefix("-").isdecimal():
            self.refuse(argument)
            return
        frames = self.moment.frames
        chosen = range(len(frames))
        if argument:
            count = int(argument)
            chosen = chosen[:count] if count > 0 else chosen[count:]
            chosen = range(self.selected, self.selected + 1) if count == 0 else chosen
        for number in reversed(chosen):
            text, source = self.entry(frames[number])
            mark = ">" if number == self.selected else " "
            self.message(f"{mark} {text}")
            if source:
                self.message(f"-> {source}")

    def do_up(self, argument: str) -> None:
        """Select the frame that called this one.

        u(p) [count]
        """
        if self.selected + 1 == len(self.moment.frames):
            self.error("Oldest frame")
            return
        self._select(argument, 1)

    def do_down(self, argument: str) -> None:
        """Select the frame that this one called.

        d(own) [count]
        """
        if self.selected == 0:
            self.error("Newest frame")
            return
        self._select(argument, -1)

    def _select(self, argument: str, direction: int) -> None:
        try:
            count = int(argument or 1)
        except ValueError:
            self.error(f"Invalid frame count ({argument})")
            return
        last = len(self.moment.frames) - 1
        wanted = self.selected + direction * (count if count >= 0 else last)
        self.selected = min(max(wanted, 0), last)
        self.listed = None
        self.show_frame()

    # ---------------------------------------------------------------- the source

    def do_list(self, argument: str) -> None:
        """Print lines of the source, with the values of the names that they bind.

        l(ist) [first[, last] | .]
        Without an argument, 11 lines around the current one, or the next 11. With one argument,
        the lines around that one; with two, those from the first to the last, or as many as the
        second says if it is less. `->` marks the current line, `B` a breakpoint.
        """
        self.lastcmd = "list"
        last = None
        if argument and argument != ".":
            texts = [part.strip() for part in argument.split(",")]
            if len(texts) > 2 or not all(part.isdecimal() for part in texts):
                self.error(f"Error in argument: {argument!r}")
                return
            first, *rest = map(int, texts)
            if rest:
                last = rest[0] if rest[0] >= first else first + rest[0]
            else:
                first = max(1, first - AROUND)
        elif self.listed is None or argument:
            first = max(1, self.frame.line - AROUND)
        else:
            first = self.listed + 1
        if last is None:
            last = first + 2 * AROUND
        count = len(self.trace.source_lines(self.frame.code.path))
        self._print_lines(self.frame.code.path, first, min(last, count))
        self.listed = min(last, count)
        if count < last:
            self.message("[EOF]")

    def do_longlist(self, argument: str) -> None:
        """Print the source of this function, with the values of its names.

        ll | longlist
        """
        if argument:
            self.refuse(argument)
            return
        first, last = self._extent(self.frame)
        self._print_lines(self.frame.code.path, first, last)

    def do_source(self, argument: str) -> None:
        """Print the source of a function or class.

        source name
        """
        here = self.frame.code.path
        for path in [here, *(each for each in self.paths() if each != here)]:
            found = self.facts_of(path).named(argument)
            if found is not None:
                for number, text in self._numbered_lines(path, found.begin, found.end):
                    self.message(text, f"{_number(number)}\t")
                return
        self.error(f"{argument!r} is not a function or class of the recorded sources")

    def _extent(self, frame: Frame) -> tuple[int, int]:
        """Return the first and the last line of what a frame runs."""
        code = frame.code
        known = None if code.kind == "module" else self.facts_of(code.path).beginning(code.line)
        if known is not None:
            return known.begin, known.end
        count = len(self.trace.source_lines(code.path))
        return (1, count) if code.kind == "module" else (code.line, max(code.line, frame.line))

    def _numbered_lines(self, path: str, first: int, last: int) -> list[tuple[int, str]]:
        lines = self.trace.source_lines(path)[first - 1 : last]
        return [(first + index, text.expandtabs().rstrip()) for index, text in enumerate(lines)]

    def _print_lines(self, path: str, first: int, last: int) -> None:
        breaks = self.breakpoints.lines(path)
        known, seen = self.facts_of(path), self._variables()
        begin, end = self._extent(self.frame)
        for number, text in self._numbered_lines(path, first, last):
            mark = _number(number)
            mark += "B" if number in breaks else " "
            is_current = number == self.frame.line
            mark += "->" if is_current else ""
            names: tuple[str, ...] = ()
            if begin <= number <= end:
                names = known.binds.get(number, ())
                names += known.reads.get(number, ()) if is_current else ()
            names = tuple(name for name in dict.fromkeys(names) if name in seen)
            values = [f"{name} = {render(seen[name], SHORT)}" for name in names]
            self.message(text + (f"  # {', '.join(values)}" if values else ""), f"{mark}\t")

    def _variables(self) -> dict[str, Value]:
        """Return the variables of the selected frame that are no functions, classes or modules."""
        found = self.moment.globals(self.frame) | self.moment.locals(self.frame)
        return {name: value for name, value in found.items() if not _is_definition(value)}

    # ---------------------------------------------------------------- values

    def do_args(self, argument: str) -> None:
        """Print the arguments of this function, with their values now.

        a(rgs)
        """
        if argument:
            self.refuse(argument)
            return
        if why := lacking_in(self.frame.code):
            self.error(why)
            return
        found = self.moment.locals(self.frame)
        for name in self.frame.code.arguments:
            text = render(found[name], WHOLE) if name in found else "*** undefined ***"
            self.message(f"{name} = {text}")

    def do_p(self, argument: str) -> None:
        """Print the value of an expression; nothing of the program is run.

        p expression
        """
        value = self._value_or_error(argument)
        if value is not None:
            self.message(render(value[0], WHOLE))

    def do_pp(self, argument: str) -> None:
        """Print a value over several lines.

        pp expression
        """
        value = self._value_or_error(argument)
        if value is not None:
            for line in lay_out(value[0], PRETTY):
                self.message(line)

    def do_whatis(self, argument: str) -> None:
        """Print the type of a value.

        whatis expression
        """
        found = self._value_or_error(argument)
        if found is not None:
            self.message(_type_text(found[0]))

    def do_retval(self, argument: str) -> None:
        """Print what this function returns, where it returns.

        retval | rv
        """
        if argument:
            self.refuse(argument)
        elif self.stop.kind in LEAVES and self.selected == 0:
            returned = None if self.stop.kind == UNWIND else self.stop.value
            self.message(render(returned, WHOLE))
        else:
            self.error("Not yet returned!")

    def do_display(self, argument: str) -> None:
        """Print an expression at each stop in this function where its value has changed.

        display [expression]
        Without an argument, list these expressions.
        """
        shown = self.displays.setdefault(self.frame.number, {})
        if not argument:
            if shown:
                self.message("Currently displaying:")
            for expression, text in shown.items():
                self.message(f"{expression}: {text}")
            return
        shown[argument] = self.text_or_error(argument)
        self.message(f"display {argument}: {shown[argument]}")

    def do_undisplay(self, argument: str) -> None:
        """No longer display an expression, or any.

        undisplay [expression]
        """
        shown = self.displays.get(self.frame.number, {})
        if not argument:
            shown.clear()
        elif argument in shown:
            del shown[argument]
        else:
            self.error(f"not displaying {argument}")

    def default(self, line: str) -> None:
        """Print the value of an expression that was typed without a command."""
        expression = line.removeprefix("!").strip()
        if _is_statement(expression):
            self.error(f"{NEEDS_A_PROGRAM}; only expressions have values here")
            return
        value = self._value_or_error(expression)
        if value is not None and value[0] is not None:
            self.message(render(value[0], WHOLE))

    def _value_or_error(self, expression: str) -> tuple[Value] | None:
        """Return the value of an expression in a tuple; say why if it has none."""
        try:
            return (self.value(expression),)
        except RecorderError as error:
            self.error(error.message)
            return None

    # ---------------------------------------------------------------- the recording

    def do_threads(self, argument: str) -> None:
        """List the threads, and the line at which each of them is now.

        threads
        """
        for thread in self.moment.threads:
            mark = "*" if thread.number == self.moment.thread.number else " "
            top = self.moment.frame if mark == "*" else thread.top
            place = "has no frame now" if top is None else self.entry(top)[0]
            task = f", task {thread.task}" if thread.task else ""
            self.message(f"{mark} {thread.number} {thread.name}{task}: {place}")

    def do_processes(self, argument: str) -> None:
        """List the processes of the recording.

        processes
        """
        for process in self.trace.processes:
            mark = "*" if process.number == self.process else " "
            steps = process.timeline().steps
            self.message(f"{mark} {process.number} PID {process.pid}: {steps:,} steps")

    do_w = do_bt = do_where
    do_u = do_up
    do_d = do_down
    do_l = do_list
    do_ll = do_longlist
    do_a = do_args
    do_rv = do_retval


def _is_statement(text: str) -> bool:
    """Return whether a text would do something in a program, as an assignment does."""
    try:
        return any(not isinstance(each, ast.Expr) for each in ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_definition(value: Value) -> bool:
    return isinstance(value, ObjectValue) and value.form in DEFINITIONS


def _type_text(value: Value) -> str:
    """Return what pdb prints as the type of a value."""
    if isinstance(value, Hidden):
        return f"it was not recorded: {value.how}"
    if not isinstance(value, ObjectValue):
        return f"{python_type(value)}"
    if value.form in DEFINITIONS:
        return render(value, WHOLE).strip("<>").capitalize()
    return f"<class {value.type_name!r}>"


def _number(line: int) -> str:
    """Return the number of a line as pdb prints it in front of a tab."""
    return f"{line:>3} " if line < 1000 else f"{line}"
