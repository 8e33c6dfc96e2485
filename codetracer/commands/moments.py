"""The state at one step: every variable, the line, and who called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, in_task, short_name, thread_name
from codetracer.errors import TargetError
from codetracer.replay import events
from codetracer.replay.render import render, to_json

if TYPE_CHECKING:
    from codetracer.replay.events import StepEvent
    from codetracer.replay.model import Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.values import Value

__all__ = ["show_step"]


def show_step(replay: Replay, printer: Printer, number: int) -> None:
    """Print all variables as they were right before a step's line ran.

    Raises:
        TargetError: ERR_NOT_IN_TRACE, there are fewer steps.
    """
    for event in replay:
        if type(event) is events.StepEvent and event.number == number:
            _show(replay, printer, event)
            return
    has = f"steps 0 to {replay.steps - 1}" if replay.steps else "no steps"
    raise TargetError(
        "ERR_NOT_IN_TRACE",
        f"there is no step {number}: the log has {has}",
        {"step": number, "steps": replay.steps},
    )


def _show(replay: Replay, printer: Printer, event: StepEvent) -> None:
    frame = event.frame
    source = printer.source(frame.code.path, event.line)
    variables = {"locals": replay.locals(frame), "globals": replay.globals(frame)}
    if printer.as_json:
        printer.row(
            {
                "step": event.number,
                "thread": event.thread.number,
                "task": frame.task,
                "frame": frame.number,
                "function": frame.code.name,
                "module": frame.code.module,
                "path": frame.code.path,
                "line": event.line,
                "source": source,
                **{
                    scope: {name: to_json(value) for name, value in values.items()}
                    for scope, values in variables.items()
                },
                "callers": [
                    {"function": caller.code.name, "path": caller.code.path, "line": caller.line}
                    for caller in _callers(frame)
                ],
            },
            "",
        )
        return
    where = printer.place(frame.code.path, event.line)
    runs = f"{thread_name(event.thread)}{in_task(frame)}"
    printer.line(f"step {event.number}  {where}  {short_name(frame.code)}, {runs}")
    if source:
        printer.line(f"  > {source}")
    for scope, values in variables.items():
        _print_variables(printer, scope, values)
    for caller in _callers(frame):
        printer.line(f"called from {printer.frame_place(caller)}  {short_name(caller.code)}")


def _print_variables(printer: Printer, scope: str, values: dict[str, Value]) -> None:
    if values:
        printer.line(f"{scope}:")
    for name, value in values.items():
        printer.line(f"  {name} = {render(value, 300)}")


def _callers(frame: Frame) -> list[Frame]:
    callers = []
    caller = frame.caller
    while caller is not None:
        callers.append(caller)
        caller = caller.caller
    return callers
