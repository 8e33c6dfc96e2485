"""Is anything ever lost? Faults in tracers, for as long as one likes, and figures.

    make stress                                            on the environment's interpreter
    PYTHONPATH=. python benchmarks/stress.py [--seconds N] [--seed N]

What is injected, and into what, is in tests/faults.py. The exit status is 1 at any difference.
"""

from __future__ import annotations

import argparse
import platform
import random
import sys
import time
from collections import Counter

from codetracer.monitoring.backend import BACKENDS
from tests.faults import PROGRAMS
from tests.injecting import difference, injected

POLICIES = ("disable", "abort")


def main() -> int:
    parser = argparse.ArgumentParser(description="Inject faults into tracers.")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"CPython {platform.python_version()}, seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    figures: Counter[str] = Counter()
    differences: list[str] = []
    end = time.monotonic() + options.seconds
    share = options.seconds / 2 / len(BACKENDS) / len(POLICIES)
    for backend in BACKENDS:
        for policy in POLICIES:
            try:
                # No process runs for so long that it would count as stuck.
                figures += Counter(
                    injected(policy, chance.randrange(10**6), min(share, 60), backend)
                )
            except AssertionError as error:
                differences.append(str(error))
    # Each once, however busy the machine is.
    names = [*PROGRAMS]
    while (names or time.monotonic() < end) and not differences:
        names = names or chance.sample([*PROGRAMS], len(PROGRAMS))
        policy, backend = chance.choice((*POLICIES, "sound")), chance.choice(BACKENDS)
        wrong = difference(names.pop(), policy, chance.randrange(10**6), backend)
        figures["programs"] += 1
        figures["processes"] += 1
        if wrong:
            differences.append(wrong)
    print(
        f"{figures['faults']} faults in handlers, {figures['programs']} runs of programs,"
        f" {figures['processes']} of them processes of their own;"
        f" {len(differences)} differences"
    )
    for text in differences:
        print(text)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
