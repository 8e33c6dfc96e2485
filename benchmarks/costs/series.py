"""Measures how the cost of a step grows with the steps, objects in reach, threads and tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.costs.measuring import Application
from benchmarks.costs.tables import Row, number
from benchmarks.costs.ways import UNTRACED

__all__ = ["SERIES", "Series", "cells"]


class Series(NamedTuple):
    """Programs of benchmarks/growth/ whose costs are compared.

    Attributes:
        title: what the table is about.
        programs: the programs; the first is the one that the others are compared with.
        quick: how many of them a quick run has.
        python: whether the engine in Python records them, too.
        peers: whether other tools run them, too.
        often: how many times more turns they have.
    """

    title: str
    programs: list[Application]
    quick: int = 2
    python: bool = False
    peers: bool = False
    often: int = 1


def _program(
    name: str, file: str, full: Sequence[int], none: Sequence[int], small: Sequence[int]
) -> Application:
    words = ([str(each) for each in amounts] for amounts in (full, small, none))
    return Application(name, [file], *words)


def _loops(amounts: Iterable[int]) -> list[Application]:
    return [
        _program(f"{steps:,} steps", "loop.py", [steps // 4], [0], [steps // 40])
        for steps in amounts
    ]


TURNS = 200_000
"""About a million steps."""


def _shared(what: str, file: str, counts: Iterable[int]) -> list[Application]:
    return [
        _program(
            f"{count:,} {what if count > 1 else what.removesuffix('s')}",
            file,
            [count, TURNS],
            [count, 0],
            [count, TURNS // 10],
        )
        for count in counts
    ]


SERIES = {
    "empty": Series("An empty program", [_program("empty", "empty.py", (), (), ())], often=4),
    "loop": Series(
        "A tight loop over a dict and ints", _loops([1_700_000]), python=True, peers=True
    ),
    "steps": Series(
        "How cost grows with the steps of a loop",
        _loops([10_000, 100_000, 1_000_000, 5_000_000, 10_000_000]),
        often=2,
    ),
    "objects": Series(
        "How cost grows with the objects in reach",
        [
            _program(
                f"{objects:,} object{'s'[: objects > 1]}",
                "reachable.py",
                [objects, TURNS // 4],
                [objects, 0],
                [objects, TURNS // 40],
            )
            for objects in (1, 10, 100, 1_000, 10_000, 100_000)
        ],
        quick=3,
    ),
    "items": Series(
        "How cost grows with the items of the dict in the loop",
        [
            _program(
                f"{keys:,} item{'s'[: keys > 1]}",
                "loop.py",
                [TURNS // 4, keys],
                [0, keys],
                [TURNS // 40, keys],
            )
            for keys in (1, 10, 100, 1_000)
        ],
    ),
    "threads": Series(
        "How cost grows with threads, for the same work",
        _shared("threads", "in_threads.py", (1, 2, 8)),
    ),
    "tasks": Series(
        "How cost grows with asyncio tasks, for the same work",
        _shared("tasks", "in_tasks.py", (1, 1_000)),
    ),
}


def cells(series: Series, rows: Sequence[Row]) -> Iterable[list[str]]:
    """Return the cells of a table with a row for each program and way."""
    yield [
        "program",
        "way",
        "steps",
        "CPU time, s",
        "added, s",
        "times untraced",
        "µs a step",
        "times the first",
        "bytes a step",
        "memory added, MiB",
    ]
    first = {row.way: row.step_time for row in rows if row.program == series.programs[0].name}
    for row in rows:
        untraced = row.way == UNTRACED
        if row.problem:
            yield [row.program, row.way, "failed", *["-"] * 7]
            continue
        sign = ">" if row.is_bound else ""
        yield [
            row.program,
            row.way,
            f"{row.steps:,}" if row.steps else "-",
            sign + number(row.cpu, ".3f"),
            "-" if untraced else sign + number(row.cpu - row.untraced, ".3f"),
            "-" if untraced else sign + number(row.ratio, ".1f"),
            sign + number(row.step_time, ".3f"),
            number(row.step_time / first[row.way], ".2f"),
            number(row.step_bytes, ".2f"),
            number(row.memory, ".1f"),
        ]
