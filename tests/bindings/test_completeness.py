"""The spec covers every event of every CPython that was observed, and of the one running this.

For any other spec, the check names the missing events and keys.
"""

import shutil
import tomllib
from pathlib import Path

import pytest

from codegen.core.load import load_spec
from codegen.events.completeness import check_completeness
from codegen.events.model import EventsSpec
from codegen.observe.interpreter import observe
from codegen.observe.observation import Observation, load_observations
from tests.support.probing import without_probes
from tests.support.project import LIVE_EVENTS, ROOT, SPEC, THIS_MINOR, Project

OBSERVED = {observation.version: observation for observation in load_observations(ROOT)}
NAMES = [event.name for event in load_spec(EventsSpec, ROOT).event]
NAMED_BY = {"CALL": ["C_RETURN", "C_RAISE"], "BRANCH_LEFT": ["BRANCH"], "BRANCH_RIGHT": ["BRANCH"]}
"""Other rows that name an event, and have to be removed with it."""

NEWEST = OBSERVED["3.15"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return without_probes(Project(tmp_path))


def gaps_of(project: Project, *observations: Observation) -> list[str]:
    """Return what is missing in the project's spec: for these observations, or this interpreter."""
    spec = load_spec(EventsSpec, project.root)
    return check_completeness(spec, observations or [observe(spec.programs)])


# ---------------------------------------------------------------- this spec is complete


@pytest.mark.parametrize("version", OBSERVED)
def test_the_spec_has_every_event_of_an_observed_cpython(version: str) -> None:
    spec = load_spec(EventsSpec, ROOT)

    assert check_completeness(spec, [OBSERVED[version]]) == []
    assert {event.name for event in spec.event if event.exists_in(version)} == set(
        OBSERVED[version].event
    )


def test_every_cpython_that_is_tested_was_observed() -> None:
    assert OBSERVED.keys() >= {"3.12", "3.13", "3.14", "3.15"}


def test_the_spec_has_every_event_of_the_interpreter_that_runs_this() -> None:
    spec = load_spec(EventsSpec, ROOT)

    live = observe(spec.programs)

    assert set(live.event) == set(LIVE_EVENTS)
    assert check_completeness(spec, [live]) == []


# ---------------------------------------------------------------- a row is missing


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_gone_is_missed_on_the_running_interpreter_by_name(
    project: Project, name: str
) -> None:
    removed = [name, *NAMED_BY.get(name, [])]
    project.remove_rows(*removed)

    gaps = gaps_of(project)

    missed = [removed_name for removed_name in removed if removed_name in LIVE_EVENTS]
    assert len(gaps) == len(missed)
    for missing in missed:
        assert [gap for gap in gaps if f"has the event {missing}, which {SPEC} lacks" in gap]


def test_a_row_that_is_gone_is_missed_in_every_observed_cpython_and_drafted_once(
    project: Project,
) -> None:
    project.remove_rows("STOP_ITERATION")

    gaps = gaps_of(project, *OBSERVED.values())

    first, *others = OBSERVED.values()
    assert gaps[0].startswith(f"CPython {first.release} has the event STOP_ITERATION, which {SPEC}")
    assert gaps[1:] == [
        f"CPython {other.release} has the event STOP_ITERATION too" for other in others
    ]


@pytest.mark.slow
@pytest.mark.parametrize("observed", [True, False], ids=["observed", "nothing observed"])
def test_check_fails_when_a_row_is_gone_though_the_generated_files_agree_with_the_spec(
    project: Project, observed: bool
) -> None:
    if not observed:
        shutil.rmtree(project.root / "spec/observed")
    project.remove_rows("PY_RESUME")
    assert project.codegen("generate").returncode == 0

    done = project.codegen("check")

    assert (done.returncode, done.stdout) == (1, "")
    assert "make generate" not in done.stderr, "nothing is stale"
    assert done.stderr.startswith("codegen: CPython 3.")
    assert f"has the event PY_RESUME, which {SPEC} lacks; a draft:\n" in done.stderr
    assert done.stderr.count("[[event]]") == 1


# ---------------------------------------------------------------- the draft of a row


OWN_PROGRAM_ONLY = {"PY_THROW", "STOP_ITERATION"}
"""Events that no other event's program fires, on one CPython at least."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LIVE_EVENTS.keys() - NAMED_BY.keys() - OWN_PROGRAM_ONLY))
def test_a_draft_is_a_row_that_is_right_once_summary_and_program_are_filled_in(
    project: Project, name: str
) -> None:
    program = load_spec(EventsSpec, ROOT).by_name()[name].program
    project.remove_rows(name)
    (gap,) = gaps_of(project)

    project.append_row(gap.partition("a draft:\n")[2])
    project.set_key(name, "summary", '"Something happens."')
    project.set_key(name, "program", f'"""{program}"""')

    assert load_spec(EventsSpec, project.root).by_name()[name].since == THIS_MINOR
    assert gaps_of(project) == []


@pytest.mark.slow
def test_the_draft_of_an_event_that_no_program_fires_says_so_and_check_goes_on_from_there(
    project: Project,
) -> None:
    program = load_spec(EventsSpec, ROOT).by_name()["STOP_ITERATION"].program
    project.remove_rows("STOP_ITERATION")
    (gap,) = gaps_of(project)
    assert 'program = """…"""  # no program of the spec fired it' in gap
    assert 'arguments = ["code"]  # seen: nothing' in gap

    project.append_row(gap.partition("a draft:\n")[2])
    project.set_key("STOP_ITERATION", "summary", '"Something happens."')
    project.set_key("STOP_ITERATION", "program", f'"""{program}"""')
    arguments_gap, disable_gap = gaps_of(project)

    assert "event STOP_ITERATION: callbacks receive (code, int, StopIteration), " in arguments_gap
    assert "event STOP_ITERATION: returning DISABLE: silenced, " in disable_gap


# ---------------------------------------------------------------- a row is wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("LINE", '["code"]', "receive (code, int), the spec says (code: CodeType)"),
        ("LINE", '["code", "offset", "offset2"]', "receive (code, int), the spec says (code: "),
        ("PY_START", '["code", "exception"]', "receive (code, int), the spec says (code: "),
        ("PY_RETURN", '["code", "offset", "exception"]', "receive (code, int, "),
        ("RAISE", '["code", "offset", "destination"]', "receive (code, int, ZeroDivisionError)"),
        ("CALL", '["code", "offset", "callable"]', "receive (code, int, "),
    ],
)
def test_wrong_arguments_are_named(
    project: Project, name: str, arguments: str, problem: str
) -> None:
    project.edit(
        "[argument.line]",
        '[argument.offset2]\ntype = "int"\nunit = "-"\nsummary = "-"\n\n[argument.line]',
    )
    project.set_key(name, "arguments", arguments)
    project.set_key(name, "shown", '"{function}"')

    (gap,) = gaps_of(project)

    assert f": event {name}: callbacks {problem}" in gap
    assert gap.endswith("(key 'arguments')")


@pytest.mark.slow
def test_a_program_that_does_not_fire_its_event_is_named(project: Project) -> None:
    project.set_key("RAISE", "program", '"x = 1"')

    (gap,) = gaps_of(project)

    assert gap.endswith(": event RAISE: its program does not fire it (key 'program')")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keys", "problem"),
    [
        pytest.param(
            "LINE",
            {"scope": '"ancillary"', "ancillary_of": '"CALL"'},
            "it can be set by itself, the spec says scope = 'ancillary' (key 'scope')",
            id="ancillary though it can be set",
        ),
        pytest.param(
            "C_RETURN",
            {"scope": '"local"', "ancillary_of": None},
            "it cannot be set by itself, the spec says scope = 'local' (key 'scope')",
            id="local though ancillary",
        ),
        pytest.param(
            "LINE",
            {"scope": '"other"'},
            "it can be set locally, the spec says other (key 'local_since')",
            id="other though local",
        ),
        pytest.param(
            "C_RAISE",
            {"disable": '"location"', "disable_since": '"3.12"'},
            "returning DISABLE: error, the spec says disable = 'location' since 3.12"
            " (key 'disable_since')",
            id="DISABLE though never",
        ),
        pytest.param(
            "LINE",
            {"disable": '"never"', "disable_since": None},
            "returning DISABLE: silenced, the spec says disable = 'never' since None"
            " (key 'disable_since')",
            id="never though DISABLE",
        ),
        pytest.param(
            "LINE",
            {"disable": '"code"'},
            "returning DISABLE: silenced, the spec says disable = 'code' (key 'disable')",
            id="code though location",
        ),
    ],
)
def test_a_wrong_scope_or_disable_is_named_on_every_cpython(
    project: Project, name: str, keys: dict[str, str | None], problem: str
) -> None:
    for key, value in keys.items():
        project.set_key(name, key, value)

    observed_gaps = gaps_of(project, *OBSERVED.values())
    (live_gap,) = gaps_of(project)

    assert observed_gaps == [
        f"CPython {observation.release}: event {name}: {problem}"
        for observation in OBSERVED.values()
    ]
    assert live_gap.endswith(f": event {name}: {problem}")


@pytest.mark.parametrize(
    ("name", "key", "value", "version", "problem"),
    [
        ("RAISE", "local_since", '"3.14"', "3.14", "it cannot be set locally, the spec says "),
        ("RAISE", "local_since", '"3.16"', "3.15", "it can be set locally, the spec says other;"),
        ("RAISE", "local_since", None, "3.15", "it can be set locally, the spec says other "),
        ("RAISE", "disable_since", '"3.14"', "3.14", "returning DISABLE: error, the spec says"),
        ("RAISE", "disable_since", '"3.16"', "3.15", "returning DISABLE: ignored, the spec says"),
        ("RAISE", "disable", '"location"', "3.15", "returning DISABLE: ignored, the spec says"),
        ("LINE", "disable_since", '"3.13"', "3.12", "returning DISABLE: silenced, the spec says"),
    ],
)  # fmt: skip
def test_a_wrong_version_of_a_behaviour_is_named_on_that_cpython_only(
    project: Project, name: str, key: str, value: str | None, version: str, problem: str
) -> None:
    project.set_key(name, key, value)

    (gap,) = gaps_of(project, *OBSERVED.values())

    assert gap.startswith(f"CPython {OBSERVED[version].release}: event {name}: {problem}")
    assert gap.endswith(f"(key '{key}')")


def test_an_event_may_come_to_allow_disable_in_a_later_version(project: Project) -> None:
    # Nothing is said of versions before disable_since but that DISABLE is an error there.
    later = NEWEST.model_dump()
    later["event"]["RAISE"]["disable_global"] = "silenced"
    project.set_key("RAISE", "disable", '"location"')

    gaps = gaps_of(project, OBSERVED["3.14"], Observation.model_validate(later))

    assert gaps == []


@pytest.mark.parametrize(
    ("name", "since", "version", "problem"),
    [
        ("LINE", "3.13", "3.12", "has the event LINE, but its row says since = 3.13"),
        ("BRANCH_LEFT", "3.15", "3.14", "has the event BRANCH_LEFT, but its row says since = 3.15"),
        (
            "BRANCH_LEFT",
            "3.13",
            "3.13",
            "lacks the event BRANCH_LEFT, but its row says since = 3.13",
        ),
    ],
)
def test_since_too_late_or_too_early_is_named_on_that_cpython_only(
    project: Project, name: str, since: str, version: str, problem: str
) -> None:
    project.set_key(name, "since", f'"{since}"')

    gaps = gaps_of(project, *OBSERVED.values())

    assert gaps == [f"CPython {OBSERVED[version].release} {problem}"]


def test_an_event_that_this_interpreter_lacks_is_named(project: Project) -> None:
    project.set_key("LINE", "since", '"3.99"')

    (gap,) = gaps_of(project)

    assert gap.endswith("has the event LINE, but its row says since = 3.99")


def test_an_event_that_no_interpreter_has_is_named(project: Project) -> None:
    row = project.row("LINE").replace("LINE", "LION").replace("on_line", "on_lion")
    project.append_row(row)

    (gap,) = gaps_of(project)

    assert gap.endswith("lacks the event LION, but its row says since = 3.12")


def test_a_draft_is_toml_with_every_key_that_a_row_needs(project: Project) -> None:
    project.remove_rows("RAISE")

    (gap,) = gaps_of(project, NEWEST)

    (row,) = tomllib.loads(gap.partition("a draft:\n")[2])["event"]
    assert row == {
        "name": "RAISE",
        "handler": "on_raise",
        "since": "3.15",
        "arguments": ["code", "offset", "exception"],
        "scope": "local",
        "disable": "code",
        "disable_since": "3.15",
        "shown": "{function}",
        "summary": "…",
        "notes": [],
        "program": "…",
    }
