"""Estimates the size of an export from a sample of the recording's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.errors import TargetError
from codetracer.export.codetracer_elements import Elements
from codetracer.export.spool import COMMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.export.codetracer_values import Limits
    from codetracer.export.cut import Cut
    from codetracer.export.sources import Sources
    from codetracer.replay.replay import Replay

__all__ = ["Estimate", "estimate"]

FIRST_MEASURED: Final = 2_000
"""Each of this many events at the beginning is measured."""

EVERY: Final = 29
"""After them, one event in this many is measured. It is prime, as few loops have such a period."""


class Estimate:
    """The result of `estimate`.

    Attributes:
        size: the estimated size of trace.json, in bytes.
        events: how many selected events were counted.
        whole: False if counting stopped because the size was beyond `enough`.
    """

    __slots__ = ("events", "size", "whole")

    def __init__(self) -> None:
        self.size = 0
        self.events = 0
        self.whole = True


def estimate(
    replay: Replay,
    cut: Cut,
    sources: Sources,
    limits: Limits,
    enough: int | None,
    progress: Callable[[], None],
) -> Estimate:
    """Estimate the size of the export of a replay's events.

    Counting ends where the log is damaged. That raises nothing here: the export itself meets the
    damage again and reports it.

    Parameters:
        replay: the events; they are consumed.
        cut: selects the events that count.
        sources: numbers the source files; nothing else can use it afterwards.
        limits: how much of each value is written.
        enough: counting stops beyond this many bytes; None for no limit.
        progress: called at each event.

    Raises:
        HostError: ERR_IO, the log cannot be read.
    """
    found = Estimate()
    defined: list[int] = []
    elements = Elements(replay.state, sources, lambda element: defined.append(len(element)), limits)
    try:
        for number, event in enumerate(cut.events(replay, progress)):
            found.events += 1
            weight = 1 if number < FIRST_MEASURED else EVERY
            if number % weight == 0:
                size = sum(len(element) + len(COMMA) for element in elements.of(event))
                found.size += weight * size
                if enough is not None and found.size > enough:
                    found.whole = False
                    break
    except TargetError:
        pass
    found.size += sum(defined)
    return found
