"""The state of an installation, and the one place where a handler's error becomes a decision."""

from __future__ import annotations

import os
import sys
import weakref
from _thread import RLock
from types import CodeType

from codetracer import log
from codetracer.errors import InternalError, RecorderError
from codetracer.monitoring.api import ToolId, Tracer
from codetracer.monitoring.backend import binders
from codetracer_bindings.events import DISABLE, CallbackOutcome, EventSet
from codetracer_bindings.registration import CallbackSpec, bound_callbacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from codetracer.policy import RecorderPolicy

__all__ = ["Installation", "State", "conclude", "settle", "state"]

ROOM: Final = 500
"""Frames that dealing with an error may need when the program has nearly filled the stack."""

HANDLER_DEPTH: Final = 100
"""A handler that goes deeper than this when the stack is full has filled it itself."""

NEARLY_FULL: Final = 20
"""Frames from the limit at which the stack counts as full."""


class State:
    """The lock of what this process has installed; no tracer's code runs under it."""

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.renew_lock()

    def renew_lock(self) -> None:
        """Forget who holds the lock: in a forked child, that thread may be gone."""
        # Reentrant, for a signal handler or __del__ may come in while this thread holds it. It is
        # threading.RLock; importing threading takes a quarter of the time that codetracer takes.
        self.lock = RLock()


state = State()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=state.renew_lock)


class Installation:
    """One tracer in one slot, from install to uninstall.

    Attributes:
        tool: the slot, once there is one.
        owner: the very string that was given to `use_tool_id`; a slot with another one is not ours.
        mask: the events that are set for all code.
        as_set: what `sys.monitoring.get_events` says when they are set.
        callbacks: each event's id with its guarded callback.
        policy: returns the policy that decides on the tracer's errors.
        closed: set by the one teardown; nothing of the tracer is called by events after it.
        interrupt: what is no `Exception` and came while something was set up or taken down; it is
            the program's, and raised when that is done.
    """

    __slots__ = (
        "_disabled",
        "_limit",
        "_may_disable",
        "_teardown",
        "_watched",
        "as_set",
        "callbacks",
        "closed",
        "interrupt",
        "mask",
        "owner",
        "policy",
        "specs",
        "tool",
        "tracer",
    )

    def __init__(
        self,
        tracer: Tracer,
        owner: str,
        specs: tuple[CallbackSpec, ...],
        mask: EventSet,
        policy: Callable[[], RecorderPolicy],
        teardown: Callable[[Installation], bool],
    ) -> None:
        self.tracer = tracer
        self.tool = ToolId(-1)
        self.owner = owner
        self.specs = specs
        self.mask = self.as_set = mask
        self.policy = policy
        self.closed = False
        self.interrupt: BaseException | None = None
        self._teardown = teardown
        self._disabled: dict[int, weakref.ref[CodeType]] = {}
        self._watched: dict[int, tuple[weakref.ref[CodeType], EventSet]] = {}
        self._limit = 1000
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
        with state.lock:
            if self.closed:
                return None
            self._remember(code)
        return DISABLE

    def on_error(self, event: str, error: Exception) -> bool:
        """Decide what a handler's exception means; see `codetracer_bindings.callbacks`.

        Returns:
            True when the exception belongs to the program: a RecursionError because the program
            had filled the stack. False when it has been dealt with.

        Raises:
            RecorderError: under ``on_recorder_error = "abort"``, with `error` as its cause.
        """
        if isinstance(error, MemoryError):
            _free_frames(error)
        if isinstance(error, RecursionError) and _program_filled_the_stack(error):
            return True
        limit = sys.getrecursionlimit()
        # Raises RecursionError when the stack is full to the last frame. That one is the
        # program's; the handler's error comes again at the next event.
        sys.setrecursionlimit(limit)
        sys.setrecursionlimit(limit + ROOM)
        try:
            self._fail(event, error)
        finally:
            if sys.getrecursionlimit() == limit + ROOM:
                sys.setrecursionlimit(limit)
        return False

    def disabled_code(self) -> list[CodeType]:
        """Return the code objects that are alive and have had a location disabled."""
        return [code for ref in self._disabled.values() if (code := ref()) is not None]

    def forget_disabled(self) -> None:
        """All locations are armed again."""
        self._disabled.clear()

    def watch(self, code: CodeType, events: EventSet) -> None:
        """Take note of the events that are set for one code object."""
        self._watched.pop(id(code), None)
        if events:
            # Weakly: what is set belongs to the code object, and goes with it.
            self._watched[id(code)] = (weakref.ref(code), events)

    def watched_code(self) -> list[tuple[CodeType, EventSet]]:
        """Return the code objects that are alive and have events of their own."""
        watched = [(ref(), events) for ref, events in self._watched.values()]
        return [(code, events) for code, events in watched if code is not None]

    def raise_interrupt(self) -> None:
        """Raise what came while something was set up or taken down, if anything did."""
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            raise interrupt

    def _remember(self, code: CodeType) -> None:
        # By identity: code objects of different files may be equal. Weakly: they may go.
        known = self._disabled.get(id(code))
        if known is not None and known() is code:
            return
        self._disabled[id(code)] = weakref.ref(code)
        if len(self._disabled) > self._limit:
            self._disabled = {id(code): weakref.ref(code) for code in self.disabled_code()}
            self._limit = 1000 + 2 * len(self._disabled)

    def _fail(self, event: str, error: Exception) -> None:
        with state.lock:
            first = self._teardown(self)
        if not first:
            log.say("debug", "a handler still under way failed in %s: %r", event, error)
            return
        problems = conclude(self, failed=True)
        settle(_handler_error(self.tracer, event, error), error, problems, self.policy())


