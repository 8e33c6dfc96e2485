"""A change beyond the limits shows when docs/recording.md says."""

from pathlib import Path

from tests.support.recordings import record, texts


def test_what_lies_deeper_than_the_limit_shows_when_a_line_changes_it(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [[[1]]]
x[0][0].append(2)
y = x[0]
x[0][0].append(3)
pass
"""
    record(tmp_path, program, "--max-depth=2", backend=backend)

    seen = {line: seen.get("x") for _, line, seen in texts(tmp_path / "out")}
    # A line that changes the list looks at it, and what is known of an object shows wherever it is.
    assert seen == {
        1: None,
        2: "[[<list #2>]]",
        3: "[[[1, 2]]]",
        4: "[[[1, 2]]]",
        5: "[[[1, 2, 3]]]",
    }


def test_what_is_beyond_the_items_shows_when_it_comes_to_the_front(
    tmp_path: Path, backend: str
) -> None:
    program = """\
x = [0, 1, 2, 3]
x[3] = [9]
x[3].append(8)
del x[0]
x[2][0] = 'seen'
del x[0]
pass
"""
    record(tmp_path, program, "--max-items=2", backend=backend)

    seen = {line: seen.get("x") for _, line, seen in texts(tmp_path / "out")}
    assert seen == {
        1: None,
        2: "[0, 1, … +2]",
        3: "[0, 1, … +2]",
        4: "[0, 1, … +2]",
        5: "[1, 2, … +1]",
        6: "[1, 2, … +1]",
        7: "[2, ['seen', 8]]",
    }


def test_what_is_beyond_the_characters_shows_as_the_length_alone(
    tmp_path: Path, backend: str
) -> None:
    program = "x = 'abcdef'\nx += 'g'\nx = b'abc' * 3\npass\n"

    record(tmp_path, program, "--max-text=4", backend=backend)

    seen = {line: seen.get("x") for _, line, seen in texts(tmp_path / "out")}
    assert seen == {1: None, 2: "'abcd'… +2", 3: "'abcd'… +3", 4: "b'abca'… +5"}
