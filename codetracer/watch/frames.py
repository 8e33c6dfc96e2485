"""The program's frames as a tracer meets them: which one an event is in, how deep, since when.

A frame is told by its id while it is on the stack. No frame, nor anything in one, is kept: the
program's objects live exactly as long as they do untraced.
"""

from __future__ import annotations

import sys
import threading

from codetracer.inspect.frames import frame as frame_of
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any, Final

__all__ = [
    "FrameStack",
    "arguments_of",
    "code_within",
    "frame_of",
    "is_function",
    "line_of",
    "thread_name",
]

seal(globals())

# As in inspect, which takes long to import: CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS.
IS_FUNCTION: Final = 1
HAS_VARARGS: Final = 4
HAS_VARKEYWORDS: Final = 8


class FrameStack(threading.local):
    """The ids of the frames of one thread that are shown, outermost first.

    Each method returns the depth of a frame: how many of these are below it. None stands for a
    frame that cannot be seen, which is taken to be above all that can be.

    Events alone do not tell the depth. A frame may have been there before tracing began; throw()
    into a ``yield from`` passes through the outer generator without an event; a generator may be
    closed without one. So what is below a frame that begins is asked of the frame.

    Parameters:
        is_shown: tells of running code whether its frames count.
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
        self._unwind_to(self._below(frame))
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
        """Make `frame` the innermost; None stands for the bottom."""
        frames = self._frames
        missing = []
        while frame is not None:
            key = id(frame)
            if frames and frames[-1] == key:
                break
            if key in frames:
                del frames[frames.index(key) + 1 :]
                break
            missing.append(key)
            frame = self._below(frame)
        else:
            frames.clear()
        frames.extend(reversed(missing))

    def _below(self, frame: FrameType) -> FrameType | None:
        below = frame.f_back
        while below is not None and not self._is_shown(below.f_code):
            below = None if below.f_code is self._bottom else below.f_back
        return below


def code_within(code: CodeType) -> list[CodeType]:
    """Return a code object and all that are within it: its functions, and theirs."""
    codes = [code]
    for part in codes:
        codes += [constant for constant in part.co_consts if isinstance(constant, type(code))]
    return codes


def line_of(frame: FrameType | None, code: CodeType) -> int:
    """Return the line that a frame of `code` is at; the code's first where that is not known."""
    # It is 0 where a module begins, and None where the compiler gave none.
    return (None if frame is None else frame.f_lineno) or code.co_firstlineno


def is_function(code: CodeType) -> bool:
    """Tell a function from a module or class body; lambdas and generator expressions are some."""
    return bool(code.co_flags & IS_FUNCTION)


def arguments_of(frame: FrameType | None) -> dict[str, Any]:
    """Return what a function was called with, by parameter, in the order of its definition.

    To be asked at its PY_START, before the function has touched its parameters.
    """
    if frame is None or not (names := _parameters(frame.f_code)):
        return {}
    values = frame.f_locals
    arguments = {name: values[name] for name in names if name in values}
    if sys.version_info < (3, 13):
        # Until PEP 667 the frame keeps this dict, and with it each value, even one that the
        # function lets go.
        values.clear()
    return arguments


def _parameters(code: CodeType) -> list[str]:
    count = code.co_argcount + code.co_kwonlyargcount
    # A generator expression has one that is called ".0".
    names = [name for name in code.co_varnames[:count] if not name.startswith(".")]
    if code.co_flags & HAS_VARARGS:
        names.insert(code.co_argcount, code.co_varnames[count])
        count += 1
    if code.co_flags & HAS_VARKEYWORDS:
        names.append(code.co_varnames[count])
    return names


def thread_name(ident: int) -> str:
    """Return a thread's name, without running a method of a Thread subclass of the program.

    `threading.current_thread` would do so, and would register a thread that threading does not
    know.
    """
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    name = None if thread is None else _attributes_of(thread).get("_name")
    return name if type(name) is str else f"thread {ident}"


_attributes_of = threading.Thread.__dict__["__dict__"].__get__
