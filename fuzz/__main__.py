"""The command line: ``python -m fuzz programs modules --python PATH …``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fuzz.corpus import run_modules
from fuzz.engines import Engines
from fuzz.indexes import Indexes, run_indexes
from fuzz.oracle import Judged, run_oracle
from fuzz.random_programs import run_programs
from fuzz.recordings import Reader, run_recordings
from fuzz.ways import ROOT, Figures, Interpreter

__all__ = ["main"]

FAILURES = Path(__file__).resolve().parent.parent / "build" / "fuzz"


def main() -> int:
    """Run what the command line says; return 1 when there was a difference or fault."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument(
        "what",
        nargs="+",
        choices=("programs", "engines", "oracle", "modules", "recordings", "indexes"),
    )
    parser.add_argument("--seconds", type=float, default=1200, help="for each of them, at most")
    parser.add_argument("--programs", type=int, default=2000, help="how many, at most")
    parser.add_argument("--mutations", type=int, default=500, help="how many, at most")
    parser.add_argument(
        "--engine",
        nargs="+",
        default=[],
        metavar="NAME",
        help="what the oracle judges: native, python",
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="whose code the oracle judges, built in place"
    )
    parser.add_argument(
        "--detail",
        choices=("values", "calls"),
        default="values",
        help="what the oracle has recorded and compares",
    )
    parser.add_argument("--modules", type=int, default=100, help="how many, at most")
    parser.add_argument("--recordings", type=int, default=5000, help="how many, at most")
    parser.add_argument("--indexes", type=int, default=5000, help="how many, at most")
    parser.add_argument(
        "--seed", type=int, default=0, help="chooses programs and modules; the first recording's"
    )
    parser.add_argument("--save", type=Path, default=FAILURES, help="where differences are written")
    parser.add_argument(
        "--python", nargs="+", default=[sys.executable], metavar="PATH", help="interpreters"
    )
    options = parser.parse_args()
    differences = 0
    if "programs" in options.what:
        differences += _programs(options)
    if "engines" in options.what:
        differences += _engines(options)
    if "oracle" in options.what:
        differences += _oracle(options)
    if "modules" in options.what:
        differences += _modules(options)
    faults = _recordings(options) if "recordings" in options.what else 0
    if "indexes" in options.what:
        faults += _indexes(options)
    print(f"{differences} differences, {faults} faults")
    return 1 if differences or faults else 0


def _programs(options: argparse.Namespace) -> int:
    interpreters = [Interpreter(python) for python in options.python]
    deadline = time.monotonic() + options.seconds
    try:
        found = run_programs(interpreters, options.programs, options.seed, deadline, options.save)
    finally:
        for interpreter in interpreters:
            interpreter.close()
    for interpreter in interpreters:
        _print_figures(interpreter.python, interpreter.ways, "programs", interpreter.figures)
    return len(found)


def _engines(options: argparse.Namespace) -> int:
    interpreters = [Engines(python) for python in options.python]
    deadline = time.monotonic() + options.seconds
    try:
        found = run_programs(interpreters, options.programs, options.seed, deadline, options.save)
    finally:
        for engines in interpreters:
            engines.close()
    for engines in interpreters:
        _print_figures(engines.python, engines.ways, "programs recorded", engines.figures)
        print(f"    left out, not recorded the same twice: {engines.left_out}")
    return len(found)


def _oracle(options: argparse.Namespace) -> int:
    deadline = time.monotonic() + options.seconds
    judged = Judged(options.engine, options.root.absolute(), options.detail)
    figures, found = run_oracle(
        options.python, options.mutations, options.seed, deadline, options.save, judged
    )
    for python, of_python in figures.items():
        _print_figures(python, [*of_python.by_event], "programs compared", of_python)
    return len(found)


def _modules(options: argparse.Namespace) -> int:
    deadline = time.monotonic() + options.seconds
    differences = 0
    for corpus in run_modules(
        options.python, options.modules, options.seed, deadline, options.save
    ):
        _print_figures(corpus.python, corpus.ways, "test modules", corpus.figures)
        for why, modules in corpus.left_out.items():
            print(f"    left out, {why}: {len(modules)} ({' '.join(modules)})")
        for module, seen in corpus.sees.items():
            print(f"    {module}: {seen}")
        differences += len(corpus.differences)
    return differences


def _recordings(options: argparse.Namespace) -> int:
    readers = [Reader(python) for python in options.python]
    deadline = time.monotonic() + options.seconds
    try:
        _, faults = run_recordings(
            readers, options.recordings, options.seed, deadline, options.save
        )
    finally:
        for reader in readers:
            reader.close()
    for reader in readers:
        seconds, arguments, seed = reader.slowest
        print(f"{reader.python}: {reader.commands} commands")
        print(f"    the slowest: {seconds:.1f} s of CPU, {arguments}, seed {seed}")
    return len(faults)


def _indexes(options: argparse.Namespace) -> int:
    interpreters = [Indexes(python) for python in options.python]
    deadline = time.monotonic() + options.seconds
    try:
        _, faults = run_indexes(interpreters, options.indexes, options.seed, deadline, options.save)
    finally:
        for interpreter in interpreters:
            interpreter.close()
    return len(faults)


def _print_figures(python: str, ways: list[str], what: str, figures: Figures) -> None:
    print(f"{python}: {figures.programs} {what}, {figures.events} events, {' '.join(ways)}")
    for event, count in sorted(figures.by_event.items()):
        print(f"    {event} {count}")


if __name__ == "__main__":
    sys.exit(main())
