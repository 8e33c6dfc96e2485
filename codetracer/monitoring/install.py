"""Installs, uninstalls and flushes tracers: from any thread, a handler, or twice in a row.

A `Monitor` holds one tracer in one slot; the functions here are those of the process' own monitor.
`uninstall_locked` is the one teardown. A failed install, a plain uninstall and a policy that
removes a failing tracer all go through it.
"""

from __future__ import annotations

import sys

from codetracer import log
from codetracer.errors import HostError, RecorderError
from codetracer.monitoring.api import (
    NO_EVENTS,
    SLOTS,
    Tracer,
    candidates,
    events_union,
    no_free_slot,
)
from codetracer.monitoring.attach import (
    attach,
    detach,
    local_events,
    rearm,
    reattach,
    unchanged,
    watch,
)
from codetracer.monitoring.callbacks import Installation, farewell_error, locked, remove, settle
from codetracer.monitoring.handlers import conflict, event_names, wanted_specs
from codetracer.own import seal
from codetracer.policy import policy_snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import CodeType
    from typing import Any

    from codetracer.monitoring.api import EventSet
    from codetracer.monitoring.attach import Step
    from codetracer.policy import RecorderPolicy

__all__ = [
    "Monitor",
    "flush_installed_tracer",
    "install_tracer",
    "install_with_policy",
    "installed",
    "is_installed",
    "slots",
    "uninstall_locked",
    "uninstall_tracer",
    "update_exit_status",
    "watch_code",
]

_is_finalizing = sys.is_finalizing
_get_tool = sys.monitoring.get_tool
_set_events = sys.monitoring.set_events
_set_local_events = sys.monitoring.set_local_events

seal(globals())


