"""Finds where an exception was raised first, and which expressions there can have raised it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from codetracer.replay.subjects import UNBOUND
from codetracer.replay.values import ObjectValue
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.tree import Unknown
    from codetracer.replay.causes.view import View
    from codetracer.replay.model import Code
    from codetracer.replay.values import Value

__all__ = ["Origin", "culprits", "origin"]


class Origin(NamedTuple):
    """The frame and step that raised an exception first."""

    frame: int
    step: int
    foreign: Code | None
    """The code that is not looked into, if it was raised there or below."""


def origin(
    past: Past, is_own: Callable[[Code], bool], frame: int, step: int, number: int
) -> Origin:
    """Return where an exception was raised first: below each call that it came out of.

    Parameters:
        past: what happened in the process.
        is_own: whether code is to be looked into.
        frame: the number of a frame in which the exception was.
        step: the frame's step then.
        number: the number of the exception.
    """
    while True:
        for run in reversed(past.runs_of(past.step(step))):
            ending = past.ending(run)
            if (
                ending is not None
                and ending.kind == "unwind"
                and ending.value == raw.ReferenceValue(number)
                and (ending.step >= 0 or not run.code.has_lines)
            ):
                break
        else:
            return Origin(frame, step, None)
        if not is_own(run.code):
            return Origin(frame, step, run.code)
        frame, step = run.frame, ending.step


def culprits(node: ast.AST, view: View, exception: Value | Unknown) -> list[ast.AST]:
    """Return the expressions of a unit that an exception can have come from.

    An error of a look-up or a division names its operand by its type and its arguments. For any
    other exception it is all that the unit reads.
    """
    if isinstance(node, ast.Assert):
        return [node.test]
    if not isinstance(exception, ObjectValue):
        return [node]
    items = exception.items
    found: list[ast.AST] = []
    for each in ast.walk(node):
        match exception.type_name, each:
            case "KeyError", ast.Subscript(slice=key) if items and view.peek(key) == items[0]:
                found.append(each)
            case "IndexError", ast.Subscript():
                found.append(each)
            case "ZeroDivisionError", ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod()):
                if view.peek(each.right) in (0, UNBOUND):
                    found.append(each.right)
            case "AttributeError", ast.Attribute(attr=name) if items:
                message = items[0]
                if isinstance(message, str) and f"'{name}'" in message:
                    found.append(each.value)
    return found or [node]
