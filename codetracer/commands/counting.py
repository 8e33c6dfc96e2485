"""Counts what is in a process' log by reading all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.errors import TargetError
from codetracer.replay import events

if TYPE_CHECKING:
    from codetracer.replay.events import Event
    from codetracer.replay.model import Thread
    from codetracer.replay.trace import Process

__all__ = ["count"]

_COUNTED = {
    events.CallEvent: "calls",
    events.ReturnEvent: "returns",
    events.YieldEvent: "yields",
    events.ResumeEvent: "resumes",
    events.ThrowEvent: "throws",
    events.UnwindEvent: "unwinds",
    events.RaiseEvent: "raises",
    events.HandledEvent: "handled",
    events.LostEvent: "lost",
    events.UnfinishedEvent: "unfinished",
    events.OutputEvent: "outputs",
}


def count(process: Process) -> dict[str, object]:
    """Return the numbers of a process, JSON-able; ``damage`` says where reading had to end."""
    replay = process.replay()
    kinds: dict[type[Event], int] = {}
    steps: dict[Thread, int] = {}
    calls: dict[Thread, int] = {}
    files: set[str] = set()
    damage: str | None = None
    status: int | None = None
    # Steps are counted by the replay; what is left is who made them.
    thread, before = None, 0
    try:
        for event in replay:
            kind = type(event)
            if event.thread is not thread:
                if thread is not None:
                    made = replay.steps - (kind is events.StepEvent)
                    steps[thread] = steps.get(thread, 0) + made - before
                    before = made
                thread = event.thread
            if kind is events.StepEvent:
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
            if isinstance(event, events.CallEvent):
                calls[event.thread] = calls.get(event.thread, 0) + 1
                files.add(event.frame.code.path)
            elif isinstance(event, events.ExitEvent):
                status = event.status
    except TargetError as error:
        damage = error.message
    if thread is not None:
        steps[thread] = steps.get(thread, 0) + replay.steps - before
    return {
        "pid": process.pid,
        "log": process.path,
        "bytes": process.log.size(),
        "complete": replay.ended and damage is None,
        "damage": damage,
        "status": status,
        "duration_ns": replay.time_ns,
        "steps": replay.steps,
        **{name: kinds.get(kind, 0) for kind, name in _COUNTED.items()},
        "files": len(files),
        "threads": [
            {
                "number": thread.number,
                "ident": thread.ident,
                "name": thread.name,
                "calls": calls.get(thread, 0),
                "steps": steps.get(thread, 0),
            }
            for thread in replay.threads
        ],
    }
