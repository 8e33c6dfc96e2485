"""Decides whose exception it is that comes out of a tracer: the tracer's or the program's.

The program's signal handlers run between any two instructions of the main thread, a tracer's among
them, and what they raise continues there. So does what `PyThreadState_SetAsyncExc` puts into a
thread. Such an exception is the program's, whatever its type.

Imports nothing of codetracer, so that every module can ask.
"""

from __future__ import annotations

import sys
from _signal import NSIG, getsignal  # type: ignore[import-not-found]
from opcode import opmap
from types import FunctionType, MethodType

from codetracer.codeflags import CO_VARARGS
from codetracer.own import BUILTINS, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType
    from typing import Final

__all__ = ["before_it_began", "began_here", "continues", "is_the_programs", "memory_is_full"]

seal(globals())

HANDLER_DEPTH: Final = 100
"""A handler that goes deeper than this when the stack is full has filled it itself."""

NEARLY_FULL: Final = 20
"""Frames from the limit at which the stack counts as full."""

ROOM: Final = 2 * 2**20
"""Bytes that cannot be had where memory is full: two arenas of CPython's allocator."""

_is_a: Final = type.__subclasscheck__
"""Not isinstance(), which asks an exception of the program's for its ``__class__``."""
_RESUME: Final = opmap["RESUME"]
_RAISING: Final = frozenset(
    opmap[name]
    for name in ("RAISE_VARARGS", "RERAISE", "SEND", "YIELD_VALUE", "RETURN_GENERATOR", "POP_TOP")
)
"""Instructions that raise what they are given, or at which a generator is thrown something."""

_JUMP_BACK: Final = opmap["JUMP_BACKWARD"]
_CALLS: Final = frozenset(opmap[name] for name in opmap if name.startswith("CALL"))
_WITHOUT_ARGUMENTS: Final = (StopIteration, StopAsyncIteration, MemoryError, RecursionError)
"""What functions in C raise without arguments, as asynchronous exceptions are."""

_MODULES: Final = ("builtins", "io", "codetracer")
"""Whose exceptions our code raises."""


def is_the_programs(error: BaseException) -> bool:
    """Tell whether an exception that came out of our code, or a tracer's, began in the program.

    It did if it is no `Exception`; if a signal handler of the program raised it; if it was put into
    the thread from outside (`PyThreadState_SetAsyncExc`); or if it is a RecursionError because the
    program had filled the stack.

    Two things cannot be told. An asynchronous exception that gives itself arguments, and comes when
    a call into C ends, looks like one that was raised there. One without arguments that a function
    in C raises, and which is not of CPython's own, looks asynchronous.
    """
    return not _is_a(Exception, type(error)) or _theirs(error)[0]


def continues(error: Exception) -> bool:
    """Tell whether an exception is the program's, as `is_the_programs` does.

    If so, take those entries out of its traceback that are not the program's: it continues as if it
    had come there.
    """
    theirs, entry = _theirs(error)
    if theirs:
        error.__traceback__ = entry
    return theirs


def began_here(error: BaseException) -> bool:
    """Tell whether an exception that was caught beside the program is of no concern to it.

    That is what began in our sealed code, for whatever reason. A stack or a memory that is full
    counts, too: it is met here, and the program goes on.
    """
    module = type.__getattribute__(type(error), "__module__")
    if type(module) is not str or module.partition(".")[0] not in _MODULES:
        return False
    if not _is_a(Exception, type(error)):
        return False
    try:
        handler, last = _walk(error)
        if handler is not None:
            return False
        return last is None or (
            last.tb_frame.f_builtins is BUILTINS and not _came_from_outside(last, error)
        )
    except MemoryError as full:
        entry = full.__traceback__
        try:
            while entry is not None and entry.tb_next is not None:
                entry = entry.tb_next
            if entry is not None and entry.tb_frame.f_builtins is not BUILTINS:
                raise
        finally:
            # It refers to this very frame, and all that is found from there would live on.
            entry = None
        # There is no room to ask, and that is what has come of it here.
        return True


def _theirs(error: BaseException) -> tuple[bool, TracebackType | None]:
    """Tell whether an exception is the program's, and where the program's part of it begins."""
    handler, last = _walk(error)
    if handler is not None:
        return True, handler
    if _is_a(RecursionError, type(error)):
        return _program_filled_the_stack(error), None
    return last is not None and _came_from_outside(last, error), None


def _walk(error: BaseException) -> tuple[TracebackType | None, TracebackType | None]:
    """Return where a signal handler of the program's came in, if one did, and the last entry."""
    entry = error.__traceback__
    # Only if they are needed.
    registered: list[CodeType] | None = None
    while entry is not None and (below := entry.tb_next) is not None:
        if _was_interrupted(entry, below.tb_frame):
            return below, None
        if registered is None:
            registered = _signal_handlers()
        called = below.tb_frame.f_code
        for code in registered:
            if code is called:
                return below, None
        entry = below
    return None, entry


