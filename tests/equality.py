"""What two recorders recorded of a program, in one form; and whether it is the same.

The form has what both record: calls, lines and returns in the order in which they happened, the
arguments, the returned values, and the local variables at each line. A yield is a return in it, and
a resumption is a call, as the peer has them; an exception that leaves a frame is returned. A value
is its kind and what it holds:

- ``none``, ``bool``, ``int`` (64 bits), ``str``, ``tuple``, ``list``, ``dict`` (pairs, in order);
- ``text``: what ``str()`` makes of any other value, addresses left out;
- ``error``: ``str()`` of it raises an exception;
- ``redacted``: a filter hid it;
- ``class``: the qualified name of a class, without its module;
- ``object``: the name of its type, where the recorder did not run the program's code to get a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import codetracer
from codetracer import replay as recorded
from codetracer.replay import (
    CallEvent,
    ExitEvent,
    HandledEvent,
    OutputEvent,
    RaiseEvent,
    ResumeEvent,
    ReturnEvent,
    StepEvent,
    ThreadEvent,
    ThrowEvent,
    UnwindEvent,
    YieldEvent,
)

type Value = tuple[Any, ...]
"""Its kind, and what it holds: ``("list", (("int", 1), ("text", "1.5")))``."""


class Call(NamedTuple):
    """A frame begins, or goes on."""

    function: str
    """The path below the program's folder and the qualified name: ``app.py:outer.<locals>.f``."""
    arguments: tuple[tuple[str, Value], ...]


class Line(NamedTuple):
    """A line is about to run."""

    line: int
    variables: dict[str, Value]
    """The local variables that are bound and that the program names, but not ``__name__`` and such;
    of a module, the global ones that its code names."""


class Return(NamedTuple):
    """A frame ends, or is suspended."""

    value: Value


type Event = Call | Line | Return


class Frame(NamedTuple):
    """What a frame did from a call to the return that belongs to it."""

    function: str
    lines: list[int]
    final: dict[str, Value]
    """The last value that each variable was seen to have."""


class Recording(NamedTuple):
    """What was recorded of a program, in order."""

    events: list[Event]

    @property
    def calls(self) -> list[Call]:
        """The calls and resumptions."""
        return [event for event in self.events if isinstance(event, Call)]

    @property
    def returns(self) -> list[tuple[str, Value]]:
        """What is returned, yielded or raised, each with the function that does so."""
        found: list[tuple[str, Value]] = []
        functions: list[str] = []
        for event in self.events:
            if isinstance(event, Call):
                functions.append(event.function)
            elif isinstance(event, Return):
                found.append((functions.pop(), event.value))
        return found

    @property
    def frames(self) -> list[Frame]:
        """The frames, in the order of their calls."""
        found: list[Frame] = []
        running: list[Frame] = []
        for event in self.events:
            match event:
                case Call(function):
                    running.append(Frame(function, [], {}))
                    found.append(running[-1])
                case Line(line, variables):
                    running[-1].lines.append(line)
                    running[-1].final.update(variables)
                case Return():
                    running.pop()
        assert not running, "calls without a return"
        return found


def without_addresses(text: str) -> str:
    """Return a representation as it would be wherever the object, or a module's file, is."""
    text = re.sub(r"\b0x[0-9a-f]+\b", "0x", text)
    return re.sub(r"<module '([\w.]+)' (from '.*'|\(.*\))>", r"<module '\1'>", text)


