"""Where a change shows later than it happens: not before, and not after docs/recording.md says.

What is true at each step is what a full snapshot says there. `late` tells where a recording says
something else: every step and variable that is not named in a test is right.
"""

from pathlib import Path

import pytest

from tests.support.recordings import BACKENDS, FULL, naive_steps, record, record_steps, texts
from tests.support.running import write

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def late(folder: Path, program: str, backend: str, *options: str) -> list[tuple[int, str]]:
    """Return the line and the name of each variable that is not recorded as it is there."""
    naive = naive_steps(folder, program)
    found = []
    for true, step in zip(
        naive, record_steps(folder, program, *FULL, *options, backend=backend), strict=True
    ):
        assert step[:4] == true[:4]
        alone = step._replace(globals={}), true._replace(globals={})
        if alone[0] != alone[1]:
            found.append((step.line, "local"))
        names = step.globals.keys() | true.globals.keys()
        # Numbers are given in the order of the names: one at a time, or all that follow differ.
        found += [
            (step.line, name)
            for name in sorted(names)
            if plain(step.globals.get(name)) != plain(true.globals.get(name))
        ]
    return found


def plain(value: object) -> object:
    """Return a value without the numbers of the objects in it."""
    match value:
        case ["object", int(), *rest]:
            return ["object", *map(plain, rest)]
        case list():
            return [plain(item) for item in value]
        case dict():
            return {name: plain(item) for name, item in value.items()}
    return value


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


