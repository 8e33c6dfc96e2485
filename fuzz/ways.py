"""One program in all ways on one interpreter, and what differs between them."""

from __future__ import annotations

import json
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.worker import MODES

__all__ = [
    "WAYS",
    "Comparing",
    "Difference",
    "Ending",
    "Figures",
    "Interpreter",
    "Process",
    "environment",
    "ways_of",
]

ROOT = Path(__file__).resolve().parent.parent

WAYS = {
    "untraced": ("untraced", ""),
    "raw": ("raw", ""),
    "native": ("layer", "native"),
    "python": ("layer", "python"),
}
"""The worker's arguments, and the backend of the layer."""


class Difference(AssertionError):  # noqa: N818 - it is no error of the program that finds it
    """Two ways of running a program are not alike."""


class Figures:
    """Counts of the programs and events that were compared so far."""

    def __init__(self) -> None:
        self.programs = 0
        self.events = 0
        self.by_event: dict[str, int] = {}

    def add(self, counts: dict[str, int]) -> None:
        """Add the events of one stream."""
        self.events += sum(counts.values())
        for event, count in counts.items():
            self.by_event[event] = self.by_event.get(event, 0) + count


class Request(NamedTuple):
    """A request to a worker to run a program; with `full` it reports every event."""

    number: int
    source: str
    full: bool


class Ending(NamedTuple):
    """A worker that did not answer: how its process ended, and what it said last."""

    code: int
    said: str


def environment(backend: str, root: Path = ROOT) -> dict[str, str]:
    """Return the environment of a process that runs programs over the code below `root`.

    It is the same for every way but for the name of the backend.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CODETRACER_")}
    return kept | {
        "PYTHONPATH": os.pathsep.join(map(str, (root, root / "generated", ROOT))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "CODETRACER_BACKEND": backend,
    }


def ways_of(python: str, root: Path = ROOT) -> list[str]:
    """Return the ways there are on an interpreter: native only where it was compiled."""
    done = subprocess.run(
        [python, "-c", "from codetracer.monitoring.backend import BACKENDS; print(*BACKENDS)"],
        cwd=root,
        env=environment("", root),
        capture_output=True,
        text=True,
        check=True,
    )
    return ["untraced", "raw", *done.stdout.split()]


class Process:
    """A process that answers lines of JSON with lines of JSON.

    Parameters:
        command: what it runs.
        backend: CODETRACER_BACKEND there.
        root: where the code of codetracer is.
    """

    def __init__(self, command: Sequence[str], backend: str, root: Path) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=root,
            env=environment(backend, root),
        )

    def send(self, request: object) -> None:
        """Send a line. A process that has ended is noticed when it is asked for an answer."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answer(self) -> Any:
        """Return the next line; None when the process has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def ending(self) -> Ending:
        """Return how a process that does not answer has ended."""
        _, said = self._process.communicate()
        return Ending(self._process.returncode, said[-2000:])

    def end(self) -> None:
        """Let it end, and close its pipes, also if it has ended before."""
        self._process.communicate()


class _Worker:
    """A process that runs program after program in one way."""

    def __init__(self, python: str, way: str, root: Path) -> None:
        kind, backend = WAYS[way]
        self._modes = MODES if kind != "untraced" else MODES[:1]
        command = [python, "-X", "faulthandler", "-m", "fuzz.worker", kind]
        self._process = Process(command, backend, root)

    def ask(self, requests: Sequence[Request]) -> list[dict[str, Any]] | Ending:
        """Return for each request its answer by mode; or how the process ended before its time."""
        # One line for all: it is read to its end before the first answer is written, so neither
        # side waits for the other; and few changes of process cost less time on a busy machine.
        self._process.send([one._asdict() for one in requests])
        answers: list[dict[str, Any]] = [{} for _ in requests]
        for mode in self._modes:
            found = [self._process.answer() for _ in range(len(requests) + 1)]
            if found[-1] is None:
                return self._process.ending()
            for answer, one in zip(answers, found, strict=False):
                answer[mode] = {**one, "left": found[-1]}
        return answers

    def end(self) -> None:
        self._process.end()


class Comparing(ABC):
    """Runs programs in several ways, which must not differ."""

    @abstractmethod
    def compare(self, sources: Sequence[str]) -> dict[int, Difference]:
        """Run programs in every way; return the differences by the program's place in `sources`."""

    def check(self, source: str) -> None:
        """Run a program in every way.

        Raises:
            Difference: saying between which ways, and where.
        """
        for difference in self.compare([source]).values():
            raise difference

    @staticmethod
    def differences(compare_one: Callable[[int], None], count: int) -> dict[int, Difference]:
        """Compare the results of `count` programs; return the differences by place."""
        found: dict[int, Difference] = {}
        for place in range(count):
            try:
                compare_one(place)
            except Difference as difference:
                found[place] = difference
        return found


