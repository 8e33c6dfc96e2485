"""Explains why a line did not run, by the branch that was taken instead."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from codetracer.replay.causes.lines import Unit
from codetracer.replay.causes.sources import Where

if TYPE_CHECKING:
    from codetracer.replay.causes.facts import Step
    from codetracer.replay.causes.lines import Scope
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.slice import Slice
    from codetracer.replay.causes.sources import Sources
    from codetracer.replay.causes.tree import Cause
    from codetracer.replay.model import Code

__all__ = ["Unreached"]


class Unreached:
    """Explains why a unit did not run in a frame.

    Parameters:
        past: what happened in the process.
        sources: the facts about its lines.
        chain: explains values.
    """

    def __init__(self, past: Past, sources: Sources, chain: Slice) -> None:
        self._past = past
        self._sources = sources
        self._chain = chain

    def reached(self, frame: int, unit: Unit) -> Step | None:
        """Return the last step of a unit in a frame; None if it did not run."""
        for step in self._past.back(frame, self._past.steps):
            if unit.first <= step.line <= unit.last:
                return step
        return None

    def explain(self, frame: int, code: Code, scope: Scope, unit: Unit, into: Cause) -> None:
        """Add the reasons why a unit did not run in a frame to a node."""
        steps = list(self._past.back(frame, self._past.steps))
        head: Unit | None = None
        field = "body"
        block = scope.body
        target = unit
        for branch in unit.above:
            if not any(branch.head.first <= step.line <= branch.head.last for step in steps):
                target = branch.head
                break
            head, field = branch.head, branch.field
            block = head.blocks[field]
        # `head` ran, or is none; `target`, in its block, did not.
        for known in block:
            if known is unit or known is target:
                target = known
                break
            if unit.inside(known):
                target = known
                break
        earlier = block[: block.index(target)] if target in block else block
        ran = [
            (step, each)
            for each in earlier
            for step in steps
            if each.first <= step.line <= each.last
            or any(inner.inside(each) for inner in scope.at(step.line))
        ]
        if ran:
            last = max(ran, key=lambda pair: pair[0].number)[0]
            self._left(frame, code, scope, last, into)
            return
        if head is None:
            into.note("the function ended before its first line")
            return
        step = next(step for step in steps if head.first <= step.line <= head.last)
        where = Where(frame, code, step.number, step.number, step.line, scope, head)
        self._not_taken(where, field, target, into)

    def _left(self, frame: int, code: Code, scope: Scope, last: Step, into: Cause) -> None:
        """Add how a block was left before its end."""
        where = self._sources.where(last)
        if where is None:
            return
        node = where.unit.node
        raised = [
            each
            for each in self._past.raised_in(frame, last.number)
            if not each.handled and each.exception >= 0
        ]
        if isinstance(node, ast.ExceptHandler) and not raised:
            # It did not match, and the exception went on.
            inside = self._raised_inside(where._replace(unit=where.unit.above[-1].head), "body")
            if inside is not None:
                into.causes.append(self._chain.conditions.exception(*inside, 0))
        elif isinstance(node, ast.Return | ast.Break | ast.Continue):
            cause = self._chain.nodes.make("left", ast.unparse(node), where)
            into.causes.append(cause)
            self._chain.conditions.of(where, cause, 1)
        elif raised:
            into.causes.append(
                self._chain.conditions.exception(frame, last.number, raised[-1].exception, 0)
            )
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            cause = self._chain.nodes.make("left", "the loop had not ended", where)
            into.causes.append(cause)
        else:
            cause = self._chain.nodes.make("left", ast.unparse(node).partition("\n")[0], where)
            cause.note("it had not ended when the recording did, or was left unseen")
            into.causes.append(cause)

    def _not_taken(self, where: Where, field: str, target: Unit, into: Cause) -> None:
        """Add why a compound statement did not go into a block."""
        node = where.unit.node
        match node:
            case ast.If(test=test) | ast.While(test=test):
                taken = field != "body"
                if isinstance(node, ast.While) and field == "orelse":
                    self._broken(where, into)
                    return
                self._chain.conditions.tested(where, test, taken, into, 0)
            case ast.For() | ast.AsyncFor() if field == "body":
                cause = self._chain.nodes.make(
                    "condition", f"there was nothing in {ast.unparse(node.iter)}", where
                )
                into.causes.append(cause)
                self._chain.operands(node.iter, self._chain.at(where), cause, 1)
            case ast.For() | ast.AsyncFor():
                self._broken(where, into)
            case ast.Try() | ast.TryStar() if field == "handlers":
                raised = self._raised_inside(where, "body")
                if raised is None:
                    cause = self._chain.nodes.make(
                        "condition", "no exception was raised in try", where
                    )
                    into.causes.append(cause)
                else:
                    into.causes.append(self._chain.conditions.exception(*raised, 0))
            case ast.Try() | ast.TryStar() if field == "orelse":
                raised = self._raised_inside(where, "body")
                if raised is not None:
                    into.causes.append(self._chain.conditions.exception(*raised, 0))
                    return
                self._ended(where, into)
            case ast.ExceptHandler():
                raised = self._raised_inside(where._replace(unit=where.unit.above[-1].head), "body")
                text = "this handler did not match"
                cause = self._chain.nodes.make("condition", text, where)
                into.causes.append(cause)
                if raised is not None:
                    cause.causes.append(self._chain.conditions.exception(*raised, 1))
            case ast.Match() | ast.match_case():
                head = where.unit if isinstance(node, ast.Match) else where.unit.above[-1].head
                assert isinstance(head.node, ast.Match)
                subject = head.node.subject
                cause = self._chain.nodes.make(
                    "condition", f"{ast.unparse(subject)} did not match", where
                )
                into.causes.append(cause)
                self._chain.operands(subject, self._chain.at(where), cause, 1)
                if isinstance(node, ast.match_case) and node.guard is not None:
                    self._chain.conditions.tested(where, node.guard, False, cause, 1)
            case _:
                self._ended(where, into)

    def _ended(self, where: Where, into: Cause) -> None:
        last = next(self._past.back(where.frame, self._past.steps))
        self._left(where.frame, where.code, where.scope, last, into)

    def _broken(self, where: Where, into: Cause) -> None:
        """Add the ``break`` that left a loop before its ``else``."""
        for step in self._past.back(where.frame, self._past.steps):
            there = self._sources.where(step)
            if (
                there is not None
                and isinstance(there.unit.node, ast.Break | ast.Return)
                and there.unit.inside(where.unit)
            ):
                self._left(where.frame, where.code, where.scope, step, into)
                return
        self._ended(where, into)

    def _raised_inside(self, where: Where, field: str) -> tuple[int, int, int] | None:
        """Return the last exception that was raised in a block: frame, step and number."""
        for step in self._past.back(where.frame, self._past.steps):
            if any(each.inside(where.unit, field) for each in where.scope.at(step.line)):
                for raised in reversed(self._past.raised_in(where.frame, step.number)):
                    if not raised.handled and raised.exception >= 0:
                        return where.frame, step.number, raised.exception
        return None