class Monitor:
    """Holds one tracer in one tool slot, with its own events, policy and disabled locations.

    Monitors are independent of each other, and there can be as many as there are free slots. When
    the last reference to a monitor goes, it uninstalls its tracer, in the thread that dropped it.

    Parameters:
        name: the name of the slot in `sys.monitoring.get_tool`; two characters or more.
        slot: the tool slot to take, 0 to 5; by default the first free one of 3, 4 and 5.
        policy: the policy for the tracer's errors; by default the one of `configure_policy`.

    Raises:
        TypeError: the name is not a str.
        ValueError: the name is too short.
    """

    def __init__(
        self,
        name: str = "codetracer",
        *,
        slot: int | None = None,
        policy: RecorderPolicy | None = None,
    ) -> None:
        self._installation: Installation | None = None
        if not isinstance(name, str):
            raise TypeError(f"a monitor's name is a str, not {name!r}")
        if len(name) < 2:
            raise ValueError(f"a monitor's name has two characters or more, not {name!r}")
        self.name = name
        self._slot = slot
        self._policy = policy_snapshot if policy is None else lambda: policy

    @property
    def tracer(self) -> Tracer | None:
        """The installed tracer, or None."""
        installation = self._current()
        return None if installation is None else installation.tracer

    @property
    def slot(self) -> int | None:
        """The tool slot of the installed tracer, or None."""
        installation = self._current()
        return None if installation is None else installation.tool

    def install(
        self,
        tracer: Tracer,
        *,
        everywhere: bool = True,
        slot: int | None = None,
        policy: Callable[[], RecorderPolicy] | None = None,
        single: EventSet = NO_EVENTS,
    ) -> None:
        """Install `tracer` for all threads of this process, and start to call its handlers.

        Parameters:
            policy: returns the policy for its errors; by default the monitor's.
            slot: the tool slot to take; by default the monitor's.
            everywhere: whether to set its events for all code; if not, `watch` sets them for
                single functions.
            single: the events that are set by `watch` alone, even if others are set for all code.

        Raises:
            UsageError: ERR_TRACER_INSTALL_CONFLICT: this monitor already has a tracer, no slot is
                free, or the slot is not an int from 0 to 5; or the tracer has no handlers, a
                handler for an event that this interpreter lacks, a handler that does not accept
                the arguments of its event, an async or generator handler, or handlers that
                exclude each other. Nothing is left behind.
        """
        made: list[Installation] = []
        try:
            single = ~NO_EVENTS if not everywhere else single
            self._prepare(made, tracer, single, slot, policy or self._policy)
            # Last, and in this function, so that the tracer gets no other events of codetracer than
            # those of this function's end.
            _set_events(made[0].tool, made[0].mask)
        except BaseException:
            if made:
                locked(uninstall_locked, made[0])
            raise

    def _prepare(
        self,
        made: list[Installation],
        tracer: Tracer,
        single: EventSet,
        slot: int | None,
        policy: Callable[[], RecorderPolicy],
    ) -> None:
        """Do everything except setting the events; append the installation to `made`."""
        if not isinstance(tracer, Tracer):
            raise TypeError(f"a tracer is an instance of codetracer.Tracer, not {tracer!r}")
        specs = wanted_specs(tracer)
        wanted = self._slot if slot is None else slot
        wanted_slots = candidates(wanted)
        self._see_to("install")
        # A new string object, which identifies this installation if another tool takes the slot.
        owner = "".join((self.name[:1], self.name[1:]))
        mask = events_union(*(spec.mask for spec in specs)) & ~single
        installation = Installation(tracer, owner, specs, mask, policy, uninstall_locked)

        def hold() -> bool:
            if (current := self._current()) is not None:
                name = type(current.tracer).__qualname__
                raise conflict(
                    f"a tracer ({name}) is installed already, in slot {current.tool};"
                    " uninstall it first",
                    tracer=name,
                )
            return attach(
                installation,
                wanted_slots,
                (setattr, self, "_installation", installation),
                (made.append, installation),
            )

        if not locked(hold):
            raise no_free_slot(wanted)

    def uninstall(self) -> None:
        """Remove the tracer, if there is one, then call its flush() and finish().

        Nothing is left behind: no event, callback or disabled location, and the slot is free.

        Raises:
            RecorderError: under ``on_recorder_error = "abort"``: the tracer failed to flush or
                finish; or ERR_SLOT_LOST, another tool had taken its slot. The tracer is removed
                in any case.
        """
        installation = self._installation
        if installation is not None:
            try:
                # First, so that the tracer gets no events of the functions that remove it.
                if _get_tool(installation.tool) is installation.owner:
                    _set_events(installation.tool, 0)
                _uninstall(installation)
            except BaseException:
                # An exception of the program may have come before _uninstall() began.
                _uninstall(installation)
                raise
            finally:
                locked(_let_go, self)

    def __del__(self) -> None:
        # At exit, tracers that are still installed are not called.
        installation = self._installation
        if installation is None or _is_finalizing():
            return
        try:
            _uninstall(installation)
        except RecorderError as error:
            log.say("error", "removed a monitor that is no longer referenced: %s", error)

    def installed[T: Tracer](
        self, tracer: T, *, everywhere: bool = True
    ) -> AbstractContextManager[T]:
        """Return a context manager that installs `tracer` for the ``with`` block only.

        It takes the parameters of `install`, and raises the errors of `install` and `uninstall`.
        A tracer that is removed before the end of the block stays removed.
        """
        return _Installed(self, lambda: self.install(tracer, everywhere=everywhere), tracer)

    def watch(self, code: CodeType | Callable[..., object], events: EventSet | None = None) -> None:
        """Set events for one function, in place of the events that were set for it before.

        Parameters:
            code: a code object, or a Python function or method.
            events: by default all events that the tracer has handlers for and that can be set for
                single functions.

        Raises:
            TypeError: `code` is neither.
            UsageError: ERR_TRACER_INSTALL_CONFLICT, no tracer is installed, it has no handler for
                an event, or this interpreter cannot set an event for single functions.
            HostError: ERR_SLOT_LOST, as for `flush`.
        """
        code = _code_of(code)
        self._see_to("watch")

        def set_them() -> None:
            installation = self._current()
            if installation is None:
                raise conflict("no tracer is installed; install one before watch()")
            can = local_events(installation.specs)
            wanted = can if events is None else events
            if wanted & ~can:
                _refuse_events(installation, wanted & ~can)
            watch(installation, code, wanted)

        locked(set_them)

    def unwatch(self, code: CodeType | Callable[..., object]) -> None:
        """Unset the events that were set for one function, if there are any.

        Raises:
            TypeError: `code` is neither a code object nor a Python function.
            HostError: ERR_SLOT_LOST, as for `flush`.
        """
        code = _code_of(code)
        self._see_to("unwatch")

        def unset_them() -> None:
            installation = self._current()
            if installation is not None:
                watch(installation, code, 0)

        locked(unset_them)

    def rearm(self) -> None:
        """Let the locations that this tracer disabled fire again, but no other tool's.

        Raises:
            HostError: ERR_SLOT_LOST, as for `flush`.
        """
        self._see_to("rearm")

        def rearm_them() -> Installation | None:
            installation = self._current()
            if installation is not None:
                rearm(installation)
            return installation

        if (installation := locked(rearm_them)) is not None:
            installation.settle_up()

    def flush(self) -> None:
        """Let the tracer, if there is one, write everything that is still in memory.

        If another tool freed the slot, the monitor takes it back and logs a warning.

        Raises:
            RecorderError: under ``on_recorder_error = "abort"``: the tracer failed; or
                ERR_SLOT_LOST, another tool has taken its slot. The tracer is removed then.
        """
        self._call("flush", lambda tracer: tracer.flush())

    def set_exit_status(self, code: int | None) -> None:
        """Give the program's exit status to the tracer, if there is one.

        Raises:
            RecorderError: the tracer failed, under ``on_recorder_error = "abort"``, and is removed.
        """
        self._call("set_exit_status", lambda tracer: tracer.set_exit_status(code))

    def _current(self) -> Installation | None:
        installation = self._installation
        return None if installation is None or installation.closed else installation

    def _see_to(self, step: str) -> None:
        installation = self._current()
        if installation is not None:
            _see_to(installation, step)

    def _call(self, step: str, call: Callable[[Tracer], None]) -> None:
        self._see_to(step)
        installation = self._current()
        if installation is None:
            return
        try:
            call(installation.tracer)
        except Exception as error:
            if installation.on_error(step, error):
                raise


