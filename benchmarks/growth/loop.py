"""A tight loop over a dict and ints: four steps a turn.

python loop.py TURNS [KEYS]
"""

import sys


def count(turns: int, keys: int) -> int:
    counts: dict[int, int] = {}
    total = 0
    for number in range(turns):
        key = number % keys
        counts[key] = counts.get(key, 0) + 1
        total += counts[key]
    return total


if __name__ == "__main__":
    print(count(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10))
