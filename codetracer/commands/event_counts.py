"""Counts the records of a process' log by reading all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codetracer.errors import TargetError
from codetracer.recording.joined import without_joined
from codetracer.replay import events

if TYPE_CHECKING:
    from codetracer.replay.events import Event
    from codetracer.replay.model import Thread
    from codetracer.replay.replay import Replay
    from codetracer.replay.trace import Process

__all__ = ["count", "unrecorded"]

_COUNTED = {
    events.CallEvent: "calls",
    events.ReturnEvent: "returns",
    events.YieldEvent: "yields",
    events.ResumeEvent: "resumes",
    events.ThrowEvent: "throws",
    events.UnwindEvent: "unwinds",
    events.RaiseEvent: "raises",
    events.HandledEvent: "handled",
    events.UnfinishedEvent: "unfinished",
    events.OutputEvent: "outputs",
}


def unrecorded(processes: list[dict[str, Any]]) -> list[str]:
    """Return the commands of the Python processes that were started and have no log.

    Parameters:
        processes: the results of `count`, one for each log.
    """
    found = []
    for row in processes:
        joined = sum(other["parent"] == row["pid"] for other in processes)
        found += without_joined(row["started"], joined)
    return found


def _ending(replay: Replay, *, complete: bool) -> str:
    """Return in words how a process ended, as far as its log shows."""
    if replay.ended:
        return "recorded to its end"
    if complete:
        return f"replaced by exec of {replay.replaced_by or 'another program'}"
    return "no end: left by os._exit, killed or crashed, or still running"


def count(process: Process) -> dict[str, Any]:
    """Count the events of a process by reading its whole log.

    Returns:
        A dict that can be written as JSON. ``damage`` is the message of the error at which reading
        ended, or None.
    """
    replay = process.replay()
    kinds: dict[type[Event], int] = {}
    steps: dict[Thread, int] = {}
    calls: dict[Thread, int] = {}
    files: set[str] = set()
    lost: set[int] = set()
    damage: str | None = None
    status: int | None = None
    # The replay counts the steps; here they are attributed to threads.
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
            elif isinstance(event, events.LostEvent):
                lost.add(event.frame.number)
            elif isinstance(event, events.ResumeEvent | events.ThrowEvent):
                # The frame was suspended unseen, as a greenlet's frames are while another one runs.
                lost.discard(event.frame.number)
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
        "complete": process.complete and damage is None,
        "ending": _ending(replay, complete=process.complete),
        "parent": replay.parent,
        "started": replay.started,
        "damage": damage,
        "status": status,
        "duration_ns": replay.time_ns,
        "steps": replay.steps,
        **{name: kinds.get(kind, 0) for kind, name in _COUNTED.items()},
        "lost": len(lost),
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
