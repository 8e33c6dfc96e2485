"""Finds the reads that give an expression its value, and the expressions that a unit evaluates."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    type Decide = Callable[[ast.expr], bool | None]

__all__ = ["COMPREHENSIONS", "Read", "heads", "reads", "root", "walk"]

COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def heads(node: ast.AST) -> list[ast.expr]:
    """Return the expressions that a unit evaluates itself, in order."""
    match node:
        case ast.If() | ast.While():
            return [node.test]
        case ast.For() | ast.AsyncFor():
            return [node.iter]
        case ast.With() | ast.AsyncWith():
            return [item.context_expr for item in node.items]
        case ast.Try() | ast.TryStar():
            return []
        case ast.ExceptHandler(type=kind):
            return [] if kind is None else [kind]
        case ast.Match(subject=subject):
            return [subject]
        case ast.match_case(guard=guard):
            return [] if guard is None else [guard]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            return [*node.decorator_list, *defaults]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *(each.value for each in node.keywords)]
        case ast.Assign(targets=bound, value=value):
            return [value, *bound]
        case ast.AnnAssign(target=target, value=value):
            return [target] if value is None else [value, target]
        case ast.expr():
            return [node]
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all in it that its own frame runs, inner ones first."""
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.GeneratorExp):
        # Only the first iterable is evaluated outside of the generator.
        yield from walk(node.generators[0].iter)
    elif isinstance(node, COMPREHENSIONS):
        for each in node.generators:
            yield from walk(each.iter)
            for test in each.ifs:
                yield from walk(test)
        for field in ("elt", "key", "value"):
            if isinstance(inner := getattr(node, field, None), ast.AST):
                yield from walk(inner)
    else:
        for child in ast.iter_child_nodes(node):
            yield from walk(child)
    yield node


def root(node: ast.expr) -> ast.expr:
    """Return what the attributes and items of a chain such as ``a.b[0].c`` are taken of."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def _undecided(_: ast.expr) -> None:
    return None


class Read(NamedTuple):
    """Something that an expression takes its value from."""

    node: ast.expr
    """A name, a chain of attributes and items, a call or a yield; it may have others in it."""
    bound: frozenset[str]
    """The names in it that belong to a comprehension."""


def reads(
    node: ast.AST, decide: Decide = _undecided, bound: frozenset[str] = frozenset()
) -> list[Read]:
    """Return what an expression takes its value from, in order, each once; constants have nothing.

    Parameters:
        node: an expression, or a unit's statement, for all that its head reads.
        decide: returns whether an expression was true, if that is known: then only the part of
            ``and``, ``or`` and ``x if y else z`` that was evaluated is returned.
        bound: names that the expression itself binds.
    """
    evaluated = [node] if isinstance(node, ast.expr) else heads(node)
    found: dict[str, Read] = {}
    for head in evaluated:
        for each in _reads(head, decide, bound):
            found.setdefault(ast.unparse(each.node), each)
    return list(found.values())


def _reads(node: ast.AST, decide: Decide, bound: frozenset[str]) -> Iterator[Read]:
    match node:
        case ast.Constant() | ast.Lambda():
            return
        case ast.Name():
            if node.id not in bound and isinstance(node.ctx, ast.Load):
                yield Read(node, bound)
        case ast.Attribute() | ast.Subscript() if not isinstance(node.ctx, ast.Load):
            yield from _reads(node.value, decide, bound)
            if isinstance(node, ast.Subscript):
                yield from _reads(node.slice, decide, bound)
        case ast.Attribute() | ast.Subscript():
            base = root(node)
            if isinstance(base, ast.Name) and base.id in bound:
                for inner in _indexes(node):
                    yield from _reads(inner, decide, bound)
            else:
                yield Read(node, bound)
        case ast.Call() | ast.Yield() | ast.YieldFrom():
            yield Read(node, bound)
        case ast.BoolOp():
            stop = isinstance(node.op, ast.Or)
            for value in node.values:
                yield from _reads(value, decide, bound)
                if decide(value) is stop:
                    return
        case ast.IfExp():
            chosen = decide(node.test)
            yield from _reads(node.test, decide, bound)
            if chosen is not False:
                yield from _reads(node.body, decide, bound)
            if chosen is not True:
                yield from _reads(node.orelse, decide, bound)
        case ast.NamedExpr():
            yield from _reads(node.value, decide, bound)
        case _ if isinstance(node, COMPREHENSIONS):
            inside = bound
            for each in node.generators:
                yield from _reads(each.iter, decide, inside)
                inside |= {name.id for name in ast.walk(each.target) if isinstance(name, ast.Name)}
                for test in each.ifs:
                    yield from _reads(test, _undecided, inside)
            for field in ("key", "value", "elt"):
                if isinstance(inner_node := getattr(node, field, None), ast.AST):
                    yield from _reads(inner_node, _undecided, inside)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _reads(child, decide, bound)


def _indexes(node: ast.expr) -> Iterator[ast.expr]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript):
            yield node.slice
        node = node.value
