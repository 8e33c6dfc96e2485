"""Probes: small programs in the observed interpreter, whose outcomes are stored and compared."""

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from codegen.core.load import load_spec
from codegen.events.changes import behaviour_changes
from codegen.events.model import EventsSpec
from codegen.events.probes import Probe, load_probes, programs_of
from codegen.inside import probe_vocabulary
from codegen.observe.interpreter import observe, run_probe, run_probes
from codegen.observe.observation import FAILED, NOT_APPLICABLE
from tests.support.probing import (
    ALL,
    MINORS,
    OBSERVED,
    PROBES,
    SPEC,
    THIS_FILE,
    THIS_RELEASE,
    row,
    store,
    with_probes,
)
from tests.support.project import ROOT, THIS_MINOR, Project, run_python


def outcome_of(program: str, time_limit_s: float = 30.0) -> str:
    """Return the outcome of a probe with this program, in this interpreter."""
    return run_probe(program, sys.executable, time_limit_s)


# ---------------------------------------------------------------- one probe


def test_an_outcome_is_the_line_that_the_program_says() -> None:
    assert outcome_of("say('a word')") == "a word"
    assert outcome_of("say(['one', 2])") == "one, 2"
    assert outcome_of("say([])") == "nothing"


def test_a_crash_of_the_interpreter_is_an_outcome() -> None:
    pytest.importorskip("ctypes")

    assert outcome_of("import ctypes; ctypes.string_at(0)") == "crash: SIGSEGV"
    assert outcome_of("import os; os.abort()") == "crash: SIGABRT"


@pytest.mark.slow
def test_a_program_without_end_is_an_outcome() -> None:
    assert outcome_of("while True: pass", time_limit_s=0.5) == "timeout"


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("raise KeyError('x')", "failed: KeyError: 'x'"),
        ("raise SystemExit(3)", "failed: no message"),
        ("pass", "failed: it printed 0 lines"),
        ("say(1); say(2)", "failed: it printed 2 lines"),
    ],
)
def test_a_program_that_raises_or_does_not_say_one_line_has_failed(
    program: str, outcome: str
) -> None:
    assert outcome_of(program) == outcome


def test_what_a_cpython_lacks_is_not_applicable_there() -> None:
    assert outcome_of("id_of('TELEPORT'); say('never')") == NOT_APPLICABLE
    assert outcome_of("recorded('LINE TELEPORT', print); say('never')") == NOT_APPLICABLE
    assert outcome_of("not_applicable(); say('never')") == NOT_APPLICABLE


@pytest.mark.slow
def test_a_program_runs_alone_and_isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    assert outcome_of("say([sys.flags.isolated, sys.flags.optimize, sys.flags.no_site])") == (
        "1, 0, 1"
    )
    assert outcome_of("say([M.get_tool(tool) for tool in range(6)])") == ", ".join(["None"] * 6)
    assert outcome_of("import importlib.util as u; say(u.find_spec('codegen'))") == "None"


@pytest.mark.slow
def test_what_was_too_slow_among_others_has_a_second_try_alone(tmp_path: Path) -> None:
    # The first run leaves a file and takes too long; the second one finds it.
    program = (
        f"import os, time\nif os.path.exists({str(tmp_path / 'ran')!r}): say('done')\n"
        f"else:\n    open({str(tmp_path / 'ran')!r}, 'w').close()\n    time.sleep(60)\n"
    )

    assert run_probes({"slow": program}, sys.executable, time_limit_s=2) == {"slow": "done"}


def test_recorded_tells_events_of_the_programs_functions_and_nothing_else() -> None:
    program = "def f():\n    len('')\nsay(recorded('LINE CALL C_RETURN PY_RETURN', f))"

    assert outcome_of(program) == "LINE f+1, CALL f, C_RETURN f, PY_RETURN f"


def test_recorded_leaves_nothing_set_and_nothing_registered() -> None:
    program = (
        "def f(): pass\nrecorded('PY_START', f)\n"
        "say([names_of(M.get_events(TOOL)), M.register_callback(TOOL, E.PY_START, None)])"
    )

    assert outcome_of(program) == "none, None"


# ---------------------------------------------------------------- rows


