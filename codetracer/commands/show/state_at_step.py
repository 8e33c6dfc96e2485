"""The state at one step: the line, the callers, and every variable of every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, in_task, short_name, thread_name
from codetracer.replay import events
from codetracer.replay.details import behind, lacking_in
from codetracer.replay.layout import lay_out
from codetracer.replay.render import to_json

if TYPE_CHECKING:
    from codetracer.replay.events import Event, StepEvent
    from codetracer.replay.model import Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.values import Value

__all__ = ["Moment"]

LEAST_COLUMNS: Final = 40
"""The least number of columns for a value."""

UNCUT: Final = 120
"""The number of columns after which a value continues in the next line, if lines are not cut."""


class Moment:
    """Prints all variables as they were right before a step's line ran.

    Parameters:
        replay: the events of the process.
        printer: prints the variables.
        number: the number of the step.

    Attributes:
        found: whether the step was reached.
    """

    def __init__(self, replay: Replay, printer: Printer, number: int) -> None:
        self.found = False
        self._replay = replay
        self._printer = printer
        self._number = number

    def see(self, event: Event) -> None:
        """Print the variables if the event is the step."""
        if type(event) is events.StepEvent and event.number == self._number:
            self.found = True
            if self._printer.as_json:
                self._row(event)
            else:
                self._print(event)

    def finish(self) -> None:
        """Do nothing, because everything is printed at the step."""

    def _row(self, event: StepEvent) -> None:
        frame, replay = event.frame, self._replay
        self._printer.row(
            {
                "step": event.number,
                "thread": event.thread.number,
                "task": frame.task,
                "frame": frame.number,
                "function": frame.code.name,
                "module": frame.code.module,
                "path": frame.code.path,
                "line": event.line,
                "detail": frame.code.detail,
                "source": self._printer.source(frame.code.path, event.line).strip(),
                "locals": _all_json(replay.locals(frame)),
                "globals": _all_json(replay.globals(frame)),
                "callers": [
                    {
                        "function": caller.code.name,
                        "path": caller.code.path,
                        "line": caller.line,
                        "step": caller.step if caller.step >= 0 else None,
                        "detail": caller.code.detail,
                        "behind": bool(behind(caller)),
                        "locals": _all_json(replay.locals(caller)),
                        "globals": _all_json(replay.globals(caller)),
                    }
                    for caller in _callers(frame)
                ],
            }
        )

    def _print(self, event: StepEvent) -> None:
        printer, frame = self._printer, event.frame
        runs = f", {thread_name(event.thread)}{in_task(frame)}"
        # All functions of a module share its global variables: each is printed once.
        told: set[tuple[int, str]] = set()
        self._print_frame(frame, f"{runs}, right before this line", told)
        for caller in _callers(frame):
            self._print_frame(caller, ", which called it", told)
        for thread in self._replay.threads:
            top = thread.top
            if top is not None and thread is not event.thread:
                step = top.step if top.step >= 0 else None
                place = printer.frame_place(top)
                name = (short_name(top.code), "name")
                printer.at(place, step, name, f", {thread_name(thread)}, at the same time")

    def _print_frame(self, frame: Frame, what: str, told: set[tuple[int, str]]) -> None:
        printer, code = self._printer, frame.code
        step = frame.step if frame.step >= 0 else None
        printer.at(printer.frame_place(frame), step, (short_name(code), "name"), what)
        source = printer.source(code.path, frame.line).strip()
        if source:
            printer.line("  > ", (source, "source"))
        found = self._replay.globals(frame)
        new = {name: found[name] for name in found if (code.namespace, name) not in told}
        told.update((code.namespace, name) for name in new)
        if why := lacking_in(code) or behind(frame):
            printer.line((f"  {why}", "dim"))
        scopes = {"locals": self._replay.locals(frame), "globals": new}
        for scope, values in scopes.items():
            if values:
                printer.line((f"  {scope}:", "dim"))
            for name, value in values.items():
                self._print_value(name, value)

    def _print_value(self, name: str, value: Value) -> None:
        room = max((self._printer.width or UNCUT) - 8, LEAST_COLUMNS)
        first, *more = lay_out(value, room, len(name) + 3)
        self._printer.line("    ", (name, "name"), f" = {first}")
        for text in more:
            self._printer.line(f"    {text}")


def _all_json(values: dict[str, Value]) -> dict[str, object]:
    return {name: to_json(value) for name, value in values.items()}


def _callers(frame: Frame) -> list[Frame]:
    callers = []
    caller = frame.caller
    while caller is not None:
        callers.append(caller)
        caller = caller.caller
    return callers
