"""Programs that two recorders record, to compare: no threads, no value that contains itself.

Those of programs.py are recorded, too; these go where the recorders may well differ.
tests/company/peer/test_equality.py compares the recordings.
"""

from tests.support.programs import PROGRAMS as EVERY_EVENT

FILES: dict[str, dict[str, str]] = (
    {
        "arguments": {"app.py": """
def every(first, /, second, third=3, *rest, keyword, other='o', **options):
    second *= 2
    first = [first, rest]
    return first
def none():
    return
def defaults(x, seen=[]):
    seen.append(x)
    return seen
class Holder:
    def method(self, value):
        self.value = value
        return self
    @classmethod
    def of(cls, value):
        return cls().method(value)
    @staticmethod
    def plain(value):
        return value
every(1, 2, keyword=4)
every(1, 2, 3, 4, 5, keyword=6, other=7, extra=8, more='m')
every(*'ab', **{'keyword': None, 'é': 1})
none()
defaults(1)
defaults(2)
Holder.of(5).method(6)
Holder.plain(7)
(lambda a, *b: (a, b))(1, 2, 3)
"""},
        "loops": {"app.py": """
def one_line():
    total = 0
    for i in range(3): total += i
    while total: total -= 1
    return total
def several():
    found = []
    for i in range(5):
        if i == 1:
            continue
        if i == 4:
            break
        found.append(i)
    else:
        found = None
    while found:
        last = found.pop()
    else:
        last = 'none'
    return last
def long_lines(a,
               b=2):
    c = (a +
         b)
    return [
        c,
        long(c,
             b),
    ]
def long(*args):
    return sum(args)
for n in range(3):
    one_line()
several()
long_lines(1)
x = y = 0
if x or y: pass
x, (y, z) = 1, (2, 3)
del z
assert x, 'never'
"""},
        "values": {"app.py": """
import collections
import math
class List(list): pass
class Dict(dict): pass
class Tuple(tuple): pass
class Text(str): pass
class Whole(int): pass
class Plain: pass
def kinds():
    numbers = [0, -1, 2**63 - 1, -2**63, True, False]
    large = [2**63, -2**63 - 1, 10**30]
    floats = [0.0, -0.0, 0.1, 1e300, 1e-7, float('inf'), float('nan'), math.pi]
    texts = ['', 'plain', 'é\\u2028\\U0001f600', 'a\\x00b', 'line\\nline', '"quoted"']
    binary = [b'', b'x\\xff', bytearray(b'y')]
    others = [None, ..., NotImplemented, 1j, range(1, 9, 2), slice(1, 2)]
    empty = [[], (), {}, set(), frozenset()]
    sets = [{1}, frozenset({'x'}), {3, 1, 2}]
    nested = {'a': [1, {'b': (2, 3)}], (1, 2): {3: 4}}
    subclasses = [List([1]), Dict(a=1), Tuple((1, 2)), Text('text'), Whole(7)]
    ordered = collections.OrderedDict(b=1, a=2)
    default = collections.defaultdict(list, {1: [2]})
    plain = [Plain(), Plain, kinds, len, math]
    iterators = [iter([]), (x for x in ()), zip()]
    errors = [ValueError(), ValueError('v'), KeyError('k'), ValueError(1, 2), OSError(2, 'no')]
    return nested
kinds()
"""},
        "own texts": {"app.py": """
import dataclasses
import enum
class Says:
    def __init__(self, what):
        self.what = what
    def __repr__(self):
        return f'Says({self.what!r})'
class Fails:
    def __str__(self):
        raise RuntimeError('no')
class Colour(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Point:
    x: int
    y: list
    def moved(self, by):
        return Point(self.x + by, [*self.y, by])
def work(said):
    fails = Fails()
    both = [said, fails, Colour.RED]
    return Point(1, [2]).moved(3)
work(Says('hello'))
"""},
        "mutation": {"app.py": """
def fill(target, count):
    for i in range(count):
        target.append(i)
        target[0] += 1
    return count
def swap(pair):
    pair['a'], pair['b'] = pair['b'], pair['a']
def main():
    numbers = [10]
    alias = numbers
    fill(numbers, 3)
    alias.reverse()
    del numbers[0]
    pair = {'a': [1], 'b': [2]}
    swap(pair)
    pair['a'].append(3)
    pair['c'] = pair.pop('b')
    inner = pair['c']
    inner.extend('xy')
    return pair
main()
shared = []
def add(value):
    shared.append(value)
    return len(shared)
add(1)
add(2)
"""},
        "scopes": {"app.py": """
name = 'global'
count = 0
def local():
    inside = 'local'
    return inside + name
def changes():
    global count
    count += 1
    before = count
    del before
    after = count
    return after
def outer(x):
    def inner(y):
        nonlocal x
        x += y
        def innermost():
            return x + y
        return innermost()
    inner(1)
    inner(2)
    return x
class Body:
    attribute = 1
    doubled = attribute * 2
    def method(self):
        return name
    class Inner:
        deep = name
    for index in range(2):
        pass
    del index
local()
changes()
changes()
outer(10)
Body().method()
Body.Inner()
def deletes():
    x = 1
    del x
    try:
        x
    except UnboundLocalError:
        x = 2
    return x
deletes()
"""},
        "comprehensions": {"app.py": """
def doubled(x):
    return x * 2
def inside(limit):
    rows = [
        doubled(i)
        for i in range(limit)
        if i
    ]
    table = {
        key: [key + other for other in range(2)]
        for key in 'ab' for other in (1,)
    } if not limit else {k: k for k in range(limit)}
    late = [lambda: n for n in range(2)]
    return [f() for f in late]
inside(3)
squares = [x * x for x in range(3)]
several = [
    doubled(n)
    for n in squares
]
total = sum(x for x in squares if x)
first = next((
    doubled(x)
    for x in squares
), None)
"""},
        "generators": {"app.py": """
def echo(limit):
    got = None
    for i in range(limit):
        got = yield i, got
    return 'end'
def delegates():
    result = yield from echo(2)
    yield result
def guarded():
    try:
        yield 1
        yield 2
    except ValueError as error:
        yield str(error)
    finally:
        last = 'cleaned'
g = echo(3)
next(g)
g.send('a')
g.send([1, 2])
try:
    next(g)
except StopIteration as stop:
    value = stop.value
list(delegates())
g = guarded()
next(g)
g.throw(ValueError('thrown'))
g.close()
g = guarded()
next(g)
g.close()
g = guarded()
g.close()
g = echo(1)
try:
    g.throw(KeyError('early'))
except KeyError:
    pass
for i in guarded(): pass
"""},
        "exceptions": {"app.py": """
class Own(Exception):
    def __init__(self, code):
        super().__init__(code, 'own')
        self.code = code
def deep(n):
    if n == 0:
        raise Own(3)
    deep(n - 1)
def caught():
    try:
        deep(2)
    except Own as error:
        code = error.code
    else:
        code = None
    finally:
        done = True
    return code
def leaves():
    try:
        {}['missing']
    finally:
        seen = 'finally'
def replaces():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError('replaced') from error
def returns():
    try:
        return 'try'
    finally:
        x = 1
def swallows():
    while True:
        try:
            raise ValueError
        except ValueError:
            break
        finally:
            y = 2
    return y
caught()
for fails in (leaves, replaces):
    try:
        fails()
    except (KeyError, ValueError) as error:
        kept = error.args
returns()
swallows()
"""},
        "uncaught": {"app.py": """
def fails(x):
    y = x + 1
    raise RuntimeError('uncaught', y)
fails(1)
"""},
        "exit": {"app.py": """
import sys
def leave(status):
    try:
        sys.exit(status)
    finally:
        left = True
leave(3)
"""},
        "modules": {
            "app.py": """
import helper
import package.part as part
from package import CONSTANT
helper.helped(part.double(CONSTANT))
""",
            "helper.py": """
OFFSET = 1
def helped(x):
    return x + OFFSET
""",
            "package/__init__.py": """
from package.part import double
CONSTANT = double(4)
""",
            "package/part.py": """
def double(x):
    y = x * 2
    return y
""",
        },
    }
    | {
        f"every event: {name}": {"app.py": program}
        for name, program in EVERY_EVENT.items()
        # The system decides which thread is first, and the peer does not distinguish threads.
        # test_record_equality.py has the differences for exceptions thrown through `yield from`.
        if name not in ("threads", "yield from")
    }
)
"""The files of each program, by their paths; the one to run is ``app.py``."""
