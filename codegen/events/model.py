"""The models of spec/events.toml, with the names and signatures that templates need."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from codegen.core.rows import (
    Expression,
    FullSentence,
    Problem,
    Program,
    Row,
    Sentence,
    SpecFile,
    Version,
    suggestion,
    version_key,
)

EventName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")]

_TAKEN_NAMES = {"self", "handler", "on_error", "on_outcome"}
"""The names of parameters and variables in the generated functions."""


def _can_be_parameter(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot be a parameter; use lower case, such as 'offset'")
    if name in _TAKEN_NAMES:
        raise ValueError(f"{name!r} is a name in the generated code; choose another name")
    return name


def _is_display(text: str) -> str:
    if not re.fullmatch(r"([^\[\]{}]|\{[a-z0-9_]+\}|\[([^\[\]{}]|\{[a-z0-9_]+\})*\])*", text):
        raise ValueError("must be text, names in {braces}, and [what may be left out]")
    return text


ArgumentName = Annotated[str, AfterValidator(_can_be_parameter)]
Display = Annotated[Sentence, AfterValidator(_is_display)]

EXTRAS = {
    "function": "code",
    "source": "line",
    "arguments": "offset",
    "opname": "offset",
    "destination_line": "destination",
}
"""The names that an event may show beside its arguments. Each needs an argument, which is named
here."""

_PLACES = ("function", "source")
"""Extras that only texts show; they are not among the details of an event in JSON."""


class Argument(Row):
    """One argument that callbacks receive, declared once for all events."""

    type: Expression
    unit: Sentence
    summary: Sentence
    shown: Literal["place", "number", "value", "name", "exception"] = "value"


class Event(Row):
    """One event of sys.monitoring; spec/README.md explains the keys."""

    name: EventName
    handler: str
    since: Version
    deprecated: Version | None = None
    arguments: Annotated[list[ArgumentName], Field(min_length=1)]
    scope: Literal["local", "other", "ancillary"]
    local_since: Version | None = None
    ancillary_of: EventName | None = None
    shares_slots_with: list[EventName] = []
    disable: Literal["location", "code", "never"]
    disable_since: Version | None = None
    frame: Literal["enter", "leave", "stay"] = "stay"
    shown: Display
    unasked: bool = False
    summary: FullSentence
    notes: list[Sentence]
    program: Program

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        if self.handler != f"on_{self.name.lower()}":
            raise ValueError(
                f"[handler] {self.handler!r} is not the handler of {self.name};"
                f" write 'on_{self.name.lower()}'"
            )
        if self.deprecated and version_key(self.deprecated) < version_key(self.since):
            raise ValueError(
                f"[deprecated] {self.deprecated} is before since = {self.since};"
                " an event is deprecated after it appears"
            )
        if (self.scope == "ancillary") != (self.ancillary_of is not None):
            raise ValueError("[ancillary_of] must be given with scope = 'ancillary', and only then")
        if self.local_since and self.scope != "other":
            raise ValueError("[local_since] is allowed only with scope = 'other'")
        if (self.disable == "never") != (self.disable_since is None):
            raise ValueError("[disable_since] must be given unless disable = 'never'")
        return self

    def exists_in(self, version: str) -> bool:
        """Return whether CPython `version` has this event."""
        return version_key(self.since) <= version_key(version)

    def is_local_in(self, version: str) -> bool:
        """Return whether CPython `version` lets this event be set for one code object."""
        if self.scope == "other" and self.local_since:
            return version_key(self.local_since) <= version_key(version)
        return self.scope == "local"

    def may_disable_in(self, version: str) -> bool:
        """Return whether CPython `version` lets this event's callback return DISABLE."""
        return self.disable_since is not None and version_key(self.disable_since) <= version_key(
            version
        )

    @property
    def callback_name(self) -> str:
        """The name of the generated callback, as it appears in tracebacks."""
        return f"{self.name.lower()}_callback"

    @property
    def bind_name(self) -> str:
        """The name of the generated function that makes the callback."""
        return f"bind_{self.name.lower()}"

    @property
    def arity(self) -> int:
        """The number of the callback's arguments."""
        return len(self.arguments)

    @property
    def c_arguments(self) -> str:
        """The callback's arguments in C: ``args[0], args[1]``."""
        return ", ".join(f"args[{index}]" for index in range(self.arity))

    @property
    def anchor(self) -> str:
        """The fragment that links to the event's section on the reference page."""
        return self.name.lower()

    @property
    def shown_names(self) -> list[str]:
        """The names in braces in the text that is shown of the event."""
        return re.findall(r"\{(\w+)\}", self.shown)

    @property
    def extras_literal(self) -> str:
        """The extras among `shown_names`, without `_PLACES`, as a Python tuple."""
        known = EXTRAS.keys() - {*_PLACES}
        return repr(tuple(name for name in self.shown_names if name in known))

    @property
    def scope_text(self) -> str:
        """The scope of the event, in words."""
        if self.ancillary_of:
            return f"ancillary to {self.ancillary_of}"
        return f"{self.scope}; local since {self.local_since}" if self.local_since else self.scope

    @property
    def disable_text(self) -> str:
        """The effect of returning DISABLE, in words."""
        if self.disable == "never":
            return "an error in every version"
        if self.disable == "location":
            return "silences this location"
        return (
            f"an error before {self.disable_since}; since then it unsets an event that was set"
            " locally, for that code object, and has no effect on one that was set globally"
        )

    @property
    def parameters_literal(self) -> str:
        """The names of the arguments as a Python tuple."""
        return repr(tuple(self.arguments))

    @property
    def shares_slots_with_literal(self) -> str:
        """``shares_slots_with`` as a Python tuple."""
        return repr(tuple(self.shares_slots_with))

    @property
    def disable_since_literal(self) -> str:
        """``disable_since`` as a Python tuple, or ``None``."""
        return repr(version_key(self.disable_since)) if self.disable_since else "None"


