"""The state of an installation, and the one place where a handler's error becomes a decision.

- `locked`: the lock of what this process has installed.
- `Installation`: a tracer in a slot, with its callbacks, the code that it watches and where it has
  disabled locations; `on_error` and `on_outcome` are what the guarded callbacks call.
- `remove` and `settle`: take a tracer down, and make of its error what the policy says.
- `tracer_error` and `farewell_error`: that error, as the user reads it.

The guarded callbacks themselves are generated (`codetracer_bindings.callbacks`), or in C.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from types import CodeType

from codetracer import log
from codetracer.errors import InternalError, RecorderError
from codetracer.monitoring.api import ToolId, Tracer
from codetracer.monitoring.attach import Steps
from codetracer.monitoring.backend import binders
from codetracer.monitoring.codes import make_codes
from codetracer.monitoring.handlers import python_function
from codetracer.own import BUILTINS, seal
from codetracer.whose import continues, is_the_programs, memory_is_full
from codetracer_bindings.events import DISABLE, CallbackOutcome, EventSet
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec, bound_callbacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from codetracer.monitoring.attach import Step
    from codetracer.policy import RecorderPolicy

__all__ = ["Installation", "farewell_error", "locked", "remove", "settle", "tracer_error"]

seal(globals())

ROOM: Final = 500
"""Frames that dealing with an error may need when the program has nearly filled the stack."""

_KEEPS_LOCALS: Final = sys.version_info < (3, 13)
"""Whether a frame's f_locals, once read, keeps what it held until it is read again (PEP 667)."""

_HANDLERS: Final = {spec.event: spec.handler for spec in CALLBACK_SPECS}

# Of what this process has installed; no tracer's code runs under it. Reentrant, for a signal
# handler or __del__ may come in while this thread holds it. It is threading.RLock; importing
# threading takes a quarter of the time that codetracer takes.
_lock = RLock()
if hasattr(os, "register_at_fork"):
    # Who forks holds it, so that no other thread does in the child, where that thread is gone. All
    # three are in C: other modules' functions, which run before and after, fire events.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


