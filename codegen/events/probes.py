"""Probes of behaviour: small programs whose one line of output says what a CPython does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from codegen.core.errors import SpecError
from codegen.core.load import Loaded, load_rows
from codegen.core.rows import Problem, Program, Row, Sentence, SpecFile, suggestion
from codegen.events.model import EventName, EventsSpec

PROBE_DIR = Path("spec/probes")
"""Where the probes of behaviour stand, relative to the project's root."""

_EVENT = "{event}"
"""Stands for the event in the question of a probe that is made for each of its events."""


def _is_question(text: str) -> str:
    if not text.endswith("?"):
        raise ValueError("must end with a question mark")
    return text


ProbeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Question = Annotated[Sentence, Field(max_length=110), AfterValidator(_is_question)]


class Probe(Row):
    """One row of spec/probes/: a question about CPython, and the program that answers it."""

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
        if self.each and not self.events:
            raise ValueError("[events] each = true needs the events to make probes for")
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


class ProbeFile(SpecFile):
    """One file of spec/probes/."""

    probe: Annotated[list[Probe], Field(min_length=1)]


def load_probes(root: Path, events: EventsSpec) -> list[Probe]:
    """Read and validate ``spec/probes/*.toml`` below `root`; return the probes in their order.

    A row with ``each = true`` is a probe for each of its events.

    Raises:
        SpecError: a file is wrong, or names an event that is not among `events`.
    """
    paths = sorted((root / PROBE_DIR).glob("*.toml"))
    files = [load_rows(ProbeFile, root, path.relative_to(root)) for path in paths]
    for error in (*_unknown_events(files, events), *_duplicates(files)):
        raise error
    return [
        probe
        for file in files
        for row in file.rows.probe
        for probe in row.expanded(events.programs)
    ]


def programs_of(probes: Iterable[Probe]) -> dict[str, str]:
    """Return the probes' programs, by the probe's name."""
    return {probe.name: probe.program for probe in probes}


def _unknown_events(files: list[Loaded[ProbeFile]], events: EventsSpec) -> Iterator[SpecError]:
    """Say which rows name an event that is not there: all are to be changed."""
    known = events.by_name()
    naming = [
        (event, file, index)
        for file in files
        for index, row in enumerate(file.rows.probe)
        for event in row.events
        if event not in known
    ]
    for unknown, file, index in naming[:1]:
        text = f"unknown event {unknown}{suggestion(unknown, known)}"
        places = [
            f"{other.file}: {other.row('probe', row)}"
            for event, other, row in naming[1:]
            if event == unknown and (other, row) != (file, index)
        ]
        if places:
            text += f"; {len(places)} more rows name it: {', '.join(places)}"
        yield file.error(Problem("probe", index, "events", text))


def _duplicates(files: list[Loaded[ProbeFile]]) -> Iterator[SpecError]:
    """Say which names stand twice, rows that are made by ``each`` included."""
    owners: dict[str, Path] = {}
    for file in files:
        for index, row in enumerate(file.rows.probe):
            for probe in row.expanded({}):
                if probe.name in owners:
                    owner = owners[probe.name]
                    where = "this file" if owner == file.file else owner
                    text = f"{probe.name} is there already, in {where}"
                    yield file.error(Problem("probe", index, "name", text))
                owners.setdefault(probe.name, file.file)
