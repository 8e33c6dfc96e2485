"""The program that benchmarks/replay.py records: it moves money between accounts COUNT times.

Calls, objects, containers, exceptions and a generator; about 30 steps a turn.
"""

import sys
from collections.abc import Iterator


class RefusedError(Exception):
    """There is not enough money."""


class Account:
    """An account, which remembers its last movements."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 1000
        self.last: list[int] = []

    def take(self, amount: int) -> None:
        """Take money out."""
        if amount > self.balance:
            raise RefusedError(self.number)
        self.balance -= amount
        self.note(-amount)

    def put(self, amount: int) -> None:
        """Put money in."""
        self.balance += amount
        self.note(amount)

    def note(self, amount: int) -> None:
        """Remember a movement."""
        self.last.append(amount)
        if len(self.last) > 5:
            del self.last[0]


def numbers(seed: int) -> Iterator[int]:
    """Yield numbers that look random, and are the same in each run."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2147483648
        yield seed


def move(accounts: list[Account], random: Iterator[int]) -> bool:
    """Move money from one account to another; return whether there was enough."""
    source = accounts[next(random) % len(accounts)]
    target = accounts[next(random) % len(accounts)]
    amount = next(random) % 100
    try:
        source.take(amount)
    except RefusedError:
        return False
    target.put(amount)
    return True


def run(count: int) -> tuple[int, int]:
    """Return how many movements were refused, and all the money."""
    accounts = [Account(number) for number in range(500)]
    random = numbers(1)
    refused = 0
    by_hundred = {}
    for turn in range(count):
        if not move(accounts, random):
            refused += 1
        by_hundred[turn % 100] = turn
    return refused, sum(account.balance for account in accounts)


print(*run(int(sys.argv[1])))
