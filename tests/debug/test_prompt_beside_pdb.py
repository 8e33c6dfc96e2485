"""The same commands typed at `codetracer debug` and at pdb, on the same programs."""

import random
from pathlib import Path

import pytest

from tests.support.prompts import positions, type_at_pdb, type_at_prompt
from tests.support.recordings import record

PROGRAM = '''\
class Node:
    def __init__(self, value, rest=None):
        self.value = value
        self.rest = rest

    @property
    def total(self):
        if self.rest is None:
            return self.value
        return self.value + self.rest.total


def fact(n):
    if n < 2:
        return 1
    return n * fact(n - 1)


def lazy(n):
    for i in range(n):
        yield fact(i)
    yield -1


def careful(text):
    try:
        return int(text)
    except ValueError as error:
        bad = error
        return None
    finally:
        done = True


def sums(items):
    generator = lazy(2)
    found = sum(generator)
    items.append(found)
    return items


def late(n):
    """Say whether it is late."""
    for k in range(3):
        if k == n:
            raise KeyError(k)
    return k


chain = Node(1, Node(2, Node(3)))
whole = chain.total
for each in lazy(3):
    whole += each
numbers = careful("12"), careful("x")
twice = sums([1, 2])
again = fact
again(2)
try:
    late(1)
except KeyError:
    pass
while each < 3:
    each += 1
fact(3)
'''

LINES = [3, 9, 10, 14, 16, 21, 22, 27, 29, 37, 46, 51, 53, 55, 59, 63, 64]
"""Lines that run, some of them often."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record(folder, PROGRAM)
    return folder


def same_positions(folder: Path, *commands: str) -> list[str]:
    """Type commands at both prompts; return the positions, which must be the same.

    They begin after the class: on 3.14 and newer, pdb does not stop at a line where something is
    both called and begins, as it does before.
    """
    commands = ("tbreak 50", "c", *commands)
    wanted = positions(type_at_pdb(folder / "app.py", *commands))
    assert positions(type_at_prompt(folder / "out", *commands))[: len(wanted)] == wanted
    return wanted


@pytest.mark.slow
def test_step_stops_where_pdb_stops_from_the_first_line_to_the_last(folder: Path) -> None:
    passed = same_positions(folder, *["s"] * 300)

    assert passed[-1].endswith("app.py(64)<module>()")
    said = {place.partition(" ")[0] for place in passed if " " in place}
    assert said == {"--Call--", "--Return--", "ValueError:", "KeyError:"}


@pytest.mark.slow
def test_next_stops_where_pdb_stops(folder: Path) -> None:
    passed = same_positions(folder, *["n"] * 100)

    assert passed[-1].endswith("app.py(64)<module>()")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_ways_in_any_order_stop_where_pdb_stops(folder: Path, seed: int) -> None:
    # Without `return`: pdb goes on to the end of the program when a generator returns to a `for`.
    ways = random.Random(seed).choices(["s", "n", "unt", "u", "d"], [8, 5, 1, 1, 1], k=100)

    same_positions(folder, *ways)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_breakpoints_stop_every_way_where_they_stop_pdb(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    set_up = [f"b {line}" for line in chance.sample(LINES, 3)]
    set_up += ["b fact, n == 2", f"ignore 1 {seed}", "tbreak careful", "ignore 2 1"]
    ways = chance.choices(["s", "n", "unt", "c"], [2, 2, 1, 4], k=60)

    same_positions(folder, *set_up, *ways)


@pytest.mark.slow
def test_return_goes_to_the_end_of_a_function_as_in_pdb(folder: Path) -> None:
    passed = same_positions(folder, "b fact", "c", "c", "c", "r", "r", "r", "s", "s", "r", "n", "n")

    assert sum(place.startswith("--Return--") for place in passed) >= 3


@pytest.mark.slow
def test_what_is_printed_of_values_and_frames_is_what_pdb_prints(folder: Path) -> None:
    commands = [
        *("b 16", "b 9", "b app.py:27, text == 'x'", "b 14", "b 2000", "b 12"),
        *("ignore 2 2", "condition 1 n == 3", "disable 4", "b", "enable 4", "enable 9", "cl 2"),
        *("cl 2", "cl two", "disable 3", "c", "a", "p n", "p n + 1", "whatis n", "whatis fact"),
        *("u", "d", "d", "l 1,3", "l 8", "l", "l 9, 2"),
        *("display n", "n", "n", "retval", "p __return__", "rv", "p n", "n", "ll", "unt 3"),
        *("condition 1", "ignore 1", "ignore 1 1", "cl app.py:27", "cl app.py:27", "enable 1"),
        *("alias pn p %1 + 1", "pn n", "alias", "alias pn", "unalias pn", "tbreak 30", "c"),
        *("n", "s", "s", "c", "c", "c", "c", "b", "u", "ll", "c"),
    ]
    wanted = type_at_pdb(folder / "app.py", *commands)
    printed = type_at_prompt(folder / "out", *commands)

    # Beside the source the prompt prints values, too.
    plain = [line.partition("  # ")[0] for line in printed]
    assert plain[2 : 2 + len(wanted) - 1] == wanted[:-1]


@pytest.mark.slow
def test_backwards_is_the_same_way_as_forwards(folder: Path) -> None:
    passed = positions(type_at_prompt(folder / "out", *["s"] * 140, *["rs"] * 140))

    forward, back = passed[:141], passed[141:]
    assert len({*forward}) > 60
    assert back == forward[-2::-1]


@pytest.mark.slow
def test_next_backwards_passes_the_lines_of_a_function_in_reverse(folder: Path) -> None:
    passed = positions(
        type_at_prompt(folder / "out", "b careful", "c", "c", "cl 1", *["n"] * 5, *["rn"] * 6)
    )

    forward, back = passed[2:8], passed[8:]
    assert [place.rpartition("app.py")[2] for place in forward] == [
        *("(26)careful()", "(27)careful()", "(27)careful()", "(28)careful()"),
        *("(29)careful()", "(30)careful()"),
    ]
    assert back[:-1] == forward[-2::-1]
    assert back[-1].endswith("app.py(54)<module>()")


def test_breakpoints_are_met_backwards_in_reverse(folder: Path) -> None:
    set_up = ["b 14", "b 46, k == 1", "b sums"]
    passed = positions(type_at_prompt(folder / "out", *set_up, *["c"] * 12, *["rc"] * 11))

    forward, back = passed[1:13], passed[13:]
    assert len({*forward}) == 3
    assert back == forward[-2::-1]
