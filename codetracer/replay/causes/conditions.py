"""Explains why a line ran, by branches and exceptions, and why an exception was raised."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from codetracer.replay.causes.raising import culprits, origin
from codetracer.replay.causes.tree import UNCERTAIN
from codetracer.replay.details import foreign as reason
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.causes.lines import Unit
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.slice import Reading, Slice
    from codetracer.replay.causes.sources import Sources, Where
    from codetracer.replay.causes.tree import Cause, Unknown
    from codetracer.replay.model import Code
    from codetracer.replay.values import Value

__all__ = ["Conditions"]


class Conditions:
    """Explains branches and exceptions; values it leaves to the slice.

    Parameters:
        past: what happened in the process.
        sources: the facts about its lines.
        is_own: whether code is to be looked into.
        values: explains values.
    """

    def __init__(
        self, past: Past, sources: Sources, is_own: Callable[[Code], bool], values: Slice
    ) -> None:
        self._past = past
        self._sources = sources
        self._is_own = is_own
        self._values = values

    # ---------------------------------------------------------------- branches

    def of(self, where: Where, into: Cause, depth: int) -> None:
        """Add the condition of the innermost branch that a unit is in, if it is in one.

        For ``elif`` and ``else`` it is every condition before them, too.
        """
        inner: ast.AST | None = None
        for branch in reversed(where.unit.above):
            head = branch.head
            match head.node:
                case ast.If(test=test, orelse=orelse):
                    if isinstance(inner, ast.If) and orelse != [inner]:
                        return
                    ran = self._last_run(where, head)
                    if ran is not None:
                        self.tested(ran, test, branch.field == "body", into, depth)
                    inner = head.node
                case ast.ExceptHandler():
                    ran = self._last_run(where, head)
                    if ran is not None:
                        self.handled(ran, into, depth)
                    return
                case ast.match_case(pattern=pattern):
                    ran = self._last_run(where, head.above[-1].head)
                    if ran is not None and isinstance(ran.unit.node, ast.Match):
                        subject = ast.unparse(ran.unit.node.subject)
                        text = f"{subject} matched {ast.unparse(pattern)}"
                        self._condition(ran, ran.unit.node.subject, text, UNCERTAIN, into, depth)
                    return
                case _ if branch.field != "body" or isinstance(inner, ast.If):
                    return

    def tested(self, ran: Where, test: ast.expr, value: bool, into: Cause, depth: int) -> None:
        """Add a condition that was true or false."""
        self._condition(ran, test, ast.unparse(test), value, into, depth)

    def _condition(
        self, ran: Where, node: ast.expr, text: str, value: Value | Unknown, into: Cause, depth: int
    ) -> None:
        key = ("condition", ran.frame, ran.step)
        if self._values.nodes.seen(key):
            return
        cause = self._values.nodes.make("condition", text, ran, value)
        into.causes.append(cause)
        if self._values.nodes.opens(cause, key, depth):
            self._values.operands(node, self._values.at(ran), cause, depth + 1)

    def _last_run(self, where: Where, unit: Unit) -> Where | None:
        """Return the last run of another unit in the frame before one."""
        lines = [(where.code.number, line) for line in range(unit.first, unit.last + 1)]
        step = next(self._past.last_at(lines, where.step, where.frame), None)
        found = None if step is None else self._sources.where(step)
        return None if found is None else found._replace(unit=unit)

    # ---------------------------------------------------------------- exceptions

    def handled(self, handler: Where, into: Cause, depth: int) -> None:
        """Add the exception that led to a handler."""
        step = next(self._past.back(handler.frame, handler.step), None)
        while step is not None:
            for raised in reversed(self._past.raised_in(handler.frame, step.number)):
                if raised.exception >= 0:
                    cause = self.exception(handler.frame, step.number, raised.exception, depth)
                    if not cause.again:
                        into.causes.append(cause)
                    return
            # The heads of handlers before this one, which did not match.
            where = self._sources.where(step)
            if where is None or not isinstance(where.unit.node, ast.ExceptHandler):
                return
            step = next(self._past.back(handler.frame, step.number), None)

    def exception(self, frame: int, step: int, number: int, depth: int) -> Cause:
        """Return the node of an exception.

        Parameters:
            frame: the number of a frame in which it was.
            step: the frame's step then.
            number: the number of the exception.
            depth: how many nodes are above it.
        """
        frame, step, foreign = origin(self._past, self._is_own, frame, step, number)
        before = self._before_handlers(frame, step, number)
        if foreign is None and before != step:
            frame, step, foreign = origin(self._past, self._is_own, frame, before, number)
        reference = raw.ReferenceValue(number)
        shown: Value | Unknown = UNCERTAIN
        name = "exception"
        for raised in self._past.raised_in(frame, step):
            if raised.exception == number:
                shown = self._past.when(raised).resolve(reference)
                name = raised.type_name.rpartition(".")[2] or name
                break
        found = self._past.step(step)
        where = self._sources.where(found)
        code = self._past.codes[found.code]
        cause = self._values.nodes.at("exception", name, found, code, where, shown)
        if foreign is not None:
            there = f"{foreign.name} of {foreign.module}"
            cause.note(f"raised in {there}, {reason(foreign)}")
        key = ("exception", frame, step, number)
        if where is not None and self._values.nodes.opens(cause, key, depth):
            self._raised(self._values.at(where), cause, shown, depth + 1)
        return cause

    def _before_handlers(self, frame: int, step: int, number: int) -> int:
        """Return the step that raised an exception which went on from a handler of another type."""
        where = self._sources.where(self._past.step(step))
        if where is None or not isinstance(where.unit.node, ast.ExceptHandler):
            return step
        for raised in self._past.raises(step):
            if raised.exception != number:
                break
            if raised.frame == frame:
                step = raised.step
        return step

    def _raised(self, at: Reading, into: Cause, shown: Value | Unknown, depth: int) -> None:
        node = at.where.unit.node
        if isinstance(node, ast.Raise):
            self.of(at.where, into, depth)
            if isinstance(node.exc, ast.Call):
                for each in [*node.exc.args, *(key.value for key in node.exc.keywords)]:
                    self._values.operands(each, at, into, depth)
            elif node.exc is not None:
                self._values.operands(node.exc, at, into, depth)
            if node.cause is not None:
                self._values.operands(node.cause, at, into, depth)
            return
        for culprit in culprits(node, at.view, shown):
            self._values.operands(culprit, at, into, depth)
