"""Measures what recording costs on real applications, beside other tools and a floor.

    python -m benchmarks.applications PYTHON ... [--only NAME ...] [--turns N]
    python -m benchmarks.applications PYTHON --parts steps threads
    python -m benchmarks.applications PYTHON --prepare FOLDER

Each interpreter gets an environment with the applications of benchmarks/applications/, codetracer
and the other tools, all with pinned versions. Each application runs in a process of its own:
untraced, recorded, under the floor, and under each other tool, in turn, so that all see the same
state of the machine. The floor (benchmarks/costs/floor.py) is a function in C that does nothing on
the same events of the same files. The benchmark prints medians of CPU time (user and system, with
child processes), as multiples of the untraced time: of the whole process, and of the work alone,
which is without the time of a run that only imports. A way that has used 60 s of CPU time on a
program has no further turn. Every run must print the same as the untraced one.

codetracer-python-recorder (here called the peer) has one turn of a tenth of the work. What a step
adds there is multiplied by the steps of all the work. If it has not ended after --peer-seconds, its
figures are the least that it takes, and have a ">".

The parts beside the applications are programs of benchmarks/growth/: an empty one, a tight loop,
and how the cost of a step grows with steps, objects in reach, threads and tasks.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.costs import series
from benchmarks.costs.environments import PEERS, Environment, prepare
from benchmarks.costs.measuring import Application, Turns, applications, take_turns
from benchmarks.costs.processes import RunError, say
from benchmarks.costs.program import measure
from benchmarks.costs.tables import Row, details, lines, recordings, summary
from benchmarks.costs.ways import (
    CHOICES,
    FLOOR,
    OTHERS,
    PYTHON,
    RECORDED,
    UNTRACED,
    Way,
    find_ways,
)

QUICK = ("lark", "pyflakes", "simpy")
APPLICATIONS = "applications"
PARTS = (APPLICATIONS, *series.SERIES)


def plain_lines(environment: Environment, chosen: list[Application]) -> Iterable[str]:
    """Return a command line for each application and way, to be run by hand."""
    ways, _ = find_ways(environment, (UNTRACED, RECORDED, FLOOR), {})
    for application in chosen:
        files = environment.files_of(application.name)
        # The floor needs the list; a small run is quick, and loads nearly all files.
        take_turns(ways, application.words(environment, "small"), files, Turns(1))
        yield f"# {application.name}"
        for way in ways:
            words = [
                word.replace("{output}", f"/tmp/recording-{application.name}").replace(
                    "{files}", str(files)
                )
                for word in way.command
            ]
            command = shlex.join([*words, *application.words(environment, "full")])
            yield f"{way.name}: PYTHONHASHSEED=0 {command}"


def measure_part(
    environment: Environment, part: str, ways: list[Way], options: argparse.Namespace
) -> list[Row]:
    """Measure a part, print its tables, and return its rows."""
    turns = options.how
    one = series.SERIES.get(part)
    if one is None:
        chosen = applications(options.only)
        left_out = {PYTHON} - {*(options.ways or ())}
    else:
        chosen = one.programs[: one.quick] if options.quick else one.programs
        left_out = {*(() if one.python else (PYTHON,)), *(() if one.peers else OTHERS)}
        turns = turns._replace(turns=turns.turns * one.often)
    ways = [way for way in ways if way.name not in left_out]
    names = [way.name for way in ways]
    rows: list[Row] = []
    for application in chosen:
        found = measure(environment, application, ways, turns, options.amount)
        for row in found:
            problem = f" FAILED: {row.problem}" if row.problem else ""
            say(f"  {row.way} {row.cpu:.3f} s, {row.ratio:.1f} times untraced{problem}")
        rows += found
    if one is None:
        tables = {
            "All applications": summary(rows, names),
            "Each application: whole process / work": details(
                rows, [each.name for each in chosen], names
            ),
            "Recordings": recordings(rows, names),
        }
    else:
        tables = {one.title: series.cells(one, rows)}
    for title, cells in tables.items():
        print(f"\n{title}, CPython {environment.version}\n")
        for line in lines(cells, options.markdown):
            print(line, flush=True)
    return rows


def measure_all(
    python: str, folder: Path, options: argparse.Namespace, results: list[dict[str, Any]]
) -> None:
    """Measure on one interpreter, print its tables, and add what goes into the JSON file."""
    wanted = options.ways or [*((UNTRACED, RECORDED, FLOOR) if options.quick else CHOICES)]
    # Everything is compared with these, and the floor needs to know which files are recorded.
    wanted = [way for way in CHOICES if way in wanted or way in (UNTRACED, RECORDED)]
    environment = prepare(python, folder, {*wanted} & PEERS.keys())
    if options.prepare:
        print(f"\nCPython {environment.version}")
        for line in plain_lines(environment, applications(options.only)):
            print(line, flush=True)
        return
    ways, missing = find_ways(environment, wanted, options.checkouts)
    where = {"version": environment.version}
    for part in options.parts:
        rows = measure_part(environment, part, ways, options)
        results += [where | {"part": part} | row._asdict() for row in rows]
        if options.json:
            # After each part, because all of them take hours.
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, why in missing.items():
        print(f"\nNo {name} on CPython {environment.version}: {why}", flush=True)


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    first, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first,
        epilog=rest.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("python", nargs="*", default=[sys.executable], help="interpreters")
    add("--only", nargs="+", default=[], metavar="NAME", help="these applications")
    add("--parts", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    add("--ways", nargs="+", choices=CHOICES, metavar="WAY", help=f"of {', '.join(CHOICES)} (all)")
    add("--turns", type=int, default=5, help="runs of each (5)")
    says = f"one turn, {', '.join(QUICK)}, short series, no other tools"
    add("--quick", action="store_true", help=says)
    says = "of an application's work; small is a tenth"
    add("--amount", choices=("full", "small"), default="full", help=says)
    add("--markdown", action="store_true", help="print tables as Markdown")
    add("--json", type=Path, metavar="FILE", help="write everything measured")
    says = "also record with another checkout, whose C code is built (may be repeated)"
    add("--checkout", action="append", default=[], metavar="NAME=FOLDER", help=says)
    says = "keep the environments in this folder (default: a temporary one)"
    add("--environments", type=Path, metavar="FOLDER", help=says)
    says = "only make the environments there, and print command lines"
    add("--prepare", type=Path, metavar="FOLDER", help=says)
    add("--peer-seconds", type=int, default=60, help="CPU time for each run of the peer (60)")
    add("--scratch", metavar="FOLDER", help="where to record (default: a temporary folder)")
    options = parser.parse_args()
    if options.turns < 1:
        parser.error("--turns must be 1 or more")
    options.parts = options.parts or [*((APPLICATIONS,) if options.only else PARTS)]
    if options.quick:
        options.turns = 1
        options.only = options.only or [*QUICK]
    options.how = Turns(options.turns, scratch=options.scratch, limit=options.peer_seconds)
    pairs = [word.partition("=") for word in options.checkout]
    options.checkouts = {name: Path(folder) for name, _, folder in pairs}
    return options


def main() -> int:
    """Measure every interpreter given, and print the tables."""
    options = parsed()
    failed = False
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.prepare or options.environments or Path(temporary)).resolve()
        for python in options.python:
            try:
                measure_all(python, folder, options, results)
            except RunError as error:
                say(f"FAILED: {python}: {error}")
                failed = True
    return int(failed or any(row["problem"] for row in results))


if __name__ == "__main__":
    sys.exit(main())
