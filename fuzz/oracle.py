"""Programs that change their values, by the hundred: compared with snapshots, and made smaller."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from fuzz.mutations import program
from fuzz.reducing import reduced
from fuzz.snapshots import Snapshots
from fuzz.ways import ROOT, Figures

__all__ = ["Found", "Judged", "run_oracle"]

PORTION = 25
"""Programs that run in one process, one after the other."""


class Judged(NamedTuple):
    """The engines that record (all if empty), the root of the recorded code, the detail."""

    engines: Sequence[str] = ()
    root: Path = ROOT
    detail: str = "values"


class Found(NamedTuple):
    """The findings of one portion of programs on one interpreter."""

    python: str
    seeds: range
    figures: Figures
    ways: list[str]
    differences: dict[int, str]


def run_oracle(
    pythons: Sequence[str],
    count: int,
    first_seed: int,
    deadline: float,
    save: Path,
    judged: Judged,
) -> tuple[dict[str, Figures], list[str]]:
    """Compare `count` programs on each interpreter; return the figures, and the differences.

    Each difference is written to `save`; the first of each portion is made smaller.
    Nothing new begins after `deadline` (of `time.monotonic`).
    """
    figures: dict[str, Figures] = {python: Figures() for python in pythons}
    differences: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = list(_started(pool, pythons, count, first_seed, deadline, save, judged))
        for future in waiting:
            found = future.result()
            if found is None:
                continue
            of_python = figures[found.python]
            of_python.programs += len(found.seeds)
            of_python.add(found.figures.by_event)
            for seed, said in found.differences.items():
                differences.append(f"seed {seed}: {said}")
                print(f"DIFFERENCE seed {seed}: {said}", flush=True)
            compared = sum(one.programs for one in figures.values())
            print(f"{compared} programs, {len(differences)} differences", flush=True)
    return figures, differences


def _started(
    pool: ProcessPoolExecutor,
    pythons: Sequence[str],
    count: int,
    first_seed: int,
    deadline: float,
    save: Path,
    judged: Judged,
) -> Iterator[Future[Found | None]]:
    for first in range(first_seed, first_seed + count, PORTION):
        seeds = range(first, min(first + PORTION, first_seed + count))
        for python in pythons:
            yield pool.submit(_portion, python, seeds, deadline, save, judged)


def _portion(
    python: str, seeds: range, deadline: float, save: Path, judged: Judged
) -> Found | None:
    if time.monotonic() > deadline:
        return None
    snapshots = Snapshots(python, judged.root, judged.engines, judged.detail)
    try:
        sources = [program(seed) for seed in seeds]
        differences = snapshots.compare(sources)
        said: dict[int, str] = {}
        for place, difference in differences.items():
            source, message = sources[place], str(difference)
            # The others are, as a rule, the same difference.
            smaller = None if said else reduced(snapshots, source)
            save.mkdir(parents=True, exist_ok=True)
            path = save / f"mutations-{seeds[place]}.py"
            if smaller is not None:
                path.write_text(smaller[0], encoding="utf-8")
                said[seeds[place]] = f"{path}: {smaller[1]}\n{smaller[0]}"
            else:
                path.write_text(source, encoding="utf-8")
                said[seeds[place]] = f"{path}: {message}"
        return Found(python, seeds, snapshots.figures, snapshots.ways, said)
    finally:
        snapshots.close()
