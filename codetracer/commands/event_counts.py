"""Counts the events of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from codetracer.commands.indexing import indexed, is_little
from codetracer.errors import TargetError
from codetracer.recording.joined import without_joined
from codetracer.replay import events
from codetracer.replay.indexed import MISFITS
from codetracer.replay.replay import Replay
from codetracer.replay.totals import Totals
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import (
    ENDING_STATUS,
    RECORD_CALL,
    RECORD_ENTER,
    RECORD_HANDLED,
    RECORD_OUTPUT,
    RECORD_RAISE,
    RECORD_RESUME,
    RECORD_RETURN,
    RECORD_THROW,
    RECORD_UNWIND,
    RECORD_YIELD,
)

if TYPE_CHECKING:
    from codetracer.replay.details import Lowered
    from codetracer.replay.events import Event
    from codetracer.replay.trace import Process

__all__ = ["count", "unrecorded"]

_COUNTED_KINDS: Final[dict[str, tuple[type[Event], tuple[int, ...]]]] = {
    "calls": (events.CallEvent, (RECORD_CALL, RECORD_ENTER)),
    "returns": (events.ReturnEvent, (RECORD_RETURN,)),
    "yields": (events.YieldEvent, (RECORD_YIELD,)),
    "resumes": (events.ResumeEvent, (RECORD_RESUME,)),
    "throws": (events.ThrowEvent, (RECORD_THROW,)),
    "unwinds": (events.UnwindEvent, (RECORD_UNWIND,)),
    "raises": (events.RaiseEvent, (RECORD_RAISE,)),
    "handled": (events.HandledEvent, (RECORD_HANDLED,)),
    "unfinished": (events.UnfinishedEvent, ()),
    "outputs": (events.OutputEvent, (RECORD_OUTPUT,)),
}
"""The kinds of events and, by tags, of records."""

_KIND_NAMES: Final = {kind: name for name, (kind, _) in _COUNTED_KINDS.items()}


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


class _Counts:
    """Counts of the events of a process."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = dict.fromkeys(_COUNTED_KINDS, 0)
        self.steps: dict[int, int] = {}
        self.calls: dict[int, int] = {}
        self.files: set[str] = set()
        self.lost: set[int] = set()
        self.ended = False
        self.status: int | None = None
        self.replaced_by: str | None = None
        self.parent: int | None = None
        self.started: list[str] = []
        self.lowered: list[Lowered] = []

    def take(self, totals: Totals) -> None:
        """Begin with what an index says."""
        for name, (_, tags) in _COUNTED_KINDS.items():
            self.kinds[name] = sum(totals.events.get(tag, 0) for tag in tags)
        self.steps, self.calls = totals.steps, totals.calls
        self.files, self.lost = totals.files, totals.lost
        for record in totals.of_process:
            match record:
                case raw.ExitRecord():
                    self.ended = True
                    self.status = record.status if record.known == ENDING_STATUS else None
                case raw.ExecRecord():
                    self.replaced_by = record.program
                case raw.JoinedRecord():
                    self.parent = record.parent
                case raw.ChildRecord():
                    self.started.append(record.command)

    def read(self, replay: Replay) -> str | None:
        """Count the events of a replay; return the message of the error at which it ended."""
        damage: str | None = None
        # The replay counts the steps; here they are attributed to threads.
        thread, before = None, replay.steps
        try:
            for event in replay:
                kind = type(event)
                if event.thread is not thread:
                    if thread is not None:
                        made = replay.steps - (kind is events.StepEvent)
                        self._add(self.steps, thread.number, made - before)
                        before = made
                    thread = event.thread
                if kind is not events.StepEvent:
                    self._see(event)
        except TargetError as error:
            damage = error.message
        if thread is not None:
            self._add(self.steps, thread.number, replay.steps - before)
        self.ended |= replay.ended
        self.started += replay.started
        self.lowered += replay.lowered
        if replay.replaced_by is not None:
            self.replaced_by = replay.replaced_by
        if replay.parent is not None:
            self.parent = replay.parent
        return damage

    def _see(self, event: Event) -> None:
        name = _KIND_NAMES.get(type(event))
        if name is not None:
            self.kinds[name] += 1
        if isinstance(event, events.CallEvent):
            self._add(self.calls, event.thread.number, 1)
            self.files.add(event.frame.code.path)
        elif isinstance(event, events.LostEvent):
            self.lost.add(event.frame.number)
        elif isinstance(event, events.ResumeEvent | events.ThrowEvent):
            # The frame was suspended unseen, as a greenlet's frames are while another one runs.
            self.lost.discard(event.frame.number)
        elif isinstance(event, events.ExitEvent):
            self.status = event.status

    def _add(self, to: dict[int, int], number: int, more: int) -> None:
        to[number] = to.get(number, 0) + more

    def ending(self, *, complete: bool) -> str:
        """Return in words how the process ended, as far as its log shows."""
        if self.ended:
            return "recorded to its end"
        if complete:
            return f"replaced by exec of {self.replaced_by or 'another program'}"
        return "no end: left by os._exit, killed or crashed, or still running"


def _begun(process: Process, counts: _Counts) -> Replay:
    """Count what the index says, and return a replay of the rest of the log."""
    if is_little(process):
        return process.replay()
    try:
        source = indexed(process).source
        totals, lowered = Totals(source), source.lowered
        start = source.keyframe(source.index.blocks)
    except (TargetError, *MISFITS):
        # Reading from the beginning says what is damaged, and where.
        return process.replay()
    counts.take(totals)
    counts.lowered += lowered
    return Replay(process.log, start=start)


def count(process: Process) -> dict[str, Any]:
    """Count the events of a process: by its index, where it has one, or by reading its log.

    Returns:
        A dict that can be written as JSON. ``damage`` is the message of the error at which reading
        ended, or None.
    """
    counts = _Counts()
    replay = _begun(process, counts)
    damage = counts.read(replay)
    return {
        "pid": process.pid,
        "log": process.path,
        "bytes": process.log.size(),
        "complete": process.complete and damage is None,
        "ending": counts.ending(complete=process.complete),
        "parent": counts.parent,
        "started": counts.started,
        "damage": damage,
        "status": counts.status,
        "duration_ns": replay.time_ns,
        "steps": replay.steps,
        **counts.kinds,
        "lowered": [
            {
                "function": code.name,
                "path": code.path,
                "line": code.line,
                "time_ns": time_ns,
                "from": before,
                "to": after,
            }
            for code, before, after, time_ns in counts.lowered
        ],
        "lost": len(counts.lost),
        "files": len(counts.files),
        "threads": [
            {
                "number": thread.number,
                "ident": thread.ident,
                "name": thread.name,
                "calls": counts.calls.get(thread.number, 0),
                "steps": counts.steps.get(thread.number, 0),
            }
            for thread in replay.threads
        ],
    }
