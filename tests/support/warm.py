"""Runs programs in processes forked from one that has imported what they import.

Such a process does what ``python`` does, except that it starts no interpreter and imports nothing
of codetracer, which takes most of the time of a command on a small program. With pytest's option
--fresh each process starts an interpreter of its own instead, as scripts/test-all.sh has it on the
first CPython; so it always does in tests marked `fresh`.
"""

from __future__ import annotations

import atexit
import os
import select
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from io import FileIO
from marshal import dumps
from pathlib import Path
from pkgutil import walk_packages
from typing import IO, Final, NamedTuple

import codetracer.commands
import codetracer.export
import codetracer.replay
from codetracer.commands import OTHER_COMMANDS, PROGRAM_COMMANDS, TRACE_COMMANDS

__all__ = ["FRESH", "Done", "fits", "run_forked", "run_forked_into"]

READ: Final = {*TRACE_COMMANDS, *OTHER_COMMANDS}
"""The commands that run no program."""

READERS: Final = (
    *(
        module.name
        for room in (codetracer.commands, codetracer.export, codetracer.replay)
        for module in walk_packages(room.__path__, f"{room.__name__}.")
    ),
    "rich.console",
)
RECORDERS: Final = (
    "runpy",
    "codetracer.cli",
    PROGRAM_COMMANDS["record"],
    "codetracer.runtime.lifecycle",
    "codetracer.runtime.filtering",
    "codetracer.recording.directory",
)
WATCHERS: Final = ("runpy", "shutil", "locale", "codetracer.cli", PROGRAM_COMMANDS["watch"])
"""No recorded program takes apart at its end what another command imports."""

COMPILER: Final = ("codegen.__main__", "codegen.generate", "black")

READ_AT_THE_START: Final = ("PYTHON", "CODETRACER_BACKEND", "LC_", "LANG", "TZ", "LD_", "PATH")
"""The beginnings of the names of variables that are read before a program's first instruction."""

FRESH: bool = False
"""True if nothing is forked."""


class Done(NamedTuple):
    """The status of a process that has ended, and its output."""

    code: int
    stdout: bytes
    stderr: bytes


def fits(environ: Mapping[str, str]) -> bool:
    """Return whether a process can be forked that has these variables besides the usual ones."""
    kept = (
        *("PYTHONHASHSEED", "PYTHONINTMAXSTRDIGITS", "PYTHONIOENCODING", "PYTHONUTF8"),
        "CODETRACER_BACKEND",
    )
    return not FRESH and not any(
        name.startswith(READ_AT_THE_START) and name not in kept for name in environ
    )


def run_forked(
    words: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    *,
    space: int = 0,
    timeout: float = 60,
) -> Done:
    """Run ``python WORD...``.

    Parameters:
        words: ``-m``, ``codetracer`` or ``codegen``, and its arguments; or a script that imports
            codetracer, and its arguments.
        folder: the working directory.
        environ: the environment.
        stdin: what it reads from standard input.
        space: the largest size of its address space (bytes); 0 for no limit.
        timeout: so many seconds it may take.

    Raises:
        TimeoutExpired: it takes more; it is killed.
    """
    server = _server(_imported_by(*words), _started_with(environ))
    ends = [os.pipe() for _ in range(3)]
    theirs = [ends[0][0], ends[1][1], ends[2][1]]
    streams = [f"/proc/{os.getpid()}/fd/{number}" for number in theirs]
    try:
        with (
            open(ends[0][1], "wb", 0) as source,
            open(ends[1][0], "rb", 0) as out,
            open(ends[2][0], "rb", 0) as err,
        ):
            reads = _imported_by(*words) not in (RECORDERS, WATCHERS)
            server.start(dumps(([*words], str(folder), dict(environ), streams, space, reads)))
            for number in theirs:
                os.close(number)
            theirs = []
            found = _communicate(source, stdin, (out, err), time.monotonic() + timeout)
            return Done(server.status(0 if found is None else 60), *(found or (b"", b"")))
    finally:
        for number in theirs:
            os.close(number)


