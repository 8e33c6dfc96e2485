"""Every command and view on damaged recordings, and what they must never do."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from codetracer_bindings.index_format import INDEX_SUFFIX
from fuzz.damage import write_damaged
from fuzz.ways import ROOT, environment
from tests.support.decoders import DECODERS, differences_below

__all__ = ["VIEWS", "Fault", "Reader", "run_recordings"]

SECONDS: Final = 20
"""Of CPU that a command may take; waiting for anything, ten times that."""

MEMORY: Final = 2 << 30
"""Bytes of address space that a command may have."""

EXPORT: Final = "exported"
"""The files that the export writes; all others must stay as they are."""

VIEWS: Final[tuple[tuple[str, ...], ...]] = (
    ("info", "{trace}"),
    ("info", "{trace}", "--format", "json"),
    ("info", "{log}"),
    ("show", "{trace}"),
    ("show", "{trace}", "--all"),
    ("show", "{trace}", "--format", "json", "--limit", "20000"),
    ("show", "{trace}", "--step", "0"),
    ("show", "{trace}", "--step", "7"),
    ("show", "{trace}", "--step", "3", "--format", "json"),
    ("show", "{trace}", "--step", "99999999"),
    ("show", "{trace}", "--function", "work"),
    ("show", "{trace}", "--function", "work", "--format", "json", "--limit", "20000"),
    ("show", "{trace}", "--function", "absent"),
    ("show", "{trace}", "--variable", "y"),
    ("show", "{trace}", "--variable", "total", "--format", "json"),
    ("show", "{trace}", "--variable", "absent"),
    ("show", "{trace}", "--raises"),
    ("show", "{trace}", "--raises", "--format", "json"),
    ("show", "{trace}", "--output"),
    ("show", "{trace}", "--output", "--format", "json"),
    ("show", "{trace}", "--process", "4321", "--limit", "0", "--width", "0"),
    ("show", "{trace}", "--process", "5"),
    ("show", "{trace}", "--call", "3"),
    ("show", "{trace}", "--call", "3", "--lines", "--depth", "2"),
    ("show", "{trace}", "--lines", "--format", "json", "--limit", "20000"),
    ("show", "{trace}", "--thread", "0", "--raises", "--output", "--find", "x"),
    ("show", "{trace}", "--find", "1", "--format", "json", "--limit", "20000"),
    ("show", "{trace}", "--variable", "total[0]", "--function", "work"),
    ("show", "{trace}", "--variable", "#3.field"),
    ("debug", "{trace}"),
    ("debug", "{trace}", "--at", "0:3"),
    ("why", "{trace}"),
    ("why", "{trace}", "y"),
    ("why", "{trace}", "total[0]", "--format", "json"),
    ("why", "{trace}", "work()", "--all", "--depth", "0"),
    ("why", "{trace}", "#3.field"),
    ("why", "{trace}", "y", "--at", "7"),
    ("why", "{trace}", "--not", "other.py:3"),
    ("export", "{trace}", "--to", "codetracer-json", "-o", EXPORT),
    ("export", "{log}", "--to", "codetracer-json", "-o", EXPORT, "--force"),
)


_ARGUMENTS: Final = [
    [word.format(trace="trace", log="trace/process-4321.ctlog") for word in view] for view in VIEWS
]


class _Outcome(NamedTuple):
    """The status of a command, the seconds of CPU that it took, and its output and errors."""

    status: int | None
    seconds: float
    texts: list[str]


class Fault(NamedTuple):
    """A command did what none must."""

    seed: int
    what: str
    """Of which kind it is."""
    arguments: str
    """The command's."""
    damage: str
    """The damage to the recording."""
    told: str
    """More of it."""


