"""Runs one process, and says what it took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Run", "RunError", "check", "clean_environment", "run", "say"]


HELPER = """
import os, resource, sys, time
limit, *command = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))
start = time.perf_counter()
pid = os.posix_spawn(command[0], command, os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - start
status = os.waitstatus_to_exitcode(status)
cpu = usage.ru_utime + usage.ru_stime
sys.stderr.write(
    f'\\n{{"status": {status}, "cpu": {cpu}, "wall": {wall}, "memory": {usage.ru_maxrss}}}\\n'
)
"""
"""Starts a command, and says what it took in a last line of standard error.

A process has at least as much memory in its figures as the one that started it had, so this is a
small one."""


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
    is_ended: bool = False
    """True if it was stopped before its end."""


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


def run(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    folder: Path,
    limit: int | None = None,
) -> Run:
    """Run a command in a folder; raise RunError when it fails.

    Parameters:
        command: the command.
        variables: its environment variables of Python and codetracer.
        folder: where it runs.
        limit: the seconds of CPU time after which it is ended. That is no failure.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        # -I and -S: it imports little, and so has less memory than what it starts.
        helper = [sys.executable, "-I", "-S", "-c", HELPER, str(limit or 0), *command]
        helped = subprocess.run(
            [*map(str, helper)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=clean_environment(variables),
            cwd=folder,
            check=False,
        )
        stderr.seek(0)
        *said, last = stderr.read().decode(errors="replace").splitlines() or [""]
        if helped.returncode:
            raise RunError(f"{command[0]} cannot be started: {last}")
        found = json.loads(last)
        is_ended = bool(limit) and found["status"] in (-signal.SIGXCPU, -signal.SIGKILL)
        if found["status"] and not is_ended:
            raise RunError(
                f"{' '.join(map(str, command))}: exit status {found['status']}:"
                f" {' / '.join(said[-5:])}"
            )
        stdout.seek(0)
        return Run(found["cpu"], found["wall"], found["memory"], stdout.read(), is_ended)


def check(command: Sequence[str | Path]) -> str:
    """Run a command; return what it prints, or raise RunError with what it said."""
    done = subprocess.run([*command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(
            f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr[-2000:]}"
        )
    return done.stdout
