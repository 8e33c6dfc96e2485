"""Recording from within a program: `start`, `stop`, `trace` and what goes with them.

Light to import: what records is loaded when a recording starts.
"""

from __future__ import annotations

import atexit
import os
import sys

from codetracer.errors import RecorderError, UsageError
from codetracer.log import say
from codetracer.monitoring import install_tracer, uninstall_tracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from codetracer.runtime.io import CaptureMode
    from codetracer.runtime.lifecycle import Recorder
    from codetracer.runtime.values import Limits

__all__ = ["TraceSession", "flush", "is_tracing", "make_recorder", "start", "stop", "trace"]

_current: TraceSession | None = None


class TraceSession:
    """A recording of this process that has been started.

    It can be used as a context manager, which stops it.

    Attributes:
        path: the folder it is written to.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.path = recorder.directory.path

    def stop(self, exit_code: int | None = None) -> None:
        """End the recording; nothing happens if it has ended.

        Parameters:
            exit_code: the program's exit status, if it is known.
        """
        if _current is self:
            stop(exit_code)

    def flush(self) -> None:
        """Have the system write to the disk what has been recorded."""
        self._recorder.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def make_recorder(
    path: str | os.PathLike[str] | None,
    *,
    filter_start: str | None = None,
    trace_filter: Sequence[str] = (),
    builtin_filters: Sequence[str] = ("default",),
    activation_path: str | os.PathLike[str] | None = None,
    io_capture: CaptureMode = "proxies",
    limits: Limits | None = None,
    program: str | None = None,
    arguments: Sequence[str] | None = None,
    strings: bool = False,
) -> Recorder:
    """Return a recorder that is yet to be installed, with its folder made.

    Parameters:
        filter_start: the folder from which the project's filter is searched upwards.
        builtin_filters: the built-in filters to begin with, by name.
        program: what is recorded, for the metadata; by default this process' program.
        arguments: its arguments; by default those of this process.
        strings: whether the program is that of ``-c``.
        path: as for `start`, and so are the others.

    Raises:
        RecorderError: as for `start`.
    """
    # `import codetracer` loads none of it.
    from codetracer.filters import load_chain
    from codetracer.runtime.directory import TraceDirectory
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.lifecycle import Recorder

    chain = load_chain(
        filter_start or os.getcwd(),
        environ=os.environ,
        command_line=trace_filter,
        builtin=builtin_filters,
    )
    activation = None if activation_path is None else os.fspath(activation_path)
    gate = Gate(chain, activation, strings=strings)
    directory = TraceDirectory(None if path is None else os.fspath(path))
    return Recorder(
        directory,
        gate,
        capture=io_capture,
        limits=limits,
        program=sys.argv[0] if program is None else program,
        arguments=sys.argv[1:] if arguments is None else arguments,
        active=activation is None,
    )


def start(
    path: str | os.PathLike[str] | None = None,
    *,
    trace_filter: Sequence[str] = (),
    activation_path: str | os.PathLike[str] | None = None,
    io_capture: CaptureMode = "proxies",
    limits: Limits | None = None,
) -> TraceSession:
    """Begin to record this process; it ends with `stop`, or with the process.

    Parameters:
        path: the folder to write to, which must be empty or absent; by default ``trace-out``, or
            ``trace-out-2`` and so on if that is taken.
        trace_filter: filter files, in the order of their precedence, the last one strongest.
        activation_path: record only while code of this file runs, the first time it does.
        io_capture: how the program's output is caught: ``off``, ``proxies`` or ``proxies+fd``.
        limits: how much of values is recorded.

    Raises:
        UsageError: ERR_ALREADY_TRACING, there is a recording; ERR_TRACE_DIR_CONFLICT, the folder is
            not empty; ERR_INVALID_FILTER, a filter is wrong; ERR_TRACER_INSTALL_CONFLICT, another
            tracer is installed or no tool slot is free.
        HostError: ERR_TRACE_DIR_CREATE_FAILED or ERR_IO, the folder cannot be written.
    """
    global _current
    if _current is not None:
        raise UsageError(
            "ERR_ALREADY_TRACING",
            f"already recording into {_current.path}; stop() that first",
            {"path": _current.path},
        )
    recorder = make_recorder(
        path,
        trace_filter=trace_filter,
        activation_path=activation_path,
        io_capture=io_capture,
        limits=limits,
    )
    return start_recorder(recorder)


def start_recorder(recorder: Recorder) -> TraceSession:
    """Install a recorder; see `start`."""
    global _current
    session = TraceSession(recorder)
    try:
        install_tracer(recorder)
    except RecorderError:
        recorder.discard()
        raise
    recorder.begin()
    _current = session
    # Handlers run last in, first out: what the program registers is still recorded.
    atexit.register(_stop_at_exit)
    return session


def stop(exit_code: int | None = None) -> None:
    """End the recording; nothing happens if there is none.

    Parameters:
        exit_code: the program's exit status, if it is known.

    Raises:
        RecorderError: what has been recorded cannot be written, and the policy is ``abort``.
    """
    global _current
    session, _current = _current, None
    if session is None:
        return
    atexit.unregister(_stop_at_exit)
    if exit_code is not None:
        session._recorder.set_exit_status(exit_code)
    uninstall_tracer()


def is_tracing() -> bool:
    """Tell whether this process is being recorded."""
    return _current is not None and not _current._recorder.failed


def flush() -> None:
    """Have the system write to the disk what has been recorded; nothing happens without one."""
    if _current is not None:
        _current.flush()


def trace(
    path: str | os.PathLike[str] | None = None,
    *,
    trace_filter: Sequence[str] = (),
    activation_path: str | os.PathLike[str] | None = None,
    io_capture: CaptureMode = "proxies",
    limits: Limits | None = None,
) -> TraceSession:
    """Record a block: ``with codetracer.trace("out"): ...``; see `start`."""
    return start(
        path,
        trace_filter=trace_filter,
        activation_path=activation_path,
        io_capture=io_capture,
        limits=limits,
    )


def _stop_at_exit() -> None:
    try:
        stop()
    except RecorderError as error:
        say("error", "%s", error)
