"""Asks recordings why their values are what they are, and writes the answers as text."""

from __future__ import annotations

import re
from pathlib import Path

import codetracer
from codetracer.replay import Trace, render
from codetracer.replay.causes import Cause, Questions, Unknown
from tests.support.running import execute

__all__ = ["asking", "recorded", "told"]


def recorded(folder: Path, *arguments: str) -> Trace:
    execute("-m", "codetracer", "record", "-q", "-o", "out", *arguments, cwd=folder)
    return codetracer.read(folder / "out")


def asking(trace: Trace, deepest: int = 8) -> Questions:
    return Questions(trace, trace.processes[0], lambda code: "packages" not in code.path, deepest)


def told(causes: list[Cause]) -> str:
    """Return a tree as text: of each node its line, what it is about, and its value."""
    lines: list[str] = []

    def tell(cause: Cause, depth: int) -> None:
        value = "" if isinstance(cause.value, Unknown) else f" = {render(cause.value, 60)}"
        kind = "" if cause.kind in ("value", "result") else f" [{cause.kind}]"
        again = " as above" if cause.again else ""
        lines.append(f"{'  ' * depth}{cause.line}: {cause.text}{value}{kind}{again}")
        lines.extend(f"{'  ' * depth}    ? {note}" for note in cause.remarks)
        for each in cause.causes:
            tell(each, depth + 1)

    for cause in causes:
        tell(cause, 0)
    return re.sub(r"#\d+", "#N", "\n".join(lines))
