"""Finds the changes in sys.monitoring from one observed CPython to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from codegen.events.drafts import draft_row
from codegen.events.model import EventsSpec
from codegen.events.probes import Probe
from codegen.observe.observation import NOT_APPLICABLE, Observation, ObservedEvent


class Change(NamedTuple):
    """A probe whose outcome changed from one observed CPython to another."""

    probe: Probe
    before: str
    after: str


def describe_changes(
    spec: EventsSpec, probes: Sequence[Probe], old: Observation, new: Observation
) -> str:
    """Return the changes in sys.monitoring from `old` to `new` as text.

    Events come first, then the changed outcomes of `probes`, by event, then drafts of rows for the
    events of `new` that the spec lacks.
    """
    lines = [f"# sys.monitoring, CPython {old.release} -> {new.release}"]
    lines += event_changes(old, new)
    for subject, changes in behaviour_changes(spec, probes, old, new).items():
        lines.append(subject)
        lines += [
            f"  behaviour: {probe.question} {before} -> {after}" for probe, before, after in changes
        ]
    if len(lines) == 1:
        lines.append("nothing changed")
    known = spec.by_name()
    for name, event in new.event.items():
        if name not in known:
            lines += ["", draft_row(spec, name, event, new.version)]
    return "\n".join(lines) + "\n"


def event_changes(old: Observation, new: Observation) -> Iterator[str]:
    """Yield a line for each event that is new or gone, and for each changed property."""
    for name in sorted(old.event.keys() - new.event.keys()):
        yield f"- {name}: gone"
    for name, after in new.event.items():
        before = old.event.get(name)
        if before is None:
            yield f"+ {name}: new, id {after.id}, arguments {', '.join(after.types) or 'not seen'}"
            continue
        for field in ObservedEvent.model_fields:
            was, now = getattr(before, field), getattr(after, field)
            if was != now:
                yield f"  {name}: {field} {_show(was)} -> {_show(now)}"


def behaviour_changes(
    spec: EventsSpec, probes: Sequence[Probe], old: Observation, new: Observation
) -> dict[str, list[Change]]:
    """Return the probes whose outcomes differ, by their subjects, in the order of the spec.

    Probes that did not run on both are left out. So are probes about an event that only one of the
    two has, because `event_changes` reports the event.
    """
    changes: dict[str, list[Change]] = {event.name: [] for event in spec.event}
    for probe in probes:
        before, after = old.probe.get(probe.name), new.probe.get(probe.name)
        lacking = [e for e in probe.events if (e in old.event) != (e in new.event)]
        if before is None or after is None or before == after:
            continue
        if lacking and NOT_APPLICABLE in (before, after):
            continue
        changes.setdefault(probe.subject, []).append(Change(probe, before, after))
    return {subject: found for subject, found in changes.items() if found}


def _show(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
