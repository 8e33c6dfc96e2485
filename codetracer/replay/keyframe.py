"""The state of a process before a block of its log, from which a replay begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.replay.state import State
from codetracer_bindings.trace_format import FIRST_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.recording.reader import Block
    from codetracer.replay.model import Code, Frame, Thread

__all__ = ["Keyframe"]


class Keyframe:
    """The state before a block. Without changes it is that before the first one.

    Attributes:
        offset: the byte offset of its records in the log.
        blocks: that block, and those after it; None for all blocks of the log.
        steps, calls, codes_before: how many steps, frames and codes came before it.
        time_ns: the time (ns since recording began).
        sources: the paths of the source files, in order.
        codes: the codes by number.
        threads: the threads, in order, with their stacks.
        running: the thread that runs, or None.
        resumable: the frames that can go on, by number.
        state: what objects and global variables hold; frames have their local variables.
    """

    __slots__ = (
        "blocks",
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
        self.offset = FIRST_PAYLOAD
        self.blocks: Iterator[Block] | None = None
        self.steps = self.calls = self.codes_before = self.time_ns = 0
        self.sources: list[str] = []
        self.codes: dict[int, Code] = {}
        self.threads: list[Thread] = []
        self.running: Thread | None = None
        self.resumable: dict[int, Frame] = {}
        self.state = State()
