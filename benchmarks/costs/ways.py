"""The ways to run a program: untraced, recorded, under the floor, and under other tools."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.costs.environments import Environment
from benchmarks.costs.processes import Run, RunError, clean_environment, run

__all__ = [
    "CHOICES",
    "FLOOR",
    "OTHERS",
    "PYTHON",
    "RECORDED",
    "UNTRACED",
    "Recording",
    "Way",
    "find_ways",
    "look",
]

UNTRACED = "untraced"
RECORDED = "recorded"
FLOOR = "floor"
PYTHON = "python"
CHOICES = (
    *(UNTRACED, RECORDED, "calls", PYTHON, FLOOR),
    *("cprofile", "viztracer", "coverage", "peer"),
)
OTHERS = CHOICES[5:]
"""Other tools."""

OUTPUT = "{output}"
LISTED = "{files}"


class Way(NamedTuple):
    """A way to run a program."""

    name: str
    command: tuple[str, ...]
    """The words before the program; `OUTPUT` stands for the file or folder to write, and `LISTED`
    for the list of recorded files."""
    variables: dict[str, str]
    records: bool = False
    """True if it leaves a recording by codetracer."""

    is_slow: bool = False
    """True if it is so slow that it runs only once, with a small amount of work."""

    def run(self, words: Sequence[str], output: Path, files: Path, limit: int | None = None) -> Run:
        """Run a program in this way; raise RunError when it fails."""
        command = [
            word.replace(OUTPUT, str(output)).replace(LISTED, str(files)) for word in self.command
        ]
        return run([*command, *words], self.variables, output.parent, limit)


class Recording(NamedTuple):
    """The contents of a recording."""

    steps: int
    calls: int
    size: int
    files: list[str]


def in_front(checkout: Path) -> dict[str, str]:
    """Return the variables that put a checkout in front of the installed codetracer."""
    return {"PYTHONPATH": f"{checkout.resolve()}{os.pathsep}{checkout.resolve() / 'generated'}"}


def find_ways(
    environment: Environment, wanted: Sequence[str], checkouts: dict[str, Path]
) -> tuple[list[Way], dict[str, str]]:
    """Return the wanted ways that work here, and why others do not.

    Parameters:
        environment: where they run.
        wanted: names of `CHOICES`.
        checkouts: other checkouts of codetracer to record with, by the names of their ways.
    """
    python = str(environment.python)
    record = (python, "-m", "codetracer", "record", "-q", "-o", OUTPUT)
    include = f"{environment.folder}/*"
    found = {
        UNTRACED: Way(UNTRACED, (python,), {}),
        RECORDED: Way(RECORDED, record, {}, True),
        "calls": Way("calls", (*record, "--detail", "calls"), {}, True),
        PYTHON: Way(PYTHON, record, {"CODETRACER_BACKEND": "python"}, True),
        FLOOR: Way(FLOOR, (python, str(environment.floor), LISTED), {}),
        "cprofile": Way("cprofile", (python, "-m", "cProfile", "-o", OUTPUT), {}),
        "viztracer": Way(
            "viztracer", (python, "-m", "viztracer", "--quiet", "-o", f"{OUTPUT}.json"), {}
        ),
        "coverage": Way(
            "coverage",
            (python, "-m", "coverage", "run", f"--data-file={OUTPUT}", f"--include={include}"),
            {},
        ),
        "peer": Way(
            "peer",
            (
                *(python, "-m", "codetracer_python_recorder"),
                *("--trace-dir", OUTPUT, "--format", "json"),
            ),
            {},
            is_slow=True,
        ),
    }
    missing = dict(environment.missing)
    if "calls" in wanted and not knows_detail(environment, {}):
        missing["calls"] = "codetracer record has no --detail here"
    ways = [found[name] for name in wanted if name not in missing]
    for name, checkout in checkouts.items():
        ways.insert(2, Way(name, record, in_front(checkout), True))
    return ways, {name: why for name, why in missing.items() if name in wanted}


def knows_detail(environment: Environment, variables: dict[str, str]) -> bool:
    """Return whether ``codetracer record`` has the option ``--detail``."""
    done = subprocess.run(
        [environment.python, "-P", "-m", "codetracer", "record", "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(variables),
    )
    return "--detail" in done.stdout


def look(way: Way, output: Path) -> Recording:
    """Return what is in a recording; raise RunError if it is not complete."""
    done = subprocess.run(
        [way.command[0], "-P", "-m", "codetracer", "info", "--format", "json", str(output)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(way.variables),
    )
    if done.returncode:
        raise RunError(f"{way.name}: the recording cannot be read: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    if not found["complete"]:
        raise RunError(f"{way.name}: the recording is not complete: {found['problem']}")
    processes = found["processes"]
    return Recording(
        sum(process["steps"] for process in processes),
        sum(process["calls"] for process in processes),
        sum(process["bytes"] for process in processes),
        sorted(found["metadata"]["sources"]),
    )
