"""Every value of a variable, attribute or item, and the line that set it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.commands.printer import Printer, in_task, short_name
from codetracer.commands.show.selection import ENDING, Places
from codetracer.replay import events
from codetracer.replay.render import short_type
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import FORM_DICT

if TYPE_CHECKING:
    from codetracer.commands.show.selection import Selection
    from codetracer.replay.events import Event
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import Held, State

    type _Step = tuple[str, object]

__all__ = ["History", "Path", "parse_path"]

VALUE: Final = 200
"""About so many characters a value is told with."""

PROPOSED: Final = 1000
"""So many names of attributes are kept for an error's message."""

_UNBOUND: Final = raw.UnboundValue()


class Path(NamedTuple):
    """How to come from a variable, or an object, to what is asked for."""

    text: str
    """As it was given."""
    name: str
    """The variable's name; empty for an object."""
    number: int
    """The object's number; -1 for a variable."""
    steps: tuple[_Step, ...]
    """What follows: ``(".", name)`` for attributes, ``("[", key)`` for items."""


def parse_path(text: str) -> Path:
    """Return what a text means, such as ``self.session``, ``order.items[0]``, ``#5.balance``.

    What is no such text is the name of a variable, which can be any.
    """
    number, rest = -1, text
    if text.startswith("#"):
        digits = text[1:].partition(".")[0].partition("[")[0]
        if not digits.isdecimal():
            return Path(text, text, -1, ())
        number, rest = int(digits), f"_{text[1 + len(digits) :]}"
    steps: list[_Step] = []
    try:
        node = ast.parse(rest, mode="eval").body
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute):
                steps.append((".", node.attr))
            elif isinstance(node, ast.Subscript):
                steps.append(("[", ast.literal_eval(node.slice)))
            else:
                return Path(text, text, -1, ())
            node = node.value
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return Path(text, text, -1, ())
    name = "" if number >= 0 else node.id if steps else text
    return Path(text, name, number, tuple(reversed(steps)))


