"""Measures going to any step of a long recording, against reading from its beginning.

    python benchmarks/replay.py [--turns N] [--moments N] [RECORDING]

Without RECORDING, benchmarks/ledger.py is recorded first, N turns long (default: 350,000, which is
ten million steps). Printed are, in CPU time: making the index (steps a second, its size against the
log's, the memory of the process that makes it); going to a step, and reading all variables of all
its frames; going back over a line; reading from the beginning to the same steps; going to the last
and the next change of a value, run of a line, call and exception; and views of `codetracer show`.
A recording that is given must be one of the ledger.
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
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median

import codetracer
from codetracer import cli
from codetracer.replay import (
    Function,
    Goal,
    Line,
    Moment,
    Process,
    Raise,
    StepEvent,
    Timeline,
)
from codetracer.replay.index_file import index_path

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = {
    "a variable": "turn",
    "an attribute": "accounts[{}].balance",
    "an attribute that never changes": "accounts[{}].number",
    "an item": "by_hundred[{}]",
}
"""The changes in the ledger, by their subjects."""

GOALS: dict[str, Goal] = {
    "run of a line": Line("ledger.py", 57),
    "run of a line, under a condition that is seldom true": Line(
        "ledger.py", 57, lambda moment: moment.locals()["amount"] == 42
    ),
    "call of a function": Function("Account.put"),
    "exception": Raise("RefusedError"),
}

VIEWS = (("--function", "Account.__init__"), ("--output",))

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
    measure_searches(timeline, [step for step in steps if step > timeline.steps // 10])


def measure_searches(timeline: Timeline, steps: list[int]) -> None:
    """Print what it costs to find changes and lines from steps of the ledger."""
    chosen = random.Random(2)
    for what, subject in SUBJECTS.items():
        last, later = [], []
        for step in steps:
            moment = timeline.at(step)
            # Below it is the module.
            frame = moment.frames[-2]
            text = subject.format(chosen.randrange(100))
            write, finding = timed(moment.last_change, text, frame)
            last.append(finding + (timed(getattr, write, "moment")[1] if write else 0))
            write, finding = timed(moment.next_change, text, frame)
            later.append(finding + (timed(getattr, write, "moment")[1] if write else 0))
        row(f"last change of {what}", last)
        row(f"next change of {what}", later)
    for what, goal in GOALS.items():
        row(f"last {what}", [timed(timeline.at(step).run_back, goal)[1] for step in steps])
        row(f"next {what}", [timed(timeline.at(step).run, goal)[1] for step in steps])


def show(path: str, *options: str) -> float:
    """Show a view in this process, without what it prints; return the CPU time (s)."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        return timed(cli.main, ["show", path, "--limit", "0", *options])[1]


def measure_views(path: str) -> None:
    """Print what views cost by the index, and by reading from the beginning."""
    print("\n| view | by the index, s | from the beginning, s |\n|---|---|---|")
    for options in VIEWS:
        beginning = show(path, *options, "--depth", "100000")
        print(f"| {' '.join(options)} | {show(path, *options):.2f} | {beginning:.1f} |")


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
        measure_views(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