def before_it_began(error: BaseException) -> bool:
    """Tell whether the program's exception came before the first instruction of what was called.

    Parameters:
        error: as it is caught in the function that made the call.
    """
    entry = error.__traceback__
    called = None if entry is None else entry.tb_next
    return called is not None and _instruction(called) == (_RESUME, 0)


def memory_is_full() -> bool:
    """Tell whether the process can have next to no memory."""
    try:
        bytearray(ROOM)
    except MemoryError:
        return True
    return False


def _was_interrupted(entry: TracebackType, called: FrameType) -> bool:
    """Tell whether `called` is a signal handler that came into the frame of `entry`.

    It gets the signal's number and that frame, side by side, perhaps after `self` or what a
    `functools.partial` puts in front. It may have forgotten them; but nothing else is called by an
    instruction that calls nothing.
    """
    frame, code = entry.tb_frame, called.f_code
    instruction, _ = where = _instruction(entry)
    if where == (_RESUME, 0) or instruction == _JUMP_BACK:
        return True
    count = code.co_argcount
    found = called.f_locals
    arguments = [found.get(name) for name in code.co_varnames[:count]]
    if code.co_flags & CO_VARARGS:
        rest = found.get(code.co_varnames[count + code.co_kwonlyargcount])
        if type(rest) is tuple:
            arguments += rest
    if not any(
        after is frame and type(number) is int and 0 < number < NSIG
        for number, after in zip(arguments, arguments[1:], strict=False)  # noqa: RUF007
    ):
        return False
    # A tracer's own function may get a number and a frame too: the tracer calls it by its name.
    caller = frame.f_code
    names = (caller.co_names, caller.co_varnames, caller.co_freevars, caller.co_cellvars)
    return instruction not in _CALLS or not any(code.co_name in some for some in names)


def _signal_handlers() -> list[CodeType]:
    found = []
    for number in range(1, NSIG):
        handler = getsignal(number)
        if type(handler) is MethodType:
            handler = handler.__func__
        if type(handler) is FunctionType:
            found.append(handler.__code__)
    return found


def _came_from_outside(entry: TracebackType, error: BaseException) -> bool:
    """Tell whether no instruction of this frame raised `error`.

    CPython looks for signals and asynchronous exceptions where a function begins, where a loop
    turns back, and where a call into C ends; 3.15 also while a value is made into text.
    """
    instruction, argument = _instruction(entry)
    for kind in _WITHOUT_ARGUMENTS:
        if _is_a(kind, type(error)):
            return False
    if instruction == _RESUME:
        # Any other is that of a generator, into which one may have been thrown.
        return argument == 0
    if instruction == _JUMP_BACK:
        return True
    return instruction not in _RAISING and not error.args and type(error).__module__ != "_queue"


def _instruction(entry: TracebackType) -> tuple[int, int]:
    """Return the instruction at which a frame was left, and where a RESUME stands.

    What each CPython says is in spec/probes/surroundings.toml.
    """
    content, at = entry.tb_frame.f_code.co_code, entry.tb_lasti
    if not 0 <= at < len(content):
        return -1, 0
    # 3.12: where a call of a Python function ends, and not where it stands.
    while at and not content[at]:
        at -= 2
    # 3.13 on: the bits above say how many exceptions are handled.
    return content[at], content[at + 1] & 3 if content[at] == _RESUME else 0


def _program_filled_the_stack(error: BaseException) -> bool:
    """Tell a stack that the program filled from a handler's own endless recursion.

    The handler's part is the traceback below the callback; the program's part is the frames that
    are left on the stack. CPython counts frames of Python code against the limit, and C calls
    against a limit of its own, which a program meets at fewer frames.
    """
    handler_frames = 0
    calls: dict[int, int] = {}
    entry = error.__traceback__
    while entry is not None:
        handler_frames += 1
        code = id(entry.tb_frame.f_code)
        calls[code] = calls.get(code, 0) + 1
        entry = entry.tb_next
    limit = sys.getrecursionlimit()
    repeats_itself = 2 * max(calls.values(), default=0) > handler_frames
    if handler_frames > HANDLER_DEPTH or (repeats_itself and handler_frames > limit // 4):
        return False
    program_frames = 0
    frame = sys._getframe().f_back
    while frame is not None:
        program_frames += 1
        frame = frame.f_back
    return (
        program_frames + handler_frames > limit - NEARLY_FULL
        or program_frames > min(limit, 1000) // 2
    )
