"""A program with every kind of statement: why its values are as they are, and lines did not run."""

from __future__ import annotations

FLOW = """\
import contextlib

TOTAL = 0


def nested(n):
    if n > 1:
        if n > 5:
            size = "big"
        elif n > 3:
            size = "mid"
        else:
            size = "small"
    else:
        size = "none"
    return size


def tried(text):
    try:
        number = int(text)
    except KeyError:
        number = -1
    except (ValueError, TypeError) as problem:
        number = len(problem.args)
    else:
        number += 1
    finally:
        done = True
    return number, done


def matched(command):
    match command:
        case ["go", where]:
            said = where
        case {"to": target, **rest}:
            said = target
        case int(number) if number > 3:
            said = number
        case [first, *others]:
            said = others
        case _:
            said = "?"
    return said


def counted(top):
    number = 0
    while number < top:
        number += 1
        if number == 3:
            break
    else:
        number = -1
    return number


def walrus(text):
    if (size := len(text)) > 2 and size < 9:
        return size
    return 0


def scopes():
    global TOTAL
    TOTAL = 5
    hidden = 1

    def change():
        nonlocal hidden
        hidden = hidden + TOTAL
        return hidden

    return change()


def checks(a, b, c):
    chained = a < b < c
    either = a or b
    both = b and c
    picked = a if chained else c
    return chained, either, both, picked


def swallowed(items):
    with contextlib.suppress(KeyError):
        items["none"]
        items["never"] = 1
    found = [key for key in items if key > "a"]
    table = {key: len(key) for key in found}
    first, *middle, last = [1, *items.values(), 9]
    del first
    text = f"{last}-{middle}"
    return table, text


def reraised(n):
    try:
        assert n > 3, "too small"
    except AssertionError as error:
        raise RuntimeError("no") from error


def looked(pairs, n):
    return pairs[n]


def attribute(thing):
    return thing.colour


class Tree:
    depth: int = 2
    wide = [depth] * 2


big = nested(7)
mid = nested(4)
none = nested(0)
tried_words = tried("x")
fine = tried("41")
go = matched(["go", "home"])
to = matched({"to": "you"})
many = matched(8)
others = matched([1, 2])
loop_end = counted(5)
loop_out = counted(2)
walrus_size = walrus("four")
scoped = scopes()
total_now = TOTAL
checked = checks(1, 2, 3)
swallow = swallowed({"b": 3})
try:
    reraised(2)
except RuntimeError as error:
    told = str(error.__cause__)
try:
    looked([1], 4)
except IndexError:
    out_of = "index"
try:
    attribute(3)
except AttributeError:
    out_of = "attribute"
wide = Tree.wide
count = 0
while count < 3:
    count += 1
items = [1]
items += [2]
items[0] = 7
pair = {"a": 1}
pair.update(b=count)
pair["c"] = items
of_pair = pair["b"]
items.extend([3])
extended = items[2]
first_item = items[0]
del pair["a"]
a = b = count
"""

