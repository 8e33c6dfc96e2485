"""CPython's own functions as they were when this was loaded; see `codetracer_bindings.own`.

What a sealed function catches may have been raised by a handler of the program's signals, whatever
its type; `began_here` tells.
"""

from __future__ import annotations

from codetracer_bindings.own import BUILTINS, seal

__all__ = ["BUILTINS", "began_here", "seal"]

seal(globals())


def began_here(error: BaseException) -> bool:
    """Tell whether an exception began in codetracer, and not in a signal's handler meanwhile.

    One of another type than CPython's and codetracer's may be raised anywhere, by
    ``PyThreadState_SetAsyncExc``.
    """
    module = type.__getattribute__(type(error), "__module__")
    if type(module) is not str or module.partition(".")[0] not in ("builtins", "codetracer"):
        return False
    traceback = error.__traceback__
    if traceback is None:
        return True
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_builtins is BUILTINS
