"""Follows the program's frames: the frame of an event, its depth, and when it began.

A frame is told by its id while it is on the stack. No frame, nor anything in one, is kept: the
program's objects live exactly as long as they do untraced.
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
    """The ids of the frames of one thread that are shown, outermost first.

    Each method returns the depth of a frame: how many of these are below it. None stands for a
    frame that cannot be seen, which is taken to be above all that can be.

    Parameters:
        is_shown: whether the frames of a code object count.
        bottom: the code whose frame the program's frames are above.
    """

    def __init__(self, is_shown: Callable[[CodeType], bool], bottom: CodeType) -> None:
        self._is_shown = is_shown
        self._bottom = bottom
        self._frames: list[int] = []

    def enter(self, frame: FrameType | None) -> int:
        """A frame begins or goes on."""
        if frame is None:
            return len(self._frames)
        self._unwind_to(frame.f_back)
        self._frames.append(id(frame))
        return len(self._frames) - 1

    def within(self, frame: FrameType | None) -> int:
        """Something happens in a frame."""
        if frame is None:
            return len(self._frames)
        self._unwind_to(frame)
        return len(self._frames) - 1

    def leave(self, frame: FrameType | None) -> int:
        """A frame ends or is suspended."""
        if frame is None:
            return len(self._frames)
        self._unwind_to(frame)
        self._frames.pop()
        return len(self._frames)

    def _unwind_to(self, frame: FrameType | None) -> None:
        """Make `frame`, or the innermost below it that is shown, the innermost."""
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
    """Return the line that a frame of `code` is at; the code's first where that is not known."""
    # It is 0 where a module begins, and None where the compiler gave none.
    return (None if frame is None else frame.f_lineno) or code.co_firstlineno


def arguments_of(frame: FrameType | None) -> dict[str, Any]:
    """Return a function's arguments by parameter, in the order of its definition.

    To be asked at its PY_START, before the function has touched its parameters.
    """
    if frame is None or not (names := parameters(frame.f_code)):
        return {}
    values = frame.f_locals
    arguments = {name: values[name] for name in names if name in values}
    if sys.version_info < (3, 13):
        # Until PEP 667 the frame keeps this dict, and with it each value, even one that the
        # function lets go.
        values.clear()
    return arguments
