"""An application: a JSON encoder and a parser in Python, over the table of HTML's characters."""

from __future__ import annotations

import html.entities
import json
from collections.abc import Iterable
from itertools import pairwise

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
UNESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class MalformedError(Exception):
    """A text is not JSON."""


class Encoder:
    """Writes values as JSON, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def encode(self, value: object) -> None:
        if value is None:
            self.pieces.append("null")
        elif isinstance(value, bool):
            self.pieces.append("true" if value else "false")
        elif isinstance(value, int):
            self.pieces.append(str(value))
        elif isinstance(value, str):
            self.string(value)
        elif isinstance(value, dict):
            self.items("{", ((key, value[key]) for key in value), "}")
        elif isinstance(value, list):
            self.items("[", ((None, item) for item in value), "]")
        else:
            raise TypeError(value)

    def string(self, text: str) -> None:
        written = '"'
        for letter in text:
            if letter in ESCAPES:
                written += ESCAPES[letter]
            elif " " <= letter <= "~":
                written += letter
            else:
                written += f"\\u{ord(letter):04x}"
        self.pieces.append(written + '"')

    def items(self, opening: str, items: Iterable[tuple[str | None, object]], closing: str) -> None:
        self.pieces.append(opening)
        first = True
        for key, value in items:
            if not first:
                self.pieces.append(", ")
            first = False
            if key is not None:
                self.string(key)
                self.pieces.append(": ")
            self.encode(value)
        self.pieces.append(closing)


class Parser:
    """Reads a JSON text by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def skip(self) -> str:
        while self.text[self.place] in " \n\t\r":
            self.place += 1
        return self.text[self.place]

    def expect(self, text: str) -> None:
        if not self.text.startswith(text, self.place):
            raise MalformedError(f"{text!r} expected at {self.place}")
        self.place += len(text)

    def value(self) -> object:
        letter = self.skip()
        if letter == "{":
            return self.members()
        if letter == "[":
            return self.array()
        if letter == '"':
            return self.string()
        if letter in "-0123456789":
            return self.number()
        for text, value in (("true", True), ("false", False), ("null", None)):
            if letter == text[0]:
                self.expect(text)
                return value
        raise MalformedError(f"{letter!r} at {self.place}")

    def members(self) -> dict[str, object]:
        self.expect("{")
        found: dict[str, object] = {}
        while self.skip() != "}":
            if found:
                self.expect(",")
                self.skip()
            key = self.string()
            self.skip()
            self.expect(":")
            found[key] = self.value()
        self.expect("}")
        return found

    def array(self) -> list[object]:
        self.expect("[")
        elements: list[object] = []
        while self.skip() != "]":
            if elements:
                self.expect(",")
            elements.append(self.value())
        self.expect("]")
        return elements

    def number(self) -> int:
        start = self.place
        if self.text[self.place] == "-":
            self.place += 1
        while self.text[self.place].isdigit():
            self.place += 1
        return int(self.text[start : self.place])

    def string(self) -> str:
        self.expect('"')
        letters: list[str] = []
        while True:
            letter = self.text[self.place]
            self.place += 1
            if letter == '"':
                return "".join(letters)
            if letter == "\\":
                letter = self.escape()
            letters.append(letter)

    def escape(self) -> str:
        letter = self.text[self.place]
        self.place += 1
        if letter != "u":
            return UNESCAPES.get(letter, letter)
        code = self.text[self.place : self.place + 4]
        self.place += 4
        return chr(int(code, 16))


def rows(start: str, end: str) -> list[object]:
    """Return what Python knows about the characters whose names are between two."""
    found: list[object] = []
    for name in sorted(html.entities.name2codepoint):
        if start <= name < end:
            number = html.entities.name2codepoint[name]
            text = chr(number)
            row = {
                "name": name,
                "number": number,
                "text": text,
                "letter": text.isalpha(),
                "lower": text.lower() if text.lower() != text else None,
                "bytes": list(text.encode()),
            }
            found.append(row)
    return found


def checked(part: list[object]) -> int:
    """Return the length of rows as JSON; they must come back from it as they were."""
    encoder = Encoder()
    for row in part:
        encoder.encode(row)
        encoder.pieces.append("\n")
    text = "".join(encoder.pieces)
    for line, row in zip(text.splitlines(), part, strict=True):
        read = Parser(line + "\n").value()
        assert read == row == json.loads(line)
    return len(text)


def main() -> None:
    for start, end in pairwise(("ae", "em", "is", "oz")):
        print(start, end, checked(rows(start, end)))


main()
