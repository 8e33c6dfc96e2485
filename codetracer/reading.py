"""The way into a recording that costs nothing until it is taken."""

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

    Little is read before it is needed, and little of that is kept, however long the log is.
    `codetracer.replay` has the types of events and values.

    Parameters:
        path: the trace's folder, or one log in it.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: ERR_TRACE_MISSING, there is no trace; ERR_TRACE_DAMAGED, a log's header is
            wrong; ERR_UNSUPPORTED_FORMAT, a newer codetracer wrote it.
    """
    # Imported now: whoever records a program must not load all this into it.
    from codetracer.replay.trace import Trace

    return Trace(path)
