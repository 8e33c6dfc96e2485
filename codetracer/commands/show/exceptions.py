"""Exceptions: where each was raised, and where it was handled or what it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, in_task, short_name, thread_name
from codetracer.replay import events
from codetracer.replay.state import depth_of
from codetracer_bindings.trace_decoder import ReferenceValue

if TYPE_CHECKING:
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event
    from codetracer.replay.model import Frame
    from codetracer.replay.replay import Replay
    from codetracer_bindings import trace_decoder as raw

    type _Key = tuple[int, object]

__all__ = ["Raises"]


class _Exception:
    """An exception that was raised and whose fate is not known yet.

    Attributes:
        row: its description for JSON.
        text: the exception as text.
        raised: where it was raised, in words.
        code, place, step: the code that raised it, and the line and the step there.
        shows: whether it is in the selected part of the recording.
        ended: the name of the task that it ended; empty if it ended none.
        frame: the frame that handles it, perhaps only in ``finally`` or ``with``; None for none.
        where: the name of that function, and the line and the step there.
        passed: the number of the frame whose callee it has left last; None if none is known.
    """

    __slots__ = (
        "code",
        "ended",
        "frame",
        "passed",
        "place",
        "raised",
        "row",
        "shows",
        "step",
        "text",
        "where",
    )

    def __init__(
        self, row: dict[str, object], text: str, raised: str, frame: Frame, shows: bool
    ) -> None:
        self.row = row
        self.text = text
        self.raised = raised
        self.code = frame.code
        self.place = frame.line
        self.step = frame.step if frame.step >= 0 else None
        self.shows = shows
        self.ended = ""
        self.frame: Frame | None = None
        self.where: tuple[str, int, int | None] = ("", 0, None)
        self.passed: int | None = None


class Raises:
    """Prints each exception once, as soon as its fate is known.

    CPython emits RAISE in each frame that an exception passes, and EXCEPTION_HANDLED also where
    ``finally`` or ``with`` only sees it pass. This class separates these events from those where
    the exception was raised first and handled last.

    Parameters:
        replay: the events of the process.
        printer: prints the exceptions.
        selection: the part of the recording in which a shown exception was raised.
        folded: whether to count, instead of print, the exceptions that only ended a loop and those
            that stayed inside code that is not the program's own.

    Attributes:
        foreign: how many exceptions were not printed because they stayed inside such code.
        loops: how many were not printed because they only ended a loop, as StopIteration does.
    """

    def __init__(
        self, replay: Replay, printer: Printer, selection: Selection, *, folded: bool
    ) -> None:
        self.foreign = 0
        self.loops = 0
        self._replay = replay
        self._printer = printer
        self._selection = selection
        self._folded = folded
        # By thread and number, because several threads may raise the same exception.
        self._active: dict[_Key, _Exception] = {}
        # By the number of a frame, the exceptions that it handles, and those among them whose line
        # is not known yet.
        self._handling: dict[int, dict[_Key, None]] = {}
        self._unstepped: dict[int, list[_Exception]] = {}
        # StopIteration that was raised in a frame. No event shows that a loop caught it, so the
        # frame's next step does.
        self._stops: dict[int, tuple[_Key, int, int]] = {}
        # By the number of a frame, the exception that has left its callee, and where that was. If
        # it is not raised in the frame next, code that is not recorded has handled it.
        self._passed: dict[int, tuple[Frame, _Key, int, int]] = {}

    @property
    def stepping(self) -> list[int]:
        """The numbers of the frames whose next step or end decides something."""
        return [*self._unstepped, *self._stops, *self._passed]

    @property
    def handling(self) -> list[int]:
        """The numbers of the frames whose end decides something."""
        return [*self._handling]

    def begin(self, replay: Replay) -> None:
        """Go on with another replay of the same log, from a later event on."""
        self._replay = replay

    def see(self, event: Event) -> None:
        """Process an event, and print the exceptions whose fate it decides."""
        if type(event) is events.StepEvent:
            self._step(event)
        elif isinstance(event, events.RaiseEvent | events.ThrowEvent):
            self._raised(event)
        elif isinstance(event, events.HandledEvent):
            self._handled(event)
        elif isinstance(event, events.UnwindEvent):
            self._unwound(event)
        elif isinstance(event, events.ReturnEvent | events.LostEvent | events.UnfinishedEvent):
            self._ended(event.frame)

    def _raised(self, event: events.RaiseEvent | events.ThrowEvent) -> None:
        key = event.thread.number, _identity(event.raw)
        passed = self._passed.pop(event.frame.number, None)
        if passed is not None and passed[1] != key:
            self._swallowed(*passed)
        known = self._active.get(key)
        if known is not None and known.passed not in (None, event.frame.number):
            # Another one with the same number: the first one has not come to where it went.
            self._swallowed(*self._passed.pop(known.passed))
            known = None
        if type(event) is events.RaiseEvent and self._is_stop(event.raw):
            self._stops[event.frame.number] = key, event.frame.line, event.frame.step
        if known is not None and known.frame is None:
            known.passed = None
            return
        if known is not None:
            # It was handled before; now it is raised again, or another one with the same number.
            self._print_handled(key)
        frame, printer = event.frame, self._printer
        shown = printer.value(self._replay.state, event.raw, 100, depth_of(frame))
        place = f"{short_name(frame.code)}{in_task(frame)}"
        row: dict[str, object] = {
            "exception": shown,
            "thread": event.thread.number,
            "task": frame.task,
            "step": frame.step if frame.step >= 0 else None,
            "function": frame.code.name,
            "path": frame.code.path,
            "line": frame.line if frame.code.has_lines else None,
        }
        if isinstance(event, events.ThrowEvent):
            row["thrown_in"] = True
            place = f"{place}, thrown in"
        shows = self._selection.has(frame, event.thread)
        self._active[key] = _Exception(row, f"{shown}", f"raised in {place}", frame, shows)

    def _handled(self, event: events.HandledEvent) -> None:
        key = event.thread.number, _identity(event.raw)
        known = self._active.get(key)
        if known is not None:
            self._release(key, known)
            known.frame = event.frame
            known.passed = None
            known.where = short_name(event.frame.code), event.frame.line, event.frame.step
            self._handling.setdefault(event.frame.number, {})[key] = None
            self._unstepped.setdefault(event.frame.number, []).append(known)

    def _step(self, event: events.StepEvent) -> None:
        if self._passed and (passed := self._passed.pop(event.frame.number, None)) is not None:
            self._swallowed(*passed)
        if self._stops and (stop := self._stops.pop(event.frame.number, None)) is not None:
            self._stopped(event.frame, *stop)
        if not self._unstepped:
            return
        for known in self._unstepped.pop(event.frame.number, ()):
            if known.frame is not None and known.frame.number == event.frame.number:
                # The line of `except`, which runs right after EXCEPTION_HANDLED.
                known.where = known.where[0], event.line, event.number

    def _is_stop(self, value: raw.Value) -> bool:
        state = self._replay.state
        record = state.objects.get(value.number) if type(value) is ReferenceValue else None
        if record is None or record.type_number >= len(state.types):
            return False
        return state.types[record.type_number] in ("StopIteration", "StopAsyncIteration")

    def _stopped(self, frame: Frame, key: _Key, line: int, step: int) -> None:
        known = self._active.get(key)
        if known is None or known.frame is not None:
            return
        del self._active[key]
        if self._folded:
            self.loops += known.shows
            return
        known.where = short_name(frame.code), line, step
        place = self._printer.place(frame.code.path, line)
        self._print(known, "handled", f"ended a loop at {place} in {known.where[0]}", frame)

    def _swallowed(self, frame: Frame, key: _Key, line: int, step: int) -> None:
        known = self._active.get(key)
        if known is None or known.frame is not None:
            return
        del self._active[key]
        known.where = short_name(frame.code), line, step
        at = ""
        if frame.code.has_lines:
            at = f" at {self._printer.place(frame.code.path, line)}"
            at += f" (step {self._printer.step(step)})" if step >= 0 else ""
        text = f"handled by code that is not recorded, called{at} in {known.where[0]}"
        self._print(known, "handled_by_unrecorded_code", text, frame)

    def _unwound(self, event: events.UnwindEvent) -> None:
        key = event.thread.number, _identity(event.raw)
        known = self._active.get(key)
        if known is None:
            # It came from code that is not recorded, or CPython emitted no RAISE for it.
            self._ended(event.frame)
            return
        if known.passed == event.frame.number:
            known.passed = None
            del self._passed[event.frame.number]
        self._release(key, known)
        self._ended(event.frame)
        frame = event.frame
        if frame.task and (frame.caller is None or frame.caller.task != frame.task):
            # Code that awaits the task may get it.
            known.ended = frame.task
        elif frame.caller is None:
            del self._active[key]
            self._print(known, "ended", f"ended {thread_name(event.thread)}", None)
        else:
            caller = frame.caller
            if (passed := self._passed.pop(caller.number, None)) is not None:
                self._swallowed(*passed)
            known.passed = caller.number
            self._passed[caller.number] = caller, key, caller.line, caller.step

    def _ended(self, frame: Frame) -> None:
        self._unstepped.pop(frame.number, None)
        self._stops.pop(frame.number, None)
        if (passed := self._passed.pop(frame.number, None)) is not None:
            self._swallowed(*passed)
        for key in [*self._handling.get(frame.number, ())]:
            self._print_handled(key)

    def finish(self) -> None:
        """Print the exceptions whose fate is not known, and those that ended a task."""
        for known in self._active.values():
            if known.ended:
                self._print(known, "ended", f"ended task {known.ended}", None)
            else:
                self._print(known, "unknown", "its fate was not recorded", None)

    def _print_handled(self, key: _Key) -> None:
        known = self._active.pop(key)
        frame = known.frame
        assert frame is not None
        self._release(key, known)
        name, line, step = known.where
        at = ""
        if frame.code.has_lines:
            place = self._printer.place(frame.code.path, line)
            at = f" at {place} (step {self._printer.step(step)})"
        self._print(known, "handled", f"handled{at} in {name}", frame)

    def _release(self, key: _Key, known: _Exception) -> None:
        """Record that no frame handles the exception any more."""
        frame, known.frame = known.frame, None
        if frame is not None:
            there = self._handling[frame.number]
            del there[key]
            if not there:
                del self._handling[frame.number]

    def _print(self, known: _Exception, fate: str, text: str, frame: Frame | None) -> None:
        if not known.shows:
            return
        printer = self._printer
        codes = (known.code,) if frame is None else (known.code, frame.code)
        if self._folded and fate != "ended" and not any(map(printer.is_own, codes)):
            self.foreign += 1
            return
        if not printer.as_json:
            path = known.code.path
            place = printer.place(path, known.place) if known.code.has_lines else printer.path(path)
            rest = f"  {known.raised}  {text}"
            printer.at(place, known.step, (known.text, "error"), rest)
            return
        row = known.row | {"fate": fate}
        if frame is not None:
            row["handled_in"] = {
                "function": frame.code.name,
                "path": frame.code.path,
                "line": known.where[1] if frame.code.has_lines else None,
                "step": known.where[2] if frame.code.has_lines else None,
            }
        printer.row(row)


def _identity(value: raw.Value) -> object:
    # A value that is no object is an exception that a filter hid, or the log is damaged.
    return value.number if type(value) is ReferenceValue else type(value)
