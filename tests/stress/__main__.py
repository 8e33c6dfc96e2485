"""Is anything ever lost? Faults in tracers, and programs recorded, for as long as one likes.

    make stress                                            on the environment's interpreter
    python -m tests.stress [--seconds N] [--seed N]
    python -m tests.stress --only NAME --seed N            one program, recorded by both engines

Of the time, a third is spent on faults in tracers (`tests.stress.injection`), and two thirds are
spent on programs that are run unrecorded and recorded (`tests.stress.recording`). Figures are
printed at the end; the exit status is 1 at any difference, which is described with what repeats it.
"""

from __future__ import annotations

import argparse
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from codetracer.monitoring.backend import BACKENDS
from tests.stress.processes import difference, injected
from tests.stress.programs import PROGRAMS
from tests.stress.recording import NAMES, compare

POLICIES = ("disable", "abort")


class Stress:
    """Figures, and what was not as it should be.

    Parameters:
        seed: decides everything but what the time decides.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.figures: Counter[str] = Counter()
        self.differences: list[str] = []

    def new_seed(self) -> int:
        return self.chance.randrange(10**6)

    def inject(self, seconds: float) -> None:
        """Commit faults in handlers, under each policy and on each backend."""
        share = seconds / len(BACKENDS) / len(POLICIES)
        for backend in BACKENDS:
            for policy in POLICIES:
                try:
                    # No process runs for so long that it would count as stuck.
                    found = injected(policy, self.new_seed(), min(share, 60), backend)
                except AssertionError as error:
                    self.differences.append(str(error))
                else:
                    self.figures["faults in handlers"] += found["faults"]
                    self.figures["programs run under them"] += found["programs"]

    def run_under_tracers(self, end: float) -> None:
        """Run programs under tracers that fail, each at least once."""
        for name in self._names([*PROGRAMS], end):
            policy, backend = self.chance.choice((*POLICIES, "sound")), self.chance.choice(BACKENDS)
            wrong = difference(name, policy, self.new_seed(), backend)
            self.figures["programs under tracers that fail"] += 1
            if wrong:
                self.differences.append(wrong)

    def run_recorded(self, end: float) -> None:
        """Run programs recorded, each at least once, and each on every backend."""
        for name in self._names(NAMES, end):
            self.record(name, self.new_seed())

    def record(self, name: str, seed: int) -> None:
        self.figures["programs unrecorded"] += 1
        for backend in BACKENDS:
            wrong, figures = compare(name, seed, backend)
            self.figures[f"programs recorded, {backend}"] += 1
            self.figures += figures
            if wrong:
                self.differences.append(wrong)

    def _names(self, names: Sequence[str], end: float) -> Iterator[str]:
        """Yield each name once, however busy the machine is, and then more of them until `end`."""
        left = [*names]
        self.chance.shuffle(left)
        while left or time.monotonic() < end:
            left = left or self.chance.sample(names, len(names))
            yield left.pop()

    def say(self) -> None:
        for what, count in self.figures.items():
            print(f"{count:>8,} {what}")
        print(f"{len(self.differences):>8,} differences")
        for text in self.differences:
            print(f"\n{text}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", choices=NAMES, metavar="NAME", help="record this one, once")
    options = parser.parse_args()
    print(f"CPython {platform.python_version()}, seed {options.seed}", flush=True)
    stress = Stress(options.seed)
    if options.only:
        stress.record(options.only, options.seed)
    else:
        now = time.monotonic()
        stress.inject(options.seconds / 6)
        stress.run_under_tracers(now + options.seconds / 3)
        stress.run_recorded(now + options.seconds)
    stress.say()
    return 1 if stress.differences else 0


if __name__ == "__main__":
    sys.exit(main())
