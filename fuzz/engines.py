"""Random programs recorded by the engine in C and by the one in Python, and compared."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import codetracer
from fuzz.told import told_of
from fuzz.ways import ROOT, Comparing, Difference, Ending, Figures, Process, ways_of

__all__ = ["Engines"]


class _Recording(NamedTuple):
    """The outcome of a recorded program, and the folder of its recording."""

    outcome: Any
    folder: Path


class Engines(Comparing):
    """Records programs with each engine on one interpreter; the processes go on.

    Parameters:
        python: its path.
        root: where the code of codetracer is.

    Attributes:
        figures: what was compared; events are records, by their kind.
        left_out: how many programs an engine does not record the same twice.
    """

    def __init__(self, python: str, root: Path = ROOT) -> None:
        self.python = python
        self.ways = ways_of(python, root)[2:]
        self.figures = Figures()
        self.left_out = 0
        self._root = root
        self._numbers = count()
        self._processes: dict[str, Process] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz"))

    def compare(self, sources: Sequence[str]) -> dict[int, Difference]:
        """Record programs with each engine; return differences by the place in `sources`."""
        programs = []
        for place, source in enumerate(sources):
            # The name is in the recording, so it is the same for each engine.
            programs.append(self._folder / f"program-{place}.py")
            programs[-1].write_text(source, encoding="utf-8")
        found = {way: self._record(way, programs) for way in self.ways}
        differences = self.differences(
            lambda place: self._compare_one(
                programs[place], {way: found[way][place] for way in self.ways}
            ),
            len(programs),
        )
        for recordings in found.values():
            for one in recordings:
                if isinstance(one, _Recording):
                    shutil.rmtree(one.folder)
        return differences

    def close(self) -> None:
        """End the processes, and remove what they recorded."""
        for process in self._processes.values():
            process.end()
        self._processes.clear()
        shutil.rmtree(self._folder)

    def _compare_one(self, program: Path, recordings: dict[str, _Recording | Ending]) -> None:
        (first, one), *others = recordings.items()
        for way, other in others:
            for name, recording in ((first, one), (way, other)):
                if isinstance(recording, Ending):
                    raise Difference(
                        f"{self.python}, {name}: the process ended, exit {recording.code}\n"
                        f"{recording.said}"
                    )
            said = self._difference(one, other)
            if said is None:
                continue
            # Before an engine is blamed: does each record the same when nothing is different?
            for name, earlier in ((first, one), (way, other)):
                (again,) = self._record(name, [program])
                same = self._difference(earlier, again) is None
                if isinstance(again, _Recording):
                    shutil.rmtree(again.folder)
                if not same:
                    self.left_out += 1
                    return
            raise Difference(f"{self.python}, {first} and {way}: {said}")
        assert isinstance(one, _Recording)
        self.figures.programs += 1
        self.figures.add(
            Counter(
                type(record).__name__.removesuffix("Record")
                for process in codetracer.read(one.folder).processes
                for record in process.log.records()
            )
        )

    @staticmethod
    def _difference(one: _Recording | Ending, other: _Recording | Ending) -> str | None:
        for recording in (one, other):
            if isinstance(recording, Ending):
                return f"the process ended, exit {recording.code}\n{recording.said}"
        assert isinstance(one, _Recording)
        assert isinstance(other, _Recording)
        if one.outcome != other.outcome:
            return f"the program did {one.outcome}\nand {other.outcome}"
        pairs = zip_longest(told_of(one.folder), told_of(other.folder))
        for number, (here, there) in enumerate(pairs):
            if here != there:
                return f"event {number}: {here}\nand {there}"
        return None

    def _record(self, way: str, programs: Sequence[Path]) -> list[_Recording | Ending]:
        """Return for each program its recording; those that end the process are found alone."""
        folders = [self._folder / f"{way}-{next(self._numbers)}" for _ in programs]
        found: list[_Recording | Ending] = [*self._answers(way, programs, folders)]
        if len(found) == len(programs):
            return found
        if len(programs) == 1:
            return [self._ending(way)]
        self._ending(way)
        return [one for program in programs for one in self._record(way, [program])]

    def _answers(
        self, way: str, programs: Sequence[Path], folders: Sequence[Path]
    ) -> Iterator[_Recording]:
        if way not in self._processes:
            command = [self.python, "-X", "faulthandler", "-m", "fuzz.recorder"]
            self._processes[way] = Process(command, way, self._root)
        process = self._processes[way]
        process.send(
            [
                {"program": str(program), "folder": str(folder)}
                for program, folder in zip(programs, folders, strict=True)
            ]
        )
        for folder in folders:
            answer = process.answer()
            if answer is None:
                return
            yield _Recording(answer, folder)

    def _ending(self, way: str) -> Ending:
        return self._processes.pop(way).ending()