def test_a_row_for_each_event_is_a_probe_of_each_with_its_name_and_program(
    project: Project,
) -> None:
    each = row(
        "each-of",
        "say([EVENT, PROGRAM.split()[0]])",
        events="LINE PY_START",
        question="What is {event}?",
        keys="each = true\n",
    )
    with_probes(project, each)
    probes = load_probes(project.root, load_spec(EventsSpec, project.root))

    outcomes = run_probes(programs_of(probes), sys.executable)

    assert [(probe.name, probe.events, probe.question) for probe in probes] == [
        ("each-of-line", ["LINE"], "What is LINE?"),
        ("each-of-py-start", ["PY_START"], "What is PY_START?"),
    ]
    assert outcomes["each-of-line"] == "LINE, x"
    assert outcomes["each-of-py-start"] == "PY_START, def"


def test_probes_come_in_the_order_of_files_and_rows(project: Project) -> None:
    with_probes(project, row("b", "say(1)"), row("a", "say(1)"))
    project.write(row("c", "say(1)"), "spec/probes/another.toml")

    probes = load_probes(project.root, load_spec(EventsSpec, project.root))

    assert [probe.name for probe in probes] == ["c", "b", "a"]


# ---------------------------------------------------------------- what is stored


@pytest.mark.parametrize("minor", MINORS)
def test_every_probe_has_an_outcome_in_each_observed_cpython_and_none_failed(minor: str) -> None:
    stored = OBSERVED[minor].probe

    assert list(stored) == [probe.name for probe in ALL]
    assert not [name for name, outcome in stored.items() if outcome.startswith(FAILED)]
    assert not [name for name, outcome in stored.items() if outcome in ("", "timeout")]


def test_every_event_of_the_spec_is_probed() -> None:
    assert {event for probe in ALL for event in probe.events} == {e.name for e in SPEC.event}


def test_every_probe_applies_to_one_observed_cpython_at_least() -> None:
    for probe in ALL:
        assert {o.probe[probe.name] for o in OBSERVED.values()} != {NOT_APPLICABLE}, probe.name


def test_no_outcome_holds_an_address() -> None:
    for observation in OBSERVED.values():
        assert not re.search(r"0x[0-9a-f]", " ".join(observation.probe.values()))


@pytest.mark.slow
def test_observe_writes_the_outcome_of_every_probe(project: Project) -> None:
    with_probes(project, row("one", "say('first')"), row("two", "import os; os.abort()"))

    done = project.codegen("observe")

    assert done.stdout == f"wrote {THIS_FILE}: CPython {THIS_RELEASE}, 2 probes\n"
    assert project.read(THIS_FILE).endswith('\n[probe]\none = "first"\ntwo = "crash: SIGABRT"\n')


@pytest.mark.slow
def test_probes_of_this_interpreter_do_as_is_stored() -> None:
    # Those of one file; `check --probes` runs all of them.
    names = [probe.name for probe in ALL if probe.subject == "CALL"]
    chosen = [probe for probe in ALL if probe.name in names]

    live = observe(SPEC.programs, probes=programs_of(chosen))

    stored = OBSERVED.get(THIS_MINOR)
    assert list(live.probe) == names
    if stored is not None and stored.release == live.release:
        assert live.probe == {name: stored.probe[name] for name in names}


# ---------------------------------------------------------------- diff and the reference page


def test_diff_tells_the_changed_behaviour_by_event_in_the_order_of_the_spec(
    project: Project,
) -> None:
    with_probes(
        project,
        row("of-line", "say(1)", events="LINE CALL", question="What of LINE?"),
        row("of-call", "say(1)", events="CALL", question="What of CALL?"),
        row("of-none", "say(1)", question="What of it all?"),
        row("as-before", "say(1)", events="CALL"),
        row("not-run", "say(1)", events="CALL"),
    )
    store(project, "3.14", of_line="a", of_call="b", of_none="c", as_before="d")
    store(project, "3.15", of_line="A", of_call="B", of_none="C", as_before="d", not_run="e")

    done = project.codegen("diff", "3.14", "3.15")

    behaviour = done.stdout.partition("\nCALL\n")[2]
    assert (done.returncode, done.stderr) == (0, "")
    assert behaviour.splitlines() == [
        "  behaviour: What of CALL? b -> B",
        "LINE",
        "  behaviour: What of LINE? a -> A",
        "sys.monitoring",
        "  behaviour: What of it all? c -> C",
    ]


