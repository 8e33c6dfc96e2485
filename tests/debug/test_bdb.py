"""Programs stepped through, to the end and back: at every stop is what `bdb` sees in a live run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.company import NoRegistryError, node_client
from tests.support.dap import Client, Server
from tests.support.debugged import Row, Walk, as_in_bdb, make_programs, row
from tests.support.debugged_programs import PROGRAMS
from tests.support.running import ROOT, trace_environ

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def programs(folder: Path) -> Path:
    make_programs(folder)
    return folder


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_stop_is_what_bdb_sees_forwards_and_backwards(
    programs: Path, server: Server, name: str
) -> None:
    with server.connect() as client:
        walks = [*all_walks(client, programs / name)]

    as_in_bdb(walks, programs / name)


def all_walks(client: Client, folder: Path) -> Iterator[Walk]:
    """Go through each thread to its end and back; yield what was seen."""
    client.begin(recording=str(folder / "out"), stopOnEntry=True)
    yield walk(client, 1)
    for function in PROGRAMS[folder.name].others:
        client.ask("setFunctionBreakpoints", breakpoints=[{"name": function}])
        while "description" not in client.go("reverseContinue"):
            pass
        stop = client.go("continue")
        assert stop["reason"] == "function breakpoint"
        client.ask("setFunctionBreakpoints", breakpoints=[])
        thread = stop["threadId"]
        while "description" not in client.go("stepBack", thread, granularity="instruction"):
            pass
        yield walk(client, thread)


def walk(client: Client, thread: int) -> Walk:
    return (
        [*rows(client, thread, "stepIn")],
        [*rows(client, thread, "stepBack", granularity="instruction")],
    )


def rows(client: Client, thread: int, command: str, **arguments: Any) -> Iterator[Row]:
    stop: dict[str, Any] = {}
    while "description" not in stop:
        frames = client.ask("stackTrace", threadId=thread)["stackFrames"]
        stack = [(frame["name"], frame["line"]) for frame in frames]
        yield row(stack, client.seen(frames[0]["id"]))
        stop = client.go(command, thread, **arguments)
        assert stop["threadId"] == thread


@pytest.mark.network
def test_the_client_that_tests_the_adapters_of_vs_code_sees_the_same(
    programs: Path, server: Server, tmp_path: Path
) -> None:
    try:
        node, modules = node_client()
    except NoRegistryError as error:
        # As `make test` leaves out what needs PyPI where there is none.
        pytest.skip(str(error))
    (tmp_path / "dap.py").write_text("from codetracer.cli import main\nmain(['dap'])\n")
    chosen = [{"folder": str(programs / n), "others": PROGRAMS[n].others} for n in PROGRAMS]
    (tmp_path / "programs.json").write_text(json.dumps(chosen))
    script = ROOT / "tests/debug/testsupport/walk.js"

    server_script, names = tmp_path / "dap.py", tmp_path / "programs.json"

    done = subprocess.run(
        [str(node), str(script), str(server.port), sys.executable, str(server_script), str(names)],
        env=trace_environ() | {"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for name, line in zip(PROGRAMS, done.stdout.splitlines(), strict=True):
        walks = [tuple([*map(seen, way)] for way in walk) for walk in json.loads(line)]
        as_in_bdb([(forwards, backwards) for forwards, backwards in walks], programs / name)


def seen(found: dict[str, Any]) -> Row:
    stack = found.pop("stack")
    return row(stack, found)
