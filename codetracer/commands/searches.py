"""What a whole trace is searched for: the calls of a function, the values of a variable, output."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, duration, in_task, short_name, thread_name
from codetracer.commands.tree import ENDING, end_row, result_text
from codetracer.replay import events
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.events import OutputEvent
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay

LONGEST: Final = 200
"""Characters of a name that is proposed."""

__all__ = ["close_names", "is_named", "show_function", "show_output", "show_variable"]


def show_function(replay: Replay, printer: Printer, name: str) -> set[str] | None:
    """Print every call of a function, when it ends, and where it was called.

    Parameters:
        name: its qualified name, the last part of that, or either with the module before it.

    Returns:
        None; or the names of all functions that were called, if this was none of them.
    """
    calls: dict[Frame, tuple[int, int, str, dict[str, object]]] = {}
    known: dict[Code, bool] = {}
    found = 0
    for event in replay:
        if type(event) is events.YieldEvent:
            continue
        if isinstance(event, events.CallEvent):
            code = event.frame.code
            if code not in known:
                known[code] = is_named(code, name)
            if known[code]:
                call = printer.call(event, replay.state)
                row = _call_row(event, printer, replay, found)
                calls[event.frame] = found, event.time_ns, call, row
                found += 1
        elif isinstance(event, ENDING) and event.frame in calls:
            number, began_ns, call, row = calls.pop(event.frame)
            spent = event.time_ns - began_ns
            result = result_text(event, printer, replay.state)
            row |= end_row(event, printer, replay.state) | {"duration_ns": spent}
            came = f"from {row['caller']}" if row["caller"] else "called by nothing recorded"
            came += in_task(event.frame)
            printer.row(row, f"#{number}  {call} {result}  {duration(spent)}  {came}")
    return None if found else {code.name for code in known}


def _call_row(
    event: events.CallEvent, printer: Printer, replay: Replay, number: int
) -> dict[str, object]:
    frame = event.frame
    caller = frame.caller
    came = f"{printer.frame_place(caller)} in {short_name(caller.code)}" if caller else ""
    return {
        "call": number,
        "thread": event.thread.number,
        "task": frame.task,
        "frame": frame.number,
        "step": replay.steps,
        "function": frame.code.name,
        "module": frame.code.module,
        "path": frame.code.path,
        "line": frame.code.line,
        "arguments": printer.arguments(frame, replay.state),
        "caller": came,
    }


def is_named(code: Code, name: str) -> bool:
    """Tell whether a code object has a name, as ``--function`` takes it.

    Parameters:
        name: the qualified name, the last part of that, or either with the module before it.
    """
    names = (code.name, code.short_name, short_name(code))
    return name in names or name in (f"{code.module}.{known}" for known in names)


def close_names(name: str, known: Iterable[str]) -> str:
    """Return a hint at names like `name`, or at what there is, for an error's message."""
    known = sorted({full for full in known if len(full) <= LONGEST})
    parts = {part: full for full in known for part in (full.rpartition(".")[2], full)}
    close = difflib.get_close_matches(name, parts, n=5, cutoff=0.5)
    found = list(dict.fromkeys(parts[part] for part in close))
    if found:
        return f"; did you mean {', '.join(found)}?"
    if not known:
        return "; there is none at all"
    more = f", and {len(known) - 10} more" if len(known) > 10 else ""
    return f"; there are {', '.join(known[:10])}{more}"


def show_variable(replay: Replay, printer: Printer, name: str) -> set[str] | None:
    """Print every value that the variables of a name had, and the line that gave it.

    What an object holds is looked at when a frame that knows the variable goes on.

    Returns:
        None; or the names of all variables, if this is none of them.
    """
    watch = _Watch(replay, printer, name)
    known: set[str] = set()
    # Code may have any number of variables: they are gone through once.
    places: dict[Code, int | None] = {}
    for event in replay:
        frame = event.frame
        if frame is None:
            continue
        code = frame.code
        if code not in places:
            known.update(code.variables, code.global_names)
            places[code] = _place(code, name)
        place = places[code]
        if place is not None:
            watch.look(frame, place, event)
    return None if name in known else known


def _place(code: Code, name: str) -> int | None:
    """Return a variable's number if it is local, -1 if it is global, None if code has it not."""
    if name in code.variables:
        return code.variables.index(name)
    return -1 if name in code.global_names else None


