"""Compares the stops of a debugger that stepped through programs with those of `bdb`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.debugged_programs import PROGRAMS
from tests.support.running import ROOT, trace_environ, write

__all__ = ["Row", "Walk", "as_in_bdb", "make_programs", "row"]

OBJECT_NUMBER = re.compile(r" #[0-9]+")


class Row(NamedTuple):
    """The stack and the variables at a stop."""

    stack: list[tuple[str, int]]
    variables: dict[str, dict[str, str | None]]


type Walk = tuple[Sequence[Row], Sequence[Row]]
"""The rows that a thread showed forwards, and those that it showed backwards."""


def make_programs(folder: Path) -> None:
    """Record each program into a folder of its name, and have `bdb` look at it there."""
    for name, program in PROGRAMS.items():
        write(folder / name, {"app.py": program.text})
    script = ROOT / "tests/support/bdb_steps.py"
    command = [sys.executable, str(script), *(str(folder / name) for name in PROGRAMS)]
    subprocess.run(command, check=True, env=trace_environ() | {"PYTHONHASHSEED": "0"})


def row(stack: Sequence[Sequence[Any]], variables: dict[str, dict[str, str]]) -> Row:
    """Return what can be seen at a stop, without the numbers of objects."""
    texts: dict[str, dict[str, str | None]] = {
        scope: {name: OBJECT_NUMBER.sub("", value) for name, value in values.items()}
        for scope, values in variables.items()
    }
    return Row([(str(name), int(line)) for name, line in stack], {"Locals": {}, **texts})


def as_in_bdb(walks: Sequence[Walk], folder: Path) -> None:
    """Assert that each thread was seen as in a live run, and the same backwards.

    Parameters:
        walks: what was seen in each thread.
        folder: the folder of the program.
    """
    threads = _seen_by_bdb(folder)
    assert len(walks) == len(threads) == 1 + len(PROGRAMS[folder.name].others)
    for forwards, backwards in walks:
        assert list(backwards) == list(forwards)[::-1]
        (live,) = (rows for rows in threads if rows[0].stack == forwards[0].stack)
        assert [each.stack for each in forwards] == [each.stack for each in live]
        for each, there in zip(forwards, live, strict=True):
            # Since 3.14 annotations are evaluated with stand-ins in the place of global variables.
            if not each.stack[0][0].endswith("__annotate__"):
                assert _without_unseen(each, there) == there


def _seen_by_bdb(folder: Path) -> list[list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for path in folder.glob("seen-*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            seen = json.loads(line)
            stack = [(name, line) for name, line in seen.pop("stack")]
            thread = found.setdefault((path.name, seen.pop("thread")), [])
            thread.append(Row(stack, seen))
    return [*found.values()]


def _without_unseen(each: Row, there: Row) -> Row:
    """Return a row without the values that `bdb` has no text for."""
    cleaned = {
        scope: {
            name: None if there.variables[scope].get(name, "") is None else value
            for name, value in values.items()
        }
        for scope, values in each.variables.items()
    }
    return Row(each.stack, cleaned)
