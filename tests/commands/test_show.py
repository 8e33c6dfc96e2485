"""`codetracer show`: the call tree, a step, a function, a variable, exceptions, output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.running import execute, write
from tests.support.shown import PROGRAM, rows, show, small

CHECKED = 'print(checked(7), "and", end=" ")'


def at(line: str) -> int:
    """Return the number of a line of app.py."""
    return [known.strip() for known in PROGRAM.splitlines()].index(line) + 1


def lines(*arguments: str | Path, cwd: Path) -> list[str]:
    """Return the lines that are shown, with every duration as TIME."""
    done = show(*arguments, cwd=cwd)
    assert (done.code, done.stderr) == (0, ""), done
    return re.sub(r"\b[0-9.e+]+(ns|µs|ms|s)\b", "TIME", done.stdout).splitlines()


def bare(*arguments: str | Path, cwd: Path) -> list[str]:
    """Return the lines that are shown, without the columns of places and steps."""
    found = lines(*arguments, cwd=cwd)
    columns = re.match(r"\S+ +\d+  ", found[0])
    assert columns is not None, found[0]
    return [line[columns.end() :] if line[0] in " a" else line for line in found]


@pytest.mark.slow
def test_the_tree_has_a_line_for_a_leaf_and_results_below_deeper_calls(recorded: Path) -> None:
    found = bare("out", cwd=recorded)

    assert found[0] == "<module __main__>"
    start = found.index("  fib(n=1) -> 1  TIME")
    assert found[start : start + 4] == ["  fib(n=1) -> 1  TIME"] * 3 + [
        "  count(top=2) yields 0  TIME"
    ]
    assert "  count resumed yields 1  TIME" in found
    assert "  count resumed -> None  TIME" in found
    where = found.index("  checked(x=7)")
    assert found[where : where + 5] == [
        "  checked(x=7)",
        "    careful(x=7)",
        "      fail(x=7) !! ValueError('bad 7')  TIME",
        "      !! ValueError('bad 7')  TIME",
        "    -> 'caught'  TIME",
    ]
    worker = found.index("-- thread 1 Worker")
    assert found[worker + 1] == "fib(n=1) -> 1  TIME"
    assert "  !! ValueError('bad 8')  TIME  (+1 call inside)" in found


def test_similar_calls_are_folded_unless_all_are_wanted(recorded: Path) -> None:
    folded, whole = bare("out", cwd=recorded), bare("out", "--all", cwd=recorded)

    assert "  … 3 more calls of fib" in folded
    assert folded.count("  fib(n=1) -> 1  TIME") == 3
    assert whole.count("  fib(n=1) -> 1  TIME") == 5
    start = whole.index("  fib(n=2)")
    assert whole[start + 1 : start + 4] == [
        "    fib(n=1) -> 1  TIME",
        "    fib(n=0) -> 0  TIME",
        "    -> 1  TIME",
    ]


def test_deeper_calls_are_counted_where_they_are_not_shown(recorded: Path) -> None:
    found = bare("out", "--depth", "2", cwd=recorded)

    assert "  checked(x=7) -> 'caught'  TIME  (+2 calls inside)" in found
    assert not [line for line in found if line.startswith("    ") and "fail" in line]


def test_after_the_last_line_that_may_be_the_way_to_more_is_told(recorded: Path) -> None:
    found = lines("out", "--limit", "3", cwd=recorded)

    assert [line for line in found if not line.startswith("app.py")] == [
        "… calls not shown: 1 of imports and class bodies; --all shows them, --call STEP --all"
        " those in one call",
        "… cut after 3 lines; --limit N shows more, --limit 0 all",
    ]
    assert len(found) == 5


@pytest.mark.parametrize("width", [30, 60])
def test_no_line_is_wider_than_was_said(recorded: Path, width: int) -> None:
    for view in (["--all"], ["--variable", "node"], ["--function", "fib"], ["--output"]):
        done = show("out", *view, "--width", str(width), cwd=recorded)
        found = [line for line in done.stdout.splitlines() if not line.startswith("… c")]
        assert max(map(len, found)) <= width
        assert any(line.endswith("…") or "…  " in line for line in found)


def test_a_step_has_all_variables_the_line_and_the_callers(recorded: Path) -> None:
    (place,) = [
        row for row in rows("out", "--variable", "total", cwd=recorded) if row["value"] == 5
    ]
    step = str(place["step"])
    line = at("total += fib(1)")

    found = lines("out", "--step", step, cwd=recorded)

    assert found[0].split(maxsplit=2) == [
        f"app.py:{line}",
        step,
        "<module __main__>, thread 0 MainThread, right before this line",
    ]
    assert found[1] == "  > total += fib(1)"
    assert "    total = 4" in found
    assert "    step = 4" in found
    assert "    fib = <function fib>" in found
    (row,) = rows("out", "--step", step, cwd=recorded)
    assert (row["line"], row["source"]) == (line, "total += fib(1)")
    assert isinstance(row["globals"], dict)
    assert row["globals"]["total"] == 4


def test_a_step_in_a_function_has_the_variables_of_who_called_too(recorded: Path) -> None:
    call = rows("out", "--function", "careful", cwd=recorded)[0]

    found = lines("out", "--step", str(call["step"]), cwd=recorded)

    assert found[1:4] == ["  > try:", "  locals:", "    x = 7"]
    outer = found.index("  > careful(x)")
    assert found[outer - 1].split(maxsplit=2)[0::2] == [
        f"app.py:{at('careful(x)')}",
        "checked, which called it",
    ]
    assert found[outer + 1 : outer + 3] == ["  locals:", "    x = 7"]
    assert f"  > {CHECKED}" in found
    # A global variable is shown once, with the first function that names it.
    assert len([line for line in found if line.startswith("    fail = ")]) == 1
    (row,) = rows("out", "--step", str(call["step"]), cwd=recorded)
    callers = row["callers"]
    assert isinstance(callers, list)
    assert [(each["function"], each["locals"]) for each in callers] == [
        ("checked", {"x": 7}),
        ("<module>", {}),
    ]


@pytest.mark.parametrize("step", ["999999", "100000000000000"])
def test_a_step_that_is_not_there_is_an_error_with_the_range(recorded: Path, step: str) -> None:
    done = show("out", "--step", step, cwd=recorded)

    assert (done.code, done.stdout) == (1, "")
    assert re.search(rf"there is no step {step}: the log has steps 0 to \d+\n$", done.stderr)


@pytest.mark.parametrize("name", ["fail", "__main__.fail"])
def test_every_call_of_a_function_is_told_with_its_caller(recorded: Path, name: str) -> None:
    inner, outer = at("fail(x)"), at("fail(8)")

    assert bare("out", "--function", name, cwd=recorded) == [
        f"fail(x=7) !! ValueError('bad 7')  TIME  from app.py:{inner} in careful",
        f"fail(x=8) !! ValueError('bad 8')  TIME  from app.py:{outer} in <module __main__>",
    ]


def test_a_method_is_found_by_each_of_its_names(recorded: Path) -> None:
    for name in ("__init__", "Node.__init__", "__main__.Node.__init__"):
        found = rows("out", "--function", name, cwd=recorded)
        assert [row["function"] for row in found if row["path"] == str(recorded / "app.py")] == [
            "Node.__init__"
        ] * 2


def test_a_generator_is_one_call_until_it_ends(recorded: Path) -> None:
    (line,) = bare("out", "--function", "count", cwd=recorded)

    where = at("numbers = list(count(2))")
    assert line == f"count(top=2) -> None  TIME  from app.py:{where} in <module __main__>"


@pytest.mark.parametrize(
    ("option", "name", "hint"),
    [
        ("--function", "carefull", "has no function carefull; did you mean careful"),
        ("--function", "zzzzzz", "has no function zzzzzz; there are "),
        ("--variable", "totl", "has no variable totl; did you mean total"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_names_that_are(
    recorded: Path, option: str, name: str, hint: str
) -> None:
    done = show("out", option, name, cwd=recorded)

    assert (done.code, done.stdout) == (1, "")
    assert hint in done.stderr
    assert done.stderr.startswith("codetracer: error: [ERR_NOT_IN_TRACE] ")


def test_every_value_of_a_variable_is_told_with_the_line_that_gave_it(recorded: Path) -> None:
    found = rows("out", "--variable", "total", cwd=recorded)

    assert [(row["line"], row["value"]) for row in found] == [
        (at("total = 0"), 0),
        *((at("total += fib(1)"), value) for value in range(1, 6)),
    ]
    assert {row["scope"] for row in found} == {"global"}
    assert lines("out", "--variable", "total", cwd=recorded)[0].split() == [
        *(f"app.py:{at('total = 0')}", str(found[0]["step"])),
        *("<module", "__main__>"),
        *("total", "=", "0"),
    ]


def test_a_change_inside_an_object_is_a_new_value_of_its_variable(recorded: Path) -> None:
    found = lines("out", "--variable", "node", "--width", "0", cwd=recorded)

    assert [re.sub("#[0-9]+", "#", line.partition("  node = ")[2]) for line in found] == [
        "<Node # value=1, next=<Node # value=2, next=None>>",
        "<Node # value=1, next=<Node # value=2, next=<Node # again>>>",
    ]
    assert [line.split()[0] for line in found] == [
        f"app.py:{at('node = Node(1, Node(2))')}",
        f"app.py:{at('node.next.next = node')}",
    ]


def test_each_call_has_local_variables_of_its_own(recorded: Path) -> None:
    found = rows("out", "--variable", "x", cwd=recorded)

    assert [(row["function"], row["line"], row["value"]) for row in found] == [
        ("checked", at("def checked(x):"), 7),
        ("careful", at("def careful(x):"), 7),
        ("fail", at("def fail(x):"), 7),
        ("careful", at("x = None"), None),
        ("fail", at("def fail(x):"), 8),
    ]


def test_each_exception_is_told_once_with_what_became_of_it(recorded: Path) -> None:
    raised = f"app.py:{at('raise ValueError(f\"bad {x}\")')}"
    handled = f"app.py:{at('except ValueError:')}"

    first, second = rows("out", "--raises", cwd=recorded)
    handler = first["handled_in"]
    assert isinstance(handler, dict)
    where = f"handled at {handled} (step {handler['step']}) in checked"
    assert [line.split(maxsplit=2) for line in lines("out", "--raises", cwd=recorded)] == [
        [raised, str(first["step"]), f"ValueError('bad 7')  raised in fail  {where}"],
        [
            raised,
            str(second["step"]),
            "ValueError('bad 8')  raised in fail  ended thread 0 MainThread",
        ],
    ]
    assert (first["fate"], second["fate"]) == ("handled", "ended")
    assert first["handled_in"] == {
        "function": "checked",
        "path": str(recorded / "app.py"),
        "line": at("except ValueError:"),
        "step": handler["step"],
    }


SWALLOWED = """\
class Bad:
    def __getattr__(self, name):
        raise AttributeError(name)

    def __iter__(self):
        raise LookupError("iter")

