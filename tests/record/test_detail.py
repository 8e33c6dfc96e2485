"""Details of `codetracer record --detail` and of filters: how much of a function is recorded."""

import json
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import (
    CallEvent,
    EvaluationError,
    Hidden,
    OutputEvent,
    RaiseEvent,
    ReturnEvent,
    StepEvent,
    UnwindEvent,
    evaluate,
    render,
)
from tests.support.reading import read
from tests.support.running import Outcome, execute, write

APP = """\
import sys
import package.part

EVENTS = sys.monitoring.events

class Box:
    def __init__(self, value):
        self.value = value
        self.inner = [value]

    def double(self):
        self.value *= 2
        return self.value

def fail(box):
    try:
        raise ValueError(box.value)
    except ValueError:
        print("failed", box.value)
        raise KeyError("gone") from None

def mine(found):
    found["mine"] = len(found)
    return found

def generate(count):
    for number in range(count):
        yield number

def told():
    for tool in range(6):
        if sys.monitoring.get_tool(tool) == "codetracer":
            everywhere = sys.monitoring.get_events(tool)
            for function in (mine, package.part.change):
                local = sys.monitoring.get_local_events(tool, function.__code__)
                print(function.__name__, bool((everywhere | local) & EVENTS.LINE))

box = Box(1)
box.double()
found = {}
result = package.part.call(mine, found)
other = package.part.change(found)
try:
    fail(box)
except KeyError:
    pass
numbers = list(generate(2))
told()
end = 1
"""
PART = """\
total = 0
def change(given):
    given["changed"] = True
    return given

def call(function, given):
    global total
    total += 1
    given["before"] = 1
    got = function(given)
    given["after"] = 2
    return got
"""
FILES = {"app.py": APP, "package/__init__.py": "", "package/part.py": PART}
FILTER = """\
[meta]
name = "mine"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
"""


def rule(selector: str, detail: str) -> str:
    return f'[[scope.rules]]\nselector = "{selector}"\ndetail = "{detail}"\n'


PART_BY_CALLS = FILTER + rule("pkg:package.part", "calls")


def record(
    folder: Path,
    *options: str,
    rules: str = "",
    backend: str = BACKENDS[0],
    out: str = "out",
    **environ: str,
) -> Outcome:
    write(folder, FILES | ({"filter.toml": rules} if rules else {}))
    given = ("--trace-filter", "filter.toml") if rules else ()
    return execute(
        *("-m", "codetracer", "record", "-q", "-o", out, *given, *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend} | environ,
    )


def details(folder: Path, out: str = "out") -> dict[str, str]:
    """Return the last detail of each function, by its name."""
    replay = codetracer.read(folder / out).replay()
    found = {event.frame.code for event in replay if isinstance(event, CallEvent)}
    return {code.short_name: code.detail for code in found}


def seen(folder: Path, out: str = "out") -> list[str]:
    """Return in words what a recording has, event by event."""
    replay = codetracer.read(folder / out).replay()
    found = []
    for event in replay:
        if event.frame is None:
            continue
        name = event.frame.code.short_name
        match event:
            case CallEvent():
                given = ", ".join(f"{key}={render(v)}" for key, v in event.arguments.items())
                found.append(f"{name}({given})")
            case ReturnEvent():
                found.append(f"{name} -> {render(event.value)}")
            case UnwindEvent() | RaiseEvent():
                found.append(f"{name} {type(event).__name__} {render(event.exception)}")
            case StepEvent():
                variables = replay.locals(event.frame) | replay.globals(event.frame)
                found.append(f"{name}:{event.line} {len(variables)} variables")
            case OutputEvent():
                found.append(f"{name} prints {event.text.strip()}")
    return found


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
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
@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.slow
def test_the_recording_says_its_detail(tmp_path: Path) -> None:
    record(tmp_path, "--detail", "calls")
    record(tmp_path, rules=PART_BY_CALLS, out="mixed")

    metadata = json.loads((tmp_path / "out/trace_metadata.json").read_text("utf-8"))
    assert metadata["detail"] == "calls"
    shown = read("info", "out", cwd=tmp_path).stdout
    assert "detail     calls (calls with arguments and results, no lines)\n" in shown
    shown = read("info", "mixed", cwd=tmp_path).stdout
    assert "detail     values (everything); 3 code objects with calls, by a filter\n" in shown


