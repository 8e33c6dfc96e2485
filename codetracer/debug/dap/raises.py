"""Finds the exceptions that no recorded code has caught."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.replay import ObjectValue, RaiseEvent, UnwindEvent
from codetracer.replay.exits import is_exit

if TYPE_CHECKING:
    from codetracer.replay import Timeline, Value
    from codetracer_bindings import trace_decoder as raw

__all__ = ["uncaught"]


def uncaught(timeline: Timeline) -> list[int]:
    """Return the steps that raised what left the lowest frame of a thread; `is_exit` left out.

    Parameters:
        timeline: the steps of the process.
    """
    found: list[int] = []
    # By thread: the exception that ended a frame just before, and the last one with its step.
    passing: dict[int, object] = {}
    last: dict[int, tuple[object, int]] = {}
    index = timeline.index
    for number in range(index.blocks):
        if not index.block(number).raises and not (number and index.block(number - 1).raises):
            continue
        for event in timeline.block(number):
            at = event.thread.number
            if type(event) is RaiseEvent:
                identity = _identity(event.raw)
                if passing.get(at) != identity:
                    last[at] = identity, event.frame.step
            passing[at] = None
            if type(event) is UnwindEvent:
                passing[at] = _identity(event.raw)
                identity, step = last.get(at, (None, -1))
                is_last = event.frame.caller is None and identity == passing[at] and step >= 0
                if is_last and not is_exit(_type_name(event.exception)):
                    found.append(step)
    return found


def _type_name(exception: Value) -> str:
    return exception.type_name if isinstance(exception, ObjectValue) else ""


def _identity(exception: raw.Value) -> object:
    return getattr(exception, "number", type(exception))
