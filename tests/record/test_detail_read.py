"""Every command says so if a recording lacks the lines or values that it needs."""

import json
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import (
    EvaluationError,
    evaluate,
    render,
)
from tests.support.details import (
    FILTER,
    PART_BY_CALLS,
    record,
    rule,
)
from tests.support.reading import read
from tests.support.running import execute, write


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
