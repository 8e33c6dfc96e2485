"""Checks that the events of each thread of a recording open and close frames in order."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import codetracer
from codetracer.replay import (
    CallEvent,
    Event,
    ExitEvent,
    Frame,
    HandledEvent,
    LostEvent,
    RaiseEvent,
    ResumeEvent,
    ReturnEvent,
    StepEvent,
    ThreadEvent,
    ThrowEvent,
    UnfinishedEvent,
    UnwindEvent,
    YieldEvent,
)
from tests.support.running import Outcome, execute, write

OBSERVER = '''\
"""Notes the events of app.py, by thread, and writes them to a file when asked."""
import json, sys, threading
logs, own = [], threading.local()
EVENTS = sys.monitoring.events
KINDS = {"PY_START": "call", "PY_RESUME": "resume", "PY_THROW": "throw", "PY_RETURN": "return",
         "PY_YIELD": "yield", "PY_UNWIND": "unwind"}

def note(kind):
    append, home = list.append, own
    def callback(code, *_):
        if code.co_filename.endswith("app.py") and code.co_name != "<module>":
            try:
                log = home.log
            except AttributeError:
                log = home.log = []
                logs.append(log)
            append(log, (kind, code.co_qualname))
    return callback

def begin():
    sys.monitoring.use_tool_id(1, "observer")
    mask = 0
    for name, kind in KINDS.items():
        event = getattr(EVENTS, name)
        sys.monitoring.register_callback(1, event, note(kind))
        mask |= event
    sys.monitoring.set_events(1, mask)

def end():
    sys.monitoring.set_events(1, 0)
    sys.monitoring.free_tool_id(1)
    with open("observed.json", "w") as file:
        json.dump([log for log in logs if log], file)
'''


def record(
    folder: Path, program: str, backend: str, *options: str, files: dict[str, str] | None = None
) -> Outcome:
    """Record ``app.py`` into ``out``."""
    write(folder, {"app.py": program, "observer.py": OBSERVER} | (files or {}))
    return execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend},
    )


class Seen(NamedTuple):
    """An event, as it was when it was yielded."""

    kind: str
    function: str
    thread: str
    depth: int
    path: str
    value: object
    """The value that was returned, yielded or raised; the arguments of a call."""


class Thread(NamedTuple):
    """The events of a thread."""

    name: str
    events: list[tuple[str, str]]
    """Kind and function of what begins or ends, in app.py."""


class History(NamedTuple):
    """The events of a process."""

    threads: list[Thread]
    seen: list[Seen]
    statuses: list[int | None]
    """The statuses of the exit events; one if the recording was ended."""

    def of(self, kind: str, *functions: str) -> list[Seen]:
        """Return the events of a kind, or those of some functions."""
        return [
            seen
            for seen in self.seen
            if seen.kind == kind and (not functions or seen.function in functions)
        ]


NAMES: dict[type, str] = {
    CallEvent: "call",
    ResumeEvent: "resume",
    ThrowEvent: "throw",
    ReturnEvent: "return",
    YieldEvent: "yield",
    UnwindEvent: "unwind",
    LostEvent: "lost",
    UnfinishedEvent: "unfinished",
}

BEGINNINGS = ("call", "enter", "resume", "throw")


def check_balance(events: Iterable[Event]) -> History:
    """Check that events nest within each thread, and return what happened."""
    seen: list[Seen] = []
    statuses: list[int | None] = []
    stacks: dict[int, list[Frame]] = {}
    threads: dict[int, Thread] = {}
    ended: set[int] = set()
    for event in events:
        if isinstance(event, ThreadEvent):
            stacks[event.thread.number] = []
            threads[event.thread.number] = Thread(event.thread.name, [])
            continue
        if isinstance(event, ExitEvent):
            statuses.append(event.status)
        if not isinstance(event, tuple(NAMES)):
            if isinstance(event, (StepEvent, RaiseEvent, HandledEvent)):
                assert stacks[event.thread.number][-1] is event.frame, event
            continue
        stack = stacks[event.thread.number]
        kind = NAMES[type(event)]
        if isinstance(event, CallEvent) and event.entered:
            kind = "enter"
        frame = event.frame
        assert frame is not None
        if kind in BEGINNINGS:
            assert frame.number not in ended, f"{frame} goes on after its end"
            if not (kind == "throw" and stack and stack[-1] is frame):
                assert all(frame not in other for other in stacks.values()), event
                assert frame.caller is (stack[-1] if stack else None)
                stack.append(frame)
        else:
            assert stack.pop() is frame, event
            if kind in ("return", "unwind"):
                ended.add(frame.number)
        value: object = None
        match event:
            case CallEvent():
                value = event.arguments
            case ReturnEvent() | YieldEvent():
                value = event.value
            case ThrowEvent() | UnwindEvent():
                value = event.exception
        seen.append(
            Seen(kind, frame.code.name, event.thread.name, frame.depth, frame.code.path, value)
        )
        if frame.code.name != "<module>" and frame.code.path.endswith("app.py"):
            threads[event.thread.number].events.append((kind, frame.code.name))
    assert not any(stacks.values()), "frames that did not end"
    return History(list(threads.values()), seen, statuses)


def history_of(folder: Path) -> History:
    """Check the balance of a complete trace of one process."""
    trace = codetracer.read(folder / "out")
    assert trace.complete, trace.problem
    assert len(trace.processes) == 1
    return check_balance(trace)
