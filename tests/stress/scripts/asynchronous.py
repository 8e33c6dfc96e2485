"""Exceptions that another thread sets (PyThreadState_SetAsyncExc); each is seen, and seen once."""

import ctypes
import json
import random
import sys
import threading
import time

from tests.stress.work import Work

TURNS = 40


class StopError(Exception):
    pass


class AbandonError(BaseException):
    pass


class DefaultError(Exception):
    def __init__(self, number: int = 3) -> None:
        super().__init__()


KINDS = (StopError, AbandonError, DefaultError, KeyboardInterrupt, SystemExit, TimeoutError)


class Target:
    """Works, and counts the exceptions that it sees."""

    def __init__(self, seed: int) -> None:
        self.work = Work(seed)
        self.ready = 0
        self.set = 0
        self.seen = 0
        self.kind: type[BaseException] = StopError

    def is_set(self) -> bool:
        return self.set == self.ready

    def run(self) -> None:
        for turn in range(1, TURNS + 1):
            try:
                self.ready = turn
                self.work.go_on(self.is_set)
            except BaseException as error:
                if type(error) is not self.kind:
                    raise
                self.seen += 1


def pester(target: Target, thread: int, chance: random.Random) -> None:
    for turn in range(1, TURNS + 1):
        while target.ready < turn:
            time.sleep(0.0001)
        time.sleep(10 ** chance.uniform(-5, -2.5))
        target.kind = chance.choice(KINDS)
        count = ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread), ctypes.py_object(target.kind)
        )
        assert count == 1, count
        target.set = turn


def main(seed: int) -> None:
    chance = random.Random(seed)
    target = Target(seed)
    # So that they come anywhere, and soon.
    sys.setswitchinterval(1e-4)
    if chance.random() < 0.5:
        other = threading.Thread(target=pester, args=(target, threading.get_ident(), chance))
        other.start()
        target.run()
        other.join()
    else:
        other = threading.Thread(target=target.run)
        other.start()
        pester(target, other.ident or 0, chance)
        other.join()
    figures = {
        "asynchronous exceptions set": target.set,
        "asynchronous exceptions seen": target.seen,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]))
