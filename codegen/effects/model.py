"""spec/effects.toml as frozen models."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from codegen.core.rows import Problem, Row, SpecFile

LINE = 80
"""The longest piece of a text, in characters."""

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Dotted = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


class Callables(Row):
    """The callables of one place, by what they change."""

    TABLE: ClassVar[str]
    HOME: ClassVar[str]
    """The key that names the place."""
    CHANGING: ClassVar[str]
    """The key of those that change something."""
    SOME: ClassVar[tuple[str, ...]]
    """The keys that name some of those that change nothing."""

    ANY: ClassVar[tuple[str, ...]] = ("takes", "keyed", "plain")
    """The keys that name some of all."""

    nothing: list[Word] = []
    takes: list[Word] = []
    keyed: list[Word] = []
    plain: list[Word] = []

    @property
    def home(self) -> str:
        """The place."""
        home: str = getattr(self, self.HOME)
        return home

    @property
    def changing(self) -> list[str]:
        """Those that change something."""
        changing: list[str] = getattr(self, self.CHANGING)
        return changing

    @property
    def texts(self) -> tuple[list[str], ...]:
        """Those that change nothing, and those that change something: a text each, in pieces."""
        return _pieces(self.nothing), _pieces(self.changing)

    def problems(self, row: int) -> Iterator[Problem]:
        """Yield callables that are there twice, or not at all."""
        for name in self.changing:
            if name in self.nothing:
                yield Problem(self.TABLE, row, self.CHANGING, f"{name!r} is in nothing, too")
        for key in (*self.ANY, *self.SOME):
            names = [*self.nothing, *self.changing] if key in self.ANY else self.nothing
            for name in getattr(self, key):
                if name not in names:
                    where = f"nothing or {self.CHANGING}" if key in self.ANY else "nothing"
                    yield Problem(self.TABLE, row, key, f"{name!r} is not in {where}")


def _pieces(names: list[str]) -> list[str]:
    """Return names as the pieces of one text, each short enough for a line."""
    lines = textwrap.wrap(" ".join(names), LINE) or [""]
    return [*chain((f"{line} " for line in lines[:-1]), lines[-1:])]


class Methods(Callables):
    """A ``[[method]]``: the methods of a type."""

    TABLE = "method"
    HOME = "type"
    CHANGING = "receiver"
    SOME = ("text", "views")

    type: Dotted
    derived: bool = False
    receiver: list[Word] = []
    text: list[Word] = []
    views: list[Word] = []
    old: list[Word] = []

    @property
    def texts(self) -> tuple[list[str], ...]:
        """Methods that change nothing, or their object; old attributes; plain methods."""
        return (*super().texts, _pieces(self.old), _pieces(self.plain))


class Functions(Callables):
    """A ``[[function]]``: the functions and types of a module."""

    TABLE = "function"
    HOME = "module"
    CHANGING = "arguments"
    SOME = ("passes",)

    module: Dotted
    arguments: list[Word] = []
    passes: list[Word] = []

    @property
    def texts(self) -> tuple[list[str], ...]:
        """Functions that change nothing, or their arguments; plain functions."""
        return (*super().texts, _pieces(self.plain))


class PythonFunctions(Callables):
    """A ``[[python]]``: functions and methods of a module that are written in Python."""

    TABLE = "python"
    HOME = "module"
    CHANGING = "arguments"
    SOME = ()

    module: Dotted
    nothing: list[Dotted] = []
    receiver: list[Dotted] = []
    arguments: list[Dotted] = []

    @property
    def texts(self) -> tuple[list[str], ...]:
        """Those that change nothing, their object, or their arguments: a text each, in pieces."""
        return tuple(map(_pieces, (self.nothing, self.receiver, self.arguments)))

    def problems(self, row: int) -> Iterator[Problem]:
        """Yield callables that are there twice."""
        yield from super().problems(row)
        for name in self.receiver:
            if name in self.nothing or name in self.arguments:
                yield Problem(self.TABLE, row, "receiver", f"{name!r} is in another list, too")


class EffectsSpec(SpecFile):
    """All of spec/effects.toml."""

    FILE: ClassVar[Path] = Path("spec/effects.toml")

    method: list[Methods] = Field(min_length=1)
    function: list[Functions] = Field(min_length=1)
    python: list[PythonFunctions] = Field(min_length=1)

    def problems(self) -> Iterator[Problem]:
        """Yield places that have two rows, and what is wrong in a row."""
        tables: list[list[Callables]] = [[*self.method], [*self.function], [*self.python]]
        for rows in tables:
            homes = [row.home for row in rows]
            for index, row in enumerate(rows):
                if row.home in homes[:index]:
                    yield Problem(row.TABLE, index, row.HOME, f"{row.home} has a row above")
                yield from row.problems(index)

    @property
    def derived(self) -> list[str]:
        """The types whose rows hold for CPython's types that are derived from them, too."""
        return [row.type for row in self.method if row.derived]

    def some(self, key: str) -> list[str]:
        """All names of one key, in the order of the alphabet."""
        rows: list[Callables] = [*self.method, *self.function]
        return sorted({name for row in rows for name in getattr(row, key, ())})
