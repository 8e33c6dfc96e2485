"""Draws lines: plain, or with rich if it is installed and a terminal shows them."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from codetracer.terminal import SafeStream, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

__all__ = ["Canvas", "Part", "canvas", "has_colours", "plain"]

type Part = str | tuple[str, str]
"""A piece of a line: a text, or a text and its style, one of `STYLES`."""

STYLES: Final = {
    "": "",
    "place": "cyan",
    "step": "bright_black",
    "name": "bold",
    "result": "green",
    "error": "bold red",
    "change": "yellow",
    "dim": "bright_black",
    "source": "",
}
"""The styles of pieces of a line, and how rich shows each."""

LEAST_HEAD: Final = 20
"""The least number of characters of a line that are kept in front of its tail."""


def plain(parts: Iterable[Part]) -> str:
    """Return the text of pieces, made safe for a terminal."""
    return "".join(safe(part if isinstance(part, str) else part[0]) for part in parts)


def has_colours() -> bool:
    """Return whether standard output is a terminal with colours, and NO_COLOR allows them."""
    # https://no-color.org: any value of NO_COLOR but an empty one turns colours off.
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def canvas(width: int, *, colours: bool) -> Canvas:
    """Return a canvas on standard output, with colours if they are wanted and rich is installed.

    Parameters:
        width: lines are cut to this many characters; 0 for no limit.
        colours: whether colours are wanted.
    """
    if colours:
        try:
            return _Coloured(width)
        except ImportError:
            # The extra `show` is not installed.
            pass
    return Canvas(width)


class Canvas:
    """Draws lines as plain text on standard output.

    Parameters:
        width: lines are cut to this many characters; 0 for no limit.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    def line(self, parts: Sequence[Part], tail: Sequence[Part] = ()) -> None:
        """Draw a line; what is cut where it is too long are the parts, not the tail."""
        text, end = plain(parts), plain(tail)
        room = max(self.width - len(end), LEAST_HEAD)
        if self.width and len(text) > room:
            text = f"{text[: room - 1]}…"
        sys.stdout.write(f"{text}{end}\n")


class _Coloured(Canvas):
    """Draws lines with colours, and cuts them by the columns that they take on the terminal."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        from rich.console import Console
        from rich.text import Text

        self._text = Text
        self._console = Console(force_terminal=True, highlight=False, markup=False, emoji=False)

    def line(self, parts: Sequence[Part], tail: Sequence[Part] = ()) -> None:
        """Draw a line; what is cut where it is too long are the parts, not the tail."""
        text, end = self._styled(parts), self._styled(tail)
        room = max(self.width - end.cell_len, LEAST_HEAD)
        if self.width and text.cell_len > room:
            text.truncate(room, overflow="ellipsis")
        text.append_text(end)
        # Captured, because rich ends the process when the reader of a pipe has gone.
        with self._console.capture() as captured:
            self._console.print(text, soft_wrap=True)
        cast(SafeStream, sys.stdout).draw(captured.get())

    def _styled(self, parts: Sequence[Part]) -> Text:
        text = self._text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            if style == "source":
                text.append_text(_highlighted(safe(words)))
            else:
                text.append(safe(words), STYLES[style])
        return text


@lru_cache(maxsize=1000)
def _highlighted(source: str) -> Text:
    from rich.syntax import Syntax

    text = Syntax("", "python", theme="ansi_dark").highlight(source)
    # The lexer appends a line end.
    text.right_crop(len(text.plain) - len(text.plain.rstrip("\n")))
    return text
