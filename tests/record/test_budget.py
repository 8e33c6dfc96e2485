"""`codetracer record --budget`: code that costs the most is recorded in less detail."""

import json
from collections import Counter
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from codetracer.replay import CallEvent, ReturnEvent, StepEvent
from tests.record.test_engines import without_identifiers
from tests.support.budgets import (
    BUSY,
    bytes_recorded,
    line_events,
    lowered,
    record_lowered,
    told_and_true,
)
from tests.support.recordings import NATIVE, naive_steps, record
from tests.support.running import Outcome, execute, write

HOT = """\
import time

def hot(count):
    total = 0
    for number in range(count):
        total = total + number
        total = total ^ number
    return total

def called(number):
    found = [number]
    return found[0]

began = time.process_time()
turns = 0
while time.process_time() - began < 0.3:
    hot(100)
    called(turns)
    turns += 1
print("done", hot(3), called(4))
"""


def record_with(folder: Path, *options: str, backend: str = BACKENDS[0], **environ: str) -> Outcome:
    write(folder, {"app.py": HOT})
    return execute(
        *("-m", "codetracer", "record", "-o", "out", *options, "app.py"),
        cwd=folder,
        environ={VARIABLE: backend} | environ,
    )


@pytest.mark.only_where(NATIVE)
def test_both_engines_lower_the_same_code_at_the_same_event_and_write_the_same_bytes(
    tmp_path: Path,
) -> None:
    one, other = (bytes_recorded(tmp_path, BUSY, backend) for backend in BACKENDS)

    assert without_identifiers(one) == without_identifiers(other)


def test_a_budget_that_is_not_exceeded_changes_no_byte(tmp_path: Path, backend: str) -> None:
    limited = bytes_recorded(tmp_path, BUSY, backend, "ample")
    (tmp_path / f"{backend}.ctlog").unlink()
    unlimited = bytes_recorded(tmp_path, BUSY, backend, "none")
    (tmp_path / f"{backend}.ctlog").unlink()

    assert without_identifiers(limited) == without_identifiers(unlimited)
    assert without_identifiers(bytes_recorded(tmp_path, BUSY, backend)) != without_identifiers(
        unlimited
    )


def test_no_variable_has_an_untrue_value_after_code_was_lowered(
    tmp_path: Path, backend: str
) -> None:
    # The module changes objects that the functions show: see docs/recording.md.
    path = record_lowered(tmp_path, BUSY, backend=backend, spares_module=True)
    true = naive_steps(tmp_path, f"kept = []; {BUSY}")

    found = [*told_and_true(path, true)]

    changes = lowered(path)
    assert len({name for name, *_ in changes}) > 2
    assert {"lines", "calls"} == {after for *_, after in changes}
    assert len(true) / 4 < len(found) < len(true) * 3 / 4
    assert [(step, expected) for step, expected in found if step != expected] == []


def calls(path: Path) -> list[tuple[str, str, str]]:
    """Return the calls and returns of a recording, with the arguments and results that it has."""
    found: list[tuple[str, str, str]] = []
    for event in codetracer.read(path).replay():
        if isinstance(event, CallEvent):
            found.append(("call", event.frame.code.name, repr(event.arguments)))
        elif isinstance(event, ReturnEvent):
            found.append(("return", event.frame.code.name, repr(event.value)))
    return found


def test_all_calls_are_recorded_however_often_code_is_lowered(tmp_path: Path, backend: str) -> None:
    path = record_lowered(tmp_path, BUSY, backend=backend)
    record(tmp_path, f"kept = []; {BUSY}", backend=backend)

    some, every = calls(path), calls(tmp_path / "out")
    assert [each[:2] for each in some] == [each[:2] for each in every]
    numbers = [each for each in some if each[0] == "return" and each[2].isdigit()]
    assert len(numbers) > 200
    assert Counter(numbers) <= Counter(every)