def test_diff_does_not_repeat_for_each_probe_that_an_event_is_new(project: Project) -> None:
    with_probes(
        project,
        row("left", "say(1)", events="BRANCH_LEFT", question="What of BRANCH_LEFT?"),
        row("both", "say(1)", events="BRANCH_LEFT", question="What of both?"),
    )
    store(project, "3.13", left=NOT_APPLICABLE, both="no")
    store(project, "3.14", left="silenced", both="yes")

    done = project.codegen("diff", "3.13", "3.14")

    assert "+ BRANCH_LEFT: new," in done.stdout
    assert "What of BRANCH_LEFT?" not in done.stdout
    assert "  behaviour: What of both? no -> yes\n" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("3.12", "3.13", "  behaviour: Does a lambda fire LINE? LINE <lambda>+0 -> nothing"),
        ("3.13", "3.14", "  behaviour: Do the callbacks of a freed tool id keep firing? yes -> no"),
        ("3.14", "3.15", "  behaviour: What is the effect of set_local_events with RAISE?"
                         " ValueError: invalid local event set -> ok"),
    ],
)  # fmt: skip
def test_diff_of_observed_cpythons_tells_what_a_tool_author_trips_on(
    old: str, new: str, line: str
) -> None:
    done = run_python("-m", "codegen", "diff", old, new)

    assert (done.returncode, done.stderr) == (0, "")
    assert line in done.stdout.splitlines()


def test_the_reference_lists_every_change_and_each_is_of_a_probe() -> None:
    page = (ROOT / "generated/events.md").read_text(encoding="utf-8").replace("\\", "")
    steps = page.partition("\n## What changed\n")[2].split("\n### ")[1:]

    assert len(steps) == len(MINORS) - 1
    for step, (old, new) in zip(steps, pairwise(MINORS), strict=True):
        before, after = OBSERVED[old], OBSERVED[new]
        changes = behaviour_changes(SPEC, ALL, before, after)
        assert step.startswith(f"CPython {before.release} to {after.release}\n")
        assert [line[4:] for line in step.splitlines() if line.startswith("  - ")] == [
            f"{change.probe.question} `{change.before}` → `{change.after}`"
            for found in changes.values()
            for change in found
        ]


def test_the_reference_has_a_table_of_what_depends_on_the_version_for_each_event() -> None:
    page = (ROOT / "generated/events.md").read_text(encoding="utf-8").replace("\\", "")
    sections = dict(section.split("\n", 1) for section in page.split("\n## ")[1:])

    for probe in ALL:
        outcomes = [observation.probe[probe.name] for observation in OBSERVED.values()]
        for subject in probe.events or ["sys.monitoring"]:
            (line,) = (
                line
                for line in sections[subject].splitlines()
                if line.startswith(f"| {probe.question} ")
            )
            applicable = {outcome for outcome in outcomes if outcome != NOT_APPLICABLE}
            if len(applicable) > 1:
                assert line.endswith(f"| {' | '.join(f'`{outcome}`' for outcome in outcomes)} |")
            else:
                assert f"| `{applicable.pop()}`" in line


# ---------------------------------------------------------------- the documentation


def test_the_readme_of_the_spec_explains_every_key_of_a_probe_and_every_word_it_may_use() -> None:
    page = (ROOT / "spec/README.md").read_text(encoding="utf-8")

    for word in [*Probe.model_fields, *probe_vocabulary.VOCABULARY]:
        assert f"`{word}" in page, word


def test_the_figures_of_the_documentation_are_those_of_the_probes() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")

    for observation in OBSERVED.values():
        outcomes = list(observation.probe.values())
        lacking = outcomes.count(NOT_APPLICABLE)
        assert f"| {observation.release} | {len(outcomes) - lacking} | {lacking} |" in page


def test_a_file_of_probes_is_named_in_messages_as_it_is(project: Project) -> None:
    with_probes(project, row("one", "say(1)"), row("two", "say("))

    done = project.codegen("generate")

    assert done.stderr.startswith(f"codegen: {PROBES}: probe two (row 2, line 9): key 'program': ")
