"""Runs one process, and says what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Run", "RunError", "check", "clean_environment", "run", "say"]


class RunError(Exception):
    """A program did not end well, or printed something else than it does untraced."""


class Run(NamedTuple):
    """One process, as seen from outside."""

    cpu: float
    """Seconds, of user and system, with those of its children."""
    wall: float
    """Seconds."""
    memory: int
    """The most it had resident, in KiB."""
    stdout: bytes


def say(text: str) -> None:
    """Report progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a run: nothing of Python's or codetracer's but `variables`."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "CODETRACER", "COVERAGE"))
    }
    # The same order of sets in every run, and so the same work.
    return environment | {"PYTHONHASHSEED": "0"} | dict(variables)


def run(command: Sequence[str | Path], variables: Mapping[str, str], folder: Path) -> Run:
    """Run a command in a folder; raise RunError when it fails."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=clean_environment(variables),
            cwd=folder,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        if process.returncode:
            stderr.seek(0)
            last = stderr.read().decode(errors="replace").strip().splitlines()[-5:]
            raise RunError(
                f"{' '.join(map(str, command))}: exit status {process.returncode}:"
                f" {' / '.join(last)}"
            )
        return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss, stdout.read())


def check(command: Sequence[str | Path]) -> str:
    """Run a command; return what it prints, or raise RunError with what it said."""
    done = subprocess.run([*command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(
            f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr[-2000:]}"
        )
    return done.stdout
