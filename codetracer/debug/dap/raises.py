"""Which exceptions nothing recorded has caught."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.replay import RaiseEvent, UnwindEvent

if TYPE_CHECKING:
    from codetracer.replay import Timeline
    from codetracer_bindings import trace_decoder as raw

__all__ = ["uncaught"]


def uncaught(timeline: Timeline, *, thread: int | None = None) -> list[int]:
    """Return the steps that raised what left the lowest frame of a thread.

    Parameters:
        timeline: the steps of the process.
        thread: the number of the one thread that matters; None for all.
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
            if thread is not None and at != thread:
                continue
            if type(event) is RaiseEvent:
                identity = _identity(event.raw)
                if passing.get(at) != identity:
                    last[at] = identity, event.frame.step
            passing[at] = None
            if type(event) is UnwindEvent:
                passing[at] = _identity(event.raw)
                identity, step = last.get(at, (None, -1))
                if event.frame.caller is None and identity == passing[at] and step >= 0:
                    found.append(step)
    return found


def _identity(exception: raw.Value) -> object:
    return getattr(exception, "number", type(exception))
