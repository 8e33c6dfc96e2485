"""Decides whose exception it is that comes out of a tracer: the tracer's or the program's.

The program's signal handlers run between any two instructions of the main thread, also between
those of a tracer, and an exception from a handler is raised there. So is an exception that
`PyThreadState_SetAsyncExc` puts into a thread. These exceptions are the program's, whatever their
types.

This module imports only `codeflags` and `own` of codetracer, so that every module can use it.
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

__all__ = [
    "ARENAS",
    "RESUME",
    "before_it_began",
    "began_here",
    "continues",
    "is_the_programs",
    "memory_is_full",
]

seal(globals())

HANDLER_DEPTH: Final = 100
"""Frames of a tracer's handler above which the handler itself has filled the stack."""

NEARLY_FULL: Final = 20
"""The number of frames below the recursion limit at which the stack counts as full."""

ARENAS: Final = 2 * 2**20
"""Bytes that cannot be allocated when memory is full: two arenas of CPython's allocator.

As much is kept for the end of a recording."""

_is_a: Final = type.__subclasscheck__
"""Used instead of isinstance(), which looks up ``__class__`` on an exception of the program."""
RESUME: Final = opmap["RESUME"]
_RAISING: Final = frozenset(
    opmap[name]
    for name in ("RAISE_VARARGS", "RERAISE", "SEND", "YIELD_VALUE", "RETURN_GENERATOR", "POP_TOP")
)
"""Instructions that raise a given exception, or at which one is thrown into a generator."""

_JUMP_BACK: Final = opmap["JUMP_BACKWARD"]
_CALLS: Final = frozenset(opmap[name] for name in opmap if name.startswith("CALL"))
_WITHOUT_ARGUMENTS: Final = (StopIteration, StopAsyncIteration, MemoryError, RecursionError)
"""Types that functions in C raise without arguments; asynchronous exceptions have none either."""

_RAISING_MODULES: Final = ("builtins", "io", "codetracer")
"""The modules whose exceptions codetracer's code raises."""


def is_the_programs(error: BaseException) -> bool:
    """Return whether an exception that left codetracer's or a tracer's code is the program's.

    It is if it is no `Exception`; if a signal handler of the program raised it; if it was put into
    the thread from outside (`PyThreadState_SetAsyncExc`); or if it is a RecursionError because the
    program had filled the stack.

    The answer is wrong in two cases. An asynchronous exception whose constructor adds arguments,
    and which arrives when a call into C ends, looks as if that call had raised it. An exception
    without arguments that a third-party function in C raises looks asynchronous.

    Parameters:
        error: the exception, as a function in codetracer caught it.
    """
    return not _is_a(Exception, type(error)) or _theirs(error)[0]


def continues(error: Exception) -> bool:
    """Return whether an `Exception` is the program's, as `is_the_programs` does.

    If it is, remove the entries of codetracer and tracers from its traceback: it can then continue
    as if it had been raised in the program.
    """
    theirs, entry = _theirs(error)
    if theirs:
        error.__traceback__ = entry
    return theirs


def began_here(error: BaseException) -> bool:
    """Return whether an exception that was caught beside the program began in codetracer.

    It did if codetracer's sealed code raised it, for any reason, also because the stack or memory
    was full: codetracer handles that, and the program continues.

    Parameters:
        error: the exception, as a function in codetracer caught it.
    """
    module = type.__getattribute__(type(error), "__module__")
    if type(module) is not str or module.partition(".")[0] not in _RAISING_MODULES:
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
            # The traceback refers to this frame, so the variable would make a cycle and keep
            # everything in it alive.
            entry = None
        # There is too little memory to find out, so codetracer handles it.
        return True


def _theirs(error: BaseException) -> tuple[bool, TracebackType | None]:
    """Return whether an exception is the program's, and the first entry of its part.

    The entry is None if the whole traceback is codetracer's or a tracer's.
    """
    handler, last = _walk(error)
    if handler is not None:
        return True, handler
    if _is_a(RecursionError, type(error)):
        return _program_filled_the_stack(error), None
    return last is not None and _came_from_outside(last, error), None


def _walk(error: BaseException) -> tuple[TracebackType | None, TracebackType | None]:
    """Return the entry of a signal handler of the program, or None and the last entry."""
    entry = error.__traceback__
    # The code of signal handlers, found only if it is needed.
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
    """Return whether an exception arrived before the called function's first instruction.

    Parameters:
        error: the program's exception, caught in the function that made the call.
    """
    entry = error.__traceback__
    called = None if entry is None else entry.tb_next
    return called is not None and _instruction(called) == (RESUME, 0)


def memory_is_full(room: int = ARENAS) -> bool:
    """Return whether the process cannot allocate `room` bytes."""
    try:
        bytearray(room)
    except MemoryError:
        return True
    return False


def _was_interrupted(entry: TracebackType, called: FrameType) -> bool:
    """Return whether `called` is a signal handler that interrupted the frame of `entry`.

    A handler gets the signal's number and that frame as adjacent arguments, perhaps after `self` or
    the arguments of a `functools.partial`. It may have deleted them, but if the interrupted
    instruction is none that calls, the called function can only be a signal handler.
    """
    frame, code = entry.tb_frame, called.f_code
    instruction, _ = where = _instruction(entry)
    if where == (RESUME, 0) or instruction == _JUMP_BACK:
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
    # A tracer may pass a number and a frame to a function of its own, but its code then contains
    # the function's name.
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
    """Return whether no instruction of the frame raised `error`, because it came from outside.

    CPython checks for signals and asynchronous exceptions where a function begins, where a loop
    jumps back, and where a call into C ends; 3.15 also while it converts a value to text.
    """
    instruction, argument = _instruction(entry)
    for kind in _WITHOUT_ARGUMENTS:
        if _is_a(kind, type(error)):
            return False
    if instruction == RESUME:
        # Another RESUME is in a generator, into which an exception may have been thrown.
        return argument == 0
    if instruction == _JUMP_BACK:
        return True
    return instruction not in _RAISING and not error.args and type(error).__module__ != "_queue"


def _instruction(entry: TracebackType) -> tuple[int, int]:
    """Return the opcode at which a frame was left, and the kind of a RESUME (0: a function begins).

    The position that each CPython reports is observed in spec/probes/surroundings.toml.
    """
    content, at = entry.tb_frame.f_code.co_code, entry.tb_lasti
    if not 0 <= at < len(content):
        return -1, 0
    # 3.12 reports the end of a call of a Python function, behind the caches (zeros) of the call.
    while at and not content[at]:
        at -= 2
    # Since 3.13 the higher bits hold the number of exceptions being handled.
    return content[at], content[at + 1] & 3 if content[at] == RESUME else 0


def _program_filled_the_stack(error: BaseException) -> bool:
    """Return whether the program, not endless recursion in a handler, has filled the stack.

    The handler's part is the traceback below the callback; the program's part is the frames that
    are still on the stack. CPython counts frames of Python code against the recursion limit, and
    calls of C code against a separate limit, which a program can reach with fewer frames.
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