def conclude(installation: Installation, *, failed: bool) -> list[Exception]:
    """Tell a tracer that has been removed to flush and finish; return what it raised meanwhile.

    Every step is taken, whatever the ones before it raised. What is no `Exception` belongs to the
    program and is raised again after the last step.
    """
    tracer = installation.tracer
    problems: list[Exception] = []
    for step in (*((tracer.notify_failure,) if failed else ()), tracer.flush, tracer.finish):
        try:
            step()
        except Exception as error:
            problems.append(error)
        except BaseException as error:
            installation.interrupt = installation.interrupt or error
    installation.raise_interrupt()
    return problems


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
        log.say("error", "while the tracer was taken down: %r", other)
    if policy.on_recorder_error == "abort":
        if error is cause:
            raise error
        raise error from cause
    # Where an error of ours came from says nothing more than its text.
    trail = None if error is cause else cause
    log.say("error", "tracing has stopped, the program goes on: %s", error, exc_info=trail)


def tracer_error(tracer: Tracer, what: str, error: Exception) -> RecorderError:
    """Return `error`, raised by `tracer` in `what`, as a RecorderError."""
    if isinstance(error, RecorderError):
        return error
    name = type(tracer).__qualname__
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # its __str__ fails
        text = type(error).__name__
    return InternalError(
        "ERR_UNKNOWN", f"{name}.{what}: {text}", {"tracer": name, "in": what, "exception": text}
    )


def _handler_error(tracer: Tracer, event: str, error: Exception) -> RecorderError:
    return tracer_error(tracer, f"on_{event.lower()}", error)


def _free_frames(error: Exception) -> None:
    """Let go of what the handler's frames hold: what comes next needs some memory."""
    entry = error.__traceback__
    while entry is not None:
        # No contextlib: it would have to be imported, in little memory.
        try:  # noqa: SIM105
            entry.tb_frame.clear()
        except RuntimeError:  # it still runs
            pass
        entry = entry.tb_next


def _program_filled_the_stack(error: RecursionError) -> bool:
    """Tell a stack that the program filled from a handler's own endless recursion.

    The handler's part is the traceback below the callback; the program's part is the frames that
    are left on the stack. CPython counts frames of Python code against the limit, and C calls
    against a limit of its own, which a program meets at fewer frames.
    """
    handler_frames = 0
    calls: dict[int, int] = {}
    entry = error.__traceback__
    while entry is not None:
        handler_frames += 1
        code = id(entry.tb_frame.f_code)
        calls[code] = calls.get(code, 0) + 1
        entry = entry.tb_next
    limit = sys.getrecursionlimit()
    repeats_itself = 2 * max(calls.values(), default=0) > handler_frames
    if handler_frames > HANDLER_DEPTH or (repeats_itself and handler_frames > limit // 4):
        return False
    program_frames = 0
    frame = sys._getframe().f_back
    while frame is not None:
        program_frames += 1
        frame = frame.f_back
    return (
        program_frames + handler_frames > limit - NEARLY_FULL
        or program_frames > min(limit, 1000) // 2
    )
