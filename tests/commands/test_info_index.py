"""`codetracer info` counts by the index of a log, and says the same as the log itself."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import codetracer
from codetracer import cli
from codetracer.replay import CallEvent, ReturnEvent, StepEvent, UnfinishedEvent, YieldEvent
from codetracer.replay.index_file import index_path
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import STREAM_STDOUT
from tests.support import logs
from tests.support.logs import NONE
from tests.support.long_recordings import MIXED
from tests.support.recordings import record

MUCH = encode.encode_output(STREAM_STDOUT, "", 0, b"x" * 70_000)
"""With a few of these, a log is long enough for an index."""

BLOCKS = [
    [
        encode.encode_joined(77),
        encode.encode_source("/app/app.py"),
        encode.encode_thread(71, "Main"),
        logs.code("<module>", kind=0),
        logs.code("gen", kind=3),
        MUCH,
    ],
    [
        encode.encode_call(0, 1000, []),
        encode.encode_step(0),
        encode.encode_child("python one.py"),
        *(encode.encode_call(1, 0, []) + encode.encode_lost() for _ in range(3)),
        MUCH,
    ],
    [encode.encode_resume(1, 0), encode.encode_step(1), encode.encode_lost(), MUCH],
    [
        encode.encode_resume(2, 5),
        encode.encode_thread(72, "Worker"),
        encode.encode_enter(1, 0, 1),
        encode.encode_step(1),
        # The frame leaves the other thread unseen.
        encode.encode_resume(2, 0),
        encode.encode_yield(5, NONE),
        encode.encode_raise(NONE),
        encode.encode_handled(NONE),
        MUCH,
    ],
    [
        encode.encode_throw(2, 0, NONE),
        encode.encode_unwind(0, NONE),
        encode.encode_child("python two.py"),
        encode.encode_exec("/bin/sh"),
    ],
]

COUNTED = {
    "parent": 77,
    "started": ["python one.py", "python two.py"],
    "status": None,
    "duration_ns": 1010,
    "steps": 3,
    "calls": 5,
    "returns": 0,
    "yields": 1,
    "resumes": 3,
    "throws": 1,
    "unwinds": 1,
    "raises": 1,
    "handled": 1,
    "unfinished": 2,
    "outputs": 4,
    # The second and the fourth frame.
    "lost": 2,
    "files": 1,
    "threads": [
        {"number": 0, "ident": 71, "name": "Main", "calls": 4, "steps": 2},
        {"number": 1, "ident": 72, "name": "Worker", "calls": 1, "steps": 1},
    ],
}


def info(capsys: pytest.CaptureFixture[str], folder: Path, code: int = 0) -> dict[str, Any]:
    """Return what `codetracer info` prints in this process about the only process."""
    capsys.readouterr()
    assert cli.main(["info", str(folder), "--format", "json"]) == code
    (process,) = json.loads(capsys.readouterr().out)["processes"]
    assert os.path.exists(index_path(process["log"]))
    found: dict[str, Any] = process
    return found


@pytest.mark.parametrize("filled", [True, False], ids=["closed", "with an open end"])
def test_the_counts_are_those_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], filled: bool
) -> None:
    blocks = BLOCKS if filled else [*BLOCKS, []]
    logs.write_trace(tmp_path / "out", logs.log(*blocks, filled=filled))

    found = info(capsys, tmp_path / "out")

    assert {name: found[name] for name in COUNTED} == COUNTED


def test_a_block_that_is_damaged_later_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.write_trace(tmp_path / "out", log := logs.log(*BLOCKS))
    info(capsys, tmp_path / "out")
    # It is in a block that is not decoded.
    at = log.index(b"xxx", 2 * len(MUCH) + 1000)
    (path,) = (tmp_path / "out").glob("*.ctlog")
    path.write_bytes(log[:at] + b"y" + log[at + 1 :])

    found = info(capsys, tmp_path / "out", code=1)

    assert "block 2 has another checksum" in found["damage"]
    assert (found["complete"], found["steps"]) == (False, 1)


@pytest.mark.slow
def test_a_real_recording_has_the_counts_of_its_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, MIXED)
    (process,) = codetracer.read(tmp_path / "out").processes
    kinds: Counter[object] = Counter()
    of_threads: Counter[object] = Counter()
    for event in process:
        kinds[type(event)] += 1
        of_threads[type(event), event.thread.number] += 1

    found = info(capsys, tmp_path / "out")

    assert (found["ending"], found["status"]) == ("recorded to its end", 0)
    for name, kind in {
        "steps": StepEvent,
        "calls": CallEvent,
        "returns": ReturnEvent,
        "yields": YieldEvent,
        "unfinished": UnfinishedEvent,
    }.items():
        assert found[name] == kinds[kind]
    for thread in found["threads"]:
        assert thread["steps"] == of_threads[StepEvent, thread["number"]]
        assert thread["calls"] == of_threads[CallEvent, thread["number"]]
