"""Random programs by the hundred: made by Hypothesis, run in every way, shrunk when they differ."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from fuzz.ways import Difference

# Hypothesis keeps files in the current folder unless this is set before it is imported.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", tempfile.gettempdir() + "/hypothesis")

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.grammar import programs

__all__ = ["Comparing", "portion", "run_programs"]

PORTION = 100
"""Programs that are made, and sent to a process, at a time."""

SHRINKING = 60
"""Seconds that may be spent on making one program smaller."""


class Comparing(Protocol):
    """A comparison of programs that run in several ways on one interpreter."""

    def check(self, source: str) -> None:
        """Run a program; raise Difference when it is not alike."""

    def compare(self, sources: Sequence[str]) -> dict[int, Difference]:
        """Run programs; return the differences by the program's place in `sources`."""
        ...


def run_programs(
    interpreters: Sequence[Comparing], count: int, first_seed: int, deadline: float, save: Path
) -> list[str]:
    """Run `count` different programs; return the differences, each shrunk and written to `save`.

    Stops at `deadline` (of `time.monotonic`), between one portion and the next.
    """
    seen: set[str] = set()
    differences: list[str] = []
    number = first_seed * 10_000
    while len(seen) < count and time.monotonic() < deadline:
        sources = [one for one in portion(number) if one not in seen][: count - len(seen)]
        seen.update(sources)
        for interpreter in interpreters:
            found = interpreter.compare(sources)
            shrunk = _shrunk(interpreter, number) if found else None
            for place, difference in found.items():
                smallest, message = (sources[place], str(difference))
                if shrunk is not None:
                    # The others are, as a rule, the same difference.
                    (smallest, message), shrunk = shrunk, None
                save.mkdir(parents=True, exist_ok=True)
                path = save / f"program-{number}-{len(differences)}.py"
                path.write_text(smallest, encoding="utf-8")
                differences.append(f"{path}: {message}")
                print(f"DIFFERENCE {differences[-1]}\n{smallest}", flush=True)
        number += 1
        print(f"{len(seen)} programs, {len(differences)} differences", flush=True)
    return differences


def portion(number: int, check: Callable[[str], None] | None = None) -> list[str]:
    """Return the programs of a seed, in the order in which Hypothesis makes them.

    Raises:
        Difference: what `check` raises, for the smallest program for which it does so.
    """
    made: list[str] = []

    @seed(number)
    @settings(
        max_examples=PORTION,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(programs())
    def make(source: str) -> None:
        made.append(source)
        if check is not None:
            check(source)

    make()
    return list(dict.fromkeys(made))


class _EnoughError(BaseException):
    """Shrinking has taken long enough."""


def _shrunk(interpreter: Comparing, number: int) -> tuple[str, str] | None:
    """Return the smallest program found that differs, and how; None when none does alone."""
    found: list[tuple[str, str]] = []
    deadline = time.monotonic() + SHRINKING

    def check(source: str) -> None:
        if time.monotonic() > deadline:
            raise _EnoughError
        try:
            interpreter.check(source)
        except Difference as difference:
            found.append((source, str(difference)))
            raise

    with contextlib.suppress(Difference, _EnoughError):
        portion(number, check)
    return min(found, key=lambda one: len(one[0]), default=None)
