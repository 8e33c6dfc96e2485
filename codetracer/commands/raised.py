"""Exceptions: where each was raised, and where it was handled or what it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, in_task, short_name, thread_name
from codetracer.replay import events
from codetracer_bindings.trace_decoder import ReferenceValue

if TYPE_CHECKING:
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.replay import Replay
    from codetracer_bindings import trace_decoder as raw

    type _Key = tuple[Thread, object]

__all__ = ["show_raises"]


def show_raises(replay: Replay, printer: Printer) -> None:
    """Print each exception once, as soon as it is known what became of it.

    RAISE comes in each frame that an exception passes, and EXCEPTION_HANDLED also where
    ``finally`` or ``with`` sees it pass; both are told apart from the rest here.
    """
    followed = _Followed(replay, printer)
    for event in replay:
        if type(event) is events.StepEvent:
            followed.step(event)
        elif isinstance(event, events.RaiseEvent | events.ThrowEvent):
            followed.raised(event)
        elif isinstance(event, events.HandledEvent):
            followed.handled(event)
        elif isinstance(event, events.UnwindEvent):
            followed.unwound(event)
        elif isinstance(event, events.ReturnEvent | events.LostEvent | events.UnfinishedEvent):
            followed.ended(event.frame)
    followed.finish()


class _Exception:
    """An exception on its way.

    Attributes:
        row: what is known of it.
        ended: the task that it ended, if any.
        frame: the frame that handles it, maybe only on its way through ``finally`` or ``with``.
        where: the function and the line that handle it.
    """

    __slots__ = ("ended", "frame", "row", "text", "where")

    def __init__(self, row: dict[str, object], text: str) -> None:
        self.row = row
        self.text = text
        self.ended = ""
        self.frame: Frame | None = None
        self.where: tuple[str, int] = ("", 0)


class _Followed:
    def __init__(self, replay: Replay, printer: Printer) -> None:
        self._replay = replay
        self._printer = printer
        # By thread and by the exception's number, for it may be on its way in several.
        self._active: dict[_Key, _Exception] = {}
        # The keys of those that a frame handles, and those of them whose line is not known yet.
        self._handling: dict[Frame, dict[_Key, None]] = {}
        self._unstepped: dict[Frame, list[_Exception]] = {}

    def raised(self, event: events.RaiseEvent | events.ThrowEvent) -> None:
        key = event.thread, _identity(event.raw)
        known = self._active.get(key)
        if known is not None and known.frame is None:
            return
        if known is not None:
            # It was handled; now it, or another one in its place, is raised.
            self._print_handled(key)
        frame, printer = event.frame, self._printer
        shown = printer.value(self._replay.state, event.raw, 100)
        place = f"{printer.frame_place(frame)} in {short_name(frame.code)}{in_task(frame)}"
        row: dict[str, object] = {
            "exception": shown,
            "thread": event.thread.number,
            "task": frame.task,
            "step": frame.step if frame.step >= 0 else None,
            "function": frame.code.name,
            "path": frame.code.path,
            "line": frame.line,
        }
        if isinstance(event, events.ThrowEvent):
            row["thrown_in"] = True
            place = f"{place}, thrown in"
        self._active[key] = _Exception(row, f"{shown}  raised at {place}")

    def handled(self, event: events.HandledEvent) -> None:
        key = event.thread, _identity(event.raw)
        known = self._active.get(key)
        if known is not None:
            self._release(key, known)
            known.frame = event.frame
            known.where = (short_name(event.frame.code), event.frame.line)
            self._handling.setdefault(event.frame, {})[key] = None
            self._unstepped.setdefault(event.frame, []).append(known)

    def step(self, event: events.StepEvent) -> None:
        if not self._unstepped:
            return
        for known in self._unstepped.pop(event.frame, ()):
            if known.frame is event.frame:
                # The line of `except`, which runs right after.
                known.where = (known.where[0], event.line)

    def unwound(self, event: events.UnwindEvent) -> None:
        key = event.thread, _identity(event.raw)
        known = self._active.get(key)
        if known is None:
            # It came out of code that is not recorded, or was never told.
            self.ended(event.frame)
            return
        self._release(key, known)
        self.ended(event.frame)
        frame = event.frame
        if frame.task and (frame.caller is None or frame.caller.task != frame.task):
            # Whoever awaits the task may get it.
            known.ended = frame.task
        elif frame.caller is None:
            del self._active[key]
            self._print(known, "ended", f"ended {thread_name(event.thread)}", None)

    def ended(self, frame: Frame) -> None:
        self._unstepped.pop(frame, None)
        for key in [*self._handling.get(frame, ())]:
            self._print_handled(key)

    def finish(self) -> None:
        for known in self._active.values():
            if known.ended:
                self._print(known, "ended", f"ended task {known.ended}", None)
            else:
                self._print(known, "unknown", "what became of it was not recorded", None)

    def _print_handled(self, key: _Key) -> None:
        known = self._active.pop(key)
        frame = known.frame
        assert frame is not None
        self._release(key, known)
        name, line = known.where
        place = self._printer.place(frame.code.path, line)
        self._print(known, "handled", f"handled at {place} in {name}", frame)

    def _release(self, key: _Key, known: _Exception) -> None:
        """Note that no frame handles it."""
        frame, known.frame = known.frame, None
        if frame is not None:
            there = self._handling[frame]
            del there[key]
            if not there:
                del self._handling[frame]

    def _print(self, known: _Exception, fate: str, text: str, frame: Frame | None) -> None:
        row = known.row | {"fate": fate}
        if frame is not None:
            row["handled_in"] = {
                "function": frame.code.name,
                "path": frame.code.path,
                "line": known.where[1],
            }
        self._printer.row(row, f"{known.text}  {text}")


def _identity(value: raw.Value) -> object:
    # What is no object is an exception that a filter hid, unless the log is damaged.
    return value.number if type(value) is ReferenceValue else type(value)
