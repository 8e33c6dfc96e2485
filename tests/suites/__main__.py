"""The command line: ``python -m tests.suites --python PATH … --suite NAME …``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.suites.running import Interpreter, Result, SetupError, Suite, build_wheel, load_suites

CACHE = Path.home() / ".cache/codetracer-suites"
NEEDS_PYTHONS = 'Name interpreters of CPython 3.12 or later: make suites PYTHONS="path path"'
NEEDS_INDEX = """\
pip gets what is needed from a package index: see that it can be reached (PIP_INDEX_URL names
another), then run what is missing with `python -m tests.suites --python PATH --suite NAME`."""


def main() -> int:
    """Run the suites and print a table.

    Returns:
        1 when an outcome differs, a recording lacks something or a suite could not be run, 2 when
        none could, else 0.
    """
    suites = load_suites()
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters")
    parser.add_argument("--suite", nargs="+", choices=[suite.name for suite in suites])
    parser.add_argument("--folder", type=Path, default=CACHE, help="default: %(default)s")
    options = parser.parse_args()
    chosen = [suite for suite in suites if not options.suite or suite.name in options.suite]
    folder = options.folder.resolve()
    results: list[Result] = []
    faults: list[str] = []
    remedy = NEEDS_PYTHONS
    try:
        interpreters = [Interpreter(python, folder, _say) for python in options.python]
        remedy = NEEDS_INDEX
        _say("building codetracer's wheel")
        wheel = build_wheel(sys.executable, folder)
    except SetupError as error:
        _say(f"error: {error}\n{remedy}")
        return 2
    for interpreter in interpreters:
        for suite in chosen:
            _run(interpreter, suite, wheel, results, faults)
    _print_table(results)
    if faults:
        print("\n" + "\n".join(faults))
        print(f"\nWhat pytest said is in {folder}, VERSION/SUITE-python.txt and -codetracer.txt.")
    return 1 if faults else 0


def _run(
    interpreter: Interpreter, suite: Suite, wheel: Path, results: list[Result], faults: list[str]
) -> None:
    title = f"{suite.name} {suite.version} on CPython {interpreter.version}"
    _say(title)
    try:
        result = interpreter.run(suite, wheel)
    except SetupError as error:
        _say(f"error: {error}")
        faults.append(f"{title} could not be run: {error}\n{NEEDS_INDEX}")
        return
    results.append(result)
    found = [*result.differences, *filter(None, [result.problem])]
    _say("; ".join(found) or f"no difference, {result.ratio:.1f} times the CPU time")
    if found:
        faults.append("\n".join([f"{title}:", *(f"  {line}" for line in found)]))


def _print_table(results: list[Result]) -> None:
    print("| suite | covers | CPython | tests | differences | CPU time | bytes | complete |")
    print("|---|---|---|---|---|---|---|---|")
    for result in sorted(results, key=lambda result: result.suite.name):
        suite = result.suite
        leaving = f", {suite.leaving} left by `os._exit`" if suite.leaving else ""
        print(
            f"| {suite.name} {suite.version} | {suite.covers} | {result.python} |"
            f" {result.tests:,} | {len(result.differences)} | {result.ratio:.1f} times |"
            f" {result.size:,} | {'no' if result.problem else 'yes' + leaving} |"
        )


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
