"""Where a replay begins: the state of a process before a block of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.recording.reader import FIRST_PAYLOAD
from codetracer.replay.state import State

if TYPE_CHECKING:
    from codetracer.replay.model import Code, Frame, Thread

__all__ = ["Keyframe"]


class Keyframe:
    """The state before a block. Without changes it is that before the first one.

    Attributes:
        block: the block's number.
        offset: where its records begin in the log (byte offset).
        steps, calls, codes_before: how many steps, frames and codes came before it.
        time_ns: the time (ns since recording began).
        sources: the paths of the source files, in order.
        codes: the codes by number.
        threads: the threads, in order, with their stacks.
        running: the thread that runs, or None.
        resumable: the frames that can go on, by number.
        state: what variables and objects hold.
    """

    __slots__ = (
        "block",
        "calls",
        "codes",
        "codes_before",
        "offset",
        "resumable",
        "running",
        "sources",
        "state",
        "steps",
        "threads",
        "time_ns",
    )

    def __init__(self) -> None:
        self.block = 0
        self.offset = FIRST_PAYLOAD
        self.steps = self.calls = self.codes_before = self.time_ns = 0
        self.sources: list[str] = []
        self.codes: dict[int, Code] = {}
        self.threads: list[Thread] = []
        self.running: Thread | None = None
        self.resumable: dict[int, Frame] = {}
        self.state = State()
