"""One installation in sys.monitoring: what is set when it comes, and what is left when it goes.

Whatever belongs together happens in one call into C, so that no signal handler of the program, and
no other thread while the interpreter lock is held, comes between. Nothing here decides; see
`codetracer.monitoring.install`.
"""

from __future__ import annotations

import sys
from _operator import call
from itertools import starmap

from codetracer import log
from codetracer.errors import UsageError
from codetracer.monitoring.api import Tracer, events_union, overrides
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec, enabled_specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any

    from codetracer.monitoring.api import EventSet
    from codetracer.monitoring.callbacks import Installation

    type Step = tuple[Any, ...]
    """A function, and what to call it with."""

__all__ = [
    "attach",
    "conflict",
    "detach",
    "local_events",
    "rearm",
    "reattach",
    "unchanged",
    "wanted_specs",
    "watch",
]


def attach(installation: Installation, slots: Iterable[int], *then: Step) -> bool:
    """Claim the first of `slots` that is free, register the callbacks, and set the events.

    Parameters:
        then: what else happens when that has been done, and only then.

    Returns:
        Whether one was free; if not, or when this raises, nothing is left of it.
    """
    for slot in slots:
        claim = (sys.monitoring.use_tool_id, slot, installation.owner)
        own = (setattr, installation, "tool", slot)
        try:
            _take_all([claim, own, *_setting_up(installation, slot), *then])
            installation.as_set = sys.monitoring.get_events(slot)
        except BaseException as error:
            if sys.monitoring.get_tool(slot) is installation.owner:
                detach(installation)
            elif isinstance(error, ValueError):
                # Taken; asking first would leave a gap for another thread.
                continue
            raise
        return True
    return False


def reattach(installation: Installation) -> bool:
    """Set everything up again in a slot that somebody freed or changed.

    Returns:
        Whether that could be; if not, somebody has taken it meanwhile.
    """
    tool = installation.tool
    steps: list[Step] = []
    if sys.monitoring.get_tool(tool) is not installation.owner:
        steps.append((sys.monitoring.use_tool_id, tool, installation.owner))
    steps += _setting_up(installation, tool)
    for code, events in installation.watched_code():
        # 3.14 on: what was set is forgotten, but equal events are not set a second time.
        steps.append((sys.monitoring.set_local_events, tool, code, 0))
        steps.append((sys.monitoring.set_local_events, tool, code, events))
    try:
        _take_all(steps)
    except ValueError:
        return False
    return True


def unchanged(installation: Installation) -> bool:
    """Tell whether the slot is the installation's, with the events that it set."""
    tool = installation.tool
    return (
        sys.monitoring.get_tool(tool) is installation.owner
        and sys.monitoring.get_events(tool) == installation.as_set
    )


def detach(installation: Installation) -> None:
    """Leave nothing behind, whatever fails on the way.

    A slot that somebody freed is cleared too: on 3.12 and 3.13 its events and callbacks are still
    there. In one that somebody else holds, nothing is touched but what is this installation's.
    """
    tool = installation.tool
    holder = sys.monitoring.get_tool(tool)
    steps: list[Step] = [(setattr, installation, "closed", True)]
    if holder is None:
        steps.append((sys.monitoring.use_tool_id, tool, installation.owner))
    if holder is None or holder is installation.owner:
        steps += [
            (sys.monitoring.set_events, tool, 0),
            *_clearing_code(installation),
            *_clearing_callbacks(tool),
            (sys.monitoring.free_tool_id, tool),
        ]
    else:
        _withdraw(installation)
    steps.append((setattr, installation, "callbacks", ()))
    _take_each(installation, steps)


def rearm(installation: Installation) -> None:
    """Re-arm the locations that this tool disabled, and no other tool's."""
    tool = installation.tool
    watched = installation.watched_code()
    _take_each(
        installation,
        [
            (sys.monitoring.set_events, tool, 0),
            *_clearing_code(installation),
            *((sys.monitoring.set_local_events, tool, code, events) for code, events in watched),
            (sys.monitoring.set_events, tool, installation.mask),
            (installation.forget_disabled,),
        ],
    )
    installation.raise_interrupt()


def watch(installation: Installation, code: CodeType, events: EventSet) -> None:
    """Set events for one code object; 0 for none."""
    sys.monitoring.set_local_events(installation.tool, code, events)
    installation.watch(code, events)


def _take_all(steps: Iterable[Step]) -> None:
    """Call each function, in one call into C; an exception ends it."""
    list(starmap(call, steps))


def _take_each(installation: Installation, steps: Iterable[Step]) -> None:
    """Call each function whatever the ones before raised; what is no error is kept for later."""
    pending = starmap(call, steps)
    while True:
        try:
            list(pending)
            return
        except Exception as error:
            # 3.13 on: after 16,777,215 changes of events every further one is an OverflowError.
            log.say("warning", "slot %d cannot be set wholly: %r", installation.tool, error)
        except BaseException as error:
            installation.interrupt = installation.interrupt or error


def _setting_up(installation: Installation, tool: int) -> list[Step]:
    return [
        # 3.12 and 3.13 hand a slot over with the last owner's events and callbacks.
        (sys.monitoring.set_events, tool, 0),
        *_clearing_callbacks(tool),
        *(
            (sys.monitoring.register_callback, tool, event, callback)
            for event, callback in installation.callbacks
        ),
        (sys.monitoring.set_events, tool, installation.mask),
    ]


def _clearing_callbacks(tool: int) -> list[Step]:
    return [
        (sys.monitoring.register_callback, tool, spec.id, None)
        for spec in CALLBACK_SPECS
        if spec.id
    ]


def _clearing_code(installation: Installation) -> list[Step]:
    """Unset what is set for single code objects, and re-arm what was disabled.

    While no event of the tool is set globally, a local event that comes and goes makes CPython
    instrument a code object anew. `restart_events()` would re-arm every tool's locations.
    """
    tool = installation.tool
    steps: list[Step] = [
        (sys.monitoring.set_local_events, tool, code, 0) for code, _ in installation.watched_code()
    ]
    for code in installation.disabled_code():
        steps.append((sys.monitoring.set_local_events, tool, code, EVENTS.PY_START))
        steps.append((sys.monitoring.set_local_events, tool, code, 0))
    return steps


def _withdraw(installation: Installation) -> None:
    """Take the installation's own callbacks out of a slot that is now another tool's.

    3.12 and 3.13 leave them there, to be called for the other tool's events.
    """
    for event, callback in installation.callbacks:
        # The only way to read a callback is to replace it.
        found = sys.monitoring.register_callback(installation.tool, event, None)
        if found is not callback:
            sys.monitoring.register_callback(installation.tool, event, found)


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