class History:
    """Prints every value that the variables of a name, or what a path leads to, had.

    An attribute or an item is its object's, whatever variable leads there: it is told when a line
    changes it, wherever that is. What else an object holds is looked at when a frame that knows the
    variable goes on.

    Attributes:
        known: the names of all variables; where the variable is known and the path leads nowhere,
            what can be taken in place of its last step.
        found: whether there is what was asked for.
    """

    def __init__(self, replay: Replay, printer: Printer, selection: Selection, path: Path) -> None:
        self.found = False
        self._replay = replay
        self._state: State = replay.state
        self._printer = printer
        self._selection = selection
        self._path = path
        self._where = Places()
        self._names: set[str] = set()
        self._attributes: set[str] = set()
        # Code may have any number of variables: they are gone through once.
        self._codes: dict[Code, int | None] = {}
        # A local variable by its frame, a global one by its namespace.
        self._last: dict[Frame | int, tuple[raw.Value, object]] = {}
        # What objects hold where the path leads, by the object and the rest of the path from it.
        self._slots: dict[int, dict[tuple[_Step, ...], object]] = {}

    @property
    def known(self) -> set[str]:
        """See the class."""
        return self._attributes or self._names

    def see(self, event: Event) -> None:
        """Take in an event."""
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
        if self._path.number >= 0:
            if where is not None and (changes is None or changes.objects):
                self._look(event, where, raw.ReferenceValue(self._path.number))
            return
        code = frame.code
        if code not in self._codes:
            self._names.update(code.variables, code.global_names)
            self._codes[code] = _index(code, self._path.name)
        index = self._codes[code]
        if index is not None:
            self._look_at(event, frame, index, where)

    def finish(self) -> None:
        """Print what is left: nothing."""

    def _look_at(
        self, event: Event, frame: Frame, index: int, where: tuple[Frame, int | None, int] | None
    ) -> None:
        """Print the variable of this number, or where it leads, if it is not what it was."""
        namespace = frame.code.namespace
        is_local = index >= 0
        if isinstance(event, events.CallEvent | events.ThrowEvent | events.ResumeEvent):
            # What it is called with was given by the call.
            where = frame, None, frame.line
        assert where is not None
        value = (
            frame.values.get(index, _UNBOUND)
            if is_local
            else self._state.namespaces[namespace].get(self._path.name, _UNBOUND)
        )
        if self._path.steps:
            self._look(event, where, value)
            return
        self.found = True
        owner: Frame | int = frame if is_local else namespace
        old, shown = self._last.get(owner, (_UNBOUND, _UNBOUND))
        if value is not old or not _is_atom(value):
            now = self._shown(value)
            if now != shown:
                self._print(event, where, now, "local" if is_local else "global")
            self._last[owner] = value, now
        if isinstance(event, ENDING) and type(event) is not events.YieldEvent:
            self._last.pop(frame, None)

    def _look(self, event: Event, where: tuple[Frame, int | None, int], value: raw.Value) -> None:
        """Go along the path from a value, and print what is there if it is not what it was."""
        number, rest = -1, self._path.steps
        steps = self._path.steps
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
        rest: tuple[_Step, ...],
        value: raw.Value,
    ) -> None:
        slots = self._slots.setdefault(number, {})
        now = self._shown(value)
        if now == slots.get(rest, _UNBOUND):
            return
        self.found = True
        slots[rest] = now
        self._print(event, where, now, "object", number)

    def _follow(
        self, value: raw.Value, steps: tuple[_Step, ...], *, note: bool = False
    ) -> raw.Value:
        for kind, key in steps:
            record: Held | None = None
            items: tuple[raw.Value, ...] = ()
            if type(value) is raw.ReferenceValue:
                record = self._state.objects.get(value.number)
                items = () if record is None else record.items
            elif type(value) is raw.CutTupleValue:
                items = value.items
            elif type(value) is tuple:
                items = value
            if kind == ".":
                value = self._attribute(record, key, note=note)
            elif record is not None and record.form == FORM_DICT:
                value = _item(items, key)
            else:
                value = _index_of(items, key, record)
        return value

    def _attribute(self, record: Held | None, name: object, *, note: bool) -> raw.Value:
        if record is None:
            return _UNBOUND
        names = self._state.attribute_names
        found: raw.Value = _UNBOUND
        for number, value in record.attributes:
            known = names[number] if number < len(names) else ""
            if known == name:
                found = value
            if note and len(self._attributes) < PROPOSED:
                self._attributes.add(known)
        return found

    def _shown(self, value: raw.Value) -> object:
        if type(value) is raw.UnboundValue:
            return _UNBOUND
        return self._printer.value(self._state, value, VALUE)

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
        printer, code, text = self._printer, frame.code, self._path.text
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
            row |= {"unbound": True} if shown is _UNBOUND else {"value": shown}
            printer.row(row)
            return
        # An argument is there before the first step of the call.
        number_shown = self._replay.steps if step is None else step
        what = f"{text} is unbound" if shown is _UNBOUND else f"{text} = {shown}"
        tail = f"  of {self._owner(number)}" if self._path.steps and number >= 0 else ""
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
"""How wide the column of functions is."""


def _index(code: Code, name: str) -> int | None:
    """Return a variable's number if it is local, -1 if it is global, None if code has it not."""
    if name in code.variables:
        return code.variables.index(name)
    return -1 if name in code.global_names else None


def _is_atom(value: raw.Value) -> bool:
    return not isinstance(value, tuple)


def _item(items: tuple[raw.Value, ...], key: object) -> raw.Value:
    for known, value in zip(items[::2], items[1::2], strict=False):
        if type(known) is type(key) and known == key:
            return value
    return _UNBOUND


def _index_of(items: tuple[raw.Value, ...], key: object, record: Held | None) -> raw.Value:
    if not isinstance(key, int):
        return _UNBOUND
    if key < 0:
        # Where items are cut, the last ones are not known.
        key += len(items) if record is None else record.total
    return items[key] if 0 <= key < len(items) else _UNBOUND
