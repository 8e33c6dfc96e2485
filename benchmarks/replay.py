"""What it costs to go to any step of a long recording, against reading from its beginning.

    python benchmarks/replay.py [--turns N] [--moments N] [RECORDING]

Without RECORDING, benchmarks/ledger.py is recorded first, N turns long (default: 350,000, which is
ten million steps). Printed are, in CPU time: making the index (steps a second, its size against the
log's, the memory of the process that makes it); going to a step, and reading all variables of all
its frames; going back over a line; and reading from the beginning to the same steps.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import codetracer
from codetracer.replay import Moment, Process, StepEvent, Timeline
from codetracer.replay.index_file import index_path

ROOT = Path(__file__).resolve().parent.parent
FROM_THE_BEGINNING = 3
"""To so many of the moments the log is also read from its beginning."""


def timed[**Given, Result](
    call: Callable[Given, Result], *args: Given.args, **keywords: Given.kwargs
) -> tuple[Result, float]:
    """Call; return the result, and the CPU time that it took (s)."""
    start = time.process_time()
    result = call(*args, **keywords)
    return result, time.process_time() - start


def record(folder: str, turns: int) -> str:
    """Record the ledger; return the recording's folder."""
    out = os.path.join(folder, "out")
    command = [sys.executable, "-m", "codetracer", "record", "-q", "-o", out]
    subprocess.run(
        [*command, ROOT / "benchmarks/ledger.py", str(turns)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return out


def read_to(process: Process, step: int) -> None:
    """Read the log from its beginning to a step."""
    for event in process.replay():
        if isinstance(event, StepEvent) and event.number == step:
            return


def look(moment: Moment) -> int:
    """Read all variables of all frames; return how many they are."""
    return sum(len(moment.locals(frame)) + len(moment.globals(frame)) for frame in moment.frames)


def row(what: str, times: list[float]) -> None:
    """Print a row of the table, in ms."""
    milliseconds = sorted(time * 1000 for time in times)
    print(f"| {what} | {median(milliseconds):,.1f} | {milliseconds[-1]:,.1f} | {len(times)} |")


def measure(process: Process, moments: int) -> None:
    """Print what the index costs, and what it saves."""
    path = index_path(process.path)
    if os.path.exists(path):
        os.unlink(path)
    timeline: Timeline
    timeline, making = timed(process.timeline)
    size, log = os.path.getsize(path), process.log.size()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{timeline.steps:,} steps, log {log:,} bytes, index {size:,} bytes ({size / log:.1%})")
    print(f"made in {making:.2f} s: {timeline.steps / making / 1e6:.1f} million steps a second")
    print(f"memory of the process up to then: {memory:.0f} MB")
    _, opening = timed(Process(0, process.log).timeline)
    print(f"opened again in {opening * 1000:.0f} ms")
    steps = random.Random(1).sample(range(timeline.steps), moments)
    going, looking, back = [], [], []
    for step in steps:
        moment, time_to = timed(timeline.at, step)
        going.append(time_to)
        looking.append(time_to + timed(look, moment)[1])
        back.append(timed(moment.back_over)[1])
    reading = [timed(read_to, process, step)[1] for step in steps[:FROM_THE_BEGINNING]]
    print("\n| what | median, ms | worst, ms | how often |\n|---|---|---|---|")
    row("to a step", going)
    row("to a step, and all variables of all frames", looking)
    row("back over a line", back)
    row("to a step, from the beginning", reading)


def main() -> int:
    """Record, if nothing is given, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recording", nargs="?", help="a recording (default: one that is made)")
    parser.add_argument("--turns", type=int, default=350_000, help="of the ledger")
    parser.add_argument("--moments", type=int, default=200, help="how many steps to go to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.recording or record(folder, options.turns)
        measure(codetracer.read(path).processes[0], options.moments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
