"""The process that runs commands on recordings, each in a child of its own with limits.

    python -m fuzz.reader

A line of JSON is a request: the folder to run in, the command line's arguments, where standard
output and standard error go, and the limits. The answer is a line: how the child ended, and the
seconds of CPU that it took.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from typing import Any

import codetracer.commands.event_counts
import codetracer.commands.printer
import codetracer.commands.show.call_tree
import codetracer.commands.show.exceptions
import codetracer.commands.show.function_calls
import codetracer.commands.show.state_at_step
import codetracer.export.codetracer_json
import codetracer.terminal  # noqa: F401 - all that the children need is loaded once
from codetracer.cli import main as command_line

__all__ = ["main"]

LARGEST_FILE = 256 << 20
"""Bytes that a command may write to a file."""

PATIENCE = 10
"""So many times the seconds of CPU that it may take, a command may take on a busy machine."""


def main() -> None:
    """Answer one request after the other."""
    for line in sys.stdin:
        request = json.loads(line)
        began = time.monotonic()
        child = os.fork()
        if not child:
            _run(request)
        answer = _wait(child, began + PATIENCE * request["seconds"])
        print(json.dumps(answer), flush=True)


def _wait(child: int, deadline: float) -> tuple[int | None, float]:
    """Return the exit status, negative for a signal, None when it took too long; and the CPU."""
    pause = 0.001
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code, used.ru_utime + used.ru_stime
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None, 0.0
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def _run(request: dict[str, Any]) -> None:
    """Be the command."""
    status: object = 70
    try:
        for name, descriptor in (("/dev/null", 0), (request["out"], 1), (request["err"], 2)):
            flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            opened = os.open(name, flags)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.chdir(request["folder"])
        resource.setrlimit(resource.RLIMIT_AS, (request["memory"], request["memory"]))
        seconds = request["seconds"]
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            status = command_line(request["arguments"])
        except SystemExit as end:
            status = end.code
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        status = 71
    finally:
        os._exit(status if isinstance(status, int) else 70)


if __name__ == "__main__":
    main()
