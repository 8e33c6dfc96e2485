"""The units of a source file: what runs as one, in which scope, and in which branch.

The facts come from the syntax tree of the source as it was recorded. A *unit* is a piece of code
that runs as one: a simple statement, or the head of a compound one, such as ``for x in xs:``.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.reads import heads
from codetracer.replay.causes.syntax import FUNCTION_NODES, parameter_names, targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codetracer.replay.causes.syntax import Target
    from codetracer.replay.model import Code

__all__ = ["Branch", "Scope", "Source", "Unit"]

SCOPES: Final = (*FUNCTION_NODES, ast.ClassDef, ast.GeneratorExp)


class Branch(NamedTuple):
    """A block of a compound statement."""

    head: Unit
    """The statement."""
    field: str
    """The name of the block: ``body``, ``orelse``, ``handlers``, ``finalbody`` or ``cases``."""


class Unit:
    """A piece of code that runs as one.

    Attributes:
        node: its statement, handler, case, or the expression of a lambda or generator.
        first, last: its lines (1-based), without those of the blocks in it.
        above: the blocks that it is in, the innermost one last; none outside of its scope.
        blocks: the units of its own blocks, by their field.
    """

    __slots__ = ("above", "blocks", "first", "last", "node")

    def __init__(self, node: ast.AST, first: int, last: int, above: tuple[Branch, ...]) -> None:
        self.node = node
        self.first = first
        self.last = last
        self.above = above
        self.blocks: dict[str, list[Unit]] = {}

    def __repr__(self) -> str:
        return f"<Unit {type(self.node).__name__} {self.first}-{self.last}>"

    def inside(self, branch: Unit, field: str | None = None) -> bool:
        """Return whether it is in a block of another unit; in any of them without a field."""
        return any(above.head is branch and field in (None, above.field) for above in self.above)


class Scope:
    """A module, class body, function, lambda or generator expression.

    Attributes:
        node: its syntax tree.
        units: its units, by lines.
        body: those that are in no block.
    """

    __slots__ = ("_lines", "body", "node", "units")

    def __init__(self, node: ast.AST) -> None:
        self.node = node
        self.units: list[Unit] = []
        if isinstance(node, ast.Lambda):
            self.body = [Unit(node.body, *_lines(node.body), ())]
            self.units.extend(self.body)
        elif isinstance(node, ast.GeneratorExp):
            self.body = [Unit(node, *_lines(node), ())]
            self.units.extend(self.body)
        else:
            self.body = self._block(getattr(node, "body", []), ())
        self.units.sort(key=lambda unit: unit.first)
        self._lines: dict[int, list[Unit]] = {}
        for unit in self.units:
            for line in range(unit.first, unit.last + 1):
                self._lines.setdefault(line, []).append(unit)

    def at(self, line: int) -> list[Unit]:
        """Return the units of a line, in order."""
        return self._lines.get(line, [])

    def binders(self, name: str) -> list[tuple[Unit, Target]]:
        """Return the units that bind a name, each with how it does."""
        return [
            (unit, target)
            for unit in self.units
            for target in targets(unit.node)
            if isinstance(target.node, ast.Name) and target.node.id == name
        ]

    def _block(self, body: Sequence[ast.AST], above: tuple[Branch, ...]) -> list[Unit]:
        return [self._unit(node, above) for node in body]

    def _unit(self, node: ast.AST, above: tuple[Branch, ...]) -> Unit:
        unit = Unit(node, *_lines(node), above)
        self.units.append(unit)
        if not isinstance(node, SCOPES):
            for field in ("body", "handlers", "orelse", "finalbody", "cases"):
                body = getattr(node, field, None)
                if isinstance(body, list) and body:
                    unit.blocks[field] = self._block(body, (*above, Branch(unit, field)))
        return unit


def _lines(node: ast.AST) -> tuple[int, int]:
    """Return the first and the last line of a statement, without its blocks."""
    if isinstance(node, ast.match_case):
        first = node.pattern.lineno
        last = (node.guard or node.pattern).end_lineno or first
        return first, last
    first = getattr(node, "lineno", 1)
    last = getattr(node, "end_lineno", None) or first
    decorators = getattr(node, "decorator_list", None)
    if decorators:
        first = min(first, decorators[0].lineno)
    for field in ("body", "handlers", "cases"):
        body = getattr(node, field, None)
        if isinstance(body, list) and body:
            inner = _lines(body[0])[0]
            # A body may stand on the line of its head.
            last = max(first, min(last, inner - 1))
            ends = [getattr(each, "end_lineno", first) for each in heads(node)]
            last = max(first, *ends) if ends else first
            break
    return first, last


class Source:
    """The facts about a source file.

    Parameters:
        lines: its lines, as they were recorded.

    Raises:
        SyntaxError: this version of Python does not understand it.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        try:
            self.tree = ast.parse("\n".join(line.rstrip("\r\n") for line in lines))
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from None
        self._nodes = [
            self.tree,
            *(node for node in ast.walk(self.tree) if isinstance(node, SCOPES)),
        ]
        self._scopes: dict[ast.AST, Scope] = {}
        self._owners: dict[ast.AST, ast.AST] = {}
        self._own(self.tree)

    def scope(self, code: Code) -> Scope | None:
        """Return the scope that a code object was made of; None if the source has none like it."""
        if code.kind == "module" or code.name == "<module>":
            return self._known(self.tree)
        name = code.short_name
        found = [
            node
            for node in self._nodes
            if _first_line(node) == code.line and _name(node) in (name, f"_{name}")
        ]
        if len(found) > 1:
            exact = [node for node in found if parameter_names(node) == code.arguments]
            found = exact or found
        return self._known(found[0]) if found else None

    @property
    def scopes(self) -> list[Scope]:
        """All scopes of the source."""
        return [*map(self._known, self._nodes)]

    def innermost(self, line: int) -> Scope:
        """Return the scope that runs a line."""
        best: ast.AST = self.tree
        for node in self._nodes[1:]:
            body = getattr(node, "body", None)
            if not isinstance(body, list):
                continue
            if body[0].lineno <= line <= (getattr(node, "end_lineno", None) or 0):
                best = node
        return self._known(best)

    def global_scopes(self, name: str) -> list[Scope]:
        """Return the scopes that bind a global variable: the module, and what says ``global``."""
        found: list[ast.AST] = [self.tree]
        for node in self._nodes[1:]:
            body = getattr(node, "body", None)
            if isinstance(body, list) and any(
                isinstance(each, ast.Global) and name in each.names
                for statement in body
                for each in ast.walk(statement)
            ):
                found.append(node)
        return [self._known(node) for node in found]

    def nonlocal_scopes(self, scope: Scope, name: str) -> list[Scope]:
        """Return the functions inside of one that bind its variable, by ``nonlocal``."""
        return [
            self._known(node)
            for node in ast.walk(scope.node)
            if node is not scope.node
            and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and any(
                isinstance(each, ast.Nonlocal) and name in each.names for each in ast.walk(node)
            )
        ]

    def owner(self, scope: Scope) -> Scope | None:
        """Return the function or module around a scope, which has its free variables."""
        node = self._owners.get(scope.node)
        return None if node is None else self._known(node)

    def name(self, scope: Scope) -> str:
        """Return the name that a scope's code has."""
        return _name(scope.node)

    def _known(self, node: ast.AST) -> Scope:
        scope = self._scopes.get(node)
        if scope is None:
            scope = self._scopes[node] = Scope(node)
        return scope

    def _own(self, tree: ast.AST) -> None:
        queue: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
        while queue:
            node, owner = queue.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, SCOPES):
                    self._owners[child] = owner
                    queue.append((child, child))
                else:
                    queue.append((child, owner))


def _first_line(node: ast.AST) -> int:
    """Return ``co_firstlineno`` of the code of a scope."""
    decorators = getattr(node, "decorator_list", None)
    line: int = decorators[0].lineno if decorators else getattr(node, "lineno", 1)
    return line


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Lambda):
        return "<lambda>"
    if isinstance(node, ast.GeneratorExp):
        return "<genexpr>"
    return getattr(node, "name", "<module>")
