"""Prepares the outcomes of probes, and the changes between versions, for the reference page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from codegen.events.changes import Change, behaviour_changes, event_changes
from codegen.events.model import EventsSpec
from codegen.events.probes import Probe
from codegen.observe.observation import NOT_APPLICABLE, Observation


class Step(NamedTuple):
    """The changes from one observed CPython to the next."""

    before: Observation
    after: Observation
    events: list[str]
    behaviour: dict[str, list[Change]]


class Answer(NamedTuple):
    """One probe and its outcomes.

    Parameters:
        probe: the probe.
        outcomes: the outcomes by release, oldest first; None where the probe did not run.
    """

    probe: Probe
    outcomes: dict[str, str | None]

    @property
    def text(self) -> str:
        """The question and its notes."""
        return " ".join([self.probe.question, *self.probe.notes])

    @property
    def cells(self) -> list[str]:
        """The outcomes, as texts for a table."""
        return [outcome or "not run" for outcome in self.outcomes.values()]

    @property
    def differs(self) -> bool:
        """True if the CPythons to which the probe applies have different outcomes."""
        return len(set(self._applicable.values())) > 1

    @property
    def one_outcome(self) -> str:
        """The outcome of the first CPython to which the probe applies."""
        return next(iter(self._applicable.values()), NOT_APPLICABLE)

    @property
    def restriction(self) -> str:
        """The CPythons to which the probe applies, in brackets; empty if it applies to all."""
        applicable = self._applicable
        return f" ({', '.join(applicable)})" if 0 < len(applicable) < len(self.outcomes) else ""

    @property
    def _applicable(self) -> dict[str, str]:
        return {
            release: outcome
            for release, outcome in self.outcomes.items()
            if outcome is not None and outcome != NOT_APPLICABLE
        }


class BehaviourReference:
    """The outcomes of probes, for the reference page."""

    def __init__(
        self, spec: EventsSpec, probes: Sequence[Probe], observations: Sequence[Observation]
    ) -> None:
        self._spec = spec
        self._probes = probes
        self._observations = observations

    @property
    def count(self) -> int:
        """The number of probes."""
        return len(self._probes)

    def differing(self, subject: str) -> list[Answer]:
        """Return the probes about `subject` whose outcome depends on the version."""
        return [answer for answer in self._answers(subject) if answer.differs]

    def constant(self, subject: str) -> list[Answer]:
        """Return the probes about `subject` that all versions answer in the same way."""
        return [answer for answer in self._answers(subject) if not answer.differs]

    def steps(self) -> list[Step]:
        """Return the changes from each observed CPython to the next, oldest first."""
        return [
            Step(
                before,
                after,
                list(event_changes(before, after)),
                behaviour_changes(self._spec, self._probes, before, after),
            )
            for before, after in pairwise(self._observations)
        ]

    def _answers(self, subject: str) -> list[Answer]:
        return [
            Answer(probe, {o.release: o.probe.get(probe.name) for o in self._observations})
            for probe in self._probes
            if subject in (probe.events or [probe.subject])
        ]
