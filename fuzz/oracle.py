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

__all__ = ["Found", "run_oracle"]

PORTION = 25
"""Programs that run in one process, one after the other."""


class Found(NamedTuple):
    """What one portion of programs has shown on one interpreter."""

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
    engines: Sequence[str] = (),
    root: Path = ROOT,
) -> tuple[dict[str, Figures], list[str]]:
    """Compare `count` programs on each interpreter; return the figures, and the differences.

    Each difference is written to `save`; the first of each portion is made smaller.
    Nothing new begins after `deadline` (of `time.monotonic`).
    """
    figures: dict[str, Figures] = {python: Figures() for python in pythons}
    differences: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = list(_started(pool, pythons, count, first_seed, deadline, save, engines, root))
        for future in waiting:
            found = future.result()
            if found is None:
                continue
            of_python = figures[found.python]
            of_python.programs += found.figures.programs
            of_python.add(found.figures.by_event)
            for seed, said in found.differences.items():
                differences.append(f"seed {seed}: {said}")
                print(f"DIFFERENCE seed {seed}: {said}", flush=True)
    return figures, differences


def _started(
    pool: ProcessPoolExecutor,
    pythons: Sequence[str],
    count: int,
    first_seed: int,
    deadline: float,
    save: Path,
    engines: Sequence[str],
    root: Path,
) -> Iterator[Future[Found | None]]:
    for first in range(first_seed, first_seed + count, PORTION):
        seeds = range(first, min(first + PORTION, first_seed + count))
        for python in pythons:
            yield pool.submit(_portion, python, seeds, deadline, save, engines, root)


def _portion(
    python: str, seeds: range, deadline: float, save: Path, engines: Sequence[str], root: Path
) -> Found | None:
    if time.monotonic() > deadline:
        return None
    snapshots = Snapshots(python, root, engines)
    try:
        sources = [program(seed) for seed in seeds]
        differences = snapshots.compare(sources)
        said: dict[int, str] = {}
        for place, difference in differences.items():
            source, message = sources[place], str(difference)
            if not said:
                source, message = reduced(snapshots, source, message)
            save.mkdir(parents=True, exist_ok=True)
            path = save / f"mutations-{seeds[place]}.py"
            path.write_text(source, encoding="utf-8")
            said[seeds[place]] = f"{path}: {message}\n{_last(source)}"
        return Found(python, seeds, snapshots.figures, snapshots.ways, said)
    finally:
        snapshots.close()


def _last(source: str) -> str:
    lines = source.splitlines()
    return source if len(lines) <= 40 else f"({len(lines)} lines)\n"
