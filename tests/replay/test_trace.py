"""`codetracer.read`: the folder of a recording, its metadata, processes and sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import codetracer
from codetracer import HostError, TargetError
from codetracer.replay import CallEvent, StepEvent, render
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.running import execute, write

EXIT = encode.encode_exit(0, 1, 0)


def process(pid: int, *, end: bool = True) -> bytes:
    """Return a log of one call."""
    records = [
        encode.encode_source("/app/app.py"),
        encode.encode_thread(1, f"Main of {pid}"),
        logs.code("<module>", kind=0),
        encode.encode_call(0, 0, []),
        encode.encode_step(0),
        encode.encode_return(0, logs.NONE),
    ]
    return logs.log([*records, *([EXIT] if end else [])], pid=pid, filled=end)


def ended_pid() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_whole_trace_has_metadata_processes_and_no_problem(tmp_path: Path) -> None:
    logs.write_trace(tmp_path / "out", process(5), metadata={"args": ["-x"]})

    trace = codetracer.read(tmp_path / "out")

    assert trace.metadata["args"] == ["-x"]
    assert [found.pid for found in trace.processes] == [5]
    assert (trace.complete, trace.problem) == (True, None)
    assert (trace.path, trace.folder) == (str(tmp_path / "out"), str(tmp_path / "out"))


def test_the_processes_come_as_the_metadata_orders_them(tmp_path: Path) -> None:
    logs.write_trace(tmp_path, process(30), process(4))

    trace = codetracer.read(tmp_path)

    assert [found.pid for found in trace.processes] == [30, 4]
    assert [event.thread.name for event in trace if isinstance(event, StepEvent)] == [
        "Main of 30",
        "Main of 4",
    ]
    (call,) = [event for event in trace.replay() if isinstance(event, CallEvent)]
    assert call.thread.name == "Main of 30"


def test_a_log_may_be_named_itself(tmp_path: Path) -> None:
    logs.write_trace(tmp_path, process(30), process(4))

    trace = codetracer.read(tmp_path / "process-4.ctlog")

    assert [found.pid for found in trace.processes] == [4]
    assert trace.metadata["program"] == "/app/app.py"


def test_a_log_without_an_end_is_not_complete_and_the_reason_is_guarded(tmp_path: Path) -> None:
    gone = ended_pid()
    logs.write_trace(tmp_path / "dead", process(gone, end=False))
    logs.write_trace(tmp_path / "alive", process(os.getpid(), end=False))

    dead, alive = codetracer.read(tmp_path / "dead"), codetracer.read(tmp_path / "alive")

    assert not dead.complete
    assert f"process-{gone}.ctlog has no end: its process was killed" in str(dead.problem)
    assert not alive.complete
    assert "may still be recording" in str(alive.problem)


def test_the_recorders_own_reason_is_the_one_that_is_told(tmp_path: Path) -> None:
    reason = {"complete": False, "incomplete_reason": "the disk was full"}
    logs.write_trace(tmp_path / "a", process(1, end=False), metadata=reason)
    logs.write_trace(tmp_path / "b", process(1), metadata=reason)

    for name in ("a", "b"):
        assert codetracer.read(tmp_path / name).problem == "the disk was full"


@pytest.mark.parametrize("content", [None, "{", "[1]", "[" * 100_000])
def test_a_trace_can_be_read_without_its_metadata(tmp_path: Path, content: str | None) -> None:
    logs.write_trace(tmp_path, process(1))
    (tmp_path / "trace_metadata.json").unlink()
    if content is not None:
        (tmp_path / "trace_metadata.json").write_text(content)

    trace = codetracer.read(tmp_path)

    assert trace.metadata == {}
    assert "trace_metadata.json" in str(trace.problem)
    assert len(list(trace)) == 5


def test_where_there_is_no_trace_the_error_says_so(tmp_path: Path) -> None:
    for path, text in ((tmp_path / "none", "there is no"), (tmp_path, "is not a recording")):
        with pytest.raises(TargetError, match=text) as caught:
            codetracer.read(path)
        assert caught.value.code == "ERR_TRACE_MISSING"


def test_a_log_that_cannot_be_read_is_an_error_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "process-1.ctlog").mkdir()

    with pytest.raises(HostError, match="Is a directory"):
        codetracer.read(tmp_path)


def test_source_lines_come_from_the_copies_and_their_encoding_is_known(tmp_path: Path) -> None:
    logs.write_trace(tmp_path, process(1), sources={"/app/app.py": "a = 1\n  b = 2\n"})
    (tmp_path / "sources" / "latin.py").write_bytes("# coding: latin-1\n'ä'\n".encode("latin-1"))
    metadata = json.loads((tmp_path / "trace_metadata.json").read_text())
    metadata["sources"]["/app/latin.py"] = "latin.py"
    (tmp_path / "trace_metadata.json").write_text(json.dumps(metadata))

    trace = codetracer.read(tmp_path)

    assert trace.source_lines("/app/app.py") == ["a = 1", "  b = 2"]
    assert trace.source_line("/app/app.py", 2) == "b = 2"
    assert trace.source_line("/app/app.py", 3) == trace.source_line("/app/app.py", 0) == ""
    assert trace.source_line("/app/latin.py", 2) == "'ä'"
    assert trace.source_lines("/app/other.py") == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", 5, None])
def test_no_file_outside_the_trace_is_read_whatever_the_metadata_says(
    tmp_path: Path, name: object
) -> None:
    folder = logs.write_trace(tmp_path / "out", process(1), metadata={"sources": {"/a": name}})
    (folder / "sources").mkdir()
    (folder / "secret").write_text("secret")

    assert codetracer.read(folder).source_copy("/a") is None


def test_a_real_recording_is_read_back_with_its_variables(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "def f(a):\n    b = [a]\n    b.append(b)\n    return b\nf(5)\n"})
    done = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)
    assert done.code == 0, done

    trace = codetracer.read(tmp_path / "out")
    replay = trace.replay()
    steps = [
        (event.line, {name: render(v) for name, v in found.items()})
        for event in replay
        if isinstance(event, StepEvent) and event.frame.code.name == "f"
        for found in [replay.locals(event.frame)]
    ]

    assert trace.problem is None
    assert [line for line, _ in steps] == [2, 3, 4]
    assert steps[0][1] == {"a": "5"}
    assert steps[1][1] == {"a": "5", "b": "[5]"}
    assert steps[2][1]["b"].startswith("[5, <list #")
    assert trace.source_line(str(tmp_path / "app.py"), 3) == "b.append(b)"