def run_forked_into(
    file: IO[bytes],
    words: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    timeout: float = 60,
) -> int:
    """Run ``python WORD...`` with a file for its output and its errors, and nothing to read.

    Parameters:
        file: the file, which is empty.
        words: as of `run_forked`.
        folder: the working directory.
        environ: the environment.
        timeout: so many seconds it may take.

    Returns:
        its exit status.

    Raises:
        TimeoutExpired: it takes more; it is killed.
    """
    server = _server(_imported_by(*words), _started_with(environ), into_a_file=True)
    output = f"/proc/{os.getpid()}/fd/{file.fileno()}"
    streams = [os.devnull, output, output]
    server.start(dumps(([*words], str(folder), dict(environ), streams, 0, False)))
    return server.status(timeout)


def _started_with(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in environ.items() if item[0].startswith(READ_AT_THE_START)))


def _imported_by(*words: str) -> tuple[str, ...]:
    if words[:2] == ("-m", "codegen"):
        return COMPILER
    command = words[2] if words[:2] == ("-m", "codetracer") and len(words) > 2 else ""
    return READERS if command in READ else WATCHERS if command == "watch" else RECORDERS


def _communicate(
    source: IO[bytes], stdin: bytes, streams: tuple[IO[bytes], IO[bytes]], end: float
) -> tuple[bytes, bytes] | None:
    """Write to one pipe, read from two until nobody writes any more; None at the time `end`."""
    found = {stream: bytearray() for stream in streams}
    rest = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_WRITE)
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ, stream)
        os.set_blocking(source.fileno(), False)
        while selector.get_map():
            ready = selector.select(max(end - time.monotonic(), 0))
            if not ready:
                return None
            for key, _ in ready:
                stream = key.data
                if stream is not None:
                    data = stream.read(1 << 16)
                    found[stream] += data
                    if not data:
                        selector.unregister(stream)
                    continue
                try:
                    rest = rest[source.write(rest) :] if rest else rest
                except BrokenPipeError:
                    rest = memoryview(b"")
                if not rest:
                    selector.unregister(source)
                    source.close()
    one, other = (bytes(found[stream]) for stream in streams)
    return one, other


class _Server:
    """A process that forks one process after the other."""

    def __init__(
        self, modules: tuple[str, ...], environ: dict[str, str], *, into_a_file: bool
    ) -> None:
        theirs, ours = os.pipe()
        self._requests = FileIO(ours, "w")
        ours, answers = os.pipe()
        self._answers = FileIO(ours)
        code = f"from tests.support.warm_server import serve; serve{modules}"
        # Python's streams remember what they were made of: they are what those of the forked
        # processes are, three pipes or a file.
        with tempfile.TemporaryFile() as file:
            source, output = (subprocess.DEVNULL, file) if into_a_file else (subprocess.PIPE,) * 2
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, str(theirs), str(answers)],
                stdin=source,
                stdout=output,
                stderr=output,
                bufsize=0,
                env=environ,
                pass_fds=(theirs, answers),
                start_new_session=True,
            )
        os.close(theirs)
        os.close(answers)
        atexit.register(self._end)

    def start(self, request: bytes) -> None:
        """Fork a process. When this returns, it has opened its streams."""
        rest = memoryview(len(request).to_bytes(4, "little") + request)
        while rest:
            rest = rest[self._requests.write(rest) :]
        self._answer(60)

    def status(self, timeout: float) -> int:
        """Return the exit status of the process that was forked last."""
        return int(self._answer(timeout))

    def _answer(self, timeout: float) -> bytes:
        if not select.select([self._answers], [], [], timeout)[0]:
            os.killpg(self._process.pid, 9)
            _server.cache_clear()
            raise subprocess.TimeoutExpired("a forked process", timeout)
        answer = self._answers.readline()
        assert answer, f"no process can be forked: {self._process.communicate()}"
        return answer

    def _end(self) -> None:
        self._requests.close()
        self._process.communicate()
        self._answers.close()


@cache
def _server(
    modules: tuple[str, ...], started: tuple[tuple[str, str], ...], *, into_a_file: bool = False
) -> _Server:
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(READ_AT_THE_START)
    }
    return _Server(modules, others | dict(started), into_a_file=into_a_file)
