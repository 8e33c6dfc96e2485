"""One installation in sys.monitoring: what is set when it comes, and what is left when it goes.

Nothing here decides; see `codetracer.monitoring.install`.
"""

from __future__ import annotations

import sys

from codetracer import log
from codetracer.errors import UsageError
from codetracer.monitoring.api import Tracer, events_union, overrides
from codetracer.monitoring.backend import binders
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
    from types import CodeType

    from codetracer.monitoring.api import EventSet
    from codetracer.monitoring.callbacks import Installation

__all__ = ["attach", "conflict", "detach", "local_events", "rearm", "wanted_specs", "watch"]


def attach(installation: Installation) -> None:
    """Register the callbacks, and set the events that are set for all code."""
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
    sys.monitoring.set_events(tool, installation.mask)


def detach(installation: Installation) -> None:
    """Leave nothing behind, whatever fails on the way.

    Raises:
        BaseException: what is no `Exception` belongs to the program; raised after the last step.
    """
    tool = installation.tool
    interrupt: BaseException | None = None
    steps: tuple[Callable[[], None], ...] = (
        lambda: sys.monitoring.set_events(tool, 0),
        lambda: _clear_code(installation),
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


def rearm(installation: Installation) -> None:
    """Re-arm the locations that this tool disabled, and no other tool's."""
    sys.monitoring.set_events(installation.tool, 0)
    try:
        _clear_code(installation)
    finally:
        for code, events in installation.watched_code():
            sys.monitoring.set_local_events(installation.tool, code, events)
        sys.monitoring.set_events(installation.tool, installation.mask)
    installation.forget_disabled()


def _clear_code(installation: Installation) -> None:
    """Unset what is set for single code objects, and re-arm what was disabled.

    While no event of the tool is set globally, a local event that comes and goes makes CPython
    instrument a code object anew. `restart_events()` would re-arm every tool's locations.
    """
    for code, _ in installation.watched_code():
        sys.monitoring.set_local_events(installation.tool, code, 0)
    for code in installation.disabled_code():
        sys.monitoring.set_local_events(installation.tool, code, EVENTS.PY_START)
        sys.monitoring.set_local_events(installation.tool, code, 0)


def watch(installation: Installation, code: CodeType, events: EventSet) -> None:
    """Set events for one code object; 0 for none."""
    sys.monitoring.set_local_events(installation.tool, code, events)
    installation.watch(code, events)


def local_events(specs: tuple[CallbackSpec, ...]) -> EventSet:
    """Return the events of `specs` that this interpreter can set for single code objects."""
    release = sys.version_info[:2]
    return events_union(
        *(spec.mask for spec in specs if spec.local_since and spec.local_since <= release)
    )


def wanted_specs(tracer: Tracer) -> tuple[CallbackSpec, ...]:
    """Return the specs of the events that a tracer wants and has handlers for.

    Raises:
        UsageError: ERR_TRACER_INSTALL_CONFLICT, it cannot have them all here.
    """
    events = tracer.interest(EVENTS)
    if not isinstance(events, int):
        raise TypeError(f"{type(tracer).__qualname__}.interest() returned {events!r}, not events")
    if type(tracer).interest is Tracer.interest:
        _refuse_lacking_events(tracer)
    specs = tuple(spec for spec in enabled_specs(events) if overrides(tracer, spec.handler))
    names = {spec.event: spec.handler for spec in specs}
    for spec in specs:
        if clash := [names[other] for other in spec.shares_slots_with if other in names]:
            raise conflict(
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
        raise conflict(
            f"{type(tracer).__qualname__} has {' and '.join(handlers)}, but CPython {release} has"
            f" no event {' or '.join(spec.event for spec in lacking)}; override interest() to"
            " choose what this interpreter has",
            handlers=handlers,
            release=release,
        )


def conflict(message: str, **context: object) -> UsageError:
    """Return the error of an installation that cannot be."""
    return UsageError("ERR_TRACER_INSTALL_CONFLICT", message, context)


def _every_spec() -> tuple[CallbackSpec, ...]:
    return tuple(spec for spec in CALLBACK_SPECS if spec.id)
