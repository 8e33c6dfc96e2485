"""Decides which code is recorded in less detail, so that recording costs no more than a share.

Both engines ask a `Budget` (docs/adr/0023-a-budget-lowers-details.md). They measure, and it alone
decides, so both lower the same code for the same reasons.
"""

from __future__ import annotations

from time import process_time_ns

from codetracer.own import seal
from codetracer_bindings.trace_format import DETAIL_CALLS, DETAIL_LINES, DETAIL_VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

__all__ = ["LEAST", "LEAST_SAMPLES", "MOST_SAMPLES", "Budget"]

seal(globals())

LEAST: Final = 5_000_000
"""The cost of recording, in ns, after which an engine asks again. Asking takes little of it."""

LEAST_SAMPLES: Final = 16
"""The least number of sampled events between two questions: of fewer, one would decide too much."""

MOST_SAMPLES: Final = 128
"""The largest number of sampled events between two questions."""

GRACE: Final = 20_000_000
"""The cost of recording, in ns, that is allowed beyond the share.

While a program starts, nearly all its time is spent in code that runs once, and all of that is new
to the recorder."""

_SAVED: Final = {DETAIL_VALUES: 7, DETAIL_LINES: 4}
"""The eighths of the cost of code that are saved, as a rule, if it is lowered from a detail.

Whole applications took a tenth of the engine's time with lines (docs/benchmarks.md)."""


class Budget:
    """A limit on the CPU time that recording takes, as a share of what the program itself takes.

    It only ever lowers the detail of code, so that of a code object changes twice at most.

    Parameters:
        percent: the extra CPU time that recording may take, in percent of the program's own.
        least: what recording costs, in ns, before an engine asks again.
        clock: returns the CPU time of this process in ns.

    Attributes:
        percent, least: as above.
        lowered: how many times code was lowered in this process.
    """

    __slots__ = (
        "_before",
        "_began",
        "_clock",
        "_program",
        "_recording",
        "least",
        "lowered",
        "percent",
    )

    def __init__(
        self, percent: float, least: int = LEAST, clock: Callable[[], int] = process_time_ns
    ) -> None:
        self.percent = percent
        self.least = least
        self._clock = clock
        self.restart(0)

    def restart(self, spent: int) -> None:
        """Begin again, in a forked child, where the CPU time of the process begins again.

        Parameters:
            spent: what the engine has spent so far, in ns.
        """
        self.lowered = 0
        self._began = self._clock()
        self._before = spent
        # What the program and the recording of it took (ns) until the last question.
        self._program = self._recording = 0

    def look(self, spent: int, samples: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
        """Return which code is to be lowered now.

        Parameters:
            spent: what the engine has spent so far, in ns.
            samples: the sampled events since the last question: for each the number of its code,
                the detail of that, and what all events took for which it stands, in ns.

        Returns:
            The numbers of code, each with the number of its new detail; the most expensive code
            first.
        """
        before = self._program
        self._take_stock(spent)
        if self._recording <= self._program * self.percent / 100 + GRACE:
            return []
        costs: dict[int, int] = {}
        details: dict[int, int] = {}
        for number, detail, taken in samples:
            costs[number] = costs.get(number, 0) + taken
            details[number] = detail
        excess = sum(costs.values()) - (self._program - before) * self.percent / 100
        lowered = []
        # The first of equally expensive code comes first.
        for number in sorted(costs, key=costs.__getitem__, reverse=True):
            if excess <= 0:
                break
            if details[number] != DETAIL_CALLS:
                excess -= costs[number] * _SAVED[details[number]] / 8
                lowered.append((number, details[number] + 1))
        self.lowered += len(lowered)
        return lowered

    def _take_stock(self, spent: int) -> None:
        self._recording = spent - self._before
        both = self._clock() - self._began
        # The cost is known from samples, and may seem to be all there was.
        self._program = max(self._program, both - self._recording, both // 100)

    def as_dict(self, spent: int) -> dict[str, int | float]:
        """Return what the metadata says of it.

        Parameters:
            spent: what the engine has spent so far, in ns.
        """
        self._take_stock(spent)
        return {
            "percent": self.percent,
            "program_ns": self._program,
            "recording_ns": self._recording,
        }