class Reader:
    """Runs commands on one interpreter, with limits, over the decoder in Python and that in C.

    Parameters:
        python: its path.
        root: where the code of codetracer is.
        seconds: a command that takes more of CPU hangs.

    Attributes:
        commands: how many were run.
        slowest: the seconds of CPU that the slowest of them took, its arguments and the seed.
    """

    def __init__(self, python: str, root: Path = ROOT, seconds: int = SECONDS) -> None:
        self.python = python
        self._seconds = seconds
        self.commands = 0
        self.slowest = (0.0, "", 0)
        self._processes = {
            backend: subprocess.Popen(
                [python, "-m", "fuzz.reader"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                cwd=root,
                env=environment(backend, root),
            )
            for backend in DECODERS
        }

    def check(self, seed: int) -> list[Fault]:
        """Make and damage the recording of a seed, and run everything on it."""
        # Deep enough that what a recording names outside itself is still in here.
        with tempfile.TemporaryDirectory(prefix="codetracer-fuzz-") as top:
            folder = Path(top, "a", "b", "c", "d", "e")
            damage = "; ".join(write_damaged(folder / "trace", random.Random(seed)))
            faults = [
                Fault(seed, "decoders differ", "", damage, told)
                for told in differences_below(folder)
            ]
            said: dict[str, list[_Outcome]] = {backend: [] for backend in self._processes}
            for backend in self._processes:
                before = _listing(Path(top))
                for arguments in _ARGUMENTS:
                    outcome = self._run(backend, folder, arguments)
                    said[backend].append(outcome)
                    words = " ".join(arguments)
                    self.slowest = max(self.slowest, (outcome.seconds, words, seed))
                    for what, told in self._faults(outcome):
                        faults.append(Fault(seed, what, f"{words} ({backend})", damage, told))
                    after = _listing(Path(top))
                    if after != before:
                        changed = " ".join(sorted(dict(after.items() ^ before.items())))
                        faults.append(Fault(seed, "wrote outside", words, damage, changed))
                        before = after
                # Each decoder finds the folder as it was.
                shutil.rmtree(folder / EXPORT, ignore_errors=True)
                for index in (folder / "trace").glob(f"*{INDEX_SUFFIX}"):
                    index.unlink()
            for arguments, one, other in zip(
                _ARGUMENTS, *(said[each] for each in ("python", [*said][-1])), strict=True
            ):
                if (one.status, one.texts) != (other.status, other.texts):
                    told = f"{one.status} {one.texts!r:.300} {other.status} {other.texts!r:.300}"
                    faults.append(Fault(seed, "other output", " ".join(arguments), damage, told))
            return faults

    def close(self) -> None:
        """End the processes."""
        for process in self._processes.values():
            process.communicate()

    def _faults(self, outcome: _Outcome) -> list[tuple[str, str]]:
        status, _, texts = outcome
        errors = texts[1]
        last = errors.rstrip().rpartition("\n")[2][:300]
        found = []
        if status is None:
            found.append(("hang", f"more than {self._seconds} s of CPU"))
        elif status < 0:
            found.append(("killed", f"signal {-status}"))
        elif status > 2:
            found.append(("status", f"{status}: {last}"))
        if "Traceback (most recent call last):" in errors.splitlines():
            found.append(("excess memory" if "MemoryError" in last else "traceback", last))
        if "cannot be written: File too large" in errors:
            found.append(("excess output", last))
        for text in texts:
            raw = sorted({character for character in set(text) if not _may_be_shown(character)})
            if raw:
                found.append(("raw character", ascii("".join(raw))[:200]))
        return found

    def _run(self, backend: str, folder: Path, arguments: Sequence[str]) -> _Outcome:
        process = self._processes[backend]
        assert process.stdin is not None
        assert process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="codetracer-fuzz-") as said:
            files = [Path(said, name) for name in ("out", "err")]
            request = {
                "folder": str(folder),
                "arguments": arguments,
                "out": str(files[0]),
                "err": str(files[1]),
                "seconds": self._seconds,
                "memory": MEMORY,
            }
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            status, seconds = json.loads(process.stdout.readline())
            self.commands += 1
            texts = [file.read_bytes().decode("utf-8", "surrogateescape") for file in files]
            return _Outcome(status, seconds, texts)


def run_recordings(
    readers: Sequence[Reader], count: int, seed: int, deadline: float, save: Path
) -> tuple[int, list[Fault]]:
    """Check `count` recordings, until `deadline`, on one interpreter after the other.

    Returns:
        How many recordings there were, and the faults. Each is written to a file, too; its seed
        makes the recording again.
    """
    faults: list[Fault] = []
    checked = 0
    while checked < count and time.monotonic() < deadline:
        reader = readers[checked % len(readers)]
        for fault in reader.check(seed + checked):
            faults.append(fault)
            save.mkdir(parents=True, exist_ok=True)
            text = "\n".join((reader.python, *map(str, fault)))
            (save / f"recording-{fault.seed}-{len(faults)}.txt").write_text(text, encoding="utf-8")
            print(f"FAULT {reader.python} {fault}", flush=True)
        checked += 1
    print(f"{checked} recordings, {len(faults)} faults", flush=True)
    return checked, faults


def _may_be_shown(character: str) -> bool:
    if character == "\n" or character.isprintable():
        return True
    # U+DC80 and on are bytes that are no UTF-8.
    return unicodedata.category(character) == "Zs"


def _listing(top: Path) -> dict[str, tuple[int, int, int]]:
    """Return the kind, size and time of every file, but for the export and indexes of logs."""
    found = {}
    for folder, folders, names in os.walk(top):
        if EXPORT in folders and "trace" in folders:
            folders.remove(EXPORT)
        for name in (*folders, *names):
            if name.endswith(INDEX_SUFFIX) and os.path.basename(folder) == "trace":
                # A command may leave it beside a log.
                continue
            path = os.path.join(folder, name)
            known = os.lstat(path)
            changed = 0 if stat.S_ISDIR(known.st_mode) else known.st_mtime_ns
            size = 0 if stat.S_ISDIR(known.st_mode) else known.st_size
            found[os.path.relpath(path, top)] = (stat.S_IFMT(known.st_mode), size, changed)
    return found
