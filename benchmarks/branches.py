"""Measures the cost of measuring branches, with examples/branches.py and the cores of coverage.py.

    python benchmarks/branches.py [--turns N] PYTHON ...    (each has coverage.py and our bindings)

Each workload runs without a tool and under each tool in turn, sixty times in one process. The
benchmark takes the process's CPU time, and subtracts that of no run under the same tool, which is
the time of start and report. It divides by the time without a tool in the same turn, and prints the
median. Before 3.14 coverage.py cannot measure branches with `sys.monitoring`; that core then
measures only lines.
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
PROGRAMS = ("json_codec", "objects")
WAYS = ("plain", "ctrace", "sysmon", "branches")

REPEAT = """
import sys
path, times = sys.argv[1:]
with open(path) as file:
    code = compile(file.read(), path, "exec")
for _ in range(int(times)):
    exec(code, {"__name__": "workload"})
"""


def release(python: str) -> str:
    """Return the interpreter's release, such as ``3.13.0``."""
    program = "import platform; print(platform.python_version())"
    return subprocess.run(
        [python, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


def seconds(python: str, way: str, program: Path, times: int, folder: str) -> float:
    """Return the CPU time that so many runs of a program take one way, in s."""
    core = {"COVERAGE_CORE": way} if way in ("ctrace", "sysmon") else {}
    lines_only = way == "sysmon" and release(python) < "3.14"
    command = {
        "plain": [python],
        "branches": [python, str(ROOT / "examples/branches.py"), "--include=*/workloads/*"],
    }.get(
        way,
        [
            *(python, "-m", "coverage", "run", "--include=*/workloads/*"),
            *(() if lines_only else ("--branch",)),
        ],
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "repeat.py", str(program), str(times)],
        cwd=folder,
        env=os.environ | core | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'generated'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode and "No data to report" not in done.stderr:
        raise SystemExit(f"{way} of {program.name} failed: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(python: str, name: str, turns: int, folder: str) -> str:
    """Return what one program costs, as a row of Markdown."""
    program = ROOT / f"benchmarks/workloads/{name}.py"
    ratios: dict[str, list[float]] = {way: [] for way in WAYS}
    plains = []
    for _ in range(turns):
        taken = {
            way: seconds(python, way, program, 60, folder)
            - seconds(python, way, program, 0, folder)
            for way in WAYS
        }
        plains.append(taken["plain"])
        for way in WAYS:
            ratios[way].append(taken[way] / taken["plain"])
    cells = [f"{median(ratios[way]):.2f}" for way in WAYS[1:]]
    return f"| {release(python)} | {name} | {median(plains):.2f} | {' | '.join(cells)} |"


def main() -> None:
    """Measure every interpreter given, and print a table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("python", nargs="*", default=[sys.executable], help="interpreters")
    parser.add_argument("--turns", type=int, default=3, help="turns of each program (3)")
    options = parser.parse_args()
    print("| CPython | program | plain, s | ctrace | sysmon | branches.py |")
    print("|---|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "repeat.py").write_text(REPEAT, encoding="utf-8")
        for python in options.python:
            for name in PROGRAMS:
                print(row(str(Path(python).absolute()), name, options.turns, folder), flush=True)


if __name__ == "__main__":
    main()
