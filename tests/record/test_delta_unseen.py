"""Changes by code in C, by code that is not recorded, and from elsewhere show later."""

from pathlib import Path

import pytest

from tests.support.late import late
from tests.support.recordings import record, texts
from tests.support.running import write


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
