"""Generators: a pipeline, a tree walked by `yield from`, values sent in, and expressions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator


def numbers(last: int) -> Iterator[int]:
    number = 0
    while number < last:
        yield number
        number += 1


def only_odd(source: Iterable[int]) -> Iterator[int]:
    for number in source:
        if number % 2:
            yield number


def pairs(source: Iterable[int]) -> Iterator[tuple[int, int]]:
    before = 0
    for number in source:
        yield before, number
        before = number


class Tree:
    """A search tree, walked in order by generators within generators."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.left: Tree | None = None
        self.right: Tree | None = None

    def add(self, value: int) -> None:
        if value < self.value:
            if self.left is None:
                self.left = Tree(value)
            else:
                self.left.add(value)
        elif self.right is None:
            self.right = Tree(value)
        else:
            self.right.add(value)

    def walk(self) -> Iterator[int]:
        if self.left is not None:
            yield from self.left.walk()
        yield self.value
        if self.right is not None:
            yield from self.right.walk()


def average() -> Generator[float, float, None]:
    total = 0.0
    count = 0
    value = yield 0.0
    while True:
        total += value
        count += 1
        value = yield total / count


def main() -> None:
    checksum = 0
    for before, number in pairs(only_odd(numbers(15_000))):
        checksum = (checksum + before * number) % 1_000_003
    print(checksum)

    tree = Tree(500)
    for number in numbers(700):
        tree.add(number * 617 % 1009)
    print(sum(place * value for place, value in enumerate(tree.walk())))

    running = average()
    next(running)
    mean = 0.0
    for number in numbers(4_000):
        mean = running.send(number % 100)
    running.close()
    print(mean)


main()
