"""`read`, which loads the reader of recordings when it is first called."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from codetracer.replay import Trace

__all__ = ["read"]


def read(path: str | os.PathLike[str]) -> Trace:
    """Open a recording.

        trace = codetracer.read("out")
        for event in trace:
            ...

    The trace reads the logs lazily, and keeps little of them in memory, however long they are.
    `codetracer.replay` has the types of events and values.

    Parameters:
        path: the folder of the recording, or one log in it.

    Returns:
        The trace, which yields the events in order.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: ERR_TRACE_MISSING, there is no recording; ERR_TRACE_DAMAGED, the header of a
            log is wrong; ERR_UNSUPPORTED_FORMAT, a newer codetracer wrote the recording.
    """
    # Imported here, so that a program that is only recorded does not load the reader.
    from codetracer.replay.trace import Trace

    return Trace(path)
