"""Programs of which it is known why their values are what they are."""

from __future__ import annotations

LOOPS = """\
def add_up(numbers):
    total = 0
    for number in numbers:
        total += number
    return total


def shortest(words):
    best = words[0]
    for word in words:
        if len(word) < len(best):
            best = word
    return best


add_up([3, 4])
shortest(["three", "two", "seven"])


def split_up(text):
    return tuple(text.split(","))


def last_of(text):
    for part in split_up(text):
        last_part = part
    return last_part


last_of("1,2")
"""

BRANCHES = """\
LIMIT = 100


def fee(amount, *, express=False):
    if amount > LIMIT:
        base = 0
    elif amount:
        base = 5
    else:
        base = 9
    return base + (3 if express else 1)


def raise_limit(by):
    global LIMIT
    LIMIT += by


raise_limit(50)
fee(120, express=True)
named = "" or LIMIT and "many"
"""

UNPACKING = """\
def split(line, separator="="):
    key, (value, *rest) = line.partition(separator)[0], [line[-1], 2, 3]
    return value, key


def first_of(pair):
    got, other = pair
    return got


answer = first_of(split("size=7"))
"""

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

EXCEPTIONS = """\
class EmptyError(Exception):
    pass


def take(basket, count):
    if count > len(basket):
        raise EmptyError(f"{count} wanted")
    return basket[:count]


def order(count):
    basket = ["apple"]
    try:
        return take(basket, count)
    except EmptyError as error:
        reason = error
        return str(reason)


def ratio(part, whole):
    return part / whole


said = order(2)
try:
    ratio(1, len([]))
except ZeroDivisionError:
    failed = True
"""

OBJECTS = """\
class Vector:
    scale = 2

    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return Vector(self.x + other.x)

    @property
    def scaled(self):
        return self.x * self.scale


class Lock:
    def __enter__(self):
        return 11

    def __exit__(self, *_):
        return False


def fill(target, item):
    target.append(item)


one = Vector(1)
both = one + Vector(5)
wide = both.scaled
with Lock() as held:
    inside = held
basket = []
alias = basket
fill(alias, wide)
size = basket[0]
sizes = {"wide": wide, "held": held}
chosen = sizes["held"]
ordered = sorted([2, 1], key=lambda number: -number)
held_by = Lock()
held_by.box = Vector(7)
held_by.box.x = 8
kept = held_by.box
copied = list(basket)
from textwrap import dedent as length


def triple(number):
    return number * 3


aliased = triple
tripled = len(length(" a")) + aliased(8)


class Shelf:
    def __init__(self):
        self.things = []

    def put(self, thing):
        self.things.append(thing)


shelf = Shelf()
shelf.put(3)
on_shelf = list(shelf.things)
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

NEVER = """\
def check(amount, limit):
    if amount > limit:
        return "over"
    for item in []:
        print(item)
    try:
        number = int(amount)
    except TypeError:
        number = 0
    match number:
        case 1:
            number = 4
        case _:
            number = 5
    return number


def deliver(goods):
    taken = goods["boots"]
    return taken


def unused():
    return 1


limit = 5
check(10, limit)
check(3, limit + 5)
try:
    deliver({"hats": 2})
except KeyError:
    pass
if limit > 9:
    unused()
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

CLASSES = """\
class Till:
    coins = 0
    limit = 5

    def add(self, amount):
        Till.coins += amount
        self.owner = "me"; self.last = amount

    @classmethod
    def allow(cls, limit):
        cls.limit = limit


till = Till()
till.add(3)
in_till = Till.coins
till.allow(9)
allowed = till.limit


def forget(number):
    doubled_once = number * 2
    del doubled_once


forget(4)
passing = in_till
del passing
till.spare = ()
no_coins = till.spare
import collections
import enum


class Metal(enum.Enum):
    ZINC = 1

    @property
    def title(self):
        return self.name.title()


titled = Metal.ZINC.title
by_length = collections.defaultdict(list)
by_length[0].append(len(by_length))
lengths = by_length[0]
"""

