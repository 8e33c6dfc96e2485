"""Makes text of a recording safe for a terminal: it cannot colour, move, hide or reorder.

Names, values and output are the recorded program's, and whoever passes a recording on may have put
anything into it. Commands that read one run within `safe_streams`: whatever they print is made
safe there, by whichever way it was printed.
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
"""Letters and marks that show nothing (Default_Ignorable_Code_Point), beside category Cf."""


class _Escapes(dict[int, str]):
    """What is shown for each character, by its code point."""

    def __missing__(self, number: int) -> str:
        character = chr(number)
        # As repr() has it, but for the other spaces of texts that are no ASCII.
        shown = character.isprintable() or unicodedata.category(character) == "Zs"
        if not shown or number in _FILLERS:
            character = character.encode("unicode_escape").decode("ascii")
        self[number] = character
        return character


_ESCAPES: Final = _Escapes()


def safe(text: str) -> str:
    """Return `text` as it may be shown: what is no visible character is an escape as in Python.

    These are control characters (line ends and tabs too), marks that change the direction of
    text, all that has no width, lone surrogates, and what Unicode has not assigned.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)


class SafeStream(io.TextIOBase):
    """A text stream that makes all that is written to it safe.

    Only a line end at the end of what is written stays one: whoever prints a line writes it so,
    and a line end within a name is the name's. There is no way past it to the bytes.

    Parameters:
        stream: where it goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        if isinstance(stream, io.TextIOWrapper):
            # A name of the traced program's must not fail for the encoding of this terminal.
            stream.reconfigure(errors="backslashreplace")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream below."""
        return self.stream.encoding

    def write(self, text: str) -> int:
        """Write `text`, and return how many characters it has."""
        line = text.removesuffix("\n")
        self.stream.write(safe(line) + text[len(line) :])
        return len(text)

    def draw(self, line: str) -> None:
        """Write a line as it is: its texts were made safe before they were given colours."""
        self.stream.write(line)

    def flush(self) -> None:
        """Have what was written on its way."""
        self.stream.flush()

    def fileno(self) -> int:
        """Return the descriptor of the stream below."""
        return self.stream.fileno()

    def isatty(self) -> bool:
        """Tell whether the stream below is a terminal."""
        return self.stream.isatty()

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True


@contextmanager
def safe_streams() -> Iterator[None]:
    """Make safe what is printed on standard output and standard error, until the block ends."""
    before = sys.stdout, sys.stderr
    # The one that there is none of stays None.
    sys.stdout, sys.stderr = (stream and cast(TextIO, SafeStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def overwrite(text: str) -> None:
    """Write `text` over the line of standard error that the cursor is in, if there is one."""
    stream = sys.stderr.stream if isinstance(sys.stderr, SafeStream) else sys.stderr
    if stream is not None:
        stream.write(f"\r{safe(text)}")
        stream.flush()
