"""CPython's own functions as they were when this was loaded, whatever a program makes of them.

A program may replace any function of `builtins`, `os` or `time`, to count its calls or to fail in
them (``unittest.mock.patch`` does so). A module whose functions run beside the program calls, below
its imports and above its definitions,

    seal(globals())

and binds what it needs of `os`, `time` and so on to names of its own. It calls no function of the
standard library that is written in Python: that one would look up what the program has replaced.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["BUILTINS", "seal"]

BUILTINS: Final = dict(vars(builtins))
"""What sealed functions have for builtins: by that a frame of ours is known (``f_builtins``)."""


def seal(namespace: dict[str, Any]) -> None:
    """Have the functions that a module defines from now on look up builtins in a copy of ours.

    CPython takes a function's builtins from its globals when it is defined (PyFunction_New,
    Objects/funcobject.c).

    Parameters:
        namespace: the module's globals.
    """
    namespace["__builtins__"] = BUILTINS
