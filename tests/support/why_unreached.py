"""A program whose statements are left in every way, and why its lines did not run."""

from __future__ import annotations

ENDED = """\
def orphan():
    return 1


def unlooped(items, top):
    while top > 3:
        top -= 1
    for item in items:
        print(item)
    else:
        top = 9
    return top


def broken(items):
    for item in items:
        if item == 2:
            break
    else:
        item = -1
    while item:
        break
    else:
        item = -2
    return item


def continued(items):
    total = 0
    for item in items:
        if item < 5:
            continue
        total += item
    return total


def failing(text):
    try:
        number = int(text)
    except ValueError:
        number = 0
    else:
        number += 1
    return number


def wrong_handler(table):
    try:
        found = table["x"]
    except ValueError:
        found = 0
    return found


def guarded(command):
    match command:
        case int(number) if number > 3:
            return number
        case str():
            return "text"
    return None


def forever(items):
    for item in items:
        yield item
    yield -1


def inner_raise(n):
    if n:
        raise ValueError(n)
    return n


def through(n):
    before = inner_raise(n)
    after = before + 1
    return after


def never_calls(flag):
    if flag:
        orphan()


def early(n):
    for number in range(n):
        if number == 1:
            return number
        continue
    else:
        number = 7
    return number


def exits():
    return 5
    print("dead")


unlooped([], 1)
broken(kept := [1, 2])
continued([1, 2])
failing("x")
try:
    wrong_handler({})
except KeyError:
    pass
guarded(2)
going = forever([4])
next(going)
try:
    through(6)
except ValueError:
    pass
never_calls(0)
early(3)
"""

ENDED_UNREACHED = {
    "ended.py:2": """
2: ended.py:2 did not run [line]
  0: orphan() was not called [condition]
    84: ended.py:84 did not run [line]
      83: flag = False [condition]
        117: flag = 0 [argument]
""",
    "ended.py:7": """
7: ended.py:7 did not run [line]
  6: top > 3 = False [condition]
    102: top = 1 [argument]
""",
    "ended.py:9": """
9: ended.py:9 did not run [line]
  8: there was nothing in items [condition]
    102: items = [] [argument]
""",
    "ended.py:24": """
24: ended.py:24 did not run [line]
  22: break [left]
""",
    "ended.py:33": """
33: ended.py:33 did not run [line]
  32: continue [left]
    31: item < 5 = True [condition]
      30: item = 2
        104: items[1] = 2
""",
    "ended.py:43": """
43: ended.py:43 did not run [line]
  39: ValueError = ValueError("invalid literal for int() with base 10: 'x'") [exception]
    105: text = 'x' [argument]
""",
    "ended.py:51": """
51: ended.py:51 did not run [line]
  50: this handler did not match [condition]
    49: KeyError = KeyError('x') [exception]
      107: table = {} [argument]
""",
    "ended.py:52": """
52: ended.py:52 did not run [line]
  49: KeyError = KeyError('x') [exception]
    107: table = {} [argument]
""",
    "ended.py:58": """
58: ended.py:58 did not run [line]
  57: command did not match [condition]
    110: command = 2 [argument]
    57: number > 3 = False [condition]
""",
    "ended.py:60": """
60: ended.py:60 did not run [line]
  59: command did not match [condition]
    110: command = 2 [argument]
""",
    "ended.py:67": """
67: ended.py:67 did not run [line]
  66: yield item [left]
      ? it had not ended when the recording did, or was left unseen
""",
    "ended.py:73": """
73: ended.py:73 did not run [line]
  72: ValueError = ValueError(6) [exception]
    71: n = True [condition]
      77: n = 6 [argument]
        114: n = 6 [argument]
""",
    "ended.py:78": """
78: ended.py:78 did not run [line]
  72: ValueError = ValueError(6) [exception]
    71: n = True [condition]
      77: n = 6 [argument]
        114: n = 6 [argument]
""",
    "ended.py:79": """
79: ended.py:79 did not run [line]
  72: ValueError = ValueError(6) [exception]
    71: n = True [condition]
      77: n = 6 [argument]
        114: n = 6 [argument]
""",
    "ended.py:93": """
93: ended.py:93 did not run [line]
  90: return number [left]
    89: number == 1 = True [condition]
      88: number = 1
        118: n = 3 [argument]
""",
    "ended.py:94": """
94: ended.py:94 did not run [line]
  90: return number [left]
    89: number == 1 = True [condition]
      88: number = 1
        118: n = 3 [argument]
""",
}
"""Programs, and the reasons why lines of them did not run."""