HANDED_OVER = """\
import contextlib
import dataclasses
import threading


@dataclasses.dataclass
class Item:
    name: str
    price: int
    tags: list = dataclasses.field(default_factory=list)


def make(number):
    return Item(f"i{number}", number * 3)


def adder():
    total_sent = 0
    while True:
        value = yield total_sent
        total_sent += value


@contextlib.contextmanager
def opened(name):
    handle = name.upper()
    yield handle


def work(out, factor):
    out.append(factor * 2)


item = make(2)
cost = item.price + len(item.tags)
adding = adder()
next(adding)
sum_sent = adding.send(cost)
with opened("file") as file:
    seen = file
first, *rest = [1, cost, 3]
found = []
thread = threading.Thread(target=work, args=(found, 4))
thread.start()
thread.join()
doubled = found[0]
"""

PROGRAMS = {
    "loops.py": LOOPS,
    "branches.py": BRANCHES,
    "unpacking.py": UNPACKING,
    "generators.py": GENERATORS,
    "exceptions.py": EXCEPTIONS,
    "objects.py": OBJECTS,
    "classes.py": CLASSES,
    "closures.py": CLOSURES,
    "handed_over.py": HANDED_OVER,
    "never.py": NEVER,
    "asynchronous.py": ASYNC,
}

MAIN = "import " + ", ".join(name.removesuffix(".py") for name in PROGRAMS) + "\n"
"""A program that runs all of them."""

