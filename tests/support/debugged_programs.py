"""Programs that a debugger steps through, to the end and back; each has one thing that is hard."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PROGRAMS", "Program"]


class Program(NamedTuple):
    """A program, and the functions with which its other threads and processes begin."""

    text: str
    others: tuple[str, ...] = ()


PROGRAMS: dict[str, Program] = {
    "recursion": Program("""\
def hanoi(n, source, target, spare, moves):
    if n == 0:
        return moves
    hanoi(n - 1, source, spare, target, moves)
    moves.append((source, target))
    return hanoi(n - 1, spare, target, source, moves)

moves = hanoi(2, "a", "c", "b", [])
"""),
    "exceptions": Program("""\
def parse(text):
    try:
        return int(text)
    except ValueError as error:
        reason = str(error)
        return len(reason)
    finally:
        done = True

found = []
for text in ["1", "x"]:
    found.append(parse(text))
"""),
    "reraised": Program("""\
class Failed(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code

def inner(n):
    if n > 1:
        raise Failed(n)
    return n

def outer(n):
    try:
        return inner(n)
    except Failed as error:
        code = error.code
        raise KeyError(code) from error

for n in (1, 2):
    try:
        outer(n)
    except KeyError as error:
        caught = error.args
"""),
    "generators": Program("""\
def count(top):
    n = 0
    while n < top:
        got = yield n
        if got:
            n += got
        n += 1
    return "end"

def both(top):
    result = yield from count(top)
    yield result

generator = both(4)
first = next(generator)
second = generator.send(1)
rest = list(generator)
"""),
    "thrown": Program("""\
def patient():
    caught = 0
    while caught < 2:
        try:
            yield caught
        except ValueError:
            caught += 1
        finally:
            seen = caught

generator = patient()
next(generator)
generator.throw(ValueError("one"))
generator.close()
"""),
    "async": Program("""\
import asyncio

async def add(a, b):
    await asyncio.sleep(0)
    return a + b

async def main():
    total = 0
    for n in range(2):
        total += await add(n, 1)
    return total

total = asyncio.run(main())
"""),
    "tasks": Program("""\
import asyncio

async def worker(name, queue, done):
    while True:
        item = await queue.get()
        if item is None:
            return len(done)
        done.append((name, item))

async def main():
    queue = asyncio.Queue()
    done = []
    tasks = [asyncio.create_task(worker(name, queue, done)) for name in "ab"]
    for item in (1, 2, None, None):
        await queue.put(item)
    return await asyncio.gather(*tasks)

counts = asyncio.run(main())
"""),
    "context_managers": Program("""\
import contextlib

class Guard:
    def __init__(self, log):
        self.log = log
    def __enter__(self):
        self.log.append("in")
        return self
    def __exit__(self, kind, value, traceback):
        self.log.append("out")
        return kind is KeyError

@contextlib.contextmanager
def named(name, log):
    log.append(name)
    try:
        yield name
    finally:
        log.remove(name)

log = []
with Guard(log) as guard:
    with named("n", log) as name:
        size = len(log)
        raise KeyError(name)
"""),
    "threads": Program(
        """\
import threading

def work(n, results):
    square = n * n
    results[n] = square
    return square

results = {}
thread = threading.Thread(target=work, args=(3, results), name="worker")
thread.start(); thread.join()
total = sum(results.values())
""",
        ("work",),
    ),
    "several_threads": Program(
        """\
import threading

lock = threading.Lock()
seen = []

def first(count):
    for n in range(count):
        with lock:
            seen.append(n)

def second(name):
    mine = name.upper()
    seen.append(mine)

one = threading.Thread(target=first, args=(2,), name="one")
one.start(); one.join()
two = threading.Thread(target=second, args=("b",), name="two")
two.start(); two.join()
""",
        ("first", "second"),
    ),
    "processes": Program(
        """\
import os

def in_child(n):
    doubled = n * 2
    text = str(doubled)
    os._exit(len(text))

before = [1]
if os.fork() == 0:
    in_child(21)
status = os.wait()[1]
code = os.waitstatus_to_exitcode(status)
""",
        ("in_child",),
    ),
    "closures": Program("""\
def counter(start):
    count = start
    def step(by=1):
        nonlocal count
        count += by
        return count
    def reset():
        nonlocal count
        count = start
    return step, reset

step, reset = counter(5)
values = [step(), step(3)]
reset()
values.append(step())
"""),
    "classes": Program("""\
class Base:
    kind = "base"
    made = []
    def __init__(self, name):
        self.name = name
        self.made.append(name)
    @property
    def title(self):
        return self.name.title()
    @classmethod
    def of(cls, *names):
        return [cls(name) for name in names]

class Derived(Base):
    kind = "derived"
    def __init__(self, name):
        super().__init__(name + "!")
        self.size = len(name)

objects = Derived.of("a", "bc")
titles = [each.title for each in objects]
"""),
    "comprehensions": Program("""\
def square(n):
    return n * n

limit = 3
squares = [square(n) for n in range(limit)]
table = {
    n: square(n)
    for n in squares
    if n
}
evens = {n for n in squares if n % 2 == 0}
lazy = sum(n + limit for n in squares)
pairs = [(a, b) for a in range(2) for b in range(a)]
"""),
    "loops": Program("""\
def search(rows, wanted):
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell == wanted:
                break
        else:
            continue
        return x, y
    else:
        missing = True
    while missing:
        missing = False
    return None

rows = [[1, 2], [3, 4]]
found = search(rows, 3)
lost = search(rows, 9)
"""),
    "matches": Program("""\
from dataclasses import dataclass

@dataclass
class Point:
    x: int
    y: int

def describe(value):
    match value:
        case Point(x=0, y=y):
            return f"axis {y}"
        case [first, *rest]:
            return first, rest
        case {"name": name}:
            return name
        case _:
            return None

said = [describe(each) for each in (Point(0, 2), [1, 2, 3], {"name": "n"}, 5)]
"""),
    "decorators": Program("""\
import functools

def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        calls.append(function.__name__)
        return function(*args, **kwargs)
    return wrapper

calls = []

@logged
def add(a, b=2, *, c=3):
    total = a + b
    return total + c

results = [add(1), add(1, 5, c=0)]
"""),
    "changing_objects": Program("""\
class Account:
    def __init__(self, owner):
        self.owner = owner
        self.history = []
        self.limits = {"day": 10}
    def pay(self, amount):
        self.history.append(amount)
        self.limits["day"] -= amount
        if self.limits["day"] < 0:
            del self.limits["day"]
        return self

account = Account("ann")
same = account
same.pay(4).pay(7)
account.history[0] = None
account.owner += "e"
"""),
    "deleted_names": Program("""\
def change(values):
    total = 0
    for value in values:
        total += value
    del value
    try:
        value
    except UnboundLocalError:
        value = None
    global made
    made = total
    return value

change([1, 2])
del made
made = (1,)
import_later = __import__("math").floor(2.5)
"""),
    "a_library_test": Program("""\
import iniconfig

def test_values_are_read(path):
    ini = iniconfig.IniConfig(path, data="[app] # comment\\nname = x\\n  y\\nsize=3\\n")
    assert ini["app"]["name"] == "x\\ny"
    assert ini.get("app", "size", convert=int) == 3
    assert "none" not in ini

test_values_are_read("app.ini")
"""),
}
