"""CPython's own functions as they were when this was loaded; see `codetracer_bindings.own`.

What a sealed function catches may have been raised by a handler of the program's signals, whatever
its type; `began_here` tells.
"""

from __future__ import annotations

from codetracer_bindings.own import BUILTINS, seal

__all__ = ["BUILTINS", "began_here", "seal"]

seal(globals())

_WITHOUT_ARGUMENTS = (StopIteration, StopAsyncIteration, MemoryError, AssertionError)


def began_here(error: BaseException) -> bool:
    """Tell whether an exception began in codetracer, and not in a signal's handler meanwhile.

    `PyThreadState_SetAsyncExc` may raise one anywhere: of another type than CPython's and
    codetracer's, or without the arguments that CPython's functions give to theirs.
    """
    module = type.__getattribute__(type(error), "__module__")
    if type(module) is not str or module.partition(".")[0] not in ("builtins", "codetracer"):
        return False
    if not error.args and not isinstance(error, _WITHOUT_ARGUMENTS):
        return False
    traceback = error.__traceback__
    if traceback is None:
        return True
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_builtins is BUILTINS
