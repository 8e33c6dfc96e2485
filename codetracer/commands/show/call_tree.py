"""The call tree: calls with their arguments, results, exceptions and durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, duration, short_name, thread_name
from codetracer.commands.show.changes import described
from codetracer.replay import events
from codetracer.replay.doing import ENDING, OPENING
from codetracer.replay.state import depth_of

if TYPE_CHECKING:
    from codetracer.commands.drawing import Part
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import (
        CallEvent,
        EndEvent,
        Event,
        ExitEvent,
        ResumeEvent,
        StepEvent,
        ThrowEvent,
    )
    from codetracer.replay.model import Code, Frame, Thread
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import State

    type _Key = tuple[Code, bool]

__all__ = ["SHOWN_SIBLINGS", "Folded", "JsonTree", "Tree", "end_row", "result", "result_text"]

SHOWN_SIBLINGS: Final = 3
"""The number of calls of one function by one frame that are shown; the others are counted."""

INDENTED: Final = 40
"""The number of levels that are indented; deeper calls show their depth as a number."""


_TOLD: Final = (events.UnwindEvent, events.UnfinishedEvent)
"""The ends of calls that are shown even if the call would be folded."""

LEFT_OUT: Final = {
    "definitions": "of imports and class bodies",
    "foreign": "of code that is not yours",
    "similar": "similar to others",
    "deep": "that lie deeper",
}
"""The reasons for which calls are not shown, and their words in the last line."""


class Folded:
    """Counts the calls that are not shown, by reason; its str is the line that reports them."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(LEFT_OUT, 0)

    def __str__(self) -> str:
        there = [f"{count:,} {LEFT_OUT[kind]}" for kind, count in self.counts.items() if count]
        if not there:
            return ""
        how = "--all shows them, --call STEP --all those in one call"
        return f"… calls not shown: {', '.join(there)}; {how}"


class _Node:
    """A call that has not ended.

    Attributes:
        depth: the number of levels by which it is indented.
        began_ns: when it began or was resumed (ns since recording began).
        place, step: the ``file:line`` of the call, and the number of its first step.
        head: its first line; empty once that was printed.
        shown: whether it is shown.
        hides: why the calls that it makes are not shown, one of `LEFT_OUT`; empty if they are.
        kept: why it is folded unless it raises or does not end, one of `LEFT_OUT`; empty if it is
            not.
        similar: the similar calls among which it is counted instead of shown; None if it is not.
        above: the call itself if it is shown, else the innermost shown call around it.
        inside: how many calls inside it are not shown, without those that are similar to others.
        calls: how many calls of each kind it made.
        folded: the similar calls of each kind that it made and that are only counted.
        key: the kind of the call: its code, and whether it was resumed; None for the root.
        lined: whether its lines are shown.
    """

    __slots__ = (
        "above",
        "began_ns",
        "calls",
        "depth",
        "folded",
        "head",
        "hides",
        "inside",
        "kept",
        "key",
        "lined",
        "place",
        "shown",
        "similar",
        "step",
    )

    def __init__(self, depth: int, began_ns: int, key: _Key | None, above: _Node | None) -> None:
        self.depth = depth
        self.began_ns = began_ns
        self.place = ""
        self.step: int | None = None
        self.head: list[Part] = []
        self.shown = False
        self.hides = ""
        self.kept = ""
        self.similar: _Similar | None = None
        self.above: _Node = above or self
        self.inside = 0
        self.calls: dict[_Key, int] = {}
        self.folded: dict[_Key, _Similar] = {}
        self.key = key
        self.lined = False


class _Similar:
    """Similar calls that are only counted.

    Attributes:
        count: how many there are.
        raised: how many of them ended with an exception.
        place, step: the ``file:line`` and the first step of the first one; None if it has none.
    """

    __slots__ = ("count", "place", "raised", "step")

    def __init__(self, place: str, step: int | None) -> None:
        self.count = 0
        self.raised = 0
        self.place = place
        self.step = step


