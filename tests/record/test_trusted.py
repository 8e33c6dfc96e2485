"""The recorder skips objects that a line cannot change, and shows all that it does change."""

from pathlib import Path

import pytest

from tests.support.late import late
from tests.support.trusted_programs import ATTRIBUTES, CALLED, GROWING, PLAIN, STORED

MADE_BEFORE = {
    "the subject of a match": """\
def f():
    d = {}
    d = None
    match {'k': 48}:
        case {'z': 1}:
            pass
        case x:
            pass
    y = x
    return x
f()
""",
    "a display": """\
def f():
    d = []
    d = None
    x = [
        48
    ]
    y = x
    d = []
    d = None
    x = (
        [
            [
                49
            ]
        ]
    )
    y = x
    d = []
    d = None
    return [
        [50],
        [51]
    ]
x = f()
""",
    "what a loop has made for all turns": """\
def f():
    d = [[7], [8], [9]]
    d = None
    for x in [[j] for j in range(3)]:
        y = x
    d = [[7], [8], [9]]
    d = None
    for x in [[48], [49], [50]]:
        y = x
    return x
f()
d = [[7], [8], [9]]
d = None
for x in [[j] for j in range(3)]:
    y = x
""",
    "a comprehension over several lines": """\
def f(xs):
    y = [
        [[j]]
        for j in xs
    ]
    z = y
    y = {
        j: {'n': [j]}
        for j in xs
    }
    z = y
    for x in (
        [[[j]]
         for j in xs]
    ):
        z = x
for n in range(4):
    f([n, n + 1, n + 2])
""",
    "one of several values, made before a jump": """\
def f(a):
    x = (
        [[a]]
        or None
    )
    y = x
    match [[a]]:
        case z if a == 1:
            pass
        case z if a == 2:
            pass
        case z:
            pass
    y = z
    x = z = y = None
for n in range(6):
    f(n % 3)
""",
    "what several iterators give": """\
def f(xs, ys, g):
    for a, b in zip(xs, [[[j]] for j in ys]):
        z = b
    for a, b in zip(xs, map(list, ([j] for j in ys))):
        z = b
    g['k'] = map(list, [(j,) for j in ys])
    for a in g['k']:
        z = a
for n in range(3):
    f([1, 2, 3], [n, n + 1, n + 2], {})
""",
    "what a loop goes over": """\
def f():
    d = []
    d = None
    for x in (
        [50],
    ):
        pass
    y = x
    a = b = []
    a = b = None
    a, b = (
        [1],
        [2],
    )
    y = x
f()
""",
    "one of several values": """\
def f(e=None):
    d = []
    d = None
    x = e or (
        [48, 49])
    y = x
    d = []
    d = None
    x = (e or
        [48, 50])
    y = x
    d = []
    d = None
    x = e if e else [
        48, 51]
    y = x
    d = {}
    d = None
    x = {
        'a': 5} if not e else (
        48, 51)
    y = x
f()
""",
    "an argument": """\
def f(*a): return a
def g():
    d = []
    d = None
    x = f(
        [
            [1]
        ],
        {
            'k': [2]
        }
    )
    y = x
g()
g()
""",
}
"""Values that another line has made than the one that binds or returns them."""
PROGRAMS = GROWING | STORED | CALLED | PLAIN | ATTRIBUTES | MADE_BEFORE


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_change_shows_when_its_line_has_run(tmp_path: Path, backend: str, name: str) -> None:
    assert late(tmp_path, PROGRAMS[name], backend) == []
