"""Exceptions: where each was raised, and where it was handled or what it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.commands.printer import Printer, short_name, thread_name
from codetracer.replay import events
from codetracer_bindings.trace_decoder import ReferenceValue

if TYPE_CHECKING:
    from codetracer.replay.model import Frame, Thread
    from codetracer.replay.replay import Replay
    from codetracer_bindings import trace_decoder as raw

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
            followed.ended(event.thread, event.frame)
    followed.finish()


class _Exception:
    """An exception on its way.

    Attributes:
        row: what is known of it.
        frame: the frame that handles it, maybe only on its way through ``finally`` or ``with``.
        stepped: the line where it handles it is known.
    """

    __slots__ = ("frame", "row", "stepped", "text", "where")

    def __init__(self, row: dict[str, object], text: str) -> None:
        self.row = row
        self.text = text
        self.frame: Frame | None = None
        self.where: tuple[str, int] = ("", 0)
        self.stepped = False


class _Followed:
    def __init__(self, replay: Replay, printer: Printer) -> None:
        self._replay = replay
        self._printer = printer
        # By thread and by the exception's number, for it may be on its way in several.
        self._active: dict[tuple[Thread, object], _Exception] = {}

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
        place = f"{printer.frame_place(frame)} in {short_name(frame.code)}"
        row: dict[str, object] = {
            "exception": shown,
            "thread": event.thread.number,
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
        known = self._active.get((event.thread, _identity(event.raw)))
        if known is not None:
            known.frame = event.frame
            known.where = (short_name(event.frame.code), event.frame.line)
            known.stepped = False

    def step(self, event: events.StepEvent) -> None:
        if not self._active:
            return
        for known in self._active.values():
            if known.frame is event.frame and not known.stepped:
                # The line of `except`, which runs right after.
                known.stepped = True
                known.where = (known.where[0], event.line)

    def unwound(self, event: events.UnwindEvent) -> None:
        key = event.thread, _identity(event.raw)
        known = self._active.get(key)
        if known is None:
            # It came out of code that is not recorded, or was never told.
            self.ended(event.thread, event.frame)
            return
        known.frame = None
        self.ended(event.thread, event.frame)
        if event.frame.caller is None:
            del self._active[key]
            self._print(known, "ended", f"ended {thread_name(event.thread)}", None)

    def ended(self, thread: Thread, frame: Frame) -> None:
        for key in [key for key, known in self._active.items() if known.frame is frame]:
            self._print_handled(key)

    def finish(self) -> None:
        for known in self._active.values():
            self._print(known, "unknown", "what became of it was not recorded", None)

    def _print_handled(self, key: tuple[Thread, object]) -> None:
        known = self._active.pop(key)
        assert known.frame is not None
        name, line = known.where
        place = self._printer.place(known.frame.code.path, line)
        self._print(known, "handled", f"handled at {place} in {name}", known.frame)

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
    return value.number if type(value) is ReferenceValue else repr(value)
