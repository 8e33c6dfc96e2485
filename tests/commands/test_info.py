"""`codetracer info`: what a trace holds, how much, and whether it is complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.logs import NONE
from tests.support.reading import read
from tests.support.running import Outcome, execute, write

BEGIN = [
    encode.encode_source("/app/app.py"),
    encode.encode_thread(71, "Main"),
    logs.code("<module>", kind=0),
    logs.code("gen", kind=3),
]
WORK = [
    encode.encode_call(0, 1000, []),
    encode.encode_step(0),
    encode.encode_step(1),
    encode.encode_thread(72, "Worker"),
    encode.encode_call(1, 0, []),
    encode.encode_step(1),
    encode.encode_yield(0, NONE),
    encode.encode_switch(0),
    encode.encode_step(1),
    encode.encode_switch(1),
    encode.encode_resume(1, 0),
    encode.encode_step(1),
    encode.encode_step(1),
    encode.encode_raise(NONE),
    encode.encode_unwind(500, NONE),
    encode.encode_switch(0),
    encode.encode_output(1, "", 0, b"x"),
    encode.encode_return(0, NONE),
]
EXIT = encode.encode_exit(500, 1, 3)


def info(*arguments: str | Path, cwd: Path) -> Outcome:
    return read("info", *arguments, cwd=cwd)


def test_the_counts_are_those_of_the_log(tmp_path: Path) -> None:
    log = logs.log([*BEGIN, *WORK, EXIT], pid=9)
    logs.write_trace(tmp_path / "out", log)

    done = info("out", "--format", "json", cwd=tmp_path)

    assert (done.code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["complete"], found["problem"]) == (True, None)
    assert found["metadata"]["program"] == "/app/app.py"
    assert found["processes"] == [
        {
            "pid": 9,
            "log": "out/process-9.ctlog",
            "bytes": len(log),
            "complete": True,
            "ending": "recorded to its end",
            "parent": None,
            "started": [],
            "damage": None,
            "status": 3,
            "duration_ns": 2000,
            "steps": 6,
            "calls": 2,
            "returns": 1,
            "yields": 1,
            "resumes": 1,
            "throws": 0,
            "unwinds": 1,
            "raises": 1,
            "handled": 0,
            "lowered": [],
            "lost": 0,
            "unfinished": 0,
            "outputs": 1,
            "files": 1,
            "threads": [
                {"number": 0, "ident": 71, "name": "Main", "calls": 1, "steps": 3},
                {"number": 1, "ident": 72, "name": "Worker", "calls": 1, "steps": 3},
            ],
        }
    ]


def test_people_are_told_the_same_in_lines(tmp_path: Path) -> None:
    logs.write_trace(
        tmp_path / "out",
        logs.log([*BEGIN, *WORK, EXIT], pid=9),
        metadata={
            "args": ["-v"],
            "python": {"implementation": "cpython", "version": "3.13.0"},
            "exit_status": {"code": 3, "label": "exited 3"},
            "duration_ns": 1_500_000_000,
            "filters": {
                "filters": [{"name": "builtin-default"}, {"name": "mine"}],
                "stats": {"value_redactions": {"local": 2, "global": 1}},
            },
        },
    )

    done = info("out", cwd=tmp_path)

    assert (done.code, done.stderr) == (0, "")
    for line in (
        "program    /app/app.py -v",
        "python     cpython 3.13.0",
        "ended      exited 3",
        "duration   1.5s",
        "filters    builtin-default, mine; 3 values redacted",
        "complete   yes",
        "process 9  out/process-9.ctlog",
        "             6 steps, 2 calls, 1 returns, 1 unwinds, 1 files",
        "  thread 1   Worker: 1 calls, 3 steps",
    ):
        assert line in done.stdout.splitlines(), done.stdout


def test_a_log_without_an_end_is_counted_and_called_incomplete(tmp_path: Path) -> None:
    logs.write_trace(tmp_path / "out", logs.log([*BEGIN, *WORK[:5]], pid=2**31, filled=False))

    done = info("out", cwd=tmp_path)

    assert done.code == 0
    assert "complete   no: process-2147483648.ctlog has no end: its process was killed" in (
        done.stdout
    )
    assert "  0 lost, 2 unfinished" in done.stdout


def test_damage_is_told_with_what_could_be_read_and_the_exit_code_is_1(tmp_path: Path) -> None:
    log = logs.log([*BEGIN, *WORK], [EXIT])
    logs.write_trace(tmp_path / "out", log[:-1] + b"X")

    done = info("out", "--format", "json", cwd=tmp_path)

    assert (done.code, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    assert "block 1 has another checksum" in found["problem"]
    assert "block 1 has another checksum" in found["processes"][0]["damage"]
    assert (found["complete"], found["processes"][0]["complete"]) == (False, False)
    assert found["processes"][0]["steps"] == 6


def test_a_trace_that_is_not_there_is_one_line_and_1(tmp_path: Path) -> None:
    done = info("none", cwd=tmp_path)

    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == (
        "codetracer: error: [ERR_TRACE_MISSING] there is no none; name the folder of a recording,"
        " or a log in it\n"
    )


@pytest.mark.slow
def test_a_real_recording_is_complete_and_its_counts_agree_with_what_ran(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "def f(n):\n    return n\nfor i in range(20):\n    f(i)\n"})
    recorded = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)
    assert recorded.code == 0, recorded

    found = json.loads(info("out", "--format", "json", cwd=tmp_path).stdout)

    assert (found["complete"], found["problem"]) == (True, None)
    (process,) = found["processes"]
    assert (process["calls"], process["returns"], process["status"]) == (21, 21, 0)
    # def, 21 times the head of the loop, 20 times each line that it runs.
    assert process["steps"] == 1 + 21 + 20 + 20
    assert found["metadata"]["counts"]["calls"] == process["calls"]
