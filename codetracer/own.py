"""CPython's own functions as they were at first, whatever a program makes of them.

A program may replace any function of `builtins`, `os` or `time`, to count its calls or to fail in
them (``unittest.mock.patch`` does so). A module whose functions run beside the program calls, below
its imports and above its definitions,

    seal(globals())

and binds what it needs of `os`, `time` and so on to names of its own. It calls no function of the
standard library that is written in Python: that one would look up what the program has replaced.

What such a function catches may have been raised by a handler of the program's signals, whatever
its type; `began_here` tells.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["began_here", "seal"]

_BUILTINS: Final = dict(vars(builtins))
_PACKAGES: Final = ("codetracer", "codetracer_bindings")


def seal(namespace: dict[str, Any]) -> None:
    """Have the functions that a module defines from now on look up builtins in a copy of ours.

    CPython takes a function's builtins from its globals when it is defined (PyFunction_New,
    Objects/funcobject.c).

    Parameters:
        namespace: the module's globals.
    """
    namespace["__builtins__"] = _BUILTINS


seal(globals())


def began_here(error: BaseException) -> bool:
    """Tell whether an exception began in codetracer, and not in a signal's handler meanwhile.

    One of another type than CPython's and codetracer's may be raised anywhere, by
    ``PyThreadState_SetAsyncExc``.
    """
    module = type.__getattribute__(type(error), "__module__")
    if module != "builtins" and not _is_ours(module):
        return False
    traceback = error.__traceback__
    if traceback is None:
        return True
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return _is_ours(traceback.tb_frame.f_globals.get("__name__"))


def _is_ours(module: object) -> bool:
    return type(module) is str and module.partition(".")[0] in _PACKAGES
