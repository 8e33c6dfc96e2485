"""Measures reading a recording from its beginning, with the decoder in Python and in C.

    python benchmarks/decoding.py [--turns N]

Each program of benchmarks/workloads/ is recorded once. Processes of their own read the log in turn,
with one decoder and with the other: first all records, then all events. Prints a table in Markdown:
the CPU time of both, in seconds, and what it is a record. The figures are the medians of the turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
WORKLOADS = ROOT / "benchmarks/workloads"
BACKENDS = ("python", "native")

READ = """
import json, sys, time
from collections import deque
import codetracer
from codetracer.replay import Replay
log = codetracer.read(sys.argv[1]).processes[0].log
def seconds(what):
    began = time.process_time()
    deque(what, 0)
    return time.process_time() - began
count = sum(1 for _ in log.records())
print(json.dumps([count, seconds(log.records()), seconds(Replay(log))]))
"""
"""Prints how many records there are, and the seconds that reading records and events took."""


def run(*arguments: object, backend: str) -> str:
    """Run this interpreter over the checkout, and return what it prints."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "generated")))
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"CODETRACER_BACKEND": backend, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def row(workload: Path, folder: Path, turns: int) -> Iterable[str]:
    """Record a program, read it, and return the cells of its row."""
    out = folder / workload.stem
    run("-m", "codetracer", "record", "-q", "-o", out, workload, backend="native")
    times: dict[str, list[tuple[float, float]]] = {backend: [] for backend in BACKENDS}
    count = 0
    for _ in range(turns):
        for backend, found in times.items():
            count, records, events = json.loads(run("-c", READ, out, backend=backend))
            found.append((records, events))
    yield workload.stem
    yield f"{count:,}"
    for each in range(2):
        python, native = (median(turn[each] for turn in times[backend]) for backend in BACKENDS)
        yield f"{python:.2f}"
        yield f"{native:.3f}"
        yield f"**{python / native:.1f}**"
        yield f"{count / native / 1e6:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    print(
        "| workload | records | records: Python, s | C, s | times faster | million/s |"
        " events: Python, s | C, s | times faster | million records/s |"
    )
    print("|---" * 10 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for workload in sorted(WORKLOADS.glob("*.py")):
            print("|", " | ".join(row(workload, Path(folder), turns)), "|", flush=True)


if __name__ == "__main__":
    main()
