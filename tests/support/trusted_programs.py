"""Programs whose lines change less than they might; tests/record/test_trusted.py records them."""

__all__ = ["ATTRIBUTES", "CALLED", "GROWING", "PLAIN", "STORED"]

NODE = """\
class Node:
    def __init__(self, x): self.x = x
    def more(self): self.x += 1; return self
"""
GROWING = {
    "a list that is new itself": """\
z = [[1], [7]]
z = None
a = [[2], [8]]; a.append([3])
z = [[1], [7]]
z = None
a = [[3], [9]]; a += [[4]]
def f(n): r = [[n], [n + 1]]; r.append([7]); return r
for n in range(5): f(n); f(n)
class Made:
    def __init__(self, n): self.r = [[n]]; self.r.append([n]); self.n = n
for n in range(5): Made(n)
d = None
for n in range(5):
    d = {'a': [[n]]}; d['a'].append([n])
if n: a = [[n]]; a += [[n], [5]]
(a := [[2], [8]]) and a.append([3])
pass
""",
    "an item is stored that is found in another way": """\
z = [[9], 0]
a = [[1]]
d, e = [a], [[0, a]]
i = 0
z = None
d[i + 0][0] = [2]; a.append(3)
d[len('')][0] = [2]; a.append(3)
e[0][1][0] = None; e[0][1][0] = [2]; a.append(3)
pass
""",
    "a function in C takes items away": """\
import heapq
a = [[1], [2], [3]]
for n in range(5):
    heapq.heappop(a); a.append([n + 4])
for n in range(5):
    heapq.heapreplace(a, [n + 9]); a += [[n + 9]]
pass
""",
    "items take the place of items that are gone": """\
stack = [[1], [2]]
for n in range(6): stack.append([stack.pop()[0] + 1])
for n in range(6):
    stack.append([stack.pop()[0] + 1])
for n in range(6):
    stack += [[stack.pop()[0] + 1]]
pass
""",
    "an instance takes the place of one that is gone": f"""\
{NODE}
stack = [Node(1), Node(2)]
for n in range(6):
    stack.append(Node(stack.pop().x + 1))
for n in range(6):
    stack.pop(); stack.append(Node(n))
for n in range(6):
    del stack[-1]; stack += [Node(n)]
pass
""",
    "an item is replaced and another one added": f"""\
{NODE}
nodes = [Node(1), Node(2)]
for n in range(6):
    nodes[0] = None; nodes[0] = Node(n); nodes.append(n)
for n in range(6):
    nodes[0] = None; nodes[:1] = [Node(n)]; nodes += [n]
pass
""",
    "an old item changes in the same line": f"""\
{NODE}
nodes = [Node(1), Node(2)]
nodes.append(nodes[0].more())
nodes += [nodes[1].more()]
same = nodes[0]
nodes.extend([same.__dict__.update(x=7)])
nodes.extend(each.more() for each in nodes[:2])
pass
""",
    "a function takes items away and adds others": f"""\
{NODE}
nodes = [Node(1)]
def other(n): nodes.clear(); nodes.append(Node(n)); return n
for n in range(6):
    nodes.append(other(n))
for n in range(6):
    nodes += [other(n)]
pass
""",
    "code that is not recorded changes old items": f"""\
{NODE}
nodes = [Node(1), Node(2)]
for n in range(4):
    nodes.append(exec('nodes[0].x += 5'))
    nodes += [Node(n)]
pass
""",
    "through another name": """\
a = b = [[1]]
a.append([b.pop()[0] + 1])
a.append([b.pop()[0] + 1])
a += [[b.pop()[0] + 1]]
append = a.append
append([3])
pass
""",
    "more than are shown": """\
many = [[n] for n in range(150)]
many.append([1])
many[0].append(2)
many += [[3]]
pass
""",
}
STORED = {
    "by a key that the line stores": """\
class O: pass
o = O()
o.k = 0
d = [[1], [2]]
d[o.k][0] = 5; o.k = 1
o.k = o
o.next = 0
n = [o, o]
n[o.next].next = 1
parent = [0, 1, 2]
t = [parent, [5]]
t[parent[0]][0] = 1
pass
""",
    "into an object that is an item of its own": """\
d = {0: 1}
d[0] = d
d[0][0] = 5
d[0] = d
d[0][0] = [5]
e = [0]
e[0] = e
e[0][0] = [6]
pass
""",
    "while a function changes the key or the order": """\
n = 0
def fresh():
    global n
    n += 1
    return n
tabs = [{}, {}, {}]
tabs[n][fresh()] = 'x'
tabs[n][fresh()] = 'y'
d = [[1, 2], [3, 4]]
def turn(): d.reverse(); return 0
d[0][turn()] = 5
d[0][turn():] = [6]
del d[0][turn() - 1]
class Key:
    def __hash__(self): e.reverse(); return 1
e = [{}, {'a': 1}]
key = Key()
e[0][key] = [1]
def waits():
    d[0][(yield)] = 7
    yield
w = waits()
next(w)
d.reverse()
w.send(0)
pass
""",
    "by operators that compare in between": """\
class Key:
    def __init__(self, n): self.n = n
    def __hash__(self): return 1
    def __eq__(self, o): return self.n == o.n
class O: pass
o = O()
o.s = {Key(1)}
o.s |= {Key(2), Key(3)}
o.s -= {Key(1)}
pass
""",
    "into an item by a constant key, a variable and an attribute": """\
class Holder: pass
holder, a, b = Holder(), {}, {}
holder.key = 'b'
d = {'a': a, 'b': b, 3: [0, 0]}
key = 'a'
d['a']['x'] = 1
d[key]['y'] = 2
d[holder.key]['z'] = [3]
d[3][0] = 4
d[3][1] += 5
d['a']['x'] += 1
pass
""",
    "by a key that the line binds": """\
a, b = {}, {}
d = {'a': a, 'b': b}
key = 'a'
d[key]['x'] = 1; key = 'b'
d[key]['x'] = 1; d[key]['y'] = 2; key = 'a'
for key in d: d[key]['z'] = 3
key, d[key]['w'] = 'a', 4
pass
""",
    "where the item is replaced": """\
a, b = {}, {}
d = {'a': a, 'b': b}
d['b']['x'] = d.update(b={}); b = d['b']
def other(): d['a'] = {'new': 1}; return 2
d['a']['y'] = other()
d['a'][other()] = 3
pass
""",
    "by keys that are found by no identity": """\
a, b = {}, {}
d = {1.5: a, ('t', 1): b}
d[1.5]['x'] = 1
d['t', 1]['x'] = 2
half = 1.5 + n if (n := 0) else 3 / 2
d[half]['y'] = [3]
pass
""",
    "into what a dict makes when it is asked": """\
from collections import defaultdict
d = defaultdict(dict)
same = d
d['a']['x'] = 1
d['b']['x'] = [1]
d['b']['x'] += [2]
a = d['a']
d['a']['z'] = 2
pass
""",
    "in place": """\
a, b = [1], {1}
d = {'a': a, 'b': b, 'c': (1,), 'n': 1}
d['a'] += [2]
d['b'] |= {2}
d['c'] += (2,)
d['n'] += 1
d['a'] += [[3]]
pass
""",
    "while a key is hashed or compared": """\
seen = []
class Key:
    def __init__(self, n): self.n = n
    def __hash__(self): seen.append(self.n); return 1
    def __eq__(self, other): seen.append('='); return self.n == other.n
d = {}
d[Key(1)] = [1]
d[Key(2)] = [2]
d[Key(1)] = Key(3)
d[Key(1)] = [4]
one = Key(1)
d[one] = d[one] = [5]
pass
""",
}
CALLED = {
    "more than are told apart": f"""\
def f(): return 1
a = []
f(); {"len(a); " * 29}a.append(1)
f(); {"len(a); " * 30}a.append(2)
f(); {"len(a); " * 31}a.append(3)
pass
""",
    "constructors that were generated": """\
from dataclasses import dataclass, field
free, kept = [1, 2, 3], []
@dataclass
class D:
    x: int = field(default_factory=free.pop)
    __post_init__ = kept.append
d = D.__new__(D); len(free)
@dataclass
class E:
    x: int = field(default_factory=free.pop)
e = E(); len(free)
e = E(); len(free)
pass
""",
    "a class, by partial and as a method": """\
from functools import partial
from types import MethodType
seen = []
class Made:
    def __init__(self, *a): seen.append(a); self.a = [a]
make = partial(Made, 1)
made = make()
made = MethodType(Made, 2)()
made = make(), MethodType(Made, seen)()
made = partial(seen.append, 3)()
made = partial(list, seen)()
pass
""",
    "constructors of the bases": """\
seen = []
class Base:
    def __new__(cls, *a): seen.append('base'); return super().__new__(cls)
class Text(str):
    def __new__(cls, text): seen.append(text); return super().__new__(cls, text)
class Both(Base):
    def __new__(cls): seen.append('both'); return super(Both, cls).__new__(cls)
class Meta(type):
    def __new__(cls, *a): seen.append('meta'); return super().__new__(cls, *a)
text = Text('a')
both = Both()
class WithMeta(metaclass=Meta): pass
plain = object.__new__(Base)
pass
""",
    "generator expressions": """\
seen = []
items = [3, 2, 1]
found = any(seen.append(n) for n in items)
total = sum(items.pop() for _ in [1, 2])
texts = ','.join(str(seen.pop()) for n in items)
later = (seen.append(n) for n in items)
done = list(later)
done = sorted((seen.append(n) or n for n in items), key=lambda n: seen.append(n) or -n)
pass
""",
    "generators that are waited for": """\
seen = []
def inner(n):
    seen.append(n)
    got = yield n
    seen.append(got)
def outer():
    yield from inner(1)
    yield from {'a': inner}['a'](2)
    for n in [1, 2]: yield from inner(n)
made = outer()
for n in made: pass
pass
""",
    "loops in loops": """\
outer, seen = [[1, 2], [3]], []
ones = iter([1, 2, 3, 4])
for each in outer:
    for n in each:
        for one in ones:
            seen.append(one)
            break
for n, each in enumerate(outer):
    for m in reversed(each):
        seen.append([m])
pass
""",
    "comparisons": """\
seen = []
class Key:
    def __eq__(self, other): seen.append(1); return True
one, other = Key(), Key()
same = one == other
same = tuple.__eq__((one,), (other,))
same = list.__eq__([one], [other]), str.__eq__('a', 'b')
same = [one].index(other), seen[-1]
pass
""",
    "what a class has and what its class has": """\
seen = []
class Meta(type):
    def method(cls): seen.append('of the class'); return 1
    kept = seen.append
    @property
    def given(cls): seen.append('given'); return seen.append
class C(metaclass=Meta):
    def method(self=None): seen.append('own'); return 2
    given = seen.pop
    kept = seen.extend
done = C.method()
done = C.kept([4])
done = Meta.method(C)
pass
""",
    "generated constructors": """\
from collections import namedtuple
from dataclasses import dataclass, field
made = []
@dataclass
class Data:
    a: list = field(default_factory=list)
    b: dict = field(default_factory=dict)
    def __post_init__(self): made.append(len(made))
Pair = namedtuple('Pair', 'a b')
for n in range(5):
    data = Data(); data.a.append(n)
    data = Data([n], {n: [n]})
    pair = Pair([n], {'n': n})
    pair = Pair(Data(), [data])
pass
""",
}
PLAIN = {
    "what other calls have made": """\
def f(t):
    d, a = {}, []
    z = [{8}, {9}]
    z = None
    a.append(set(t))
    z = [{8}, {9}]
    z = None
    a.insert(0, {'k': set(t)})
    z = [{8}, {9}]
    z = None
    x = d.setdefault('k', set(t)), d.get(t)
    z = {8}
    z = None
    x = len(a) and isinstance(a, list) and set(t)
    z = [{8}, {9}]
    z = None
    d[str(t)] = set(t)
    return x
for n in range(4): f((n,)); f((n,))
""",
    "what a variable had that the line binds": """\
class Maker: count = sorted
def f(t):
    x = Maker()
    z = [8]
    z = None
    x = x.count(t)
    y = x
    return [x]
for n in range(3): f((n,))
""",
    "an object that has them as functions": """\
class Maker: discard = set
def f(m, t):
    z = {8}
    z = None
    x = m.discard(t)
    y = x
    return [x]
for n in range(3): f(Maker, (n,)); f(Maker(), (n,))
""",
}
"""Lines with calls that make no objects, and others."""
ATTRIBUTES = {
    "that a program can set": """\
def made(n):
    def f(x={'a': n}, *, y=[n]): pass
    f.__doc__ = [n]
    return f
def show(n):
    f = made(n)
    defaults = f.__defaults__
    others = f.__kwdefaults__
    doc = f.__doc__
    return defaults
for n in range(4): show(n)
class C: pass
for n in range(4):
    C.__module__ = [n]
    c = C.__module__
pass
""",
    "of a class that has no bases yet": """\
class M(type):
    log = []
    def mro(cls):
        cls.log.append(1)
        return type.mro(cls)
class A(metaclass=M): pass
M.log
pass
""",
    "of classes, functions and methods": f"""\
{NODE}
node = Node(1)
kind, name = node.__class__, node.__class__.__name__
bases, doc = Node.__bases__, Node.__doc__
function, owner = node.more.__func__, node.more.__self__
closed = function.__code__.co_name, function.__globals__ is globals()
owner.more()
pass
""",
    "of exceptions and matches": """\
import re
error = ValueError([1], {'a': 1})
arguments = error.args
arguments[0].append(2)
text = re.compile('a(b)').match('ab').string
last = re.compile('a(b)').match('ab').lastindex
pass
""",
}
