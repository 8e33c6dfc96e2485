"""The state that all commands of the prompt share: position, output, and values of expressions."""

from __future__ import annotations

import cmd
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from codetracer.debug.motion import stop_at
from codetracer.debug.prompt_breaks import SHORT, Breakpoints, Watchpoint
from codetracer.debug.source_facts import Facts, facts
from codetracer.debug.stops import EXCEPTION, LEAVES, LINE, UNWIND
from codetracer.errors import RecorderError
from codetracer.replay import Expression, evaluate
from codetracer.replay.render import WHOLE, render
from codetracer.replay.values import CutText, ObjectValue
from codetracer.terminal import SafeStream, safe

if TYPE_CHECKING:
    from codetracer.debug.prompt_breaks import Breakpoint
    from codetracer.debug.stops import Stop
    from codetracer.replay import Moment, Place, Timeline
    from codetracer.replay.model import Frame
    from codetracer.replay.trace import Trace
    from codetracer.replay.values import Value

__all__ = ["NEEDS_A_PROGRAM", "Session", "exception_text"]

NEEDS_A_PROGRAM: Final = "A recording cannot be changed or continued with other values"

MARKS: Final = {
    "call": "--Call--",
    "return": "--Return--",
    "yield": "--Return--",
    UNWIND: "--Return--",
}
"""The headings that pdb prints above a stop at a call, return or exception."""