KNOWN = {
    "add_up()": """
5: add_up() = 7
  4: total = 7
    4: total = 3
      2: total = 0
      3: number = 3
        16: numbers[0] = 3
    3: number = 4
      16: numbers[1] = 4
""",
    "shortest()": """
13: shortest() = 'two'
  12: best = 'two'
    10: word = 'two'
      17: words[1] = 'two'
    11: len(word) < len(best) = True [condition]
      10: word = 'two' as above
      9: best = 'three'
        17: words[0] = 'three'
""",
    "fee()": """
11: fee() = 8
  8: base = 5
    7: amount = True [condition]
      20: amount = 120 [argument]
    5: amount > LIMIT = False [condition]
      20: amount = 120 [argument]
      16: LIMIT = 150
        1: LIMIT = 100
        19: by = 50 [argument]
  20: express = True [argument]
""",
    "named": """
21: named = 'many'
  16: LIMIT = 150
    1: LIMIT = 100
    19: by = 50 [argument]
""",
    "answer": """
11: answer = '7'
  8: first_of() = '7'
    7: got = '7'
      11: pair = ('7', 'size') [argument]
        3: split() = ('7', 'size')
          2: value = '7'
            11: line = 'size=7' [argument]
          2: key = 'size'
            11: line = 'size=7' [argument]
            1: separator = '=' [default]
""",
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
    "said": """
24: said = '2 wanted'
  17: order() = '2 wanted'
    16: reason = EmptyError('2 wanted')
      15: error = EmptyError('2 wanted')
        7: EmptyError = EmptyError('2 wanted') [exception]
          6: count > len(basket) = True [condition]
            14: count = 2 [argument]
              24: count = 2 [argument]
            14: basket = ['apple'] [argument]
              12: basket = ['apple']
""",
    "wide": """
29: wide = 12
  12: both.scaled = 12
    5: self.x = 6
      8: x = 6 [argument]
        5: self.x = 1
          27: x = 1 [argument]
        5: other.x = 5
          28: x = 5 [argument]
    2: self.scale = 2
""",
    "inside": """
31: inside = 11
  30: held = 11
    17: __enter__() = 11
""",
    "size": """
35: size = 12
  24: basket[0] = 12
    34: item = 12 [argument]
      29: wide = 12
        12: both.scaled = 12
          5: self.x = 6
            8: x = 6 [argument]
              5: self.x = 1
                27: x = 1 [argument]
              5: other.x = 5
                28: x = 5 [argument]
          2: self.scale = 2
""",
    "chosen": """
37: chosen = 11
  36: sizes['held'] = 11
    30: held = 11
      17: __enter__() = 11
""",
    "ordered": """
38: ordered = [2, 1]
    ? <lambda>() ran here too, called by code that is not recorded
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
    "cost": """
35: cost = 6
  14: item.price = 6
    34: number = 2 [argument]
  14: item.tags = []
""",
    "sum_sent": """
38: sum_sent = 6
  20: adding.send() = 6 [yield]
    21: total_sent = 6
      18: total_sent = 0
      20: value = 6
        38: adding.send(cost) [sent]
          35: cost = 6
            14: item.price = 6
              34: number = 2 [argument]
            14: item.tags = []
""",
    "seen": """
40: seen = 'FILE'
  39: file = 'FILE'
    27: opened() = 'FILE' [yield]
      26: handle = 'FILE'
        39: name = 'file' [argument]
""",
    "first": """
41: first = 1
""",
    "rest": """
41: rest = [6, 3]
  35: cost = 6
    14: item.price = 6
      34: number = 2 [argument]
    14: item.tags = []
""",
    "doubled": """
46: doubled = 8
  31: found[0] = 8
    30: factor = 4 [argument]
        ? work() was called by code that is not recorded
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
    "kept": """
42: kept = <Vector #N x=8>
  40: held_by.box = <Vector #N x=8>
    40: Vector() = <Vector #N x=7>
""",
    "copied": """
43: copied = [12]
  32: basket = [12]
    24: basket changed [change]
      34: item = 12 [argument]
        29: wide = 12
          12: both.scaled = 12
            5: self.x = 6
              8: x = 6 [argument]
                5: self.x = 1
                5: other.x = 5
            2: self.scale = 2
""",
    "tripled": """
52: tripled = 25
    ? length() is not recorded
  48: aliased() = 24
    52: number = 8 [argument]
""",
    "label()": """
21: label() = '<zinc>'
  25: text = 'zinc' [argument]
      ? the call only made label(), which ran later
    30: text = 'zinc' [argument]
""",
    "last_of()": """
27: last_of() = '2'
  26: last_part = '2'
    25: part = '2'
      21: split_up() = ('1', '2')
        25: text = '1,2' [argument]
          30: text = '1,2' [argument]
""",
    "collected": """
39: collected = [0, 1]
    ? count_to() went on 2 times here; one is shown
  35: count_to() [yield]
    34: number = 1
      39: end = 2 [argument]
""",
    "in_till": """
16: in_till = 3
  6: Till.coins
    2: Till.coins = 0
    15: amount = 3 [argument]
""",
    "allowed": """
18: allowed = 9
  11: till.limit = 9
    17: limit = 9 [argument]
""",
    "doubled_once": """
22: doubled_once = 8
  26: number = 4 [argument]
""",
    "till.last": """
7: till.last = 3
  15: amount = 3 [argument]
""",
    "titled": """
43: titled = 'Zinc'
  40: Metal.ZINC.title = 'Zinc'
    43: self.name = 'ZINC' as above
""",
    "lengths": """
46: lengths = [1]
  45: by_length[0] = [1]
      ? append() is not recorded
    44: by_length = defaultdict({}, default_factory=<class list>)
        ? collections.defaultdict() is not recorded
""",
    "no_coins": """
30: no_coins = ()
  29: till.spare = ()
""",
    "passing": """
27: passing = 3
  16: in_till = 3
    6: Till.coins
      2: Till.coins = 0
      15: amount = 3 [argument]
""",
    "on_shelf": """
65: on_shelf = [3]
  57: shelf.things = [3]
    60: shelf.things changed [change]
      64: thing = 3 [argument]
""",
}
"""The causes of values: of each node its line, what it is about and its value."""

NEVER_RUN = {
    "never.py:3": """
3: never.py:3 did not run [line]
  2: amount > limit = False [condition]
    29: amount = 3 [argument]
    29: limit = 10 [argument]
      27: limit = 5
""",
    "never.py:5": """
5: never.py:5 did not run [line]
  4: there was nothing in [] [condition]
""",
    "never.py:9": """
9: never.py:9 did not run [line]
  6: no exception was raised in try [condition]
""",
    "never.py:12": """
12: never.py:12 did not run [line]
  11: number did not match [condition]
    7: number = 3
      29: amount = 3 [argument]
""",
    "never.py:20": """
20: never.py:20 did not run [line]
  19: KeyError = KeyError('boots') [exception]
    31: goods = {'hats': 2} [argument]
""",
    "never.py:24": """
24: never.py:24 did not run [line]
  0: unused() was not called [condition]
    35: never.py:35 did not run [line]
      34: limit > 9 = False [condition]
        27: limit = 5
""",
}
"""Why lines did not run."""
