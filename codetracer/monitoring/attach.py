"""Sets up one installation in sys.monitoring, and removes it without leaving anything.

Steps that belong together are taken in one call into C. No signal handler of the program can come
between them, and no other thread while the interpreter lock is held.

This module decides, with `sys.monitoring`, which of the offered slots to claim, and whether a slot
is still the installation's before it sets the slot up again or clears it.
`codetracer.monitoring.install` decides when a tracer is installed and removed, and handles errors.
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
    """A function and its arguments."""

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
    """Claim the first free slot, and register the callbacks; no event is set yet.

    Parameters:
        installation: the installation.
        slots: the slots to try, in order.
        then: steps that are taken after that, in the same call into C.

    Returns:
        Whether a slot was free. If not, or if this raises, nothing is left behind.
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
                # In use. Checking first would leave time for another thread to claim it.
                continue
            raise
        return True
    return False


def reattach(installation: Installation) -> bool:
    """Set everything up again in a slot that another tool freed or changed.

    Returns:
        Whether it was possible; if not, another tool has claimed the slot meanwhile.
    """
    tool = installation.tool
    steps: list[Step] = []
    if sys.monitoring.get_tool(tool) is not installation.owner:
        steps.append((sys.monitoring.use_tool_id, tool, installation.owner))
    # On 3.12 and 3.13 a claimed slot still has its previous owner's events and callbacks.
    steps += _clearing(tool) + _registering(installation, tool)
    steps.append((sys.monitoring.set_events, tool, installation.mask))
    for code, events in installation.watched_code():
        # Since 3.14 free_tool_id() clears local events, but CPython ignores setting events that are
        # equal to those before.
        steps.append((sys.monitoring.set_local_events, tool, code, 0))
        steps.append((sys.monitoring.set_local_events, tool, code, events))
    try:
        _take_all(steps)
    except ValueError:
        return False
    return True


def unchanged(installation: Installation) -> bool:
    """Return whether the slot is still the installation's, with the events that it set."""
    tool = installation.tool
    return (
        sys.monitoring.get_tool(tool) is installation.owner
        and sys.monitoring.get_events(tool) == installation.as_set
    )


def detach(installation: Installation, *then: Step) -> None:
    """Remove the installation completely; a step that fails does not prevent the others.

    If another tool freed the slot, it is cleared, too, because on 3.12 and 3.13 its events and
    callbacks are still there. If another tool holds the slot, only this installation's callbacks
    are removed from it.

    Parameters:
        installation: the installation.
        then: steps that are taken right after the installation is closed, in the same call into C.
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
        (_unwatch_all, installation),
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
    """Set events for one code object, in place of the previous ones; 0 for none."""
    sys.monitoring.set_local_events(installation.tool, code, events)
    installation.watch(code, events)


def _take_all(steps: Iterable[Step]) -> None:
    """Take all steps in one call into C; an exception ends it."""
    list(starmap(call, steps))


class Steps:
    """Takes steps in order; an exception of one step does not prevent the others.

    A signal handler of the program may raise an exception between any two instructions of `take`.
    Such an exception is kept, too, even if it comes while another one is being kept. If `take` is
    interrupted, calling it again continues with the next step.

    Parameters:
        steps: the steps.

    Attributes:
        raised: the exceptions so far.
    """

    __slots__ = ("_left", "_steps", "raised")

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        # The iterator of a list knows how many steps remain.
        self._left: Any = iter(steps)
        self.raised: list[BaseException] = []

    def take(self) -> None:
        """Take the steps that were not taken yet."""
        while True:
            try:
                while True:
                    try:
                        # One call into C.
                        list(starmap(call, self._left))
                        if not self._left.__length_hint__():
                            return
                        # A step raised StopIteration, which looks like the end of the iterator.
                        self.raised.append(StopIteration())
                    except BaseException as error:
                        self.raised.append(error)
                        if before_it_began(error):
                            self._left = iter(self._steps[-self._left.__length_hint__() - 1 :])
            except BaseException as error:
                self.raised.append(error)


def _take_each(installation: Installation, steps: list[Step]) -> None:
    """Take each step; keep exceptions for `Installation.settle_up`."""
    taking = Steps(steps)
    taking.take()
    for error in taking.raised:
        if not installation.keep(error):
            # Since 3.13, each change of events after 16,777,215 changes raises OverflowError.
            installation.unsaid.append(error)


def _registering(installation: Installation, tool: int) -> list[Step]:
    return [
        (sys.monitoring.register_callback, tool, event, callback)
        for event, callback in installation.callbacks
    ]


def _as_told(mask: EventSet) -> EventSet:
    """Return the result of `sys.monitoring.get_events` after `mask` was set."""
    for spec in CALLBACK_SPECS:
        others = events_union(
            *(other.id for other in CALLBACK_SPECS if other.event in spec.shares_slots_with)
        )
        # Since 3.14, CPython sets the events that share an event's slots in place of that event.
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
    """Return steps that unset events of single code objects, and re-arm disabled locations.

    While no event of the tool is set globally, setting and unsetting a local event makes CPython
    instrument the code object again. `restart_events()` would re-arm the locations of all tools.
    """
    tool = installation.tool
    steps: list[Step] = [
        (sys.monitoring.set_local_events, tool, code, 0) for code, _ in installation.watched_code()
    ]
    for code in installation.disabled_code():
        steps.append((sys.monitoring.set_local_events, tool, code, EVENTS.PY_START))
        steps.append((sys.monitoring.set_local_events, tool, code, 0))
    return steps


def _unwatch_all(installation: Installation) -> None:
    """Unset the events of code that a handler has watched since the other steps were prepared.

    After the installation is closed, no handler sets any (`install.watch_code`).
    """
    for code, _ in installation.watched_code():
        sys.monitoring.set_local_events(installation.tool, code, 0)


def _withdraw(installation: Installation) -> None:
    """Remove the installation's callbacks from a slot that another tool holds.

    On 3.12 and 3.13 they are still there, and would be called for the other tool's events.
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
