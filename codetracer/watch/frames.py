"""Follows the program's frames: the frame of an event, its depth, and when it began.

A frame on the stack is identified by its id. No frame and no object in one is kept, so the
program's objects live exactly as long as without tracing.
"""

from __future__ import annotations

import sys
import threading

from codetracer.inspect.code import parameters
from codetracer.inspect.frames import stack_change
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

__all__ = ["FrameStack", "arguments_of", "line_of"]

seal(globals())


class FrameStack(threading.local):
    """The ids of the shown frames of one thread, outermost first.

    Each method returns the depth of a frame: the number of shown frames below it. A frame of None
    means that CPython shows none for the event; it counts as above all shown frames.

    Parameters:
        is_shown: returns whether the frames of a code object are shown.
        bottom: the code of the launcher's frame, above which the program's frames begin.
    """

    def __init__(self, is_shown: Callable[[CodeType], bool], bottom: CodeType) -> None:
        self._is_shown = is_shown
        self._bottom = bottom
        self._frames: list[int] = []

    def enter(self, frame: FrameType | None) -> int:
        """Note that a frame begins or is resumed."""
        if frame is None:
            return len(self._frames)
        self._unwind_to(frame.f_back)
        self._frames.append(id(frame))
        return len(self._frames) - 1

    def within(self, frame: FrameType | None) -> int:
        """Note that an event happens in a frame."""
        if frame is None:
            return len(self._frames)
        self._unwind_to(frame)
        return len(self._frames) - 1

    def leave(self, frame: FrameType | None) -> int:
        """Note that a frame ends or is suspended."""
        if frame is None:
            return len(self._frames)
        self._unwind_to(frame)
        self._frames.pop()
        return len(self._frames)

    def _unwind_to(self, frame: FrameType | None) -> None:
        """Make `frame`, or else the next shown frame below it, the innermost one."""
        frames = self._frames
        if frame is not None and frames and frames[-1] == id(frame):
            return
        still_open, lacking = stack_change(frame, self._place_of, self._choose, self._bottom)
        frames[still_open:] = lacking

    def _place_of(self, frame: FrameType) -> int:
        key, frames = id(frame), self._frames
        return frames.index(key) if key in frames and self._is_shown(frame.f_code) else -1

    def _choose(self, frame: FrameType) -> int | None:
        return id(frame) if self._is_shown(frame.f_code) else None


def line_of(frame: FrameType | None, code: CodeType) -> int:
    """Return the current line of a frame of `code`; the code's first line if that is unknown."""
    # f_lineno is 0 at the beginning of a module, and None for instructions without a line.
    return (None if frame is None else frame.f_lineno) or code.co_firstlineno


def arguments_of(frame: FrameType | None) -> dict[str, Any]:
    """Return a function's arguments by parameter, in the order of its definition.

    The caller must call it at PY_START, before the function can assign its parameters.
    """
    if frame is None or not (names := parameters(frame.f_code)):
        return {}
    values = frame.f_locals
    arguments = {name: values[name] for name in names if name in values}
    if sys.version_info < (3, 13):
        # Before PEP 667 (3.13) the frame keeps this dict, which would keep each value alive after
        # the function releases it.
        values.clear()
    return arguments
