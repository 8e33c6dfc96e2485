"""Random programs recorded by each engine, and compared with a full snapshot at every step."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from fuzz.mutation_classes import MODULE
from fuzz.ways import ROOT, Comparing, Difference, Figures, environment, ways_of
from tests.support.recordings import FULL, Step, calls, steps

__all__ = ["Snapshots", "Wrong", "difference"]

SECONDS = 120
"""The time that a process may take to run the programs of one call."""

HEAD = """\
import gc, sys, threading, mutation_classes
gc.disable()
sys.unraisablehook = threading.excepthook = id
"""
"""Without other collections, a recorder's allocations do not decide when a cycle dies."""

EACH = """\
try: import {0}
except Exception: pass
{1}
gc.collect()
"""
LET_GO = "sys.modules.pop('{0}', None); {0} = None"
"""Half of the programs are let go at once: what comes next is made where they were."""


_PROGRAM = re.compile(r"program_(\d+)\.py")


class Wrong(NamedTuple):
    """The first thing that is not recorded as it is.

    Attributes:
        number: the number of the step in its thread.
        what: the variable, with ``local`` or ``global``, or what else is wrong.
    """

    number: int
    step: Step
    what: str
    expected: object
    found: object

    def __str__(self) -> str:
        before = "" if self.what == "place" else f", before line {self.step.line} runs"
        return (
            f"step {self.number}, {self.step.file}, {self.step.code}{before}: {self.what}\n"
            f"    expected {_short(self.expected)}\n    found    {_short(self.found)}"
        )


class Snapshots(Comparing):
    """Records programs on one interpreter, many in one process.

    Parameters:
        python: its path.
        root: where the code of codetracer is.
        engines: which of them record; all if there are none.
        detail: what they record: ``values``, which is compared at each step, or ``calls``, of which
            arguments and results are compared.

    Attributes:
        figures: what was compared; events are steps, or calls and their ends, by the engine that
            recorded them.
    """

    def __init__(
        self,
        python: str,
        root: Path = ROOT,
        engines: Sequence[str] = (),
        detail: str = "values",
    ) -> None:
        self._detail = detail
        self.python = python
        self.ways = [way for way in ways_of(python, root)[2:] if not engines or way in engines]
        self.figures = Figures()
        self._root = root
        self._in_c = "in-c" if "native" in ways_of(python, root) else "without-c"
        self._numbers = count()
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz"))

    def close(self) -> None:
        """Remove what is left."""
        shutil.rmtree(self._folder)

    def compare(self, sources: Sequence[str]) -> dict[int, Difference]:
        """Run programs; return the differences by the program's place in `sources`."""
        folder = self._folder / f"programs-{next(self._numbers)}"
        folder.mkdir()
        names = [f"program_{place}" for place in range(len(sources))]
        app = HEAD
        for place, (name, source) in enumerate(zip(names, sources, strict=True)):
            (folder / f"{name}.py").write_text(source, encoding="utf-8")
            app += EACH.format(name, LET_GO.format(name) if place % 2 else "pass")
        (folder / "app.py").write_text(app, encoding="utf-8")
        (folder / "mutation_classes.py").write_text(MODULE, encoding="utf-8")
        runs = {"": self._snapshot(folder)} | {way: self._record(way, folder) for way in self.ways}
        differences: dict[int, Difference] = {}
        try:
            for way, process in runs.items():
                self._end(way, process)
            true = _of_programs(self._true(folder))
            for way in self.ways:
                read = calls if self._detail == "calls" else steps
                found = _of_programs(read(folder / way))
                for place, expected in true.items():
                    wrong = difference(expected, found.get(place, []))
                    if wrong is not None:
                        said = Difference(f"{self.python}, {way}: {wrong}")
                        differences.setdefault(max(place, 0), said)
                self.figures.add({way: sum(map(len, found.values()))})
        except Difference as ended:
            if len(sources) == 1:
                return {0: ended}
            for place, source in enumerate(sources):
                if alone := self.compare([source]):
                    differences[place] = alone[0]
            return differences or {0: ended}
        finally:
            for process in runs.values():
                process.kill()
                process.communicate()
        shutil.rmtree(folder)
        self.figures.programs += len(sources)
        return differences

    def _snapshot(self, folder: Path) -> subprocess.Popen[str]:
        oracle = str(ROOT / "tests" / "support" / "oracle.py")
        what = "calls" if self._detail == "calls" else "lines"
        return self._start("", folder, oracle, "app.py", "snapshots", self._in_c, what)

    def _record(self, way: str, folder: Path) -> subprocess.Popen[str]:
        detail = ("--detail", self._detail)
        options = ("record", "-q", "--io-capture=off", *detail, *FULL, "-o", way)
        return self._start(way, folder, "-m", "codetracer", *options, "app.py")

    def _start(self, way: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-X", "faulthandler", "-W", "ignore", *arguments],
            cwd=folder,
            env=environment(way, self._root),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def _end(self, way: str, process: subprocess.Popen[str]) -> None:
        name = way or "the oracle"
        try:
            _, said = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Difference(f"{self.python}, {name}: no end after {SECONDS} s") from None
        if process.returncode or said:
            raise Difference(
                f"{self.python}, {name}: the process ended, exit {process.returncode}\n"
                f"{said[-2000:]}"
            )

    @staticmethod
    def _true(folder: Path) -> Iterator[Step]:
        with open(folder / "snapshots", encoding="utf-8") as lines:
            for line in lines:
                yield Step(**json.loads(line))


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 1_000 else f"{text[:1_000]}…"


def _of_programs(found: Iterable[Step]) -> dict[int, list[Step]]:
    """Return the steps of each program; -1 is what comes before the first.

    Threads wait for each other, so the order of steps is the same each time.
    """
    programs: dict[int, list[Step]] = {}
    place = -1
    for step in found:
        program = _PROGRAM.fullmatch(step.file)
        if program is not None and step.code == "<module>":
            place = int(program[1])
        programs.setdefault(place, []).append(step)
    return programs


def difference(true: Sequence[Step], found: Sequence[Step]) -> Wrong | None:
    """Return the first difference of the steps of a program."""
    for number, (one, other) in enumerate(zip(true, found, strict=False)):
        if one[:4] != other[:4]:
            return Wrong(number, one, "place", one[:4], other[:4])
        if one != other and not _has_more(one, other):
            return _variable(number, one, other)
    if len(true) != len(found):
        last = true[min(len(found), len(true) - 1)]
        return Wrong(len(found), last, "steps", len(true), len(found))
    return None


def _has_more(one: Step, other: Step) -> bool:
    """Return whether a module has a local variable, which is a comprehension's.

    A defect: all numbers of objects are different then, so the step cannot be compared.
    """
    return one.code == "<module>" and not one.locals and "j" in other.locals


def _variable(number: int, one: Step, other: Step) -> Wrong:
    for scope in ("locals", "globals"):
        true, found = getattr(one, scope), getattr(other, scope)
        for name in sorted(true.keys() | found.keys()):
            if true.get(name) != found.get(name):
                what = f"{scope.removesuffix('s')} {name}"
                return Wrong(number, one, what, true.get(name), found.get(name))
    raise AssertionError((one, other))
