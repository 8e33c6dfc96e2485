"""Exceptions that end a program, a task or a test because somebody wants that."""

from __future__ import annotations

from typing import Final

__all__ = ["is_exit"]

EXITS: Final = {
    "GeneratorExit",
    "SystemExit",
    "_pytest.outcomes.Exit",
    "_pytest.outcomes.Skipped",
    "_pytest.outcomes.XFailed",
    "asyncio.exceptions.CancelledError",
}


def is_exit(type_name: str) -> bool:
    """Return whether an exception of a type is no failure, even if nothing catches it.

    Parameters:
        type_name: `ObjectValue.type_name` of the exception.
    """
    return type_name in EXITS
