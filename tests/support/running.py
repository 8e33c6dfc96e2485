"""Programs run under `python`, and under `codetracer watch`, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent.parent
SOURCES = (ROOT, ROOT / "generated")


class Outcome(NamedTuple):
    """What can be seen of a process from outside."""

    code: int
    stdout: str
    stderr: str


def execute(
    *arguments: str | Path,
    cwd: Path,
    flags: tuple[str, ...] = (),
    stdin: str = "",
    environ: dict[str, str] | None = None,
    timeout: float = 60,
) -> Outcome:
    """Run this interpreter in `cwd`."""
    process = subprocess.run(
        [sys.executable, *flags, *map(str, arguments)],
        cwd=cwd,
        input=stdin.encode(),
        capture_output=True,
        timeout=timeout,
        check=False,
        env=trace_environ() | (environ or {}),
    )
    stdout, stderr = (text.decode("utf-8", "replace") for text in (process.stdout, process.stderr))
    return Outcome(process.returncode, stdout, stderr)


def watch(
    *arguments: str | Path,
    cwd: Path,
    flags: tuple[str, ...] = (),
    stdin: str = "",
    environ: dict[str, str] | None = None,
) -> Outcome:
    """Run ``codetracer watch`` in `cwd`."""
    return execute(
        "-m", "codetracer", "watch", *arguments, cwd=cwd, flags=flags, stdin=stdin, environ=environ
    )


def trace_environ() -> dict[str, str]:
    """Return this process's environment, with codetracer to be found and not set up."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CODETRACER_")}
    path = os.pathsep.join(map(str, SOURCES))
    return kept | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def write(directory: Path, files: dict[str, str]) -> None:
    """Write files, by their paths below `directory`."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def watch_lines(directory: Path, program: str, *options: str) -> list[str]:
    """Write `program` to ``app.py``, and return the lines that tracing it gives."""
    write(directory, {"app.py": program})
    outcome = watch("-o", "trace.out", *options, "app.py", cwd=directory)
    assert (outcome.code, outcome.stderr) == (0, "")
    return (directory / "trace.out").read_text(encoding="utf-8").splitlines()


def watch_events(directory: Path, program: str, *options: str) -> list[dict[str, Any]]:
    """Write `program` to ``app.py``, and return the events that tracing it gives."""
    return [
        json.loads(line) for line in watch_lines(directory, program, "--format=jsonl", *options)
    ]
