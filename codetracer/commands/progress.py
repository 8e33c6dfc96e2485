"""Shows the progress of long work to somebody who waits at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from codetracer.terminal import overwrite

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress"]

BAR: Final = 30
"""The width of the bar in characters."""

EVENTS: Final = 1024
"""The number of events between two drawings of the bar."""


class Progress:
    """A bar on standard error, if that is a terminal; the end of the ``with`` block removes it.

    Parameters:
        what: the word after the percentage, such as ``measured``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = ""
        self._wanted = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            overwrite(" " * len(self._shown))
            overwrite("")

    def watch(self, state: Callable[[], tuple[int, int]]) -> Callable[[], None]:
        """Return a function that the caller calls at each event.

        Parameters:
            state: returns how much work is done, and how much there is in all, in the same unit.
        """
        if not self._wanted:
            return lambda: None
        waiting = 0

        def pass_event() -> None:
            nonlocal waiting
            if waiting:
                waiting -= 1
                return
            waiting = EVENTS
            self._show(*state())

        return pass_event

    def at(self, done: int, whole: int) -> None:
        """Show how much is done.

        Parameters:
            done: how much is done.
            whole: how much there is to do.
        """
        if self._wanted:
            self._show(done, whole)

    def _show(self, done: int, whole: int) -> None:
        percent = min(100 * done // max(whole, 1), 100)
        bar = "#" * (BAR * percent // 100)
        text = f"[{bar:<{BAR}}] {percent}% {self._what}"
        if text != self._shown:
            self._shown = text
            overwrite(text)
