"""Programs stepped through, to the end and back: at every stop is what `bdb` sees in a live run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.dap import Client, Server
from tests.support.debugged_programs import PROGRAMS
from tests.support.running import ROOT, trace_environ, write

OBJECT_NUMBER = re.compile(r" #[0-9]+")


class Row(NamedTuple):
    """What can be seen at a stop."""

    stack: list[tuple[str, int]]
    variables: dict[str, dict[str, str | None]]


@pytest.fixture(scope="module")
def programs(folder: Path) -> Path:
    """Return a folder with a folder for each program: its recording, and what `bdb` saw."""
    for name, program in PROGRAMS.items():
        write(folder / name, {"app.py": program.text})
    script = ROOT / "tests/support/bdb_steps.py"
    command = [sys.executable, str(script), *(str(folder / name) for name in PROGRAMS)]
    subprocess.run(command, check=True, env=trace_environ() | {"PYTHONHASHSEED": "0"})
    return folder


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_stop_is_what_bdb_sees_forwards_and_backwards(
    programs: Path, server: Server, name: str
) -> None:
    expected = seen_by_bdb(programs / name)

    with server.connect() as client:
        walks = [*all_walks(client, programs / name)]

    assert len(walks) == len(expected) == 1 + len(PROGRAMS[name].others)
    for forwards, backwards in walks:
        assert backwards == forwards[::-1]
    for forwards, _ in walks:
        (live,) = (rows for rows in expected if rows[0].stack == forwards[0].stack)
        assert [row.stack for row in forwards] == [row.stack for row in live]
        for row, there in zip(forwards, live, strict=True):
            assert without_unseen(row, there) == there


def seen_by_bdb(folder: Path) -> list[list[Row]]:
    """Return what `bdb` saw, by thread."""
    found: dict[tuple[str, str], list[Row]] = {}
    for path in folder.glob("seen-*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            stack = [(name, line) for name, line in row.pop("stack")]
            thread = found.setdefault((path.name, row.pop("thread")), [])
            thread.append(Row(stack, row))
    return [*found.values()]


def without_unseen(row: Row, there: Row) -> Row:
    """Return a row without the values that `bdb` has no text for."""
    cleaned = {
        scope: {
            name: None if there.variables.get(scope, {}).get(name, "") is None else value
            for name, value in values.items()
        }
        for scope, values in row.variables.items()
    }
    return Row(row.stack, {"Locals": {}, **cleaned})


def all_walks(client: Client, folder: Path) -> Iterator[tuple[list[Row], list[Row]]]:
    """Go through each thread to its end and back; yield what was seen."""
    client.begin(recording=str(folder / "out"), stopOnEntry=True)
    yield walk(client, 1)
    for function in PROGRAMS[folder.name].others:
        client.ask("setFunctionBreakpoints", breakpoints=[{"name": function}])
        while not client.go("reverseContinue").get("description", "").startswith("at the beg"):
            pass
        stop = client.go("continue")
        assert stop["reason"] == "function breakpoint"
        client.ask("setFunctionBreakpoints", breakpoints=[])
        thread = stop["threadId"]
        while "description" not in client.go("stepBack", thread, granularity="instruction"):
            pass
        yield walk(client, thread)


def walk(client: Client, thread: int) -> tuple[list[Row], list[Row]]:
    return (
        [*rows(client, thread, "stepIn")],
        [*rows(client, thread, "stepBack", granularity="instruction")],
    )


def rows(client: Client, thread: int, command: str, **arguments: Any) -> Iterator[Row]:
    stop: dict[str, Any] = {}
    while "description" not in stop:
        yield row_of(client, thread)
        stop = client.go(command, thread, **arguments)
        assert stop["threadId"] == thread


def row_of(client: Client, thread: int) -> Row:
    frames = client.ask("stackTrace", threadId=thread)["stackFrames"]
    seen = client.seen(frames[0]["id"])
    texts: dict[str, dict[str, str | None]] = {
        scope: {name: OBJECT_NUMBER.sub("", value) for name, value in values.items()}
        for scope, values in seen.items()
    }
    return Row([(frame["name"], frame["line"]) for frame in frames], texts)