KNOWN_STATEMENTS = {
    "big": """
118: big = 'big'
  16: nested() = 'big'
    9: size = 'big'
      8: n > 5 = True [condition]
        118: n = 7 [argument]
""",
    "mid": """
119: mid = 'mid'
  16: nested() = 'mid'
    11: size = 'mid'
      10: n > 3 = True [condition]
        119: n = 4 [argument]
      8: n > 5 = False [condition]
        119: n = 4 [argument]
""",
    "none": """
120: none = 'none'
  16: nested() = 'none'
    15: size = 'none'
      7: n > 1 = False [condition]
        120: n = 0 [argument]
""",
    "tried_words": """
121: tried_words = (1, True)
  30: tried() = (1, True)
    25: number = 1
      24: problem = ValueError("invalid literal for int() with base 10: 'x'")
        21: ValueError = ValueError("invalid literal for int() with base 10: 'x'") [exception]
          121: text = 'x' [argument]
    29: done = True
""",
    "fine": """
122: fine = (42, True)
  30: tried() = (42, True)
    27: number = 42
      21: number = 41
        122: text = '41' [argument]
    29: done = True
""",
    "go": """
123: go = 'home'
  45: matched() = 'home'
    36: said = 'home'
      35: where = 'home'
        123: command = ['go', 'home'] [argument]
      34: command matched ['go', where] [condition]
        123: command = ['go', 'home'] [argument]
""",
    "to": """
124: to = 'you'
  45: matched() = 'you'
    38: said = 'you'
      37: target = 'you'
        124: command = {'to': 'you'} [argument]
      34: command matched {'to': target, **rest} [condition]
        124: command = {'to': 'you'} [argument]
""",
    "many": """
125: many = 8
  45: matched() = 8
    40: said = 8
      39: number = 8
        125: command = 8 [argument]
      34: command matched int(number) [condition]
        125: command = 8 [argument]
""",
    "others": """
126: others = [2]
  45: matched() = [2]
    42: said = [2]
      41: others = [2]
        126: command = [1, 2] [argument]
      34: command matched [first, *others] [condition]
        126: command = [1, 2] [argument]
""",
    "loop_end": """
127: loop_end = 3
  56: counted() = 3
    51: number = 3
      51: number = 2
        51: number = 1
            ? and so on, as in the rounds above
""",
    "loop_out": """
128: loop_out = -1
  56: counted() = -1
    55: number = -1
""",
    "walrus_size": """
129: walrus_size = 4
  61: walrus() = 4
    60: size = 4
      129: text = 'four' [argument]
    60: (size := len(text)) > 2 and size < 9 = True [condition]
      129: text = 'four' [argument]
""",
    "scoped": """
130: scoped = 6
  75: scopes() = 6
    73: change() = 6
      72: hidden = 6
        68: hidden = 1
        67: TOTAL = 5
""",
    "total_now": """
131: total_now = 5
  67: TOTAL = 5
""",
    "checked": """
132: checked = (True, 1, 3, 1)
  83: checks() = (True, 1, 3, 1)
    79: chained = True
      132: a = 1 [argument]
      132: b = 2 [argument]
      132: c = 3 [argument]
    80: either = 1
      132: a = 1 [argument]
    81: both = 3
      132: b = 2 [argument]
      132: c = 3 [argument]
    82: picked = 1
      79: chained = True as above
      132: a = 1 [argument]
""",
    "swallow": """
133: swallow = ({'b': 1}, '9-[3]')
  95: swallowed() = ({'b': 1}, '9-[3]')
    91: table = {'b': 1}
      90: found = ['b']
        133: items = {'b': 3} [argument]
    94: text = '9-[3]'
      92: last = 9
        133: items = {'b': 3} [argument]
      92: middle = [3]
        133: items = {'b': 3} [argument]
""",
    "told": """
137: told = 'too small'
  102: error.__cause__ = AssertionError('too small')
      ? RuntimeError() is not recorded
    101: error = AssertionError('too small')
      100: AssertionError = AssertionError('too small') [exception]
        135: n = 2 [argument]
  102: RuntimeError = RuntimeError('no') [exception] as above
""",
    "out_of": """
145: out_of = 'attribute'
  110: AttributeError = AttributeError("'int' object has no attribute 'colour'") [exception]
    143: thing = 3 [argument]
""",
    "count": """
149: count = 3
  149: count = 2
    149: count = 1
        ? and so on, as in the rounds above
""",
    "first_item": """
159: first_item = 7
  152: items[0] = 7
""",
    "of_pair": """
156: of_pair = 3
  154: pair['b'] = 3
    149: count = 3
      149: count = 2
        149: count = 1
            ? and so on, as in the rounds above
""",
    "extended": """
158: extended = 3
  157: items[2] = 3
""",
    "b": """
161: b = 3
  149: count = 3
    149: count = 2
      149: count = 1
          ? and so on, as in the rounds above
""",
    "pair": """
153: pair = {'b': 3, 'c': [7, 2, 3]}
  160: pair changed [change]
""",
}
"""The causes of their values, in the form of `told`."""

FLOW_UNREACHED = {
    "flow.py:9": """
9: flow.py:9 did not run [line]
  7: n > 1 = False [condition]
    120: n = 0 [argument]
""",
    "flow.py:11": """
11: flow.py:11 did not run [line]
  7: n > 1 = False [condition]
    120: n = 0 [argument]
""",
    "flow.py:23": """
23: flow.py:23 did not run [line]
  20: no exception was raised in try [condition]
""",
    "flow.py:36": """
36: flow.py:36 did not run [line]
  35: command did not match [condition]
    126: command = [1, 2] [argument]
""",
    "flow.py:62": """
62: flow.py:62 did not run [line]
  61: return size [left]
    60: (size := len(text)) > 2 and size < 9 = True [condition]
      129: text = 'four' [argument]
""",
}
"""Programs, and the reasons why lines of them did not run."""
