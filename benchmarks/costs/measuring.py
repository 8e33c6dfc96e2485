"""Takes turns: every program in every way, one after the other, several times."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.costs.environments import PROGRAMS, Environment
from benchmarks.costs.processes import Run, RunError, say
from benchmarks.costs.ways import FLOOR, RECORDED, UNTRACED, Recording, Way, look

__all__ = ["Application", "Cost", "Turns", "applications", "take_turns"]


class Application(NamedTuple):
    """A table of applications.toml, which explains the keys."""

    name: str
    command: list[str]
    full: list[str]
    small: list[str]
    none: list[str]

    def words(self, environment: Environment, amount: str) -> list[str]:
        """Return the command line after the interpreter, for ``full``, ``small`` or ``none``."""
        first, *rest = self.command
        if first != "-m":
            first = str(environment.programs / first)
        arguments: list[str] = getattr(self, amount)
        return [first, *rest, *arguments]


class Turns(NamedTuple):
    """The number of turns of each program, their limits, and the folder for recordings."""

    turns: int
    seconds: float = 60
    """A way that has used so much CPU time on a program has no further turn."""
    limit: int = 60
    """The CPU time, in s, of a run in a way that is very slow."""
    scratch: str | None = None
    """The folder for recordings; None for a temporary one."""


class Cost(NamedTuple):
    """The cost of a program in one way, as medians, and its recording."""

    cpu: float
    wall: float
    memory: float
    turns: int
    recording: Recording | None = None
    problem: str | None = None


def applications(names: Sequence[str]) -> list[Application]:
    """Return the applications with these names; all if there are none."""
    with (PROGRAMS / "applications.toml").open("rb") as file:
        tables = tomllib.load(file)["application"]
    found = [Application(**table) for table in tables]
    unknown = {*names} - {each.name for each in found}
    if unknown:
        raise SystemExit(f"no such application: {', '.join(sorted(unknown))}")
    return [each for each in found if not names or each.name in names]


def write_files(ways: Sequence[Way], words: Sequence[str], files: Path, scratch: Path) -> None:
    """Record a program once, and write the names of the recorded files for the floor."""
    recorder = next(way for way in ways if way.name == RECORDED)
    output = scratch / "first"
    recorder.run(words, output, files)
    # A program's main file has the name by which it was started, which is a whole path here.
    files.write_text("\n".join(look(recorder, output).files) + "\n", encoding="utf-8")
    shutil.rmtree(output)


def take_turns(
    ways: Sequence[Way],
    words: Sequence[str],
    files: Path,
    turns: Turns,
) -> dict[str, Cost]:
    """Run a program in every way in turn; return what each took, by its name.

    A way that fails once is left out of the other turns.

    Parameters:
        ways: the ways; the first is untraced.
        words: the command line after the interpreter.
        files: the list of recorded files that the floor reads. It is made if it does not exist.
        turns: how often, how long and where.
    """
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    recordings: dict[str, Recording] = {}
    problems: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir=turns.scratch) as folder:
        if not files.exists() and any(way.name == FLOOR for way in ways):
            write_files(ways, words, files, Path(folder))
        for _ in range(turns.turns):
            for way in ways:
                used = sum(one.cpu for one in runs[way.name])
                if way.name in problems or used > turns.seconds:
                    continue
                output = Path(folder, "output")
                try:
                    done = way.run(words, output, files)
                    if runs[UNTRACED] and done.stdout != runs[UNTRACED][0].stdout:
                        raise RunError(f"{way.name}: the output is not that untraced")
                    if way.records and way.name not in recordings:
                        recordings[way.name] = look(way, output)
                except RunError as error:
                    say(f"FAILED: {error}")
                    problems[way.name] = str(error)
                else:
                    runs[way.name].append(done)
                _remove(Path(folder))
    return {
        name: Cost(
            median(one.cpu for one in done) if done else float("nan"),
            median(one.wall for one in done) if done else float("nan"),
            median(one.memory for one in done) if done else float("nan"),
            len(done),
            recordings.get(name),
            problems.get(name),
        )
        for name, done in runs.items()
    }


def _remove(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
