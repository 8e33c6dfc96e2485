"""The command line: ``python -m tests.suites --python PATH … --suite NAME …``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.suites.running import Environment, Result, build_wheel, load_suites

CACHE = Path.home() / ".cache/codetracer-suites"


def main() -> int:
    """Run the suites and print a table; return 1 when an outcome differs or a recording lacks."""
    suites = load_suites()
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters")
    parser.add_argument("--suite", nargs="+", choices=[suite.name for suite in suites])
    parser.add_argument("--folder", type=Path, default=CACHE, help="default: %(default)s")
    options = parser.parse_args()
    wheel = build_wheel(sys.executable, options.folder)
    print("| suite | covers | CPython | tests | differences | CPU time | bytes | complete |")
    print("|---|---|---|---|---|---|---|---|")
    results = []
    for python in options.python:
        environment = Environment(python, options.folder)
        environment.install_wheel(wheel)
        for suite in suites:
            if not options.suite or suite.name in options.suite:
                results.append(environment.run(suite))
                _print(results[-1])
    faults = [result for result in results if result.differences or result.problem]
    for result in faults:
        print(f"\n{result.suite.name} on {result.python}: {result.problem or 'complete'}")
        print("\n".join(f"  {line}" for line in result.differences))
    return 1 if faults else 0


def _print(result: Result) -> None:
    suite = result.suite
    print(
        f"| {suite.name} {suite.version} | {suite.covers} | {result.python} | {result.tests:,} |"
        f" {len(result.differences)} | {result.ratio:.1f} times | {result.size:,} |"
        f" {'no' if result.problem else 'yes'} |",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
