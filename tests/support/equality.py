"""Puts the recordings of two recorders into one form, and compares them.

codetracer's recordings are put into the form here (`ours`), the peer's in peer.py.

The form has what both record: calls, lines and returns in the order in which they happened, the
arguments, the returned values, and the local variables at each line. A yield is a return in it, and
a resumption is a call, as in the peer; an exception that leaves a frame is returned. A value
is its kind and what it holds:

- ``none``, ``bool``, ``int`` (64 bits), ``str``, ``tuple``, ``list``, ``dict`` (pairs, in order);
- ``text``: what ``str()`` makes of any other value, addresses left out;
- ``error``: ``str()`` of it raises an exception;
- ``redacted``: a filter hid it;

and in ours alone:

- ``class``: the qualified name of a class, without its module;
- ``object``: the name of its type, where only code of the type can make a text, which is not run;
- ``cut``: it was longer than a limit;
- ``cycle``: it is in itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    """The lines and variables of a frame from a call to its return."""

    function: str
    lines: list[int]
    final: dict[str, Value]
    """The last value that each variable was seen to have."""


class Recording(NamedTuple):
    """The recorded events of a program, in order."""

    events: list[Event]

    @property
    def calls(self) -> list[Call]:
        """The calls and resumptions."""
        return [event for event in self.events if isinstance(event, Call)]

    @property
    def returns(self) -> list[tuple[str, Value]]:
        """The values that are returned, yielded or raised, each with its function."""
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


def ours(output: Path, folder: Path) -> Recording:
    """Return what codetracer recorded into `output` of a program in `folder`, in one thread."""
    replay = codetracer.read(output).replay()
    events: list[Event] = []
    running: list[recorded.Frame] = []

    def call(frame: recorded.Frame, arguments: dict[str, recorded.Value]) -> None:
        path = (folder / frame.code.path).resolve().relative_to(folder.resolve())
        named = tuple((name, _normal(value)) for name, value in arguments.items())
        events.append(Call(f"{path}:{frame.code.name}", named))
        running.append(frame)

    for event in replay:
        match event:
            case CallEvent(frame=frame, entered=True):
                # It had not begun when something was thrown into it.
                raised = next(replay)
                assert isinstance(raised, RaiseEvent), f"{frame} had begun before: {raised}"
                assert raised.frame is frame
                call(frame, {"exception": raised.exception})
            case CallEvent(frame=frame, arguments=arguments):
                call(frame, arguments)
            case ResumeEvent(frame=frame):
                call(frame, {})
            case ThrowEvent(frame=frame, exception=exception):
                if frame not in running:
                    call(frame, {"exception": exception})
                # Otherwise a throw() has passed through it before, and it goes on already.
                assert running[-1] is frame, f"into a frame that is not the last: {event}"
            case StepEvent(frame=frame, line=line):
                events.append(Line(line, _variables(replay, frame)))
            case ReturnEvent(value=value) | YieldEvent(value=value) | UnwindEvent(exception=value):
                assert running.pop() is event.frame, f"of a frame that is not the last: {event}"
                events.append(Return(_normal(value)))
            case RaiseEvent() | HandledEvent() | OutputEvent() | ThreadEvent() | ExitEvent():
                # Of these the peer has nothing, or not as events of a frame.
                pass
            case _:
                raise ValueError(f"an event that no complete recording has: {event}")
    return Recording(events)


def _variables(replay: recorded.Replay, frame: recorded.Frame) -> dict[str, Value]:
    """Return the local variables; those of a module are its global ones."""
    found = replay.globals(frame) if frame.code.kind == "module" else replay.locals(frame)
    return {name: _normal(value) for name, value in found.items() if name not in IMPLIED}


IMPLIED = frozenset(
    {
        *("__annotations__", "__builtins__", "__cached__", "__class__", "__doc__", "__file__"),
        *("__firstlineno__", "__loader__", "__module__", "__name__", "__package__", "__qualname__"),
        *("__spec__", "__static_attributes__"),
    }
)
"""The names in modules, classes and methods that the source does not contain."""


def _normal(value: recorded.Value, around: tuple[int, ...] = ()) -> Value:
    """Return a value in our form; `around` are the numbers of the objects that it is in."""
    match value:
        case None:
            return ("none",)
        case bool():
            return ("bool", value)
        case int():
            # The peer writes an int that needs more than 64 bits as any other object.
            return ("int", value) if -(2**63) <= value < 2**63 else _text(value)
        case str():
            return ("str", value)
        case recorded.Hidden(how):
            return (how,)
        case recorded.RangeValue():
            return _text(value)
        case recorded.CutText() | recorded.CutBytes() | recorded.CutTuple() | recorded.CutInteger():
            return ("cut",)
        case recorded.ObjectValue():
            if value.number in around:
                return ("cycle",)
            return _normal_object(value, (*around, value.number))
        case tuple():
            return ("tuple", tuple(_normal(item, around) for item in value))
        case _:
            return _text(value)


def _text(value: recorded.Value) -> Value:
    """Return the text of a value that has no object of a class in it."""
    return ("text", recorded.render(value, 10_000))


def _normal_object(value: recorded.ObjectValue, around: tuple[int, ...]) -> Value:
    """Return an object in the peer's form, if our recording of it has enough for that."""
    if value.cut:
        return ("cut",)
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
        case ("wrapped", "bytearray") | ("set", "set") | ("frozenset", "frozenset"):
            return _text(value)
        case "wrapped", _:
            return items[0]
        case "enum", name:
            return ("text", f"{name.rpartition('.')[2]}.{value.attributes['name']!s}")
        case "class", _:
            return ("class", items[0][1])
        case "function", "function":
            return ("text", f"<function {items[0][1]} at 0x>")
        case "module", _:
            return ("text", f"<module '{items[0][1]}'>")
        case "exception", name if name not in TEXTS_OF_THEIR_OWN:
            match value.items:
                case ():
                    return ("text", "")
                case (str(text),) if name != "KeyError":
                    return ("text", text)
                case (one,):
                    return _text(one)
                case several:
                    return _text(several)
        case _, name:
            return ("object", name)