@pytest.mark.slow
def test_what_unseen_code_does_to_a_global_variable_before_a_call_shows_in_the_callee_later(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [1]
def f():
    pass
    return x
exec('x.append(2)'); f(); exec('x.append(3)'); f()
pass
"""
    # In the second call `x.append(3)` is hidden, but what the first one saw is there.
    assert late(tmp_path, program, backend) == [(3, "x"), (4, "x"), (3, "x"), (4, "x")]


@pytest.mark.parametrize(
    ("call", "stale"),
    [
        ("x.extend(g(x))", []),
        ("operator.iadd(x, g(x))", [(5, "local"), (6, "local"), (7, "local")]),
    ],
)
def test_what_unseen_c_code_changes_before_a_generator_continues_shows_there_later(
    tmp_path: Path, backend: str, call: str, stale: list[tuple[int, str]]
) -> None:
    program = f"""\
import operator
x = []
def g(given):
    yield 1
    yield 2
    pass
    given.append(3)
    pass
{call}
pass
"""
    assert late(tmp_path, program, backend) == stale


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "stale"),
    [
        ("sorted(rows, key=list.pop)", []),
        ("sorted(rows, reverse=True, key=list.pop)", []),
        ("min(rows, key=list.pop, default=None)", []),
        ("rows.sort(key=list.pop)", []),
        ("sorted(rows, key=Own.pop)", []),
        # Whose method it is, is not known: it counts as code that is not in the table.
        ("sorted(rows, key=pop)", [(5, "rows")]),
    ],
)
def test_what_a_key_function_changes_shows_when_the_line_has_run(
    tmp_path: Path, backend: str, call: str, stale: list[tuple[int, str]]
) -> None:
    program = f"""\
pop = list.pop
class Own: pop = pop
rows = [[1, 2], [3, 4]]
{call}
same = rows
pass
"""
    assert late(tmp_path, program, backend) == stale


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


@pytest.mark.slow
def test_what_c_code_changes_through_what_it_keeps_to_itself_shows_later(
    tmp_path: Path, backend: str
) -> None:
    program = """\
a = []
feed = map(a.append, [1, 2])
next(feed)
next(feed)
a
pass
"""
    assert late(tmp_path, program, backend) == [(4, "a"), (5, "a")]


@pytest.mark.slow
def test_what_c_code_changes_deeper_than_the_line_says_shows_later(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [[[1]]]
clear = list.clear
any(map(clear, x[0]))
pass
x[0][0]
pass
"""
    # Line 3 takes one item: x and its items are looked at, and not what these hold.
    assert late(tmp_path, program, backend) == [(4, "x"), (5, "x")]


LIBRARY = """
class Chain:
    def __init__(self, first): self.maps = [first]
    def __setitem__(self, key, value): self.maps[0][key] = value
"""


@pytest.mark.slow
def test_what_code_that_is_not_recorded_changes_shows_as_far_as_the_line_reaches(
    tmp_path: Path, backend: str
) -> None:
    program = f"""\
import os; library = {{}}; exec(compile({LIBRARY!r}, os.__file__, 'exec'), library)
x = library['Chain']({{}})
x['a'] = 1
x.maps
x.maps[0]
pass
x['a'] = [[[2]]]
x['b'] = 3
x.maps[0]['b'] = x
pass
"""
    # Behind x is a list, and in it the dict: three objects deep, and the line takes one item.
    assert late(tmp_path, program, backend) == [
        (4, "x"),
        (5, "x"),
        (8, "x"),
        (9, "x"),
    ]


@pytest.mark.slow
def test_what_is_new_in_what_a_line_names_is_seen_at_any_depth(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = []
x.append([[[[[1]]]]])
x[0][0] = [[[[2]]]]
x.extend(([[3]], {4: [[5]]}))
pass
"""
    assert late(tmp_path, program, backend) == []


@pytest.mark.slow
def test_a_variable_that_is_set_without_its_name_shows_after_the_next_line_that_names_it(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = 1
globals()['x'] = 2
exec('x = [[[3]]]')
pass
x
from sys import *
pass
"""
    found = [entry for entry in late(tmp_path, program, backend) if entry[1] == "x"]

    assert found == [(3, "x"), (4, "x"), (5, "x")]


@pytest.mark.slow
def test_a_tuple_that_a_variable_is_set_to_without_its_name_is_then_seen_with_all_in_it(
    tmp_path: Path, backend: str
) -> None:
    program = "x = 1\nexec('x = (1, [[2]])')\npass\nx\npass\n"

    assert late(tmp_path, program, backend) == [(3, "x"), (4, "x")]


def test_what_another_module_sets_shows_after_the_next_line_that_names_it(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"other.py": "n = 0\ndef read():\n    pass\n    return n\n"})
    program = "import other\nother.n = 1\nother.read()\nother.read()\n"

    record(tmp_path, program, backend=backend)

    seen = [(line, seen) for code, line, seen in texts(tmp_path / "out") if code == "read"]
    assert seen == [(3, {"n": "0"}), (4, {"n": "0"}), (3, {"n": "1"}), (4, {"n": "1"})]


def test_what_another_thread_does_shows_when_its_line_has_run(tmp_path: Path, backend: str) -> None:
    program = """\
import _thread
x = []
done, go = _thread.allocate_lock(), _thread.allocate_lock()
done.acquire(), go.acquire()
def work():
    x.append(1); done.release(); go.acquire()
    done.release()
_thread.start_new_thread(work, ())
done.acquire()
pass
go.release()
done.acquire()
pass
"""
    record(tmp_path, program, backend=backend)

    seen = {line: seen["x"] for _, line, seen in texts(tmp_path / "out") if line > 9}
    assert seen == {10: "[]", 11: "[]", 12: "[]", 13: "[1]"}


def test_what_classes_functions_and_modules_hold_is_not_recorded(
    tmp_path: Path, backend: str
) -> None:
    program = """\
import sys
class A: n = 1
def f(): pass
A.n = f.n = sys.n = 2
A.n
pass
"""
    record(tmp_path, program, backend=backend)

    *_, (_, _, seen) = texts(tmp_path / "out")
    assert seen == {"sys": "<module sys>", "A": "<class A>", "f": "<function f>"}


def test_a_variable_of_a_frame_that_waits_shows_when_the_frame_goes_on(
    tmp_path: Path, backend: str
) -> None:
    program = """\
def outer():
    n = 1
    def inner():
        nonlocal n
        n = [2]
        return n
    n = inner()
    return n
outer()
"""
    record(tmp_path, program, backend=backend)

    seen = {line: seen.get("n") for _, line, seen in texts(tmp_path / "out") if line > 1}
    assert (seen[3], seen[5], seen[6], seen[7], seen[8]) == ("1", "1", "[2]", "1", "[2]")
