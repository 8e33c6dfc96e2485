"""Programs run under `python`, and under `codetracer watch`, in processes of their own."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import warm

ROOT = Path(__file__).parent.parent.parent
SOURCES = (ROOT, ROOT / "generated")


class Outcome(NamedTuple):
    """The observable outcome of a process."""

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
    address_space: int = 0,
    fresh: bool = False,
    forked: bool = False,
) -> Outcome:
    """Run this interpreter in `cwd`.

    Parameters:
        arguments: its arguments.
        cwd: the working directory.
        flags: its options.
        stdin: what it reads from standard input.
        environ: variables of its environment.
        timeout: so many seconds it may take.
        address_space: so many bytes of it there are; 0 for no limit.
        fresh: whether to start an interpreter for ``-m codetracer``, too: the start, what is
            loaded, or a stream that is a pipe is what the test looks at.
        forked: whether a script imports codetracer, so that it can be forked as well.
    """
    words = [*map(str, arguments)]
    variables = trace_environ() | (environ or {})
    imports_it = forked or words[:2] == ["-m", "codetracer"]
    if imports_it and not flags and not fresh and warm.fits(environ or {}):
        done = warm.run_forked(
            words, cwd, variables, stdin.encode(), space=address_space, timeout=timeout
        )
    else:
        limit = (resource.RLIMIT_AS, (address_space, address_space))
        process = subprocess.run(
            [sys.executable, *flags, *words],
            cwd=cwd,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
            env=variables,
            preexec_fn=(lambda: resource.setrlimit(*limit)) if address_space else None,
        )
        done = warm.Done(process.returncode, process.stdout, process.stderr)
    return Outcome(done.code, *(text.decode("utf-8", "replace") for text in done[1:]))


def watch(
    *arguments: str | Path,
    cwd: Path,
    flags: tuple[str, ...] = (),
    stdin: str = "",
    environ: dict[str, str] | None = None,
) -> Outcome:
    """Run ``codetracer watch`` in `cwd`."""
    words = ("-m", "codetracer", "watch", *arguments)
    return execute(*words, cwd=cwd, flags=flags, stdin=stdin, environ=environ)


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
