"""Install, uninstall, flush: from any thread, from inside a handler, twice in a row.

`uninstall_locked` is the one teardown. A failed install, a plain uninstall and a policy that
removes a failing tracer all go through it.
"""

from __future__ import annotations

import sys

from codetracer import log
from codetracer.errors import UsageError
from codetracer.monitoring.api import Tracer, acquire_tool_id, events_union, overrides
from codetracer.monitoring.backend import binders
from codetracer.monitoring.callbacks import Installation, conclude, settle, state, tracer_error
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import (
    CALLBACK_SPECS,
    CallbackSpec,
    enabled_specs,
    register_enabled_callbacks,
    unregister_enabled_callbacks,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

__all__ = [
    "flush_installed_tracer",
    "install_tracer",
    "installed",
    "uninstall_locked",
    "uninstall_tracer",
    "update_exit_status",
]


def install_tracer(tracer: Tracer, *, slot: int | None = None) -> None:
    """Install `tracer` for all threads of this process: its handlers are called from now on.

    Parameters:
        slot: the tool slot to take, 0 to 5; by default the first free one of 3, 4 and 5.

    Raises:
        UsageError: ERR_TRACER_INSTALL_CONFLICT: a tracer is installed already, no slot is free,
            the tracer has a handler for an event that this interpreter lacks, or handlers that
            exclude each other. Nothing is left behind.
    """
    if not isinstance(tracer, Tracer):
        raise TypeError(f"a tracer is an instance of codetracer.Tracer, not {tracer!r}")
    specs = _wanted_specs(tracer)
    binders()  # a backend that is missing is no reason to have touched anything
    with state.lock:
        if state.current is not None:
            name = type(state.current.tracer).__qualname__
            raise _conflict(
                f"a tracer ({name}) is installed already, in slot {state.current.tool};"
                " uninstall it first",
                tracer=name,
            )
        # A string of its own tells this installation from whoever may take the slot over.
        owner = "".join(("code", "tracer"))
        installation = Installation(
            tracer, acquire_tool_id(owner, slot), owner, specs, uninstall_locked
        )
        state.current = installation
        try:
            _attach(installation)
        except BaseException:
            uninstall_locked(installation)
            raise


def uninstall_tracer() -> None:
    """Remove the installed tracer, if there is one, then have it flush and finish.

    Nothing is left behind: no event set, no callback, no location disabled, the slot free.

    Raises:
        RecorderError: the tracer failed to flush or finish, under ``on_recorder_error = "abort"``;
            it has been removed all the same.
    """
    installation = state.current
    if installation is not None:
        _uninstall(installation)


def flush_installed_tracer() -> None:
    """Have the installed tracer, if there is one, write out what is pending.

    Raises:
        RecorderError: it failed, under ``on_recorder_error = "abort"``; it has been removed.
    """
    _call_installed("flush", lambda tracer: tracer.flush())


def update_exit_status(code: int | None) -> None:
    """Tell the installed tracer, if there is one, the program's exit status.

    Raises:
        RecorderError: it failed, under ``on_recorder_error = "abort"``; it has been removed.
    """
    _call_installed("set_exit_status", lambda tracer: tracer.set_exit_status(code))


def installed[T: Tracer](tracer: T, *, slot: int | None = None) -> AbstractContextManager[T]:
    """Return a context manager: `tracer` is installed within the ``with`` block, and only there.

    Takes what `install_tracer` takes, and raises what it and `uninstall_tracer` raise. A tracer
    that was removed before the end of the block, by its own error or by hand, stays removed.
    """
    return _Installed(tracer, slot)


class _Installed:
    __slots__ = ("_installation", "_slot", "_tracer")

    def __init__(self, tracer: Tracer, slot: int | None) -> None:
        self._tracer = tracer
        self._slot = slot
        self._installation: Installation | None = None

    def __enter__(self) -> Any:
        install_tracer(self._tracer, slot=self._slot)
        self._installation = state.current
        return self._tracer

    def __exit__(self, *_: object) -> None:
        if self._installation is not None:
            _uninstall(self._installation)


def uninstall_locked(installation: Installation) -> bool:
    """Take an installation out of sys.monitoring; the caller holds `state.lock`.

    Goes on to the end whatever fails on the way, and never touches a slot that is no longer ours.

    Returns:
        True when this call did it, False when it had been done: whoever gets True, and nobody
        else, tells the tracer to finish.
    """
    if installation.closed:
        return False
    installation.closed = True
    if state.current is installation:
        state.current = None
    if sys.monitoring.get_tool(installation.tool) is installation.owner:
        _detach(installation)
    else:
        log.say(
            "warning",
            "tool slot %d was taken over by %r; it is left alone",
            installation.tool,
            sys.monitoring.get_tool(installation.tool),
        )
    return True


def _attach(installation: Installation) -> None:
    tool = installation.tool
    # 3.12 and 3.13 hand a slot over with the last owner's events and callbacks.
    sys.monitoring.set_events(tool, 0)
    unregister_enabled_callbacks(tool, _every_spec())
    register_enabled_callbacks(
        tool,
        installation.specs,
        installation.tracer,
        binders(),
        installation.on_error,
        installation.on_outcome,
    )
    sys.monitoring.set_events(tool, events_union(*(spec.mask for spec in installation.specs)))


def _detach(installation: Installation) -> None:
    tool = installation.tool
    interrupt: BaseException | None = None
    steps: tuple[Callable[[], None], ...] = (
        lambda: sys.monitoring.set_events(tool, 0),
        lambda: _rearm(installation),
        lambda: unregister_enabled_callbacks(tool, _every_spec()),
        lambda: sys.monitoring.free_tool_id(tool),
    )
    for step in steps:
        try:
            step()
        except Exception as error:
            # 3.13 on: after 16,777,215 changes of events every further one is an OverflowError.
            log.say("warning", "slot %d cannot be cleared wholly: %r", tool, error)
        except BaseException as error:
            interrupt = interrupt or error
    if interrupt is not None:
        raise interrupt


def _rearm(installation: Installation) -> None:
    """Re-arm the locations that this tool disabled, and no other tool's.

    While no event of the tool is set globally, a local event that comes and goes makes CPython
    instrument a code object anew. `restart_events()` would re-arm every tool's locations.
    """
    for code in installation.disabled_code():
        sys.monitoring.set_local_events(installation.tool, code, EVENTS.PY_START)
        sys.monitoring.set_local_events(installation.tool, code, 0)


def _uninstall(installation: Installation) -> None:
    with state.lock:
        first = uninstall_locked(installation)
    if not first:
        return
    tracer = installation.tracer
    problems = conclude(tracer, failed=False)
    if problems:
        error, *others = problems
        settle(tracer_error(tracer, "finish", error), error, others)


def _call_installed(step: str, call: Callable[[Tracer], None]) -> None:
    installation = state.current
    if installation is None:
        return
    try:
        call(installation.tracer)
    except Exception as error:
        if installation.on_error(step, error):
            raise


def _wanted_specs(tracer: Tracer) -> tuple[CallbackSpec, ...]:
    events = tracer.interest(EVENTS)
    if not isinstance(events, int):
        raise TypeError(f"{type(tracer).__qualname__}.interest() returned {events!r}, not events")
    if type(tracer).interest is Tracer.interest:
        _refuse_lacking_events(tracer)
    specs = tuple(spec for spec in enabled_specs(events) if overrides(tracer, spec.handler))
    names = {spec.event: spec.handler for spec in specs}
    for spec in specs:
        if clash := [names[other] for other in spec.shares_slots_with if other in names]:
            raise _conflict(
                f"{type(tracer).__qualname__} has {spec.handler} and {' and '.join(clash)}, which"
                " share their callback slots on this interpreter; keep one kind,"
                " or choose in interest()",
                handlers=[spec.handler, *clash],
            )
    return specs


def _refuse_lacking_events(tracer: Tracer) -> None:
    lacking = [spec for spec in CALLBACK_SPECS if not spec.id and overrides(tracer, spec.handler)]
    if lacking:
        release = f"{sys.version_info.major}.{sys.version_info.minor}"
        handlers = [spec.handler for spec in lacking]
        raise _conflict(
            f"{type(tracer).__qualname__} has {' and '.join(handlers)}, but CPython {release} has"
            f" no event {' or '.join(spec.event for spec in lacking)}; override interest() to"
            " choose what this interpreter has",
            handlers=handlers,
            release=release,
        )


def _conflict(message: str, **context: object) -> UsageError:
    return UsageError("ERR_TRACER_INSTALL_CONFLICT", message, context)


def _every_spec() -> tuple[CallbackSpec, ...]:
    return tuple(spec for spec in CALLBACK_SPECS if spec.id)
