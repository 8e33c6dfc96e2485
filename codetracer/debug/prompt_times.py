"""The prompt's commands that print what happens at other times: changes and exceptions."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from codetracer.debug.motion import stop_at
from codetracer.debug.prompt_breaks import SHORT
from codetracer.debug.prompt_session import Session, exception_text
from codetracer.debug.stops import EXCEPTION, LEAVES, LINE, Walk
from codetracer.replay import Place, Raise, render
from codetracer.replay.causes import Questions, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay import Moment
    from codetracer.replay.history import Write

__all__ = ["Times"]

LINES_EACH_WAY: Final = 10
"""The number of lines printed for what came before, and for what comes after."""


class Times(Session):
    """Commands that look at other moments, and stay where they are."""

    def do_history(self, argument: str) -> None:
        """Print the changes of a value, before this moment and after it.

        history variable | value.attribute | value[item]
        An attribute or item is that of the object that it belongs to now.
        """
        if not argument:
            self.error("A variable, attribute or item expected")
            return
        earlier = self.moment.history(argument, self.frame, back=True)
        later = self.moment.history(argument, self.frame)
        self._around(map(self._changed, earlier), map(self._changed, later))

    def do_raises(self, argument: str) -> None:
        """Print the exceptions that were raised before this moment and after it, in any thread.

        It takes no argument.
        """
        if argument:
            self.refuse(argument)
            return
        self._around(self._raises(back=True), self._raises(back=False))

    def do_why(self, argument: str) -> None:
        """Print how a value came about: the line that bound it, what that line read, and so on.

        why [expression]
        It is the value right before the line of this place runs. `f()` is the result of the last
        call of f. Without an expression, explain the exception that is raised here, or else the one
        that ended the program.
        """
        asked = Questions(self.trace, self.trace.processes[self.process], lambda code: True)
        if argument:
            causes = asked.value(argument, Place(self.process, max(self.frame.step, 0)))
        else:
            after = self.stop.step + 1
            is_here = self.stop.kind == EXCEPTION and after < self.timeline.steps
            causes, _ = asked.exception(None, Place(self.process, after) if is_here else None)
        for cause, branch, words in rows_of(causes):
            where = source = ""
            if cause is not None and cause.path:
                where = f"{self.full_path(cause.path)}({cause.line}){cause.function}()"
                source = f"  | {self.trace.source_line(cause.path, cause.line)}"
            step = "" if cause is None or cause.place is None else str(cause.place)
            self.message(f"  {step:<8} {branch}{words}{source}  {where}".rstrip())

    def _around(self, earlier: Iterator[str], later: Iterator[str]) -> None:
        """Print lines in the order of time, and where the prompt is among them."""
        before = [*islice(earlier, LINES_EACH_WAY + 1)]
        if len(before) > LINES_EACH_WAY:
            before[-1] = "  …"
        for line in reversed(before):
            self.message(line)
        self.message(f"> {self.moment.place} is here")
        for number, line in enumerate(islice(later, LINES_EACH_WAY + 1)):
            self.message("  …" if number == LINES_EACH_WAY else line)

    def _changed(self, write: Write) -> str:
        values = f"{render(write.before, SHORT)} -> {render(write.after, SHORT)}"
        if write.moment is None:
            return f"  {'by code that was not recorded':<40}  {values}"
        return f"{self._at(write.moment)}  {values}"

    def _raises(self, *, back: bool) -> Iterator[str]:
        moment = self.moment
        while (there := moment.run_back(Raise()) if back else moment.run(Raise())) is not None:
            moment = there.moment
            yield f"{self._at(moment)}  {self._exception(moment)}"

    def _exception(self, moment: Moment) -> str:
        """Return the text of the exception that the line of a moment raised."""
        walk = Walk(self.timeline, moment.thread.number, moment.step, 1)
        for mark in walk:
            if mark.frame == moment.frame.number:
                if mark.kind == EXCEPTION:
                    stop = stop_at(self.timeline, moment.thread.number, mark.step, mark.between)
                    return exception_text(stop.value)
                if mark.kind == LINE or mark.kind in LEAVES:
                    break
        return "?"

    def _at(self, moment: Moment) -> str:
        """Return the place of a moment and its line."""
        code = moment.frame.code
        where = f"{self.full_path(code.path)}({moment.line}){code.short_name}()"
        return f"  {moment.place}  {where}"