def test_the_detail_of_all_code_is_the_most_that_a_budget_leaves(
    tmp_path: Path, backend: str
) -> None:
    by_lines = lowered(record_lowered(tmp_path, BUSY, "lines", backend))
    by_calls = lowered(record_lowered(tmp_path / "calls", BUSY, "calls", backend))

    assert {change[1:] for change in by_lines} == {("lines", "calls")}
    assert by_calls == []


def test_code_without_lines_costs_no_more_events_for_lines(tmp_path: Path, backend: str) -> None:
    events = line_events(tmp_path, BUSY, backend)

    log = next(tmp_path.glob("*.ctlog"))
    process = codetracer.read(log).processes[0]
    replay = process.replay()
    recorded = Counter(event.frame.code.name for event in replay if isinstance(event, StepEvent))
    silent = {each.code.name for each in replay.lowered if each.after == "calls"}
    assert len(silent) >= 3
    lines = BUSY.count("\n")
    assert all(recorded[name] <= events[name] <= recorded[name] + lines for name in silent)
    # Of code that uninstalls the tracer, lines come that are too late.
    others = recorded.keys() - silent
    assert {name: events[name] for name in others} == {name: recorded[name] for name in others}


@pytest.fixture
def hot(tmp_path: Path, backend: str) -> tuple[Path, Outcome]:
    return tmp_path, record_with(tmp_path, "--budget", "1%", backend=backend)


def test_a_hot_program_is_lowered_and_ends_as_it_would(hot: tuple[Path, Outcome]) -> None:
    folder, outcome = hot

    assert (outcome.code, outcome.stdout) == (0, "done 0 4\n")
    summary = outcome.stderr.splitlines()
    assert len(summary) == 2
    assert summary[1].startswith("codetracer: the budget lowered details of code ")
    assert summary[1].endswith("; which, and when: codetracer info out")
    changes = lowered(folder / "out")
    assert changes.index(("hot", "values", "lines")) < changes.index(("hot", "lines", "calls"))
    # The last call has arguments and a result, and no lines.
    found = []
    for event in codetracer.read(folder / "out").replay():
        if isinstance(event, CallEvent | ReturnEvent | StepEvent):
            given = getattr(event, "arguments", None), getattr(event, "value", None)
            found += [(type(event), *given)] if event.frame.code.name == "hot" else []
    assert found[-2:] == [(CallEvent, {"count": 3}, None), (ReturnEvent, None, 0)]


def test_info_says_what_was_lowered_and_when_and_what_share_was_reached(
    hot: tuple[Path, Outcome],
) -> None:
    folder, _ = hot

    text = execute("-m", "codetracer", "info", "out", cwd=folder).stdout
    found = json.loads(
        execute("-m", "codetracer", "info", "--format", "json", "out", cwd=folder).stdout
    )

    rows = found["processes"][0]["lowered"]
    replay = codetracer.read(folder / "out").replay()
    duration = max(event.time_ns for event in replay)
    assert [(row["function"], row["from"], row["to"], row["time_ns"]) for row in rows] == [
        (each.code.name, each.before, each.after, each.time_ns) for each in replay.lowered
    ]
    assert all(0 < row["time_ns"] < duration for row in rows)
    assert [row["time_ns"] for row in rows] == sorted(row["time_ns"] for row in rows)
    budget = found["metadata"]["budget"]
    assert budget["percent"] == 1
    assert 0 < budget["recording_ns"] < duration * 2
    assert 0 < budget["program_ns"] < duration * 2
    share = budget["recording_ns"] / budget["program_ns"] * 100
    (line,) = [each for each in text.splitlines() if each.startswith("budget ")]
    assert "1% of the program's own CPU time; recording took about" in line
    assert f"{share:.3g}%" in line
    row = rows[0]
    assert (
        f"  lowered    {row['function']} from values to lines at {row['time_ns']:,} ns"
        f"  {row['path']}:{row['line']}"
    ) in text.splitlines()


