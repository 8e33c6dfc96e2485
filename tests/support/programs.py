"""Small programs that between them fire every event; each prints what it does.

They run in a namespace of their own. Each has a file name of its own every time it is compiled, so
that a tracer can tell its events from everybody else's, such as those of a generator that an
earlier program left behind.
"""

import contextlib
import io
import itertools
import sys
import threading
from types import CodeType
from typing import NamedTuple

PROGRAMS = {
    "loops": """
total = 0
for i in range(3):
    if i % 2:
        continue
    total += i
while total > 0:
    total -= 1
else:
    print('done', total)
""",
    "exceptions": """
def fails(n):
    try:
        if n == 0:
            raise KeyError(n)
        return 10 / (n - 1)
    finally:
        print('finally', n)
for n in (0, 1, 2):
    try:
        print(fails(n))
    except (KeyError, ZeroDivisionError) as error:
        print(type(error).__name__)
try:
    try:
        int('x')
    except ValueError as error:
        raise KeyError('chained') from error
except KeyError as error:
    print(repr(error), repr(error.__cause__))
""",
    "generators": """
def counter():
    got = []
    try:
        while True:
            try:
                got.append((yield len(got)))
            except KeyError as error:
                got.append('key')
    finally:
        print('closed', got)
g = counter()
print(next(g), g.send('a'), g.throw(KeyError('k')), g.send('b'))
g.close()
print(sum(x * x for x in range(4)))
""",
    "throw": """
def g():
    yield 1
i = g()
next(i)
try:
    i.throw(LookupError('in'))
except LookupError as error:
    print('out', error)
unstarted = g()
try:
    unstarted.throw(KeyError('early'))
except KeyError as error:
    print('early', error)
""",
    "yield from": """
def inner():
    yield 1
    try:
        yield 2
    except KeyError:
        print('inner handled')
    return 'result'
def outer():
    result = yield from inner()
    print(result)
    yield 3
g = outer()
print(next(g), next(g), g.throw(KeyError('through')))
print(list(outer()))
""",
    "async": """
import asyncio
async def work(n):
    await asyncio.sleep(0)
    return n
async def numbers():
    for n in range(3):
        yield await work(n)
async def main():
    print(await asyncio.gather(work(1), work(2)))
    async for n in numbers():
        print(n)
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print('cancelled')
asyncio.run(main())
""",
    "comprehensions": """
print([x for x in range(5) if x % 2], {x for x in 'ab'} == {'a', 'b'}, {x: x for x in range(2)})
print([[y for y in range(x)] for x in range(3)])
""",
    "classes": """
class Base:
    def __init__(self, x):
        self.x = x
    @property
    def double(self):
        return 2 * self.x
    def __add__(self, other):
        return Child(self.x + other.x)
    def __iter__(self):
        return iter(range(self.x))
class Child(Base):
    def __init__(self, x):
        super().__init__(x)
    @classmethod
    def make(cls):
        return cls(3)
    @staticmethod
    def help():
        return 'static'
both = Child.make() + Base(1)
print(both.x, both.double, list(both), Child.help())
""",
    "context managers": """
from contextlib import contextmanager, suppress
class Manager:
    def __enter__(self):
        return self
    def __exit__(self, kind, error, traceback):
        print('exit', kind and kind.__name__)
        return kind is KeyError
@contextmanager
def managed():
    try:
        yield 'm'
    finally:
        print('managed')
with Manager(), managed() as m:
    print(m)
with Manager():
    raise KeyError
with suppress(ValueError):
    int('x')
""",
    "recursion": """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(6))
""",
    "calls": """
import functools
def f(*args, **kwargs):
    return len(args) + len(kwargs)
print(f(), f(1), f(k=1), f(*[1, 2]), f(**{'a': 1}), functools.partial(f, 1)(2))
print(max(3, 1), sorted([2, 1], key=lambda x: -x), 'a'.upper())
try:
    [].pop()
except IndexError as error:
    print(error)
""",
    "threads": """
import threading
def worker(n):
    try:
        results[n] = sum(x for x in range(n))
        {}['missing']
    except KeyError:
        results[n] += 1
results = {}
threads = [threading.Thread(target=worker, args=(n,), name=f'worker-{n}') for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results.items()))
""",
    "match": """
def kind(value):
    match value:
        case [x, *rest]:
            return f'list of {1 + len(rest)}'
        case {'a': a}:
            return f'a={a}'
        case str() as text if text:
            return text
        case _:
            return 'other'
print(kind([1, 2]), kind({'a': 1}), kind('t'), kind(''))
""",
}


class Outcome(NamedTuple):
    """The observable outcome of a program."""

    stdout: str
    error: str
    escaped: tuple[BaseException, ...]


_numbers = itertools.count()


def compiled(*names: str) -> CodeType:
    """Return programs, one after the other, as a fresh code object that has never run."""
    source = "".join(PROGRAMS[name] for name in names)
    return compile(source, f"<program {next(_numbers)}>", "exec")


def run(code: CodeType) -> Outcome:
    """Run a program; return what it printed, and every exception that got out of it.

    That includes those that ended one of its threads, or were ignored in a __del__ or close().
    """
    escaped: list[BaseException] = []

    def thread_hook(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            escaped.append(arguments.exc_value)

    def unraisable_hook(arguments: "sys.UnraisableHookArgs") -> None:
        if arguments.exc_value is not None:
            escaped.append(arguments.exc_value)

    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = thread_hook, unraisable_hook
    error = ""
    out = io.StringIO()

    def body() -> None:
        nonlocal error
        try:
            with contextlib.redirect_stdout(out):
                exec(code, {"__name__": "program"})
        except Exception as raised:
            escaped.append(raised)
            error = repr(raised)

    # In a thread of its own: an exception from an EXCEPTION_HANDLED callback leaves the exception
    # that was being handled behind in sys.exception() (seen on 3.12.1 and 3.13.0).
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    threading.excepthook, sys.unraisablehook = hooks
    return Outcome(out.getvalue(), error, tuple(escaped))
