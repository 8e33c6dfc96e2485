"""observe writes down what an interpreter does; diff says how one differs from another."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from codegen.core.load import load_spec
from codegen.events.model import EventsSpec
from codegen.observe.interpreter import observe
from codegen.observe.observation import Observation
from tests.support.probing import without_probes
from tests.support.project import LIVE_EVENTS, ROOT, THIS_MINOR, Project, one_message, run_python

THIS_FILE = f"spec/observed/{THIS_MINOR}.toml"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = without_probes(Project(tmp_path))
    shutil.rmtree(project.root / "spec/observed")
    return project


@pytest.fixture(scope="module")
def live() -> Observation:
    return observe(load_spec(EventsSpec, ROOT).programs)


def old_python() -> str:
    """Return an interpreter that is too old; where there is none, something that is no Python."""
    for name in ("python3.11", "python3.10", "python3.9", "python3.8", "python3"):
        path = shutil.which(name)
        asked = [path or "", "-c", "import sys; sys.exit(sys.version_info >= (3, 12))"]
        if path and subprocess.run(asked, check=False, capture_output=True).returncode == 0:
            return path
    return shutil.which("false") or "/bin/false"


def test_every_event_of_this_interpreter_is_seen_to_fire_with_its_arguments(
    live: Observation,
) -> None:
    spec = load_spec(EventsSpec, ROOT)

    arguments = {event.name: event.arguments for event in spec.event}
    assert {name: event.id for name, event in live.event.items()} == LIVE_EVENTS
    for name, event in live.event.items():
        assert event.fired, name
        assert event.arity == len(event.types) == len(arguments[name]), name
        assert event.types[0] == "code", name


def test_an_interpreter_is_known_by_its_release(live: Observation) -> None:
    release = ".".join(map(str, sys.version_info[:3]))

    assert (live.version, live.release) == (THIS_MINOR, release)


@pytest.mark.slow
def test_observe_writes_one_file_that_reads_back_as_what_was_seen(
    project: Project, live: Observation
) -> None:
    before = project.tree()

    done = project.codegen("observe")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"wrote {THIS_FILE}: CPython {live.release}, 0 probes\n"
    text = project.read(THIS_FILE)
    assert Observation.model_validate(tomllib.loads(text)) == live
    assert text.startswith(f"# The observed behaviour of CPython {THIS_MINOR}.")
    assert project.tree() == before | {THIS_FILE: text.encode()}


@pytest.mark.slow
def test_observing_again_gives_the_same_bytes(project: Project) -> None:
    project.codegen("observe")
    first = project.tree()

    project.codegen("observe")

    assert project.tree() == first


@pytest.mark.slow
def test_observe_takes_the_paths_of_interpreters(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    shim = folder / "python"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    shim.chmod(0o755)

    done = project.codegen("observe", str(shim))

    assert (done.returncode, done.stderr) == (0, "")
    assert THIS_FILE in project.tree()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "problem"),
    [
        ("/nowhere/python3", "No such file or directory: '/nowhere/python3'"),
        (str(ROOT), "Permission denied"),
        (old_python(), "CPython 3.12 or newer is needed"),
        (shutil.which("true") or "/bin/true", "CPython 3.12 or newer is needed"),
    ],
    ids=["missing", "folder", "too old", "no Python at all"],
)
def test_an_interpreter_that_cannot_be_observed_is_one_message(
    project: Project, python: str, problem: str
) -> None:
    before = project.tree()

    message = one_message(project.codegen("observe", python))

    assert message.startswith(f"codegen: {python}: ")
    assert problem in message
    assert project.tree() == before


def test_why_an_interpreter_failed_is_said_in_its_last_words(
    project: Project, tmp_path: Path
) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho first >&2\necho 'pyenv: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)

    message = one_message(project.codegen("observe", str(shim)))

    assert f"{shim}: the probe ended with status 127: pyenv: command not found;" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    "added", ["print('x = 1')", "raise KeyError('x')", "1 / 0", "raise SystemExit(3)"]
)
def test_what_a_program_prints_or_raises_does_not_spoil_the_observation(
    project: Project, live: Observation, added: str
) -> None:
    project.set_key("LINE", "program", f'"""\nx = 1\n{added}\n"""')

    seen = observe(load_spec(EventsSpec, project.root).programs)

    assert seen == live


@pytest.mark.slow
def test_an_event_that_the_spec_does_not_name_is_tried_with_every_program(
    project: Project,
) -> None:
    project.remove_rows("PY_RETURN")

    seen = observe(load_spec(EventsSpec, project.root).programs).event["PY_RETURN"]

    assert (seen.fired, seen.arity, seen.types[:2]) == (True, 3, ["code", "int"])
    assert (seen.settable, seen.local, seen.disable_global) == (True, True, "silenced")


# ---------------------------------------------------------------- diff


def test_diff_of_3_13_and_3_14_names_the_new_events_and_the_changed_ids() -> None:
    done = run_python("-m", "codegen", "diff", "3.13", "3.14")

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].startswith("# sys.monitoring, CPython 3.13.")
    assert "+ BRANCH_LEFT: new, id 256, arguments code, int, int" in lines
    assert "+ BRANCH_RIGHT: new, id 512, arguments code, int, int" in lines
    assert "  BRANCH: id 256 -> 262144" in lines
    assert not [line for line in lines if "PY_START: " in line]
    assert "[[event]]" not in lines, "both are in the spec: nothing to draft"


def test_diff_back_from_3_14_to_3_13_says_what_is_gone() -> None:
    done = run_python("-m", "codegen", "diff", "3.14", "3.13")

    assert "- BRANCH_LEFT: gone\n- BRANCH_RIGHT: gone\n" in done.stdout


def test_diff_of_3_14_and_3_15_tells_what_may_be_set_locally_now() -> None:
    done = run_python("-m", "codegen", "diff", "3.14", "3.15")

    for name in ("RAISE", "RERAISE", "EXCEPTION_HANDLED", "PY_UNWIND", "PY_THROW"):
        assert f"  {name}: local False -> True\n" in done.stdout
        assert f"  {name}: disable_global error -> ignored\n" in done.stdout


HAND_MADE = """
version = "{version}"
release = "{version}.7"
{events}
"""
LINE = """
[event.LINE]
id = {id}
fired = true
arity = {arity}
types = {types}
settable = true
local = true
disable_global = "silenced"
disable_local = "silenced"
"""
TELEPORTED = LINE.replace("LINE", "TELEPORT")


def test_diff_drafts_the_row_of_an_event_that_the_spec_does_not_know(project: Project) -> None:
    line = LINE.format(id=32, arity=2, types='["code", "int"]')
    teleport = TELEPORTED.format(id=64, arity=3, types='["code", "int", "KeyError"]')
    project.write(HAND_MADE.format(version="3.15", events=line), "spec/observed/3.15.toml")
    project.write(
        HAND_MADE.format(version="3.16", events=line + teleport), "spec/observed/3.16.toml"
    )

    done = project.codegen("diff", "3.15", "3.16")

    changes, draft = done.stdout.split("\n\n")
    assert changes == (
        "# sys.monitoring, CPython 3.15.7 -> 3.16.7\n"
        "+ TELEPORT: new, id 64, arguments code, int, KeyError"
    )
    (row,) = tomllib.loads(draft)["event"]
    assert row == {
        "name": "TELEPORT",
        "handler": "on_teleport",
        "since": "3.16",
        "arguments": ["code", "offset", "exception"],
        "scope": "local",
        "disable": "location",
        "disable_since": "3.16",
        "shown": "{function}",
        "summary": "…",
        "notes": [],
        "program": "…",
    }


def test_diff_tells_every_changed_property_of_an_event(project: Project) -> None:
    old = LINE.format(id=32, arity=2, types='["code", "int"]')
    new = LINE.format(id=33, arity=3, types='["code", "int", "str"]').replace(
        "local = true", "local = false"
    )
    project.write(HAND_MADE.format(version="3.15", events=old), "spec/observed/3.15.toml")
    project.write(HAND_MADE.format(version="3.16", events=new), "spec/observed/3.16.toml")

    done = project.codegen("diff", "3.15", "3.16")

    assert done.stdout.splitlines()[1:] == [
        "  LINE: id 32 -> 33",
        "  LINE: arity 2 -> 3",
        "  LINE: types code, int -> code, int, str",
        "  LINE: local True -> False",
    ]


def test_diff_of_a_version_with_itself_says_that_nothing_changed() -> None:
    done = run_python("-m", "codegen", "diff", "3.15", "3.15")

    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["nothing changed"])


def test_diff_with_a_version_never_observed_says_which_are() -> None:
    message = one_message(run_python("-m", "codegen", "diff", "3.12", "3.99"))

    assert message.startswith(
        "codegen: spec/observed/3.99.toml: not observed; run `make observe` with CPython 3.99"
        " (observed: 3.12, 3.13, 3.14, 3.15"
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["generat"], ["diff", "3.12"]])
def test_wrong_usage_ends_with_status_2_and_writes_nothing(
    project: Project, arguments: list[str]
) -> None:
    before = project.tree()

    done = project.codegen(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m codegen ")
    assert project.tree() == before