class EventsSpec(SpecFile):
    """All of spec/events.toml."""

    FILE: ClassVar[Path] = Path("spec/events.toml")

    argument: dict[ArgumentName, Argument]
    event: Annotated[list[Event], Field(min_length=1)]

    def problems(self) -> Iterator[Problem]:
        """Yield the contradictions between rows."""
        events: dict[str, int] = {}
        names = [event.name for event in self.event]
        leaders = [event.name for event in self.event if event.scope != "ancillary"]
        for index, event in enumerate(self.event):
            if event.name in events:
                yield Problem("event", index, "name", f"duplicate event {event.name}")
            events.setdefault(event.name, index)
            for argument in event.arguments:
                if argument not in self.argument:
                    yield Problem(
                        "event",
                        index,
                        "arguments",
                        f"unknown argument '{argument}'{suggestion(argument, self.argument)}",
                    )
            for name in event.shown_names:
                given = [extra for extra, needed in EXTRAS.items() if needed in event.arguments]
                known = {*given, *event.arguments[1:]} - {"line"}
                if name not in known:
                    yield Problem(
                        "event",
                        index,
                        "shown",
                        f"there is no '{name}' to show{suggestion(name, known)}",
                    )
            if len(set(event.arguments)) < len(event.arguments):
                yield Problem("event", index, "arguments", "an argument is named twice")
            if event.arguments[0] != "code":
                yield Problem(
                    "event", index, "arguments", "the first one must be 'code', as in CPython"
                )
            if event.ancillary_of and event.ancillary_of not in names:
                yield Problem(
                    "event", index, "ancillary_of", _unknown_event(event.ancillary_of, names)
                )
            elif event.ancillary_of and event.ancillary_of not in leaders:
                yield Problem(
                    "event",
                    index,
                    "ancillary_of",
                    f"{event.ancillary_of} cannot be set by itself; name the event that is set",
                )
            for other in event.shares_slots_with:
                if other not in names:
                    yield Problem("event", index, "shares_slots_with", _unknown_event(other, names))
                elif other == event.name:
                    yield Problem(
                        "event", index, "shares_slots_with", "names the other events, not itself"
                    )

    def by_name(self) -> dict[str, Event]:
        """Return the events by name, in row order."""
        return {event.name: event for event in self.event}

    @property
    def programs(self) -> dict[str, str]:
        """The events' programs, by the event's name."""
        return {event.name: event.program for event in self.event}

    def accepts(self, event: Event, seen: Sequence[str]) -> bool:
        """Return whether observed arguments agree with the spec.

        Parameters:
            event: the event.
            seen: the names of the arguments' types.
        """
        declared = [self.argument[name].type for name in event.arguments]
        return len(declared) == len(seen) and all(map(_is_a, seen, declared))

    def local_since_literal(self, event: Event) -> str:
        """Return the first version in which `event` can be set locally, as a tuple, or ``None``."""
        leader = self.by_name()[event.ancillary_of] if event.ancillary_of else event
        since = leader.local_since if leader.scope == "other" else leader.since
        return repr(version_key(since)) if since else "None"

    def parameters(self, event: Event) -> str:
        """Return `event`'s typed parameters, such as ``code: CodeType, line: int``."""
        return ", ".join(f"{name}: {self.argument[name].type}" for name in event.arguments)

    def shown_parameters_literal(self, event: Event) -> str:
        """Return the arguments after ``code``, each with the way to show it, as a Python tuple."""
        return repr(tuple((name, self.argument[name].shown) for name in event.arguments[1:]))

    def argument_text(self, name: str) -> str:
        """Return the description of the argument `name`, with its unit, for a docstring."""
        argument = self.argument[name]
        return f"{name}: {argument.summary} ({argument.unit})."

    def types(self, event: Event) -> str:
        """Return the types of `event`'s parameters, such as ``CodeType, int``."""
        return ", ".join(self.argument[name].type for name in event.arguments)

    def names(self, event: Event) -> str:
        """Return the names of `event`'s parameters, such as ``code, line``."""
        return ", ".join(event.arguments)


def _unknown_event(name: str, names: list[str]) -> str:
    return f"unknown event {name}{suggestion(name, names)}"


def _is_a(seen: str, expected: str) -> bool:
    """Return whether a type named `seen` agrees with the type `expected` of the spec."""
    if expected == "BaseException":
        found = getattr(builtins, seen, None)
        return isinstance(found, type) and issubclass(found, BaseException)
    return {"CodeType": "code", "int": "int"}.get(expected, seen) == seen
