"""Reports the progress of long work to a client."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from codetracer.debug.dap.client import Client

__all__ = ["Progress"]

BETWEEN: Final = 0.2
"""Seconds between two messages."""

_numbers = count(1)


class Progress:
    """Long work, as a context: the client shows it from its first moment to its last.

    Parameters:
        client: gets the events of the progress.
        title: what is done.
    """

    def __init__(self, client: Client, title: str) -> None:
        self._client = client
        self._title = title
        self._id = f"codetracer-{next(_numbers)}"
        self._is_wanted = client.abilities.get("supportsProgressReporting", False)
        self._told = 0.0

    def __enter__(self) -> Self:
        if self._is_wanted:
            self._client.tell("progressStart", {"progressId": self._id, "title": self._title})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_wanted:
            self._client.tell("progressEnd", {"progressId": self._id})

    def update(self, done: int, total: int) -> None:
        """Say how much is done, and of how much."""
        now = time.monotonic()
        if self._is_wanted and total and now - self._told >= BETWEEN:
            self._told = now
            percentage = min(100, 100 * done // total)
            body = {"progressId": self._id, "percentage": percentage, "message": f"{percentage} %"}
            self._client.tell("progressUpdate", body)
