"""Programs that choose and repeat: why their values are what they are, and lines did not run."""

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

KNOWN_BRANCHES = {
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
    "last_of()": """
27: last_of() = '2'
  26: last_part = '2'
    25: part = '2'
      21: split_up() = ('1', '2')
        25: text = '1,2' [argument]
          30: text = '1,2' [argument]
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
"""Programs, and the reasons why lines of them did not run."""
