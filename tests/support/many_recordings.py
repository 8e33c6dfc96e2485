"""Records a small program N times in one process, in which scripts/sanitize.sh looks for leaks.

python -m tests.support.many_recordings N FOLDER
"""

import contextlib
import shutil
import sys

import codetracer
from codetracer.runtime.native import engine_in_c


class Node:
    """An object with a container."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.others = [number]


def deep(depth: int) -> int:
    """Recurse, and raise."""
    if not depth:
        raise ValueError(depth)
    return deep(depth - 1)


def work(turn: int) -> object:
    """Make values of several kinds, one of them a secret."""
    kept = [Node(number) for number in range(10)]
    texts = {number: str(number) * 20 for number in range(20)}
    with contextlib.suppress(ValueError):
        deep(5)
    password = f"secret-word-{turn}"
    return kept, texts, password, "x" * 3000


for turn in range(int(sys.argv[1])):
    codetracer.start(sys.argv[2])
    work(turn)
    codetracer.stop()
    shutil.rmtree(sys.argv[2])
print(f"{sys.argv[1]} recordings by {getattr(engine_in_c(), '__file__', 'Python')}")
