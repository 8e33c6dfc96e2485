"""A recording from beginning to end: the tracer, made of its collaborators."""

from __future__ import annotations

import os
import sys
from os import getpid as _getpid
from os import getppid as _getppid
from sys import _getframe
from time import gmtime as _gmtime
from time import perf_counter_ns as _perf_counter_ns
from time import strftime as _strftime
from time import time_ns as _time_ns

from codetracer.capture.io import OutputCapture
from codetracer.errors import HostError
from codetracer.inspect.lookups import find
from codetracer.inspect.paths import working_directory
from codetracer.limits import Limits
from codetracer.log import say
from codetracer.monitoring import NO_EVENTS, Tracer, uninstall_tracer
from codetracer.monitoring.backend import backend
from codetracer.monitoring.codes import programs_see_codes
from codetracer.monitoring.install import watch_code
from codetracer.own import seal
from codetracer.policy import recording_policy
from codetracer.recording.joined import without_joined
from codetracer.recording.names import source_name
from codetracer.runtime import reserve
from codetracer.runtime.children import (
    Children,
    about_to_exec,
    commands,
    environment,
)
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.descent import Announcement
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.native import engine_in_c
from codetracer.runtime.plans import Plans
from codetracer.runtime.utf8 import text_of
from codetracer.version import __version__
from codetracer.whose import began_here, is_the_programs
from codetracer_bindings.events import EVENTS
from codetracer_bindings.trace_encoder import encode_exec, encode_joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, FrameType
    from typing import Final

    from codetracer.capture.streams import CaptureMode
    from codetracer.recording.directory import TraceDirectory
    from codetracer.recording.writer import Log
    from codetracer.runtime.budget import Budget
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.formatting import Formatters

__all__ = ["Recorder"]

FORMAT_VERSION: Final = 1
"""The version of the metadata."""

_ENGINE_HANDLERS: Final = (
    "on_py_start",
    "on_py_resume",
    "on_py_throw",
    "on_line",
    "on_raise",
    "on_exception_handled",
    "on_py_return",
    "on_py_yield",
    "on_py_unwind",
)

MOST_ATTEMPTS: Final = 100
"""The number of times that ending a recording starts again if signal handlers interrupt it."""

LAST: Final = -1000
"""A priority below those of all other finalizers of a process of multiprocessing."""

_recording: list[Recorder] = []
"""The running recorders, which a forked child must adapt."""

seal(globals())


