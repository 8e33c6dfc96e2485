"""The facts of a line, by its bytecode, are the same on every version."""

from __future__ import annotations

import pytest

from codetracer.runtime.bytecode import facts_by_line
from codetracer.runtime.facts import LineFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.runtime.facts import Place

HEAD = "def f(self, a, b, c, d, f, g, k, xs, x=0, y=0):\n"


def facts(line: str) -> LineFacts:
    """Return the facts of a line of a function, which may be the beginning of a block."""
    body = f"    {line}\n" + ("        pass\n" if line.endswith(":") else "")
    code = next(
        each for each in compile(HEAD + body, "f.py", "exec").co_consts if hasattr(each, "co_code")
    )
    return facts_by_line(code)[2]


def path(place: Place | None) -> str:
    if place is None:
        return "?"
    found = place[0]
    for step in place[2]:
        if isinstance(step, str):
            found += f".{step}"
        else:
            found += f"[{path(step[0]) if len(step) == 1 else repr(step[1])}]"
    return found


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("x = a", {}),
        ("a.x = b", {"a": 1}),
        ("del a.x", {"a": 1}),
        ("self.a.b = 1", {"self.a": 1}),
        ("d[k] = a", {"d": 1}),
        ("d[1:2] = a", {"d": 1}),
        ("del d[k]", {"d": 1}),
        ("d[k].x = 1", {"d": 2}),
        ("d[k] += 1", {"d": 2}),
        ("self.x += 1", {"self": 1, "self.x": 1}),
        ("a += b", {"a": 1}),
        ("a = a + b", {}),
        ("(a or b).x = 1", {}),
    ],
)
def test_what_a_line_stores_into(line: str, changes: dict[str, int]) -> None:
    found: dict[str, int] = {}
    for (place, _), levels in facts(line).targets.items():
        found[path(place)] = max(levels, found.get(path(place), 0))

    assert found == changes


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("x = a", []),
        ("f(g(a))", ["g g", "f f"]),
        ("self.f(a, y=b)", ["f of self"]),
        ("self.a.f()", ["f of self.a"]),
        ("f(a if c else b, self.y)", ["f f"]),
        ("x = f(a) if c else g(b)", ["f f", "g g"]),
        ("f(*xs, **d)", ["f f"]),
        ("d[k](a)", [" d[k]"]),
        ("d['k'].f()", ["f of d['k']"]),
        ("self.a[self.k][-1].f(b)", ["f of self.a[self.k][-1]"]),
        ("d[xs[0]].f()", ["f of d[xs[0]]"]),
        ("d[f()].f()", ["f f", "f of ?"]),
        ("self.a.b.c.d.f()", ["f of self.a.b.c.d"]),
        ("assert a, b", ["__new__ of ?"]),
        ("x = ''.join(xs)", ["join of ?"]),
        ("(a or b).f()", ["f of ?"]),
        ("(a or b).x = 1", [" ?"]),
        ("a.x = f(b)", ["f f"]),
        ("a.__dict__[k] = 1", [" ?"]),
        ("a.__class__ = b", [" ?"]),
    ],
)
def test_what_a_line_calls(line: str, calls: list[str]) -> None:
    found = [
        f"{call.name} {'of ' * call.is_method}{path(call.place)}" for call in facts(line).calls
    ]

    # A store whose object is not known counts as a call that is not known.
    assert sorted(set(found)) == sorted(calls)


@pytest.mark.parametrize(
    ("line", "births", "hides"),
    [
        ("x = a", 0, False),
        ("x = self.a", 0, False),
        ("x = [a]", 1, False),
        ("x = [[a], b]", 2, False),
        ("x = xs[:]", 1, False),
        ("x = xs[a:b]", 1, False),
        ("x, *y = xs", 1, False),
        ("x = d['k']", 0, False),
        ("x = a + b", 0, True),
        ("x = d[k][c].a", 2, True),
        ("x = a == b", 0, True),
        ("x = a is b", 1, False),
    ],
)
def test_what_a_line_may_have_made(line: str, births: int, hides: bool) -> None:
    found = facts(line)

    assert (found.births, found.hides) == (births, hides)


@pytest.mark.parametrize(
    "item",
    ["'{0}': '{0}',", "f{0}: [g({0})],", "(names['a'], str({0})): x,"],
)
def test_what_a_display_of_many_lines_may_have_made_is_counted_once(item: str) -> None:
    source = "\n".join(["x = {", *map(item.format, range(2000)), "}"])
    found = facts_by_line(compile(source, "displayed.py", "exec"))

    assert 0 < found[1].births <= 3 * 2000
    assert max(line.births for line in found.values()) == found[1].births


@pytest.mark.parametrize(
    ("lines", "births"),
    [
        (["x = [", "[[a]]", "for j in xs", "]"], 3),
        (["x = {", "j: {'n': [a]}", "for j in xs", "}"], 3),
        (["x = (", "[[a]]", "or None", ")"], 2),
        (["x = [", "y, [*a, [b,", "c]]]"], 3),
    ],
)
def test_a_line_is_told_of_what_others_put_into_its_objects(lines: list[str], births: int) -> None:
    code = next(
        each
        for each in compile(HEAD + "    " + "\n".join(lines), "f.py", "exec").co_consts
        if hasattr(each, "co_code")
    )

    assert births <= facts_by_line(code)[2].births <= 2 * births + 1


def test_a_loop_runs_a_part_of_its_line_again() -> None:
    line = facts("for x in enumerate(xs):")
    assert line.again is not None

    assert [call.name for call in line.calls] == ["enumerate"]
    assert line.again.calls == []
    assert [*map(path, line.again.containers)] == ["xs"]
    assert [line.loops, line.again.loops] == [False, False]
    assert facts("y = [f(x) for x in xs]").loops


@pytest.mark.parametrize(
    ("over", "hides"),
    [
        ("xs", False),
        ("f(a)", True),
        ("[[a], [b]]", True),
        ("[[j] for j in xs]", True),
        ("{j: [j] for j in xs}.values()", True),
        ("zip(xs, xs)", False),
        ("zip(xs, [[j] for j in xs])", True),
        ("d['k']", True),
    ],
)
def test_what_a_line_has_made_for_a_loop_is_new_in_each_turn(over: str, hides: bool) -> None:
    again = facts(f"for x in {over}:").again

    assert again is not None
    assert again.hides == hides


def test_a_variable_that_is_bound_leads_to_what_was_called_no_longer() -> None:
    lines = ("f(a)", "f(a); f = b", "d[k].f(); k = a", "a.f(); b = a", "d[k].f((k := a))")

    found = [[(path(call.place), call.is_rebound) for call in facts(one).calls] for one in lines]

    assert found == [
        [("f", False)],
        [("f", True)],
        [("d[k]", True)],
        [("a", False)],
        [("?", False)],
    ]


def test_a_loop_within_a_line_may_run_each_part_again() -> None:
    assert facts("while f(a): g(b)").loops
    assert not facts("while f(a):").loops
    assert not facts("for x in f(a):").loops


def test_a_call_after_a_store_is_late() -> None:
    early, late = facts("a.x = f(b)"), facts("a.x = 1; f(b)")

    assert ([call.is_late for call in early.calls], early.is_mixed) == ([False], False)
    assert ([call.is_late for call in late.calls], late.is_mixed) == ([True], True)