class Session(cmd.Cmd):
    """The state of a prompt.

    Parameters:
        trace: the recording.
        place: where it begins.

    Attributes:
        trace: the recording.
        process: the number of the process.
        timeline: its steps.
        stop: where the prompt is.
        selected: how many frames the selected one is below the innermost.
        listed: the last line that `list` printed; None if it starts again.
        breakpoints: the breakpoints.
        displays: the expressions to print when they change, with their last texts, by the number of
            the frame.
        anchor: the step of the last stop that a way led to; `thread` does not change it.
    """

    def __init__(self, trace: Trace, place: Place) -> None:
        super().__init__()
        self.trace = trace
        self.breakpoints = Breakpoints(self._is_true)
        self.displays: dict[int, dict[str, str]] = {}
        self.aliases: dict[str, str] = {}
        self._facts: dict[str, Facts] = {}
        self._raised: dict[int, list[Stop]] = {}
        self._workdir = _text_of(trace.metadata.get("workdir"))
        self.enter(place)

    # ---------------------------------------------------------------- where it is

    def enter(self, place: Place) -> None:
        """Go to a place, in any process and thread.

        Raises:
            RecorderError: there is no such place, or the log is damaged there.
        """
        moment = self.trace.at(place)
        self.process = place.process
        self.timeline: Timeline = self.trace.processes[place.process].timeline()
        self.settle(stop_at(self.timeline, moment.thread.number, place.step))

    def settle(self, stop: Stop) -> None:
        """Take a stop as where the prompt is."""
        self.stop = stop
        self.anchor = stop.step
        self.selected = 0
        self.listed: int | None = None
        self.prompt = f"({stop.moment.place}) "

    @property
    def moment(self) -> Moment:
        """The moment that is looked at."""
        return self.stop.moment

    @property
    def frame(self) -> Frame:
        """The selected frame."""
        return self.moment.frames[self.selected]

    def facts_of(self, path: str) -> Facts:
        """Return what the recorded source of a file says of its lines."""
        if path not in self._facts:
            self._facts[path] = facts(self.trace.source_lines(path))
        return self._facts[path]

    # ---------------------------------------------------------------- what it prints

    def message(self, text: str, margin: str = "") -> None:
        """Print a line.

        Parameters:
            text: the line, which may have text of the recording.
            margin: text of ours before the line, which is printed unchanged, tabs included.
        """
        line = f"{margin}{safe(text)}\n"
        stream = sys.stdout
        if isinstance(stream, SafeStream):
            stream.draw(line)
        else:
            stream.write(line)

    def error(self, text: str) -> None:
        """Print what is wrong, as pdb does."""
        self.message(f"*** {text}")

    def refuse(self, argument: str) -> None:
        """Say that a command takes no such argument."""
        self.error(f"Invalid argument: {argument}")

    def full_path(self, path: str) -> str:
        """Return the absolute path of a source file, as pdb prints it."""
        return path if path.startswith("<") else os.path.join(self._workdir, path)

    def entry(self, frame: Frame) -> tuple[str, str]:
        """Return the two lines that pdb prints of a frame, without what is in front of them."""
        code = frame.code
        text = f"{self.full_path(code.path)}({frame.line}){code.short_name}()"
        if self.stop.kind in LEAVES and frame is self.moment.frame:
            returned = None if self.stop.kind == UNWIND else self.stop.value
            text = f"{text}->{render(returned, SHORT)}"
        return text, self.trace.source_line(code.path, frame.line)

    def show_frame(self) -> None:
        """Print the selected frame, with the mark of the frame that is selected."""
        text, source = self.entry(self.frame)
        self.message(f"> {text}")
        if source:
            self.message(f"-> {source}")

    def show_stop(self) -> None:
        """Print where the prompt is, and the displayed values that have changed."""
        kind = self.stop.kind
        if kind == EXCEPTION:
            self.message(exception_text(self.stop.value))
        elif kind != LINE:
            self.message(MARKS[kind])
        self.show_frame()
        self.show_displays()

    def show_displays(self) -> None:
        """Print the displayed expressions of this frame that have other values than before."""
        for expression, before in self.displays.get(self.frame.number, {}).items():
            now = self.text_or_error(expression)
            if now != before:
                self.displays[self.frame.number][expression] = now
                self.message(f"display {expression}: {now}  [old: {before}]")

    # ---------------------------------------------------------------- expressions

    def value(self, expression: str) -> Value:
        """Return the value of an expression in the selected frame.

        Raises:
            RecorderError: it has none; its message is for the user.
        """
        name = expression.strip()
        if name in ("__return__", "$_retval") and self.stop.kind in LEAVES:
            return self.stop.value
        if name in ("__exception__", "$_exception") and self.stop.kind in (EXCEPTION, UNWIND):
            return self.stop.value
        return evaluate(name, self.moment, self.frame)

    def text_or_error(self, expression: str) -> str:
        """Return the text of an expression's value, or of what is wrong with it."""
        try:
            return render(self.value(expression), WHOLE)
        except RecorderError as error:
            return f"** {error.message} **"

    def paths(self) -> list[str]:
        """Return the paths of the recorded source files."""
        sources = self.trace.metadata.get("sources")
        return [*map(str, sources)] if isinstance(sources, dict) else []

    def ask(self, question: str, at_end: str = "") -> str:
        """Return the line that is typed after a question.

        Parameters:
            question: what is printed in front of it.
            at_end: what is returned at the end of the input.
        """
        raise NotImplementedError

    def _is_true(self, condition: str, moment: Moment) -> bool:
        """Return whether a condition holds; pdb stops where that cannot be said."""
        try:
            return _expression(condition).holds(moment)
        except RecorderError:
            return True

    def may_stop(self, breakpoint: Breakpoint) -> None:
        """Do what a breakpoint has to be done when it ends a way."""
        if breakpoint.is_temporary:
            self.breakpoints.remove(breakpoint)
            self.message(f"Deleted {breakpoint}")
        if isinstance(breakpoint, Watchpoint):
            self.message(f"Watchpoint {breakpoint.number}, {breakpoint.change(self.moment)}")
        if not breakpoint.is_silent:
            self.show_stop()
        self.cmdqueue[:0] = breakpoint.commands


@lru_cache(maxsize=100)
def _expression(text: str) -> Expression:
    return Expression(text)


def exception_text(value: Value) -> str:
    """Return an exception as the last line of a traceback has it."""
    if not isinstance(value, ObjectValue):
        return render(value, WHOLE)
    name = value.type_name.removeprefix("__main__.")
    match value.items:
        case ():
            return name
        case (str(text),) if not name.endswith("KeyError"):
            return f"{name}: {text}"
        case (CutText(text, _),):
            return f"{name}: {text}…"
        case (one,):
            return f"{name}: {render(one, WHOLE)}"
    return f"{name}: {render(value.items, WHOLE)}"


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""
