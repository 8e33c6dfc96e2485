"""A recorded program, and what `codetracer show` prints of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.reading import read
from tests.support.running import Outcome, execute, write

PROGRAM = """\
import sys
import threading


class Node:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def count(top):
    for i in range(top):
        yield i


def checked(x):
    try:
        careful(x)
    except ValueError:
        return "caught"


def careful(x):
    try:
        fail(x)
    finally:
        x = None


def fail(x):
    with open(__file__):
        raise ValueError(f"bad {x}")


total = 0
for step in range(5):
    total += fib(1)
fib(2)
numbers = list(count(2))
node = Node(1, Node(2))
node.next.next = node
print(checked(7), "and", end=" ")
print("more")
print("wrong", file=sys.stderr)
worker = threading.Thread(target=fib, args=(1,), name="Worker")
worker.start()
worker.join()
fail(8)
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with app.py and a recording of it, ``out``."""
    folder = tmp_path_factory.mktemp("show")
    write(folder, {"app.py": PROGRAM})
    done = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=folder)
    assert "bad 8" in done.stderr
    return folder


def show(*arguments: str | Path, cwd: Path) -> Outcome:
    return read("show", *arguments, cwd=cwd)


def rows(*arguments: str | Path, cwd: Path) -> list[dict[str, object]]:
    done = show(*arguments, "--format", "json", cwd=cwd)
    assert (done.code, done.stderr) == (0, ""), done
    return [json.loads(line) for line in done.stdout.splitlines()]


def small(folder: Path, *records: bytes, pid: int = 1, end: bool = True) -> bytes:
    begin = [
        encode.encode_source("/app/app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("<module>", kind=0, module="__main__"),
        logs.code("f", parameters=["a"]),
    ]
    tail = [encode.encode_exit(0, 1, 0)] if end else []
    return logs.log([*begin, *records, *tail], pid=pid)
