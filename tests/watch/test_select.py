"""Names of events and globs of files select what is shown; the program's own files by default."""

import json
import os
import sys
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring import events_union, monitoring_events
from codetracer.watch.select import FileSelection, available_events, select_events

EVENTS = monitoring_events()
HAS_SIDES = sys.version_info >= (3, 14)


@pytest.mark.parametrize(
    "text", ["start,return", "py_start,py_return", " Start , RETURN ", "start,return,start"]
)
def test_events_are_named_as_by_cpython_with_or_without_py(text: str) -> None:
    assert select_events(text, EVENTS) == EVENTS.PY_START | EVENTS.PY_RETURN


def test_call_is_the_event_of_calls_and_start_that_of_functions() -> None:
    assert select_events("call", EVENTS) == EVENTS.CALL
    assert select_events("c_return", EVENTS) == EVENTS.C_RETURN


def test_all_is_every_event_that_can_be_had_together() -> None:
    every = events_union(*(event for _, event in EVENTS))

    chosen = select_events("all", EVENTS)

    assert chosen == (every & ~EVENTS.BRANCH if HAS_SIDES else every)


def test_branch_is_both_sides_where_there_are_sides_since_3_14() -> None:
    sides = EVENTS.BRANCH_LEFT | EVENTS.BRANCH_RIGHT

    assert select_events("branch", EVENTS) == (sides if HAS_SIDES else EVENTS.BRANCH)


def test_an_unknown_event_is_refused_with_the_close_one_and_all_there_are() -> None:
    with pytest.raises(ValueError, match=r"no event 'lin' \(did you mean 'line'\?\)") as refused:
        select_events("start,lin", EVENTS)

    listed = str(refused.value).split("events are: ")[1].split(", ")
    assert listed == [*available_events(EVENTS), "all"]


def test_an_event_is_refused_exactly_where_this_interpreter_lacks_it() -> None:
    if HAS_SIDES:
        assert select_events("branch_left", EVENTS) == EVENTS.BRANCH_LEFT
        return
    with pytest.raises(ValueError, match=r"CPython 3\.1[23] has no event 'branch_left'; events"):
        select_events("branch_left", EVENTS)


@pytest.mark.parametrize("text", ["", "start,,line"])
def test_an_empty_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="there is no event ''"):
        select_events(text, EVENTS)


OWN = ["/home/me/app.py", "/home/me/lib/python/site.py", "/srv/packages/x.py"]
FOREIGN = [
    json.__file__,
    os.path.realpath(json.__file__),
    "/home/me/.venv/lib/python3.13/site-packages/requests/api.py",
    "/usr/lib/python3/dist-packages/apt.py",
    codetracer.__file__,
    str(Path(codetracer.__file__).parent / "watch" / "tracer.py"),
    "<frozen importlib._bootstrap>",
    "<string>",
]


@pytest.mark.parametrize("path", OWN)
def test_by_default_the_programs_own_files_are_shown(path: str) -> None:
    assert FileSelection().selects(path, is_own=False)


@pytest.mark.parametrize("path", FOREIGN)
def test_by_default_libraries_are_shown_only_when_known_to_be_the_programs_own(path: str) -> None:
    assert not FileSelection().selects(path, is_own=False)
    assert FileSelection().selects(path, is_own=True)


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("app.py", "/home/me/app.py", True),
        ("app.py", "/home/me/my_app.py", False),
        ("/home/me/app.py", "/home/me/app.py", True),
        ("me/*.py", "/home/me/app.py", True),
        ("me/*.py", "/home/me/deeper/app.py", True),
        ("e/*.py", "/home/me/app.py", False),
        ("*", "/home/me/app.py", True),
        ("json/*.py", json.__file__, True),
        ("<string>", "<string>", True),
        ("./app.py", os.path.abspath("app.py"), True),
        ("./app.py", "/elsewhere/app.py", False),
    ],
)
def test_a_glob_is_matched_with_the_path_and_its_tails(glob: str, path: str, matches: bool) -> None:
    assert FileSelection([glob]).selects(path, is_own=False) is matches
    assert FileSelection(["*"], [glob]).selects(path, is_own=False) is not matches


def test_include_replaces_the_default_choice_and_exclude_takes_from_it() -> None:
    included = FileSelection(["json/*.py", "b.py"])
    excluded = FileSelection([], ["b.py"])

    assert not included.selects("/home/me/a.py", is_own=True)
    assert included.selects("/home/me/b.py", is_own=False)
    assert excluded.selects("/home/me/a.py", is_own=False)
    assert not excluded.selects("/home/me/b.py", is_own=True)
