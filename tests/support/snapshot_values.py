"""Programs that make and change values of every kind."""

VALUES = {
    "scalars": """
n = 0
big = 3 ** 80
ratio, label, raw, nothing, flag, z = 0.5, 'a', b'\\x00b', None, True, 1 + 2j
text = ''
for i in range(4):
    if i % 2:
        n += i
        continue
    text += label * i
    flag = not flag
else:
    last = i
while n > 0:
    n -= 1
    big = -big + n
    if n == 1:
        break
ratio /= 3; ratio *= 2
negative = -2 ** 63
more = negative - 1
not_a_number, infinite, minus_zero = float('nan'), float('-inf'), -0.0
surrogate, wide = 'a\\udc80', '\\U0001f600\\x00'
dots, unable, several = ..., NotImplemented, (1, (2, ()), 'x')
span, steps = range(3), range(10, -10, -3)
def compute(a, b=2, /, c=3, *, d):
    total = a
    total += b * c
    if total > d: total -= d
    return total
result = compute(1, d=4)
result = [compute(result, 1, d=100), compute(result, c=0, d=0)]
x = y = z = result
del x, y
lambda_result = (lambda q: q + 1)(5)
assert result
""",
    "containers and aliases": """
inner = [1]
outer = {'a': inner, 'b': [inner, inner]}
alias = outer['b']
inner.append(2)
alias[0].append([3, [4, [5]]])
outer['b'].append(outer)
alias.append({'deep': {'deeper': {'deepest': [0]}}})
outer['b'][3]['deep']['deeper']['deepest'].append('changed')
deep = alias[3]['deep']['deeper']
deep['deepest'] += ['through an alias']
del outer['a']
matrix = [[0] * 3 for _ in range(2)]
row = matrix[1]
row[2] = 'x'
matrix[0][1:2] = [7, [8, [9]]]
matrix[0][2][1][0] = 10
matrix.append(row)
matrix[2].reverse()
numbers = {3, 1, 2}
frozen = frozenset({1, ('t', 2)})
numbers |= {9}
numbers.discard(1)
mixed = (inner, numbers, ({'k': inner},))
mixed[2][0]['k'].clear()
mixed[2][0]['new'] = ()
def fill(target, depth):
    target['level'] = depth
    child = target.setdefault('child', {})
    if depth:
        fill(child, depth - 1)
    child['after'] = [depth]
tree = {}
fill(tree, 3)
tree['child']['child']['child']['child']['after'].extend('ab')
a, (b, *c), d = [1, [2, [3], [4]], tree]
c[0].append(a)
c[0], c[1] = c[1], c[0]
swap = [c, c]
swap[0][0] = swap
while len(c) < 4:
    c.append([[[len(c)]]])
for item in c[2:]:
    item[0][0].append({'n': [item is c[3]]})
c.clear()
tree.clear()
""",
    "objects": """
from dataclasses import dataclass, field
import enum
class Color(enum.Enum):
    RED = 1
    GREEN = (2, 'g')
class Flags(enum.IntFlag):
    A = 1
    B = 2
class Base:
    __slots__ = ('left', '__private')
    def __init__(self, left):
        self.left = left
        self.__private = [left]
    def hide(self, value):
        self.__private.append(value)
        del self.left
class Child(Base):
    def __init__(self, left, right):
        super().__init__(left)
        self.right = right
        self.children = {}
    @property
    def double(self):
        return self.right * 2
    @double.setter
    def double(self, value):
        self.right = value / 2
    @classmethod
    def make(cls, n):
        made = cls(n, [n])
        return made
    @staticmethod
    def helper(child):
        child.children['helped'] = True
        return child
@dataclass
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list)
    def move(self, dx):
        self.x += dx
        self.tags.append(('moved', dx))
        return self
@dataclass(slots=True, frozen=True)
class Frozen:
    name: str
    points: tuple
color = Color.GREEN
flags = Flags.A | Flags.B
child = Child(1, 2)
child.double = 7
seen = child.double
child.children['point'] = Point(1)
child.children['point'].move(3)
child.children['point'].tags.append(child)
frozen = Frozen('f', (child.children['point'],))
frozen.points[0].y = Color.RED
child.hide('h')
other = Child.make(5)
Child.helper(other)
other.right.append(other)
setattr(other, 'extra', [1])
other.__dict__['direct'] = other.extra
vars(other)['extra'].append(2)
del other.extra
other.direct.append([[[[3]]]])
method = other.make
bound = child.children['point'].move
bound(10)
class Node:
    def __init__(self, value, next=None):
        self.value, self.next = value, next
chain = None
for value in range(5):
    chain = Node(value, chain)
chain.next.next.next.value = 'deep'
end = chain.next.next.next.next
end.next = Node([[['new']]])
end.next.next = chain
class Number(int):
    pass
class Text(str):
    __slots__ = ()
number = Number(5)
number.note = ['n']
text = Text('t')
class Stack(list):
    pass
stack = Stack([1])
stack.push = 2
stack.append(stack)
""",
    "classes": """
class Meta(type):
    made = []
    def __new__(meta, name, bases, namespace, **options):
        namespace['added'] = options
        cls = super().__new__(meta, name, bases, namespace)
        meta.made.append(name)
        return cls
    def __call__(cls, *args):
        instance = super().__call__(*args)
        instance.called = args
        return instance
class Plain:
    total = 0
    items = [1]
    for i in items:
        total += i
        items = items + [] if total else items
    del i
    table = {k: [k] for k in 'ab'} if total else {}
    def method(self, by):
        self.total += by
        return self.total
    alias = method
    class Nested:
        depth = 1
        values = [depth]
        values.append([depth])
class Derived(Plain, metaclass=Meta, option=1):
    total = Plain.total + 1
    items = Plain.items
    items.append('derived')
    def method(self, by):
        result = super().method(by)
        self.history = [result]
        return __class__
def factory(base, extra):
    class Made(base):
        captured = extra
        extra.append('in class')
        def get(self):
            return extra, __class__
    return Made
extra = []
Made = factory(Derived, extra)
made = Made()
made.method(3)
got = made.get()
names = Meta.made
Generic = type('Generic', (Plain,), {'x': extra})
generic = Generic()
generic.own = generic
class Descriptor:
    def __set_name__(self, owner, name):
        self.name = name
    def __get__(self, instance, owner):
        return self if instance is None else instance.__dict__.get(self.name, [])
    def __set__(self, instance, value):
        instance.__dict__[self.name] = [value]
class Uses:
    field = Descriptor()
    def __getattr__(self, name):
        return [name]
uses = Uses()
uses.field = 5
uses.field.append(6)
missing = uses.nothing
""",
    "comprehensions and matching": """
items = [1, 2, 3]
squares = [i * i for i in items]
nested = [[j for j in range(i)] for i in squares if i < 5]
table = {i: {k: nested for k in 'a'} for i in items}
table[1]['a'].append(table)
unique = {i % 2 for i in items}
def inside(values):
    i = 'kept'
    made = [(i, values) for i in values]
    if (n := len(made)) > 1:
        made.append(n)
    found = [y for x in values if (y := x * 2) > 2]
    pairs = {a: b for a, b in zip(values, found)}
    lazily = list(x for x in pairs)
    return made, i, y, lazily
result = inside(items)
def kind(value):
    match value:
        case [x, *rest] if rest:
            rest.append(x)
            return 'list', rest
        case {'a': [a, b], **others}:
            others['b'] = a
            return 'dict', others
        case str() as text:
            return text
        case None | False:
            return 'nothing'
        case _ if (again := kind([1, value])):
            return again
kinds = [kind([1, 2, 3]), kind({'a': [1, 2], 'c': 0}), kind('s'), kind(None), kind(5.5)]
first, *middle, last = items
(one, two), three = (first, middle), last
head, *tail = 'abc'
middle.append(tail)
del head, tail[0]
x = y = [0]
x += [1]
y = y + [2]
x[0], x[1] = x[1], x[0]
merged = {**table, 'z': [*x, *y]}
[a, b] = x
items[:] = [i for i in items if i > 1]
del items[0], squares[1:]
print(end=''.join(f'{a!r:>{b}}' for _ in ()))
long = (
    [1],
    len(
        items
    ),
)
if (walrus := [1]) and walrus.append(2) is None:
    walrus.append(3)
""",
    "gathered": """
def options_of(**options): return options['c']
def rest_of(values):
    first, *rest = values
    return rest
def run():
    for i in range(4):
        options_of(c=[i])
        options_of(c=i)
        options_of(c={'k': [i]})
        x, *y = [[i], [i, i]]
        z = rest_of([[i], [[i]]])
        del y, z
run()
""",
    "taking": """
import collections, operator
def run():
    d = collections.defaultdict(list)
    '{a}'.format_map(d)
    '%(b)s' % d
    '{0[c]}'.format(d)
    f"{d['e']}"
    operator.getitem(d, 'f')
    d.__getitem__('g')
    if d['h']: pass
    i = iter([1, 2, 3, 4, 5])
    1 in i
    next(i)
    pass
run()
""",
    "library": """
import collections
import contextlib
import copy
import functools
import heapq
import itertools
import random
Point = collections.namedtuple('Point', 'x y')
queue = collections.deque([1], maxlen=3)
groups = collections.defaultdict(list)
counts = collections.Counter()
ordered = collections.OrderedDict(a=1)
calls = []
def logged(label):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            calls.append((label, args, kwargs))
            result = function(*args, **kwargs)
            calls.append(result)
            return result
        return wrapper
    return decorate
@logged('outer')
@logged('inner')
def add(a, *rest, scale=1, **more):
    total = (a + sum(rest)) * scale
    more['total'] = total
    return more
@functools.cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
class Lazy:
    @functools.cached_property
    def value(self):
        return [fib(6)]
    @functools.singledispatchmethod
    def kind(self, arg):
        return ['any', arg]
    @kind.register
    def _(self, arg: int):
        return ['int', arg]
for word in ['b', 'a', 'b', 'c']:
    groups[word].append(len(queue))
    counts[word] += 1
    queue.append({word: groups[word]})
    ordered[word] = queue[-1]
ordered.move_to_end('a')
queue.rotate(1)
queue[0]['deep'] = [[[[1]]]]
point = Point(queue, [1])
point.y.append(point)
moved = point._replace(x=0)
added = add(1, 2, 3, scale=2, extra=[1])
added['extra'].append(4)
partial = functools.partial(add, 1, scale=3)
more = partial(5)
lazy = Lazy()
lazy.value.append('changed')
kinds = lazy.kind(1), lazy.kind('s')
heap = [5, 3, 1]
heapq.heapify(heap)
heapq.heappush(heap, 0)
smallest = heapq.heappop(heap)
heap.sort(key=lambda v: -v)
keyed = {k: list(v) for k, v in itertools.groupby('aab')}
chain = list(itertools.chain(heap, keyed))
cloned = copy.deepcopy(groups)
cloned['b'].append('clone')
random.Random(1).shuffle(chain)
view = dict(groups).items()
most = counts.most_common(1)
counts.update('aab')
chained = collections.ChainMap({'x': [1]}, groups)
chained.maps[1]['b'].append('through the map')
@contextlib.contextmanager
def managed(into):
    into.append('in')
    try:
        yield into
    finally:
        into.append('out')
with managed([]) as into:
    into.append(into)
iterator = iter(chain)
head = next(iterator)
accumulated = list(itertools.accumulate(heap, lambda a, b: a + [b], initial=[]))
data = bytearray(b'ab')
data += b'c'
""",
}
