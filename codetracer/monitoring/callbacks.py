"""The state of an installation, and the one place that decides about errors of handlers.

- `locked` calls a function under the lock of this process' installations.
- `Installation` is a tracer in a slot, with its callbacks, the code that it watches, and the code
  with locations that it has disabled. Guarded callbacks call its `on_error` and `on_outcome`.
- `remove` removes a tracer, and `settle` raises or logs its error, as the policy says.
- `tracer_error` and `farewell_error` make that error, with a message for the user.

The guarded callbacks themselves are generated (`codetracer_bindings.callbacks`), or in C.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from types import CodeType

from codetracer import log
from codetracer.errors import InternalError, RecorderError
from codetracer.monitoring.api import HANDLERS, ToolId, Tracer
from codetracer.monitoring.attach import Steps
from codetracer.monitoring.backend import binders
from codetracer.monitoring.codes import make_codes
from codetracer.monitoring.handlers import python_function
from codetracer.own import BUILTINS, seal
from codetracer.whose import continues, is_the_programs, memory_is_full
from codetracer_bindings.events import DISABLE, CallbackOutcome, EventSet
from codetracer_bindings.registration import CallbackSpec, bound_callbacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from codetracer.monitoring.attach import Step
    from codetracer.policy import RecorderPolicy

__all__ = ["Installation", "farewell_error", "locked", "remove", "settle", "tracer_error"]

seal(globals())

FRAMES_TO_HANDLE: Final = 500
"""The number of frames for the handling of an error if the program has nearly filled the stack."""

_KEEPS_LOCALS: Final = sys.version_info < (3, 13)
"""True if a frame keeps the values in its f_locals until f_locals is read again (PEP 667)."""


# The lock of this process' installations; no tracer's code runs under it. It is reentrant, because
# a signal handler or __del__ may run while this thread holds it. The class is threading.RLock, but
# importing threading would take a quarter of the time that importing codetracer takes.
_lock = RLock()
if hasattr(os, "register_at_fork"):
    # The forking thread holds the lock, because a thread that held it would not exist in the child.
    # All three functions are in C, so that they fire no events.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


def locked[**P, T](function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function under the lock of this process' installations, and return its result."""
    held: list[bool] = []
    try:
        # One call into C acquires the lock and records that. Between two statements a signal
        # handler may raise an exception; on 3.14 also between the start of ``with`` and its block.
        held.extend(map(_lock.acquire, (True,)))
        return function(*arguments, **named)
    finally:
        if held:
            _lock.release()


