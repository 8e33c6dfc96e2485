"""Records a program before a debugger looks at it."""

from __future__ import annotations

import codecs
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

from codetracer.debug.dap.checks import RequestError
from codetracer.recording.names import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from codetracer.debug.dap.client import Client
    from codetracer_bindings.debug_protocol import LaunchRequestArguments

__all__ = ["TARGETS", "FirstRecording", "folder_of"]

SECONDS_TO_END: Final = 3.0
"""The seconds that a program has to end after the request."""

TARGETS: Final = ("recording", "program", "module", "code", "pytest")
"""The arguments of ``launch`` of which there is one."""


def folder_of(arguments: LaunchRequestArguments) -> str:
    """Return the folder in which a program runs, and from which paths count.

    Raises:
        RequestError: there is no such folder.
    """
    folder = os.path.abspath(arguments.get("cwd") or ".")
    if not os.path.isdir(folder):
        raise RequestError(f"cwd: there is no folder {folder}")
    return folder


class FirstRecording:
    """A program that is being recorded; what it writes goes to the client.

    Parameters:
        client: the client.
        arguments: of the request, with one of `TARGETS` that is no recording.
        on_end: called in another thread when the program has ended, with its exit status.

    Attributes:
        folder: the folder of the recording.

    Raises:
        RequestError: the program cannot be started.
    """

    def __init__(
        self, client: Client, arguments: LaunchRequestArguments, on_end: Callable[[int], None]
    ) -> None:
        self._client = client
        self._on_end = on_end
        where = folder_of(arguments)
        self.folder = _free_folder(where)
        command = [sys.executable, "-m", "codetracer", "record", "-q", "-o", self.folder]
        given = {**os.environ, **arguments.get("env", {})}
        try:
            self._process = subprocess.Popen(
                [*command, *_target(arguments), *arguments.get("args", ())],
                cwd=where,
                env={name: value for name, value in given.items() if value is not None},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a null byte in an argument
            raise RequestError(f"the program cannot be started: {error}") from None
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """End the program and what it has started; return when it has ended."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(SECONDS_TO_END)
            except (ProcessLookupError, PermissionError):
                return
            except subprocess.TimeoutExpired:
                continue
            return

    def _follow(self) -> None:
        streams = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        readers = [
            threading.Thread(target=self._forward, args=(stream, name), daemon=True)
            for name, stream in streams.items()
            if stream is not None
        ]
        for reader in readers:
            reader.start()
        status = self._process.wait()
        for reader in readers:
            # A process that it started may go on and hold the pipe.
            reader.join(SECONDS_TO_END)
        self._on_end(status)

    def _forward(self, stream: BinaryIO, name: str) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        while data := os.read(stream.fileno(), 1 << 16):
            text = decoder.decode(data)
            if text:
                self._client.say(text, name)


def _target(arguments: LaunchRequestArguments) -> list[str]:
    """Return what names the program on the command line of ``record``."""
    if "module" in arguments:
        return ["-m", arguments["module"]]
    if "code" in arguments:
        return ["-c", arguments["code"]]
    if "pytest" in arguments:
        return ["--pytest", *([arguments["pytest"]] if arguments["pytest"] else [])]
    # A name may begin with a dash.
    return ["--", arguments.get("program", "")]


def _free_folder(where: str) -> str:
    """Return the path of a folder that is not there, named as ``record`` names it."""
    number = 1
    folder = os.path.join(where, DEFAULT_FOLDER)
    while os.path.lexists(folder):
        number += 1
        folder = os.path.join(where, f"{DEFAULT_FOLDER}-{number}")
    return folder