class Interpreter(Comparing):
    """Runs programs in every way on one interpreter; the processes go on from one to the next.

    Parameters:
        python: its path.
        root: where the code of codetracer is.
    """

    def __init__(self, python: str, root: Path = ROOT) -> None:
        self.python = python
        self.ways = ways_of(python, root)
        self._root = root
        self.figures = Figures()
        self._workers: dict[str, _Worker] = {}
        self._number = 0

    def compare(self, sources: Sequence[str]) -> dict[int, Difference]:
        """Run programs in every way; return the differences by the program's place in `sources`."""
        answers = {way: self._ask(way, sources) for way in self.ways}
        return self.differences(
            lambda place: self._compare_one(
                sources[place], {way: answers[way][place] for way in self.ways}
            ),
            len(sources),
        )

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()

    def _compare_one(self, source: str, answers: dict[str, dict[str, Any] | Ending]) -> None:
        found: dict[str, dict[str, Any]] = {}
        for way, answer in answers.items():
            if isinstance(answer, Ending):
                raise Difference(
                    f"{self.python}, {way}: the process ended, exit {answer.code}\n{answer.said}"
                )
            found[way] = answer
        untraced = found["untraced"][MODES[0]]
        for mode in MODES:
            raw = found["raw"][mode]
            for way in self.ways[1:]:
                one = found[way][mode]
                where = f"{self.python}, {way}, {mode}"
                if one["outcome"] != untraced["outcome"]:
                    raise Difference(
                        f"{where}: the program does not do what it does untraced\n"
                        f"untraced: {untraced['outcome']}\n{way}: {one['outcome']}"
                    )
                if one["left"] != [0, None]:
                    raise Difference(f"{where}: left behind in the slot: {one['left']}")
                if one["digest"] != raw["digest"]:
                    raise Difference(
                        f"{where}: not the events of the raw API\n{self._first(way, mode, source)}"
                    )
            self.figures.add(raw["counts"])
        self.figures.programs += 1

    def _ask(
        self, way: str, sources: Sequence[str], *, full: bool = False
    ) -> list[dict[str, Any] | Ending]:
        """Return an answer for each source; those that end the process are found one by one."""
        requests = []
        for source in sources:
            self._number += 1
            requests.append(Request(self._number, source, full))
        found = self._ask_once(way, requests)
        if not isinstance(found, Ending):
            return [*found]
        if len(sources) == 1:
            return [found]
        answers: list[dict[str, Any] | Ending] = []
        for request in requests:
            alone = self._ask_once(way, [request])
            answers += [alone] if isinstance(alone, Ending) else alone
        if not any(isinstance(answer, Ending) for answer in answers):
            answers[-1] = found
        return answers

    def _ask_once(self, way: str, requests: Sequence[Request]) -> list[dict[str, Any]] | Ending:
        if way not in self._workers:
            self._workers[way] = _Worker(self.python, way, self._root)
        found = self._workers[way].ask(requests)
        if isinstance(found, Ending):
            del self._workers[way]
        return found

    def _first(self, way: str, mode: str, source: str) -> str:
        """Return the first event that is not the same, of a second run."""
        (raw,), (other,) = (self._ask(one, [source], full=True) for one in ("raw", way))
        if isinstance(raw, Ending) or isinstance(other, Ending):
            return "the second time, a process ended"
        raw, other = raw[mode], other[mode]
        pairs = zip_longest(raw["stream"], other["stream"])
        for number, (one, two) in enumerate(pairs):
            if one != two:
                return f"event {number}: raw {one}, {way} {two}"
        return f"not the second time; counts: raw {raw['counts']}, {way} {other['counts']}"