class _Watch:
    """Knows what every variable of one name held when it was looked at last."""

    def __init__(self, replay: Replay, printer: Printer, name: str) -> None:
        self._replay = replay
        self._printer = printer
        self._name = name
        # A local variable by its frame, a global one by its namespace.
        self._last: dict[Frame | int, tuple[raw.Value, object]] = {}
        # Where each frame was when it was looked at before: what changed since was done there.
        self._places: dict[Frame, tuple[int, int]] = {}

    def look(self, frame: Frame, place: int, event: events.Event) -> None:
        """Print the variable, which has this place, if it is not what it was."""
        state, namespace = self._replay.state, frame.code.namespace
        owner: Frame | int = frame if place >= 0 else namespace
        value = (
            frame.values.get(place, _UNBOUND)
            if place >= 0
            else state.namespaces[namespace].get(self._name, _UNBOUND)
        )
        step, line = self._places.get(frame, (-1, frame.line))
        self._places[frame] = frame.step, frame.line
        if isinstance(event, ENDING) and type(event) is not events.YieldEvent:
            step, line = frame.step, frame.line
            del self._places[frame]
        old, shown = self._last.get(owner, (_UNBOUND, _UNBOUND))
        if value is not old or not _is_atom(value):
            now = _shown(self._printer, self._replay, value)
            if now != shown:
                self._print(frame, place, event, step, line, now)
            self._last[owner] = value, now
        if frame not in self._places:
            self._last.pop(frame, None)

    def _print(
        self,
        frame: Frame,
        place: int,
        event: events.Event,
        step: int,
        line: int,
        shown: object,
    ) -> None:
        printer, code = self._printer, frame.code
        scope = "local" if place >= 0 else "global"
        row: dict[str, object] = {
            "variable": self._name,
            "scope": scope,
            "step": step if step >= 0 else None,
            "thread": event.thread.number,
            "task": frame.task,
            "frame": frame.number,
            "function": code.name,
            "path": code.path,
            "line": line,
        }
        if shown is _UNBOUND:
            row["unbound"] = True
        else:
            row["value"] = shown
        when = f"step {step}" if step >= 0 else "call"
        what = f"{self._name} = {shown}" if shown is not _UNBOUND else f"{self._name} is unbound"
        where = f"{printer.place(code.path, line)}  {short_name(code)}"
        printer.row(row, f"{when:<12}{where:<40}  {what}")


_UNBOUND = raw.UnboundValue()


def _shown(printer: Printer, replay: Replay, value: raw.Value) -> object:
    return _UNBOUND if type(value) is raw.UnboundValue else printer.value(replay.state, value, 200)


def _is_atom(value: raw.Value) -> bool:
    return not isinstance(value, tuple)


def show_output(replay: Replay, printer: Printer) -> None:
    """Print what the program wrote, and what it read from its standard input, line by line."""
    waiting: OutputEvent | None = None
    # The parts of a line that has not ended.
    parts: list[bytes] = []
    for event in replay:
        if not isinstance(event, events.OutputEvent):
            continue
        if waiting is None or _origin(waiting) != _origin(event):
            _print_output(printer, waiting, parts)
            parts = []
        waiting = event
        whole, end, rest = event.data.rpartition(b"\n")
        if end:
            _print_output(printer, event, [*parts, whole, end])
            parts = []
        parts.append(rest)
    _print_output(printer, waiting, parts)


def _origin(event: OutputEvent) -> tuple[object, ...]:
    return event.stream, event.path, event.line, event.thread


def _print_output(printer: Printer, event: OutputEvent | None, parts: list[bytes]) -> None:
    data = b"".join(parts)
    if event is None or not data:
        return
    text = data.decode("utf-8", "backslashreplace")
    if printer.as_json:
        row: dict[str, object] = {
            "stream": event.stream,
            "thread": event.thread.number,
            "path": event.path,
            "line": event.line,
            "text": text,
        }
        printer.row(row, "")
        return
    where = printer.place(event.path, event.line) if event.path else thread_name(event.thread)
    for line in text.removesuffix("\n").split("\n"):
        printer.line(f"{where} {event.stream}| {line.expandtabs()}")
