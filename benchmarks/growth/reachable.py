"""A loop that changes one object of many that its frame reaches, and a name.

python reachable.py OBJECTS TURNS
"""

import sys


class Part:
    def __init__(self, number: int) -> None:
        self.number = number
        self.parts: list[Part] = []


def build(objects: int) -> Part:
    """Return the first of so many parts, each of which has ten others."""
    parts = [Part(number) for number in range(objects)]
    for number in range(1, objects):
        parts[(number - 1) // 10].parts.append(parts[number])
    return parts[0]


def change(first: Part, turns: int) -> int:
    total = 0
    for number in range(turns):
        part = first.parts[number % len(first.parts)] if first.parts else first
        part.number = number
        total += part.number
    return total


if __name__ == "__main__":
    whole = build(int(sys.argv[1]))
    print(change(whole, int(sys.argv[2])))
