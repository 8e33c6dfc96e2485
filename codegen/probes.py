"""Probes of behaviour: small programs whose one line of output says what a CPython does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from codegen.model import EventName, Problem, Program, Sentence, Spec, suggestion

NOT_APPLICABLE = "not applicable"
"""The outcome where a CPython lacks what a probe is about."""

FAILED = "failed: "
"""How the outcome of a program begins that raised, or did not print one line."""

_EVENT = "{event}"
"""Stands for the event in the question of a probe that is made for each of its events."""


def _is_question(text: str) -> str:
    if not text.endswith("?"):
        raise ValueError("must end with a question mark")
    return text


ProbeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Question = Annotated[Sentence, Field(max_length=110), AfterValidator(_is_question)]


class Probe(BaseModel):
    """One row of spec/probes/: a question about CPython, and the program that answers it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: ProbeName
    events: list[EventName]
    each: bool = False
    question: Question
    notes: list[Sentence] = []
    program: Program

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        if self.each != (_EVENT in self.question):
            raise ValueError(f"[question] holds {_EVENT} with each = true, and only with it")
        return self

    def expanded(self, programs: Mapping[str, str]) -> Iterator[Probe]:
        """Yield this probe or, with ``each``, one for each of its events.

        `programs` are those of the events in spec/events.toml. The program of a probe for one event
        finds the event's name as EVENT, and the event's program as PROGRAM.
        """
        if not self.each:
            yield self
            return
        for event in self.events:
            given = f"EVENT = {event!r}; PROGRAM = {programs.get(event, '')!r}\n"
            yield Probe(
                name=f"{self.name}-{event.lower().replace('_', '-')}",
                events=[event],
                question=self.question.replace(_EVENT, event),
                notes=self.notes,
                program=given + self.program,
            )

    @property
    def subject(self) -> str:
        """Under which event the probe is listed; what is about none is the module's."""
        return self.events[0] if self.events else "sys.monitoring"


class ProbeFile(BaseModel):
    """One file of spec/probes/."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    probe: Annotated[list[Probe], Field(min_length=1)]

    def problems(self, spec: Spec, taken: Mapping[str, str]) -> Iterator[Problem]:
        """Yield what is wrong between these rows, `spec`, and the names `taken` in other files."""
        known = spec.by_name()
        names = dict(taken)
        for index, row in enumerate(self.probe):
            for event in row.events:
                if event not in known:
                    text = f"unknown event {event}{suggestion(event, set(known))}"
                    yield Problem(index, "events", text, event)
            if row.each and not row.events:
                yield Problem(index, "events", "each = true needs the events to make probes for")
            for probe in row.expanded({}):
                if probe.name in names:
                    yield Problem(
                        index, "name", f"{probe.name} is there already, in {names[probe.name]}"
                    )
                names.setdefault(probe.name, "this file")


class Change(NamedTuple):
    """One probe whose outcome changed from one observed CPython to the next."""

    probe: Probe
    before: str
    after: str
