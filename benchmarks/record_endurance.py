"""Does recording grow, and is everything there? Ten million events, recorded and read back.

    python benchmarks/record_endurance.py [--events N] [--backend native|python]

Prints a row of Markdown: by how much the recording process has grown since the first thousand
events, whether the log was read back completely, and how long `codetracer show` takes until it
prints its first line. Exits with 1 when a bound is broken: 64 MB, every event, one second.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import codetracer
from codetracer.replay import ReturnEvent

ROOT = Path(__file__).resolve().parent.parent

GROWTH = 64 * 1024
"""KiB."""
FIRST_LINE = 1.0
"""Seconds."""
EVENTS_A_CALL = 5
"""A line of the loop; the call, its two lines and its return."""

PROGRAM = """\
import codetracer, sys
def work(number, text):
    square = number * number
    return square
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
codetracer.start("out", io_capture="off")
for number in range(1000):
    work(number, "text")
before = resident()
for number in range(int(sys.argv[1])):
    work(number, "text")
print(resident() - before)
codetracer.stop()
"""


def record(folder: Path, calls: int, backend: str) -> int:
    """Record that many calls into `folder`/out; return by how many KiB the process has grown."""
    program = folder / "app.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), str(calls)],
        cwd=folder,
        env=os.environ | {"CODETRACER_BACKEND": backend, "PYTHONPATH": _path()},
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(done.stdout)


def read(trace: Path, calls: int) -> tuple[int, bool]:
    """Return how many events there are, and whether every call returned what it had to."""
    events = returned = 0
    whole = True
    for event in codetracer.read(trace):
        events += 1
        if isinstance(event, ReturnEvent) and event.frame.code.name == "work":
            number = returned if returned < 1000 else returned - 1000
            whole = whole and event.value == number * number
            returned += 1
    return events, whole and returned == calls + 1000 and codetracer.read(trace).complete


def first_line(trace: Path) -> float:
    """Return the seconds from the start of ``codetracer show`` to its first line."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "codetracer", "show", str(trace)],
        env=os.environ | {"PYTHONPATH": _path()},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - start
        process.stdout.close()
        process.kill()
    return seconds


def _path() -> str:
    return os.pathsep.join((str(ROOT), str(ROOT / "generated")))


def main() -> int:
    """Record, read and show; print the row, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--backend", choices=("native", "python"), default=codetracer.backend())
    options = parser.parse_args()
    calls = -(-options.events // EVENTS_A_CALL)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        grown = record(folder, calls, options.backend)
        size = sum(log.stat().st_size for log in (folder / "out").glob("*.ctlog"))
        seconds = first_line(folder / "out")
        events, whole = read(folder / "out", calls)
    print("| CPython | backend | events | grown, KiB | log, bytes | read back | first line, s |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {platform.python_version()} | {options.backend} | {events:,} | {grown:,} | {size:,}"
        f" | {'all' if whole else 'NOT ALL'} | {seconds:.2f} |"
    )
    broken = [
        name
        for name, is_broken in (
            (f"grown by more than {GROWTH} KiB", grown >= GROWTH),
            ("not everything was read back", not whole or events < options.events),
            (f"show took more than {FIRST_LINE} s", seconds >= FIRST_LINE),
        )
        if is_broken
    ]
    for name in broken:
        print(f"FAILED: {name}", file=sys.stderr)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
