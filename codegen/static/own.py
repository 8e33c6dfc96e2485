"""Keeps CPython's own functions, even if the program replaces them later.

A program may replace any function of `builtins`, `os` or `time`, to count calls or to make them
fail (``unittest.mock.patch`` does so). A module whose functions run beside the program calls, below
its imports and above its definitions,

    seal(globals())

and binds the functions of `os`, `time` and so on that it needs to names of its own. It calls no
function of the standard library that is written in Python, because that function would look up
functions that the program may have replaced.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["BUILTINS", "seal"]

BUILTINS: Final = dict(vars(builtins))
"""The builtins of sealed functions; ``f_builtins`` of a frame shows that it is ours."""


def seal(namespace: dict[str, Any]) -> None:
    """Make the functions that a module defines from now on look builtins up in a copy of our own.

    CPython takes a function's builtins from its globals when it is defined (PyFunction_New,
    Objects/funcobject.c).

    Parameters:
        namespace: the module's globals.
    """
    namespace["__builtins__"] = BUILTINS
