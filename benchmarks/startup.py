"""Measures what recording adds to the start and the end of a program that does nothing.

    python benchmarks/startup.py [--turns N] [--instructions] [--checkout FOLDER] [PYTHON ...]

By default, PYTHON is the interpreter that runs this. codetracer is taken from the checkout, whose
`generated/` has the compiled modules (`python hatch_build.py`). The ways to record take turns with
the bare program, so that all of them see the same state of the machine. The medians of the CPU time
of whole processes (user and system) are printed, and what each way adds to the bare program. With
--instructions, valgrind counts one more run of each.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = "import sys\nfrom codetracer.cli import main\nsys.exit(main())\n"
"""The console script, as pip writes it."""

COUNTING = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


class Way(NamedTuple):
    """A way to run a program.

    Parameters:
        name: the name in the table.
        words: the words after the interpreter.
        folder: the value of CODETRACER_TRACE; None to leave it unset.
        records: whether it makes a recording.
    """

    name: str
    words: tuple[str, ...]
    folder: str | None = None
    records: bool = True


RECORD = ("record", "-q", "-o", "out", "empty.py")
BARE = Way("bare", ("empty.py",), records=False)
WAYS = (
    BARE,
    Way("`import codetracer`", ("importing.py",), records=False),
    Way("`codetracer record`", ("script.py", *RECORD)),
    Way("`python -m codetracer record`", ("-m", "codetracer", *RECORD)),
    Way("`codetracer.start()`", ("starting.py",)),
    Way("`CODETRACER_TRACE`", ("importing.py",), folder="out"),
)
PROGRAMS = {
    "empty.py": "",
    "script.py": SCRIPT,
    "importing.py": "import codetracer\n",
    "starting.py": "import codetracer\ncodetracer.start('out')\n",
}


class Bench:
    """Runs the ways on one interpreter, in a folder of its own.

    Parameters:
        python: the interpreter.
        checkout: the folder of the codetracer to measure.
        folder: an empty folder.
    """

    def __init__(self, python: str, checkout: Path, folder: Path) -> None:
        self.python = python
        self.folder = folder
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "CODETRACER"))
        }
        self.environment = kept | {
            "PYTHONPATH": os.pathsep.join((str(checkout), str(checkout / "generated"))),
            # Cached as usual, but not in the checkout.
            "PYTHONPYCACHEPREFIX": str(folder / "cache"),
            # The same order of sets in every run, and so the same work.
            "PYTHONHASHSEED": "0",
        }
        for name, text in PROGRAMS.items():
            (folder / name).write_text(text, encoding="utf-8")

    def run(self, way: Way, before: tuple[str, ...] = ()) -> tuple[float, str]:
        """Run a program; return the CPU time of the process in ms, and its standard error."""
        with tempfile.TemporaryFile() as stderr:
            process = subprocess.Popen(
                [*before, self.python, *way.words],
                cwd=self.folder,
                env=self.environment | ({"CODETRACER_TRACE": way.folder} if way.folder else {}),
                stdin=subprocess.DEVNULL,
                stderr=stderr,
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            stderr.seek(0)
            said = stderr.read().decode(errors="replace")
        recorded = (self.folder / "out").exists()
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        if process.returncode or recorded != way.records:
            raise SystemExit(f"{way.name} failed: {said}")
        return (used.ru_utime + used.ru_stime) * 1000, said

    def instructions(self, way: Way) -> float:
        """Return the number of instructions in millions."""
        _, said = self.run(way, COUNTING)
        found = re.search(r"Collected : (\d+)", said)
        assert found is not None, said
        return int(found[1]) / 1e6


def measure(bench: Bench, turns: int, with_instructions: bool) -> list[str]:
    """Return a row for each way, in Markdown."""
    times: dict[str, list[float]] = {way.name: [] for way in WAYS}
    for way in WAYS:
        # Compiles what is not in the cache.
        bench.run(way)
    for _ in range(turns):
        for way in WAYS:
            times[way.name].append(bench.run(way)[0])
    version = subprocess.check_output([bench.python, "-V"], text=True).split()[1]
    bare = median(times[BARE.name])
    counted = {way.name: bench.instructions(way) for way in WAYS if with_instructions}
    rows = []
    for way in WAYS:
        time = median(times[way.name])
        row = [version, way.name, f"{time:.1f}", f"{time - bare:.1f}"]
        if with_instructions:
            row.append(f"{counted[way.name] - counted[BARE.name]:.1f}")
        rows.append(f"| {' | '.join(row)} |")
    return rows


def main() -> int:
    """Print a table with a row for each interpreter and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("python", nargs="*", default=[sys.executable])
    parser.add_argument("--turns", type=int, default=40, help="runs of each way (default: 40)")
    parser.add_argument("--instructions", action="store_true", help="count them, with valgrind")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="(default: this one)")
    options = parser.parse_args()
    names = ["CPython", "way", "CPU, ms", "adds, ms"]
    names += ["adds, million instructions"] * options.instructions
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for python in options.python:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(python, options.checkout.resolve(), Path(folder).resolve())
            print(*measure(bench, options.turns, options.instructions), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
