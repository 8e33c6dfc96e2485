"""The index of a recording that a command reads, and when it is worth to make it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.progress import Progress
from codetracer_bindings.trace_format import BLOCK_SIZE

if TYPE_CHECKING:
    from codetracer.replay.timeline import Timeline
    from codetracer.replay.trace import Process

__all__ = ["indexed", "is_little"]

_LITTLE: Final = 4 * BLOCK_SIZE


def is_little(process: Process) -> bool:
    """Return whether reading a log from its beginning is as fast as making an index."""
    return process.log.size() <= _LITTLE


def indexed(process: Process) -> Timeline:
    """Return the steps of a process; while its index is made, a terminal shows how far that is."""
    with Progress("indexed") as progress:
        return process.timeline(progress.at)
