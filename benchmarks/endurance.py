"""Does anything grow? Many installs, events and recordings, and the memory before and after.

    python benchmarks/endurance.py [--installs N] [--events N] [--recordings N]

Prints blocks of memory (`sys.getallocatedblocks`), the collector's objects, the resident set,
descriptors and threads after warming up and at the end, on the backend in use. On a debug build,
also `sys.gettotalrefcount`.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from types import CodeType

from codetracer import Tracer, backend, installed, trace

LOOPS = 1000


class Everything(Tracer):
    """Handles the events that come most often."""

    def on_py_start(self, code: CodeType, offset: int) -> None:
        pass

    def on_py_return(self, code: CodeType, offset: int, retval: object) -> None:
        pass

    def on_call(self, code: CodeType, offset: int, callable: object, arg0: object) -> None:
        pass

    def on_line(self, code: CodeType, line: int) -> None:
        pass


def callee(number: int) -> int:
    return number


def workload() -> None:
    for number in range(LOOPS):
        callee(number)


EVENTS_A_LOOP = 6
"""Of `workload`: two lines and a call; start, line and return of what it calls."""


def memory() -> dict[str, int]:
    """Return the measures of this process's memory by name."""
    gc.collect()
    measures = {"blocks": sys.getallocatedblocks(), "objects": len(gc.get_objects())}
    if hasattr(sys, "gettotalrefcount"):
        measures["references"] = sys.gettotalrefcount()
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
        measures["resident KiB"] = int(lines["VmRSS"].split()[0])
        measures["descriptors"] = len(os.listdir("/proc/self/fd"))
        measures["threads"] = int(lines["Threads"])
    except OSError:
        pass
    return measures


def measure(what: str, step: Callable[[], None], repeats: int) -> None:
    """Print how much memory `repeats` steps add, after a tenth of them to warm up."""
    for _ in range(repeats // 10):
        step()
    before = memory()
    for _ in range(repeats):
        step()
    after = memory()
    grown = ", ".join(f"{name} {after[name] - before[name]:+,}" for name in before)
    print(f"| {platform.python_version()} | {backend()} | {what} | {grown} |", flush=True)


def main() -> None:
    """Measure each, and print the rows as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--installs", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--recordings", type=int, default=1000)
    options = parser.parse_args()
    tracer = Everything()

    def install_and_uninstall() -> None:
        with installed(tracer):
            pass

    measure(f"{options.installs:,} installs", install_and_uninstall, options.installs)
    with installed(tracer):
        runs = -(-options.events // (LOOPS * EVENTS_A_LOOP))
        measure(f"{runs * LOOPS * EVENTS_A_LOOP:,} events", workload, runs)
    with tempfile.TemporaryDirectory() as scratch:

        def record() -> None:
            with trace(f"{scratch}/out"):
                callee(0)
            shutil.rmtree(f"{scratch}/out")

        measure(f"{options.recordings:,} recordings", record, options.recordings)


if __name__ == "__main__":
    main()
