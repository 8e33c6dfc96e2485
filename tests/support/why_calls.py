"""A program with every kind of call, and why its values are what they are."""

from __future__ import annotations

CALLS = """\
import functools


def stars(first, *rest, sep=",", **options):
    joined = sep.join(rest)
    picked = options["colour"]
    return first + joined + picked


def loose(a, /, b=2, *, c=3):
    return a * 100 + b * 10 + c


def doubling(function):
    @functools.wraps(function)
    def inner(*args, **keywords):
        return function(*args, **keywords) * 2

    return inner


@doubling
def plus_one(n):
    return n + 1


class Base:
    rate = 3

    def __init__(self, size):
        self.size = size

    def area(self, by):
        return self.size * by


class Square(Base):
    def __init__(self, size, name="square"):
        super().__init__(size)
        self.name = name

    @staticmethod
    def half(n):
        return n // 2

    @classmethod
    def of(cls, text):
        return cls(int(text))

    def area(self, by):
        return super().area(by) + 1

    def __call__(self, times):
        return self.size * times

    def __getitem__(self, index):
        return self.size + index

    def __neg__(self):
        return -self.size

    def __lt__(self, other):
        return self.size < other.size

    def __contains__(self, item):
        return item == self.size

    def __getattr__(self, name):
        return len(name)

    def __iter__(self):
        for number in range(self.size):
            yield number


words = ["b", "c"]
chosen = {"colour": "red", "sep": "+"}
starred = stars("a", *words, **chosen)
by_name = stars("a", "b", colour="blue")
mixed = loose(1, c=4)
doubled = plus_one(4)
add_ten = functools.partial(loose, 1, c=9)
partly = add_ten(5)
square = Square.of("6")
area = square.area(2)
unbound_area = Square.area(square, 5)
halved = Square.half(9)
called = square(4)
indexed = square[3]
-square
square < Square(7)
6 in square
missing = square.nothing
spread = [*square]
for each in square:
    last_each = each
second = max([3, 4], key=lambda n: -n)


class Left:
    def __init__(self, weight):
        self.weight = weight

    def __radd__(self, other):
        return other + self.weight

    def __add__(self, other):
        return self.weight - other


4 + Left(3)
Left(2) + 5
bound_method = square.area
by_method = bound_method(7)
made_up = dict(one=chosen, two=2)
two = made_up["two"]
chain_of = [plus_one(n) for n in words and [1, 2]]


def table(**columns):
    return columns["wide"]


width = {"wide": len(words)}
wide_column = table(**width)


def positional(*values):
    return values[1]


from_star = positional(*[1, width["wide"], 3])


class Meter:
    def __init__(self):
        self._reading = 0

    @property
    def reading(self):
        return self._reading

    @reading.setter
    def reading(self, value):
        self._reading = value * 2


meter = Meter()
meter.reading = width["wide"]
pairs = sorted({"b": 2, "a": 1}.items(), key=lambda pair: pair[1])
first_pair = pairs[0]
"""

