"""Every value of a variable, attribute or item, and the line that set it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer, in_task, short_name
from codetracer.replay import events
from codetracer.replay.doing import ENDING, Places
from codetracer.replay.render import short_type
from codetracer.replay.subjects import UNBOUND, inside
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import Held, State
    from codetracer.replay.subjects import Step, Subject


__all__ = ["History"]

VALUE_IN_HISTORY: Final = 200
"""About how many characters of a value are shown."""

PROPOSED: Final = 1000
"""The number of attributes' names kept as proposals for an error's message."""


class History:
    """Prints every value of the variables with a name, or of the attribute or item at a path.

    An attribute or an item belongs to its object, not to the variable that leads there. Once the
    path has led to it, each change of the object is shown, whatever code makes it. The path is
    followed again at each event of a frame whose code has the variable.

    Parameters:
        replay: the events of the process.
        printer: prints the values.
        selection: the part of the recording to show.
        subject: the variable, attribute or item.

    Attributes:
        known: the names to propose if nothing was found: the attributes of the object before the
            last step of the path, or else all variables.
        found: whether the variable, attribute or item was found.
        objects: the numbers of the objects whose changes may have to be shown, in the order in
            which the path has led to them.
    """

    def __init__(
        self, replay: Replay, printer: Printer, selection: Selection, subject: Subject
    ) -> None:
        self.found = False
        self.objects: list[int] = []
        self._replay = replay
        self._state: State = replay.state
        self._printer = printer
        self._selection = selection
        self._subject = subject
        self._where = Places()
        self._names: set[str] = set()
        self._attributes: set[str] = set()
        # The variable's index in each code, by number, cached because code may have many variables.
        self._codes: dict[int, int | None] = {}
        # The last value and its shown form: of a local variable by its frame, of a global one by
        # its namespace. The first of both is whether it is local.
        self._last: dict[tuple[bool, int], tuple[raw.Value, object]] = {}
        # The last shown value at the end of the path, by the number of the last object on it and
        # the rest of the path from there.
        self._slots: dict[int, dict[tuple[Step, ...], object]] = {}

    @property
    def known(self) -> set[str]:
        """The names to propose if nothing was found."""
        return self._attributes or self._names

    @property
    def is_of_variable(self) -> bool:
        """True if the path begins with a variable, not with an object."""
        return self._subject.number < 0

    @property
    def notes_changes(self) -> bool:
        """True if it needs the changes of the replay."""
        return bool(self._subject.steps)

    def is_in(self, code: Code) -> bool:
        """Return whether code has the variable; note the names of all its variables."""
        return self._index(code) is not None

    def begin(self, replay: Replay, frames: Iterable[Frame]) -> None:
        """Go on with another replay of the same log, from a later event on.

        Parameters:
            replay: its events.
            frames: the frames that are on a stack at its beginning.
        """
        self._replay = replay
        self._state = replay.state
        self._where.begin(frames)

    def see(self, event: Event) -> None:
        """Process an event, and print the values that have changed."""
        where = self._where.see(event)
        frame = event.frame
        if frame is None:
            return
        changes = self._replay.changes
        if where is not None and changes is not None and self._slots:
            for number in changes.objects:
                for rest in self._slots.get(number, ()):
                    value = self._follow(raw.ReferenceValue(number), rest)
                    self._tell_slot(event, where, number, rest, value)
        if self._subject.number >= 0:
            if where is not None and (changes is None or changes.objects):
                self._look(event, where, raw.ReferenceValue(self._subject.number))
            return
        index = self._index(frame.code)
        if index is not None:
            self._look_at(event, frame, index, where)

    def finish(self) -> None:
        """Do nothing, because each value is printed at its event."""

    def _index(self, code: Code) -> int | None:
        """Return a local variable's index, -1 for a global one, None if the code has none."""
        if code.number not in self._codes:
            self._names.update(code.variables, code.global_names)
            self._codes[code.number] = _index(code, self._subject.name)
        return self._codes[code.number]

    def _look_at(
        self, event: Event, frame: Frame, index: int, where: tuple[Frame, int | None, int] | None
    ) -> None:
        """Print the value of a variable, or the value at the end of the path, if it has changed."""
        namespace = frame.code.namespace
        is_local = index >= 0
        if not frame.code.has_values and not (is_local and isinstance(event, events.CallEvent)):
            # Only its arguments are known.
            return
        if isinstance(event, events.CallEvent | events.ThrowEvent | events.ResumeEvent):
            # The call itself sets the arguments.
            where = frame, None, frame.line
        assert where is not None
        value = (
            frame.values.get(index, UNBOUND)
            if is_local
            else self._state.namespaces[namespace].get(self._subject.name, UNBOUND)
        )
        if self._subject.steps:
            self._look(event, where, value)
            return
        self.found = True
        owner = is_local, frame.number if is_local else namespace
        old, shown = self._last.get(owner, (UNBOUND, UNBOUND))
        if value is not old or not _is_atom(value):
            now = self._shown(value)
            if now != shown:
                self._print(event, where, now, "local" if is_local else "global")
            self._last[owner] = value, now
        if isinstance(event, ENDING) and type(event) is not events.YieldEvent:
            self._last.pop((True, frame.number), None)

    def _look(self, event: Event, where: tuple[Frame, int | None, int], value: raw.Value) -> None:
        """Follow the path from a value, and print the value at its end if that has changed."""
        number, rest = -1, self._subject.steps
        steps = self._subject.steps
        for done, step in enumerate(steps):
            if type(value) is raw.ReferenceValue:
                number, rest = value.number, steps[done:]
            is_last = done == len(steps) - 1
            value = self._follow(value, (step,), note=is_last and not self.found)
            if type(value) is raw.UnboundValue and not is_last:
                return
        if not steps and type(value) is raw.ReferenceValue:
            number = value.number
            if number not in self._state.objects:
                return
        if number >= 0:
            self._tell_slot(event, where, number, rest, value)

    def _tell_slot(
        self,
        event: Event,
        where: tuple[Frame, int | None, int],
        number: int,
        rest: tuple[Step, ...],
        value: raw.Value,
    ) -> None:
        slots = self._slots.get(number, {})
        now = self._shown(value)
        if now == slots.get(rest, UNBOUND):
            return
        self.found = True
        if not slots:
            self._slots[number] = slots
            self.objects.append(number)
        slots[rest] = now
        self._print(event, where, now, "object", number)

    def _follow(
        self, value: raw.Value, steps: tuple[Step, ...], *, note: bool = False
    ) -> raw.Value:
        for step in steps:
            record: Held | None = None
            if type(value) is raw.ReferenceValue:
                record = self._state.objects.get(value.number)
            if note and step[0] == "." and record is not None:
                self._note(record)
            value = inside(self._state, value, record, step)
        return value

    def _note(self, record: Held) -> None:
        """Note the names of an object's attributes, to propose them."""
        names = self._state.attribute_names
        for number, _ in record.attributes:
            if len(self._attributes) < PROPOSED:
                self._attributes.add(names[number] if number < len(names) else "")

    def _shown(self, value: raw.Value) -> object:
        if type(value) is raw.UnboundValue:
            return UNBOUND
        return self._printer.value(self._state, value, VALUE_IN_HISTORY)

    def _print(
        self,
        event: Event,
        where: tuple[Frame, int | None, int],
        shown: object,
        scope: str,
        number: int = -1,
    ) -> None:
        frame, step, line = where
        if not self._selection.has(frame, event.thread):
            return
        printer, code, text = self._printer, frame.code, self._subject.text
        if printer.as_json:
            row: dict[str, object] = {
                "variable": text,
                "scope": scope,
                "step": step,
                "thread": event.thread.number,
                "task": frame.task,
                "frame": frame.number,
                "function": code.name,
                "path": code.path,
                "line": line,
            }
            row |= {"object": number} if number >= 0 else {}
            row |= {"unbound": True} if shown is UNBOUND else {"value": shown}
            printer.row(row)
            return
        # An argument is set before the first step of the call.
        has_step = step is not None or code.has_lines
        number_shown = (self._replay.steps if step is None else step) if has_step else None
        what = f"{text} is unbound" if shown is UNBOUND else f"{text} = {shown}"
        tail = f"  of {self._owner(number)}" if self._subject.steps and number >= 0 else ""
        tail += in_task(frame)
        place = printer.place(code.path, line)
        name = f"{short_name(code):<{NAMES}}  "
        printer.at(place, number_shown, (name, "name"), what, tail=[(tail, "dim")])

    def _owner(self, number: int) -> str:
        record = self._state.objects.get(number)
        types = self._state.types
        known = record is not None and record.type_number < len(types)
        name = short_type(types[record.type_number]) if record is not None and known else "object"
        return f"<{name} #{number}>"


NAMES: Final = 20
"""The width of the column of functions."""


def _index(code: Code, name: str) -> int | None:
    """Return a local variable's index, -1 for a global one, None if the code has none."""
    if name in code.variables:
        return code.variables.index(name)
    return -1 if name in code.global_names else None


def _is_atom(value: raw.Value) -> bool:
    return not isinstance(value, tuple)