def ours(output: Path, folder: Path) -> Recording:
    """Return what codetracer recorded into `output` of a program in `folder`."""
    replay = codetracer.read(output).replay()
    events: list[Event] = []
    entered: recorded.Frame | None = None
    for event in replay:
        if entered is not None:
            # What is thrown into a generator that has not begun is raised in a frame that is new.
            assert isinstance(event, RaiseEvent), f"{entered} had begun before: {event}"
            assert event.frame is entered
            events.append(_call(entered, folder, {"exception": event.exception}))
            entered = None
        match event:
            case CallEvent(frame=frame, entered=True):
                entered = frame
            case CallEvent(frame=frame, arguments=arguments):
                events.append(_call(frame, folder, arguments))
            case ResumeEvent(frame=frame):
                events.append(_call(frame, folder, {}))
            case ThrowEvent(frame=frame, exception=exception):
                events.append(_call(frame, folder, {"exception": exception}))
            case StepEvent(frame=frame, line=line):
                events.append(Line(line, _variables(replay, frame)))
            case ReturnEvent(value=value) | YieldEvent(value=value):
                events.append(Return(_normal(value)))
            case UnwindEvent(exception=exception):
                events.append(Return(_normal(exception)))
            case RaiseEvent() | HandledEvent() | OutputEvent() | ThreadEvent() | ExitEvent():
                # Of these the peer has nothing, or not as events of a frame.
                pass
            case _:
                raise ValueError(f"an event that no complete recording has: {event}")
    return Recording(events)


def _call(frame: recorded.Frame, folder: Path, arguments: dict[str, recorded.Value]) -> Call:
    path = (folder / frame.code.path).resolve().relative_to(folder.resolve())
    named = tuple((name, _normal(value)) for name, value in arguments.items())
    return Call(f"{path}:{frame.code.name}", named)


def _variables(replay: recorded.Replay, frame: recorded.Frame) -> dict[str, Value]:
    """Return the local variables; those of a module are its global ones."""
    found = replay.globals(frame) if frame.code.kind == "module" else replay.locals(frame)
    return {name: _normal(value) for name, value in found.items() if name not in IMPLIED}


IMPLIED = frozenset(
    {
        *("__annotations__", "__builtins__", "__cached__", "__class__", "__doc__", "__file__"),
        *("__loader__", "__module__", "__name__", "__package__", "__qualname__", "__spec__"),
    }
)
"""What is in modules, classes and methods without being named there."""


def _normal(value: recorded.Value, around: tuple[int, ...] = ()) -> Value:
    """Return a value as our form has it; `around` are the numbers of the objects that it is in."""
    match value:
        case None:
            return ("none",)
        case bool():
            return ("bool", value)
        case int():
            # The peer writes an int that needs more than 64 bits as any other object.
            return ("int", value) if -(2**63) <= value < 2**63 else ("text", str(value))
        case str():
            return ("str", value)
        case float() | complex() | bytes():
            return ("text", repr(value))
        case recorded.RangeValue(start, stop, step):
            return ("text", str(range(*map(_whole, (start, stop, step)))))
        case recorded.Hidden(how):
            return (how,)
        case recorded.CutText() | recorded.CutBytes() | recorded.CutTuple():
            return ("cut", value)
        case recorded.ObjectValue():
            if value.number in around:
                return ("cycle",)
            return _normal_object(value, (*around, value.number))
        case tuple():
            return ("tuple", tuple(_normal(item, around) for item in value))
        case _:
            return ("text", repr(value))


def _whole(value: recorded.Value) -> int:
    assert isinstance(value, int), value
    return value


def _normal_object(value: recorded.ObjectValue, around: tuple[int, ...]) -> Value:
    """Return an object as the peer has it, where that can be told from what we recorded of it."""
    if value.cut:
        return ("cut", value)
    items = tuple(_normal(item, around) for item in value.items)
    match value.form, value.type_name:
        case "list", _:
            return ("list", items)
        case "dict", _:
            return ("dict", tuple(zip(items[::2], items[1::2], strict=True)))
        case "tuple", _:
            return ("tuple", items)
        case "named_tuple", _:
            return ("tuple", tuple(_normal(one, around) for one in value.attributes.values()))
        case "wrapped", "bytearray":
            return ("text", f"bytearray({items[0][1]})")
        case "wrapped", _:
            return items[0]
        case ("set" | "frozenset"), ("set" | "frozenset" as name):
            inside = ", ".join(map(_repr, items))
            if name == "frozenset":
                return ("text", f"frozenset({{{inside}}})" if items else "frozenset()")
            return ("text", f"{{{inside}}}" if items else "set()")
        case "enum", name:
            return ("text", f"{name.rpartition('.')[2]}.{value.attributes['name']!s}")
        case "class", _:
            return ("class", items[0][1])
        case "function", "function":
            return ("text", f"<function {items[0][1]} at 0x>")
        case "module", _:
            return ("text", f"<module '{items[0][1]}'>")
        case "exception", name if name not in TEXT_OF_THEIR_OWN:
            if name == "KeyError" and len(items) == 1:
                return ("text", _repr(items[0]))
            return ("text", _str(items[0]) if len(items) == 1 else _repr(("tuple", items), ""))
        case _, name:
            return ("object", name)


