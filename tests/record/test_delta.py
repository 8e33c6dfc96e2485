"""A late change shows neither before it happens nor later than docs/recording.md says.

A full snapshot at each step decides what is true there. `late` finds the places where a recording
differs: every step and variable that is not named in a test is right.
"""

from pathlib import Path

import pytest

from tests.support.late import late


@pytest.mark.slow
def test_what_a_line_names_shows_when_the_line_has_run(tmp_path: Path, backend: str) -> None:
    program = """\
x = y = [1]
x.append(2)
append = y.append
append(3)
[y][0][0] = 4
x, z = [5], x
pass
"""
    assert late(tmp_path, program, backend) == []


@pytest.mark.slow
def test_a_change_through_a_temporary_shows_after_the_next_line_that_names_what_it_is_in(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [1]
def get(): return x
get().append(2)
pass
print(end='')
len(x)
pass
"""
    assert late(tmp_path, program, backend) == [(4, "x"), (5, "x"), (6, "x")]


@pytest.mark.slow
def test_a_change_of_what_the_line_lets_go_shows_after_the_next_line_that_names_what_it_is_in(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = y = [1]
x.append(2); x = [y]
pass
x.pop().append(3)
pass
class Box: pass
x = Box()
x.y = y
def f(x):
    x.y = []
x.y.append(f(x))
pass
y = y
pass
"""
    # Line 2 binds `x` to what leads to `y`, so there it is seen at once.
    assert late(tmp_path, program, backend) == [(line, "y") for line in (5, 6, 7, 8, 12, 13)]


@pytest.mark.slow
def test_a_change_of_what_a_variable_had_before_a_call_bound_it_shows_after_an_unrecorded_call(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = y = [1]
def f():
    global x
    x = []
x.append(f())
pass
y = y
pass
exec('', {'y': y})
pass
"""
    assert late(tmp_path, program, backend) == [(line, "y") for line in (6, 7, 8, 9)]


@pytest.mark.slow
def test_a_change_through_what_is_not_recorded_shows_after_the_next_line_that_leads_there(
    tmp_path: Path, backend: str
) -> None:
    program = """\
class A: items = [1]
def f(given=[2]): return given
x, y = A.items, f()
A().items.append(3); f.__defaults__[0].append(4)
pass
x = x; y = y
pass
"""
    assert late(tmp_path, program, backend) == [(5, "x"), (5, "y"), (6, "x"), (6, "y")]


@pytest.mark.slow
def test_a_change_of_an_instance_shows_in_its_dict_and_the_other_way_round_when_a_line_names_it(
    tmp_path: Path, backend: str
) -> None:
    program = """\
class A: pass
x = A()
d = x.__dict__
d['k'] = [1]
pass
x = x
pass
vars(x)['k'] = x.m = 2
pass
d = d
pass
"""
    assert late(tmp_path, program, backend) == [(5, "x"), (6, "x"), (9, "d"), (10, "d")]


@pytest.mark.slow
def test_a_change_of_a_dict_shows_in_its_view_when_a_line_names_the_view(
    tmp_path: Path, backend: str
) -> None:
    program = """\
d = {'k': 1}
v = d.items()
d['k'] = 2
pass
v = v
pass
"""
    assert late(tmp_path, program, backend) == [(4, "v"), (5, "v")]


@pytest.mark.slow
def test_an_instance_of_another_class_is_another_object(tmp_path: Path, backend: str) -> None:
    program = """\
class A: pass
class B: pass
x = A()
y = [x]
x.__class__ = B
pass
y = y
pass
"""
    assert late(tmp_path, program, backend) == [(6, "y"), (7, "y")]


def test_a_change_through_a_temporary_shows_where_the_function_that_gave_it_names_it_again(
    tmp_path: Path, backend: str
) -> None:
    program = """\
def get(x=[1]):
    return x
get().append(2)
get().append(3)
"""
    # The default value is seen with the call, as every argument is.
    assert late(tmp_path, program, backend) == []


@pytest.mark.slow
def test_what_a_line_does_before_it_calls_shows_in_the_callee_once_a_line_there_names_it(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [1]
n = 1
def f(given):
    pass
    given.append(n)
    return n, x
x.append(2); n = 2; f(x)
pass
"""
    # As an argument it is looked at again, and so `x` is right: it is the same list.
    assert late(tmp_path, program, backend) == [(4, "n"), (5, "n")]


@pytest.mark.slow
def test_what_a_line_does_to_a_global_variable_before_it_calls_shows_in_the_callee(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [1]
def f():
    pass
    return x
x.append(2); f(); x.append(3); f()
pass
"""
    assert late(tmp_path, program, backend) == []


NODE = """\
class Node:
    def __init__(self, v): self.v = v; self.next = None
"""


LETS_GO = {
    "a list whose end moves": (
        NODE + """\
def build():
    head = tail = Node(0)
    tail.next = tail = Node(1)
    a = head
    d = head.next is None
    return head
h = build()
k = h
pass
""",
        [(6, "local")],
    ),
    "a list that is reversed": (
        NODE + """\
def rev(cur):
    prev = None
    while cur: prev, cur.next, cur = cur, prev, cur.next
    return prev
a = Node(0); a.next = Node(1); a.next.next = Node(2)
b = rev(a)
c = a
pass
""",
        [],
    ),
    "an attribute that moves": (
        NODE + """\
class L:
    def __init__(self): self.head = self.tail = Node(0)
    def add(self, v):
        self.tail.next = self.tail = Node(v)
        s = self
        return s
l = L(); l.add(1); l.add(2)
m = l
pass
""",
        [],
    ),
    "an item, then the variable": (
        """\
def f():
    p = q = {}
    p['n'], p = 1, {}
    r = q
    return r
f()
""",
        [(4, "local")],
    ),
    "a loop that goes on": (
        NODE + """\
def f():
    n = m = Node(0)
    while n.v < 3: n.next = Node(n.v + 1); n = n.next
    k = m
    return k
f()
""",
        [(6, "local")],
    ),
    "an exception": (
        NODE + """\
def f():
    s = t = Node(0)
    try: s.v = 4; s = None; s.v
    except AttributeError: k = t
    k = t
    return k
f()
""",
        [(6, "local")],
    ),
    "loops in a line": (
        """\
def total(rows):
    return sum(r['t'] for r in rows)
def f():
    rows = [{'t': 0}, {'t': 0}, {'t': 0}]
    for r in rows: r['t'] = 1
    k = rows
    total(rows)
    for r in rows: r['t'] += 1
    k = rows
    ls = [[], [], []]
    for l in ls: l.append(1)
    k = ls
    for l in ls: l += [2]
    k = ls
    return total(rows)
f()
""",
        [(14, "local")],
    ),
    "loops in a line of a module": (
        """\
lists, d = [[8], [9]], {'k': [8], 'l': [9]}
for l in lists: l.append(1)
k = lists
for l in d.values(): l.append(1)
k = d
i = 0
while i < 2: l = lists[i]; l.append(2); i += 1
k = lists
""",
        [],
    ),
    "functions in a loop": (
        """\
def recorded(n): pass
a, b = [], []
for f in (a.append, b.append): f(1)
k = a
for f in (a.append, recorded): f(1)
k = a
def g():
    c, d = [], []
    for f in (c.append, d.append): f(1)
    k = c
    for f in (c.append, recorded): f(1)
    k = c
g()
""",
        [],
    ),
    "functions and objects by key in a loop": (
        """\
class R:
    def append(self, n): pass
def recorded(n): pass
a = []
fs, objects = [recorded, a.append], [R(), a]
for i in (0, 1): fs[i](1)
k = a
for i in (0, 1): objects[i].append(2)
k = a
def g():
    i = 0
    while i < 2: fs[i](4); i += 1
    k = a
    for i in (0, 1): objects[i].append(5)
    k = a
g()
""",
        [],
    ),
    "items that move": (
        """\
class C: pass
def f():
    d = {0: C()}; e = d[0]
    d[0].x = d[0] = C()
    k = e
    d[0] = d[0].y = 5 if 0 else C()
    k = e
    n = 0
    n += 1
    ls = [1]; ms = ls
    ls += [2]; ls = []
    k = ms
    return k
f()
""",
        [(5, "local"), (12, "local")],
    ),
}


"""Lines that store into an object, and then bind what led to it."""


@pytest.mark.slow
@pytest.mark.parametrize("case", LETS_GO)
def test_what_a_line_stores_into_an_object_that_it_lets_go_shows_after_a_line_that_leads_there(
    tmp_path: Path, backend: str, case: str
) -> None:
    program, stale = LETS_GO[case]

    assert late(tmp_path, program, backend) == stale