NO_LINES = "were recorded with detail calls, which has no lines, and no values of variables"


@pytest.mark.parametrize(
    "command",
    [
        ("show", "--step", "0", "out"),
        ("show", "--call", "0", "out"),
        ("show", "--variable", "end", "out"),
        ("debug", "out"),
        ("why", "out", "end"),
        ("why", "--at", "3", "out", "end"),
        ("export", "--to", "codetracer-json", "--from-step", "2", "-o", "exported", "out"),
    ],
)
def test_what_asks_for_lines_or_values_says_why_there_are_none(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    record(tmp_path, "--detail", "calls")

    outcome = execute("-m", "codetracer", *command, cwd=tmp_path)

    assert outcome.code == 1
    assert NO_LINES in outcome.stderr


@pytest.mark.slow
def test_show_gives_no_place_that_it_does_not_know(tmp_path: Path) -> None:
    record(tmp_path, "--detail", "calls")

    def shown(*options: str) -> list[str]:
        return read("show", *options, "out", cwd=tmp_path).stdout.splitlines()

    assert any(line.startswith("app.py:15         ") and "fail(" in line for line in shown())
    raised, *_ = shown("--raises")
    assert raised.split("  ")[0].strip() == "app.py"
    assert "handled in fail" in raised
    called, *_ = shown("--function", "mine")
    assert called.endswith("from call")
    values = shown("--variable", "given")
    assert len([line for line in values if "given = " in line]) == 2
    assert not [line for line in values if "unbound" in line]
    assert f"… all code objects {NO_LINES}" in values
    assert f"… all code objects {NO_LINES}" in shown("--lines")
    row = json.loads(
        read("show", "--raises", "--format", "json", "out", cwd=tmp_path).stdout.splitlines()[0]
    )
    assert (row["line"], row["handled_in"]["line"]) == (None, None)


@pytest.mark.slow
def test_why_takes_functions_without_lines_as_a_whole(tmp_path: Path) -> None:
    record(tmp_path, rules=PART_BY_CALLS)

    shown = read("why", "out", "result", cwd=tmp_path).stdout
    unknown = execute(
        *("-m", "codetracer", "why", "--not", "package/part.py:3", "out"), cwd=tmp_path
    )

    assert "call() is not explained: call was recorded with detail calls" in shown
    assert unknown.code == 1
    assert (
        "whether package/part.py:3 ran is not recorded: change was recorded with detail calls"
        in unknown.stderr
    )


@pytest.mark.slow
def test_variables_of_a_frame_without_values_are_said_to_be_missing(tmp_path: Path) -> None:
    record(tmp_path, rules=PART_BY_CALLS)
    trace = codetracer.read(tmp_path / "out")
    inside = next(trace.calls("mine")).moment
    assert inside is not None
    assert inside.frame.caller is not None

    with pytest.raises(EvaluationError, match="given has no value: call was recorded with"):
        evaluate("given", inside, inside.frame.caller)
    assert inside.locals(inside.frame.caller) == {}
    shown = read("show", "--step", str(inside.step), "out", cwd=tmp_path).stdout
    assert "  call was recorded with detail calls" in shown
    call = next(trace.calls("call"))
    assert render(call.arguments["given"]) == "{}"
    assert render(call.result).startswith("{'before': 1")


@pytest.mark.slow
def test_a_moment_far_into_a_recording_knows_the_details(tmp_path: Path) -> None:
    program = "def f(x):\n    return x\nfor i in range(30_000):\n    f(i)\n"
    write(tmp_path, {"app.py": program, "filter.toml": FILTER + rule("obj:*.f", "calls")})
    options = ("-q", "-o", "out", "--trace-filter", "filter.toml")
    execute("-m", "codetracer", "record", *options, "app.py", cwd=tmp_path)

    trace = codetracer.read(tmp_path / "out")
    timeline = trace.processes[0].timeline()

    assert timeline.index.blocks > 5
    *_, late = trace.calls("f")
    assert late.arguments == {"x": 29_999}
    assert late.result == 29_999
    assert late.code.detail == "calls"
    assert trace.at(timeline.steps - 1).globals()["i"] == 29_999


@pytest.mark.parametrize("backend", BACKENDS)
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
