"""The frame that an event is in, however the callbacks are made."""

from __future__ import annotations

from sys import _getframe

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

__all__ = ["frame"]

seal(globals())


def frame(code: CodeType) -> FrameType | None:
    """Return the innermost frame that runs `code`: in a handler, the one its event is in.

    How many frames up that is differs: callbacks in Python have a frame between the program's and
    the handler's, those in C have none, and the handler may call functions of its own.

    Parameters:
        code: the code object that the handler received.

    Returns:
        The frame. Let go of it when the handler returns: whoever keeps a frame keeps all its
        variables. None for code that runs in no frame, as where an extension module fires the
        event (`PyMonitoring_FirePyStartEvent` and its like, since 3.13; Cython does so).
    """
    found: FrameType | None = _getframe(1)
    while found is not None and found.f_code is not code:
        found = found.f_back
    return found
