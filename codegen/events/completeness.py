"""Checks that the spec covers CPython, by comparing it with observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from codegen.core.rows import version_key
from codegen.events.changes import behaviour_changes, event_changes
from codegen.events.drafts import draft_row
from codegen.events.model import Event, EventsSpec
from codegen.events.probes import Probe
from codegen.observe.observation import FAILED, Observation, ObservedEvent


def check_completeness(spec: EventsSpec, observations: Iterable[Observation]) -> list[str]:
    """Return a message for each disagreement between the spec and an observed CPython.

    For an event that the spec lacks, the message for the first CPython that has it contains a draft
    of its row.
    """
    drafted: set[str] = set()
    gaps = [gap for observation in observations for gap in _gaps(spec, observation, drafted)]
    return list(dict.fromkeys(gaps))


def check_outcomes(probes: Sequence[Probe], observations: Iterable[Observation]) -> list[str]:
    """Return a message for each stored outcome that is missing, superfluous or a failure."""
    return [
        f"{observation.file}: key 'probe.{name}': {problem}"
        for observation in observations
        for name, problem in _outcome_gaps({probe.name for probe in probes}, observation)
    ]


def _outcome_gaps(known: set[str], observation: Observation) -> Iterator[tuple[str, str]]:
    remedy = f"run `make observe` with CPython {observation.version}"
    for name in sorted(known - observation.probe.keys()):
        yield name, f"this probe has no outcome; {remedy}"
    for name, outcome in sorted(observation.probe.items()):
        if name not in known:
            yield name, f"there is no such probe in spec/probes/; {remedy}"
        elif outcome.startswith(FAILED):
            yield name, f"its program {outcome}; correct it in spec/probes/, then {remedy}"


class Comparison(NamedTuple):
    """The differences between a live CPython and the nearest stored observation.

    Parameters:
        text: a heading, and a line for each difference; empty if there are none.
        expected: whether differences are allowed, because it is another release of the same minor
            version, or nothing is stored.
    """

    text: str
    expected: bool


def nearest(live: Observation, observations: Sequence[Observation]) -> Observation | None:
    """Return the observation of the same minor version, else the newest older one, else None."""
    older = [o for o in observations if version_key(o.version) <= version_key(live.version)]
    return older[-1] if older else None


def compare_live(
    spec: EventsSpec,
    probes: Sequence[Probe],
    live: Observation,
    observations: Sequence[Observation],
) -> Comparison:
    """Compare `live` with the nearest of `observations`."""
    stored = nearest(live, observations)
    if stored is None:
        return Comparison("", expected=True)
    lines = list(event_changes(stored, live))
    for subject, changes in behaviour_changes(spec, probes, stored, live).items():
        lines += [
            f"  {subject}: {probe.name}: {probe.question} {before} -> {after}"
            for probe, before, after in changes
        ]
    heading = f"CPython {live.release} differs from {stored.release} as observed ({stored.file}):"
    text = "\n".join([heading, *lines]) if lines else ""
    return Comparison(text, live.version == stored.version and live.release != stored.release)


def _gaps(spec: EventsSpec, observation: Observation, drafted: set[str]) -> Iterator[str]:
    known = spec.by_name()
    where = f"CPython {observation.release}"
    for name, observed in observation.event.items():
        if name not in known and name in drafted:
            yield f"{where} has the event {name} too"
        elif name not in known:
            drafted.add(name)
            yield (
                f"{where} has the event {name}, which spec/events.toml lacks; a draft:\n"
                + draft_row(spec, name, observed, observation.version)
            )
        elif not known[name].exists_in(observation.version):
            yield f"{where} has the event {name}, but its row says since = {known[name].since}"
        else:
            for problem in _event_gaps(spec, known[name], observed, observation.version):
                yield f"{where}: event {name}: {problem}"
    for event in spec.event:
        if event.exists_in(observation.version) and event.name not in observation.event:
            yield f"{where} lacks the event {event.name}, but its row says since = {event.since}"


def _event_gaps(
    spec: EventsSpec, event: Event, observed: ObservedEvent, version: str
) -> Iterator[str]:
    if not observed.fired:
        yield "its program does not fire it (key 'program')"
        return
    if not spec.accepts(event, observed.types):
        yield (
            f"callbacks receive ({', '.join(observed.types)}),"
            f" the spec says ({spec.parameters(event)}) (key 'arguments')"
        )
    if observed.settable != (event.scope != "ancillary"):
        can = "can" if observed.settable else "cannot"
        yield f"it {can} be set by itself, the spec says scope = '{event.scope}' (key 'scope')"
    elif observed.local != event.is_local_in(version):
        can = "can" if observed.local else "cannot"
        yield f"it {can} be set locally, the spec says {event.scope_text} (key 'local_since')"
    allowed = event.may_disable_in(version)
    if (observed.disable_global != "error") != allowed:
        yield (
            f"returning DISABLE: {observed.disable_global}, the spec says"
            f" disable = '{event.disable}' since {event.disable_since} (key 'disable_since')"
        )
    elif allowed and (observed.disable_global == "silenced") != (event.disable == "location"):
        yield (
            f"returning DISABLE: {observed.disable_global}, the spec says"
            f" disable = '{event.disable}' (key 'disable')"
        )
