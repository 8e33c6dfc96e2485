"""Reads from a source file where each function is, and which names each line binds."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Facts", "Function", "facts"]


class Function(NamedTuple):
    """A function or class of a source file."""

    name: str
    """Its name with those of the classes and functions around it, joined by dots."""
    begin: int
    """Its first line (1-based), that of its first decorator if it has one."""
    body: int
    """The line of its first statement that is no docstring."""
    end: int
    """Its last line."""


class Facts(NamedTuple):
    """The functions of a source file, and the names that its lines bind and read."""

    functions: tuple[Function, ...]
    binds: dict[int, tuple[str, ...]]
    """The names that each line (1-based) binds, in order."""
    reads: dict[int, tuple[str, ...]]
    """The names that each line (1-based) reads, in order."""

    def named(self, name: str) -> Function | None:
        """Return the first function with a name, or with a qualified name that ends in it."""
        for each in self.functions:
            if each.name == name:
                return each
        ending = f".{name}"
        return next((each for each in self.functions if each.name.endswith(ending)), None)

    def beginning(self, line: int) -> Function | None:
        """Return the function that begins at a line (1-based)."""
        return next((each for each in self.functions if each.begin == line), None)


NO_FACTS = Facts((), {}, {})


def facts(lines: Sequence[str]) -> Facts:
    """Return what can be said of a file's lines; nothing if this Python cannot parse them."""
    try:
        with warnings.catch_warnings():
            # What the parser warns of, such as unknown escapes, concerns the program's authors.
            warnings.simplefilter("ignore")
            tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return NO_FACTS
    binds: dict[int, dict[str, None]] = {}
    reads: dict[int, dict[str, None]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ctx, lineno=line):
                of = reads if isinstance(ctx, ast.Load) else binds
                of.setdefault(line, {})[name] = None
            case ast.arg(arg=name, lineno=line):
                binds.setdefault(line, {})[name] = None
            case ast.ExceptHandler(name=str(name), lineno=line):
                binds.setdefault(line, {})[name] = None
    return Facts(
        tuple(_functions(tree, "")),
        {line: tuple(names) for line, names in binds.items()},
        {line: tuple(names) for line, names in reads.items()},
    )


def _functions(tree: ast.AST, before: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{before}{node.name}"
            begin = _begin(node)
            yield Function(name, begin, _first_line(node.body), node.end_lineno or node.lineno)
            yield from _functions(node, f"{name}.")
        else:
            yield from _functions(node, before)


def _begin(node: ast.stmt) -> int:
    """Return the line where a statement begins: at its first decorator if it has one."""
    match node:
        case (
            ast.FunctionDef(decorator_list=[first, *_])
            | ast.AsyncFunctionDef(decorator_list=[first, *_])
            | ast.ClassDef(decorator_list=[first, *_])
        ):
            return first.lineno
    return node.lineno


def _first_line(body: list[ast.stmt]) -> int:
    """Return the line of the first statement that runs."""
    for statement in body:
        match statement:
            case ast.Expr(value=ast.Constant()) | ast.Global() | ast.Nonlocal():
                continue
        return _begin(statement)
    return body[-1].lineno
