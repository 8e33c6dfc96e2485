"""`check` compares stored outcomes, and says if a CPython does otherwise than was observed."""

import shutil
from typing import Any

import pytest

from codegen.core.rows import version_key
from codegen.events.completeness import check_outcomes, compare_live
from codegen.events.probes import Probe
from codegen.observe.observation import Observation
from tests.support.probing import (
    ALL,
    MINORS,
    OBSERVED,
    SPEC,
    THIS_FILE,
    THIS_RELEASE,
    row,
    store,
    with_probes,
)
from tests.support.project import THIS_MINOR, Project


@pytest.mark.slow
def test_a_probe_without_a_stored_outcome_is_named_with_file_key_and_remedy(
    project: Project,
) -> None:
    with_probes(project, row("new-one", "say(1)"))
    project.codegen("generate")

    done = project.codegen("check")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"codegen: spec/observed/{minor}.toml: key 'probe.new-one': this probe has no outcome;"
        f" run `make observe` with CPython {minor}"
        for minor in MINORS
    ]


@pytest.mark.slow
def test_an_outcome_of_a_probe_that_is_gone_is_named_with_file_key_and_remedy(
    project: Project,
) -> None:
    with_probes(project, row("kept", "say(1)"))
    for minor in MINORS:
        store(project, minor, kept="1", **({"gone": "2"} if minor == "3.14" else {}))
    project.codegen("generate")

    done = project.codegen("check")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "codegen: spec/observed/3.14.toml: key 'probe.gone': there is no such probe in"
        " spec/probes/; run `make observe` with CPython 3.14\n"
    )


def test_a_probe_whose_program_failed_is_named_with_file_key_and_remedy() -> None:
    probe = Probe(name="one", events=[], question="What?", program="say(1)")
    seen = OBSERVED["3.14"].model_copy(update={"probe": {"one": "failed: KeyError: 'x'"}})

    assert check_outcomes([probe], [seen]) == [
        "spec/observed/3.14.toml: key 'probe.one': its program failed: KeyError: 'x';"
        " correct it in spec/probes/, then run `make observe` with CPython 3.14"
    ]


@pytest.fixture
def observed_here(project: Project) -> Project:
    """Return a project with two probes, observed by this interpreter alone."""
    with_probes(
        project,
        row("right", "say('as it was')", events="LINE", question="Is it as it was?"),
        row("other", "say('now')", events="CALL", question="Is it now?"),
    )
    shutil.rmtree(project.root / "spec/observed")
    assert project.codegen("observe").returncode == 0
    assert project.codegen("generate").returncode == 0
    return project


@pytest.mark.slow
def test_check_runs_no_probe_on_a_cpython_that_was_observed_unless_told(
    observed_here: Project,
) -> None:
    store(observed_here, THIS_MINOR, right="as it was", other="before")
    observed_here.codegen("generate")

    done = observed_here.codegen("check")

    assert (done.returncode, done.stderr) == (0, "")
    assert "probes" not in done.stdout


@pytest.mark.slow
def test_check_with_probes_says_that_all_is_as_observed(observed_here: Project) -> None:
    done = observed_here.codegen("check", "--probes")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 probes: this CPython behaves as observed\n")


@pytest.mark.slow
def test_check_with_probes_names_what_the_same_release_does_differently(
    observed_here: Project,
) -> None:
    store(observed_here, THIS_MINOR, right="as it was", other="before")
    observed_here.codegen("generate")

    done = observed_here.codegen("check", "--probes")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"codegen: CPython {THIS_RELEASE} differs from {THIS_RELEASE} as observed ({THIS_FILE}):",
        "  CALL: other: Is it now? before -> now",
        "if this is right, run `make observe` with that CPython, and correct the spec's notes",
    ]


@pytest.mark.slow
def test_check_with_probes_tells_what_another_release_of_the_same_minor_does_and_passes(
    observed_here: Project,
) -> None:
    store(observed_here, THIS_MINOR, right="as it was", other="before")
    observed_here.edit(f'release = "{THIS_RELEASE}"', f'release = "{THIS_MINOR}.99"', THIS_FILE)
    observed_here.codegen("generate")

    done = observed_here.codegen("check", "--probes")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        f"CPython {THIS_RELEASE} differs from {THIS_MINOR}.99 as observed ({THIS_FILE}):\n"
        "  CALL: other: Is it now? before -> now\n"
    )


# It needs an older CPython that was observed.
@pytest.mark.slow
@pytest.mark.only_where(MINORS[0] != THIS_MINOR)
def test_check_on_a_cpython_newer_than_all_observed_says_what_it_does_differently(
    project: Project,
) -> None:
    # For this interpreter the project is as it was before anybody had seen its version.
    with_probes(
        project,
        row("right", "say('as it was')", events="LINE", question="Is it as it was?"),
        row("other", "say('now')", events="CALL", question="Is it now?"),
    )
    older = [minor for minor in MINORS if version_key(minor) < version_key(THIS_MINOR)]
    for minor in MINORS:
        if minor in older:
            store(project, minor, right="as it was", other="before")
        else:
            (project.root / f"spec/observed/{minor}.toml").unlink()
    project.codegen("generate")

    done = project.codegen("check")

    heading, *differences, remedy = done.stderr.splitlines()
    known = OBSERVED[older[-1]]
    assert (done.returncode, done.stdout) == (1, "")
    assert heading == (
        f"codegen: CPython {THIS_RELEASE} differs from {known.release} as observed ({known.file}):"
    )
    assert differences[-1] == "  CALL: other: Is it now? before -> now"
    assert not [line for line in differences if "right" in line]
    assert remedy.startswith("if this is right, run `make observe` with that CPython")


def test_a_newer_cpython_with_a_new_event_and_another_outcome_is_told_precisely() -> None:
    newest = OBSERVED[MINORS[-1]]
    data: dict[str, Any] = newest.model_dump() | {"version": "3.99", "release": "3.99.0"}
    data["event"]["TELEPORT"] = data["event"]["LINE"] | {"id": 1 << 20}
    data["event"]["LINE"]["disable_global"] = "ignored"
    data["probe"]["line-lambda"] = "crash: SIGSEGV"
    live = Observation.model_validate(data)

    found = compare_live(SPEC, ALL, live, list(OBSERVED.values()))

    assert found.text.splitlines() == [
        f"CPython 3.99.0 differs from {newest.release} as observed ({newest.file}):",
        "  LINE: disable_global silenced -> ignored",
        "+ TELEPORT: new, id 1048576, arguments code, int",
        "  LINE: line-lambda: Does a lambda fire LINE? nothing -> crash: SIGSEGV",
    ]
    assert not found.expected


def test_a_newer_cpython_that_does_as_the_newest_observed_passes(project: Project) -> None:
    newest = OBSERVED[MINORS[-1]]
    live = newest.model_copy(update={"version": "3.99", "release": "3.99.0"})

    assert compare_live(SPEC, ALL, live, list(OBSERVED.values())).text == ""
