"""The places where a text appears: in a value, a name or an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, in_task, short_name
from codetracer.commands.show.call_tree import SHOWN_SIBLINGS
from codetracer.commands.show.output_lines import Output
from codetracer.commands.show.selection import Places
from codetracer.replay import events
from codetracer.replay.differences import differences, named, said, variable_name
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import Held

__all__ = ["Finds"]

VALUE: Final = 100
"""The approximate number of characters that a value is shown with."""


class Finds:
    """Prints each place where a text appears.

    The text appears where a variable, an attribute or an item gets a value that contains it, where
    such a value is an argument or is returned or yielded, at the first call of a function whose
    name, module or variables' names contain it, and in the program's output and input. A number
    matches only if the text is all of its digits.

    Parameters:
        replay: the events of the process.
        printer: prints the places.
        selection: the part of the recording to search.
        text: the text.
        folded: whether to show only the first few places with the same line and name.

    Attributes:
        found: whether the text appeared.
        more: how many places were not shown.
    """

    def __init__(
        self, replay: Replay, printer: Printer, selection: Selection, text: str, *, folded: bool
    ) -> None:
        self.more = 0
        self._found = False
        self._replay = replay
        self._state = replay.state
        self._printer = printer
        self._selection = selection
        self._text = text
        self._bytes = text.encode("utf-8", "replace")
        self._folded = folded
        self._where = Places()
        self._codes: set[Code] = set()
        self._times: dict[tuple[Code, int, str], int] = {}
        self._output = Output(printer, selection, text)

    @property
    def found(self) -> bool:
        """Whether the text appeared."""
        return self._found or self._output.printed

    def see(self, event: Event) -> None:
        """Process an event, and print the places that it shows."""
        self._output.see(event)
        where = self._where.see(event)
        frame = event.frame
        if frame is None:
            return
        if where is not None:
            self._see_changes(event, where)
        match event:
            case events.CallEvent():
                here = frame, self._replay.steps, frame.line
                if frame.code not in self._codes:
                    self._codes.add(frame.code)
                    self._see_names(event, here)
                for number, value in [*frame.values.items()]:
                    if self._has(value) and number < len(frame.code.variables):
                        self._print(event, here, frame.code.variables[number], value)
            case events.ReturnEvent() | events.YieldEvent():
                if where is not None and self._has(event.raw):
                    kind = "return" if isinstance(event, events.ReturnEvent) else "yield"
                    self._print(event, where, kind, event.raw)

    def finish(self) -> None:
        """Search the last line of output if it has no line end."""
        self._output.finish()

    def _see_changes(self, event: Event, where: tuple[Frame, int | None, int]) -> None:
        changes, state = self._replay.changes, self._state
        if changes is None:
            return
        for owner, number in changes.variables:
            value = state.variable(owner, number)
            if self._has(value):
                self._print(event, where, variable_name(owner.code, number), value)
        found = {
            number: there
            for number, before in changes.objects.items()
            if (there := self._in_object(number, before))
        }
        if not found:
            return
        names_of = named(state, where[0], found)
        for number, there in found.items():
            for suffix, value in there:
                self._print(event, where, f"{names_of[number]}{suffix}", value)

    def _in_object(self, number: int, before: Held | None) -> list[tuple[str, raw.Value]]:
        """Return the changed parts of an object that contain the text, each with its suffix."""
        now = self._state.objects[number]
        has_whole = any(map(self._has, now.items)) or self._has(said(now))
        if not has_whole and not any(self._has(value) for _, value in now.attributes):
            return []
        known = before or raw.ObjectRecord(number, now.form, now.type_number, 0, (), 0, ())
        return [
            (suffix, value)
            for suffix, _, value in differences(self._state, number, known)
            if (has_whole if not suffix else self._text in suffix or self._has(value))
        ]

    def _see_names(self, event: Event, here: tuple[Frame, int, int]) -> None:
        code = here[0].code
        if self._text in code.name or self._text in code.module:
            self._tell(event, here, "function", f"function {code.module}.{code.name}")
        for name in (*code.variables, *code.global_names):
            if self._text in name:
                self._tell(event, here, f"name {name}", f"it has a variable named {name}")

    def _has(self, value: raw.Value) -> bool:
        match value:
            case str():
                return self._text in value
            case None | bool() | int() | float() | complex():
                return self._text == _digits(value)
            case bytes():
                return self._bytes in value
            case raw.CutTextValue():
                return self._text in value.text
            case raw.CutBinaryValue():
                return self._bytes in value.data
            case raw.CutTupleValue():
                return any(map(self._has, value.items))
        return type(value) is tuple and any(map(self._has, value))

    def _print(
        self, event: Event, where: tuple[Frame, int | None, int], name: str, value: raw.Value
    ) -> None:
        shown = self._printer.value(self._state, value, VALUE)
        self._tell(event, where, name, f"{name} = {shown}", shown)

    def _tell(
        self,
        event: Event,
        where: tuple[Frame, int | None, int],
        name: str,
        text: str,
        shown: object = None,
    ) -> None:
        frame, step, line = where
        if not self._selection.has(frame, event.thread):
            return
        self._found = True
        key = frame.code, line, name
        times = self._times[key] = self._times.get(key, 0) + 1
        if self._folded and times > SHOWN_SIBLINGS:
            self.more += 1
            return
        printer = self._printer
        if printer.as_json:
            printer.row(
                {
                    "found": name,
                    "value": shown,
                    "step": step,
                    "thread": event.thread.number,
                    "task": frame.task,
                    "function": frame.code.name,
                    "path": frame.code.path,
                    "line": line,
                }
            )
            return
        place = printer.place(frame.code.path, line)
        tail = (in_task(frame), "dim")
        printer.at(place, step, (f"{short_name(frame.code)}  ", "name"), text, tail=[tail])


def _digits(value: object) -> str:
    # repr() refuses numbers of more than sys.int_max_str_digits decimal digits.
    return "" if isinstance(value, int) and value.bit_length() > 2048 else repr(value)
