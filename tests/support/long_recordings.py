"""A program that fills many blocks of a log, and how its recording is read from the beginning."""

from __future__ import annotations

from typing import Any, NamedTuple

from codetracer.replay import Frame, Replay, Thread, render

MIXED = """
import asyncio, threading, random, sys, collections
total = 0
log = []
class Node:
    def __init__(self, n):
        self.n = n
        self.kids = []
        self.name = f'n{n}'
    def add(self, kid):
        self.kids.append(kid)
        return self
def gen(n):
    acc = 0
    for i in range(n):
        acc += i
        got = yield acc
        if got:
            acc -= got
def deep(n, bag):
    bag.append(n)
    if n == 0:
        raise ValueError('bottom')
    x = n * 2
    try:
        return deep(n - 1, bag)
    finally:
        x += 1
async def worker(name, queue):
    global total
    seen = {}
    while True:
        item = await queue.get()
        if item is None:
            return seen
        seen[item] = name
        total += item
        await asyncio.sleep(0)
async def main():
    queue = asyncio.Queue()
    tasks = [asyncio.create_task(worker(f'w{i}', queue), name=f'job{i}') for i in range(8)]
    for i in range(400):
        await queue.put(i)
    for _ in tasks:
        await queue.put(None)
    return await asyncio.gather(*tasks)
def threaded(k):
    gens = [gen(400) for _ in range(20)]
    tree = Node(k)
    chosen = random.Random(k)
    for i in range(120):
        next(gens[chosen.randrange(20)])
        tree.add(Node(i))
        if i % 50 == 0:
            try:
                deep(40, [])
            except ValueError as error:
                log.append(str(error))
    return tree
kept = [gen(10**6) for _ in range(200)]
for g in kept:
    next(g)
for j in range(12):
    for g in kept:
        g.send(j)
def catching():
    while True:
        try:
            yield
        except KeyError as error:
            log.append(error.args)
catcher = catching()
next(catcher)
for j in range(60):
    catcher.throw(KeyError(j))
    if j % 20 == 0:
        kept[j].close()
threads = [threading.Thread(target=threaded, args=(i,), name=f'T{i}') for i in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
asyncio.run(main())
last = collections.deque(maxlen=10)
for i in range(6000):
    last.append(i)
    if i % 3:
        total -= 1
print('done')
"""
"""Threads, tasks, suspended generators, deep calls, exceptions, objects and global variables."""


class Stacks(NamedTuple):
    """The state of a replay, as one value."""

    numbers: tuple[int, ...]
    """The numbers of earlier steps and frames, and the time in ns."""
    threads: list[Any]
    """Each thread with its frames, innermost first, and what their variables hold."""


def stacks(replay: Replay) -> Stacks:
    """Return all that a replay knows at this moment."""
    threads = [(*_told(thread), _frames(replay, thread)) for thread in replay.threads]
    return Stacks((replay.steps, replay.calls, replay.time_ns), threads)


def _told(thread: Thread) -> tuple[int, int, str, str]:
    return thread.number, thread.ident, thread.name, thread.task


def _frames(replay: Replay, thread: Thread) -> list[Any]:
    found = []
    frame: Frame | None = thread.top
    while frame is not None:
        numbers = (frame.number, frame.line, frame.step, frame.began_ns, frame.depth)
        names = (frame.code.name, frame.code.path, frame.task)
        values = {name: render(value) for name, value in replay.locals(frame).items()}
        others = {name: render(value) for name, value in replay.globals(frame).items()}
        found.append((numbers, names, values, others))
        frame = frame.caller
    return found
