"""Finds the Python processes that a program started and that have no log in its recording."""

from __future__ import annotations

from codetracer.own import seal

__all__ = ["without_joined"]

seal(globals())


def without_joined(started: list[str], joined: int) -> list[str]:
    """Return the commands of started processes, without those that are recorded.

    Parameters:
        started: the commands of all Python processes that a process started.
        joined: how many of them have joined the recording. It is not known which; commands that
            contain ``codetracer`` are assumed to be the first ones.
    """
    order = sorted(started, key=_names_no_codetracer)
    return order[joined:]


def _names_no_codetracer(command: str) -> bool:
    return "codetracer" not in command
