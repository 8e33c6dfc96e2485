"""Says what a recording has not, because code was recorded in less detail than with values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from codetracer_bindings.trace_format import (
    DETAIL_CALLS,
    DETAIL_LINES,
    DETAIL_NAMES,
    DETAIL_NOTHING,
    DETAIL_VALUES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.model import Code, Frame

    type Part = Literal["lines", "values"]

__all__ = ["Lowered", "behind", "foreign", "lacking", "lacking_in"]

_WITHOUT = {
    "lines": (DETAIL_NAMES[DETAIL_CALLS], DETAIL_NAMES[DETAIL_NOTHING]),
    "values": tuple(name for number, name in DETAIL_NAMES.items() if number != DETAIL_VALUES),
}
_HAS_NO = {
    DETAIL_NAMES[DETAIL_LINES]: "values",
    DETAIL_NAMES[DETAIL_CALLS]: "lines, and no values of variables",
    DETAIL_NAMES[DETAIL_NOTHING]: "events",
}


class Lowered(NamedTuple):
    """One time that the recording's budget lowered the detail of code.

    Attributes:
        code: the code.
        before: the name of its detail until then.
        after: the name of its detail from then on.
        time_ns: when that was (ns since recording began).
    """

    code: Code
    before: str
    after: str
    time_ns: int


def lacking(codes: Iterable[Code], part: Part) -> str:
    """Return how many of some code objects have no lines, or no values of variables, and why.

    Parameters:
        codes: the code objects.
        part: what they may lack.

    Returns:
        A part of a sentence; empty if none lacks it.
    """
    count = 0
    less = {(detail, lowered): 0 for detail in _WITHOUT[part] for lowered in (False, True)}
    for code in codes:
        count += 1
        if code.detail in _WITHOUT[part]:
            less[code.detail, bool(code.fuller)] += 1
    told = [
        f"{'all' if number == count else f'{number:,} of {count:,}'} code objects were"
        f" {'lowered by the budget to' if lowered else 'recorded with'} detail {detail},"
        f" which has no {_HAS_NO[detail]}"
        for (detail, lowered), number in less.items()
        if number
    ]
    return "; ".join(told)


def foreign(code: Code) -> str:
    """Return why code is not looked into, in words that follow its name."""
    if code.has_lines:
        return "not your code; --all looks into it"
    return f"not explained: {lacking_in(code)}"


def behind(frame: Frame) -> str:
    """Return why what a frame's variables hold may be older than the moment; empty if it is not.

    Parameters:
        frame: a frame that is on its thread's stack.
    """
    above = None if frame.thread is None else frame.thread.top
    while above is not None and above is not frame:
        if not above.code.has_values:
            return f"what {above.code.shown_name} has changed is not seen yet"
        above = above.caller
    return ""


def lacking_in(code: Code) -> str:
    """Return why the variables of a code object have no values; empty if they have."""
    if code.has_values:
        return ""
    if code.fuller:
        return (
            f"the recording's budget lowered {code.shown_name} from detail {code.fuller} to"
            f" {code.detail}, which has no {_HAS_NO[code.detail]}"
        )
    return (
        f"{code.shown_name} was recorded with detail {code.detail},"
        f" which has no {_HAS_NO[code.detail]}"
    )
