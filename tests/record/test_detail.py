"""Details of `codetracer record --detail` and of filters: how much of a function is recorded."""

from pathlib import Path

import pytest

import codetracer
from codetracer.replay import (
    CallEvent,
    Hidden,
    ReturnEvent,
    StepEvent,
    render,
)
from tests.support.details import FILTER, PART_BY_CALLS, details, record, rule, seen
from tests.support.running import execute, write


def test_with_calls_there_are_arguments_results_exceptions_and_output_but_no_lines(
    backend: str, tmp_path: Path
) -> None:
    outcome = record(tmp_path, "--detail", "calls", backend=backend)

    assert (outcome.code, outcome.stderr) == (0, "")
    found = seen(tmp_path)
    assert not [line for line in found if "variables" in line]
    assert "double(self=<Box #0>)" in found
    assert "double -> 2" in found
    assert "mine(found={'before': 1})" in found
    assert "call -> {'before': 1, 'mine': 1, 'after': 2}" in found
    assert "change(given={'before': 1, 'mine': 1, 'after': 2})" in found
    assert "fail RaiseEvent ValueError(2)" in found
    assert "fail UnwindEvent KeyError('gone')" in found
    assert "fail prints failed" in found


def test_with_lines_there_are_lines_and_exceptions_but_no_other_values(
    backend: str, tmp_path: Path
) -> None:
    outcome = record(tmp_path, "--detail", "lines", backend=backend)
    record(tmp_path, backend=backend, out="full")

    assert (outcome.code, outcome.stderr) == (0, "")
    found = seen(tmp_path)
    assert "double()" in found
    assert "double -> <left out>" in found
    assert "fail UnwindEvent KeyError('gone')" in found
    steps = [line for line in found if "variables" in line]
    assert steps == [
        line.rpartition(":")[0] + ":" + line.rpartition(":")[2].split()[0] + " 0 variables"
        for line in seen(tmp_path, "full")
        if "variables" in line
    ]


@pytest.mark.parametrize(
    ("options", "rules", "lines"),
    [
        ((), "", [True, True]),
        (("--detail", "lines"), "", [True, True]),
        (("--detail", "calls"), "", [False, False]),
        ((), PART_BY_CALLS, [True, False]),
        (("--detail", "calls"), FILTER + rule("pkg:__main__", "values"), [True, False]),
    ],
)
def test_no_event_for_lines_is_enabled_in_code_of_which_none_are_recorded(
    options: tuple[str, ...], rules: str, lines: list[bool], backend: str, tmp_path: Path
) -> None:
    outcome = record(tmp_path, *options, rules=rules, backend=backend)

    assert outcome.stderr == ""
    assert outcome.stdout.splitlines()[1:] == [f"mine {lines[0]}", f"change {lines[1]}"]


def test_what_a_library_changes_that_is_recorded_by_calls_shows_in_ones_own_code(
    backend: str, tmp_path: Path
) -> None:
    record(tmp_path, rules=PART_BY_CALLS, backend=backend)

    trace = codetracer.read(tmp_path / "out")
    assert details(tmp_path)["call"] == "calls"
    assert details(tmp_path)["mine"] == "values"
    last: dict[str, object] = {}
    inside = ""
    replay = trace.replay()
    for event in replay:
        if isinstance(event, StepEvent) and event.frame.code.name == "mine" and not inside:
            inside = render(replay.locals(event.frame)["found"])
        if isinstance(event, StepEvent) and event.frame.code.kind == "module":
            last = {name: render(value) for name, value in replay.globals(event.frame).items()}
    assert inside == "{'before': 1}"
    whole = "{'before': 1, 'mine': 1, 'after': 2, 'changed': True}"
    assert (last["found"], last["result"], last["other"]) == (whole, whole, whole)


def test_what_a_call_has_seen_from_outside_alone_is_looked_into_afterwards(
    backend: str, tmp_path: Path
) -> None:
    program = (
        "def swap(outer):\n    outer[0] = [2]\n    look(outer)\n"
        "def look(outer): pass\n"
        "outer = [[1]]\nkept = outer[0]\nswap(outer)\nend = 1\n"
    )
    rules = FILTER + rule("obj:*.swap", "calls") + rule("obj:*.look", "calls")
    write(tmp_path, {"app.py": program, "filter.toml": rules})
    execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "--trace-filter=filter.toml", "app.py"),
        cwd=tmp_path,
        environ={"CODETRACER_BACKEND": backend},
    )

    replay = codetracer.read(tmp_path / "out").replay()
    seen_at_end = ""
    for event in replay:
        if isinstance(event, StepEvent) and event.line == 8:
            seen_at_end = render(replay.globals(event.frame).get("outer"))
        if isinstance(event, ReturnEvent) and event.frame.code.kind == "module":
            seen_at_end = render(replay.globals(event.frame)["outer"])
    assert details(tmp_path)["look"] == "calls"
    assert seen_at_end == "[[2]]"


