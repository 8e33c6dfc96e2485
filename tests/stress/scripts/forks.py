"""Forks while other threads run, from the main thread, from others and from signal handlers."""

import json
import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from tests.stress.work import Work

TURNS = 12
LIMIT = 40
"""Seconds after which a child counts as stuck."""


class GoneError(Exception):
    pass


def works(work: Work) -> None:
    for _ in range(5):
        work.step()


def leaves(work: Work) -> NoReturn:
    works(work)
    os._exit(3)


def ends_as_a_program(work: Work) -> NoReturn:
    works(work)
    sys.exit(4)


def starts_a_thread(work: Work) -> NoReturn:
    threads = [threading.Thread(target=works, args=(Work(n),)) for n in range(2)]
    for thread in threads:
        thread.start()
    works(work)
    for thread in threads:
        thread.join()
    sys.exit(5)


def forks_again(work: Work) -> NoReturn:
    child = os.fork()
    if not child:
        works(work)
        os._exit(2)
    os._exit(10 + status(child))


def executes(work: Work) -> NoReturn:
    works(work)
    os.execv(sys.executable, [sys.executable, "-S", "-E", "-c", "raise SystemExit(7)"])


def is_killed(work: Work) -> NoReturn:
    works(work)
    os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


def raises(work: Work) -> NoReturn:
    works(work)
    # Without a word, which would be mixed with those of other processes.
    sys.excepthook = lambda *_: None
    raise GoneError


CHILDREN: tuple[Callable[[Work], NoReturn], ...] = (
    leaves,
    ends_as_a_program,
    starts_a_thread,
    forks_again,
    executes,
    is_killed,
    raises,
)


def status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Parent:
    """Forks children of its kinds, one after the other, and keeps how each has ended."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.work = Work(seed)
        self.ended: list[str] = []

    def fork(self, *_: object) -> None:
        kind = self.chance.choice(CHILDREN)
        child = os.fork()
        if not child:
            signal.alarm(LIMIT)
            kind(self.work)
        self.ended.append(f"{kind.__name__}: {status(child)}")

    def fork_in_a_thread(self) -> None:
        thread = threading.Thread(target=self.fork)
        thread.start()
        thread.join()

    def fork_in_a_handler(self) -> None:
        wanted = len(self.ended) + 1
        signal.signal(signal.SIGUSR1, self.fork)
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGUSR1))
        signal.setitimer(signal.ITIMER_REAL, 10 ** self.chance.uniform(-5, -3))
        while len(self.ended) < wanted:
            self.work.step()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def main(seed: int) -> None:
    parent = Parent(seed)
    stop = threading.Event()

    def busy(work: Work) -> None:
        while not stop.is_set():
            work.step()

    threads = [threading.Thread(target=busy, args=(Work(seed + n),)) for n in range(3)]
    for thread in threads:
        thread.start()
    ways = (parent.fork, parent.fork_in_a_thread, parent.fork_in_a_handler)
    try:
        for _ in range(TURNS):
            parent.chance.choice(ways)()
    finally:
        stop.set()
    for thread in threads:
        thread.join()
    print(*parent.ended, sep="\n")
    print(json.dumps({"forks": len(parent.ended)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
