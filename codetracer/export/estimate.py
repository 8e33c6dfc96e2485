"""Estimates the size of an export from a sample of the recording's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.errors import TargetError
from codetracer.export.codetracer_elements import Elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.export.codetracer_values import Limits
    from codetracer.export.cut import Cut
    from codetracer.export.sources import Sources
    from codetracer.replay.replay import Replay

__all__ = ["Estimate", "estimate"]

ALL: Final = 2_000
"""So many events at the beginning are all measured."""

EVERY: Final = 29
"""Of those behind them, one in so many is. A prime: few programs' loops have that period."""

_BETWEEN: Final = 2
"""Bytes between two elements."""


class Estimate:
    """What was found.

    Attributes:
        size: how many bytes trace.json would have.
        events: how many events were chosen.
        whole: whether the recording was read to the end of what was chosen.
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
    """Return how large the export of a replay's events would be.

    What is damaged ends it: whoever exports the events meets that again.

    Parameters:
        replay: the events; they are used up.
        cut: chooses those that count.
        sources: numbers the source files; of no use to others then.
        limits: how much of a value is given.
        enough: more bytes need not be counted; None for no limit.
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
            weight = 1 if number < ALL else EVERY
            if number % weight == 0:
                size = sum(len(element) + _BETWEEN for element in elements.of(event))
                found.size += weight * size
                if enough is not None and found.size > enough:
                    found.whole = False
                    break
    except TargetError:
        pass
    found.size += sum(defined)
    return found