class Tree:
    """Prints the calls of one process as they are read.

    A call that calls nothing is one line. Any other call begins with a line, below which its calls
    follow, and ends with a line that has its result. Where an asyncio task begins or resumes a
    call, the task's name stands in front of it. The last line is the program's exit status, if it
    is known.

    Parameters:
        replay: the events of the process.
        printer: prints the lines.
        selection: the part of the recording to show.
        depth: the number of levels that are shown; deeper calls are counted. 0 for no limit.
        lines: in calls of less than this depth, each line is shown with its changes; 0 for none.
        folded: counts the calls that are not shown. These are imports, bodies of classes, code that
            is not the program's own, and all but the first few similar calls by one frame. Calls
            that raise or do not end are shown anyway. None shows all calls up to the depth.
    """

    def __init__(
        self,
        replay: Replay,
        printer: Printer,
        selection: Selection,
        depth: int,
        lines: int,
        folded: Folded | None,
    ) -> None:
        self._replay = replay
        self._state = replay.state
        self._printer = printer
        self._selection = selection
        self._depth = depth
        self._lines = lines
        self._fold = folded is not None
        self._folded = folded or Folded()
        self._stacks: dict[Thread, list[_Node]] = {}
        self._printed: Thread | None = None
        self._exit: ExitEvent | None = None
        # Whether the user selected a call of foreign code or a definition, so that none is folded.
        self._foreign_root = False

    def see(self, event: Event) -> None:
        """Process an event, and print the lines that it completes."""
        if self._lines:
            self._tell_lines(event)
        if isinstance(event, OPENING):
            self._open(event)
        elif isinstance(event, ENDING):
            self._end(event)
        elif isinstance(event, events.ExitEvent):
            self._exit = event

    def finish(self) -> None:
        """Print the similar calls that were only counted, and the exit status."""
        for thread, (root, *_) in self._stacks.items():
            self._print_folded(thread, root)
        event = self._exit
        if event and event.status is not None and self._selection.holds(None, event.thread):
            text = f"<toplevel> -> exit status {event.status}"
            time = (f"  {duration(event.time_ns)}", "dim")
            self._printer.at("", None, text, tail=[time])

    # ---------------------------------------------------------------- calls

    def _open(self, event: CallEvent | ResumeEvent | ThrowEvent) -> None:
        frame, thread = event.frame, event.thread
        stack = self._stacks.get(thread)
        if stack is None:
            root = _Node(-1, event.time_ns, None, None)
            stack = self._stacks[thread] = [root]
        above = stack[-1]
        outer = above.above
        key = frame.code, not isinstance(event, events.CallEvent)
        node = _Node(outer.depth + 1, event.time_ns, key, outer)
        stack.append(node)
        node.hides = above.hides
        if not self._selection.holds(frame, thread):
            return
        if node.hides:
            self._count(node, node.hides)
            return
        node.place = self._printer.frame_place(frame)
        node.step = self._replay.steps if frame.code.has_lines else None
        if self._depth and node.depth >= self._depth:
            node.hides = "deep"
            self._count(node, "deep")
            return
        if self._fold and (why := self._why_folded(event)):
            self._count(node, why)
            node.hides = why if why == "definitions" else ""
            if above is outer:
                # It is still shown if it raises or does not end: once, not at each level.
                node.kept = why
                node.head = self._head(event)
            return
        count = outer.calls[key] = outer.calls.get(key, 0) + 1
        if self._fold and count > SHOWN_SIBLINGS:
            node.hides = "similar"
            node.similar = outer.folded.get(key)
            if node.similar is None:
                node.similar = outer.folded[key] = _Similar(node.place, node.step)
            node.similar.count += 1
            self._count(node, "similar")
            return
        node.shown = True
        node.above = node
        node.lined = node.depth < self._lines
        self._print_head(thread, outer)
        node.head = self._head(event)

    def _why_folded(self, event: CallEvent | ResumeEvent | ThrowEvent) -> str:
        frame, code = event.frame, event.frame.code
        # A module that ran when recording began started the recording; it is no import.
        is_import = (
            code.kind == "module"
            and code.module != "__main__"
            and not (isinstance(event, events.CallEvent) and event.entered)
        )
        is_definition = is_import or code.kind == "class"
        if self._selection.is_root(frame):
            # The user selected this call.
            self._foreign_root = is_definition or not self._printer.is_own(code)
        elif is_definition:
            return "" if self._foreign_root else "definitions"
        elif not self._foreign_root and not self._printer.is_own(code):
            return "foreign"
        return ""

    def _count(self, node: _Node, what: str, count: int = 1) -> None:
        self._folded.counts[what] += count
        if what != "similar":
            node.above.inside += count

    def _end(self, event: EndEvent) -> None:
        node = self._stacks[event.thread].pop()
        if node.shown:
            self._print_end(event, node)
        elif isinstance(event, events.UnwindEvent) and node.similar is not None:
            node.similar.raised += 1
        elif isinstance(event, _TOLD) and node.kept and node.key is not None:
            outer = node.above
            outer.calls[node.key] = count = outer.calls.get(node.key, 0) + 1
            if count <= SHOWN_SIBLINGS:
                self._count(node, node.kept, -1)
                self._print_head(event.thread, outer)
                self._print_end(event, node)

    def _head(self, event: CallEvent | ResumeEvent | ThrowEvent) -> list[Part]:
        frame = event.frame
        name = short_name(frame.code)
        is_other = frame.task != ("" if frame.caller is None else frame.caller.task)
        task: list[Part] = [f"[{frame.task}] "] if frame.task and is_other else []
        match event:
            case events.CallEvent():
                call = self._printer.call(event, self._state)
                return [*task, (name, "name"), call.removeprefix(name)]
            case events.ThrowEvent():
                thrown = self._printer.value_of(self._state, event)
                return [*task, (name, "name"), " resumed by ", (f"{thrown}", "error")]
        return [*task, (name, "name"), " resumed"]

    def _print_head(self, thread: Thread, node: _Node) -> None:
        if node.head:
            self._line(thread, node, node.depth, *node.head)
            node.head = []

    def _print_end(self, event: EndEvent, node: _Node) -> None:
        came = result(event, self._printer, self._state)
        calls = f"call{'s' * (node.inside != 1)}"
        inside = f"  (+{node.inside} {calls} inside)" if node.inside else ""
        tail = (f"  {duration(event.time_ns - node.began_ns)}{inside}", "dim")
        if node.head:
            self._line(event.thread, node, node.depth, *node.head, " ", came, tail=tail)
            return
        self._print_folded(event.thread, node)
        frame = event.frame
        node.place = self._printer.frame_place(frame) if frame.code.has_lines else ""
        node.step = frame.step if frame.step >= 0 else None
        self._line(event.thread, node, node.depth + 1, came, tail=tail)

    def _print_folded(self, thread: Thread, node: _Node) -> None:
        for (code, resumed), similar in node.folded.items():
            count, raised = similar.count, similar.raised
            what = f"time{'s' * (count > 1)} that" if resumed else f"call{'s' * (count > 1)} of"
            text = f"… {count} more {what} {short_name(code)}{' went on' if resumed else ''}"
            text = f"{text} ({raised} raised)" if raised else text
            self._line(thread, similar, node.depth + 1, (text, "dim"))

    def _line(
        self,
        thread: Thread,
        at: _Node | _Similar,
        depth: int,
        *parts: Part,
        tail: Part = "",
    ) -> None:
        self._print_thread(thread)
        self._printer.at(at.place, at.step, _indentation(depth), *parts, tail=[tail])

    def _print_thread(self, thread: Thread) -> None:
        if thread is not self._printed:
            if self._printed is not None or thread.number:
                self._printer.line(f"-- {thread_name(thread)}")
            self._printed = thread

    # ---------------------------------------------------------------- lines

    def _tell_lines(self, event: Event) -> None:
        stack = self._stacks.get(event.thread)
        if not stack or not stack[-1].lined:
            return
        node, frame = stack[-1], event.frame
        if isinstance(event, OPENING):
            frame = event.frame.caller
        if frame is None:
            return
        self._print_changes(event.thread, node, frame)
        if type(event) is events.StepEvent:
            self._print_line(event, node)
        elif type(event) is events.RaiseEvent:
            depth = depth_of(frame)
            shown = self._printer.value(self._state, event.raw, depth=depth)
            self._print_inside(event.thread, node, f"!!!!!! {shown}", "error")

    def _print_line(self, event: StepEvent, node: _Node) -> None:
        self._print_head(event.thread, node)
        self._print_thread(event.thread)
        code = event.frame.code
        source = self._printer.source(code.path, event.line)
        source = source[self._margin(code, source) :]
        self._printer.at(
            self._printer.place(code.path, event.line),
            event.number,
            f"{_indentation(node.depth)}| ",
            (source, "source"),
        )

    def _print_changes(self, thread: Thread, node: _Node, frame: Frame) -> None:
        for name, value in described(self._replay, self._printer, frame):
            text = f"{name} = {value}" if value is not None else f"{name} is gone"
            self._print_inside(thread, node, f"...... {text}", "change")

    def _print_inside(self, thread: Thread, node: _Node, text: str, style: str) -> None:
        self._print_head(thread, node)
        self._print_thread(thread)
        self._printer.at("", None, f"{_indentation(node.depth)}| ", (text, style))

    def _margin(self, code: Code, source: str) -> int:
        """Return how many columns to cut from a line: the indentation of its function."""
        first = self._printer.source(code.path, code.line)
        indentation = len(first) - len(first.lstrip())
        return min(indentation, len(source) - len(source.lstrip()))


