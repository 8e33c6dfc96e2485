"""Loads the probes: small programs whose one line of output describes a CPython's behaviour."""

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
"""The folder of the probes, relative to the project's root."""

_EVENT = "{event}"
"""The placeholder for the event in the question of a row with ``each``."""


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
            raise ValueError(f"[question] must contain {_EVENT} with each = true, and only then")
        if self.each and not self.events:
            raise ValueError("[events] each = true needs one or more events")
        return self

    def expanded(self, programs: Mapping[str, str]) -> Iterator[Probe]:
        """Yield this probe or, with ``each``, one probe for each of its events.

        In the program of such a probe, EVENT is the event's name and PROGRAM the event's program.

        Parameters:
            programs: the programs of the events in spec/events.toml.
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
        """The event under which the probe is listed; ``sys.monitoring`` if it has none."""
        return self.events[0] if self.events else "sys.monitoring"


class ProbeFile(SpecFile):
    """One file of spec/probes/."""

    probe: Annotated[list[Probe], Field(min_length=1)]


def load_probes(root: Path, events: EventsSpec) -> list[Probe]:
    """Read and validate ``spec/probes/*.toml``; return the probes in their order.

    A row with ``each = true`` becomes a probe for each of its events.

    Parameters:
        root: the project's root.
        events: the events that probes may name.

    Raises:
        SpecError: a file is wrong, names an unknown event, or repeats the name of a probe.
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
    """Yield an error for the first unknown event, with all rows that name it."""
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
    """Yield an error for each repeated name, including those of probes made by ``each``."""
    owners: dict[str, Path] = {}
    for file in files:
        for index, row in enumerate(file.rows.probe):
            for probe in row.expanded({}):
                if probe.name in owners:
                    owner = owners[probe.name]
                    where = "this file" if owner == file.file else owner
                    text = f"{probe.name} exists already, in {where}"
                    yield file.error(Problem("probe", index, "name", text))
                owners.setdefault(probe.name, file.file)
