"""Fills the holes in the lines of `fuzz.mutation_lines` with names, paths and new values."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from fuzz.mutation_classes import LOCAL, NAMES
from fuzz.mutation_lines import KINDS

__all__ = ["Filling", "Function", "Scope", "UnfitError"]

HOLE = re.compile(r"<([a-z]+)(\d?)([.=!]?)>")

PATHS = {
    "list": (
        "<box.>.held",
        "<slot.>.held",
        "<echo.>.held",
        "<dict.>['l']",
        "<tuple.>[1]",
        "<list.>[0]",
        "<list.>[0][0]",
        "<list.>[-1][0][0]",
        "<dict.>['k']['l']",
        "<dict.>['k']['k']['l']",
        "<dict.>['k'].held",
        "<box.>.other.held",
        "<box.>.other.other.held",
        "<tuple.>[1][0]",
        "<tuple.>[0][0][0]",
        "(<list.> if <c> else <list.>)",
        "<any.>",
    ),
    "dict": (
        "<dict.>['k']['k']",
        "<box.>.other",
        "<list.>[-1]",
        "<dict.>['k']",
        "(<dict.> if <c> else <dict.>)",
    ),
    "box": (
        "<box.>.other",
        "<box.>.other.other",
        "<list.>[0]",
        "<dict.>['k']",
        "<any.>",
        "(<box.> if <c> else <box.>)",
    ),
    "slot": ("<slot.>.other", "<any.>"),
}
"""Other ways to values of a kind than by a name; most may lead to something else."""

KIND_OF = {
    **{name: kind for kind, names in NAMES.items() for name in names.split(", ")},
    **{kind.capitalize(): kind for kind in LOCAL},
}
"""The kind of value that a class makes."""

REBOUND = "1"
"""Functions rebind only the global variables whose names end so."""


class Function(NamedTuple):
    """A function of the program.

    Attributes:
        name: its name.
        takes: the kinds of its arguments.
        call: how it is called; ``()`` stands for its arguments.
        pure: whether it sees nothing but its arguments.
    """

    name: str
    takes: tuple[str, ...]
    call: str
    pure: bool


class Scope:
    """The surroundings of a line.

    Attributes:
        prefix: what the names of its variables have in them; empty at the top.
        pure: whether it sees only its own variables, and so calls only functions that do.
        calls: whether functions may be called.
        names: the variables, by kind; each is bound.
        loops: in how many loops it is.
        guarded: in how many ``try`` it is.
    """

    def __init__(self, prefix: str, *, pure: bool) -> None:
        self.prefix = prefix
        self.pure = pure
        self.calls = True
        self.names: dict[str, list[str]] = {}
        self.loops = 0
        self.guarded = 0

    def add(self, kind: str, name: str) -> None:
        """Add a variable that is bound."""
        self.names.setdefault(kind, []).append(name)


class UnfitError(Exception):
    """A line needs something that there is not, or would hide a change from a recorder."""


class Filling:
    """Makes choices by a seed, and fills holes.

    Attributes:
        functions: what may be called.
        classes: the kinds whose classes the program has.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.functions: list[Function] = []
        self.classes: list[str] = []
        self._known: dict[tuple[tuple[str, ...], frozenset[str]], list[str]] = {}
        self._number = 0
        self._paths = 0
        self._calls = 0

    def chance(self, percent: int) -> bool:
        """Return True so often."""
        return self.random.random() * 100 < percent

    def choose[T](self, choices: Sequence[T]) -> T:
        """Return one of them."""
        return choices[int(self.random.random() * len(choices))]

    def some(self, low: int, high: int) -> range:
        """Return a range of a random length."""
        return range(self.random.randint(low, high))

    def number(self) -> str:
        """Return a number that is not in the program yet."""
        self._number += 1
        return str(self._number if self.chance(80) else self._number + 1000)

    def rendered(self, lines: Sequence[str], scope: Scope) -> str:
        """Return one of some lines, filled, that Python can compile; or ``pass``."""
        fitting = self._fitting(tuple(lines), scope)
        for _ in range(20):
            self._paths = self._calls = 0
            with suppress(UnfitError, SyntaxError):
                text = self.fill(self.choose(fitting), scope)
                compile(f"{'async ' * ('await' in text)}def f():\n {text}", "", "exec")
                # What is called could cut the path, with the change at its end.
                if not (self._paths and self._calls):
                    return text
        return "pass"

    def _fitting(self, lines: tuple[str, ...], scope: Scope) -> list[str]:
        """Return the lines that need no kind of which there is no variable."""
        key = lines, frozenset(scope.names)
        if key not in self._known:
            self._known[key] = [
                line
                for line in lines
                if {kind for kind, *_ in HOLE.findall(line)} & KINDS.keys() <= scope.names.keys()
                and not self._foreign(line)
            ]
        return self._known[key]

    def _foreign(self, text: str) -> bool:
        """Return whether text names a class that the program has not."""
        words = re.findall(r"[A-Z]\w+", text)
        return any(KIND_OF.get(word, "") not in ("", *self.classes) for word in words)

    def fill(self, line: str, scope: Scope) -> str:
        """Return a line with something in its holes.

        Raises:
            UnfitError: there is no name of a kind that it needs.
        """
        same: dict[str, str] = {}

        def put(match: re.Match[str]) -> str:
            kind, label, flag = match.groups()
            if label and kind + label in same:
                return same[kind + label]
            found = self._hole(kind, flag, scope)
            if label:
                same[kind + label] = found
            return found

        text = HOLE.sub(put, line)
        if self._foreign(text):
            raise UnfitError(text)
        return text

    def name(self, scope: Scope) -> str:
        """Return the name of any variable."""
        return self.choose(scope.names[self.choose([*scope.names])])

    def _hole(self, kind: str, flag: str, scope: Scope) -> str:
        match kind:
            case "v":
                return self.value(scope)
            case "h":
                return self.choose((self.number(), "'k'", "'l'", f"('t', {self.number()})", "1"))
            case "n":
                return self.number()
            case "c":
                return self.fill(self.choose(("<int.> % 2", "(len(<list.>) > 1)")), scope)
            case "q":
                return self.choose(("held", "other", "more", "extra"))
            case "f":
                self._calls += 1
                ones = [one.name for one in self.functions if one.pure and one.takes == ("any",)]
                return self.choose(("poke", "renew", "same", *ones))
            case "x":
                return self.name(scope)
            case "g":
                return self.call(scope, pure=scope.pure)
        names = scope.names.get(kind, [])
        if flag == "!":
            names = [name for name in names if "_" in name or not name.endswith(REBOUND)]
        if not names:
            raise UnfitError(kind)
        if not flag and self.chance(30) and kind in PATHS:
            self._paths += 1
            return self.fill(self.choose(PATHS[kind]), scope)
        return self.choose(names)

    def value(self, scope: Scope) -> str:
        """Return an expression for any value: new, or that of a variable."""
        chosen = self.random.random()
        if chosen < 0.35 or not scope.names:
            return self.new(self.choose(("list", "dict", "set", "tuple")), scope)
        if chosen < 0.5:
            return self.choose((self.number(), "None", f"'s{self.number()}'", "1.0", "True"))
        if chosen < 0.6 and self.classes:
            return self.new(self.choose(self.classes), scope)
        if chosen < 0.68 and scope.calls and any(one.pure for one in self.functions):
            return self.call(scope, pure=True)
        return self.name(scope)

    def new(self, kind: str, scope: Scope) -> str:
        """Return an expression that makes a value of a kind."""
        made = self.choose(KINDS[kind])
        if not self.chance(35):
            made = made.replace("<v>", "<n>")
        return self.fill(made, scope)

    def call(self, scope: Scope, *, pure: bool) -> str:
        """Return a call of one of the functions; a pure one if it must be."""
        fitting = [one for one in self.functions if one.pure or not pure]
        if not fitting or not scope.calls:
            raise UnfitError("function")
        self._calls += 1
        one = self.choose(fitting)
        return one.call.replace("()", f"({self.given(one, scope)})", 1)

    def given(self, one: Function, scope: Scope) -> str:
        """Return arguments for a function; they are often new."""
        return ", ".join(
            (
                self.new(kind, scope)
                if self.chance(40) or kind not in scope.names
                else self.choose(scope.names[kind])
            )
            for kind in one.takes
        )
