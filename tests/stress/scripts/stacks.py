"""Fills the stack in many ways, catches the RecursionError, and goes on."""

import json
import random
import sys
import traceback
from collections.abc import Generator
from typing import Any

from tests.stress.work import Work

TURNS = 8


class Deep:
    """Recurses by what CPython calls."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.way = ""

    def calls(self, n: int = 0) -> Any:
        return self.calls(n + 1)

    def calls_and_works(self, n: int = 0) -> Any:
        if n % 50 == 0:
            self.work.step()
        return self.calls_and_works(n + 1)

    def catches(self, n: int = 0) -> Any:
        try:
            return self.catches(n + 1)
        except LookupError:
            return n

    def finishes(self, n: int = 0) -> Any:
        found = []
        try:
            return self.finishes(n + 1)
        finally:
            found.append(n)

    def generates(self, n: int = 0) -> Generator[int]:
        yield from self.generates(n + 1)

    def exhausts(self) -> Any:
        return list(self.generates())

    def __getattr__(self, name: str) -> Any:
        return getattr(self, name + "_")

    def asks(self) -> Any:
        return self.missing

    def __eq__(self, other: object) -> bool:
        return [self] == [Deep(self.work)]

    __hash__ = None  # type: ignore[assignment]

    def compares(self) -> Any:
        return self == 1

    def maps(self, n: int = 0) -> Any:
        return list(map(self.maps, [n + 1]))


WAYS = ("calls", "calls_and_works", "catches", "finishes", "exhausts", "asks", "compares", "maps")


def main(seed: int) -> None:
    chance = random.Random(seed)
    work = Work(seed)
    deep = Deep(work)
    caught = 0
    usual = sys.getrecursionlimit()
    for _ in range(TURNS):
        sys.setrecursionlimit(chance.choice((200, 500, usual, 1500)))
        way = chance.choice(WAYS)
        try:
            getattr(deep, way)()
        except RecursionError as error:
            caught += 1
            entries = traceback.extract_tb(error.__traceback__)
            # But for the work, which may be where the stack is full.
            files = {entry.filename for entry in entries} - {work.step.__code__.co_filename}
            print(way, [name.rpartition("/")[2] for name in sorted(files)], error.__context__)
        sys.setrecursionlimit(usual)
        for _ in range(10):
            work.step()
    print(json.dumps({"times that the stack was full": caught}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
