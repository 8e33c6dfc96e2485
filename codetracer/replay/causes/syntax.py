"""Finds the targets and calls of a unit, and the parameters of a function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.reads import COMPREHENSIONS, heads, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FUNCTION_NODES",
    "OPERATORS",
    "CallSite",
    "Parameter",
    "Target",
    "calls",
    "parameter_names",
    "parameters",
    "targets",
]

FUNCTION_NODES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


# -------------------------------------------------------------------- parameters


class Parameter(NamedTuple):
    """A parameter of a function."""

    name: str
    kind: str
    """``positional``, ``either``, ``keyword``, ``*`` or ``**``."""
    default: ast.expr | None


def parameters(node: ast.AST) -> list[Parameter]:
    """Return the parameters of a function in the order in which arguments fill them."""
    if not isinstance(node, FUNCTION_NODES):
        return []
    given = node.args
    found: list[Parameter] = []
    places = [*((each, "positional") for each in given.posonlyargs)]
    places += [(each, "either") for each in given.args]
    defaults: list[ast.expr | None] = [None] * (len(places) - len(given.defaults))
    for (each, kind), default in zip(places, [*defaults, *given.defaults], strict=True):
        found.append(Parameter(each.arg, kind, default))
    if given.vararg:
        found.append(Parameter(given.vararg.arg, "*", None))
    for each, other in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found.append(Parameter(each.arg, "keyword", other))
    if given.kwarg:
        found.append(Parameter(given.kwarg.arg, "**", None))
    return found


def parameter_names(node: ast.AST) -> tuple[str, ...]:
    """Return the names of a function's parameters in the order of ``co_varnames``."""
    known = parameters(node)
    plain = [each.name for each in known if each.kind in ("positional", "either")]
    keyword = [each.name for each in known if each.kind == "keyword"]
    stars = [each.name for each in known if each.kind == "*"]
    return (*plain, *keyword, *stars, *(each.name for each in known if each.kind == "**"))


# -------------------------------------------------------------------- what is bound


class Target(NamedTuple):
    """Something that a unit binds."""

    node: ast.expr
    """A `Name`, an `Attribute` or a `Subscript`."""
    kind: str
    """``assign``, ``augment``, ``for``, ``with``, ``except``, ``import``, ``def``, ``class``,
    ``case``, ``comprehension`` or ``delete``."""
    value: ast.expr | None
    """The expression that the value comes from; None if there is none."""
    path: tuple[int, ...] = ()
    """The index of the item in that value, after unpacking; -1 for the item of a loop."""


def targets(node: ast.AST) -> list[Target]:
    """Return what a unit binds, in no particular order."""
    return list(_targets(node))


def _targets(node: ast.AST) -> Iterator[Target]:
    match node:
        case ast.Assign(targets=bound, value=value):
            for each in bound:
                yield from _unpacked(each, "assign", value, ())
        case ast.AugAssign(target=target, value=value):
            yield Target(target, "augment", value)
        case ast.AnnAssign(target=target, value=value) if value is not None:
            yield Target(target, "assign", value)
        case ast.For() | ast.AsyncFor():
            yield from _unpacked(node.target, "for", node.iter, (-1,))
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                if item.optional_vars is not None:
                    yield from _unpacked(item.optional_vars, "with", item.context_expr, ())
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield Target(ast.Name(name), "import", None)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield Target(ast.Name(node.name), "def", None)
        case ast.ClassDef():
            yield Target(ast.Name(node.name), "class", None)
        case ast.ExceptHandler(name=str(name)):
            yield Target(ast.Name(name), "except", None)
        case ast.Delete():
            for each in node.targets:
                yield Target(each, "delete", None)
        case ast.match_case():
            yield from _captured(node.pattern)
        case ast.GeneratorExp():
            for loop in node.generators:
                yield from _unpacked(loop.target, "for", loop.iter, (-1,))
    for head in heads(node):
        for inner in walk(head):
            if isinstance(inner, ast.NamedExpr):
                yield Target(inner.target, "assign", inner.value)
            elif isinstance(inner, COMPREHENSIONS) and inner is not node:
                for loop in inner.generators:
                    yield from _unpacked(loop.target, "comprehension", loop.iter, (-1,))