def test_without_a_budget_nothing_is_lowered_or_said(tmp_path: Path) -> None:
    outcome = record_with(tmp_path)

    assert (outcome.code, outcome.stdout) == (0, "done 0 4\n")
    assert "budget" not in outcome.stderr
    assert lowered(tmp_path / "out") == []
    assert "budget" not in codetracer.read(tmp_path / "out").metadata
    text = execute("-m", "codetracer", "info", "out", cwd=tmp_path).stdout
    assert not [line for line in text.splitlines() if line.split()[:1] in (["budget"], ["lowered"])]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("20", "must be a percentage above 0%, such as 20%, not '20'"),
        ("0.2", "must be a percentage above 0%, such as 20%, not '0.2'"),
        ("0%", "not '0%'"),
        ("0.0%", "not '0.0%'"),
        ("-5%", "not '-5%'"),
        ("nan%", "not 'nan%'"),
        ("1e3%", "not '1e3%'"),
        ("%", "not '%'"),
        ("1.%", "not '1.%'"),
        ("99999999999%", "not '99999999999%'"),
    ],
)
def test_a_budget_that_is_no_percentage_is_refused(given: str, said: str, tmp_path: Path) -> None:
    outcome = record_with(tmp_path, f"--budget={given}")

    assert outcome.code == 2
    assert f"argument --budget: must be a percentage above 0%, such as 20%, not {given!r}" in (
        outcome.stderr
    )
    assert said in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_the_environment_names_a_budget_and_the_option_overrides_it(tmp_path: Path) -> None:
    record_with(tmp_path, CODETRACER_BUDGET="12.5%")
    record_with(tmp_path, "-o", "other", "--budget", "40%", CODETRACER_BUDGET="12.5%")
    wrong = record_with(tmp_path, "-o", "wrong", CODETRACER_BUDGET="0.2")

    percents = []
    for name in ("out", "other"):
        budget = codetracer.read(tmp_path / name).metadata["budget"]
        assert isinstance(budget, dict)
        percents.append(budget["percent"])
    assert percents == [12.5, 40]
    assert wrong.code == 2
    assert (
        "CODETRACER_BUDGET is '0.2'; it must be a percentage above 0%, such as 20%" in wrong.stderr
    )
    assert not (tmp_path / "wrong").exists()


TWICE = f"""\
import codetracer
program = compile({HOT!r}, __file__, "exec")
for wrong in (0.2, 20, "0%"):
    try:
        codetracer.start("wrong", budget=wrong)
    except codetracer.UsageError as error:
        print(error)
with codetracer.trace("first", budget="1%"):
    exec(program)
with codetracer.trace("second"):
    hot(3)
"""


def test_start_takes_a_budget_and_the_next_recording_has_all_lines_again(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": TWICE})
    outcome = execute("app.py", cwd=tmp_path, environ={VARIABLE: backend})

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines() == [
        *(
            f"[ERR_INVALID_POLICY_VALUE] budget is {wrong!r};"
            " it must be a percentage above 0%, such as 20%"
            for wrong in (0.2, 20, "0%")
        ),
        "done 0 4",
    ]
    assert ("hot", "lines", "calls") in lowered(tmp_path / "first")
    assert lowered(tmp_path / "second") == []
    steps = [
        event.line
        for event in codetracer.read(tmp_path / "second").replay()
        if isinstance(event, StepEvent) and event.frame.code.name == "hot"
    ]
    assert steps == [4, *(5, 6, 7) * 3, 5, 8]


FORKING = "import os\nif os.fork():\n    os.wait()\nhot(3)\n"
FORKS = HOT.replace('print("done"', f'{FORKING}print("done"')


def test_a_forked_child_has_no_more_of_the_code_that_its_parent_lowered(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": FORKS})
    outcome = execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "--budget", "1%", "app.py"),
        cwd=tmp_path,
        environ={VARIABLE: backend},
    )

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout == "done 0 4\n" * 2
    processes = codetracer.read(tmp_path / "out").processes
    assert len(processes) == 2
    for process in processes:
        calls = [
            event.frame.code.detail
            for event in process.replay()
            if isinstance(event, CallEvent) and event.frame.code.name == "hot"
        ]
        assert calls[-2:] == ["calls", "calls"]
