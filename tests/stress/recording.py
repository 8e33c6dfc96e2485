"""Scripts and programs unrecorded and recorded, each in a process and a folder of its own.

Exit status, output and the files that it leaves must be the same; what was recorded can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import codetracer
from codetracer.monitoring.backend import VARIABLE
from codetracer.session import CAPTURE_MODES
from tests.stress.programs import FROM_PYPI, PROGRAMS
from tests.support.company import site
from tests.support.reading import read
from tests.support.running import SOURCES, trace_environ

SCRIPTS = Path(__file__).parent / "scripts"
LIMIT = 90
"""Seconds after which a process counts as stuck."""

NOT_RECORDED = (
    # It takes the slot of the recorder.
    "signals while tracers come and go",
    # They are about tracers; recorded, they take long and show no more than others do.
    "8 threads install and uninstall while 8 run",
    "10,000 code objects",
)
SCRIPT_NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "__init__")
NAMES = (
    *SCRIPT_NAMES,
    *(name for name in PROGRAMS if name not in NOT_RECORDED),
)
"""The scripts, which take a seed, and programs that may be recorded."""

SHORT_OF_MEMORY = "memory"
"""The script whose recorder may lack memory."""

NOT_ALL = "codetracer: the recording is incomplete: "


class Ended(NamedTuple):
    """The observable outcome of a process."""

    code: int
    stdout: str
    stderr: str
    files: dict[str, str]


class Comparison(NamedTuple):
    """The result of a recorded run: the difference, if there is one, and the program's counts."""

    wrong: str | None
    figures: Counter[str]


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Make a folder in which others may work, and remove it with its contents."""
    path = Path(tempfile.mkdtemp(prefix="stress-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def compare(name: str, seed: int, backend: str) -> Comparison:
    """Run one of `NAMES` unrecorded, and recorded by an engine; the seed decides the rest."""
    capture = random.Random(seed).choice(CAPTURE_MODES)
    with folder() as place:
        try:
            expected = _unrecorded(name, seed)
            done = _run(place, name, seed, backend, "-o", "../out", "--io-capture", capture)
        except subprocess.TimeoutExpired as error:
            return Comparison(
                f"{_told(name, seed, backend)}: stuck\n{error.stderr!r:.4000}", Counter()
            )
        wrong = _differs(expected, done, name) or _unreadable(place / "out", name)
    if wrong:
        told = f"{_told(name, seed, backend)}, --io-capture {capture}: {wrong}"
        return Comparison(told, Counter())
    last = done.stdout.splitlines()[-1:]
    figures = json.loads(last[0]) if name not in PROGRAMS and last else {}
    return Comparison(None, Counter(figures))


def _told(name: str, seed: int, backend: str) -> str:
    again = f"{VARIABLE}={backend} {sys.executable} -m tests.stress --only {name!r} --seed {seed}"
    return f"{name!r} recorded, seed {seed}, {backend} (again: {again})"


@cache
def _unrecorded(name: str, seed: int) -> Ended:
    with folder() as place:
        return _run(place, name, seed, "")


def _run(place: Path, name: str, seed: int, backend: str, *options: str) -> Ended:
    work = place / "work"
    work.mkdir()
    if name in PROGRAMS:
        script = place / "program.py"
        script.write_text(PROGRAMS[name], encoding="utf-8")
    else:
        script = SCRIPTS / f"{name}.py"
    recorded = ["-m", "codetracer", "record", "--quiet", *options]
    needed = [site()] if name in FROM_PYPI else []
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *(recorded if backend else ()), str(script), str(seed)],
        cwd=work,
        env=trace_environ()
        | {"PYTHONPATH": os.pathsep.join(map(str, (*SOURCES, *needed))), "PYTHONHASHSEED": "0"}
        | {VARIABLE: backend},
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    files = {
        str(path.relative_to(work)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(work.rglob("*"))
        if path.is_file()
    }
    stdout, stderr = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return Ended(done.returncode, stdout, stderr, files)


def _differs(expected: Ended, done: Ended, name: str) -> str | None:
    if name == SHORT_OF_MEMORY:
        lines = done.stderr.splitlines(keepends=True)
        kept = "".join(line for line in lines if not line.startswith(NOT_ALL))
        done = done._replace(stderr=kept)
    if done == expected:
        return None
    named = zip(Ended._fields, done, expected, strict=True)
    return "\n".join(
        f"{what} {is_!s:.4000}\nis not {was!s:.4000}" for what, is_, was in named if is_ != was
    )


def _unreadable(out: Path, name: str) -> str | None:
    told = read("info", out, cwd=out.parent)
    if told.code or told.stderr:
        return f"info: {told.code}\n{told.stdout}{told.stderr}"
    trace = codetracer.read(out)
    # Other processes may be left by os._exit.
    if not trace.processes[0].complete and name != SHORT_OF_MEMORY:
        return f"not complete: {trace.problem}"
    if not any(sum(1 for _ in process.replay()) for process in trace.processes):
        return "nothing was recorded"
    return None
