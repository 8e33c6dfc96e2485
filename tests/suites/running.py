"""Runs a suite as it is and recorded, in an environment that has what pip installs."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import tarfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tests.suites.outcomes import Run, differences, lacks, read_report

__all__ = ["Interpreter", "Result", "SetupError", "Suite", "build_wheel", "load_suites"]

ROOT = Path(__file__).resolve().parent.parent.parent
SUITES = Path(__file__).with_name("suites.toml")
QUIET = ("-q", "-p", "no:cacheprovider", "--tb=no")
NOT_SOURCE = (".*", "*.so", "build", "dist", "__pycache__")
SECONDS = 900
"""The time limit of one run, in s."""


class SetupError(Exception):
    """A command that is needed before a suite can run has failed; with what it said."""


class Suite(NamedTuple):
    """One table of suites.toml, which explains the keys."""

    name: str
    version: str
    covers: str
    keep: list[str]
    arguments: list[str]
    requires: Sequence[str] = ()
    leaving: int = 0
    pytest: str = "9.2.0"
    left_out: Mapping[str, str] = MappingProxyType({})


class Result(NamedTuple):
    """The result of one suite on one interpreter.

    Attributes:
        suite: which it was.
        python: the interpreter's version.
        tests: how many tests ran unrecorded.
        ratio: the CPU time of the recorded run by that of the other one.
        size: the recording's bytes.
        problem: what ``codetracer info`` says is missing; None when nothing is.
        differences: in what the runs differ, a line each.
    """

    suite: Suite
    python: str
    tests: int
    ratio: float
    size: int
    problem: str | None
    differences: list[str]


def load_suites(path: Path = SUITES) -> list[Suite]:
    """Return the suites of a TOML file.

    Raises:
        TypeError: a table has a key that is not known, or lacks one.
    """
    return [Suite(**table) for table in tomllib.loads(path.read_text())["suite"]]


def build_wheel(python: str, folder: Path) -> Path:
    """Return the project's wheel, built by an interpreter from a copy of its files.

    Raises:
        SetupError: it cannot be built, as without a package index.
    """
    copy = folder / "project"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.rmtree(folder / "wheel", ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    _said(
        *(python, "-m", "pip", "wheel", "--quiet", "--no-deps"),
        *("--wheel-dir", str(folder / "wheel"), str(copy)),
        cwd=folder,
    )
    (wheel,) = (folder / "wheel").glob("*.whl")
    return wheel


class Interpreter:
    """Runs suites on an interpreter, each in a virtual environment of its own.

    Parameters:
        python: the interpreter's path.
        folder: where everything is kept; environments in it are used again.
        say: gets a message at each step of the work.

    Raises:
        SetupError: the interpreter cannot be run.
    """

    def __init__(self, python: str, folder: Path, say: Callable[[str], None]) -> None:
        self._python = os.path.abspath(shutil.which(python) or python)
        said = _said(
            *(self._python, "-c", "import platform; print(platform.python_version())"), cwd=folder
        )
        self.version = said.strip()
        self._folder = folder / self.version
        self._archives = folder / "archives"
        self._say = say

    def run(self, suite: Suite, wheel: Path) -> Result:
        """Run a suite as it is and recorded, and compare the outcomes.

        Parameters:
            suite: which it is.
            wheel: the project's, which records it.

        Raises:
            SetupError: its source or what it requires cannot be had or built.
        """
        self._say("installing")
        binaries = self._folder / f"{suite.name}-environment/bin"
        if not (binaries / "pip").exists():
            _said(self._python, "-m", "venv", "--clear", binaries.parent, cwd=self._folder)
        install = (binaries / "pip", "install", "--quiet")
        source = self._unpacked(suite, binaries / "pip")
        wanted = (f"pytest=={suite.pytest}", *suite.requires, str(source))
        _said(*install, *wanted, cwd=self._folder)
        # Also in place of one of the same version.
        _said(*install, "--no-deps", "--force-reinstall", wheel, cwd=self._folder)
        out = self._folder / f"{suite.name}-recording"
        shutil.rmtree(out, ignore_errors=True)
        record = (binaries / "codetracer", "record", "--quiet", "-o", out)
        self._say("running as it is")
        plain, seconds = self._pytest(suite, source, binaries / "python", "-m", "pytest")
        self._say(f"{len(plain.outcomes)} tests in {seconds:.1f} s of CPU; running recorded")
        recorded, recorded_seconds = self._pytest(suite, source, *record, "--pytest")
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        return Result(
            suite,
            self.version,
            len(plain.outcomes),
            recorded_seconds / seconds,
            size,
            _problem(binaries / "codetracer", out, suite.leaving),
            differences(plain, recorded),
        )

    def _unpacked(self, suite: Suite, pip: Path) -> Path:
        """Return the folder of a suite's source archive, downloading it if it is not there."""
        target = self._folder / f"{suite.name}-source"
        shutil.rmtree(target, ignore_errors=True)
        wanted = f"{suite.name}-{suite.version}.tar.gz"
        if not (self._archives / wanted).exists():
            _said(
                *(pip, "download", "--quiet", "--no-deps"),
                *("--no-binary", suite.name, "--dest", self._archives),
                f"{suite.name}=={suite.version}",
                cwd=self._folder,
            )
        with tarfile.open(self._archives / wanted) as archive:
            archive.extractall(target, filter="data")
        return target / f"{suite.name}-{suite.version}"

    def _pytest(self, suite: Suite, source: Path, *command: str | Path) -> tuple[Run, float]:
        """Return the outcome of one run in a fresh copy of the tests, and its CPU seconds."""
        place = self._folder / f"{suite.name}-tests"
        shutil.rmtree(place, ignore_errors=True)
        for name in suite.keep:
            copy = shutil.copytree if (source / name).is_dir() else shutil.copy2
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            copy(source / name, place / name)
        report = self._folder / "report.xml"
        report.unlink(missing_ok=True)
        left_out = (f"--deselect={test}" for test in suite.left_out)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        status = _status(
            *(*command, *QUIET, f"--junitxml={report}", *suite.arguments, *left_out),
            cwd=place,
            said=self._folder / f"{suite.name}-{Path(command[0]).name}.txt",
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Run(status, read_report(report)), spent


def _problem(codetracer: Path, out: Path, leaving: int) -> str | None:
    """Return what is missing in a recording, all of which is read; None when nothing is."""
    command = (codetracer, "info", "--format", "json", out)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        return f"`codetracer info` ended with {done.returncode}: {done.stderr.strip()}"
    return lacks(json.loads(done.stdout), leaving)


def _status(*command: str | Path, cwd: Path, said: Path) -> int | None:
    """Run a command, its output in a file, and return its exit status; None after `SECONDS`."""
    dropped = ("CODETRACER_", "PYTEST_", "PYTHON", "COVERAGE_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    if backend := os.environ.get("CODETRACER_BACKEND"):
        kept["CODETRACER_BACKEND"] = backend
    with said.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=kept | {"PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def _said(*command: str | Path, cwd: Path) -> str:
    """Return what a command prints.

    Raises:
        SetupError: it fails.
    """
    cwd.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SetupError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        said = "".join((done.stdout, done.stderr)).strip()
        raise SetupError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")
    return done.stdout
