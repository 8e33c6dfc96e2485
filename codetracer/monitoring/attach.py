"""Sets up one installation in sys.monitoring, and removes it without leaving anything.

Whatever belongs together happens in one call into C, so that no signal handler of the program, and
no other thread while the interpreter lock is held, comes between.

Decided here, by what `sys.monitoring` says at that moment: which of the offered slots is taken, and
whose a slot is that is to be set up again or cleared. When a tracer comes and goes, and what
becomes of errors, is up to `codetracer.monitoring.install`.
"""

from __future__ import annotations

import sys
from _operator import call
from itertools import starmap

from codetracer.monitoring.api import ToolId, events_union
from codetracer.own import seal
from codetracer.whose import before_it_began
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec

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
    "Steps",
    "attach",
    "detach",
    "local_events",
    "rearm",
    "reattach",
    "unchanged",
    "watch",
]

seal(globals())


def attach(installation: Installation, slots: Iterable[int], *then: Step) -> bool:
    """Claim the first of `slots` that is free, and register the callbacks; no event is set yet.

    Parameters:
        then: what else happens when that has been done, and only then.

    Returns:
        Whether one was free; if not, or when this raises, nothing is left of it.
    """
    installation.as_set = _as_told(installation.mask)
    for slot in slots:
        claim = (sys.monitoring.use_tool_id, slot, installation.owner)
        own = (setattr, installation, "tool", slot)
        try:
            _take_all([claim, own, *_clearing(slot), *_registering(installation, slot), *then])
        except BaseException as error:
            if sys.monitoring.get_tool(slot) is installation.owner:
                installation.tool = ToolId(slot)
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
    # 3.12 and 3.13 hand a slot over with the last owner's events and callbacks.
    steps += _clearing(tool) + _registering(installation, tool)
    steps.append((sys.monitoring.set_events, tool, installation.mask))
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


def detach(installation: Installation, *then: Step) -> None:
    """Leave nothing behind, whatever fails on the way.

    Parameters:
        then: what happens with it, in the same call into C as the installation is closed.

    A slot that somebody freed is cleared too: on 3.12 and 3.13 its events and callbacks are still
    there. In one that somebody else holds, nothing is touched but what is this installation's.
    """
    tool = installation.tool
    holder = sys.monitoring.get_tool(tool)
    if holder is not None and holder is not installation.owner:
        _withdraw(installation)
        _take_each(installation, [(setattr, installation, "closed", True), *then])
        return
    steps: list[Step] = []
    if holder is None:
        steps.append((sys.monitoring.use_tool_id, tool, installation.owner))
    steps += [
        (sys.monitoring.set_events, tool, 0),
        (setattr, installation, "closed", True),
        *then,
        *_clearing_code(installation),
        *_clearing(tool),
        (sys.monitoring.free_tool_id, tool),
        (setattr, installation, "callbacks", ()),
    ]
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


def watch(installation: Installation, code: CodeType, events: EventSet) -> None:
    """Set events for one code object; 0 for none."""
    sys.monitoring.set_local_events(installation.tool, code, events)
    installation.watch(code, events)


def _take_all(steps: Iterable[Step]) -> None:
    """Call each function, in one call into C; an exception ends it."""
    list(starmap(call, steps))


class Steps:
    """Calls functions one after the other, each of them whatever the ones before raised.

    Exceptions of the program's come between any two instructions here. One that comes in `take` is
    kept, wherever that is; so is one that comes while another is being kept. Calling `take` again
    goes on where it was.

    Attributes:
        raised: what was raised so far.
    """

    __slots__ = ("_left", "_steps", "raised")

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        # A list's iterator, which knows the remaining steps.
        self._left: Any = iter(steps)
        self.raised: list[BaseException] = []

    def take(self) -> None:
        """Call what has not been called."""
        while True:
            try:
                while True:
                    try:
                        # One call into C.
                        list(starmap(call, self._left))
                        if not self._left.__length_hint__():
                            return
                        # Of all exceptions that one looks like the end.
                        self.raised.append(StopIteration())
                    except BaseException as error:
                        self.raised.append(error)
                        if before_it_began(error):
                            self._left = iter(self._steps[-self._left.__length_hint__() - 1 :])
            except BaseException as error:
                self.raised.append(error)


def _take_each(installation: Installation, steps: list[Step]) -> None:
    """Call each function; what they raise is kept for `Installation.settle_up`."""
    taking = Steps(steps)
    taking.take()
    for error in taking.raised:
        if not installation.keep(error):
            # 3.13 on: after 16,777,215 changes of events every further one is an OverflowError.
            installation.unsaid.append(error)


def _registering(installation: Installation, tool: int) -> list[Step]:
    return [
        (sys.monitoring.register_callback, tool, event, callback)
        for event, callback in installation.callbacks
    ]


def _as_told(mask: EventSet) -> EventSet:
    """Return what `sys.monitoring.get_events` says of `mask` once it is set."""
    for spec in CALLBACK_SPECS:
        others = events_union(
            *(other.id for other in CALLBACK_SPECS if other.event in spec.shares_slots_with)
        )
        # 3.14 on: the events that share an event's slots are set in its place.
        if spec.id and others and mask & spec.id:
            mask = mask & ~spec.id | others
    return mask


def _clearing(tool: int) -> list[Step]:
    return [
        (sys.monitoring.set_events, tool, 0),
        *(
            (sys.monitoring.register_callback, tool, spec.id, None)
            for spec in CALLBACK_SPECS
            if spec.id
        ),
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
    callbacks, installation.callbacks = installation.callbacks, ()
    for event, callback in callbacks:
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
