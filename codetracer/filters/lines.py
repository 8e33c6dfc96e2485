"""Finds the line of a key in a TOML text, because `tomllib` does not say.

The text must be one that `tomllib` has accepted; nothing is checked here.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    type KeyPath = tuple[str | int, ...]

__all__ = ["key_name", "line_of", "lines_of_keys"]

BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")' r"|'''.*?'{3,5}(?!')" r'|"(?:[^"\\]|\\.)*"' r"|'[^']*'",
    re.DOTALL,
)
SCALAR: Final = re.compile(r"[^,\]}#\r\n]+")


def key_name(path: KeyPath) -> str:
    """Return a key as text, such as ``scope.rules[0].selector``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Return the line of a key; if it is missing, the line of the table that should have it."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) on which each table, key and element of an array begins."""
    return _Scanner(text).scan()


class _Scanner:
    """Scans one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {(): 1}
        self._lengths: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_blank() < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _skip_blank(self) -> int:
        found = BLANK.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._at

    def _note(self, path: KeyPath) -> None:
        # A dotted key also names the tables above it, whose first line counts.
        self._lines.setdefault(path, self._text.count("\n", 0, self._at) + 1)

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        parts: list[str | int] = []
        keys = self._keys()
        for number, key in enumerate(keys, 1):
            parts.append(key)
            path = tuple(parts)
            self._note(path)
            if is_array and number == len(keys):
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                parts.append(self._lengths[path] - 1)
                self._note(tuple(parts))
        self._at += 2 if is_array else 1
        return tuple(parts)

    def _keys(self) -> list[str]:
        """Read a dotted key and the blanks after it."""
        keys: list[str] = []
        while True:
            self._skip_blank()
            if found := BARE_KEY.match(self._text, self._at):
                keys.append(found[0])
            else:
                found = STRING.match(self._text, self._at)
                assert found is not None
                keys.append(_unquoted(found[0]))
            self._at = found.end()
            self._skip_blank()
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _pair(self, table: KeyPath) -> None:
        self._skip_blank()
        start = self._at
        path = table
        for key in self._keys():
            path = (*path, key)
            end, self._at = self._at, start
            self._note(path)
            self._at = end
        # Skip the equals sign.
        self._at += 1
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        char = self._text[self._at]
        if char == "[":
            self._items(path, "]")
        elif char == "{":
            self._items(path, "}")
        else:
            found = STRING.match(self._text, self._at) or SCALAR.match(self._text, self._at)
            assert found is not None
            self._at = found.end()

    def _items(self, path: KeyPath, closing: str) -> None:
        """Read an array or an inline table."""
        self._at += 1
        number = 0
        while self._text[self._skip_blank()] != closing:
            if closing == "}":
                self._pair(path)
            else:
                self._note((*path, number))
                self._value((*path, number))
            number += 1
            if self._text[self._skip_blank()] == ",":
                self._at += 1
        self._at += 1


def _unquoted(key: str) -> str:
    import tomllib

    (name,) = tomllib.loads(f"{key} = 0")
    return name