class Recorder(Tracer):
    """Records what the program does, from `begin` to `finish`.

    Attributes:
        directory: the folder of the recording.
        started: whether `begin` was called.
        ended: whether the recording has ended, also by a failure.
        failed: whether it failed.
        is_wanted: whether the recording is kept at the end; False for a program that never began.
        problem: why the recording is incomplete; None if it is not.
        single: the events that are set for single code objects alone, because not all recorded
            code has them.

    Parameters:
        directory: the folder of the recording.
        gate: decides which code is recorded.
        capture: the output to capture.
        limits: limit the recorded part of values; None for the default limits.
        program: the name of the program, for the metadata.
        arguments: the program's arguments.
        active: whether recording begins at once, and not at the activation path.
        formatters: the formatters of the program and of filters; None for none.
        budget: limits the CPU time that recording takes; None if nothing does.

    Raises:
        OSError: the log or the metadata cannot be written.
    """

    def __init__(
        self,
        directory: TraceDirectory,
        gate: Gate,
        *,
        capture: CaptureMode = "proxies",
        limits: Limits | None = None,
        program: str = "",
        arguments: Sequence[str] = (),
        active: bool = True,
        formatters: Formatters | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.directory = directory
        self.started = False
        self.ended = False
        self.is_wanted = True
        self.failed = False
        self._gate = gate
        self._limits = limits or Limits()
        self._program = program
        self._arguments = list(arguments)
        self._workdir = working_directory()
        self._started = _time_ns()
        self._clock = _perf_counter_ns()
        self._pid = self._first_pid = _getpid()
        self._status: int | None = None
        self._label = ""
        self.problem: str | None = None
        self._unwritten = False
        self._syncs = False
        self._exits: list[object] = []
        self._has_left = False
        self._trouble: str | None = None
        self._announcement: Announcement | None = None
        self._definitions = Definitions(directory.keep_source, formatters)
        has_lines = gate.has_details or gate.detail != "calls"
        watches = gate.has_details or not programs_see_codes()
        self.single = EVENTS.LINE if has_lines and watches else NO_EVENTS
        self._plans = Plans(
            gate, self._definitions, code_reader(), self._watch if self.single else None
        )
        self._log = self._make_log()
        self._budget = budget
        self._events = make_engine(
            self._log,
            gate,
            self._plans,
            self._definitions,
            self._limits,
            active=active,
            budget=budget,
        )
        self._log.open()
        self._children = Children(self._note, self._hide_words)
        self._capture = OutputCapture(capture, self._events.output, engine_in_c())
        self._learn_surroundings()
        for handler in _ENGINE_HANDLERS:
            if has_lines or handler != "on_line":
                setattr(self, handler, getattr(self._events, handler))
        try:
            if not directory.joined:
                directory.write_metadata(self._metadata())
        except OSError:
            self._log.close()
            raise

    make_room = staticmethod(reserve.release)
    """Frees memory for the end of the recording. No Python function may be called before it."""

    @property
    def is_forked(self) -> bool:
        """True if this process was forked after the recorder was created."""
        return _getpid() != self._first_pid

    def _watch(self, code: CodeType) -> None:
        watch_code(code, self.single)

    def _watch_running(self) -> None:
        """Have the lines of functions recorded that run already.

        In C those of all threads. In Python those of this thread; the others follow when they call
        something or return. (`sys._current_frames` would raise an audit event, and with
        subinterpreters that have their own GIL, CPython 3.12 and 3.13 abort in it.)
        """
        in_c = engine_in_c()
        for frame in [_getframe()] if in_c is None else in_c.running_frames():
            walked: FrameType | None = frame
            while walked is not None:
                name = find(walked.f_globals, "__name__", None)
                if self._gate.has_lines(walked.f_code, name if type(name) is str else None):
                    self._watch(walked.f_code)
                walked = walked.f_back

    def begin(self) -> None:
        """Start to capture output, to follow forks, and to notice child processes."""
        self.started = True
        if self.single:
            self._watch_running()
        reserve.keep()
        _recording.append(self)
        if self.directory.joined:
            self._note(encode_joined(_getppid()))
        self._announcement = Announcement(self.directory.recording, self.directory.path)
        self._announcement.announce()
        self._capture.start()
        # Last, because starting the capture starts the forwarder, a child process of codetracer.
        self._children.begin()

    def discard(self) -> None:
        """Remove everything of a recording that could not begin. May be called again."""
        self.ended = True
        self._log.close()
        if self.directory.is_there():
            self.directory.remove()

    def unrecorded(self) -> list[str]:
        """Return the commands of Python processes that this one started and that did not join."""
        try:
            joined = self.directory.joined_logs()
        except OSError as error:
            if not began_here(error):
                raise
            joined = 0
        return without_joined(commands, joined)

    def counts(self) -> dict[str, int]:
        """Return how much has been recorded in this process: ``threads``, ``calls``, ``missed``."""
        found: dict[str, int] = self._events.counts()
        return found

    @property
    def lowered(self) -> int:
        """The number of times that the budget lowered the detail of code in this process."""
        return 0 if self._budget is None else self._budget.lowered

    def raised_at(self, exception: BaseException) -> int | None:
        """Return the step at which a living exception was raised; None if it is not known."""
        step: int | None = self._events.raised_at(exception)
        return step

    def leave_out(self, frame: FrameType | None) -> None:
        """Do not record the code of a frame and of its callers, because that runs the program.

        The callers of the launcher are not the program: a console script, ``python -m``, or a
        script that contains codetracer.
        """
        while frame is not None:
            self._gate.leave_out(frame.f_code)
            frame = frame.f_back

    def set_exit_status(self, code: int | None, /) -> None:
        """Set the program's exit status for the log and the metadata."""
        self._status = code

    def set_exit_label(self, label: str) -> None:
        """Set a description of the program's end for the metadata, such as ``exited 1``."""
        self._label = label

    def notify_failure(self) -> None:
        """Mark the recording as failed, because a handler failed."""
        self.failed = True
        self.problem = self._log.problem or "the recorder failed; see the logged error"

    def sync(self) -> None:
        """Make the next `flush` wait until the system has written the log to the disk."""
        self._syncs = True

    def flush(self) -> None:
        """Wait until the log is on the disk, if `sync` was called before.

        Records are always in the file at once. The end of a recording does not wait for the disk,
        because each forked process of the program would wait.
        """
        if self._syncs:
            self._syncs = False
            self._log.flush()

    def finish(self) -> None:
        """End the recording: close the log, and write the metadata.

        Raises:
            HostError: ERR_IO, the rest cannot be written; all other steps were taken.
            BaseException: a signal handler of the program raised it meanwhile; all steps were
                taken.
        """
        interrupts: list[BaseException] = []
        while not self._has_left:
            try:
                self._take_leave()
            except BaseException as error:
                if len(interrupts) == MOST_ATTEMPTS or not is_the_programs(error):
                    raise
                interrupts.append(error)
        if interrupts:
            raise interrupts[0]
        if self._trouble is not None:
            raise HostError("ERR_IO", self._trouble, {"path": self.directory.path})

    def _take_leave(self) -> None:
        """Take the steps of `finish`. If an exception interrupts it, it can be called again."""
        if self in _recording:
            _recording.remove(self)
        self.ended = True
        self._children.end()
        self._capture.stop()
        if self._announcement is not None:
            self._announcement.withdraw()
        self._close_log()
        # A forked child has a log, but its parent writes the metadata.
        if not self.is_forked:
            self._trouble = self._conclude() or self._trouble
        self._has_left = True

    def _close_log(self) -> None:
        """Write the end and close the log."""
        try:
            if not self.failed and not self._exits:
                # One call into C writes the end and records that it was written.
                self._exits.extend(map(self._events.exit, (self._status,)))
        except HostError as error:
            self.failed = True
            self.problem = self._trouble = error.message
        try:
            self._log.close()
        except OSError as error:
            self.failed = True
            self._trouble = f"{self._log.path} cannot be closed: {error.strerror or error}"
            self.problem = self._trouble

    def _conclude(self) -> str | None:
        """Write the metadata, or remove an unwanted recording; return the problem, or None."""
        try:
            partial = self.failed and not recording_policy().keep_partial_trace
            if partial or not self.is_wanted:
                if self.directory.is_there():
                    self.directory.remove()
            elif not self.directory.joined:
                self.directory.write_metadata(self._metadata(ended=True))
        except OSError as error:
            if not began_here(error):
                raise
            self.failed = self._unwritten = True
            problem = (
                f"the metadata in {self.directory.path} cannot be written:"
                f" {error.strerror or error}"
            )
            self.problem = self.problem or problem
            return problem
        return None

    def retry(self) -> None:
        """Write the metadata if that failed when recording ended; there may be free space now."""
        if self._unwritten and not self.is_forked:
            self._unwritten = False
            self._conclude()

    def _make_log(self) -> Log:
        path = self.directory.new_log(self._pid)
        return make_log(path, self.directory.recording, self._pid)

    def _note(self, record: bytes) -> None:
        """Write a record, and ignore a failure, because the next event will report it."""
        if self.failed:
            return
        try:
            self._events.note(record)
        except HostError:
            return

    def follow_fork(self) -> None:
        """Continue in a forked child with another log; if that cannot be made, record nothing."""
        self._log.abandon()
        self._pid = _getpid()
        self._definitions.forget()
        self._plans.forget()
        _end_with_multiprocessing()
        try:
            # The file is created when the first record is written.
            self._log = self._make_log()
        except OSError as error:
            if not began_here(error):
                raise
            self.failed = True
            self._events.end()
            say("error", "process %d is not recorded: %s", self._pid, error.strerror or error)
            return
        self._events.restart(self._log)
        if self._budget is not None:
            self._budget.restart(self._spent())
        if about_to_exec():
            self._note(encode_exec(self._children.last))

    def _learn_surroundings(self) -> None:
        """Remember the secrets of the environment and of the command line."""
        names = self._gate.names
        if names is None:
            return
        for name, value in environment():
            if names.is_secret(name):
                self._events.learn(value)
            else:
                self._clean(value)
        self._arguments = self._hide_words(self._arguments)

    def _hide_words(self, words: list[str]) -> list[str]:
        """Return a command's words without secrets, which are hidden from now on."""
        names = self._gate.names
        if names is None:
            return words
        shown, secrets = names.hide_arguments(words)
        for secret in secrets:
            self._events.learn(secret)
        return [self._clean(word) for word in shown]

    def _clean(self, text: str) -> str:
        cleaned: bytes = self._events.clean(text.encode("utf-8", "surrogatepass"))
        return text_of(cleaned) or cleaned.decode("utf-8", "replace")

    def _sources(self) -> dict[str, str]:
        """Return the name of each source file's copy."""
        copies = {f"/{name}": name for name in self.directory.copies() if name[:1] != "<"}
        # These include the copies of forked children, but no file that could not be copied.
        left_out = self.directory.left_out
        return copies | {
            name: source_name(name) for name in self._definitions.sources if name not in left_out
        }

    def _spent(self) -> int:
        """Return what the engine has spent so far on events and on new code, in ns."""
        cost = self._events.cost()
        return cost["events_ns"] + cost["code_ns"]

    def _redaction(self) -> dict[str, object]:
        names = self._gate.names
        by_name = names is not None and not names.readers_only
        return {"by_name": by_name, "added": [] if names is None else list(names.added)}

    def _metadata(self, *, ended: bool = False) -> dict[str, object]:
        limited = {} if self._budget is None else {"budget": self._budget.as_dict(self._spent())}
        return {
            "format": "codetracer",
            "version": FORMAT_VERSION,
            "recording_id": self.directory.recording_id,
            "program": self._clean(self._program),
            "args": [self._clean(argument) for argument in self._arguments],
            "workdir": self._workdir,
            "python": {
                "version": sys.version.split()[0],
                "implementation": sys.implementation.name,
                "executable": sys.executable,
            },
            "platform": sys.platform,
            "recorder": {"name": "codetracer", "version": __version__, "backend": backend()},
            "started": _strftime("%Y-%m-%dT%H:%M:%SZ", _gmtime(self._started // 10**9)),
            "duration_ns": _perf_counter_ns() - self._clock if ended else None,
            "complete": ended and not self.failed,
            # If the recording does not end normally, the log shows more.
            "incomplete_reason": self.problem,
            "exit_status": {"code": self._status, "label": self._label},
            "filters": self._gate.statistics(),
            "redaction": self._redaction(),
            "policy": recording_policy().as_dict(),
            "detail": self._gate.detail,
            "limits": self._limits.as_dict(),
            "counts": self._events.counts(),
            "cost": self._events.cost(),
            **limited,
            "bytes": self.directory.size(),
            "sources": self._sources(),
            "sources_left_out": dict(self.directory.left_out),
            "processes": [{"log": name} for name in self.directory.logs()],
        }


def _end_with_multiprocessing() -> None:
    """End the recording in a process of multiprocessing, which ends with os._exit.

    If the program has not loaded multiprocessing, it is not loaded here.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        # A forked process discards its finalizers, and then calls the functions registered here.
        util.register_after_fork(_end_with_multiprocessing, _register_end)


def _register_end(_: object) -> None:
    from multiprocessing.util import Finalize

    Finalize(None, uninstall_tracer, exitpriority=LAST)


def _follow_fork() -> None:
    for recorder in _recording:
        recorder.follow_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_follow_fork)
