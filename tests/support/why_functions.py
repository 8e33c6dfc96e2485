"""Programs with generators, closures and coroutines, and why their values are what they are."""

from __future__ import annotations

GENERATORS = """\
def evens(top):
    for number in range(top):
        if number % 2 == 0:
            yield number


def chained(top):
    yield from evens(top)


def half(number):
    return number // 2


picked = list(evens(5))
third = picked[2]
from_chain = [half(each) for each in chained(3)]
for last_even in evens(3):
    pass
squares = sum(each * each for each in picked)
second = picked[1]
"""

CLOSURES = """\
def counter(start):
    count = start

    def step(by=1):
        nonlocal count
        count += by
        return count

    return step


def apply(function, *args, **options):
    return function(*args, **options)


step = counter(10)
step()
after = apply(step, by=5)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


fifth = fib(3)
"""

ASYNC = """\
import asyncio


async def price(name):
    await asyncio.sleep(0)
    return len(name) * 10


async def ask(names):
    found = 0
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(price(name)) for name in names]
    found = await price("gold")
    return found


paid = asyncio.run(ask(["tin"]))


async def label(text):
    return f"<{text}>"


async def hand_out(text):
    task = asyncio.create_task(label(text))
    await asyncio.sleep(0)
    return await task


asyncio.run(hand_out("zinc"))


async def count_to(end):
    for number in range(end):
        yield number


async def collect():
    collected = [each async for each in count_to(2)]
    return collected


asyncio.run(collect())
"""

KNOWN_FUNCTIONS = {
    "third": """
16: third = 4
  15: picked[2] = 4
      ? evens() went on 3 times here; one is shown
    4: evens() = 4 [yield]
      2: number = 4
        15: top = 5 [argument]
      3: number % 2 == 0 = True [condition] as above
""",
    "from_chain": """
17: from_chain = [0, 1]
    ? chained() went on 2 times here; one is shown
    ? half() ran 2 times here; one is shown
  8: chained() = 2 [yield]
      ? evens() went on 2 times here; one is shown
    4: evens() = 2 [yield]
      2: number = 2
        8: top = 3 [argument]
          17: top = 3 [argument]
      3: number % 2 == 0 = True [condition] as above
  12: half() = 1
    17: number = 2 [argument]
""",
    "last_even": """
18: last_even = 2
  4: evens() = 2 [yield]
    2: number = 2
      18: top = 3 [argument]
    3: number % 2 == 0 = True [condition] as above
""",
    "squares": """
20: squares = 20
  15: picked = [0, 2, 4]
      ? evens() went on 3 times here; one is shown
    4: evens() = 4 [yield]
      2: number = 4
        15: top = 5 [argument]
      3: number % 2 == 0 = True [condition] as above
""",
    "second": """
21: second = 2
  15: picked[1] = 2
      ? evens() went on 3 times here; one is shown
    4: evens() = 2 [yield]
      2: number = 2
        15: top = 5 [argument]
      3: number % 2 == 0 = True [condition] as above
""",
    "after": """
18: after = 16
  13: apply() = 16
    7: function() = 16
      6: count = 16
        6: count = 11
          2: count = 10
            16: start = 10 [argument]
          4: by = 1 [default]
        13: by = 5 [argument]
          18: args = () [argument]
""",
    "fifth": """
25: fifth = 2
  22: fib() = 2
    25: n = 3 [argument]
    22: fib() = 1
      22: n = 2 [argument]
        25: n = 3 [argument]
      22: fib() = 1
          ? and so on, as in the rounds above
      22: fib() = 0
          ? and so on, as in the rounds above
    22: fib() = 1
      22: n = 1 [argument]
        25: n = 3 [argument]
""",
    "paid": """
17: paid = 40
    ? asyncio.run() is not recorded
    ? price() ran here too, called by code that is not recorded
  14: ask() = 40
    13: found = 40
      6: price() = 40
        13: name = 'gold' [argument]
""",
    "label()": """
21: label() = '<zinc>'
  25: text = 'zinc' [argument]
      ? the call only made label(), which ran later
    30: text = 'zinc' [argument]
""",
    "collected": """
39: collected = [0, 1]
    ? count_to() went on 2 times here; one is shown
  35: count_to() [yield]
    34: number = 1
      39: end = 2 [argument]
""",
}
"""The causes of values: of each node its line, what it is about and its value."""
