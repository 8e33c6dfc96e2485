"""Reads Python source from bytes: its encoding (PEP 263), and errors that CPython refuses."""

from __future__ import annotations

import codecs
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["check_characters", "declared_encoding", "decode_lines"]

BOM: Final = b"\xef\xbb\xbf"
COOKIE: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
SLOW: Final = frozenset({"idna", "punycode"})
"""Encodings whose decoders take time by the square of the length, if they decode at all."""


def declared_encoding(source: bytes) -> str | None:
    """Return the encoding that one of the first two lines names; None when neither does."""
    for line in source.split(b"\n", 2)[:2]:
        if cookie := COOKIE.match(line):
            return cookie[1].decode("ascii", "replace")
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return None


def decode_lines(source: bytes) -> list[str]:
    """Return the lines of a source, without their ends, as the parser counts them.

    What cannot be decoded becomes a replacement character; a source that names an encoding which
    no source can have is taken for UTF-8.
    """
    source = source.removeprefix(BOM)
    try:
        encoding = codecs.lookup(declared_encoding(source) or "utf-8").name
        text = source.decode("utf-8" if encoding in SLOW else encoding, "replace")
    except (LookupError, ValueError):
        text = source.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def check_characters(source: bytes, filename: str) -> None:
    """Refuse what the parser refuses in a file, and `compile` overlooks or words otherwise.

    Raises:
        SyntaxError: a null byte; or, up to 3.13, neither UTF-8 nor a declared encoding.
    """
    end = source.find(b"\0")
    if sys.version_info < (3, 14) and declared_encoding(source) is None:
        try:
            source[: end if end >= 0 else None].decode()
        except UnicodeDecodeError as error:
            byte, line = source[error.start], _line_of(source, error.start)
            raise SyntaxError(
                f"Non-UTF-8 code starting with '\\x{byte:02x}' in file {filename} on line {line},"
                " but no encoding declared; see https://peps.python.org/pep-0263/ for details"
            ) from None
    if end >= 0:
        text = source[source.rfind(b"\n", 0, end) + 1 : end].decode("utf-8", "replace")
        raise SyntaxError(
            "source code cannot contain null bytes", (filename, _line_of(source, end), 0, text)
        )


def _line_of(source: bytes, position: int) -> int:
    return source.count(b"\n", 0, position) + 1
