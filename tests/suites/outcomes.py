"""Reads the outcomes of a suite's tests, the differences of two runs, and a recording's gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

__all__ = ["Run", "differences", "lacks", "read_report"]

KINDS = ("error", "failure", "skipped")


class Run(NamedTuple):
    """One run of a suite.

    Attributes:
        status: pytest's exit status; None when it took too long.
        outcomes: each test's name and outcome, in the order in which they ran.
    """

    status: int | None
    outcomes: list[tuple[str, str]]


def read_report(path: Path) -> list[tuple[str, str]]:
    """Return each test of a JUnit report and its outcome; nothing when there is no report."""
    if not path.exists():
        return []
    return [
        (f"{case.get('classname')}::{case.get('name')}", _outcome(case))
        for case in ElementTree.parse(path).getroot().iter("testcase")
    ]


def differences(plain: Run, recorded: Run) -> list[str]:
    """Return in what a recorded run differs from one that is not, a line each."""
    found = []
    if plain.status not in (0, 1) or not plain.outcomes:
        found.append(f"the suite does not run unrecorded: pytest {_ended(plain)}")
    if plain.status != recorded.status:
        found.append(f"pytest {_ended(plain)}, recorded it {_ended(recorded)}")
    names = [[name for name, _ in run.outcomes] for run in (plain, recorded)]
    if names[0] != names[1]:
        missing = sorted({*names[0]} ^ {*names[1]})
        found.append(f"not the same tests in the same order: {', '.join(missing[:5])}")
        return found
    for (name, before), (_, after) in zip(plain.outcomes, recorded.outcomes, strict=True):
        if before != after:
            found.append(f"{name}: {before}, recorded {after}")
    return found


def lacks(found: dict[str, Any], leaving: int) -> str | None:
    """Return what a recording lacks by what ``codetracer info --format json`` found, or None.

    Parameters:
        found: the JSON.
        leaving: how many of the processes leave by os._exit, which no hook reports: their logs
            have no end.
    """
    without_end = sum(not process["complete"] for process in found["processes"])
    if without_end != leaving:
        wanted = f"{leaving} of {len(found['processes'])} processes should have no end"
        return f"{wanted}, {without_end} have none: {found['problem']}"
    if found["complete"] or (leaving and not found["metadata"].get("incomplete_reason")):
        return None
    return str(found["problem"])


def _ended(run: Run) -> str:
    return "took too long" if run.status is None else f"ended with {run.status}"


def _outcome(case: ElementTree.Element) -> str:
    """Return such as ``passed``, or ``failure AssertionError: assert 1 == 2`` without addresses."""
    results = [
        " ".join(filter(None, (child.tag, child.get("type"), _first_line(child.get("message")))))
        for child in case
        if child.tag in KINDS
    ]
    return "; ".join(results) or "passed"


def _first_line(message: str | None) -> str:
    return (message or "").split(" at 0x")[0].partition("\n")[0]
