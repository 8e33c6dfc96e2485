"""Programs with objects and classes, and why their values are what they are."""

from __future__ import annotations

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

KNOWN_OBJECTS = {
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
    "on_shelf": """
65: on_shelf = [3]
  57: shelf.things = [3]
    60: shelf.things changed [change]
      64: thing = 3 [argument]
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
}
"""The causes of values: of each node its line, what it is about and its value."""