def _indentation(depth: int) -> str:
    deeper = f"[{depth}] " if depth > INDENTED else ""
    return f"{'  ' * min(depth, INDENTED)}{deeper}"


def result(event: EndEvent, printer: Printer, state: State) -> Part:
    """Return the result of a call with its style: what it returned, yielded or raised."""
    raised = isinstance(event, events.UnwindEvent)
    style = "error" if raised else "result" if isinstance(event, events.ReturnEvent) else ""
    return result_text(event, printer, state), style


def result_text(event: EndEvent, printer: Printer, state: State) -> str:
    """Return the result of a call as text: what it returned, yielded or raised."""
    match event:
        case events.ReturnEvent():
            return f"-> {printer.value_of(state, event)}"
        case events.YieldEvent():
            verb = "awaits" if event.frame.code.kind == "coroutine" else "yields"
            return f"{verb} {printer.value_of(state, event)}"
        case events.UnwindEvent():
            return f"!! {printer.value_of(state, event)}"
        case events.LostEvent():
            return "ended unseen"
    return "not finished"


class JsonTree:
    """Prints a row of JSON for each call, resumption and end, and for lines if they are wanted.

    Parameters:
        replay: the events of the process.
        printer: prints the rows.
        selection: the part of the recording to show.
        lines: in calls of less than this depth, each line has a row, which is printed at the
            next step or at the end of its call; 0 for none.
    """

    def __init__(self, replay: Replay, printer: Printer, selection: Selection, lines: int) -> None:
        self._replay = replay
        self._printer = printer
        self._selection = selection
        self._lines = lines
        self._began: dict[Frame, int] = {}
        self._rows: dict[Frame, dict[str, object]] = {}

    def see(self, event: Event) -> None:
        """Process an event, and print its row if it has one."""
        printer, frame = self._printer, event.frame
        if isinstance(event, events.ExitEvent):
            if self._selection.holds(None, event.thread):
                printer.row({"event": "exit", "status": event.status, "time_ns": event.time_ns})
            return
        if frame is None:
            return
        if self._lines:
            self._tell_line(event, frame)
        if type(event) is events.StepEvent or not self._selection.has(frame, event.thread):
            return
        if isinstance(event, OPENING):
            self._began[frame] = event.time_ns
            printer.row(self._place(event, frame) | self._opening(event, frame))
        elif isinstance(event, ENDING):
            spent = event.time_ns - self._began.pop(frame, event.time_ns)
            came = end_row(event, printer, self._replay.state)
            printer.row(self._place(event, frame) | came | {"duration_ns": spent})

    def finish(self) -> None:
        """Do nothing, because every row is printed at its event."""

    def _place(self, event: Event, frame: Frame) -> dict[str, object]:
        opens = isinstance(event, OPENING)
        return {
            "event": "",
            "thread": event.thread.number,
            "task": frame.task,
            "frame": frame.number,
            "depth": frame.depth,
            "step": self._step(frame, opens=opens),
            "time_ns": event.time_ns,
        }

    def _step(self, frame: Frame, *, opens: bool) -> int | None:
        if opens:
            return self._replay.steps if frame.code.has_lines else None
        return frame.step if frame.step >= 0 else None

    def _opening(
        self, event: CallEvent | ResumeEvent | ThrowEvent, frame: Frame
    ) -> dict[str, object]:
        state = self._replay.state
        match event:
            case events.CallEvent():
                return {
                    "event": "call",
                    "function": frame.code.name,
                    "module": frame.code.module,
                    "path": frame.code.path,
                    "line": frame.line,
                    "arguments": self._printer.arguments(frame, state),
                }
            case events.ThrowEvent():
                return {"event": "throw", "exception": self._printer.value_of(state, event)}
        return {"event": "resume"}

    def _tell_line(self, event: Event, frame: Frame) -> None:
        owner = frame.caller if isinstance(event, OPENING) else frame
        row = None if owner is None else self._rows.get(owner)
        if owner is not None and row is not None:
            changes = row["changes"]
            assert isinstance(changes, list)
            for name, value in described(self._replay, self._printer, owner):
                now = {"unbound": True} if value is None else {"value": value}
                changes.append({"name": name} | now)
            if isinstance(event, (events.StepEvent, *ENDING)):
                self._printer.row(self._rows.pop(owner))
        if type(event) is not events.StepEvent or not self._selection.has(frame, event.thread):
            return
        if self._selection.depth(frame) < self._lines:
            self._rows[frame] = self._place(event, frame) | {
                "event": "line",
                "step": event.number,
                "path": frame.code.path,
                "line": event.line,
                "source": self._printer.source(frame.code.path, event.line),
                "changes": [],
            }


def end_row(event: EndEvent, printer: Printer, state: State) -> dict[str, object]:
    """Return the result of a call as names and values for JSON."""
    match event:
        case events.ReturnEvent():
            return {"event": "return", "value": printer.value_of(state, event)}
        case events.YieldEvent():
            return {"event": "yield", "value": printer.value_of(state, event)}
        case events.UnwindEvent():
            return {"event": "unwind", "exception": printer.value_of(state, event)}
        case events.LostEvent():
            return {"event": "lost"}
    return {"event": "unfinished"}
