"""Neither wrong messages of a client nor programs that are recorded first end the server."""

from __future__ import annotations

import os
import random
import socket
import time
from pathlib import Path
from typing import Any, is_typeddict

import pytest

from codetracer_bindings.debug_protocol import ARGUMENTS
from tests.support.dap import INITIALIZE, Client, Refused, Server, start
from tests.support.running import execute, write


@pytest.fixture(scope="module")
def recording(folder: Path) -> Path:
    write(folder, {"app.py": "def f(x):\n    y = [x]\n    return y\nf(1)\nf({'a': None})\n"})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=folder)
    return folder / "out"


def refused(client: Client, command: str, **arguments: Any) -> str:
    with pytest.raises(Refused) as caught:
        client.ask(command, **arguments)
    return str(caught.value)


@pytest.mark.slow
def test_a_request_that_does_not_fit_is_answered_with_what_is_wrong(
    server: Server, recording: Path
) -> None:
    with server.connect() as client:
        assert "the first request must be initialize" in refused(client, "threads")
        assert "arguments of initialize lacks adapterID" in refused(client, "initialize")
        client.ask("initialize", adapterID="test")
        assert "there is no recording yet" in refused(client, "threads")
        assert "does not know the request 'fly'" in refused(client, "fly")
        client.ask("launch", recording=str(recording), stopOnEntry=True)
        client.ask("configurationDone")
        said = refused(client, "stackTrace", threadId="one")
        assert said == "arguments of stackTrace.threadId is 'one'; it must be a whole number"
        assert "lacks threadId" in refused(client, "next")
        assert "is True; it must be a whole number" in refused(client, "next", threadId=True)
        assert "breakpoints[0] lacks line" in refused(
            client, "setBreakpoints", source={}, breakpoints=[{}]
        )
        assert "it can be 'indexed', 'named'" in refused(
            client, "variables", variablesReference=1, filter="all"
        )
        assert "there are no variables 77" in refused(client, "variables", variablesReference=77)
        assert "launch was answered before" in refused(client, "launch", recording="x")
        assert client.ask("threads")["threads"]


@pytest.mark.slow
def test_what_is_no_message_is_answered_too(server: Server) -> None:
    for body, said in (
        (b"{nonsense", "a message is not JSON"),
        (b"[1]", "a message is not a JSON object"),
        (b"\xff\xfe", "a message is not JSON"),
        (b"[" * 100_000, "a message is not JSON"),
        (b'{"type": "event"}', "only requests with a command are answered"),
        (b'{"seq": [], "type": "request", "command": 7}', "only requests with a command"),
        (b'{"seq": 0, "type": "request", "command": "next", "arguments": 3}', "must be initialize"),
    ):
        with server.connect() as client:
            client.put(body)
            with pytest.raises(Refused, match=said):
                client.answer(0)
            client.ask("initialize", **INITIALIZE)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 9999999999\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"x" * 100_000,
    ],
    ids=["browser", "too long", "no number", "no header"],
)
def test_what_has_no_header_ends_the_conversation_alone(server: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
        answer = b""
        try:
            while data := connection.recv(1 << 16):
                answer += data
        except ConnectionResetError:
            # It did not read all that was sent.
            pass
    assert b'"success":true' not in answer
    with server.connect() as client:
        client.ask("initialize", **INITIALIZE)


def keys_of(kind: Any) -> list[str]:
    return [*getattr(kind, "__annotations__", ())] if is_typeddict(kind) else []


def why_refused(client: Client, number: int) -> list[str]:
    try:
        client.answer(number)
    except Refused as error:
        return [str(error)]
    return []


@pytest.mark.slow
def test_any_arguments_get_an_answer(server: Server, recording: Path) -> None:
    chosen = random.Random(4)
    values: list[Any] = [
        *(0, -1, 1, 2, 1 << 70, 1.5, True, None, "", "x", "\ud800\0", [], [1], {}),
        *({"path": str(recording.parent / "app.py")}, {"sourceReference": -3}, [{"line": 2}]),
        *([{"line": -9, "condition": "(" * 999}], [{"name": "f"}], [{"dataId": "?"}], ["raised"]),
    ]
    keys = sorted({key for kind in ARGUMENTS.values() for key in keys_of(kind)})
    failures: list[str] = []
    commands = sorted({*ARGUMENTS} - {"disconnect", "terminate", "initialize", "launch"})
    with server.connect() as client:
        client.begin(recording=str(recording), stopOnEntry=True)
        numbers = []
        for _ in range(600):
            command = chosen.choice(commands)
            own = keys_of(ARGUMENTS[command])
            names = chosen.sample([*own, *own, *keys], 3)
            arguments = {name: chosen.choice(values) for name in names}
            numbers.append(client.send(command, **arguments))
        for number in numbers:
            failures += why_refused(client, number)
        assert client.ask("threads")["threads"]
        said = [each["body"]["output"] for each in client.events if each["event"] == "output"]
    failures += said
    assert [why for why in failures if "codetracer failed" in why] == []
    assert len(failures) < len(numbers)


def test_a_recording_that_is_not_there_or_damaged_is_refused(
    server: Server, recording: Path, tmp_path: Path
) -> None:
    log = next(recording.glob("*.ctlog")).read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/process-1.ctlog").write_bytes(log[: len(log) // 4])
    (tmp_path / "head").mkdir()
    (tmp_path / "head/process-1.ctlog").write_bytes(log[:20])
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        ({"recording": str(tmp_path / "none")}, "there is no"),
        ({"recording": str(tmp_path / "empty")}, "is not a recording"),
        ({"recording": str(tmp_path / "cut")}, "is damaged: it ends within block 0"),
        ({"recording": str(tmp_path / "head")}, "ends within its header"),
        ({}, "launch needs one of recording, program, module, code, pytest; it has none"),
        ({"recording": "x", "program": "y"}, "launch needs one of"),
        ({"program": "x", "cwd": str(tmp_path / "none")}, "cwd: there is no folder"),
        ({"program": "x", "env": {"A": 1}}, "env.A has the wrong type"),
        ({"code": "\0"}, "the program cannot be started"),
    ):
        with server.connect() as client:
            client.ask("initialize", **INITIALIZE)
            assert said in refused(client, "launch", **arguments)
            # Another try is allowed.
            client.ask("launch", recording=str(recording))


