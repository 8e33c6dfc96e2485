"""Finds the frame of an event, and how the stack has changed since the last event."""

from __future__ import annotations

from sys import _getframe

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

__all__ = ["frame", "stack_change"]

seal(globals())


def frame(code: CodeType) -> FrameType | None:
    """Return the innermost frame that runs `code`; in a handler, this is the frame of the event.

    The number of frames between that frame and the caller varies: callbacks in Python have a frame
    between the program's and the handler's, callbacks in C have none, and the handler may call
    other functions.

    Parameters:
        code: the code object that the handler received.

    Returns:
        The frame; do not keep it after the handler returns, because a frame keeps all its
        variables alive. None if the code runs in no frame, because an extension module fired the
        event (with `PyMonitoring_FirePyStartEvent` and the like, since 3.13; Cython does so).
    """
    found: FrameType | None = _getframe(1)
    while found is not None and found.f_code is not code:
        found = found.f_back
    return found


def stack_change[T](
    frame: FrameType | None,
    place_of: Callable[[FrameType], int],
    choose: Callable[[FrameType], T | None],
    bottom: CodeType | None = None,
) -> tuple[int, list[T]]:
    """Compare the program's frames with the stack of them that a tool keeps.

    Events alone do not show which frames are open. A frame may have begun before tracing; throw()
    into a ``yield from`` passes through the outer generator without an event; a generator may be
    closed without an event.

    Parameters:
        frame: the innermost frame, or None if there is none.
        place_of: returns the position of a frame in the stack, from 0; -1 if it is not there.
        choose: returns the new entry for a frame that is not in the stack; None to leave it out.
        bottom: the code of the frame below the program's frames, at which the search ends.

    Returns:
        The number of entries of the stack whose frames are still open, and the new entries above
        them, outermost first.
    """
    lacking: list[T] = []
    while frame is not None:
        place = place_of(frame)
        if place >= 0:
            return place + 1, lacking[::-1]
        chosen = choose(frame)
        if chosen is not None:
            lacking.append(chosen)
        elif frame.f_code is bottom:
            break
        frame = frame.f_back
    return 0, lacking[::-1]
