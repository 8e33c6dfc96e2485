"""The rows of every spec: their base classes, and the types of text that they share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Row(BaseModel):
    """One table of a spec file. Unknown keys and values of a wrong type are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Problem(NamedTuple):
    """A contradiction between rows.

    Parameters:
        table: the name of the table, such as ``event``.
        row: the index of the row in it.
        key: the key in that row.
        text: the message: what is wrong, and what would be right.
    """

    table: str
    row: int
    key: str
    text: str


class SpecFile(Row):
    """A whole spec file. pydantic validates each row, `problems` the rows against each other."""

    FILE: ClassVar[Path]
    """The path of the file, relative to the project's root."""

    def problems(self) -> Iterator[Problem]:
        """Yield the contradictions between rows; a valid spec has none."""
        yield from ()


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` or, if no known name is similar, a list of all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(wrong, names, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(names)}"


def version_key(version: str) -> tuple[int, int]:
    """Return a minor version such as ``"3.12"`` as ``(3, 12)``, which sorts as versions do."""
    major, minor = version.split(".")
    return int(major), int(minor)


def _is_minor_version(text: str) -> str:
    if not re.fullmatch(r"3\.[0-9]+", text):
        raise ValueError("must be a CPython minor version such as '3.12'")
    return text


def _is_sentence(text: str) -> str:
    if not text or text != text.strip() or not text.isprintable():
        raise ValueError("must be one line of text, without spaces at its ends")
    if "\\" in text or '"""' in text:
        raise ValueError("must have no backslash and no triple quote: it becomes a docstring")
    return text


def _is_full_sentence(text: str) -> str:
    if not text.endswith("."):
        raise ValueError("must end with a full stop: it is the first line of a docstring")
    return text


def _is_expression(text: str) -> str:
    try:
        compile(text, "<type>", "eval")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{text!r} is not a Python type: {error}") from error
    return text


@cache
def _compiles(program: str) -> str:
    try:
        compile(program, "<program>", "exec")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"does not compile: {error}") from error
    return program


Version = Annotated[str, AfterValidator(_is_minor_version)]
Sentence = Annotated[str, AfterValidator(_is_sentence)]
FullSentence = Annotated[
    str, Field(max_length=88), AfterValidator(_is_sentence), AfterValidator(_is_full_sentence)
]
Expression = Annotated[str, AfterValidator(_is_expression)]
Program = Annotated[str, AfterValidator(_compiles)]
