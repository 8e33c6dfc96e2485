"""Measure lines and branches for coverage.py to report, on every CPython from 3.12 on.

    python examples/branches.py app.py ARG…
    python examples/branches.py --include 'app/*.py' -m app ARG…

coverage.py (``pip install coverage``) knows which lines and branches a file has, and prints what it
prints after ``coverage run --branch``; this finds out which of them were executed. coverage.py's
own core on `sys.monitoring` has no branches before 3.14; there it needs `sys.settrace`, which is
called for each line, each time. This program disables an event as soon as nothing new can come of
it: lines and exits after the first time, and branches after both ways. On 3.12 and 3.13 DISABLE
silences both ways of a branch, so a branch that always goes the same way remains an event each
time; from 3.14 on each way is disabled alone. docs/benchmarks.md has figures.

Each event says at which instruction execution is. From there execution goes one way, up to the
next branch or exit, which are events of their own. So the program reads from the bytecode where
each way leads, after the measured program has ended. An exception before the next line hides
that: a line counts as reached from another only if it was executed, also if a third line led to
it. An exception that leaves a function counts as a way out of it, as in coverage.py with
``sys.settrace``.
"""

from __future__ import annotations

import argparse
import dis
import os
import runpy
import sys
from bisect import bisect_left
from collections import defaultdict
from types import CodeType

from coverage import Coverage

from codetracer import (
    DISABLE,
    CallbackOutcome,
    EventSet,
    Monitor,
    MonitoringEvents,
    PathFilter,
    Tracer,
    events_union,
    frame,
    handler_at,
)

type Arc = tuple[int, int]
"""From line to line, as coverage.py has it; minus a function's first line stands for its end."""

ENDS = ("RAISE_VARARGS", "RERAISE", "RETURN_CONST", "RETURN_VALUE")


class Branches(Tracer):
    """Notes where each code object was executed.

    Parameters:
        paths: which files are measured.
    """

    def __init__(self, paths: PathFilter) -> None:
        self._paths = paths
        # By id: code objects of different files may be equal.
        self._seen: dict[int, _Seen] = {}

    def interest(self, events: MonitoringEvents) -> EventSet:
        # Each way of a branch is an event from 3.14 on, and can be disabled alone.
        branches = events_union(events.BRANCH_LEFT, events.BRANCH_RIGHT) or events.BRANCH
        return super().interest(events) & ~events.BRANCH | branches

    def on_line(self, code: CodeType, line: int) -> CallbackOutcome:
        if (seen := self._of(code)) and (here := frame(code)):
            seen.lines.add(here.f_lasti)
        return DISABLE

    def on_branch(self, code: CodeType, offset: int, destination: int) -> CallbackOutcome:
        if (seen := self._of(code)) is None:
            return DISABLE
        ways = seen.ways[offset]
        ways.add(destination)
        return DISABLE if len(ways) == 2 else None

    def on_branch_left(self, code: CodeType, offset: int, destination: int) -> CallbackOutcome:
        self.on_branch(code, offset, destination)
        return DISABLE

    def on_branch_right(self, code: CodeType, offset: int, destination: int) -> CallbackOutcome:
        self.on_branch(code, offset, destination)
        return DISABLE

    def on_py_return(self, code: CodeType, offset: int, retval: object) -> CallbackOutcome:
        if seen := self._of(code):
            seen.exits.add(offset)
        return DISABLE

    def on_py_unwind(self, code: CodeType, offset: int, exception: BaseException) -> None:
        if seen := self._of(code):
            seen.exits.add(offset)

    def on_exception_handled(self, code: CodeType, offset: int, exception: BaseException) -> None:
        trace = exception.__traceback__
        if (seen := self._of(code)) and trace and trace.tb_frame.f_code is code:
            seen.handled.add((trace.tb_lasti, offset))

    def _of(self, code: CodeType) -> _Seen | None:
        seen = self._seen.get(id(code))
        if seen is None and self._paths.selects(code):
            seen = self._seen[id(code)] = _Seen(code)
        return seen

    def arcs(self) -> dict[str, set[Arc]]:
        """Return for each file what was executed of it."""
        found: dict[str, set[Arc]] = defaultdict(set)
        for seen in self._seen.values():
            found[seen.code.co_filename] |= seen.arcs()
        return found


class _Seen:
    """The offsets of one code object that events have carried."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.lines: set[int] = set()
        self.ways: dict[int, set[int]] = defaultdict(set)
        self.exits: set[int] = set()
        self.handled: set[tuple[int, int]] = set()

    def arcs(self) -> set[Arc]:
        line_of = [line for line, *_ in self.code.co_positions()]
        reached = {line for offset in self.lines if (line := line_of[offset // 2])}
        found = {(line, line) for line in reached}
        for offset in self.exits:
            if line := line_of[offset // 2]:
                found.add((line, -self.code.co_firstlineno))

        instructions = list(dis.get_instructions(self.code))
        steps = {(offset, offset) for offset in self.lines}
        steps |= {(offset, to) for offset, ways in self.ways.items() for to in ways}
        # An exception that was raised again meanwhile came from elsewhere than its traceback says.
        steps |= {each for each in self.handled if handler_at(self.code, each[0]) == each[1]}
        for offset, destination in steps:
            line, to = line_of[offset // 2], _next_line(instructions, offset, destination, line_of)
            if line and to in reached:
                found.add((line, to))
        return found


def _next_line(
    instructions: list[dis.Instruction], start: int, destination: int, line_of: list[int | None]
) -> int | None:
    """Return the line to which execution comes next from `destination`, if it has no choice."""
    passed = set()
    while destination not in passed:
        passed.add(destination)
        at = bisect_left(instructions, destination, key=lambda each: each.offset)
        each = instructions[at]
        line = line_of[each.offset // 2]
        if line and line != line_of[start // 2]:
            return line
        # SEND goes on there when what is awaited has ended, and fires no event.
        if each.opname.startswith(("JUMP", "SEND")):
            destination = each.argval
        elif each.opcode in dis.hasjrel or each.opname in ENDS:
            break
        else:
            destination = instructions[at + 1].offset
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure lines and branches of a program.")
    parser.add_argument("--include", action="append", default=[], metavar="GLOB", help="files")
    parser.add_argument("-m", action="store_true", dest="module", help="PROGRAM is a module")
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("arguments", metavar="ARG", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    branches = Branches(PathFilter(asked.include))
    path = os.path.abspath(asked.program)
    sys.argv = [asked.program, *asked.arguments]
    sys.path[0] = os.getcwd() if asked.module else os.path.dirname(path)
    try:
        with Monitor("branches").installed(branches):
            if asked.module:
                runpy.run_module(asked.program, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(path, run_name="__main__")
    finally:
        coverage = Coverage(data_file=None, branch=True)
        coverage.get_data().add_arcs(branches.arcs())
        coverage.report(show_missing=True)


if __name__ == "__main__":
    main()
