"""Reads Python source from bytes: its encoding (PEP 263), and errors that CPython refuses."""

from __future__ import annotations

import codecs
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["check_characters", "declared_encoding", "decode_lines"]

BOM: Final = b"\xef\xbb\xbf"
NAME_BYTES: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
SLOW: Final = frozenset({"idna", "punycode"})
"""Encodings whose decoders take time proportional to the square of the length."""


def declared_encoding(source: bytes) -> str | None:
    """Return the encoding that one of the first two lines declares; None if neither does."""
    for line in source.split(b"\n", 2)[:2]:
        if name := _cookie(line):
            return name.decode("ascii")
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return None


def decode_lines(source: bytes) -> list[str]:
    """Return the lines of a source, without their ends, numbered like those of the parser.

    A byte that cannot be decoded becomes a replacement character. If the source declares an
    encoding that does not exist or that no source can have, it is decoded as UTF-8.
    """
    source = source.removeprefix(BOM)
    try:
        encoding = codecs.lookup(declared_encoding(source) or "utf-8").name
        text = source.decode("utf-8" if encoding in SLOW else encoding, "replace")
    except (LookupError, ValueError):
        text = source.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def check_characters(source: bytes, filename: str) -> None:
    """Raise the parser's errors that `compile` does not raise, or raises with other words.

    Parameters:
        source: the bytes of a file.
        filename: the name of the file, for the error.

    Raises:
        SyntaxError: the source has a null byte; or, up to 3.13, it is not UTF-8 and declares no
            encoding.
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


def _cookie(line: bytes) -> bytes:
    r"""Return the name that ``^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`` finds, or nothing."""
    # Without `re`, which takes milliseconds to load.
    at = line.find(b"coding") if line.lstrip(b" \t\f")[:1] == b"#" else -1
    while at >= 0:
        rest = line[at + len(b"coding") :]
        name = rest[1:].lstrip(b" \t") if rest[:1] in (b":", b"=") else b""
        if name and name[0] in NAME_BYTES:
            ends = (end for end, byte in enumerate(name) if byte not in NAME_BYTES)
            return name[: next(ends, len(name))]
        at = line.find(b"coding", at + 1)
    return b""


def _line_of(source: bytes, position: int) -> int:
    return source.count(b"\n", 0, position) + 1
