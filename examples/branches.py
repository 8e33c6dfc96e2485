"""Measure lines and branches, for coverage.py to report: on every CPython from 3.12 on.

    python examples/branches.py app.py ARG…
    python examples/branches.py --include 'app/*.py' -m app ARG…

coverage.py (`pip install coverage`) knows which lines and branches a file has, and prints what it
prints after ``coverage run --branch``; this says which of them the program came through. On 3.12
and 3.13 coverage.py itself can measure branches with `sys.settrace` only, which is called for each
line, each time. Here a place that has told all it can tell is disabled, and costs nothing.

An event says that execution is at some instruction. From there it takes the same way each time, up
to the next branch or to the end of the frame, which are events of their own: so the lines on that
way are looked up in the bytecode when the program has ended.
"""

from __future__ import annotations

import argparse
import atexit
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
)

type Arc = tuple[int, int]
"""From line to line, as coverage.py has it: to minus its first line is out of a function."""

ENDS = ("RAISE_VARARGS", "RERAISE", "RETURN_CONST", "RETURN_VALUE")


class Branches(Tracer):
    """Notes once from where to where each file's code was executed.

    Parameters:
        paths: the files that are measured.
    """

    def __init__(self, paths: PathFilter) -> None:
        self._paths = paths
        self._codes: dict[int, CodeType] = {}
        # By the number of a code object: offsets from which execution went on, and where to.
        self._steps: dict[int, set[tuple[int, int]]] = defaultdict(set)
        self._exits: dict[int, set[int]] = defaultdict(set)

    def interest(self, events: MonitoringEvents) -> EventSet:
        branches = events_union(events.BRANCH_LEFT, events.BRANCH_RIGHT) or events.BRANCH
        return events_union(events.LINE, events.PY_RETURN, events.PY_UNWIND, branches)

    def on_line(self, code: CodeType, line: int) -> CallbackOutcome:
        if self._paths.selects(code) and (here := frame(code)) is not None:
            self._note(code, here.f_lasti, here.f_lasti)
        return DISABLE

    def on_branch(self, code: CodeType, offset: int, destination: int) -> CallbackOutcome:
        # 3.12 and 3.13: DISABLE silences both ways.
        if not self._paths.selects(code):
            return DISABLE
        self._note(code, offset, destination)
        ways = [step for step in self._steps[id(code)] if step[0] == offset != step[1]]
        return DISABLE if len(ways) == 2 else None

    def on_branch_left(self, code: CodeType, offset: int, destination: int) -> CallbackOutcome:
        if self._paths.selects(code):
            self._note(code, offset, destination)
        return DISABLE

    on_branch_right = on_branch_left

    def on_py_return(self, code: CodeType, offset: int, retval: object) -> CallbackOutcome:
        if self._paths.selects(code):
            self._codes[id(code)] = code
            self._exits[id(code)].add(offset)
        return DISABLE

    def on_py_unwind(self, code: CodeType, offset: int, exception: BaseException) -> None:
        self.on_py_return(code, offset, exception)

    def _note(self, code: CodeType, offset: int, destination: int) -> None:
        self._codes[id(code)] = code
        self._steps[id(code)].add((offset, destination))

    def arcs(self) -> dict[str, set[Arc]]:
        """Return, by file, what was executed."""
        found: dict[str, set[Arc]] = defaultdict(set)
        for number, code in self._codes.items():
            lines = _Lines(code)
            steps = self._steps[number]
            reached = {lines.at(offset) for offset, destination in steps if offset == destination}
            found[code.co_filename] |= {(line, line) for line in reached if line}
            for offset, destination in steps:
                if (arc := lines.arc(offset, destination)) and arc[1] in reached:
                    found[code.co_filename].add(arc)
            for offset in self._exits[number]:
                if (line := lines.at(offset)) is not None:
                    found[code.co_filename].add((line, -code.co_firstlineno))
        return found


class _Lines:
    """The lines that the code goes through."""

    def __init__(self, code: CodeType) -> None:
        self._instructions = list(dis.get_instructions(code))
        self._offsets = [each.offset for each in self._instructions]
        self._lines = [line for line, *_ in code.co_positions()]

    def at(self, offset: int) -> int | None:
        return self._lines[offset // 2]

    def arc(self, offset: int, destination: int) -> Arc | None:
        """Return where execution goes on from the line at an offset; None where events tell it."""
        line = self.at(offset)
        seen = set()
        while line is not None and destination not in seen:
            seen.add(destination)
            at = bisect_left(self._offsets, destination)
            each = self._instructions[at]
            here = self.at(each.offset)
            if here is not None and here != line:
                return line, here
            if each.opname.startswith("JUMP"):
                destination = each.argval
            elif each.opcode in dis.hasjrel or each.opname in ENDS:
                break
            else:
                destination = self._offsets[at + 1]
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure lines and branches of a program.")
    parser.add_argument("--include", action="append", default=[], metavar="GLOB")
    parser.add_argument("-m", action="store_true", dest="module", help="PROGRAM is a module")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    branches = Branches(PathFilter(asked.include))
    monitor = Monitor("branches")

    def report() -> None:
        monitor.uninstall()
        coverage = Coverage(data_file=None, branch=True)
        coverage.get_data().add_arcs(branches.arcs())
        coverage.report(show_missing=True)

    # What runs last: threads and atexit functions of the program count as well.
    atexit.register(report)
    sys.argv = [asked.program, *asked.arguments]
    sys.path[0] = os.getcwd() if asked.module else os.path.dirname(os.path.abspath(asked.program))
    monitor.install(branches)
    if asked.module:
        runpy.run_module(asked.program, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(asked.program, run_name="__main__")


if __name__ == "__main__":
    main()
