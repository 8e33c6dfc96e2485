"""`tests.stress.injection` in processes of its own: what they say, and what must not differ."""

import json
import os
import subprocess
import sys
from functools import cache

from codetracer.monitoring.backend import VARIABLE
from tests.stress.injection import ENDS_INSTALLED, WHAT_IS_LEFT
from tests.stress.programs import FROM_PYPI
from tests.support.company import site
from tests.support.running import ROOT, SOURCES

INTERNAL_ERROR = "\ncodetracer.errors.InternalError: "
LIMIT = 90
"""Seconds after which a process counts as stuck."""


def execute(*arguments: str, backend: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m tests.stress.injection``.

    Raises:
        AssertionError: it does not end.
    """
    kept = {name: value for name, value in os.environ.items() if name[:10] != "CODETRACER"}
    needed = [site()] if arguments[1] in FROM_PYPI else []
    path = os.pathsep.join(map(str, (*SOURCES, *needed)))
    command = [sys.executable, "-W", "ignore", "-m", "tests.stress.injection", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=kept | {"PYTHONPATH": path, VARIABLE: backend},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"stuck: {arguments} ({backend})\n{error.stderr!r:.2000}") from error


@cache
def bare(name: str) -> subprocess.CompletedProcess[str]:
    """Run a program without a tracer."""
    return execute("program", name, "bare", "0", backend="")


def difference(name: str, policy: str, seed: int, backend: str) -> str | None:
    """Run a program under a tracer that fails; return what is not as it should be."""
    expected = bare(name)
    done = execute("program", name, policy, str(seed), backend=backend)
    again = f"tests.stress.injection program {name!r} {policy} {seed}"
    told = f"again: {VARIABLE}={backend} {sys.executable} -m {again}"
    unchanged = (done.returncode, done.stdout) == (expected.returncode, expected.stdout)
    if name == ENDS_INSTALLED:
        errors = done.stderr.count(INTERNAL_ERROR)
        if not unchanged and (policy != "abort" or errors != 1):
            return f"{told}: {done}\nis not\n{expected}"
        return None
    said = [line for line in done.stderr.splitlines() if line.startswith(WHAT_IS_LEFT)]
    if len(said) != 1:
        return f"{told}: {done}"
    left = json.loads(said[0].removeprefix(WHAT_IS_LEFT))
    if left["slots"] or left["threads"]:
        return f"{told}: {said[0]}"
    # Each forked child has a tracer of its own.
    in_child = not left["failed"] and INTERNAL_ERROR in done.stderr
    if policy == "abort" and in_child and not left["seen"]:
        return None
    if policy == "abort" and left["failed"] == 1:
        # It ends the program, or one of its threads, or is ignored where everything is; a program
        # that uses tracers itself prints what they raise.
        seen = left["seen"] or "ERR_TRACER_FAILED" in done.stderr + done.stdout
        # An interrupt that comes while it is raised takes its place, as that of any exception.
        displaced = name.startswith("signals") and unchanged
        return None if seen or displaced else f"{told}: no RecorderError: {done}"
    if not unchanged or left["seen"] or left["failed"] > 1:
        return f"{told}: {done}\nis not\n{expected}"
    return None


def injected(policy: str, seed: int, seconds: float, backend: str) -> dict[str, int]:
    """Inject faults into handlers; return the figures.

    Raises:
        AssertionError: something was not as it should be.
    """
    done = execute("handlers", policy, str(seed), str(seconds), backend=backend)
    assert done.returncode == 0, done.stderr[-4000:]
    # Before it, what a generator of a program's says that ends late.
    figures: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return figures