def locked[**P, T](function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function under the lock of what this process has installed."""
    held: list[bool] = []
    try:
        # One call into C takes the lock and takes note of it. A signal handler that raises may
        # come between: on 3.14 also between the beginning of a ``with`` and its block.
        held.extend(map(_lock.acquire, (True,)))
        return function(*arguments, **named)
    finally:
        if held:
            _lock.release()


class Installation:
    """One tracer in one slot, from install to uninstall.

    Attributes:
        tool: the slot, once there is one.
        owner: the very string that was given to `use_tool_id`; a slot with another one is not ours.
        mask: the events that are set for all code.
        as_set: what `sys.monitoring.get_events` says when they are set.
        callbacks: each event's id with its guarded callback.
        policy: returns the policy that decides on the tracer's errors.
        teardown: `uninstall_locked`.
        closed: set by the one teardown; nothing of the tracer is called by events after it.
        interrupt: what came of the program's while something was set up or taken down; it is
            raised when that is done.
        unsaid: what went wrong then, to be logged.
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
        """Judge what a handler returned; see `codetracer_bindings.callbacks`.

        DISABLE passes where CPython allows it, and the code object is remembered, to be re-armed
        at uninstall: a disabled location outlives its tool (gh-118327). Where CPython would answer
        with a ValueError in the program, it is a handler error. Anything else means nothing.
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
        """Decide what a handler's exception means; see `codetracer_bindings.callbacks`.

        A MemoryError that a handler meets because memory is full, and stays so without what the
        handler held, is nobody's fault: the tracer misses the event.

        Returns:
            True when the exception belongs to the program; see `codetracer.whose`. False when it
            has been dealt with.

        Raises:
            RecorderError: under ``on_recorder_error = "abort"``, with `error` as its cause.
        """
        limit = sys.getrecursionlimit()
        context = error.__context__
        entry = None if context is None else context.__traceback__
        # Without a call: there may be no room for one.
        while entry is not None and entry.tb_next is not None:
            entry = entry.tb_next
        if context is not None and entry is not None and entry.tb_frame.f_builtins is BUILTINS:
            # What codetracer met before, and has dealt with, is not what the program's came of.
            error.__context__ = context.__context__
        try:
            if isinstance(error, RecursionError) and continues(error):
                return True
            sys.setrecursionlimit(limit)
        except RecursionError as full:
            # The stack is full to the last frame. That one is the program's; the handler's error
            # comes again at the next event.
            if isinstance(error, RecursionError):
                error.__traceback__ = None
                return True
            full.__context__ = full.__traceback__ = None
            raise
        # The second time if the first is cut short by an exception of the program's.
        try:
            try:
                sys.setrecursionlimit(limit + ROOM)
                return self._judge(event, error)
            finally:
                # Without a call: a frame more may be too many to set it. Not if a handler has set
                # it meanwhile.
                if sys.getrecursionlimit() == limit + ROOM:
                    sys.setrecursionlimit(limit)
        finally:
            if sys.getrecursionlimit() == limit + ROOM:
                sys.setrecursionlimit(limit)

    def disabled_code(self) -> list[CodeType]:
        """Return the code objects that are alive and have had a location disabled."""
        return [code for code, _ in self._disabled.items()]

    def forget_disabled(self) -> None:
        """All locations are armed again."""
        self._disabled.clear()

    def watch(self, code: CodeType, events: EventSet) -> None:
        """Take note of the events that are set for one code object."""
        if events:
            self._watched.put(code, events)
        else:
            self._watched.drop(code)

    def watched_code(self) -> list[tuple[CodeType, EventSet]]:
        """Return the code objects that are alive and have events of their own."""
        watched: list[tuple[CodeType, EventSet]] = self._watched.items()
        return watched

    def keep(self, error: BaseException) -> bool:
        """Keep an exception for `settle_up` if it is the program's; return whether it is."""
        theirs = is_the_programs(error)
        if theirs:
            self.interrupt = self.interrupt or error
        return theirs

    def settle_up(self) -> None:
        """Say what went wrong while something was set up or taken down, and raise what came.

        Not under the lock: logging has one of its own, which a fork holds too.
        """
        while self.unsaid:
            log.say(
                "warning", "cannot set up slot %d completely: %r", self.tool, self.unsaid.pop(0)
            )
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            raise interrupt

    def _remember(self, code: CodeType) -> bool:
        """Take note of a code object with a disabled location, unless this has been closed."""
        if self.closed:
            return False
        self._disabled.put(code, 0)
        return True

    def _judge(self, event: str, error: Exception) -> bool:
        """Do what `on_error` does, with room on the stack."""
        try:
            # What the frames hold says whose it is. But all that follows needs some memory.
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

    Every step is taken, whatever the ones before it raised. What the program's signal handlers
    raise meanwhile is kept; see `Installation.settle_up`.

    Parameters:
        teardown: `uninstall_locked`.
        failed: whether to call its notify_failure() first.

    Returns:
        What the tracer raised meanwhile; None if it had been taken down, and nothing was done.
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
        # It can be done again, and goes on where it was.
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
    # Noted in the same call into C that does it.
    locked(teardown, installation, (ours.append, True))
    if ours:
        steps.take()


def settle(
    error: RecorderError, cause: Exception, others: list[Exception], policy: RecorderPolicy
) -> None:
    """Make of a tracer's error what the policy says: raise it, or say it and go on.

    Parameters:
        cause: the exception it came from.
        others: what else the tracer raised while it was taken down; these are only logged.
        policy: decides.

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
    # Where an error of ours came from says nothing more than its text.
    trail = None if error is cause else cause
    log.say("error", "tracing has stopped, the program continues: %s", error, exc_info=trail)


def tracer_error(tracer: Tracer, what: str, error: Exception) -> RecorderError:
    """Return `error`, raised by `tracer` in its method `what`, as a RecorderError.

    It says the line in the tracer's file that failed, or where the method is defined.
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
    """Return the file and line to name for an error: the innermost in the method's own file."""
    function = python_function(method)
    # Of a decorated one the file of what is decorated.
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
    """Return `error`, raised by `tracer` while it was taken down, as a RecorderError."""
    entry = error.__traceback__
    while entry is not None:
        for step in ("notify_failure", "flush"):
            function = python_function(getattr(tracer, step, None))
            if function is not None and entry.tb_frame.f_code is function.__code__:
                return tracer_error(tracer, step, error)
        entry = entry.tb_next
    return tracer_error(tracer, "finish", error)


def _handler_error(tracer: Tracer, event: str, error: Exception) -> RecorderError:
    # Anything else is a method that was called, such as flush.
    return tracer_error(tracer, _HANDLERS.get(event, event), error)


def _free_frames(error: Exception) -> None:
    """Let go of what the handler's frames hold: what comes next needs some memory."""
    entry = error.__traceback__
    while entry is not None:
        # No contextlib: it would have to be imported, in little memory.
        try:
            entry.tb_frame.clear()
            if _KEEPS_LOCALS:
                entry.tb_frame.f_locals  # noqa: B018
        except RuntimeError:  # it still runs
            pass
        entry = entry.tb_next
