"""Measures what recording costs on real applications, beside other tools and a floor.

    python benchmarks/applications.py [--only NAME ...] [--turns N] [PYTHON ...]
    python benchmarks/applications.py --prepare FOLDER [PYTHON ...]

Each interpreter gets an environment with the applications of benchmarks/applications/, codetracer
and the other tools, all with pinned versions. Each application runs in a process of its own:
untraced, recorded, under the floor, and under each other tool, in turn, so that all see the same
state of the machine. The floor (benchmarks/costs/floor.py) is a function in C that does nothing on
the same events of the same files. The benchmark prints medians of CPU time (user and system, with
child processes), as multiples of the untraced time: of the whole process, and of the work alone,
which is without the time of a run that only imports. Every run must print the same as the untraced
one.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.costs.environments import PEERS, Environment, prepare  # noqa: E402
from benchmarks.costs.measuring import Application, applications, take_turns  # noqa: E402
from benchmarks.costs.processes import RunError, say  # noqa: E402
from benchmarks.costs.tables import Row, details, lines, rows_of, summary  # noqa: E402
from benchmarks.costs.ways import (  # noqa: E402
    CHOICES,
    FLOOR,
    RECORDED,
    UNTRACED,
    Way,
    find_ways,
)

QUICK = ("lark", "pyflakes", "simpy")


def measure(
    environment: Environment,
    chosen: list[Application],
    ways: list[Way],
    options: argparse.Namespace,
) -> list[Row]:
    """Measure the applications in one environment."""
    rows: list[Row] = []
    names = [way.name for way in ways]
    for application in chosen:
        say(f"{environment.version}: {application.name}")
        files = environment.files_of(application.name)
        files.unlink(missing_ok=True)
        full, none = (
            take_turns(
                ways, application.words(environment, amount), files, options.turns, options.scratch
            )
            for amount in ("full", "none")
        )
        rows += rows_of(application.name, full, none, RECORDED)
        for line in lines(details(rows[-len(names) :], [application.name], names), False):
            say(line)
    return rows


def plain_lines(environment: Environment, chosen: list[Application]) -> Iterable[str]:
    """Return a command line for each application and way, to be run by hand."""
    ways, _ = find_ways(environment, (UNTRACED, RECORDED, FLOOR), {})
    for application in chosen:
        files = environment.files_of(application.name)
        with tempfile.TemporaryDirectory() as folder:
            # The floor needs the list; a small run is quick, and loads nearly all files.
            take_turns(ways, application.words(environment, "small"), files, 1, folder)
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


def report(
    environment: Environment,
    chosen: list[Application],
    ways: list[Way],
    rows: list[Row],
    markdown: bool,
) -> Iterable[str]:
    """Return the lines of one interpreter's tables."""
    names = [way.name for way in ways]
    yield f"\nCPython {environment.version}: all applications\n"
    yield from lines(summary(rows, names), markdown)
    yield f"\nCPython {environment.version}: each application, whole process / work\n"
    yield from lines(details(rows, [each.name for each in chosen], names), markdown)


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    summary_line, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary_line,
        epilog=rest.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("python", nargs="*", default=[sys.executable], help="interpreters")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these applications")
    parser.add_argument(
        "--ways", nargs="+", choices=CHOICES, metavar="WAY", help=f"of {', '.join(CHOICES)}"
    )
    parser.add_argument("--turns", type=int, default=5, help="runs of each (5)")
    parser.add_argument(
        "--quick", action="store_true", help=f"one turn of {', '.join(QUICK)}; no other tools"
    )
    parser.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument(
        "--checkout",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="also record with another checkout, whose C code is built (may be repeated)",
    )
    parser.add_argument(
        "--environments", type=Path, metavar="FOLDER", help="keep the environments in this folder"
    )
    parser.add_argument(
        "--prepare", type=Path, metavar="FOLDER", help="only make them, and print command lines"
    )
    parser.add_argument("--scratch", metavar="FOLDER", help="where to record")
    options = parser.parse_args()
    if options.turns < 1:
        parser.error("--turns must be 1 or more")
    if options.quick:
        options.turns = 1
        options.only = options.only or [*QUICK]
    quick_ways = (UNTRACED, RECORDED, FLOOR)
    options.ways = options.ways or [*(quick_ways if options.quick else CHOICES)]
    # Everything is compared with these, and the floor needs to know which files are recorded.
    options.ways = [way for way in CHOICES if way in options.ways or way in (UNTRACED, RECORDED)]
    return options


def main() -> int:
    """Measure every interpreter given, and print the tables."""
    options = parsed()
    chosen = applications(options.only)
    checkouts = {}
    for word in options.checkout:
        name, _, folder = word.partition("=")
        checkouts[name] = Path(folder)
    failed = False
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.prepare or options.environments or Path(temporary)).resolve()
        for python in options.python:
            try:
                environment = prepare(python, folder, {*options.ways} & PEERS.keys())
                if options.prepare:
                    print(f"\nCPython {environment.version}")
                    print("\n".join(plain_lines(environment, chosen)), flush=True)
                    continue
                ways, missing = find_ways(environment, options.ways, checkouts)
                rows = measure(environment, chosen, ways, options)
            except RunError as error:
                say(f"FAILED: {python}: {error}")
                failed = True
                continue
            failed = failed or any(row.problem for row in rows)
            results += [{"version": environment.version, **row._asdict()} for row in rows]
            for line in report(environment, chosen, ways, rows, options.markdown):
                print(line, flush=True)
            for name, why in missing.items():
                print(f"\nNo {name} on CPython {environment.version}: {why}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
