"""Runs the commands that read recordings, each in a process forked from one that has loaded them.

Such a process does what ``python -m codetracer`` does, except that it starts no interpreter and
imports nothing, which takes most of the time of a command. Tests whose subject is the start, the
environment or the terminal call `tests.support.running.execute` instead.
"""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support.running import Outcome, trace_environ

SERVER = """
import importlib, json, os, resource, runpy, socket, sys
from codetracer.cli import OTHER_COMMANDS, TRACE_COMMANDS
for name in (*TRACE_COMMANDS.values(), *OTHER_COMMANDS.values()):
    importlib.import_module(name)
connection = socket.socket(fileno=int(sys.argv[1]))
while request := socket.recv_fds(connection, 1 << 16, 3)[:2]:
    data, descriptors = request
    if not data:
        break
    child = os.fork()
    if not child:
        connection.close()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        folder, arguments, space = json.loads(data)
        os.chdir(folder)
        if space:
            resource.setrlimit(resource.RLIMIT_AS, (space, space))
        sys.argv[1:] = arguments
        sys.path[0] = folder
        runpy.run_module('codetracer', run_name='__main__', alter_sys=True)
        sys.exit('the command did not end the process')
    for descriptor in descriptors:
        os.close(descriptor)
    connection.send(b'%d' % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def read(*arguments: str | Path, cwd: Path, address_space: int = 0) -> Outcome:
    """Run ``codetracer ARGUMENT...`` in `cwd`, with no more bytes of `address_space`, if any."""
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        request = json.dumps([str(cwd), [str(argument) for argument in arguments], address_space])
        server = _server()
        socket.send_fds(
            server, [request.encode()], [file.fileno() for file in (stdin, stdout, stderr)]
        )
        answer = server.recv(64)
        assert answer, "the process that runs the commands has ended"
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return Outcome(int(answer), *texts)


@cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env=trace_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
