"""Measures the cost of an event through our layer and of a bound method on the raw API.

    python benchmarks/dispatch.py [-o FILE] [PYTHON ...]   (default: the one that runs this)

For each interpreter and event, several processes each run the workload untraced, under the raw
API and under our layer in turn, so that all three see the same state of the machine. In each round,
the benchmark subtracts the untraced time from the two others, and divides them; the published ratio
is the median. The gross ratio divides the whole times. The benchmark also times our import.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles

import pyperf

ROOT = Path(__file__).resolve().parent.parent
WORKER = ROOT / "benchmarks/dispatch_worker.py"
BACKENDS = ("native", "python")
EVENTS = ("LINE", "PY_START", "PY_RETURN", "CALL")


def environment(backend: str = "") -> dict[str, str]:
    """Return an environment in which any interpreter finds codetracer, and caches bytecode.

    `backend` is the one to use; by default the one that codetracer chooses itself.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept |= {"CODETRACER_BACKEND": backend} if backend else {}
    return kept | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "generated")))}


def dispatch(
    python: str, event: str, backend: str, processes: int, rounds: int
) -> tuple[str, list[pyperf.Benchmark]]:
    """Return the row of one interpreter, event and backend, and its times for pyperf."""
    ratios: list[float] = []
    gross: list[float] = []
    costs: dict[str, list[float]] = {"raw": [], "layer": []}
    seconds: dict[str, list[float]] = {"raw": [], "layer": []}
    events = 0
    for _ in range(processes):
        done = subprocess.run(
            [python, str(WORKER), event, str(rounds)],
            check=True,
            capture_output=True,
            text=True,
            env=environment(backend),
        )
        times = json.loads(done.stdout)
        events = times["events"]
        untraced = median(times["untraced"])
        for raw, layer in zip(times["raw"], times["layer"], strict=True):
            ratios.append((layer - untraced) / (raw - untraced))
            gross.append(layer / raw)
        for way in costs:
            costs[way] += [(value - untraced) / events for value in times[way]]
            seconds[way] += [value * 1e-9 for value in times[way]]
    low, _, high = quantiles(ratios, n=4)
    version = release(python)
    row = (
        f"| {version} | {event} | {backend} | {events:,} | {median(costs['raw']):.0f} |"
        f" {median(costs['layer']):.0f} | **{median(ratios):.2f}** | {low:.2f} to {high:.2f} |"
        f" {median(gross):.2f} |"
    )
    return row, [
        pyperf.Benchmark(
            [pyperf.Run(values, metadata={"name": f"{version} {event} {backend} {way}"})]
        )
        for way, values in seconds.items()
    ]


def start_up(python: str, runs: int) -> str:
    """Return the row of one interpreter: what `import codetracer` adds to its start, in ms."""
    statements = ("pass", "import codetracer")
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(runs + 1):
        for statement in statements:
            start = pyperf.perf_counter()
            subprocess.run([python, "-c", statement], check=True, env=environment())
            times[statement].append((pyperf.perf_counter() - start) * 1e3)
    added = [
        imported - bare
        for bare, imported in zip(times["pass"][1:], times["import codetracer"][1:], strict=True)
    ]
    return f"| {release(python)} | {median(times['pass']):.1f} | **{median(added):.1f}** |"


def release(python: str) -> str:
    """Return the interpreter's release, such as ``3.13.0``."""
    program = "import platform; print(platform.python_version())"
    done = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def main() -> None:
    """Measure every interpreter given, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("python", nargs="*", default=[sys.executable], help="interpreters")
    parser.add_argument("--processes", type=int, default=5, help="processes per event (5)")
    parser.add_argument("--rounds", type=int, default=40, help="rounds per process (40)")
    parser.add_argument("-o", "--output", help="write the times to a pyperf file")
    options = parser.parse_args()

    print("| CPython | event | backend | events | raw, ns | layer, ns | ratio | half | gross |")
    print("|---|---|---|---|---|---|---|---|---|")
    benchmarks: list[pyperf.Benchmark] = []
    for python in options.python:
        for event in EVENTS:
            for backend in BACKENDS:
                row, measured = dispatch(python, event, backend, options.processes, options.rounds)
                print(row, flush=True)
                benchmarks += measured
    if options.output:
        pyperf.BenchmarkSuite(benchmarks).dump(options.output, replace=True)
    print("\n| CPython | bare start, ms | `import codetracer` adds, ms |\n|---|---|---|")
    for python in options.python:
        print(start_up(python, options.processes * 6), flush=True)


if __name__ == "__main__":
    main()