TEXT_OF_THEIR_OWN = frozenset({"OSError", "FileNotFoundError", "UnicodeDecodeError"})
"""Exceptions whose text is more than their arguments."""


def _str(value: Value) -> str:
    return str(value[1]) if value[0] == "str" else _repr(value)


def _repr(value: Value, empty: str = "()") -> str:
    """Return the text of a value that has no object of a class in it."""
    match value:
        case ("none",):
            return "None"
        case ("bool" | "int" | "str", plain):
            return repr(plain)
        case ("text", str(text)):
            return text
        case ("tuple", ()):
            return empty
        case ("tuple", (one,)):
            return f"({_repr(one)},)"
        case ("tuple", items):
            return f"({', '.join(map(_repr, items))})"
        case ("list", items):
            return f"[{', '.join(map(_repr, items))}]"
        case ("dict", pairs):
            return f"{{{', '.join(f'{_repr(key)}: {_repr(item)}' for key, item in pairs)}}}"
        case _:
            raise ValueError(f"no text is known of {value}")


def same(theirs: Value, mine: Value, own_text: frozenset[str]) -> bool:
    """Whether two values are the same, as far as both are known.

    Of an object, ours is the type and theirs a text: that of ``object.__repr__``, which names the
    type, or any other where the type is one of `own_text`, whose instances make their own.
    """
    match theirs, mine:
        case ("text", str(text)), ("object", str(name)):
            return name in own_text or text.startswith(f"<{name} object ")
        case ("error", _), ("object", name):
            return name in own_text
        case ("text", str(text)), ("class", str(name)):
            # Ours is without the module.
            return re.fullmatch(rf"<\w+ '([\w.]+\.)?{re.escape(name)}'>", text) is not None
        case ("tuple" | "list" as kind, items), (other, others):
            return (
                kind == other
                and len(items) == len(others)
                and all(same(one, two, own_text) for one, two in zip(items, others, strict=True))
            )
        case ("dict", items), ("dict", others):
            return len(items) == len(others) and all(
                same(("tuple", one), ("tuple", two), own_text)
                for one, two in zip(items, others, strict=True)
            )
        case _:
            return theirs == mine


def same_variables(
    theirs: dict[str, Value], mine: dict[str, Value], own_text: frozenset[str]
) -> bool:
    """Whether the same variables have the same values, in whatever order."""
    return theirs.keys() == mine.keys() and all(
        same(value, mine[name], own_text) for name, value in theirs.items()
    )


def same_event(theirs: Event | None, mine: Event | None, own_text: frozenset[str]) -> bool:
    """Whether two events are the same."""
    match theirs, mine:
        case Call(function, arguments), Call(other, others):
            # In whatever order: ours is that of the definition.
            return function == other and same_variables(dict(arguments), dict(others), own_text)
        case Line(line, variables), Line(other_line, other_variables):
            return line == other_line and same_variables(variables, other_variables, own_text)
        case Return(value), Return(other_value):
            return same(value, other_value, own_text)
        case _:
            return False


def differences(
    theirs: Sequence[Event], mine: Sequence[Event], own_text: frozenset[str]
) -> Iterator[str]:
    """Tell each event that is not the same in both, by its number."""
    for number, (one, two) in enumerate(zip_longest(theirs, mine)):
        if not same_event(one, two, own_text):
            yield f"{number}: theirs {one}, ours {two}"
