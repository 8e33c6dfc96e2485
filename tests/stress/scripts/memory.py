"""Fills the memory that it is given, recovers, and goes on; some of it many times."""

import json
import random
import resource
import sys

from tests.stress.work import Work

TURNS = 3
SMALLEST = 2**14
"""To the last byte is a segmentation fault of CPython's own on 3.15.0."""


def fill(kept: list[bytearray], size: int) -> int:
    while size >= SMALLEST:
        try:
            kept.append(bytearray(size))
        except MemoryError:
            size //= 2
    return len(kept)


def note(kept: list[bytearray], turn: int) -> list[int]:
    return [turn, len(kept) > 0]


def main(seed: int) -> None:
    chance = random.Random(seed)
    work = Work(seed)
    # Loads all that the work needs.
    for _ in range(20):
        work.step()
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    room = chance.randrange(24, 100) << 20
    resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
    filled = 0
    for turn in range(TURNS):
        kept: list[bytearray] = []
        assert fill(kept, 2 ** chance.randrange(15, 22)) > 0
        for _ in range(chance.randrange(3)):
            assert note(kept, turn) == [turn, True]
        kept.clear()
        filled += 1
        for _ in range(10):
            work.step()
    print(json.dumps({"times that memory was full": filled}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