# ---------------------------------------------------------------- recorded first


def launched(client: Client, **arguments: Any) -> tuple[dict[str, Any], str]:
    """Launch something, and return the first stop and what it wrote."""
    client.ask("initialize", **INITIALIZE)
    client.ask("launch", **arguments)
    written = [event["body"] for event in client.events if event["event"] == "output"]
    client.wait("initialized")
    client.ask("configurationDone")
    output = "".join(each["output"] for each in written if each["category"] == "stdout")
    return client.wait("stopped"), output


@pytest.mark.slow
def test_a_script_a_module_code_or_a_test_is_recorded_first(server: Server, tmp_path: Path) -> None:
    text = "import os, sys\nprint(sys.argv[1:], os.environ.get('COLOUR'), os.getcwd())\n1 / 0\n"
    test = "def test_it(pytestconfig):\n    size = 3\n    assert size == 4\n"
    write(tmp_path, {"app.py": text, "package/__main__.py": text, "test_it.py": test})
    shared = {"args": ["a", "-b"], "cwd": str(tmp_path), "env": {"COLOUR": "red"}}
    said = f"['a', '-b'] red {tmp_path}\n"

    for launch in ({"program": "app.py"}, {"module": "package"}, {"code": text}):
        with server.connect() as client:
            stop, output = launched(client, **launch, **shared)
            assert (stop["reason"], client.top()["line"]) == ("exception", 3)
            assert output == said
    with server.connect() as client:
        stop, output = launched(client, pytest="test_it.py", args=["-q"], cwd=str(tmp_path))
        assert (stop["reason"], client.top()["name"]) == ("exception", "test_it")
        assert client.seen(client.top()["id"])["Locals"]["size"] == "3"
        assert "1 failed" in output
    # Each is kept, and has a name as `codetracer record` gives it.
    assert sorted(path.name for path in tmp_path.glob("trace-out*")) == [
        "trace-out",
        "trace-out-2",
        "trace-out-3",
        "trace-out-4",
    ]


def test_progress_is_told_to_a_client_that_asks_for_it(server: Server, tmp_path: Path) -> None:
    with server.connect() as client:
        client.ask("initialize", **INITIALIZE)
        client.ask("launch", code="pass", cwd=str(tmp_path))
        told = [event["event"] for event in client.events]
        titles = [event["body"]["title"] for event in client.events if "Start" in event["event"]]

    assert titles == ["Recording the program", "Preparing the recording"]
    assert told.count("progressStart") == told.count("progressEnd") == 2


