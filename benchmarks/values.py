"""Measures the cost, in µs, of a recorded line that names a value, large or small.

    python benchmarks/values.py [NAME=ROOT ...]     (default: this working copy)

Each ROOT is a working copy whose engine in C is compiled; they take turns, on the interpreter that
runs this. A row is the median of three processes. Each process takes the shortest of five passes
over a function of 50 lines that only name the value, and subtracts the time of the same lines when
they name None. All lines are recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
LINES = 50
TURNS = 3

PROGRAM = f"""
import collections, json, sys, time
class Text(str): pass
class Number(int): pass
class Point:
    def __init__(self): self.x, self.y, self.name = 1, 2.5, 'point'
class Wide:
    def __init__(self): vars(self).update((f'name{{n}}', n) for n in range(10_000))
million = 1_000_000
makers = {{
    'a str of 10 characters': lambda: 'abcdefghij',
    'a str of 10, not ASCII': lambda: 'äbcdefghij',
    'a str of 500': lambda: 'x' * 500,
    'a str of 500, not ASCII': lambda: 'ä' * 500,
    'an instance': Point,
    'a list of 10 instances': lambda: [Point() for _ in range(10)],
    'a dict of 5 names': lambda: dict.fromkeys(('user', 'host', 'port', 'path', 'query'), 1),
    'a bytearray of 10 MB': lambda: bytearray(10 * million),
    'a deque of a million items': lambda: collections.deque(range(million)),
    'a str subclass of 10 MB': lambda: Text('x' * (10 * million)),
    'an int of a million bits': lambda: 1 << million,
    'an int subclass of a million bits': lambda: Number(1 << million),
    'an instance of 10,000 attributes': Wide,
    'a tuple of 20 tuples of 20 tuples of 20': lambda: (((1,) * 20,) * 20,) * 20,
}}
def named(value):
{("    value" + chr(10)) * LINES}
def cost(value):
    costs = []
    for _ in range(5):
        start = time.perf_counter_ns()
        named(value)
        costs.append(time.perf_counter_ns() - start)
    return min(costs) / 1000 / {LINES}
nothing = cost(None)
costs = {{}}
for name, make in makers.items():
    costs[name] = cost(make()) - nothing
print(json.dumps(costs))
"""


def main() -> None:
    roots = dict(argument.split("=", 1) for argument in sys.argv[1:]) or {"here": str(ROOT)}
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in roots}
    for _ in range(TURNS):
        for name, root in roots.items():
            costs[name].append(measured(Path(root).resolve()))
    print("| a line that names |", " | ".join(f"{name} (µs)" for name in roots), "|")
    print("|---|" + "---:|" * len(roots))
    for row in costs[next(iter(roots))][0]:
        found = (f"{median(each[row] for each in costs[name]):.2f}" for name in roots)
        print(f"| {row} |", " | ".join(found), "|")


def measured(root: Path) -> dict[str, float]:
    """Record the program with the working copy at `root`; return what it has measured."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(PROGRAM, encoding="utf-8")
        outcome = subprocess.run(
            [
                *(sys.executable, "-m", "codetracer", "record", "--io-capture=off"),
                *("-o", "out", "app.py"),
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'generated'}"},
            stdout=subprocess.PIPE,
            check=True,
        )
    found: dict[str, float] = json.loads(outcome.stdout)
    return found


if __name__ == "__main__":
    main()