def both(bad):
    return hasattr(bad, "one"), getattr(bad, "other", 5)

both(Bad())
both(Bad())
try:
    list(Bad())
except LookupError:
    pass
"""


def test_exceptions_that_unrecorded_code_handles_are_told_apart(tmp_path: Path) -> None:
    # Each has the object number of the one before: that is gone, and its address is used again.
    write(tmp_path, {"app.py": SWALLOWED})
    execute("-m", "codetracer", "record", "-o", "out", "app.py", cwd=tmp_path)

    found = rows("out", "--raises", cwd=tmp_path)
    text = lines("out", "--raises", cwd=tmp_path)

    handlers = [row["handled_in"] for row in found]
    assert [
        (row["fate"], isinstance(handler, dict) and handler["line"])
        for row, handler in zip(found, handlers, strict=True)
    ] == [*[("handled_by_unrecorded_code", 9)] * 4, ("handled", 15)]
    shown = [re.split("  +", line)[-3:] for line in text]
    assert isinstance(handlers[0], dict)
    step = handlers[0]["step"]
    assert shown[0] == [
        "AttributeError('one')",
        "raised in Bad.__getattr__",
        f"handled by code that is not recorded, called at app.py:9 (step {step}) in both",
    ]
    assert [each[0] for each in shown] == [
        "AttributeError('one')",
        "AttributeError('other')",
        "AttributeError('one')",
        "AttributeError('other')",
        "LookupError('iter')",
    ]


def test_output_is_told_line_by_line_with_its_place(recorded: Path) -> None:
    found = [line for line in lines("out", "--output", cwd=recorded) if line.startswith("app.py")]
    first, second, third = rows("out", "--output", cwd=recorded)[:3]

    assert [re.split(" +", line, maxsplit=2) for line in found[:3]] == [
        [f"app.py:{at(CHECKED)}", str(first["step"]), "stdout| caught and "],
        [f"app.py:{at(CHECKED) + 1}", str(second["step"]), "stdout| more"],
        [f"app.py:{at(CHECKED) + 2}", str(third["step"]), "stderr| wrong"],
    ]
    assert first == {
        "stream": "stdout",
        "thread": 0,
        "step": first["step"],
        "path": str(recorded / "app.py"),
        "line": at(CHECKED),
        "text": "caught and ",
    }


def test_the_tree_as_json_has_a_row_for_each_call_and_each_end(recorded: Path) -> None:
    found = rows("out", cwd=recorded)

    frames = [row["frame"] for row in found if row["event"] == "call"]
    assert len(frames) == len(set(frames))
    count = [row for row in found if row["event"] in ("yield", "resume")]
    assert [row["event"] for row in count] == ["yield", "resume", "yield", "resume"]
    fail, _ = [row for row in found if row.get("function") == "fail"]
    assert fail["arguments"] == {"x": 7}
    end, _ = [row for row in found if row["event"] == "unwind" and row["frame"] == fail["frame"]], 0
    assert isinstance(end[0]["exception"], dict)
    assert end[0]["exception"]["items"] == ["bad 7"]
    (ended,) = [row for row in found if row["event"] == "exit"]
    assert ended["status"] == 1


def test_the_tree_ends_with_the_exit_status_where_it_is_known(
    recorded: Path, tmp_path: Path
) -> None:
    unknown = small(tmp_path, encode.encode_exit(0, 0, 0), end=False)
    stopped = logs.write_trace(tmp_path / "stopped", unknown)
    killed = logs.write_trace(tmp_path / "killed", small(tmp_path, end=False))

    assert bare("out", "--all", cwd=recorded)[-1] == "<toplevel> -> exit status 1  TIME"
    assert "<toplevel>" not in show(stopped, cwd=tmp_path).stdout
    assert "<toplevel>" not in show(killed, cwd=tmp_path).stdout
