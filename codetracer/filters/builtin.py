"""The filters that come with codetracer, compiled from spec/filters/."""

from __future__ import annotations

import os

from codetracer.filters.model import FilterFile, Rule
from codetracer.filters.plain import escaped
from codetracer.filters.selectors import Selector, as_base
from codetracer_bindings.builtin_filters import BUILTIN_FILTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

__all__ = ["BUILTINS", "builtin_filter"]

BUILTINS: Final = tuple(BUILTIN_FILTERS)
"""The names of the filters."""

STANDARD_LIBRARY: Final = "@standard_library@"
"""Stands in a pattern for each folder of the standard library, with a slash at the end."""


def builtin_filter(name: str) -> tuple[FilterFile, str]:
    """Return a filter, and the SHA-256 of its file in hexadecimal.

    Parameters:
        name: one of `BUILTINS`.
    """
    title, sha256, default_exec, default_value_action, rows = BUILTIN_FILTERS[name]
    rules = [
        Rule(Selector(f"{kind}:{match}:{each}", kind, match, each), exec_, None, (), reason)
        for kind, match, pattern, exec_, reason in rows
        for each in _patterns(pattern)
    ]
    return FilterFile(title, default_exec, default_value_action, tuple(rules), None, {}), sha256


def _patterns(pattern: str) -> Iterator[str]:
    """Yield the pattern, for each folder of the standard library if it names that."""
    if not pattern.startswith(STANDARD_LIBRARY):
        yield pattern
        return
    for folder in sorted(as_base(os.path.dirname(os.__file__))):
        yield escaped(folder) + pattern.removeprefix(STANDARD_LIBRARY)
