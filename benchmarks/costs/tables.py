"""Makes tables, in Markdown or for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.costs.measuring import Cost
from benchmarks.costs.ways import FLOOR, UNTRACED

__all__ = [
    "Row",
    "details",
    "lines",
    "number",
    "recordings",
    "rows_of",
    "scaled_row",
    "summary",
]

NONE = "-"

LEAST = 0.01
"""The work, in s, below which nothing is compared with it."""


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
    work_steps: int | None
    """Those without the steps of the run that only imports."""
    step_time: float
    """µs of CPU time that a step adds, without importing; nan if it has no steps."""
    size: int | None
    """The log's bytes."""
    step_bytes: float
    memory: float
    """The most that it had resident more than untraced, in MiB."""
    turns: int
    problem: str | None
    is_bound: bool = False
    """True if it had not ended within the time limit, and so takes more than this."""


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
        steps_from: the way whose recording says how many steps there are.
    """
    plain, plain_none = full[UNTRACED], none[UNTRACED]
    work = plain.cpu - plain_none.cpu
    recording, bare_recording = full[steps_from].recording, none[steps_from].recording
    rows = []
    for name, cost in full.items():
        bare = none[name]
        inside = cost.cpu - bare.cpu
        steps, work_steps, step_time = None, None, math.nan
        if recording and bare_recording and name != UNTRACED:
            steps = recording.steps
            work_steps = steps - bare_recording.steps
            if work_steps:
                step_time = (inside - work) / work_steps * 1e6
        rows.append(
            Row(
                program,
                name,
                plain.cpu,
                work,
                cost.cpu,
                cost.cpu / plain.cpu,
                inside / work if work > LEAST else math.nan,
                steps,
                work_steps,
                step_time,
                cost.recording.size if cost.recording else None,
                cost.recording.size / steps if cost.recording and steps else math.nan,
                (cost.memory - plain.memory) / 1024,
                cost.turns,
                cost.problem or bare.problem,
            )
        )
    return rows


def scaled_row(
    program: str,
    way: str,
    rows: Sequence[Row],
    small: tuple[float, float, int],
    is_bound: bool,
) -> Row:
    """Return the row of a very slow way, which only had a small amount of work.

    What a step adds there is what it would add in all steps.

    Parameters:
        program: the program's name.
        way: the way's name.
        rows: the rows of the program in the other ways.
        small: the CPU time of the small run in this way, untraced, and its steps.
        is_bound: whether it was ended before its end.
    """
    plain = next(row for row in rows if row.way == UNTRACED)
    recorded = next(row for row in rows if row.steps)
    taken, untraced, steps = small
    step_time = (taken - untraced) / steps * 1e6
    added = step_time / 1e6 * (recorded.steps or 0)
    inside = step_time / 1e6 * (recorded.work_steps or 0)
    return plain._replace(
        way=way,
        cpu=plain.untraced + added,
        ratio=1 + added / plain.untraced,
        work_ratio=(1 + inside / plain.untraced_work if plain.untraced_work > LEAST else math.nan),
        steps=recorded.steps,
        step_time=step_time,
        size=None,
        step_bytes=math.nan,
        memory=math.nan,
        turns=1,
        is_bound=is_bound,
    )


def number(value: float | None, form: str) -> str:
    """Return a number as it is written in a table."""
    return NONE if value is None or math.isnan(value) else format(value, form)


def sign_of(row: Row) -> str:
    """Return what is written before the figures of a row."""
    return ">" if row.is_bound else ""


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
        sign = ">" if any(row.is_bound for row in own) else ""
        whole = max(own, key=lambda row: row.ratio)
        work = max(own, key=lambda row: -1 if math.isnan(row.work_ratio) else row.work_ratio)
        largest = max(own, key=lambda row: 0 if math.isnan(row.step_bytes) else row.step_bytes)
        yield [
            way,
            str(len(own)),
            f"**{sign}{geometric_mean(row.ratio for row in own):.2f}**",
            f"{sign_of(whole)}{whole.ratio:.1f} ({whole.program})",
            f"**{sign}{geometric_mean(row.work_ratio for row in own):.2f}**",
            f"{sign_of(work)}{work.work_ratio:.1f} ({work.program})",
            sign + number(geometric_mean(row.step_time for row in own), ".3f"),
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
            (
                "failed"
                if row.problem
                else " / ".join(
                    sign_of(row) + number(ratio, ".1f") for ratio in (row.ratio, row.work_ratio)
                )
            )
            for row in own[1:]
        ]
        yield cells


def recordings(rows: Sequence[Row], ways: Sequence[str]) -> Iterable[list[str]]:
    """Return the cells of a table with a row for each recording, and the floor beside it."""
    yield [
        "program",
        "way",
        "steps",
        "bytes",
        "bytes a step",
        "µs a step",
        "the floor's",
        "memory added, MiB",
    ]
    floors = {row.program: row.step_time for row in rows if row.way == FLOOR}
    for row in rows:
        if row.size is not None and row.way in ways and not row.problem:
            yield [
                row.program,
                row.way,
                number(row.steps, ","),
                number(row.size, ","),
                number(row.step_bytes, ".2f"),
                number(row.step_time, ".3f"),
                number(floors.get(row.program), ".3f"),
                number(row.memory, ".1f"),
            ]


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
