"""`codetracer events`: what there is to know of an event, in the terminal, of what is installed."""

import subprocess
from pathlib import Path

import pytest

from codegen.core.load import load_spec
from codegen.events.model import Event, EventsSpec
from codegen.events.probes import load_probes
from tests.support.project import ROOT
from tests.support.reading import read
from tests.support.running import Outcome

SPEC = load_spec(EventsSpec, ROOT)


def events(*arguments: str) -> Outcome:
    return read("events", *arguments, cwd=ROOT)


def test_without_a_name_every_event_is_listed_with_its_version_and_summary() -> None:
    done = events()

    *lines, empty, last = done.stdout.splitlines()
    assert (done.code, done.stderr, empty) == (0, "", "")
    assert [line.split(maxsplit=2) for line in lines] == [
        [event.name, event.since, event.summary] for event in SPEC.event
    ]
    assert "codetracer events NAME" in last


@pytest.mark.parametrize("event", SPEC.event, ids=lambda event: event.name)
def test_of_one_event_all_that_the_spec_and_the_probes_say_is_told(event: Event) -> None:
    name, row = event.name, event
    done = events(name)

    assert (done.code, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    assert done.stdout.startswith(f"{name}: {row.summary}\n")
    assert f"def {row.handler}(self, {SPEC.parameters(row)}, /)" in done.stdout
    assert f"since CPython {row.since}" in done.stdout
    assert f"returning DISABLE: {row.disable_text}" in words
    for note in row.notes:
        assert f"- {note}" in words
    for line in row.program.strip().splitlines():
        assert f"    {line}\n" in done.stdout
    for argument in row.arguments:
        assert SPEC.argument[argument].summary in words
    for probe in load_probes(ROOT, SPEC):
        assert (f" {probe.question}" in words) == (name in probe.events)
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("name", ["BRANCH_LEFT", "branch_left", "on_branch_left", "On_Branch_Left"])
def test_an_event_is_found_by_its_name_and_its_handlers_in_any_case(name: str) -> None:
    assert events(name).stdout.startswith("BRANCH_LEFT: ")


@pytest.mark.parametrize("name", ["start", "PY_START", "py_start", "on_py_start", "on_start"])
def test_py_may_be_left_out(name: str) -> None:
    assert events(name).stdout.startswith("PY_START: ")


@pytest.mark.parametrize(("wrong", "right"), [("brunch", "BRANCH"), ("py_strat", "PY_START")])
def test_an_unknown_event_is_refused_with_the_close_one_and_all_there_are(
    wrong: str, right: str
) -> None:
    done = events(wrong)

    assert (done.code, done.stdout) == (2, "")
    assert f"there is no event '{wrong}' (did you mean {right}?); events are: " in done.stderr
    for event in SPEC.event:
        assert event.name in done.stderr


@pytest.mark.slow
def test_the_reference_is_in_the_wheel(installed: Path) -> None:
    done = subprocess.run(
        [installed / "codetracer", "events", "line"], capture_output=True, text=True, check=True
    )

    assert done.stdout == events("LINE").stdout
