"""Says what a recording has not, because code was recorded in less detail than with values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from codetracer_bindings.trace_format import (
    DETAIL_CALLS,
    DETAIL_LINES,
    DETAIL_NAMES,
    DETAIL_NOTHING,
    DETAIL_VALUES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.model import Code

    type Part = Literal["lines", "values"]

__all__ = ["foreign", "lacking", "lacking_in"]

_WITHOUT = {
    "lines": (DETAIL_NAMES[DETAIL_CALLS], DETAIL_NAMES[DETAIL_NOTHING]),
    "values": tuple(name for number, name in DETAIL_NAMES.items() if number != DETAIL_VALUES),
}
_HAS_NO = {
    DETAIL_NAMES[DETAIL_LINES]: "values",
    DETAIL_NAMES[DETAIL_CALLS]: "lines, and no values of variables",
    DETAIL_NAMES[DETAIL_NOTHING]: "events",
}


def lacking(codes: Iterable[Code], part: Part) -> str:
    """Return how many of some code objects have no lines, or no values of variables, and why.

    Parameters:
        codes: the code objects.
        part: what they may lack.

    Returns:
        A part of a sentence; empty if none lacks it.
    """
    count, less = 0, dict.fromkeys(_WITHOUT[part], 0)
    for code in codes:
        count += 1
        if code.detail in less:
            less[code.detail] += 1
    told = [
        f"{'all' if number == count else f'{number:,} of {count:,}'} code objects were recorded"
        f" with detail {detail}, which has no {_HAS_NO[detail]}"
        for detail, number in less.items()
        if number
    ]
    return "; ".join(told)


def foreign(code: Code) -> str:
    """Return why code is not looked into, in words that follow its name."""
    if code.has_lines:
        return "not your code; --all looks into it"
    return f"not explained: {lacking_in(code)}"


def lacking_in(code: Code) -> str:
    """Return why the variables of a code object have no values; empty if they have."""
    if code.has_values:
        return ""
    return (
        f"{code.shown_name} was recorded with detail {code.detail},"
        f" which has no {_HAS_NO[code.detail]}"
    )