class Installation:
    """One tracer in one slot, from install to uninstall.

    Attributes:
        tracer: the tracer.
        specs: the specs of the events that the tracer handles.
        tool: the slot; -1 before one is claimed.
        owner: the string object that was passed to `use_tool_id`; a slot with another object is
            another tool's.
        mask: the events that are set for all code.
        as_set: the result of `sys.monitoring.get_events` when they are set.
        callbacks: each event's id with its guarded callback.
        policy: returns the policy for the tracer's errors.
        teardown: `uninstall_locked`.
        closed: whether the teardown has run; no event calls the tracer after it.
        interrupt: an exception of the program that came while the installation was set up or
            removed; it is raised after that.
        unsaid: other exceptions that came then; they are logged after that.
    """

    __slots__ = (
        "_disabled",
        "_may_disable",
        "_watched",
        "as_set",
        "callbacks",
        "closed",
        "interrupt",
        "mask",
        "owner",
        "policy",
        "specs",
        "teardown",
        "tool",
        "tracer",
        "unsaid",
    )

    def __init__(
        self,
        tracer: Tracer,
        owner: str,
        specs: tuple[CallbackSpec, ...],
        mask: EventSet,
        policy: Callable[[], RecorderPolicy],
        teardown: Callable[..., bool],
    ) -> None:
        self.tracer = tracer
        self.tool = ToolId(-1)
        self.owner = owner
        self.specs = specs
        self.mask = self.as_set = mask
        self.policy = policy
        self.closed = False
        self.interrupt: BaseException | None = None
        self.unsaid: list[BaseException] = []
        self.teardown = teardown
        self._disabled = make_codes()
        self._watched = make_codes()
        self._may_disable = {
            spec.event: spec.disable_since is not None
            and spec.disable_since <= sys.version_info[:2]
            for spec in specs
        }
        self.callbacks = bound_callbacks(specs, tracer, binders(), self.on_error, self.on_outcome)

    def on_outcome(self, event: str, code: CodeType, outcome: object) -> CallbackOutcome:
        """Return the value for CPython after a handler returned `outcome`.

        DISABLE is passed on where CPython allows it. The code object is remembered, to be re-armed
        at uninstall, because a disabled location outlives its tool (gh-118327). Where CPython would
        raise a ValueError in the program, DISABLE is an error of the handler. Any other value is
        ignored. See `codetracer_bindings.callbacks`.
        """
        if outcome is not DISABLE:
            return None
        if not self._may_disable[event]:
            release = f"{sys.version_info.major}.{sys.version_info.minor}"
            self.on_error(
                event, ValueError(f"returned DISABLE, which CPython {release} forbids for {event}")
            )
            return None
        return DISABLE if locked(self._remember, code) else None

    def on_error(self, event: str, error: Exception) -> bool:
        """Handle an exception of a handler; see `codetracer_bindings.callbacks`.

        If a handler gets a MemoryError because memory is full, and memory stays full after the
        handler's objects were released, the tracer only misses the event.

        Parameters:
            event: the event's name, or the name of another method of the tracer.
            error: the exception.

        Returns:
            True if the exception belongs to the program; see `codetracer.whose`. False if it has
            been handled.

        Raises:
            RecorderError: under ``on_recorder_error = "abort"``, with `error` as its cause.
        """
        limit = sys.getrecursionlimit()
        context = error.__context__
        entry = None if context is None else context.__traceback__
        # Without a call, because the stack may have no room for one.
        while entry is not None and entry.tb_next is not None:
            entry = entry.tb_next
        if context is not None and entry is not None and entry.tb_frame.f_builtins is BUILTINS:
            # The context is an exception that codetracer has handled, so the program must not see
            # it as the cause of its own.
            error.__context__ = context.__context__
        try:
            if isinstance(error, RecursionError) and continues(error):
                return True
            sys.setrecursionlimit(limit)
        except RecursionError as full:
            # The stack is full to the last frame. A RecursionError belongs to the program then; the
            # handler's error will come again at the next event.
            if isinstance(error, RecursionError):
                error.__traceback__ = None
                return True
            full.__context__ = full.__traceback__ = None
            raise
        # Twice, because an exception of the program may interrupt the first restoration.
        try:
            try:
                sys.setrecursionlimit(limit + FRAMES_TO_HANDLE)
                return self._judge(event, error)
            finally:
                # Without a Python call, because the stack may have no room for its frame. If a
                # handler has changed the limit meanwhile, that stays.
                if sys.getrecursionlimit() == limit + FRAMES_TO_HANDLE:
                    sys.setrecursionlimit(limit)
        finally:
            if sys.getrecursionlimit() == limit + FRAMES_TO_HANDLE:
                sys.setrecursionlimit(limit)

    def disabled_code(self) -> list[CodeType]:
        """Return the living code objects with locations that were disabled."""
        return [code for code, _ in self._disabled.items()]

    def forget_disabled(self) -> None:
        """Forget the code objects with disabled locations, because all are armed again."""
        self._disabled.clear()

    def watch(self, code: CodeType, events: EventSet) -> None:
        """Remember the events that are set for one code object; 0 forgets the code object."""
        if events:
            self._watched.put(code, events)
        else:
            self._watched.drop(code)

    def watched_code(self) -> list[tuple[CodeType, EventSet]]:
        """Return the living code objects with local events, and these events."""
        watched: list[tuple[CodeType, EventSet]] = self._watched.items()
        return watched

    def keep(self, error: BaseException) -> bool:
        """Keep an exception for `settle_up` if it is the program's, and return whether it is."""
        theirs = is_the_programs(error)
        if theirs:
            self.interrupt = self.interrupt or error
        return theirs

    def settle_up(self) -> None:
        """Log the exceptions in `unsaid`, and raise the one in `interrupt`.

        The caller must not hold the lock, because logging has a lock that forks hold, too.
        """
        while self.unsaid:
            log.say(
                "warning", "cannot set up slot %d completely: %r", self.tool, self.unsaid.pop(0)
            )
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            raise interrupt

    def _remember(self, code: CodeType) -> bool:
        """Remember a code object with a disabled location; return False if closed."""
        if self.closed:
            return False
        self._disabled.put(code, 0)
        return True

    def _judge(self, event: str, error: Exception) -> bool:
        """Do the work of `on_error`, with room on the stack."""
        try:
            # `continues` needs the frames' variables, but it also needs some memory. So they are
            # released only if memory is full.
            if isinstance(error, MemoryError) and memory_is_full():
                _free_frames(error)
            if not isinstance(error, RecursionError) and continues(error):
                return True
            if isinstance(error, MemoryError):
                _free_frames(error)
                if memory_is_full():
                    return False
        except MemoryError:
            if isinstance(error, MemoryError):
                return False
            raise
        self._fail(event, error)
        return False

    def _fail(self, event: str, error: Exception) -> None:
        problems = remove(self, self.teardown, failed=True)
        if problems is None:
            log.say("debug", "a handler still under way failed in %s: %r", event, error)
            return
        try:
            settle(_handler_error(self.tracer, event, error), error, problems, self.policy())
        finally:
            self.settle_up()


