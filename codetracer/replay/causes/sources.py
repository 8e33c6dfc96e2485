"""Finds the unit of the recorded source that a step ran."""

from __future__ import annotations

import ast
import re
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.lines import Source
from codetracer.replay.causes.reads import COMPREHENSIONS, walk
from codetracer.replay.causes.syntax import targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.causes.facts import Step
    from codetracer.replay.causes.lines import Scope, Unit
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.syntax import Target
    from codetracer.replay.model import Code

__all__ = ["Sources", "Where"]


LONGEST_LOOP: Final = 5000
"""So many steps of a loop are looked at for its beginning."""


class Where(NamedTuple):
    """One run of a unit."""

    frame: int
    code: Code
    step: int
    """Its first step."""
    last: int
    """Its last step: a unit of several lines has several."""
    line: int
    scope: Scope
    unit: Unit


class Sources:
    """The recorded sources of one process.

    Parameters:
        past: the process.
        lines_of: returns the lines of a source file, by its path; none if there is no copy.
    """

    def __init__(self, past: Past, lines_of: Callable[[str], list[str]]) -> None:
        self._past = past
        self._lines_of = lines_of
        self._known: dict[str, Source | str] = {}

    def of(self, path: str) -> Source | None:
        """Return the facts about a source file; None if there are none."""
        found = self._of(path)
        return found if isinstance(found, Source) else None

    def missing(self, path: str) -> str:
        """Return why there are no facts about a source file; empty if there are."""
        found = self._of(path)
        return found if isinstance(found, str) else ""

    def _of(self, path: str) -> Source | str:
        found = self._known.get(path)
        if found is None:
            lines = self._lines_of(path)
            try:
                found = Source(lines) if lines else "its source was not recorded"
            except SyntaxError:
                found = "this version of Python cannot read its source"
            self._known[path] = found
        return found

    def scope(self, code: Code) -> Scope | None:
        """Return the scope of a code object; None if it is not known."""
        source = self.of(code.path)
        return None if source is None else source.scope(code)

    def codes(self, path: str, scope: Scope) -> list[int]:
        """Return the numbers of the code objects that a scope made."""
        return [
            code.number
            for code in self._past.codes
            if code.path == path and self.scope(code) is scope
        ]

    def setters(self, name: str) -> list[tuple[int, int]]:
        """Return the codes and lines at which an attribute of this name is set or deleted."""
        dotted = re.compile(rf"\.\s*{re.escape(name)}\b")
        found: list[tuple[int, int]] = []
        for path in {code.path for code in self._past.codes}:
            source = self.of(path) if any(map(dotted.search, self._lines_of(path))) else None
            for scope in [] if source is None else source.scopes:
                lines = [
                    line
                    for unit in scope.units
                    if any(_sets(each, name) for each in targets(unit.node))
                    for line in range(unit.first, unit.last + 1)
                ]
                if lines:
                    found += product(self.codes(path, scope), lines)
        return found

    def where(self, step: Step, is_meant: Callable[[Unit], object] = bool) -> Where | None:
        """Return the run of the unit that a step belongs to; None if the source does not decide it.

        Parameters:
            step: the step.
            is_meant: of several units on the line, the first one of which this is true is meant.
        """
        code = self._past.codes[step.code]
        scope = self.scope(code)
        units = [] if scope is None else scope.at(step.line)
        if scope is None or not units:
            return None
        unit = units[0]
        if len(units) > 1:
            unit = next(filter(is_meant, units), unit)
        begin = end = step
        if unit.first != unit.last:
            for begin in self._past.back(step.frame, step.number):
                if not unit.first <= begin.line <= unit.last:
                    begin = end
                    break
                end = begin
            begin, end = end, step
            for later in self._past.forward(step.frame, step.number):
                if not unit.first <= later.line <= unit.last:
                    break
                end = later
        return Where(step.frame, code, begin.number, end.number, step.line, scope, unit)

    def binding(
        self, places: list[tuple[int, int]], name: str, before: int, frame: int | None
    ) -> tuple[Where, Target] | None:
        """Return the last run of a unit that bound a name, and how it did; None if there is none.

        Parameters:
            places: the numbers of codes, and the lines that bind it.
            name: the name.
            before: the number of the step before which it did.
            frame: the number of the frame; None for any.
        """
        for step in self._past.last_at(places, before, frame):
            where = self.where(step, lambda unit: name in _names(unit))
            if where is None:
                continue
            target = next((each for each in targets(where.unit.node) if _is(each, name)), None)
            if target is not None and self._took_effect(where, target):
                return where, target
        return None

    def loop_begin(self, where: Where) -> Where:
        """Return the first run of the head of a loop before a later one; for others, the same."""
        found = where
        if not isinstance(where.unit.node, ast.For | ast.AsyncFor):
            return found
        for tried, step in enumerate(self._past.back(where.frame, where.step)):
            is_head = where.unit.first <= step.line <= where.unit.last
            if not is_head and not self._in(where, step, "body"):
                return found
            if is_head:
                found = where._replace(step=step.number, last=step.number, line=step.line)
            if tried == LONGEST_LOOP:
                return where
        return found

    def _took_effect(self, where: Where, target: Target) -> bool:
        """Return whether a run of a unit has bound what it binds.

        The head of a loop is visited once more when the loop ends, a ``with`` when it is left, and
        handlers and cases also where they do not match.
        """
        if target.kind in ("for", "except", "case") and not isinstance(
            where.unit.node, ast.GeneratorExp
        ):
            after = next(self._past.forward(where.frame, where.last), None)
            return after is not None and self._in(where, after, "body")
        if target.kind == "with":
            before = next(self._past.back(where.frame, where.step), None)
            return before is None or not self._in(where, before, "body")
        raised = {each.type_name for each in self._past.raised_in(where.frame, where.last)}
        if any(map(_awaits, walk(where.unit.node))):
            # They end what it waits for, and go no farther.
            raised -= {"StopIteration", "StopAsyncIteration"}
        return not raised or target.kind == "comprehension"

    def _in(self, where: Where, step: Step, field: str) -> bool:
        return any(unit.inside(where.unit, field) for unit in where.scope.at(step.line))


def _awaits(node: ast.AST) -> bool:
    """Return whether a node is an ``await``, or a comprehension with an ``async for``."""
    if isinstance(node, COMPREHENSIONS):
        return any(each.is_async for each in node.generators)
    return isinstance(node, ast.Await)


def _names(unit: Unit) -> set[str]:
    return {each.node.id for each in targets(unit.node) if isinstance(each.node, ast.Name)}


def _sets(target: Target, name: str) -> bool:
    """Return whether a target is an attribute of this name."""
    return isinstance(target.node, ast.Attribute) and target.node.attr == name


def _is(target: Target, name: str) -> bool:
    return isinstance(target.node, ast.Name) and target.node.id == name
