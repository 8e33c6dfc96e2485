"""Functions that change their arguments, which the programs of `fuzz.mutations` import first.

They see nothing else. Some have names that C's methods have too, and some have one line for values
of many types.
"""

__all__ = ["FUNCTIONS", "IMPORTS"]

IMPORTS = """\
import collections, copy, functools, gc, heapq, io, itertools, operator, random, struct
import threading, types, weakref
from functools import partial, reduce
from heapq import heappop, heappush
from operator import iadd, setitem
append, clear, shuffle = list.append, list.clear, random.Random(1).shuffle
"""
"""The first lines of each program."""

FUNCTIONS = """\
import collections, dataclasses, enum, functools
class Pair(collections.namedtuple('Pair', 'held other')): pass
class Failure(ValueError): pass
class Mark(enum.Enum):
    A = 'a'
    B = 'b'
def poke(it):
    try:
        it.append('poked')
        del it[5:]
    except Exception: pass
    return it
def renew(it):
    try: it.clear(); it.append([it])
    except Exception: it = [it]
    return it
def same(it):
    return it
class Keeping:
    def __init__(self, held):
        self.held = held
    def __enter__(self):
        self.held.append('entered')
        return self.held
    def __exit__(self, *error):
        self.held[-1:] = ['left']
        del self.held[4:]
        return error[0] is not None
class Pause:
    def __await__(self):
        self.paused = True
        yield self
def drive(waiting):
    try:
        while True:
            waiting.send(None)
    except StopIteration as stop:
        return stop.value
def pop(it):
    it.insert(0, 'popped')
    del it[5:]
    return it
def update(it, value):
    it[:] = [value]
    return value
def grow(it, value): it.append(value)
def take(it): return it.pop()
def put(it, key, value): it[key] = value
def get(it, key): return it[key]
def drop(it): del it[0]
def held_by(it): return it.held
def hold(it, value): it.held = value
def add(one, two): return one + two
def added(one, two):
    one += two
    return one
def ask(it): return not it
def walk(it):
    for found in it: pass
    return found
def equal(one, two): return one == two
def contains(one, two): return two in one
def deep(it, depth):
    if depth:
        it.append([depth])
        deep(it[-1], depth - 1)
        it.append('back')
    del it[4:]
def gone(log, reference):
    log.append('dead')
    del log[4:]
def wrapping(function):
    @functools.wraps(function)
    def append(*given, **named):
        given[0].append('before')
        found = function(*given, **named)
        given[0].append('after')
        return found
    return append
@wrapping
def extend(it, value):
    it.extend([value])
    return it
@functools.cache
def cached(key): return [key]
async def ticking(it):
    it.append('tick')
    yield it
    await Pause()
    it.pop()
    yield [it]
async def consume(it, log):
    async for found in ticking(it):
        log.append(found)
        del log[4:]
    return [found async for found in ticking(log)]
def in_thread(run):
    import threading
    [(t.start(), t.join()) for t in [threading.Thread(target=run, name='other')]]
"""
"""The functions that each program has; they see only their arguments."""