TEXTS_OF_THEIR_OWN = {
    # Made by code of equality_programs.py.
    "__main__.Fails": "<unrepr>",
    "__main__.Point": r"Point\(x=\d, y=\[2(, 3)?\]\)",
    "__main__.Says": r"Says\('hello'\)|<unrepr>",
    # Made by code of asyncio.
    "_asyncio.Task": r"<Task (pending|cancelling|cancelled) name='Task-\d' coro=<sleep\(\) .*>",
    "asyncio.tasks._GatheringFuture": "<_GatheringFuture pending>",
    # Made by CPython, of more than is recorded.
    "FileNotFoundError": r"\[Errno 2\] no",
    "builtin_function_or_method": "<built-in function len>",
    "cell": "<cell at 0x: empty>",
    "classmethod": r"<classmethod\(<function (Child\.make|Holder\.of) at 0x>\)>",
    "slice": r"slice\(1, 2, None\)",
}
"""Types of which there is but the name in ours, where the peer has a text that is not of the type
alone; and a pattern for those texts (in the programs that are compared)."""


def same(theirs: Value, mine: Value) -> bool:
    """Return whether two values are the same, as far as both are known.

    Of an object, ours is the type and theirs a text: that of ``object.__repr__``, which names the
    type, or one that `TEXTS_OF_THEIR_OWN` allows for that type.
    """
    match theirs, mine:
        case ("text" | "error", str(text)), ("object", str(name)):
            own = TEXTS_OF_THEIR_OWN.get(name)
            return text.startswith(f"<{name} object ") or (
                own is not None and re.fullmatch(own, text) is not None
            )
        case ("text", str(text)), ("class", str(name)):
            # Ours is without the module.
            return re.fullmatch(rf"<\w+ '([\w.]+\.)?{re.escape(name)}'>", text) is not None
        case ("tuple" | "list" as kind, items), (other, others):
            return kind == other and _same_items(items, others)
        case ("dict", pairs), ("dict", others):
            return len(pairs) == len(others) and all(map(_same_items, pairs, others))
        case _:
            return theirs == mine


def _same_items(theirs: tuple[Value, ...], mine: tuple[Value, ...]) -> bool:
    return len(theirs) == len(mine) and all(map(same, theirs, mine))


def same_variables(theirs: dict[str, Value], mine: dict[str, Value]) -> bool:
    """Return whether the same variables have the same values, in whatever order."""
    return theirs.keys() == mine.keys() and all(
        same(value, mine[name]) for name, value in theirs.items()
    )


def same_event(theirs: Event | None, mine: Event | None) -> bool:
    """Return whether two events are the same."""
    match theirs, mine:
        case Call(function, arguments), Call(other, others):
            # In whatever order: ours is that of the definition.
            return function == other and same_variables(dict(arguments), dict(others))
        case Line(line, variables), Line(other_line, other_variables):
            return line == other_line and same_variables(variables, other_variables)
        case Return(value), Return(other_value):
            return same(value, other_value)
        case _:
            return False


def differences(theirs: Sequence[Event], mine: Sequence[Event]) -> list[str]:
    """Return a line for each event that differs, with its number."""
    return [
        f"{number}: theirs {one}, ours {two}"
        for number, (one, two) in enumerate(zip_longest(theirs, mine))
        if not same_event(one, two)
    ]
