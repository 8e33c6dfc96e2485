"""Finds the Python processes that a program started and that have no log in its recording."""

from __future__ import annotations

from codetracer.own import seal

__all__ = ["without_joined"]

seal(globals())


def without_joined(started: list[str], joined: int) -> list[str]:
    """Return the commands that were started without so many that are recorded all the same."""
    # Which ones these are is known of those alone that name codetracer.
    order = sorted(started, key=_names_no_codetracer)
    return order[joined:]


def _names_no_codetracer(command: str) -> bool:
    return "codetracer" not in command