@pytest.mark.slow
def test_a_program_that_cannot_be_recorded_is_told(server: Server, tmp_path: Path) -> None:
    with server.connect() as client:
        client.ask("initialize", **INITIALIZE)
        assert "nothing was recorded: the program ended with status" in refused(
            client, "launch", program="none.py", cwd=str(tmp_path)
        )
        errors = [event["body"] for event in client.events if event["event"] == "output"]
    assert "none.py" in "".join(each["output"] for each in errors)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["terminate", "disconnect", "leave"])
def test_a_program_that_is_being_recorded_ends_with_the_session(
    tmp_path: Path, ending: str
) -> None:
    code = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    with start(tmp_path) as client:
        client.ask("initialize", **INITIALIZE)
        client.send("launch", code=code)
        pid = int(client.wait("output")["output"])
        assert is_there(pid)
        if ending != "leave":
            client.ask(ending)
    end = time.monotonic() + 20
    while is_there(pid):
        assert time.monotonic() < end
        time.sleep(0.05)


# ---------------------------------------------------------------- standard streams


@pytest.mark.slow
def test_standard_streams_carry_nothing_but_messages(tmp_path: Path, recording: Path) -> None:
    with start(tmp_path) as client:
        stop = client.begin(recording=str(recording), stopOnEntry=True)
        assert (stop["reason"], client.top()["line"]) == ("entry", 1)
        # It is longer than a pipe holds.
        assert "4,000 characters" in refused(client, "evaluate", expression="1" * 300_000)
        client.ask("disconnect")

        # It ends by itself, though an editor may keep the streams open.
        assert client.ended() == 0


def test_a_connection_is_closed_after_disconnect(server: Server) -> None:
    with server.connect() as client:
        client.ask("initialize", **INITIALIZE)
        client.ask("disconnect")
        assert client.rest() == b""


def test_a_port_is_served_for_this_machine_alone(server: Server) -> None:
    # Another address of this machine stands for those of its networks.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port))


@pytest.mark.slow
def test_a_port_that_is_taken_is_refused(server: Server, tmp_path: Path) -> None:
    outcome = execute("-m", "codetracer", "dap", "--listen", str(server.port), cwd=tmp_path)

    assert outcome.code == 1
    assert f"port {server.port} cannot be used: Address already in use" in outcome.stderr


FORKS = """\
import os, time
def f(n):
    return n
for n in range(2):
    if os.fork() == 0:
        # The clocks of two processes may differ by some milliseconds.
        time.sleep(0.03)
        f(n)
        time.sleep(0.03)
        os._exit(0)
    os.wait()
    time.sleep(0.03)
f(9)
"""


@pytest.mark.slow
def test_processes_stop_at_the_same_breakpoint_and_are_told_apart(
    server: Server, tmp_path: Path
) -> None:
    write(tmp_path, {"app.py": FORKS})
    execute("-m", "codetracer", "record", "-q", "--io-capture=off", "app.py", cwd=tmp_path)
    with server.connect() as client:
        client.begin(recording=str(tmp_path / "trace-out"), stopOnEntry=True)
        client.ask("setFunctionBreakpoints", breakpoints=[{"name": "f"}])
        forwards = [stops_in_f(client, "continue")]
        # The first process is at this line now: it is what happened last before.
        line = FORKS.splitlines().index("    os.wait()") + 1
        source = {"path": str(tmp_path / "app.py")}
        client.ask("setBreakpoints", source=source, breakpoints=[{"line": line}])
        stop = client.go("reverseContinue")
        assert (stop["reason"], client.top(stop["threadId"])["line"]) == ("breakpoint", line)
        client.ask("setBreakpoints", source=source, breakpoints=[])
        assert stops_in_f(client, "continue") == forwards[0]
        forwards += [stops_in_f(client, "continue") for _ in range(2)]
        assert client.go("continue")["description"] == "at the end of the recording"
        backwards = [stops_in_f(client, "reverseContinue") for _ in range(2)]
        names = {each["name"].partition(", PID")[0] for each in client.ask("threads")["threads"]}

    assert [value for value, _ in forwards] == ["0", "1", "9"]
    assert len({thread for _, thread in forwards}) == 3
    assert backwards == forwards[1::-1]
    assert names == {"MainThread (process 0", "MainThread (process 1"}


def stops_in_f(client: Client, command: str) -> tuple[str, int]:
    stop = client.go(command)
    thread: int = stop["threadId"]
    assert stop["reason"] == "function breakpoint"
    return client.seen(client.top(thread)["id"])["Locals"]["n"], thread
