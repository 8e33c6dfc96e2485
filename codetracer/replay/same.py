"""Compares values in the form of the log."""

from __future__ import annotations

__all__ = ["same"]


def same(before: object, now: object) -> bool:
    """Return whether two values, or the contents of an object at two times, are the same."""
    if before is now:
        return True
    if type(before) is not type(now):
        return False
    if isinstance(before, tuple) and isinstance(now, tuple):
        return len(before) == len(now) and all(map(same, before, now))
    # A NaN is not equal to itself, and 0.0 equals -0.0.
    return before == now if not isinstance(before, float) else repr(before) == repr(now)
