"""Signal handlers that raise, at random moments of the work; each is seen, and seen once."""

import functools
import json
import random
import signal
import sys
from types import FrameType
from typing import Any

from tests.stress.work import Work

TURNS = 60


class LateError(Exception):
    pass


class AbandonedError(BaseException):
    pass


class ArgumentsError(Exception):
    def __init__(self, number: int, text: str) -> None:
        super().__init__(number, text)


KINDS: tuple[Any, ...] = (
    LateError,
    AbandonedError,
    functools.partial(LateError, "late"),
    functools.partial(ArgumentsError, 3, "é"),
    TimeoutError,
    KeyboardInterrupt,
    SystemExit,
    MemoryError,
    RecursionError,
    functools.partial(RuntimeError, "generator raised StopIteration"),
    functools.partial(KeyError, "key"),
    functools.partial(AttributeError, "attribute"),
    functools.partial(TypeError, "type"),
    functools.partial(ValueError, "value"),
    functools.partial(OSError, 4, "interrupted"),
    functools.partial(NameError, "name"),
    functools.partial(LookupError, "lookup"),
)


class Bell:
    """Rings, and raises at the last ring that is wanted."""

    def __init__(self, chance: random.Random, work: Work) -> None:
        self.chance = chance
        self.work = work
        self.rings = 0
        self.raised: list[BaseException] = []

    def set(self, rings: int) -> None:
        self.rings = rings
        self.raised.clear()
        self.wind()

    def wind(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 10 ** self.chance.uniform(-5, -2.5))

    def ring(self, *_: object) -> None:
        self.rings -= 1
        if self.rings:
            self.wind()
        else:
            self.raised.append(self.chance.choice(KINDS)())
            raise self.raised[0]

    def works_first(self, number: int, frame: FrameType | None) -> None:
        self.work.step()
        self.ring(number, frame)

    def raises_from(self, number: int, frame: FrameType | None) -> None:
        try:
            raise LookupError(number)
        except LookupError as error:
            try:
                self.ring()
            except BaseException as late:
                raise late from error


def main(seed: int) -> None:
    chance = random.Random(seed)
    work = Work(seed)
    bell = Bell(chance, Work(seed + 1))

    def closure(number: int, frame: FrameType | None) -> None:
        bell.ring()

    handlers = (
        bell.ring,
        bell.works_first,
        bell.raises_from,
        closure,
        lambda *both: bell.ring(both),
        functools.partial(Bell.ring, bell),
    )
    raised = seen = 0
    for _ in range(TURNS):
        signal.signal(signal.SIGALRM, chance.choice(handlers))
        try:
            bell.set(chance.choice((1, 1, 1, 2, 5)))
            work.go_on(lambda: bool(bell.raised))
        except BaseException as error:
            if [error] != bell.raised:
                raise
            seen += 1
        raised += len(bell.raised)
    print(json.dumps({"time-outs raised": raised, "time-outs seen": seen}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
