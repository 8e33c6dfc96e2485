"""Makes the nodes of a tree of causes, and says where one is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.replay.causes.tree import UNCERTAIN, Cause
from codetracer.replay.place import Place

if TYPE_CHECKING:
    from codetracer.replay.causes.facts import Step
    from codetracer.replay.causes.sources import Sources, Where
    from codetracer.replay.causes.tree import Unknown
    from codetracer.replay.model import Code
    from codetracer.replay.values import Value

__all__ = ["LEVELS", "Nodes"]

LEVELS: Final = 8
"""So many causes deep a tree goes, if nobody asks for more."""

MOST_NODES: Final = 400
"""So many nodes a tree has at most."""

ROUNDS: Final = 2
"""So often a line leads to itself, as in a loop, before its earlier rounds are left out."""

WIDEST_TEXT: Final = 60
"""The longest text of an expression (characters)."""


class Nodes:
    """Makes nodes.

    Parameters:
        process: the number of the process.
        sources: the facts about its lines.
        deepest: how many causes deep the tree goes; 0 for no limit.
    """

    def __init__(self, process: int, sources: Sources, deepest: int) -> None:
        self._process = process
        self._sources = sources
        self._deepest = deepest or MOST_NODES
        self._seen: set[object] = set()
        self._chain: list[object] = []
        self._count = 0

    def make(
        self, kind: str, text: str, where: Where | None, value: Value | Unknown = UNCERTAIN
    ) -> Cause:
        """Return a new node without causes."""
        self._count += 1
        cause = Cause(
            kind,
            text if len(text) <= WIDEST_TEXT else f"{text[: WIDEST_TEXT - 1]}…",
            value,
        )
        if where is not None:
            self.put(cause, where.code, where.line, where.step)
        return cause

    def at(
        self,
        kind: str,
        text: str,
        step: Step,
        code: Code,
        where: Where | None,
        value: Value | Unknown = UNCERTAIN,
    ) -> Cause:
        """Return a new node at a step; it says so if no unit is known there."""
        cause = self.make(kind, text, where, value)
        if where is None:
            self.put(cause, code, step.line, step.number)
            cause.note(self.no_source(code))
        return cause

    def put(self, cause: Cause, code: Code, line: int, step: int) -> None:
        """Say where a cause is.

        Parameters:
            cause: the node.
            code: the code that ran.
            line: its line (1-based).
            step: the number of the step; -1 for none.
        """
        cause.path, cause.line, cause.function = code.path, line, code.name
        cause.place = Place(self._process, step) if step >= 0 else None

    def no_source(self, code: Code) -> str:
        """Return why no unit of a code is known."""
        return self._sources.missing(code.path) or "the recorded source does not have its code"

    def seen(self, key: object) -> bool:
        """Return whether the causes of a node with this key were added before."""
        return key in self._seen

    def opens(self, cause: Cause, key: object, depth: int) -> bool:
        """Return whether the causes of a node are to be added to it; otherwise it says why not.

        Parameters:
            cause: the node.
            key: is the same for nodes with the same causes.
            depth: how many nodes are above it.
        """
        line = (cause.kind, cause.path, cause.line, cause.text)
        del self._chain[depth:]
        rounds = self._chain.count(line)
        self._chain.extend([None] * (depth - len(self._chain)))
        self._chain.append(line)
        if key in self._seen:
            cause.again = True
        elif depth >= self._deepest or self._count >= MOST_NODES:
            cause.cut = True
        elif rounds >= ROUNDS:
            cause.note("and so on, as in the rounds above")
        else:
            self._seen.add(key)
            return True
        return False
