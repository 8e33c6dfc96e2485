"""Recording from within a program: `start`, `stop`, `trace`, and the session that they share.

With ``CODETRACER_TRACE=<folder>`` in the environment, importing codetracer starts a recording.

This module is light to import: the recorder is loaded when a recording starts.
"""

from __future__ import annotations

import os
import sys
from atexit import register as _register
from atexit import unregister as _unregister
from sys import monitoring as _monitoring

from codetracer.errors import HostError, RecorderError, UsageError
from codetracer.limits import percent_of
from codetracer.log import json_line, say
from codetracer.monitoring import flush_installed_tracer, uninstall_tracer
from codetracer.monitoring.install import install_with_policy, is_installed
from codetracer.own import seal
from codetracer.policy import configure_policy_from_env, recording_policy
from codetracer.whose import is_the_programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Any, Final, Self

    from codetracer.capture.streams import CaptureMode
    from codetracer.filters.model import Detail
    from codetracer.inspect.paths import FileGlobs
    from codetracer.limits import Limits
    from codetracer.runtime.budget import Budget
    from codetracer.runtime.lifecycle import Recorder

__all__ = [
    "DETAILS",
    "TraceSession",
    "budget_of",
    "capture_mode",
    "detail_of",
    "flush",
    "is_tracing",
    "make_recorder",
    "start",
    "start_from_env",
    "start_recorder",
    "stop",
    "trace",
]

TRACE: Final = "CODETRACER_TRACE"
CAPTURE_IO: Final = "CODETRACER_CAPTURE_IO"
BUDGET: Final = "CODETRACER_BUDGET"
DETAIL: Final = "CODETRACER_DETAIL"
DETAILS: Final[tuple[Detail, ...]] = ("values", "lines", "calls")
"""The details of a recording, beginning with the fullest."""

CAPTURE_MODES: Final[tuple[CaptureMode, ...]] = ("off", "proxies", "proxies+fd")

SLOTS_TO_TRY: Final = (5, 4, 3)
"""The tool slots that a recording may take, in the order in which it tries them.

A program is least likely to want the first one.
"""

_current: TraceSession | None = None

seal(globals())


