"""A client of the Debug Adapter Protocol, for tests: it sends requests and keeps what comes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from tests.support.running import trace_environ

__all__ = ["Client", "Refused", "Server", "serve", "start"]

INITIALIZE = {"adapterID": "codetracer", "supportsProgressReporting": True}


class Refused(Exception):  # noqa: N818 - a response, not a failure
    """A request got an error response."""


class Client:
    """One side of a conversation.

    Attributes:
        events: the events that came, in order, and were not waited for.
    """

    def __init__(
        self,
        incoming: BinaryIO,
        outgoing: BinaryIO,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._process = process
        self._last = 0
        self._responses: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._outgoing.close()
        if self._process is not None:
            self._process.wait(30)
        self._incoming.close()

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request; return the body of its response."""
        return self.answer(self.send(command, **arguments))

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request; return its number."""
        self._last += 1
        message = {"seq": self._last, "type": "request", "command": command}
        self.put(json.dumps({**message, "arguments": arguments}).encode())
        return self._last

    def put(self, body: bytes, header: bytes | None = None) -> None:
        """Send anything."""
        self._outgoing.write(header or b"Content-Length: %d\r\n\r\n" % len(body))
        self._outgoing.write(body)
        self._outgoing.flush()

    def answer(self, number: int) -> dict[str, Any]:
        """Return the body of a response."""
        while number not in self._responses:
            self._receive()
        response = self._responses.pop(number)
        if not response["success"]:
            assert response["body"]["error"]["format"] == "{why}"
            raise Refused(response["message"])
        body: dict[str, Any] = response.get("body", {})
        return body

    def wait(self, event: str) -> dict[str, Any]:
        """Return the body of the next event of a kind; those before it are dropped."""
        while True:
            while self.events:
                found = self.events.pop(0)
                if found["event"] == event:
                    body: dict[str, Any] = found.get("body", {})
                    return body
            self._receive()

    def ended(self) -> int:
        """Return the exit status of the server when it has ended."""
        assert self._process is not None
        return self._process.wait(10)

    def rest(self) -> bytes:
        """Return what comes until the server closes the stream."""
        return self._incoming.read()

    def until_stopped(self) -> list[str]:
        """Return what is written until the next stop."""
        written: list[str] = []
        while True:
            while self.events:
                found = self.events.pop(0)
                if found["event"] == "stopped":
                    return written
                if found["event"] == "output":
                    written.append(found["body"]["output"])
            self._receive()

    def begin(self, **arguments: Any) -> dict[str, Any]:
        """Launch, without breakpoints; return the first stop."""
        self.ask("initialize", **INITIALIZE)
        self.ask("launch", **arguments)
        self.wait("initialized")
        self.ask("configurationDone")
        return self.wait("stopped")

    def go(self, command: str, thread: int = 1, **arguments: Any) -> dict[str, Any]:
        """Send a request that moves; return the stop that follows."""
        self.ask(command, threadId=thread, **arguments)
        return self.wait("stopped")

    def top(self, thread: int = 1) -> dict[str, Any]:
        """Return the innermost frame of a thread."""
        frames: list[dict[str, Any]] = self.ask("stackTrace", threadId=thread, levels=1)[
            "stackFrames"
        ]
        return frames[0]

    def seen(self, frame: int) -> dict[str, dict[str, str]]:
        """Return the variables of a frame, by scope and name."""
        return {
            scope["name"]: {each["name"]: each["value"] for each in self.inside(scope)}
            for scope in self.ask("scopes", frameId=frame)["scopes"]
        }

    def inside(self, value: dict[str, Any], **arguments: Any) -> list[dict[str, Any]]:
        """Return what is inside a scope or a variable."""
        number = value["variablesReference"]
        found: list[dict[str, Any]] = self.ask("variables", variablesReference=number, **arguments)[
            "variables"
        ]
        return found

    def _receive(self) -> None:
        size = 0
        while line := self._incoming.readline().strip():
            size = int(line.removeprefix(b"Content-Length: "))
        message = json.loads(self._incoming.read(size))
        if message["type"] == "event":
            self.events.append(message)
        else:
            self._responses[message["request_seq"]] = message


def interpreter() -> list[str]:
    """Return how a server's command begins; scripts/coverage.sh has it measured."""
    measured = ["-m", "coverage", "run", "--parallel-mode", "--branch", "--source=codetracer"]
    return [sys.executable, *(measured if "COVERAGE_FILE" in os.environ else [])]


def start(cwd: Path) -> Client:
    """Start a server on standard streams."""
    process = subprocess.Popen(
        [*interpreter(), "-m", "codetracer", "dap"],
        cwd=cwd,
        env=trace_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    incoming, outgoing = cast("BinaryIO", process.stdout), cast("BinaryIO", process.stdin)
    return Client(incoming, outgoing, process)


class Server:
    """A server at a port.

    Attributes:
        port: the port.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        assert process.stderr is not None
        self.port = int(process.stderr.readline().rpartition(b":")[2])

    def connect(self) -> Client:
        """Return a client of it."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        reader, writer = connection.makefile("rb"), connection.makefile("wb")
        connection.close()
        return Client(reader, writer)


@contextlib.contextmanager
def serve(cwd: Path) -> Iterator[Server]:
    """Start a server at a port, and end it."""
    process = subprocess.Popen(
        [*interpreter(), "-m", "codetracer", "dap", "--listen", "0"],
        cwd=cwd,
        env=trace_environ(),
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield Server(process)
        finally:
            process.send_signal(signal.SIGINT)
