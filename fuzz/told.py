"""Describes a recorded program in a form that depends neither on the engine nor on the time.

Times, addresses and the identifiers of threads are left out, and the objects' numbers: where an
object dies, another may get its address, or not, as chance will have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import codetracer
from codetracer.errors import TargetError
from codetracer.replay import (
    CallEvent,
    Event,
    ExitEvent,
    HandledEvent,
    OutputEvent,
    RaiseEvent,
    Replay,
    ReturnEvent,
    StepEvent,
    ThrowEvent,
    UnwindEvent,
    Value,
    YieldEvent,
    render,
)

__all__ = ["told_of"]

type Told = tuple[object, ...]

LENGTH = 2000
"""Characters of a value that are compared: it may be large."""


def told_of(path: Path) -> Iterator[Told]:
    """Yield for each event of a recording what it says, and the variables at each step.

    The last one of a recording that is damaged is the code of the error.
    """
    try:
        for process in codetracer.read(path).processes:
            replay = process.replay()
            for event in replay:
                yield (*_told(event), *_variables(replay, event))
    except TargetError as error:
        yield (error.code,)


def _told(event: Event) -> Told:
    """Return what an event says: its kind, its thread, its frame, the task, and what is its own."""
    kind, thread = type(event).__name__, str(event.thread)
    if event.frame is None:
        where, task = "", ""
    else:
        where, task = str(event.frame), event.frame.task
    match event:
        case StepEvent(line=line):
            return kind, thread, where, task, line
        case CallEvent(arguments=arguments, entered=entered):
            return kind, thread, where, task, entered, _texts(arguments)
        case ReturnEvent(value=value) | YieldEvent(value=value):
            return kind, thread, where, task, _text(value)
        case (
            RaiseEvent(exception=exception)
            | HandledEvent(exception=exception)
            | ThrowEvent(exception=exception)
            | UnwindEvent(exception=exception)
        ):
            return kind, thread, where, task, _text(exception)
        case OutputEvent(stream=stream, path=path, line=line, data=data):
            return kind, thread, where, task, stream, path, line, data
        case ExitEvent(status=status):
            return kind, thread, where, task, status
    return kind, thread, where, task


def _variables(replay: Replay, event: Event) -> Iterator[dict[str, str]]:
    if isinstance(event, StepEvent):
        yield _texts(replay.locals(event.frame))
        yield _texts(replay.globals(event.frame))


def _texts(variables: dict[str, Value]) -> dict[str, str]:
    return {name: _text(value) for name, value in variables.items()}


def _text(value: Value) -> str:
    return re.sub(r"#\d+", "#", render(value, LENGTH))
