"""Compares what recording costs in two checkouts, before and after a change.

    python benchmarks/compare.py [--turns N] [--backend native|python] BEFORE [AFTER]

AFTER is this checkout by default. In both, `make environment GROUP=bench` has made `.venv`, of the
same CPython. Each program of benchmarks/workloads/ is recorded in both in turn, each in a process
of its own, so that both see the same state of the machine. Medians of the CPU time of whole
processes (user and system, in ms) are printed, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
WORKLOADS = sorted((ROOT / "benchmarks/workloads").glob("*.py"))
BACKENDS = ("native", "python")


def cpu_time() -> float:
    """Return the CPU time of all processes that were waited for, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def record(checkout: Path, workload: Path, backend: str) -> float:
    """Record a workload; return the CPU time of the process in seconds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_time()
        subprocess.run(
            [checkout / ".venv/bin/codetracer", "record", "-q", "-o", f"{folder}/out", workload],
            env=kept | {"CODETRACER_BACKEND": backend},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return cpu_time() - before


def main() -> int:
    """Print a row for each workload and engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="a checkout of the commit before the change")
    parser.add_argument("after", type=Path, nargs="?", default=ROOT, help="(default: this one)")
    parser.add_argument("--turns", type=int, default=15, help="runs of each (default: 15)")
    parser.add_argument("--backend", choices=BACKENDS, help="one engine only")
    options = parser.parse_args()
    print(f"{'workload':<12} {'engine':<7} {'before':>8} {'after':>8}  ratio")
    for backend in [options.backend] if options.backend else BACKENDS:
        for workload in WORKLOADS:
            times: list[tuple[Path, list[float]]] = [(options.before, []), (options.after, [])]
            for _ in range(options.turns):
                for checkout, found in times:
                    found.append(record(checkout.resolve(), workload, backend))
            before, after = (median(found) * 1000 for _, found in times)
            row = f"{workload.stem:<12} {backend:<7} {before:>8.1f} {after:>8.1f}"
            print(f"{row}  {after / before:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
