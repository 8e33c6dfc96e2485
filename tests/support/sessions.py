"""Programs that record themselves, and what their recordings say."""

import json
from pathlib import Path

import codetracer
from codetracer.replay import CallEvent, ExitEvent
from tests.support.running import Outcome, execute, write

__all__ = ["calls", "metadata", "run", "run_well", "statuses"]


def run(folder: Path, program: str, environ: dict[str, str] | None = None) -> Outcome:
    write(folder, {"app.py": program})
    return execute("app.py", cwd=folder, environ=environ)


def run_well(folder: Path, program: str, environ: dict[str, str] | None = None) -> str:
    """Run a program that says nothing on stderr and ends with 0; return its output."""
    outcome = run(folder, program, environ)
    assert (outcome.code, outcome.stderr) == (0, "")
    return outcome.stdout


def calls(trace: Path) -> list[str]:
    """Return the names of the functions that a complete trace begins with a call."""
    read = codetracer.read(trace)
    assert read.complete, read.problem
    return [
        event.frame.code.name
        for event in read
        if isinstance(event, CallEvent) and not event.entered
    ]


def statuses(trace: Path) -> list[int | None]:
    return [event.status for event in codetracer.read(trace) if isinstance(event, ExitEvent)]


def metadata(trace: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((trace / "trace_metadata.json").read_text())
    return found
