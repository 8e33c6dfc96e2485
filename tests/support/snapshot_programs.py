"""Programs of different kinds, to be recorded and compared with what they really do.

They are deterministic, and keep to what a recording shows at once: `tests.record.test_delta` has
what it shows late.
"""

PROGRAMS = {
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
    "closures": """
def counter(start):
    count = start
    history = []
    def step(by=1):
        nonlocal count
        count += by
        history.append(count)
        return count
    def reset():
        nonlocal count, history
        count = 0
        history = []
    first = step()
    second = step(5)
    kept = history
    reset()
    third = step(7)
    def outer():
        local = [count]
        def inner():
            nonlocal local, count
            local = local + [[count]]
            count = 'set from within'
            late = 'x'
            def innermost():
                nonlocal late
                late = [[[['deep']]]]
                history.append(late)
            innermost()
            return late
        result = inner()
        return result, local
    pair = outer()
    del kept
    return step, reset, pair
step, reset, pair = counter(10)
try:
    step(1)
except TypeError:
    reset()
value = step(3)
functions = [lambda n, i=i: (n, i, value) for i in range(3)]
results = [f(i) for i, f in enumerate(functions)]
def later():
    def use():
        return defined
    try:
        use()
    except NameError:
        pass
    defined = 'now'
    got = use()
    del defined
    return got
got = later()
def shadows(value):
    def change():
        nonlocal value
        value = {'changed': value}
        del value
    change()
    value = 'back'
    return value
got = shadows([1])
""",
    "generators": """
def numbers(limit, log):
    n = 0
    while n < limit:
        try:
            got = yield n
            log.append(got)
        except KeyError as error:
            log.append(repr(error))
        finally:
            n += 1
    return ['done', n]
log = []
g = numbers(3, log)
first = next(g)
second = g.send([1, [2]])
log[0].append('changed outside')
third = g.throw(KeyError('k'))
def delegate(log):
    before = len(log)
    result = yield from numbers(2, log)
    result.append(before)
    yield result
values = []
for value in delegate(log):
    values.append(value)
    log.append(('seen', value))
g.close()
squares = (x * x for x in log if isinstance(x, int))
total = sum(len(str(x)) for x in log)
def closing():
    state = ['open']
    try:
        while True:
            yield state
            state.append('again')
    finally:
        state.append('closed')
c = closing()
state = next(c)
next(c)
c.close()
def pipeline(source):
    for item in source:
        doubled = [item, item]
        yield doubled
out = [pair for pair in pipeline(x + 1 for x in range(2))]
def two():
    a = yield
    b = yield a
    return a, b
t = two()
next(t)
u = two()
next(u)
x, y = t.send('t'), u.send('u')
try:
    t.send('end')
except StopIteration as stop:
    ended = stop.value
""",
    "asynchronous": """
import asyncio
class Manager:
    def __init__(self):
        self.log = []
    async def __aenter__(self):
        self.log.append('enter')
        await asyncio.sleep(0)
        return self
    async def __aexit__(self, kind, error, traceback):
        self.log.append(['exit', str(error)])
        return True
async def produce(n, out):
    for i in range(n):
        await asyncio.sleep(0)
        out.append((n, i))
        yield [i]
async def work(n, shared):
    total = []
    async for item in produce(n, shared):
        total += item
        shared.append(total)
    return total
async def main():
    shared = []
    first = await work(2, shared)
    both = await asyncio.gather(work(1, shared), work(2, shared))
    manager = Manager()
    async with manager as entered:
        entered.log.append('inside')
        raise ValueError('in with')
    made = [x async for x in produce(2, shared)]
    lengths = {len(x): x for x in [await work(1, shared)]}
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError as error:
        shared.append(str(error))
    return shared, first, both
result = asyncio.run(main())
count = len(result[0])
""",
    "exceptions": """
class Own(Exception):
    def __init__(self, code, detail):
        super().__init__(code)
        self.detail = detail
def fails(n):
    try:
        if n == 0:
            raise Own(n, {'n': [n]})
        if n == 1:
            raise KeyError('one', [n])
        value = [][n]
    except Own as own:
        own.detail['handled'] = True
        own.add_note('noted')
        raise RuntimeError('wrapped') from own
    except LookupError as error:
        kept = error
        kept.args += ('more',)
    else:
        value = 'else'
    finally:
        n += 100
    return n, kept
caught = []
for n in range(3):
    try:
        caught.append(fails(n))
    except RuntimeError as error:
        caught.append(error)
        error.extra = [n]
        caught[0].extra.append(error.__cause__.detail)
class Manager:
    def __init__(self, swallow):
        self.swallow = swallow
        self.seen = []
    def __enter__(self):
        self.seen.append('enter')
        return self.seen
    def __exit__(self, kind, error, traceback):
        self.seen.append(error)
        return self.swallow
with Manager(True) as seen:
    seen.append('body')
    raise ValueError('swallowed')
with Manager(False) as one, Manager(False) as two:
    one.append(two)
try:
    with Manager(False) as seen:
        1 / 0
except ZeroDivisionError:
    last = seen[-1]
try:
    raise ExceptionGroup('group', [ValueError(1), KeyError(2)])
except* ValueError as group:
    first = group.exceptions
except* KeyError as group:
    second = group.message
def cleanup():
    state = []
    try:
        try:
            raise OSError(2, 'no')
        finally:
            state.append('inner')
    except OSError as error:
        state.append(error)
        error = None
    return state
state = cleanup()
def returns():
    for i in range(2):
        try:
            return i
        finally:
            i = 'finally'
value = returns()
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
    "globals": """
count = 0
registry = {}
config = {'deep': {'list': []}}
def bump():
    global count
    count += 1
    registry[count] = [count]
    return count
def rebind():
    global registry, fresh
    old = registry
    registry = {'old': old}
    fresh = 'new'
    old['x'] = [registry]
def use():
    local = registry
    local['used'] = fresh
    if count > 2:
        config['deep']['list'].append([[count]])
    return local
def remove():
    global fresh
    del fresh
    bump()
bump()
value = bump()
rebind()
value = use()
bump()
again = use()
remove()
for name in list(registry):
    count = name
    bump_result = registry[name]
def reads():
    before = count
    bump_count = bump
    return before, bump_count.__name__
try:
    value = reads()
    bump()
except TypeError as error:
    message = str(error)
count = 10
bump()
after = config['deep']['list']
after.append(config)
""",
    "recursion": """
def build(depth, path, seen={}):
    path = path + [depth]
    seen[depth] = path
    if not depth:
        return {'leaf': path}
    left = build(depth - 1, path)
    right = left if depth % 2 else build(depth - 1, path)
    left['right'] = right
    path.append('done')
    return {'left': left, 'path': path}
tree = build(3, [])
def flatten(node, into):
    for name, value in node.items():
        if name == 'left':
            flatten(value, into)
        elif name == 'leaf':
            into.append(value)
        else:
            into += [name]
    return into
flat = flatten(tree, [])
def permutations(items, chosen, out):
    if not items:
        out.append(chosen[:])
        return
    for i, item in enumerate(items):
        chosen.append(item)
        permutations(items[:i] + items[i + 1:], chosen, out)
        chosen.pop()
out = []
permutations([1, 2, 3], [], out)
def even(n): return True if n == 0 else odd(n - 1)
def odd(n):
    if n == 0:
        return False
    return even(n - 1)
answers = even(4), odd(4)
def quicksort(a, low, high):
    if low < high:
        pivot, i = a[high], low
        for j in range(low, high):
            if a[j] < pivot:
                a[i], a[j] = a[j], a[i]
                i += 1
        a[i], a[high] = a[high], a[i]
        quicksort(a, low, i - 1)
        quicksort(a, i + 1, high)
data = [3, 1, 4, 1, 5, 9, 2, 6]
quicksort(data, 0, len(data) - 1)
""",
    "threads": """
import threading
lock = threading.Lock()
turns = [threading.Lock() for _ in range(3)]
for turn in turns:
    turn.acquire()
shared = {'log': []}
def note(name, round, mine):
    with lock:
        shared['log'].append((name, round))
        mine.append(shared['log'][-1])
        shared[name] = mine
def worker(index, name):
    # What it sees itself, nobody else changes: which thread goes first does not matter.
    mine = []
    for round in range(2):
        turns[index].acquire()
        note(name, round, mine)
        following = turns[(index + 1) % 3]
        mine.append([round])
        following.release()
def start(index, name):
    threading.Thread(target=worker, args=(index, name), name=name).start()
def lead(rounds):
    start(0, 'one')
    start(1, 'two')
    for round in range(rounds):
        turns[0].release()
        turns[2].acquire()
        note('main', round, [])
lead(2)
finished = not any(map(threading.Thread.join, threading.enumerate()[1:]))
result = dict(shared)
result['log'].append('end')
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
    "arguments": """
def every(a, b=[], /, c=(), *args, d, e={}, **kwargs):
    b.append(a)
    e[a] = args
    kwargs['added'] = b
    a = [a]
    args += (a,)
    del c
    c = kwargs
    return a, b, c, d, e
shared = [0]
first = every(1, d=2)
second = every(2, shared, (3,), 4, [5], d=shared, e={}, f=6)
third = every(*[3], **{'d': {'nested': shared}, 'g': 7})
shared.append(second)
second[2]['f'] = 'changed'
def mutate(items, *, into):
    items.append('mutated')
    items = items[:]
    items.append('copy only')
    into['items'] = items
    into = None
    return items
box = {}
mutated = mutate(shared, into=box)
mutate(items=box['items'], into=box)
def defaults(when=len(shared), *, store=box):
    store['when'] = when
    return store
same = defaults()
other = defaults(0, store={})
def swap(a, b): a[:], b[:] = b[:], a[:]
left, right = [1], [[2]]
swap(left, right)
left[0].append(right)
apply = lambda f, *a, **k: f(*a, **k)
applied = apply(mutate, left, into=other)
""",
}