def _unpacked(
    target: ast.expr, kind: str, value: ast.expr | None, path: tuple[int, ...]
) -> Iterator[Target]:
    if isinstance(target, ast.Starred):
        yield from _unpacked(target.value, kind, value, path)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = _parts(target.elts, value) if not path else None
        for number, each in enumerate(target.elts):
            if parts is not None:
                yield from _unpacked(each, kind, parts[number], ())
            else:
                yield from _unpacked(each, kind, value, (*path, number))
    else:
        yield Target(target, kind, value, path)


def _parts(items: list[ast.expr], value: ast.expr | None) -> list[ast.expr] | None:
    """Return the part of a display that each target takes; None if the display does not say it."""
    if not isinstance(value, ast.Tuple | ast.List):
        return None
    given = value.elts
    stars = [number for number, each in enumerate(items) if isinstance(each, ast.Starred)]
    more = len(given) - len(items)
    if any(isinstance(each, ast.Starred) for each in given) or more < -len(stars):
        return None
    if not stars:
        return [*given] if not more else None
    star = stars[0]
    middle: ast.expr = ast.List(given[star : star + more + 1], ast.Load())
    return [*given[:star], middle, *given[star + more + 1 :]]


def _captured(pattern: ast.pattern) -> Iterator[Target]:
    for node in ast.walk(pattern):
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if isinstance(name, str):
            yield Target(ast.Name(name), "case", None)


# -------------------------------------------------------------------- calls


class CallSite(NamedTuple):
    """A place in a unit where code is called, or may be: an attribute may be a property."""

    node: ast.AST
    """The expression; of ``__enter__`` the item of the ``with``, of ``__next__`` the loop."""
    names: tuple[str, ...]
    """The names that the code which runs there is likely to have; none if nothing is known."""
    often: bool
    """True if it may run several times each time that the unit runs."""


def calls(statement: ast.AST) -> list[CallSite]:
    """Return the places in a unit that may call code, in the order in which they run."""
    found: list[CallSite] = []
    repeated: set[ast.AST] = set()
    for head in heads(statement):
        for node in ast.walk(head):
            if isinstance(node, COMPREHENSIONS):
                # The first iterable is evaluated once.
                for part in ast.iter_child_nodes(node):
                    repeated.update(ast.walk(part))
                repeated.difference_update(ast.walk(node.generators[0].iter))
        called = {node.func for node in ast.walk(head) if isinstance(node, ast.Call)}
        for node in walk(head):
            if node in called and not isinstance(node, ast.Call):
                # The call itself is the place.
                continue
            if isinstance(node, ast.expr) and (names := _callee(node)) is not None:
                found.append(CallSite(node, names, node in repeated))
    if isinstance(statement, ast.For | ast.AsyncFor):
        found.append(CallSite(statement, ("__iter__", "__next__", "__aiter__", "__anext__"), True))
    elif isinstance(statement, ast.With | ast.AsyncWith):
        found.extend(CallSite(item, ("__enter__", "__aenter__"), False) for item in statement.items)
    return found


OPERATORS: Final = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.MatMult: "matmul", ast.Div: "truediv",
    ast.Mod: "mod", ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitOr: "or",
    ast.BitXor: "xor", ast.BitAnd: "and", ast.FloorDiv: "floordiv", ast.Eq: "eq", ast.NotEq: "ne",
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.In: "contains",
    ast.NotIn: "contains", ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert",
}  # fmt: skip


def _callee(node: ast.expr) -> tuple[str, ...] | None:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return (name,)
        case ast.Call():
            return ()
        case ast.Attribute(attr=name, ctx=ast.Load()):
            return (name, "__getattr__", "__getattribute__", "__get__")
        case ast.Subscript(ctx=ast.Load()):
            return ("__getitem__", "__missing__")
        case ast.BinOp(op=op):
            word = OPERATORS[type(op)]
            return (f"__{word}__", f"__r{word}__")
        case ast.UnaryOp(op=op) if type(op) in OPERATORS:
            return (f"__{OPERATORS[type(op)]}__",)
        case ast.Compare(ops=ops):
            return tuple(f"__{OPERATORS[type(op)]}__" for op in ops if type(op) in OPERATORS)
        case ast.YieldFrom():
            return ()
    return None
