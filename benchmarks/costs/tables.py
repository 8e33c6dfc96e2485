"""Makes tables, in Markdown or for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.costs.measuring import Cost
from benchmarks.costs.ways import UNTRACED

__all__ = ["Row", "geometric_mean", "lines", "rows_of", "summary"]

NONE = "-"


class Row(NamedTuple):
    """One program in one way."""

    program: str
    way: str
    untraced: float
    """CPU seconds of the whole process, untraced."""
    untraced_work: float
    """The same without those of the run that only imports."""
    cpu: float
    ratio: float
    """Of the whole processes."""
    work_ratio: float
    """The same without those of the run that only imports."""
    steps: int | None
    step_time: float
    """µs of CPU time that a step adds, without importing; nan if it has no steps."""
    step_bytes: float
    problem: str | None


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of those that are positive numbers."""
    known = [math.log(value) for value in values if value > 0]
    return math.exp(sum(known) / len(known)) if known else math.nan


def rows_of(
    program: str, full: dict[str, Cost], none: dict[str, Cost], steps_from: str
) -> list[Row]:
    """Return the rows of a program, one for each way.

    Parameters:
        program: its name.
        full: what it took, in each way.
        none: what it took only to import.
        steps_from: the way whose recording says how many steps there are, for ways without any.
    """
    plain, plain_none = full[UNTRACED], none[UNTRACED]
    work = plain.cpu - plain_none.cpu
    reference = full.get(steps_from), none.get(steps_from)
    rows = []
    for name, cost in full.items():
        bare = none[name]
        recording, bare_recording = cost.recording, bare.recording
        if recording is None and name != UNTRACED:
            recording, bare_recording = (each.recording if each else None for each in reference)
        inside = cost.cpu - bare.cpu
        steps, step_time = None, math.nan
        if recording and bare_recording and name != UNTRACED:
            steps = recording.steps
            step_time = (inside - work) / (steps - bare_recording.steps) * 1e6
        rows.append(
            Row(
                program,
                name,
                plain.cpu,
                work,
                cost.cpu,
                cost.cpu / plain.cpu,
                inside / work,
                steps,
                step_time,
                cost.recording.size / cost.recording.steps if cost.recording else math.nan,
                cost.problem or bare.problem,
            )
        )
    return rows


def number(value: float | None, form: str) -> str:
    """Return a number as it is written in a table."""
    return NONE if value is None or math.isnan(value) else format(value, form)


def summary(rows: Sequence[Row], ways: Sequence[str]) -> Iterable[list[str]]:
    """Return the cells of a table with a row for each way, over all programs."""
    yield [
        "way",
        "programs",
        "whole: geometric mean",
        "worst",
        "work: geometric mean",
        "worst",
        "µs a step",
        "bytes a step",
        "worst",
    ]
    for way in ways:
        own = [row for row in rows if row.way == way and not row.problem]
        if not own:
            continue
        whole = max(own, key=lambda row: row.ratio)
        work = max(own, key=lambda row: row.work_ratio)
        largest = max(own, key=lambda row: 0 if math.isnan(row.step_bytes) else row.step_bytes)
        yield [
            way,
            str(len(own)),
            f"**{geometric_mean(row.ratio for row in own):.2f}**",
            f"{whole.ratio:.1f} ({whole.program})",
            f"**{geometric_mean(row.work_ratio for row in own):.2f}**",
            f"{work.work_ratio:.1f} ({work.program})",
            number(geometric_mean(row.step_time for row in own), ".2f"),
            number(geometric_mean(row.step_bytes for row in own), ".2f"),
            (
                NONE
                if math.isnan(largest.step_bytes)
                else f"{largest.step_bytes:.1f} ({largest.program})"
            ),
        ]


def details(
    rows: Sequence[Row], programs: Sequence[str], ways: Sequence[str]
) -> Iterable[list[str]]:
    """Return the cells of a table with a row for each program: its work in every way."""
    yield ["program", "steps", "untraced, s", "work, s", *(way for way in ways if way != UNTRACED)]
    found = {(row.program, row.way): row for row in rows}
    for program in programs:
        own = [found[program, way] for way in ways if (program, way) in found]
        steps = max((row.steps or 0 for row in own), default=0)
        cells = [program, f"{steps:,}", f"{own[0].untraced:.2f}", f"{own[0].untraced_work:.2f}"]
        cells += [
            "failed" if row.problem else f"{row.ratio:.1f} / {row.work_ratio:.1f}"
            for row in own[1:]
        ]
        yield cells


def lines(cells: Iterable[list[str]], markdown: bool) -> Iterable[str]:
    """Return the lines of a table whose first row is its head."""
    table = list(cells)
    if markdown:
        for at, row in enumerate(table):
            yield f"| {' | '.join(row)} |"
            if not at:
                yield "|---|" + "--:|" * (len(row) - 1)
        return
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    for row in table:
        first, *rest = (
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *rest]).rstrip()
