"""The call tree: what called what, with which arguments, what came of it and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, duration, short_name, thread_name
from codetracer.replay import events

if TYPE_CHECKING:
    from codetracer.replay.events import CallEvent, EndEvent, ResumeEvent, ThrowEvent
    from codetracer.replay.model import Code, Frame, Thread
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import State

    type _Key = tuple[Code, bool]

__all__ = ["ENDING", "end_row", "result_text", "show_tree"]

SHOWN_SIBLINGS: Final = 3
"""So many calls of one function by one frame are shown; the others are counted."""

INDENTED: Final = 40
"""So many levels are told by indentation; calls that lie deeper tell their depth."""

OPENING: Final = (events.CallEvent, events.ResumeEvent, events.ThrowEvent)
"""The kinds of events that put a frame on a stack."""

ENDING: Final = (
    events.ReturnEvent,
    events.YieldEvent,
    events.UnwindEvent,
    events.LostEvent,
    events.UnfinishedEvent,
)
"""The kinds of events that take a frame off its stack."""


def show_tree(replay: Replay, printer: Printer, depth: int, *, fold: bool) -> None:
    """Print the calls of one process as they are read.

    A call that calls nothing is one line. Of others, what they call stands below their line, and
    what came of them in a line of its own. The name of an asyncio task stands before the call that
    it makes or goes on with. The last line is the program's exit status, if known.

    Parameters:
        depth: calls that lie deeper on their thread's stack are counted, not shown; 0 for no limit.
        fold: show the first few calls of a function by the same frame, and count the others.
    """
    if printer.as_json:
        _show_json(replay, printer, depth)
        return
    tree = _Tree(replay, printer, depth, fold=fold)
    exit_event: events.ExitEvent | None = None
    for event in replay:
        if isinstance(event, OPENING):
            tree.open(event)
        elif isinstance(event, ENDING):
            tree.end(event)
        elif isinstance(event, events.ExitEvent):
            exit_event = event
    tree.finish()
    if exit_event and exit_event.status is not None:
        text = f"<toplevel> -> exit status {exit_event.status}"
        printer.line(text, f"  {duration(exit_event.time_ns)}")


class _Node:
    """A call that has not ended.

    Attributes:
        depth: how far it is indented.
        began_ns: when it began, or went on (ns since recording began).
        head: its first line, as long as that was not printed.
        shown: whether it gets lines at all.
        inside: how many calls lie in it that are deeper than is shown.
        calls: how many calls of each kind it made.
        folded: of these, how many were only counted, and how many of them raised.
        key: of which kind it is: its code, and whether it goes on rather than begins.
    """

    __slots__ = ("began_ns", "calls", "depth", "folded", "head", "inside", "key", "shown")

    def __init__(self, depth: int, began_ns: int, key: _Key | None) -> None:
        self.depth = depth
        self.began_ns = began_ns
        self.head = ""
        self.shown = False
        self.inside = 0
        self.calls: dict[_Key, int] = {}
        self.folded: dict[_Key, list[int]] = {}
        self.key = key


class _Tree:
    def __init__(self, replay: Replay, printer: Printer, depth: int, *, fold: bool) -> None:
        self._state = replay.state
        self._printer = printer
        self._depth = depth
        self._fold = fold
        self._stacks: dict[Thread, list[_Node]] = {}
        self._printed: Thread | None = None

    def open(self, event: CallEvent | ResumeEvent | ThrowEvent) -> None:
        stack = self._stacks.get(event.thread)
        if stack is None:
            root = _Node(-1, event.time_ns, None)
            root.shown = True
            stack = self._stacks[event.thread] = [root]
        above = stack[-1]
        key = event.frame.code, not isinstance(event, events.CallEvent)
        node = _Node(above.depth + 1, event.time_ns, key)
        stack.append(node)
        if not above.shown:
            return
        if self._depth and node.depth >= self._depth:
            above.inside += 1
            return
        count = above.calls[key] = above.calls.get(key, 0) + 1
        if self._fold and count > SHOWN_SIBLINGS:
            above.folded.setdefault(key, [0, 0])[0] += 1
            return
        node.shown = True
        self._print_head(event.thread, above)
        node.head = self._head(event)

    def end(self, event: EndEvent) -> None:
        stack = self._stacks[event.thread]
        node = stack.pop()
        if node.shown:
            self._print_end(event, node)
        elif isinstance(event, events.UnwindEvent) and node.key in stack[-1].folded:
            stack[-1].folded[node.key][1] += 1

    def finish(self) -> None:
        for thread, (root, *_) in self._stacks.items():
            self._print_folded(thread, root)

    def _head(self, event: CallEvent | ResumeEvent | ThrowEvent) -> str:
        frame = event.frame
        name = short_name(frame.code)
        is_other = frame.task != ("" if frame.caller is None else frame.caller.task)
        task = f"[{frame.task}] " if frame.task and is_other else ""
        match event:
            case events.CallEvent():
                return f"{task}{self._printer.call(event, self._state)}"
            case events.ThrowEvent():
                thrown = self._printer.value(self._state, event.raw)
                return f"{task}{name} resumed by {thrown}"
        return f"{task}{name} resumed"

    def _print_head(self, thread: Thread, node: _Node) -> None:
        if node.head:
            self._line(thread, node.depth, node.head)
            node.head = ""

    def _print_end(self, event: EndEvent, node: _Node) -> None:
        result = result_text(event, self._printer, self._state)
        spent = duration(event.time_ns - node.began_ns)
        inside = f"  (+{node.inside} calls inside)" if node.inside else ""
        if node.head:
            self._line(event.thread, node.depth, f"{node.head} {result}", f"  {spent}{inside}")
            return
        self._print_folded(event.thread, node)
        self._line(event.thread, node.depth + 1, result, f"  {spent}{inside}")

    def _print_folded(self, thread: Thread, node: _Node) -> None:
        for (code, resumed), (count, raised) in node.folded.items():
            what = "times that" if resumed else f"call{'s' * (count > 1)} of"
            text = f"… {count} more {what} {short_name(code)}{' went on' if resumed else ''}"
            self._line(thread, node.depth + 1, f"{text} ({raised} raised)" if raised else text)

    def _line(self, thread: Thread, depth: int, text: str, tail: str = "") -> None:
        if thread is not self._printed:
            if self._printed is not None or thread.number:
                self._printer.line(f"-- {thread_name(thread)}")
            self._printed = thread
        deeper = f"[{depth}] " if depth > INDENTED else ""
        self._printer.line(f"{'  ' * min(depth, INDENTED)}{deeper}{text}", tail)


def result_text(event: EndEvent, printer: Printer, state: State) -> str:
    """Return what came of a call, as it stands behind it."""
    match event:
        case events.ReturnEvent():
            return f"-> {printer.value(state, event.raw)}"
        case events.YieldEvent():
            verb = "awaits" if event.frame.code.kind == "coroutine" else "yields"
            return f"{verb} {printer.value(state, event.raw)}"
        case events.UnwindEvent():
            return f"!! {printer.value(state, event.raw)}"
        case events.LostEvent():
            return "left, nothing told how"
    return "not finished"


def _show_json(replay: Replay, printer: Printer, depth: int) -> None:
    state = replay.state
    began: dict[Frame, int] = {}
    for event in replay:
        if isinstance(event, events.ExitEvent):
            printer.row({"event": "exit", "status": event.status, "time_ns": event.time_ns}, "")
            continue
        if event.frame is None:
            continue
        frame = event.frame
        if depth and frame.depth >= depth:
            continue
        row: dict[str, object] = {
            "event": "",
            "thread": event.thread.number,
            "task": frame.task,
            "frame": frame.number,
            "depth": frame.depth,
            "time_ns": event.time_ns,
        }
        match event:
            case events.CallEvent():
                row["event"] = "call"
                began[frame] = event.time_ns
                row |= {
                    "function": frame.code.name,
                    "module": frame.code.module,
                    "path": frame.code.path,
                    "line": frame.line,
                    "arguments": printer.arguments(frame, state),
                }
            case events.ResumeEvent():
                row["event"] = "resume"
                began[frame] = event.time_ns
            case events.ThrowEvent():
                row["event"] = "throw"
                began[frame] = event.time_ns
                row["exception"] = printer.value(state, event.raw)
            case (
                events.ReturnEvent()
                | events.YieldEvent()
                | events.UnwindEvent()
                | events.LostEvent()
                | events.UnfinishedEvent()
            ):
                row |= end_row(event, printer, state)
                row["duration_ns"] = event.time_ns - began.pop(frame, event.time_ns)
            case _:
                continue
        printer.row(row, "")


def end_row(event: EndEvent, printer: Printer, state: State) -> dict[str, object]:
    """Return what came of a call, for JSON."""
    match event:
        case events.ReturnEvent():
            return {"event": "return", "value": printer.value(state, event.raw)}
        case events.YieldEvent():
            return {"event": "yield", "value": printer.value(state, event.raw)}
        case events.UnwindEvent():
            return {"event": "unwind", "exception": printer.value(state, event.raw)}
        case events.LostEvent():
            return {"event": "lost"}
    return {"event": "unfinished"}
