"""The standard library's own test modules, run in every way.

Which ones is a rule: the files ``test_*.py`` of the interpreter's `test` package whose text has no
word of `WORDS`, in an order that the seed decides. Of these, a module counts when it runs at least
one test, ends alike when run twice untraced, and takes no longer than `SECONDS`.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.ways import WAYS, Difference, Figures, environment, ways_of

__all__ = ["Corpus", "candidates", "run_modules"]

WORDS = (
    # what looks at tracing, at the stack's depth, or at references: no two ways are alike there
    *("settrace", "setprofile", "monitoring", "recursion", "getrefcount", "refleak", "tracemalloc"),
    *("_testinternalcapi", "_testcapi", "gc.get"),
    # what depends on time, on other processes or on the network
    *("thread", "subprocess", "multiprocessing", "asyncio", "socket", "script_helper"),
    *("perf_counter", "monotonic", "timeit", "os.fork", "getpid", "urlopen", "tkinter"),
)
"""A test module that says one of these is left out."""

SECONDS = 0.5
"""Processor time that a module may take untraced."""

PATIENCE = 300

_NOISE = (
    (re.compile(r"\b\d+\.\d+ ?s\b"), "TIME"),
    (re.compile(r"0x[0-9a-fA-F]+"), "ADDRESS"),
    (re.compile(r"/\S*(tmp|temp)\S*"), "TEMPORARY"),
    (re.compile(r"@test_\d+_tmp\S*"), "TEMPORARY"),
)


class Run(NamedTuple):
    """The observations of a module that ran in one way."""

    code: int
    output: str
    report: dict[str, Any]


class Corpus:
    """Compares test modules on one interpreter."""

    def __init__(self, python: str) -> None:
        self.python = python
        self.ways = ways_of(python)
        self.figures = Figures()
        self.left_out: dict[str, list[str]] = {}
        self.sees: dict[str, str] = {}
        self.differences: list[str] = []

    def check(self, module: str) -> None:
        """Run a module in every way, and add to the figures, or to what was left out.

        Raises:
            Difference: the layer and the raw API are not alike, twice.
        """
        untraced = self._run("untraced", module)
        if untraced.report.get("seconds", SECONDS) >= SECONDS:
            self._leave_out("takes too long", module)
            return
        if not re.search(r"^Ran [1-9]", untraced.output, re.MULTILINE):
            self._leave_out("no test runs", module)
            return
        runs = {way: self._run(way, module) for way in self.ways[1:]}
        raw = runs["raw"]
        for way, run in runs.items():
            if self._all(run) == self._all(raw) and self._seen(run) == self._seen(untraced):
                continue
            # Before anybody is blamed: is it alike when nothing at all is different?
            if self._seen(self._run("untraced", module)) != self._seen(untraced):
                self._leave_out("not the same twice untraced", module)
                return
            if self._all(self._run("raw", module)) != self._all(raw):
                self._leave_out("not the same twice under the raw API", module)
                return
            if self._all(run) != self._all(raw):
                raise Difference(
                    f"{self.python}, {module}, {way}: not as under the raw API\n"
                    f"{self._first('raw', way, module)}"
                )
            self._leave_out("sees that it is traced, by the raw API alone", module)
            self.sees[module] = self._first("untraced", "raw", module)
            return
        self.figures.programs += 1
        self.figures.add(raw.report["counts"])

    def _leave_out(self, why: str, module: str) -> None:
        self.left_out.setdefault(why, []).append(module)

    @staticmethod
    def _seen(run: Run) -> tuple[object, ...]:
        return run.code, run.output, run.report.get("status")

    @staticmethod
    def _all(run: Run) -> tuple[object, ...]:
        report = run.report
        return (*Corpus._seen(run), report.get("digest"), report.get("counts"), report.get("left"))

    def _run(self, way: str, module: str, stream: Path | None = None) -> Run:
        kind, backend = WAYS[way]
        with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
            report = Path(folder, "report.json")
            cwd = Path(folder, "cwd")
            cwd.mkdir()
            command = [self.python, "-m", "fuzz.module_worker", kind, module, str(report)]
            try:
                done = subprocess.run(
                    [*command, *([str(stream)] if stream else [])],
                    cwd=cwd,
                    env=environment(backend),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=PATIENCE,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Run(-1, "does not end", {})
            output = done.stdout.decode("utf-8", "replace").replace(folder, "TEMPORARY")
            for noise, name in _NOISE:
                output = noise.sub(name, output)
            found = json.loads(report.read_text()) if report.exists() else {}
            return Run(done.returncode, output, found)

    def _first(self, left: str, right: str, module: str) -> str:
        with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
            files = [Path(folder, one) for one in ("raw", "other")]
            one, other = (
                self._run(way, module, file) for way, file in zip((left, right), files, strict=True)
            )
            if self._seen(one) != self._seen(other):
                texts = [one.output, other.output]
            else:
                texts = [file.read_text("utf-8") for file in files]
            pairs = zip_longest(*(text.splitlines() for text in texts))
            for number, (here, there) in enumerate(pairs):
                if here != there:
                    return f"line {number}: {left} {here!r}, {right} {there!r}"
        return f"not another time; in the slot: {one.report['left']}, {other.report['left']}"


def candidates(python: str, seed: int) -> list[str]:
    """Return the names of an interpreter's test modules that the rule allows, in the seed's order.

    The same names come in the same order on every interpreter, as far as it has them.
    """
    asked = subprocess.run(
        [python, "-c", "import test; print(test.__path__[0])"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        return []
    names = [
        f"test.{file.stem}"
        for file in sorted(Path(asked.stdout.strip()).glob("test_*.py"))
        if not any(word in file.read_text("utf-8", "replace") for word in WORDS)
    ]
    return sorted(names, key=lambda name: random.Random(f"{seed} {name}").random())


def run_modules(
    pythons: Sequence[str], count: int, seed: int, deadline: float, save: Path
) -> list[Corpus]:
    """Compare `count` test modules on each interpreter, until `deadline`; return what was found."""
    found = []
    for place, python in enumerate(pythons):
        corpus = Corpus(python)
        found.append(corpus)
        now = time.monotonic()
        # What time there is, is shared.
        until = now + (deadline - now) / (len(pythons) - place)
        for module in candidates(python, seed):
            if corpus.figures.programs >= count or time.monotonic() > until:
                break
            try:
                corpus.check(module)
            except Difference as difference:
                corpus.differences.append(str(difference))
                save.mkdir(parents=True, exist_ok=True)
                (save / f"{module}.txt").write_text(str(difference), encoding="utf-8")
                print(f"DIFFERENCE {difference}", flush=True)
        print(
            f"{corpus.figures.programs} modules, {len(corpus.differences)} differences", flush=True
        )
    return found
