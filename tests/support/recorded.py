"""Runs `codetracer record`, and looks into the folder that it leaves."""

import json
import os
from pathlib import Path
from typing import Any

import codetracer
from codetracer.replay import CallEvent
from tests.support.running import Outcome, execute


def record(
    folder: Path, *arguments: str, stdin: str = "", environ: dict[str, str] | None = None
) -> Outcome:
    return execute(
        "-m", "codetracer", "record", *arguments, cwd=folder, stdin=stdin, environ=environ
    )


def metadata(trace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((trace / "trace_metadata.json").read_text())
    return found


def functions(trace: Path) -> list[str]:
    """Return the names of what was called in a complete trace."""
    read = codetracer.read(trace)
    assert read.complete, read.problem
    return [event.frame.code.name for event in read if isinstance(event, CallEvent)]


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


PROGRAM = (
    "def f(x, text):\n    print(text)\n    return [x] * 5\nf({'a': {'b': {'c': 1}}}, 'long ' * 9)\n"
)
