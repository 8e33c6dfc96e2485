"""Makes text of a recording safe for a terminal: it cannot colour, move, hide or reorder.

Names, values and output come from the recorded program, and anyone who passes a recording on may
have changed it. Commands that read a recording run within `safe_streams`, which makes all text safe
that they print.
"""

from __future__ import annotations

import io
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SafeStream", "overwrite", "safe", "safe_streams"]

_FILLERS: Final = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0)
) | frozenset(range(0xE0100, 0xE01F0))
"""Invisible letters and marks (Default_Ignorable_Code_Point) that are not in category Cf."""


class _Escapes(dict[int, str]):
    """A cache of the text that is shown for each character, by its code point."""

    def __missing__(self, number: int) -> str:
        character = chr(number)
        # As in repr(), except that spaces other than ASCII's are shown as they are.
        shown = character.isprintable() or unicodedata.category(character) == "Zs"
        if not shown or number in _FILLERS:
            character = character.encode("unicode_escape").decode("ascii")
        self[number] = character
        return character


_ESCAPES: Final = _Escapes()


def safe(text: str) -> str:
    r"""Return `text` with an escape as in Python, such as ``\n``, for each invisible character.

    Invisible characters are control characters (also line ends and tabs), marks that change the
    direction of text, characters without a width, lone surrogates, and unassigned code points.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)


class SafeStream(io.TextIOBase):
    """A text stream that makes all text safe before it writes it to another stream.

    A line end stays one only at the end of a written text, because print() writes it there; a line
    end elsewhere is part of a name or value. The stream has no ``buffer``, so bytes cannot bypass
    it.

    Parameters:
        stream: the text stream to write to.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        if isinstance(stream, io.TextIOWrapper):
            # A name of the traced program must not fail because of this terminal's encoding.
            stream.reconfigure(errors="backslashreplace")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the underlying stream."""
        return self.stream.encoding

    def write(self, text: str) -> int:
        """Write `text` in its safe form, and return the number of its characters."""
        line = text.removesuffix("\n")
        self.stream.write(safe(line) + text[len(line) :])
        return len(text)

    def draw(self, line: str) -> None:
        """Write a line unchanged. The caller has made its texts safe and then coloured them."""
        self.stream.write(line)

    def flush(self) -> None:
        """Flush the underlying stream."""
        self.stream.flush()

    def fileno(self) -> int:
        """Return the file descriptor of the underlying stream."""
        return self.stream.fileno()

    def isatty(self) -> bool:
        """Return whether the underlying stream is a terminal."""
        return self.stream.isatty()

    def writable(self) -> bool:
        """Return True: the stream can be written to."""
        return True


@contextmanager
def safe_streams() -> Iterator[None]:
    """Make all text on standard output and standard error safe until the block ends."""
    before = sys.stdout, sys.stderr
    # A stream that is None stays None.
    sys.stdout, sys.stderr = (stream and cast(TextIO, SafeStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def overwrite(text: str) -> None:
    """Write `text`, made safe, over the cursor's line of standard error, if that is not None."""
    stream = sys.stderr.stream if isinstance(sys.stderr, SafeStream) else sys.stderr
    if stream is not None:
        stream.write(f"\r{safe(text)}")
        stream.flush()