_default = Monitor()


def install_with_policy(
    tracer: Tracer,
    policy: Callable[[], RecorderPolicy],
    slot: int | None = None,
    single: EventSet = NO_EVENTS,
) -> None:
    """Install `tracer` as `install_tracer` does, with its own policy.

    Parameters:
        policy: returns the policy for its errors.
        slot: as for `install_tracer`.
        single: the events that `watch_code` alone sets.

    Raises:
        UsageError: as for `install_tracer`.
    """
    _default.install(tracer, policy=policy, slot=slot, single=single)


def watch_code(code: CodeType, events: EventSet) -> None:
    """Set events of the installed tracer for one code object, in place of those set before.

    A handler may call this. It takes no lock, because the thread that has the lock may wait for
    that handler.

    Parameters:
        code: the code object.
        events: events for which the tracer has handlers, and which can be set for single functions.
    """
    installation = _default._installation
    if installation is None:
        return
    # First, so that the teardown finds it; see `attach.detach`.
    installation.watch(code, events)
    owns = _get_tool(installation.tool) is installation.owner
    # No other thread and no signal handler comes between these: CPython lets them run after a call.
    if owns and not installation.closed:
        _set_local_events(installation.tool, code, events)


def install_tracer(tracer: Tracer, *, slot: int | None = None) -> None:
    """Install `tracer` for all threads of this process, and start to call its handlers.

    Parameters:
        slot: the tool slot to take, 0 to 5; by default the first free one of 3, 4 and 5.

    Raises:
        UsageError: ERR_TRACER_INSTALL_CONFLICT, as for `Monitor.install`. Nothing is left behind.
    """
    _default.install(tracer, slot=slot)


def uninstall_tracer() -> None:
    """Remove the installed tracer, if there is one, then call its flush() and finish().

    Nothing is left behind: no event, callback or disabled location, and the slot is free.

    Raises:
        RecorderError: the tracer failed to flush or finish, under ``on_recorder_error = "abort"``;
            it is removed in any case.
    """
    _default.uninstall()


def flush_installed_tracer() -> None:
    """Let the installed tracer, if there is one, write everything that is still in memory.

    Raises:
        RecorderError: the tracer failed, under ``on_recorder_error = "abort"``, and is removed.
    """
    _default.flush()


def update_exit_status(code: int | None) -> None:
    """Give the program's exit status to the installed tracer, if there is one.

    Raises:
        RecorderError: the tracer failed, under ``on_recorder_error = "abort"``, and is removed.
    """
    _default.set_exit_status(code)


def installed[T: Tracer](tracer: T, *, slot: int | None = None) -> AbstractContextManager[T]:
    """Return a context manager that installs `tracer` for the ``with`` block only.

    It takes the parameters of `install_tracer`, and raises the errors of `install_tracer` and
    `uninstall_tracer`. A tracer that is removed before the end of the block stays removed.
    """
    return _Installed(_default, lambda: install_tracer(tracer, slot=slot), tracer)


def is_installed(tracer: Tracer) -> bool:
    """Return whether `tracer` is installed in the process' own monitor."""
    return _default.tracer is tracer