class TraceSession:
    """A running recording of this process. As a context manager, it stops at the end of the block.

    Attributes:
        path: the path of the recording's folder, a str.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.path = recorder.directory.path

    def stop(self, exit_code: int | None = None) -> None:
        """Stop the recording, if it has not been stopped yet.

        Parameters:
            exit_code: the program's exit status, an int, or None if it is unknown.

        Raises:
            RecorderError: the recording cannot be written, and the policy is ``abort``.
        """
        if _current is self:
            stop(exit_code)

    def flush(self) -> None:
        """Make the operating system write the recording to the disk, if it has not ended yet.

        Raises:
            RecorderError: the recording cannot be written, and the policy is ``abort``.
        """
        if _current is self:
            flush()

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
    files: FileGlobs | None = None,
    redact: Sequence[str] = (),
    redaction: bool | None = None,
    builtin_filters: Sequence[str] = ("default",),
    activation_path: str | os.PathLike[str] | None = None,
    io_capture: CaptureMode = "proxies",
    limits: Limits | None = None,
    formatters: dict[str, Callable[[Any], str]] | None = None,
    detail: Detail | None = None,
    budget: str | None = None,
    program: str | None = None,
    arguments: Sequence[str] | None = None,
    strings: bool = False,
    numbered: bool = False,
) -> Recorder:
    """Make the recording's folder, and return a recorder that is not installed yet.

    If this process descends from a recorded one, and `path` is that recording's folder, the process
    joins that recording.

    Parameters:
        filter_start: the folder in which the search for the project's filter begins; the search
            goes upwards. None means the working directory.
        files: globs for the files to record, which replace the filters' rules for files.
        builtin_filters: the names of the built-in filters, which come first.
        program: the name of the program, for the metadata; by default that of this process.
        arguments: the program's arguments, for the metadata; by default those of this process.
        strings: whether to record code that comes from a string, as with ``-c``.
        numbered: whether to append ``-2`` and so on to `path` if another recording has it.

    The other parameters are those of `start`.

    Raises:
        RecorderError: as for `start`.
    """
    # Imported here, so that `import codetracer` loads none of these modules.
    from codetracer.filters import load_chain
    from codetracer.filters.formatters import checked
    from codetracer.inspect.paths import working_directory
    from codetracer.recording.directory import TraceDirectory
    from codetracer.recording.names import DEFAULT_FOLDER
    from codetracer.runtime.descent import ancestor
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.formatting import Formatters
    from codetracer.runtime.lifecycle import Recorder

    functions = checked(formatters)
    limit = _make_budget(budget_of(budget))
    chain = load_chain(
        filter_start or working_directory(),
        environ=os.environ,
        command_line=trace_filter,
        builtin=builtin_filters,
        files=files,
        redact=redact,
        redaction=redaction,
        detail=detail_of(detail),
    )
    activation = None if activation_path is None else os.fspath(activation_path)
    gate = Gate(chain, activation, strings=strings)
    folder = None if path is None else os.fspath(path)
    joins = ancestor(folder, DEFAULT_FOLDER, numbered=numbered)
    # An embedded Python may have no sys.argv.
    argv = getattr(sys, "argv", None) or [""]
    made: list[TraceDirectory] = []
    try:
        directory = TraceDirectory(folder, numbered=numbered, joins=joins, made=made)
        return Recorder(
            directory,
            gate,
            capture=io_capture,
            limits=limits,
            program=argv[0] if program is None else program,
            arguments=argv[1:] if arguments is None else arguments,
            active=activation is None,
            formatters=Formatters(functions, chain.formatters),
            budget=limit,
        )
    except BaseException as error:
        if not made:
            raise
        made[0].remove()
        if not isinstance(error, OSError) or is_the_programs(error):
            raise
        raise HostError(
            "ERR_IO",
            f"{made[0].path} cannot be written: {error.strerror or error}",
            {"path": made[0].path},
        ) from error


def start(
    path: str | os.PathLike[str] | None = None,
    *,
    trace_filter: Sequence[str] = (),
    redact: Sequence[str] = (),
    redaction: bool | None = None,
    activation_path: str | os.PathLike[str] | None = None,
    io_capture: CaptureMode = "proxies",
    limits: Limits | None = None,
    formatters: dict[str, Callable[[Any], str]] | None = None,
    detail: Detail | None = None,
    budget: str | None = None,
) -> TraceSession:
    """Start to record this process, until `stop` or the end of the process.

    If recording fails, it stops, the error is logged, and the program continues, unless the
    policy's ``on_recorder_error`` is ``abort``.

    Parameters:
        path: the folder to write to, which must be empty or not exist; or the folder of the
            recording that this process descends from, which it then joins. The default is
            ``trace-out``, or ``trace-out-2`` and so on if that exists.
        trace_filter: filter files; a later one overrides an earlier one.
        redact: further names whose values are hidden, such as ``customer_number``. They match
            whole words of names, in any case and spelling.
        redaction: whether to hide values because of their names; None means yes, unless
            ``CODETRACER_NO_REDACTION`` is set. Values that filters redact and what `getpass`
            reads are always hidden.
        activation_path: a file. Recording starts at the first call into it, and stops when that
            call returns.
        io_capture: the output to record: ``off`` (none), ``proxies`` (Python's streams) or
            ``proxies+fd`` (also C code and subprocesses).
        limits: how much of each value is recorded.
        formatters: functions that describe objects, by the module and qualified name of the
            type, such as ``{"shop.Order": describe}``. Subclasses of the type are not included.
            A function gets the object each time the recorder reads the object, while recording
            is paused in this thread. The str that it returns is recorded beside the object's
            attributes, marked as the program's own words. See docs/recording.md.
        detail: how much is recorded of code for which no filter's rule says it: ``values``
            (everything), ``lines`` (calls and lines, without values) or ``calls`` (calls with
            arguments and results, without lines). None means what ``CODETRACER_DETAIL`` or a
            filter says, or else ``values``.
        budget: how much extra CPU time recording may take, as a percentage of the program's own,
            such as ``20%``. Code that costs the most is then recorded in less detail, one step
            after the other, from some moment on, and never in more again. None means what
            ``CODETRACER_BUDGET`` says, or else as much as it needs.

    Returns:
        The session, which can stop and flush the recording.

    Raises:
        UsageError: ERR_ALREADY_TRACING, this process is already being recorded;
            ERR_TRACE_DIR_CONFLICT, the folder is not empty; ERR_INVALID_FILTER, a filter is wrong;
            ERR_INVALID_FORMATTER, `formatters` is not a dict of functions by names of types;
            ERR_INVALID_POLICY_VALUE, there is no such detail, or the budget is no percentage;
            ERR_TRACER_INSTALL_CONFLICT, another tracer is installed or no tool slot is free.
        HostError: ERR_TRACE_DIR_CREATE_FAILED or ERR_IO, the folder cannot be written.
    """
    if _current is not None and not _current._recorder.ended:
        raise UsageError(
            "ERR_ALREADY_TRACING",
            f"already recording into {_current.path}; stop() that first",
            {"path": _current.path},
        )
    recorder = None
    try:
        recorder = make_recorder(
            path,
            trace_filter=trace_filter,
            redact=redact,
            redaction=redaction,
            activation_path=activation_path,
            io_capture=io_capture,
            limits=limits,
            formatters=formatters,
            detail=detail,
            budget=budget,
        )
        return start_recorder(recorder)
    except BaseException:
        if recorder is not None:
            _undo(recorder)
        raise


def start_recorder(recorder: Recorder) -> TraceSession:
    """Install a recorder, and return its session; see `start`."""
    global _current
    try:
        session = TraceSession(recorder)
        free = [slot for slot in SLOTS_TO_TRY if _monitoring.get_tool(slot) is None]
        slot = free[0] if free else None
        install_with_policy(recorder, recording_policy, slot, recorder.single)
        recorder.begin()
        # The last registered handler runs first, so the program's own handlers are still recorded.
        _register(_stop_at_exit)
        # Registered later, so it runs before _stop_at_exit.
        _register(recorder.make_room)
        _current = session
    except BaseException:
        _undo(recorder)
        raise
    return session


def _undo(recorder: Recorder) -> None:
    """Remove all traces of a recording that could not start. A second call does no harm."""
    global _current
    recorder.make_room()
    _unregister(recorder.make_room)
    if is_installed(recorder):
        recorder.is_wanted = False
        uninstall_tracer()
        _unregister(_stop_at_exit)
        _current = None
    else:
        recorder.discard()


def stop(exit_code: int | None = None) -> None:
    """Stop the current recording, if there is one.

    Parameters:
        exit_code: the program's exit status, an int, or None if it is unknown.

    Raises:
        RecorderError: the recording cannot be written, and the policy is ``abort``.
    """
    global _current
    session = _current
    if session is None:
        return
    session._recorder.make_room()
    try:
        _stop(session._recorder, exit_code)
    except BaseException:
        if not session._recorder.ended:
            # A signal handler of the program raised before the stop began.
            _stop(session._recorder, exit_code)
        raise
    finally:
        _current = None
        _unregister(session._recorder.make_room)
        _unregister(_stop_at_exit)


def _stop(recorder: Recorder, exit_code: int | None) -> None:
    if recorder.ended:
        # The recording failed or was uninstalled. A tracer that is installed now is another tool's.
        recorder.retry()
        return
    if exit_code is not None:
        recorder.set_exit_status(exit_code)
    uninstall_tracer()


def is_tracing() -> bool:
    """Return whether this process is being recorded."""
    return _current is not None and not _current._recorder.ended


def flush() -> None:
    """Make the operating system write the current recording to the disk, if there is one.

    Raises:
        RecorderError: the recording cannot be written, and the policy is ``abort``.
    """
    if _current is not None and not _current._recorder.ended:
        _current._recorder.sync()
        flush_installed_tracer()


def trace(
    path: str | os.PathLike[str] | None = None,
    *,
    trace_filter: Sequence[str] = (),
    redact: Sequence[str] = (),
    redaction: bool | None = None,
    activation_path: str | os.PathLike[str] | None = None,
    io_capture: CaptureMode = "proxies",
    limits: Limits | None = None,
    formatters: dict[str, Callable[[Any], str]] | None = None,
    detail: Detail | None = None,
    budget: str | None = None,
) -> TraceSession:
    """Record a block: ``with codetracer.trace("out"): ...``.

    The parameters, the result and the exceptions are those of `start`.
    """
    return start(
        path,
        trace_filter=trace_filter,
        redact=redact,
        redaction=redaction,
        activation_path=activation_path,
        io_capture=io_capture,
        limits=limits,
        formatters=formatters,
        detail=detail,
        budget=budget,
    )


def start_from_env() -> None:
    """Start to record if ``CODETRACER_TRACE`` names a folder; called when codetracer is imported.

    Child processes inherit the variable and join the recording, with logs of their own. If another
    recording has the folder, ``-2`` and so on is appended to its name. The environment also sets
    the policy, filters and capture. The command line of codetracer ignores the variable.

    Raises:
        RecorderError: as for `start`, under ``on_recorder_error = "abort"``; otherwise the error is
            logged, and the program continues.
    """
    path = os.environ.get(TRACE)
    if not path or _is_command_line():
        return
    try:
        configure_policy_from_env()
        start_recorder(make_recorder(path, io_capture=capture_mode(None), numbered=True))
    except RecorderError as error:
        policy = recording_policy()
        if policy.json_errors:
            json_line(error)
        if policy.on_recorder_error == "abort":
            raise
        say("error", "this process is not recorded: %s", error)


def capture_mode(wanted: str | None) -> CaptureMode:
    """Return the capture mode: `wanted`, or that of ``CODETRACER_CAPTURE_IO``, or ``proxies``.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, there is no mode with this name.
    """
    said = wanted or os.environ.get(CAPTURE_IO) or "proxies"
    for mode in CAPTURE_MODES:
        if mode == said:
            return mode
    raise _wrong_setting(CAPTURE_IO, said, f"allowed: {', '.join(CAPTURE_MODES)}")


def detail_of(wanted: str | None) -> Detail | None:
    """Return the detail: `wanted`, or that of ``CODETRACER_DETAIL``; None if neither names one.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, there is no detail with this name.
    """
    said = os.environ.get(DETAIL) or None if wanted is None else wanted
    if said is None:
        return None
    for detail in DETAILS:
        if detail == said:
            return detail
    name = "detail" if wanted is not None else DETAIL
    raise _wrong_setting(name, said, f"allowed: {', '.join(DETAILS)}")


def budget_of(wanted: str | None) -> float | None:
    """Return the budget in percent: `wanted`, or that of ``CODETRACER_BUDGET``; None for none.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, it is no percentage above 0%.
    """
    said = os.environ.get(BUDGET) or None if wanted is None else wanted
    if said is None:
        return None
    percent = percent_of(said)
    if percent is not None:
        return percent
    name = "budget" if wanted is not None else BUDGET
    raise _wrong_setting(name, said, "it must be a percentage above 0%, such as 20%")


def _wrong_setting(name: str, said: object, remedy: str) -> UsageError:
    return UsageError(
        "ERR_INVALID_POLICY_VALUE",
        f"{name} is {said!r}; {remedy}",
        {"setting": name, "value": str(said)},
    )


def _make_budget(percent: float | None) -> Budget | None:
    if percent is None:
        return None
    # Most recordings have none, and do not load it.
    from codetracer.runtime.budget import Budget

    return Budget(percent)


def _is_command_line() -> bool:
    """Return whether this process is the command ``codetracer``, or ``python -m codetracer``."""
    name = sys.argv[0] if getattr(sys, "argv", None) else ""
    if name == "-m":
        # Python has not found the module yet, so only sys.orig_argv has its name.
        words = sys.orig_argv
        return "-mcodetracer" in words or any(
            words[at : at + 2] == ["-m", "codetracer"] for at in range(len(words))
        )
    return os.path.basename(name) in ("codetracer", "codetracer.exe")


def _stop_at_exit() -> None:
    try:
        stop()
    except RecorderError as error:
        say("error", "%s", error)
