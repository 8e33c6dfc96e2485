"""Puts counters in the place of CPython's functions; nobody but the program calls them."""

import _thread
import builtins
import io
import json
import os
import posix
import posixpath
import random
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tests.stress.work import Work

MODULES = (_thread, builtins, io, os, posix, posixpath, sys, threading, time, weakref)
KEPT = ("__build_class__", "__import__", "exec", "compile", "super", "_getframe", "exc_info")
"""Functions that ask for the frame that calls them."""

STEPS = 60


def counting(name: str, function: Callable[..., Any], counts: Counter[str]) -> Callable[..., Any]:
    def count(*args: Any, **kwargs: Any) -> Any:
        counts[name] += 1
        return function(*args, **kwargs)

    return count


def patch(module: ModuleType, chance: random.Random, counts: Counter[str]) -> int:
    put = 0
    for name, value in list(vars(module).items()):
        if not callable(value) or isinstance(value, type) or name in KEPT:
            continue
        if chance.random() < 0.7:
            setattr(module, name, counting(f"{module.__name__}.{name}", value, counts))
            put += 1
    return put


def main(seed: int) -> None:
    chance = random.Random(seed)
    work = Work(seed)
    counts: Counter[str] = Counter()
    write = sys.stdout.write
    files = [f"part{number}.py" for number in range(20)]
    for name in files:
        with open(name, "w", encoding="utf-8") as file:
            file.write("def part():\n    return [1]\npart()\n")
    codes = [compile("def part():\n    return [1]\npart()\n", name, "exec") for name in files]
    # Each function once, and in any order: some call others.
    put = sum([patch(module, chance, counts) for module in chance.sample(MODULES, len(MODULES))])
    dumps, items = json.dumps, counts.items
    for code in codes:
        exec(code, {})
        for _ in range(STEPS // len(codes)):
            work.step()
    thread = threading.Thread(target=work.step)
    thread.start()
    thread.join()
    child = os.fork()
    if not child:
        work.step()
        write(dumps(sorted(items())) + "\n")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    found = sorted(items())
    write(dumps(found) + "\n")
    write(dumps({"functions replaced": put, "calls of them": sum(counts.values())}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
