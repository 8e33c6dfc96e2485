"""The changes since the last event, with names as the frame's code would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.printer import Printer
from codetracer.replay.differences import differences, named, variable_name
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.model import Frame
    from codetracer.replay.replay import Replay
    from codetracer.replay.state import State

__all__ = ["described"]

VALUE_IN_CHANGE: Final = 100
"""About how many characters of a value are shown."""


def described(
    replay: Replay, printer: Printer, frame: Frame
) -> Iterator[tuple[str, object | None]]:
    """Yield the changes since the last event: a name, and the new value or None if it is gone.

    Changes are variables that were assigned or deleted, and attributes and items of objects that
    were known before.

    Parameters:
        replay: the replay at its current event.
        printer: determines the form of the values.
        frame: the frame whose variables the names begin with. An object to which none of them leads
            is named by its number, such as ``#5``.
    """
    changes, state = replay.changes, replay.state
    if changes is None:
        return
    told: set[str] = set()
    for owner, number in changes.variables:
        if owner is frame or number >= len(owner.code.variables):
            name = variable_name(owner.code, number)
            told.add(name)
            yield name, _shown(printer, state, state.variable(owner, number))
    found = {
        number: differing
        for number, before in changes.objects.items()
        if before is not None and (differing := [*differences(state, number, before)])
    }
    if found:
        names = named(state, frame, found)
        for number, differing in found.items():
            if _variable_of(names[number]) in told:
                # The new value of the variable shows the object already.
                continue
            for suffix, _, value in differing:
                yield f"{names[number]}{suffix}", _shown(printer, state, value)


def _variable_of(name: str) -> str:
    """Return the variable at the beginning of a name such as ``order.items[0]``."""
    return name.partition(".")[0].partition("[")[0]


def _shown(printer: Printer, state: State, value: raw.Value) -> object | None:
    return None if type(value) is raw.UnboundValue else printer.value(state, value, VALUE_IN_CHANGE)
