"""Answers questions about a code object: is it a function, its parameters, its inner code."""

from __future__ import annotations

from codetracer.codeflags import CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

__all__ = ["code_within", "is_function", "parameters"]

seal(globals())


def is_function(code: CodeType) -> bool:
    """Return whether code is a function, lambda or generator expression.

    The code of a module or of a class body is none of these.
    """
    return bool(code.co_flags & CO_OPTIMIZED)


def parameters(code: CodeType) -> list[str]:
    """Return the names of a function's parameters in the order of its definition.

    The list is empty for the code of a module or of a class body.
    """
    if not is_function(code):
        return []
    count = code.co_argcount + code.co_kwonlyargcount
    names = list(code.co_varnames[:count])
    if code.co_flags & CO_VARARGS:
        names.insert(code.co_argcount, code.co_varnames[count])
        count += 1
    if code.co_flags & CO_VARKEYWORDS:
        names.append(code.co_varnames[count])
    # A generator expression has a parameter with the name ".0".
    return [name for name in names if not name.startswith(".")]


def code_within(code: CodeType) -> list[CodeType]:
    """Return a code object and all code objects within it, at every depth."""
    codes = [code]
    for part in codes:
        codes += [constant for constant in part.co_consts if isinstance(constant, type(code))]
    return codes
