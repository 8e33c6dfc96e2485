"""Finds the part of a line that put a value into an object, and names expressions for a tree."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from codetracer.replay.causes.reads import root
from codetracer.replay.causes.syntax import calls, targets
from codetracer.replay.causes.view import is_key
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from codetracer.replay.causes.lines import Unit
    from codetracer.replay.causes.syntax import Target
    from codetracer.replay.causes.view import View
    from codetracer.replay.subjects import Step as Way

__all__ = ["assigned", "callee", "changed_by", "given", "is_pure", "loaded", "made", "said", "way"]

PURE: Final = frozenset({
    "abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "chr", "complex", "dict",
    "divmod", "enumerate", "filter", "float", "format", "frozenset", "hash", "hex", "int",
    "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "oct", "ord", "pow",
    "range", "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "type",
    "zip",
})  # fmt: skip
"""Builtin functions whose result depends on their arguments alone."""


READERS: Final = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})
"""Methods of containers whose result depends on these and their arguments alone."""


def way(node: ast.Attribute | ast.Subscript, view: View) -> Way | None:
    """Return the way from an object to its attribute or item; None if the key is not known."""
    if isinstance(node, ast.Attribute):
        return ".", node.attr
    key = view.peek(node.slice)
    return ("[", key) if is_key(key) else None


def assigned(unit: Unit, number: int, wanted: Way | None, view: View) -> Target | None:
    """Return the target of a unit that assigned an attribute or item of an object.

    Parameters:
        unit: the unit.
        number: the number of the object.
        wanted: the way to the attribute or item; None for any.
        view: the variables right before.
    """
    for target in targets(unit.node):
        node = target.node
        if not isinstance(node, ast.Attribute | ast.Subscript):
            continue
        base = view.peek(node.value)
        # An object that the line itself made is not known right before it.
        if base not in (UNBOUND, raw.ReferenceValue(number)):
            continue
        if wanted is None or way(node, view) in (wanted, None):
            return target
    return None


def changed_by(unit: Unit, number: int, view: View) -> tuple[ast.Call, bool] | None:
    """Return the call of a unit that had an object as an argument or receiver.

    Returns:
        The call, and whether the object was its receiver; None if there is none.
    """
    wanted = raw.ReferenceValue(number)
    for site in calls(unit.node):
        if isinstance(site.node, ast.Call):
            function = site.node.func
            if isinstance(function, ast.Attribute) and view.peek(function.value) == wanted:
                return site.node, True
            if is_pure(function, view):
                continue
            if any(view.peek(each) == wanted for each in given(site.node)):
                return site.node, False
    return None


def given(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def made(
    unit: Unit, wanted: Way | None, value: raw.Value, names: list[str], view: View
) -> ast.expr | None:
    """Return the part of a unit that gave an attribute or item of an object that it made.

    It is in a display at the place of the item, or an argument with the attribute's name, or the
    only argument with its value, or, of a class without a recorded ``__init__``, such as a
    dataclass, the argument at the attribute's place. None if nothing says it.

    Parameters:
        unit: the unit.
        wanted: the way to the attribute or item; None for all of the object.
        value: its value.
        names: the attributes that the object has.
        view: the variables right before.
    """
    if wanted is None:
        return None
    kind, key = wanted
    nodes = [*ast.walk(unit.node)]
    for node in nodes:
        match node:
            case ast.Dict(keys=keys, values=values) if kind == "[":
                for known, item in zip(keys, values, strict=True):
                    if known is not None and view.peek(known) == key:
                        return item
            case ast.List(elts=items) if kind == "[" and isinstance(key, int):
                starred = any(isinstance(each, ast.Starred) for each in items)
                if not starred and 0 <= key < len(items):
                    return items[key]
            case ast.Call(keywords=keywords) if isinstance(key, str):
                # An attribute, or an item of the dict of a parameter with two stars.
                for keyword in keywords:
                    if keyword.arg == key:
                        return keyword.value
                    item = ast.Subscript(keyword.value, ast.Constant(key), ast.Load())
                    if keyword.arg is None and view.peek(item) != UNBOUND:
                        return item
    if value == UNBOUND:
        return None
    same = [
        each
        for node in nodes
        if isinstance(node, ast.Call)
        for each in node.args
        if view.peek(each) == value
    ]
    if len(same) == 1:
        return same[0]
    for node in nodes:
        if isinstance(node, ast.Call) and view.form(view.peek(node.func)) == "class":
            place = names.index(str(key)) if key in names else len(node.args)
            starred = any(isinstance(each, ast.Starred) for each in node.args)
            # The rest has defaults.
            rest = ast.Constant(None)
            return None if starred else node.args[place] if place < len(node.args) else rest
    return None


def loaded(node: ast.expr) -> ast.expr:
    """Return the target of an augmented assignment as what it reads."""
    match node:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=name):
            return ast.Attribute(value, name, ast.Load())
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value, index, ast.Load())
    return node


def is_pure(function: ast.expr, view: View) -> bool:
    """Return whether a function's result depends on nothing but what it is given."""
    if isinstance(function, ast.Name):
        value = view.name(function.id)
        # A builtin function, or another name for one.
        return (function.id if value == UNBOUND else view.said_name(value)) in PURE
    if isinstance(function, ast.Attribute):
        # The methods of these types are in C, and change nothing.
        receiver = view.peek(function.value)
        if function.attr in READERS and view.form(receiver) in ("list", "dict", "set"):
            return True
        constant = isinstance(function.value, ast.Constant | ast.JoinedStr)
        return constant or isinstance(receiver, str | bytes | int | float)
    return False


def said(node: ast.AST) -> str:
    """Return how the result of a call is named."""
    return f"{ast.unparse(node.func)}()" if isinstance(node, ast.Call) else ast.unparse(node)


def callee(node: ast.AST) -> str:
    """Return the name of what a call calls."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name
        case ast.Call(func=ast.Attribute(attr=name, value=value)):
            base = root(value)
            return f"{base.id}.{name}" if isinstance(base, ast.Name) and base is value else name
        case ast.Call():
            return "it"
    return ast.unparse(node)