def slots() -> dict[int, str | None]:
    """Return the name of the tool that holds each slot, 0 to 5; None for a slot that is free."""
    return {slot: sys.monitoring.get_tool(slot) for slot in SLOTS}


class _Installed:
    __slots__ = ("_install", "_installation", "_monitor", "_tracer")

    def __init__(self, monitor: Monitor, install: Callable[[], None], tracer: Tracer) -> None:
        self._monitor = monitor
        self._install = install
        self._tracer = tracer
        self._installation: Installation | None = None

    def __enter__(self) -> Any:
        self._install()
        self._installation = self._monitor._installation
        return self._tracer

    def __exit__(self, *_: object) -> None:
        installation = self._installation
        if installation is not None:
            try:
                if _get_tool(installation.tool) is installation.owner:
                    _set_events(installation.tool, 0)
                _uninstall(installation)
            except BaseException:
                _uninstall(installation)
                raise
            finally:
                self._installation = None
                locked(_let_go, self._monitor)


def uninstall_locked(installation: Installation, *then: Step) -> bool:
    """Remove an installation from sys.monitoring; the caller must hold the lock (`locked`).

    A step that fails does not prevent the others. A slot that another tool holds is not changed,
    except that this installation's callbacks are removed.

    Parameters:
        installation: the installation.
        then: steps that are taken in the same call into C, only if this call removes it.

    Returns:
        True if this call removed it, False if it had been removed before. The caller that gets True
        must call the tracer's flush() and finish().
    """
    if installation.closed:
        return False
    detach(installation, *then)
    return True


def _let_go(monitor: Monitor) -> None:
    """Release a tracer that has been removed; the caller must hold the lock."""
    if monitor._installation is not None and monitor._installation.closed:
        monitor._installation = None


def _uninstall(installation: Installation) -> None:
    lost = None if installation.closed else _lost(installation)
    problems = remove(installation, uninstall_locked, failed=lost is not None)
    if problems is None:
        return
    try:
        if lost is not None:
            problems.insert(0, lost)
        if problems:
            error, *others = problems
            told = farewell_error(installation.tracer, error)
            settle(told, error, others, installation.policy())
    finally:
        installation.settle_up()


def _see_to(installation: Installation, step: str) -> None:
    """Check the slot. If another tool freed or changed it, set it up again; if one took it, fail.

    Raises:
        HostError: ERR_SLOT_LOST, under ``on_recorder_error = "abort"``; the tracer is removed.
    """

    def recover() -> HostError | bool | None:
        if installation.closed or unchanged(installation):
            return False
        lost = _lost(installation)
        return _lost(installation) if lost is None and not reattach(installation) else lost

    lost = locked(recover)
    if lost is False:
        return
    if isinstance(lost, HostError):
        installation.on_error(step, lost)
        return
    recovered = HostError(
        "ERR_SLOT_LOST",
        f"tool slot {installation.tool} was freed or changed by another tool; it was set up again,"
        " and events may have been lost",
        {"slot": installation.tool, "holder": None},
    )
    if installation.policy().json_errors:
        log.json_line(recovered)
    log.say("warning", "%s", recovered)


def _lost(installation: Installation) -> HostError | None:
    """Return the error of an installation whose slot another tool holds; None if none does."""
    tool = installation.tool
    holder = sys.monitoring.get_tool(tool)
    if holder is None or holder is installation.owner:
        return None
    name = type(installation.tracer).__qualname__
    return HostError(
        "ERR_SLOT_LOST",
        f"tool slot {tool} of {name} was taken over by {holder!r}; it is left alone, and {name}"
        " gets no more events; give one of the tools another slot",
        {"slot": tool, "holder": holder, "tracer": name},
    )


def _code_of(code: object) -> CodeType:
    found = getattr(code, "__func__", code)
    found = getattr(found, "__code__", found)
    if type(found) is not type(_code_of.__code__):
        raise TypeError(f"{code!r} is neither a code object nor a Python function")
    return found


def _refuse_events(installation: Installation, events: EventSet) -> None:
    handled = events_union(*(spec.mask for spec in installation.specs))
    lacking = event_names(events & ~handled)
    release = f"{sys.version_info.major}.{sys.version_info.minor}"
    if lacking:
        raise conflict(
            f"{type(installation.tracer).__qualname__} has no handler for {lacking}", events=lacking
        )
    names = event_names(events)
    raise conflict(
        f"CPython {release} cannot set {names} for single functions; install the tracer everywhere",
        events=names,
        release=release,
    )
