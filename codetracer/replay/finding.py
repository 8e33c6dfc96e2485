"""Finds a text in the values, names and outputs of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codetracer.replay import events
from codetracer.replay.differences import differences, named, said, variable_name
from codetracer.replay.doing import Places
from codetracer.replay.output import OutputLines
from codetracer.replay.place import Place
from codetracer.replay.state import depth_of
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codetracer.replay.events import Event, OutputEvent
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import Held
    from codetracer.replay.trace import Process
    from codetracer.replay.values import Value

    type _Where = tuple[Frame, int | None, int]

__all__ = ["Finder", "Finding", "Found", "find"]


class Found(NamedTuple):
    """A text appears at an event."""

    frame: Frame
    step: int | None
    """The step of the line; None if there was none yet."""
    line: int
    name: str
    """The place of the text: a variable, an attribute or item, ``return``, ``yield``, ``function``,
    or ``name`` and the name of a variable."""
    said: str
    """A description of the name; empty if the text is in a value."""
    value: raw.Value
    """The value that has it; `UNBOUND` where a name has it."""


class Finder:
    """Finds a text in values and names, as a log is read from its beginning.

    The text appears where a variable, an attribute or an item gets a value that contains it, where
    such a value is an argument or is returned or yielded, and at the first call of a function whose
    name, module or variables' names contain it. A number matches only if the text is all of its
    digits.

    Parameters:
        replay: the events of the process, with changes.
        text: the text.
    """

    def __init__(self, replay: Replay, text: str) -> None:
        self._replay = replay
        self._state = replay.state
        self._text = text
        self._bytes = text.encode("utf-8", "replace")
        self._where = Places()
        self._codes: set[Code] = set()

    def see(self, event: Event) -> Iterator[Found]:
        """Process an event, and yield where the text appears there."""
        where = self._where.see(event)
        frame = event.frame
        if frame is None:
            return
        if where is not None:
            yield from self._in_changes(where)
        match event:
            case events.CallEvent():
                here = frame, self._replay.steps, frame.line
                if frame.code not in self._codes:
                    self._codes.add(frame.code)
                    yield from self._in_names(here)
                for number, value in [*frame.values.items()]:
                    if self._has(value) and number < len(frame.code.variables):
                        yield Found(*here, frame.code.variables[number], "", value)
            case events.ReturnEvent() | events.YieldEvent():
                if where is not None and self._has(event.raw):
                    kind = "return" if isinstance(event, events.ReturnEvent) else "yield"
                    yield Found(*where, kind, "", event.raw)

    def _in_changes(self, where: _Where) -> Iterator[Found]:
        changes, state = self._replay.changes, self._state
        if changes is None:
            return
        for owner, number in changes.variables:
            value = state.variable(owner, number)
            if self._has(value):
                yield Found(*where, variable_name(owner.code, number), "", value)
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
                yield Found(*where, f"{names_of[number]}{suffix}", "", value)

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

    def _in_names(self, here: _Where) -> Iterator[Found]:
        code = here[0].code
        if self._text in code.name or self._text in code.module:
            yield Found(*here, "function", f"function {code.module}.{code.name}", UNBOUND)
        for name in (*code.variables, *code.global_names):
            if self._text in name:
                said = f"it has a variable named {name}"
                yield Found(*here, f"name {name}", said, UNBOUND)

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


def _digits(value: object) -> str:
    # repr() refuses numbers of more than sys.int_max_str_digits decimal digits.
    return "" if isinstance(value, int) and value.bit_length() > 2048 else repr(value)


class Finding(NamedTuple):
    """A text appears in a recording."""

    place: Place | None
    """The step whose line it was; None if no recorded line ran."""
    path: str
    """The source file; empty if it is not known."""
    line: int
    """The line there (1-based)."""
    function: str
    """The qualified name of the function; empty if it is not known."""
    name: str
    """The place of the text: a variable, an attribute or item, ``return``, ``yield``, ``function``,
    ``name`` and the name of a variable, or the stream that the program wrote it to or read it
    from."""
    value: Value
    """The value that has it, or the line of output; `Hidden` ``unbound`` where a name has it."""


def find(process: Process, text: str) -> Iterator[Finding]:
    """Yield where a text appears in a process; this reads the whole log."""
    replay = process.replay(note_changes=True)
    finder, lines, changes = Finder(replay, text), OutputLines(), replay.changes
    assert changes is not None
    for event in replay:
        for found in finder.see(event):
            step, code = found.step, found.frame.code
            place = None if step is None else Place(process.number, step)
            value = replay.state.resolve(found.value, depth=depth_of(found.frame))
            yield Finding(place, code.path, found.line, code.name, found.name, value)
        if isinstance(event, events.OutputEvent):
            yield from _in_output(process.number, text, lines.add(event))
        if event.frame is not None:
            changes.clear()
    yield from _in_output(process.number, text, lines.rest())


def _in_output(
    process: int, text: str, pieces: Iterable[tuple[OutputEvent, int | None, bytes]]
) -> Iterator[Finding]:
    for event, step, data in pieces:
        place = None if step is None else Place(process, step)
        function = "" if event.frame is None else event.frame.code.name
        for line in data.decode("utf-8", "backslashreplace").splitlines():
            if text in line:
                yield Finding(place, event.path, event.line, function, event.stream, line)
