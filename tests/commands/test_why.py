"""`codetracer why`: what it prints, as text and as JSON, and what it says of a wrong question."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codetracer.commands import why as command
from codetracer.replay.causes.nodes import LEVELS
from tests.support.reading import read
from tests.support.running import Outcome, execute, write

# A line of a tree is as long as it is.
# ruff: noqa: E501

PROGRAM = """\
def area(width, height):
    if width < 0:
        raise ValueError(f"{width} is no width")
    return width * height


def paint(walls):
    total = 0
    for width, height in walls:
        total += area(width, height)
    return total


needed = paint([(2, 3)])
named = input
text = input("")
try:
    area(-1, 2)
except ValueError:
    pass
{}["missing"]
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("why")
    write(folder, {"app.py": PROGRAM})
    done = execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "app.py"), cwd=folder, stdin="\x1b[31m\n"
    )
    assert "KeyError: 'missing'" in done.stderr
    return folder


def why(*arguments: str, cwd: Path) -> Outcome:
    return read("why", *arguments, cwd=cwd)


@pytest.mark.slow
def test_a_tree_has_places_steps_values_and_lines(recorded: Path) -> None:
    done = why("out", "needed", cwd=recorded)

    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "app.py:14  0:2  needed = 6                                      | needed = paint([(2, 3)])",
        "app.py:11  0:9  └─ paint() = 6                                  | return total",
        "app.py:10  0:5     └─ total = 6                                 | total += area(width, height)",
        "app.py:8   0:3        ├─ total = 0                              | total = 0",
        "app.py:4   0:7        └─ area() = 6                             | return width * height",
        "app.py:10  0:5           ├─ width = 2  (argument)               | total += area(width, height)",
        "app.py:9   0:4           │  └─ width = 2                        | for width, height in walls:",
        "app.py:14  0:2           │     └─ walls = [(2, 3)]  (argument)  | needed = paint([(2, 3)])",
        "app.py:10  0:5           └─ height = 3  (argument)              | total += area(width, height)",
        "app.py:9   0:4              └─ height = 3                       | for width, height in walls:",
        "app.py:14  0:2                 └─ walls = [(2, 3)]  (argument)  | needed = paint([(2, 3)])",
    ]


def test_each_node_is_an_object_in_json(recorded: Path) -> None:
    done = why("out", "needed", "--format", "json", cwd=recorded)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["depth"] for row in rows][:3] == [0, 1, 2]
    assert rows[1] == {
        "depth": 1,
        "kind": "result",
        "text": "paint()",
        "value": 6,
        "place": "0:9",
        "path": str(recorded / "app.py"),
        "line": 11,
        "function": "paint",
        "source": "return total",
        "notes": [],
        "again": False,
        "cut": False,
    }


def test_without_an_expression_the_uncaught_exception_is_explained(recorded: Path) -> None:
    done = why("out", cwd=recorded)

    assert done.code == 0
    assert re.match(r"app\.py:21  0:\d+  KeyError\('missing'\) is raised", done.stdout)


def test_an_exception_that_was_handled_is_found_by_its_type(recorded: Path) -> None:
    done = why("out", "--raise", "ValueError", cwd=recorded)

    assert "ValueError('-1 is no width') is raised" in done.stdout
    assert "because width < 0 is true" in done.stdout


def test_one_word_is_an_expression_unless_there_is_a_file_of_that_name(recorded: Path) -> None:
    done = why("needed", cwd=recorded)

    assert done.stdout.startswith("app.py:14  0:2  needed = 6")
    assert "reading out, the newest recording here" in done.stderr


def test_a_line_that_did_not_run_is_explained_by_its_branch(recorded: Path) -> None:
    done = why("out", "--not", "app.py:4", cwd=recorded)

    assert done.code == 0
    assert "app.py:4 did not run" in done.stdout
    assert "ValueError('-1 is no width') is raised" in done.stdout


def test_what_is_not_recorded_is_said(recorded: Path) -> None:
    done = why("out", "text", cwd=recorded)

    assert "? input() is not recorded" in done.stdout


def test_no_text_of_the_program_reaches_the_terminal_as_it_is(recorded: Path) -> None:
    done = why("out", "text", cwd=recorded)

    assert "\x1b" not in done.stdout
    assert "31m" in done.stdout


def test_a_line_is_cut_to_the_width(recorded: Path) -> None:
    done = why("out", "needed", "--width", "40", cwd=recorded)

    assert max(map(len, done.stdout.splitlines())) == 40


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("out", "neded"), 1, "the recording has no value of neded; did you mean needed"),
        (("out", "needed", "--at", "0:99999"), 1, "process 0 has no step 99999"),
        (("out", "needed", "--at", "7:0"), 1, "has no process 7"),
        (("out", "total", "--at", "0:1"), 1, "total has no value at 0:1"),
        (("out", "needed", "--at", "x"), 2, "'x' is not a place"),
        (("out", "--not", "app.py"), 2, "must be FILE:LINE"),
        (("out", "needed", "--raise", "KeyError"), 2, "cannot be explained together"),
        (("out", "--raise", "OSError"), 1, "no OSError was raised in your code; there is"),
        (("out", "len([])"), 2, "cannot be explained"),
        (("nowhere", "needed"), 1, "there is no nowhere"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(
    recorded: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = why(*arguments, cwd=recorded)

    assert (done.code, done.stdout) == (code, "")
    assert said in done.stderr


KILLED = """\
import os
import signal


def stop(number):
    total = number * 2
    os.kill(os.getpid(), signal.SIGKILL)
    return total


stop(4)
"""


@pytest.mark.slow
def test_a_process_that_was_killed_is_explained_up_to_its_last_event(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": KILLED})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    value = why("out", "total", cwd=tmp_path)
    result = why("out", "stop()", cwd=tmp_path)
    line = why("out", "--not", "app.py:8", cwd=tmp_path)

    assert value.stdout.startswith("app.py:6   0:4  total = 8 ")
    assert "the recording is incomplete" in value.stderr
    assert result.stdout.startswith("app.py:7  0:5  stop()")
    assert "? its end is not recorded" in result.stdout
    assert "left by os.kill(os.getpid(), signal.SIGKILL)" in line.stdout


def test_without_depth_a_tree_is_as_deep_as_the_questions_make_it() -> None:
    # The command line knows the number without loading them.
    assert command.CAUSE_LEVELS == LEVELS