def remove(
    installation: Installation, teardown: Callable[..., bool], *, failed: bool
) -> list[Exception] | None:
    """Remove a tracer, then call its flush() and finish().

    An exception of one step does not prevent the others. Exceptions of the program's signal
    handlers are kept; see `Installation.settle_up`.

    Parameters:
        installation: the tracer's installation.
        teardown: `uninstall_locked`.
        failed: whether to call the tracer's notify_failure() first.

    Returns:
        The exceptions that the tracer raised meanwhile; None if it had been removed before, and
        nothing was done.
    """
    tracer = installation.tracer
    farewell: list[Step] = [(tracer.flush,), (tracer.finish,)]
    if failed:
        farewell.insert(0, (tracer.notify_failure,))
    steps = Steps(farewell)
    ours: list[bool] = []
    try:
        _remove(installation, teardown, ours, steps)
    except BaseException as error:
        # Called again, it continues where it was interrupted.
        _remove(installation, teardown, ours, steps)
        if not installation.keep(error):
            raise
    if not ours:
        installation.settle_up()
        return None
    return [
        error
        for error in steps.raised
        if not installation.keep(error) and isinstance(error, Exception)
    ]


def _remove(
    installation: Installation, teardown: Callable[..., bool], ours: list[bool], steps: Steps
) -> None:
    # The same call into C removes the tracer and records that this call did it.
    locked(teardown, installation, (ours.append, True))
    if ours:
        steps.take()


def settle(
    error: RecorderError, cause: Exception, others: list[Exception], policy: RecorderPolicy
) -> None:
    """Raise or log a tracer's error, as the policy says.

    Parameters:
        error: the error.
        cause: the exception from which it was made.
        others: other exceptions of the tracer while it was removed; these are only logged.
        policy: the policy.

    Raises:
        RecorderError: under ``on_recorder_error = "abort"``.
    """
    if policy.json_errors:
        log.json_line(error)
    for other in others:
        log.say("error", "error while removing the tracer: %r", other)
    if policy.on_recorder_error == "abort":
        if error is cause:
            raise error
        raise error from cause
    # The traceback of an error of codetracer would add nothing to its text.
    trail = None if error is cause else cause
    log.say("error", "tracing has stopped, the program continues: %s", error, exc_info=trail)


def tracer_error(tracer: Tracer, what: str, error: Exception) -> RecorderError:
    """Return the RecorderError for an exception of a tracer's method.

    The message names the line in the tracer's file that failed, or where the method is defined.

    Parameters:
        tracer: the tracer.
        what: the name of the method.
        error: the exception; a RecorderError is returned unchanged.
    """
    if isinstance(error, RecorderError):
        return error
    name = type(tracer).__qualname__
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception as wrong:  # its __str__ fails
        if is_the_programs(wrong):
            raise
        text = type(error).__name__
    file, line = _place(getattr(tracer, what, None), error)
    at = f" at {file}:{line}" if file else ""
    return InternalError(
        "ERR_TRACER_FAILED",
        f"{name}.{what} failed{at}: {text}",
        {"tracer": name, "in": what, "file": file, "line": line, "exception": text},
    )


def _place(method: object, error: Exception) -> tuple[str | None, int | None]:
    """Return the file and line of an error: the innermost entry in the method's own file."""
    function = python_function(method)
    # For a decorated method, the file of the decorated function.
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    place = None if code is None else (code.co_filename, code.co_firstlineno)
    entry = error.__traceback__
    while entry is not None:
        file = entry.tb_frame.f_code.co_filename
        if code is None or file == code.co_filename:
            place = file, entry.tb_lineno
        entry = entry.tb_next
    return place or (None, None)


def farewell_error(tracer: Tracer, error: Exception) -> RecorderError:
    """Return the RecorderError for an exception of a tracer while it was removed."""
    entry = error.__traceback__
    while entry is not None:
        for step in ("notify_failure", "flush"):
            function = python_function(getattr(tracer, step, None))
            if function is not None and entry.tb_frame.f_code is function.__code__:
                return tracer_error(tracer, step, error)
        entry = entry.tb_next
    return tracer_error(tracer, "finish", error)


def _handler_error(tracer: Tracer, event: str, error: Exception) -> RecorderError:
    # If `event` is no event, it is the name of another method, such as flush.
    return tracer_error(tracer, HANDLERS.get(event, event), error)


def _free_frames(error: Exception) -> None:
    """Release the objects in the handler's frames, because the next steps need some memory."""
    entry = error.__traceback__
    while entry is not None:
        # Without contextlib, because importing it needs memory.
        try:
            entry.tb_frame.clear()
            if _KEEPS_LOCALS:
                entry.tb_frame.f_locals  # noqa: B018
        except RuntimeError:  # it still runs
            pass
        entry = entry.tb_next
