"""Does the spec still cover CPython? The spec against what interpreters were seen to do."""

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
    """Return a sentence for each way in which the spec and an observed CPython disagree.

    An event that the spec lacks comes with a draft of its row, once, for the first CPython of
    `observations` that has it.
    """
    drafted: set[str] = set()
    gaps = [gap for observation in observations for gap in _gaps(spec, observation, drafted)]
    return list(dict.fromkeys(gaps))


def check_outcomes(probes: Sequence[Probe], observations: Iterable[Observation]) -> list[str]:
    """Return a sentence for each stored outcome that is missing, too many, or of a broken probe."""
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
            yield name, f"its program {outcome}; mend it in spec/probes/, then {remedy}"


class Comparison(NamedTuple):
    """A live CPython against the stored observation nearest to it.

    Parameters:
        text: what differs, one thing a line, under a heading; empty when nothing does.
        expected: whether differences are no fault: it is another release of the same minor version.
    """

    text: str
    expected: bool


def nearest(live: Observation, observations: Sequence[Observation]) -> Observation | None:
    """Return the observation of `live`'s minor version, else the newest before it, if any."""
    older = [o for o in observations if version_key(o.version) <= version_key(live.version)]
    return older[-1] if older else None


def compare_live(
    spec: EventsSpec,
    probes: Sequence[Probe],
    live: Observation,
    observations: Sequence[Observation],
) -> Comparison:
    """Say precisely what `live` does that the nearest of `observations` does not."""
    stored = nearest(live, observations)
    if stored is None:
        return Comparison("", expected=True)
    lines = list(event_changes(stored, live))
    for subject, changes in behaviour_changes(spec, probes, stored, live).items():
        lines += [
            f"  {subject}: {probe.name}: {probe.question} {before} -> {after}"
            for probe, before, after in changes
        ]
    heading = f"CPython {live.release} is not as {stored.release} was observed ({stored.file}):"
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
