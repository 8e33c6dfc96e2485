"""Checks the types and functions of formatters, which describe objects in words."""

from __future__ import annotations

from codetracer.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["checked", "problem_of_type"]


def problem_of_type(name: str) -> str | None:
    """Return why a name cannot be that of a type with a formatter; None if it can."""
    module, _, rest = name.partition(".")
    if not module or not rest:
        return f"{name!r} names no type; write its module and qualified name, such as shop.Order"
    if module == "builtins":
        return f"{name} is recorded as it is; only other types have formatters"
    return None


def checked(formatters: object) -> Mapping[str, Any]:
    """Check the formatters that a program passed, and return them in a new dict.

    Parameters:
        formatters: a dict from names of types to functions; None for none.

    Raises:
        UsageError: ERR_INVALID_FORMATTER, the value is not such a dict.
    """
    if formatters is None:
        return {}
    if not isinstance(formatters, dict):
        raise _invalid(f"they are {type(formatters).__name__}, not a dict", "")
    found = {}
    for name, function in formatters.items():
        if not isinstance(name, str):
            raise _invalid(f"the key {name!r} is not a text", repr(name))
        problem = problem_of_type(name)
        if problem is not None:
            raise _invalid(problem, name)
        if not callable(function):
            raise _invalid(f"the formatter of {name} is not callable: {function!r}", name)
        found[str.__str__(name)] = function
    return found


def _invalid(problem: str, key: str) -> UsageError:
    return UsageError(
        "ERR_INVALID_FORMATTER",
        f"formatters: {problem}; give a dict of type names and functions, such as"
        " {'shop.Order': describe}",
        {"key": key},
    )
