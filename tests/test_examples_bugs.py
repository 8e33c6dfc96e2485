"""The hunts of examples/bugs print what their README tells, and are as short as it says."""

from __future__ import annotations

import re

import pytest

from examples.bugs.play import README, Hunt, comparable, play, read

HUNTS = read(README.read_text(encoding="utf-8"))


def test_there_are_five_hunts_of_at_most_three_commands_and_sixty_lines() -> None:
    assert len(HUNTS) == 5
    for hunt in HUNTS:
        assert len(hunt.commands) <= 3
        assert 0 < sum(len(command.output) for command in hunt.commands) <= 60


@pytest.mark.parametrize("hunt", HUNTS, ids=[hunt.folder for hunt in HUNTS])
def test_a_hunt_prints_what_is_told(hunt: Hunt) -> None:
    played = play(hunt)

    assert comparable(played) == comparable(hunt)


CULPRITS = {
    "swallowed": r"contacts\.py:29 .*\n.*\\ufeffname",
    "hanging": r"!!!!!! KeyError\(''\)",
    "shared": r"Server\.login +self\.session\.user = 'bob' .*task request of bob",
    "price": r"vouchers\.py:11 .*\n.*discount\.percent = 25",
    "cache": r"-> \(2, 3, 'unit'\)(.|\n)*-> \(2, 3, 'unit'\)",
}


@pytest.mark.parametrize("hunt", HUNTS, ids=[hunt.folder for hunt in HUNTS])
def test_the_culprit_is_among_what_is_printed(hunt: Hunt) -> None:
    text = "\n".join(line for command in hunt.commands for line in command.output)

    assert re.search(CULPRITS[hunt.folder], text)