@pytest.mark.parametrize(
    ("options", "rules", "expected"),
    [
        ((), FILTER + rule("pkg:package.*", "calls"), ("values", "calls", "calls")),
        ((), FILTER + rule("file:glob:**/part.py", "lines"), ("values", "lines", "lines")),
        ((), FILTER + rule("obj:package.part.change", "calls"), ("values", "calls", "values")),
        ((), FILTER + 'default_detail = "calls"\n', ("calls", "calls", "calls")),
        (
            (),
            FILTER + 'default_detail = "calls"\n' + rule("pkg:__main__", "values"),
            ("values", "calls", "calls"),
        ),
        (
            ("--detail", "lines"),
            FILTER + 'default_detail = "calls"\n' + rule("obj:*.change", "values"),
            ("lines", "values", "lines"),
        ),
        (
            (),
            FILTER + rule("pkg:package.*", "calls") + rule("obj:*.change", "inherit"),
            ("values", "calls", "calls"),
        ),
    ],
)
def test_a_filter_names_the_detail_of_a_package_a_file_or_a_function(
    options: tuple[str, ...], rules: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = record(tmp_path, *options, rules=rules)

    assert outcome.stderr == ""
    found = details(tmp_path)
    assert (found["mine"], found["change"], found["call"]) == expected


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            FILTER + rule("pkg:a", "call"),
            "line 9, scope.rules[0].detail: 'call' is not known (did you mean 'calls'?); allowed:"
            " values, lines, calls, inherit",
        ),
        (
            FILTER + 'default_detail = "nothing"\n',
            "line 7, scope.default_detail: 'nothing' is not known; allowed: values, lines, calls,"
            " inherit",
        ),
    ],
)
def test_a_detail_that_is_not_known_is_an_error_that_names_its_line(
    rules: str, message: str, tmp_path: Path
) -> None:
    outcome = record(tmp_path, rules=rules)

    assert outcome.code == 2
    assert message in outcome.stderr


@pytest.mark.slow
def test_the_environment_names_a_detail_and_the_option_overrides_it(tmp_path: Path) -> None:
    record(tmp_path, CODETRACER_DETAIL="calls")
    record(tmp_path, "--detail", "values", out="full", CODETRACER_DETAIL="calls")
    wrong = record(tmp_path, out="wrong", CODETRACER_DETAIL="all")

    assert details(tmp_path)["mine"] == "calls"
    assert details(tmp_path, "full")["mine"] == "values"
    assert wrong.code == 2
    assert "CODETRACER_DETAIL is 'all'; allowed: values, lines, calls" in wrong.stderr
    assert not (tmp_path / "wrong").exists()


@pytest.mark.slow
def test_start_takes_a_detail(tmp_path: Path) -> None:
    program = """
import codetracer
def add(a, b):
    return a + b
try:
    codetracer.start("wrong", detail="all")
except codetracer.UsageError as error:
    print(error)
with codetracer.trace("out", detail="calls"):
    add(1, 2)
"""
    write(tmp_path, {"app.py": program})

    outcome = execute("app.py", cwd=tmp_path)

    assert outcome.stdout == (
        "[ERR_INVALID_POLICY_VALUE] detail is 'all'; allowed: values, lines, calls\n"
    )
    assert "add(a=1, b=2)" in seen(tmp_path)
    assert not [line for line in seen(tmp_path) if "variables" in line]


@pytest.mark.slow
def test_the_lines_of_a_function_that_runs_already_are_recorded_beside_a_rule(
    backend: str, tmp_path: Path
) -> None:
    program = """
import codetracer
def outer():
    codetracer.start("out", trace_filter=["filter.toml"])
    x = 1
    y = 2
    codetracer.stop()
outer()
"""
    write(tmp_path, {"app.py": program, "filter.toml": PART_BY_CALLS})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert outcome.stderr == ""
    steps = [line for line in seen(tmp_path) if line.startswith("outer:")]
    assert [line.split()[0] for line in steps] == ["outer:5", "outer:6", "outer:7"]


@pytest.mark.slow
def test_a_rule_of_a_filter_changes_nothing_of_what_other_code_has(tmp_path: Path) -> None:
    record(tmp_path, out="full")
    record(tmp_path, rules=FILTER + rule("pkg:nowhere", "calls"), out="ruled")

    full = [line for line in seen(tmp_path, "full") if "prints" not in line]
    assert [line for line in seen(tmp_path, "ruled") if "prints" not in line] == full


def test_secrets_are_hidden_in_arguments_and_where_they_appear_again(
    backend: str, tmp_path: Path
) -> None:
    program = (
        "def login(password):\n    print(password)\n    return password\nlogin('hunter2-long')\n"
    )
    write(tmp_path, {"app.py": program})
    options = ("-q", "-o", "out", "--detail", "calls")
    execute(
        *("-m", "codetracer", "record", *options, "app.py"),
        cwd=tmp_path,
        environ={"CODETRACER_BACKEND": backend},
    )

    replay = codetracer.read(tmp_path / "out").replay()
    found = [event for event in replay if isinstance(event, CallEvent)]
    assert found[-1].frame.code.name == "login"
    logs = b"".join(path.read_bytes() for path in (tmp_path / "out").glob("*.ctlog"))
    assert b"hunter2" not in logs


def test_a_value_that_the_detail_leaves_out_is_none_of_the_programs(tmp_path: Path) -> None:
    record(tmp_path, "--detail", "lines")

    ends = [
        event.value
        for event in codetracer.read(tmp_path / "out").replay()
        if isinstance(event, ReturnEvent)
    ]
    assert set(ends) == {Hidden("left out")}