KNOWN_CALLS = {
    "starred": """
78: starred = 'ab+cred'
  7: stars() = 'ab+cred'
    78: first = 'a' [argument]
    5: joined = 'b+c'
      78: sep = '+' [argument]
        77: chosen = {'colour': 'red', 'sep': '+'}
      78: rest = ('b', 'c') [argument]
        76: words = ['b', 'c']
    6: picked = 'red'
      78: options['colour'] = 'red'
        77: chosen['colour'] = 'red'
""",
    "by_name": """
79: by_name = 'abblue'
  7: stars() = 'abblue'
    79: first = 'a' [argument]
    5: joined = 'b'
      4: sep = ',' [default]
      79: rest = ('b',) [argument]
    6: picked = 'blue'
      79: options['colour'] = 'blue'
""",
    "mixed": """
80: mixed = 124
  11: loose() = 124
    80: a = 1 [argument]
    10: b = 2 [default]
    80: c = 4 [argument]
""",
    "doubled": """
81: doubled = 10
  17: plus_one() = 10
    24: function() = 5
      17: n = 4 [argument]
        81: args = (4,) [argument]
""",
    "partly": """
83: partly = 159
  11: add_ten() = 159
    83: a = 1 [argument]
        ? no argument of the call gave this value
    83: b = 5 [argument]
        ? no argument of the call gave this value
    83: c = 9 [argument]
        ? no argument of the call gave this value
""",
    "area": """
85: area = 13
  51: square.area() = 13
    34: super().area() = 12
      31: self.size = 6
        39: size = 6 [argument]
          48: size = 6 [argument]
            84: text = '6' [argument]
      51: by = 2 [argument]
        85: by = 2 [argument]
""",
    "unbound_area": """
86: unbound_area = 31
  51: Square.area() = 31
    34: super().area() = 30
      31: self.size = 6
        39: size = 6 [argument]
          48: size = 6 [argument]
            84: text = '6' [argument]
      51: by = 5 [argument]
        86: by = 5 [argument]
""",
    "halved": """
87: halved = 4
  44: Square.half() = 4
    87: n = 9 [argument]
""",
    "called": """
88: called = 24
  54: square() = 24
    31: self.size = 6
      39: size = 6 [argument]
        48: size = 6 [argument]
          84: text = '6' [argument]
    88: times = 4 [argument]
""",
    "indexed": """
89: indexed = 9
  57: square[3] = 9
    31: self.size = 6
      39: size = 6 [argument]
        48: size = 6 [argument]
          84: text = '6' [argument]
    89: index = 3 [argument]
""",
    "missing": """
93: missing = 7
  69: square.nothing = 7
    93: name = 'nothing' [argument]
        ? no argument of the call gave this value
""",
    "spread": """
94: spread = [0, 1, 2, 3, 4, 5]
  84: square = <Square #N size=6, name='square'>
    48: Square.of() = <Square #N size=6, name='square'>
      48: cls() = <Square #N size=6, name='square'>
        84: text = '6' [argument]
""",
    "last_each": """
96: last_each = 5
  95: each = 5
    73: square = 5 [yield]
      72: number = 5
        31: self.size = 6
          39: size = 6 [argument]
            48: size = 6 [argument]
              84: text = '6' [argument]
""",
    "__contains__()": """
66: __contains__() = True
  92: item = 6 [argument]
  31: self.size = 6
    39: size = 6 [argument]
      48: size = 6 [argument]
        84: text = '6' [argument]
""",
    "__neg__()": """
60: __neg__() = -6
  31: self.size = 6
    39: size = 6 [argument]
      48: size = 6 [argument]
        84: text = '6' [argument]
""",
    "__lt__()": """
63: __lt__() = True
  31: self.size = 6
    39: size = 6 [argument]
      48: size = 6 [argument]
        84: text = '6' [argument]
  31: other.size = 7
    39: size = 7 [argument]
      91: size = 7 [argument]
""",
    "__radd__()": """
105: __radd__() = 7
  111: other = 4 [argument]
  102: self.weight = 3
    111: weight = 3 [argument]
""",
    "__add__()": """
108: __add__() = -3
  102: self.weight = 2
    112: weight = 2 [argument]
  112: other = 5 [argument]
""",
    "by_method": """
114: by_method = 43
  51: bound_method() = 43
    34: super().area() = 42
      31: self.size = 6
        39: size = 6 [argument]
          48: size = 6 [argument]
            84: text = '6' [argument]
      51: by = 7 [argument]
        114: by = 7 [argument]
""",
    "two": """
116: two = 2
  115: made_up['two'] = 2
""",
    "chain_of": """
117: chain_of = [4, 6]
    ? plus_one() ran 2 times here; one is shown
  76: words = ['b', 'c']
  17: plus_one() = 6
    24: function() = 3
      17: n = 2 [argument]
        117: args = (2,) [argument]
""",
    "wide_column": """
125: wide_column = 2
  121: table() = 2
    125: columns['wide'] = 2
      124: width['wide'] = 2
        76: words = ['b', 'c']
""",
    "from_star": """
132: from_star = 2
  129: positional() = 2
    132: values = (1, 2, 3) [argument]
      124: width['wide'] = 2
        76: words = ['b', 'c']
""",
    "first_pair": """
151: first_pair = ('a', 1)
  150: pairs[0] = ('a', 1)
      ? items() is not recorded
      ? <lambda>() ran here too, called by code that is not recorded
""",
}
"""The causes of its values, in the form of `told`."""
