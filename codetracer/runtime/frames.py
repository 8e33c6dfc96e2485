"""The open recorded frames of each thread, and the state that is kept for them.

Frames are identified by their ids. No frame and no object in one is kept, so the program's objects
live exactly as long as without recording.
"""

from __future__ import annotations

from codetracer.own import seal
from codetracer_bindings.trace_format import DETAIL_VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from codetracer.runtime.lines import Line
    from codetracer.runtime.plans import Plan

__all__ = ["BEGAN", "MOST_SITES", "UNSEEN", "FrameState", "Namespace", "ThreadState"]

seal(globals())


COARSE: Final = 10
"""The engine in C keeps the event in which a frame began without this many bits."""


MOST_SITES: Final = 30
"""The largest number of calls of a line that are distinguished."""

BEGAN: Final = 1 << MOST_SITES
"""In `FrameState.matched`: the line has run recorded code, if only that of a special method."""

UNSEEN: Final = BEGAN << 1
"""In `FrameState.matched`: code that is not recorded has called code that is."""


class Namespace:
    """The global variables of a module, with the values that were written last.

    Attributes:
        number: its number in the log.
        written: for each variable, by name, the bytes of its value.
        looked: for each variable, by name, the last event that looked at it.
    """

    __slots__ = ("looked", "number", "written")

    def __init__(self, number: int) -> None:
        self.number = number
        self.written: dict[str, bytes] = {}
        self.looked: dict[str, int] = {}


class FrameState:
    """A frame that is being recorded.

    Attributes:
        frame: the frame's id.
        plan: the plan of its code.
        number: its number in the log.
        line: its current line; 0 before the first; without lines, its first one from the event of
            its beginning on.
        at: what its current line can change; None if nothing.
        since: the event in which it began.
        matched: the calls of its current line that were recorded, as bits; since it is on the
            stack.
        said: its current line according to the log.
        step: the number of its last step; -1 if it has none since it began or was resumed.
        namespace: its global variables.
        written: for each local variable, by number, the bytes of its value.
    """

    __slots__ = (
        "at",
        "frame",
        "line",
        "matched",
        "namespace",
        "number",
        "plan",
        "said",
        "since",
        "step",
        "written",
    )

    def __init__(
        self, frame: int, plan: Plan, number: int, namespace: Namespace, since: int
    ) -> None:
        self.frame = frame
        self.plan = plan
        self.number = number
        self.line = 0
        self.at: Line | None = plan.lines.get(0)
        self.matched = 0
        self.since = since >> COARSE << COARSE
        self.said = plan.first_line
        self.step = -1
        self.namespace = namespace
        self.written: dict[int, bytes] = {}

    @property
    def changing(self) -> Line | None:
        """The changes that its current line can make; None if nothing is known of them."""
        return self.at if self.plan.detail == DETAIL_VALUES else None


class ThreadState:
    """A thread.

    Attributes:
        number: its number in the log.
        stack: its open frames, outermost first.
        task: the id and the name of the asyncio task that the log has for it; 0 for none.
    """

    __slots__ = ("number", "stack", "task")

    def __init__(self, number: int) -> None:
        self.number = number
        self.stack: list[FrameState] = []
        self.task: tuple[int, str] = (0, "")
