"""Reads expressions in the recorded state of a moment; nothing is run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, cast

from codetracer.replay.evaluator import EvaluationError, Expression
from codetracer.replay.parts import DEFINITIONS
from codetracer.replay.state import depth_of
from codetracer.replay.subjects import UNBOUND, follow
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import FORM_NAMES, KIND_CLASS, KIND_NAMES

if TYPE_CHECKING:
    from codetracer.replay.model import Frame
    from codetracer.replay.state import Held, State
    from codetracer.replay.values import Value

__all__ = ["View", "is_key"]

MOST_OBJECTS: Final = 60
VALUES: Final = 2000
"""The number of objects, and of items and attributes, that are kept of a value."""

_PLAIN_TYPES: Final = (bool, int, float, complex, str, bytes, type(None))


def is_key(value: raw.Value) -> bool:
    """Return whether a value says by itself which item of a dict or list is meant."""
    if type(value) is tuple:
        return all(map(is_key, value))
    return isinstance(value, _PLAIN_TYPES)


class View:
    """The variables of a frame at a moment.

    Parameters:
        state: the contents of objects then.
        frame: the frame.
        until: how many steps the process had made.
    """

    def __init__(self, state: State, frame: Frame, until: int) -> None:
        self.state = state
        self.frame = frame
        self.until = until

    def resolve(self, value: raw.Value) -> Value:
        """Return a value for a reader, without what is far inside of it."""
        depth = depth_of(self.frame)
        return self.state.resolve(value, MOST_OBJECTS, MOST_OBJECTS, VALUES, depth)

    def name(self, name: str) -> raw.Value:
        """Return the value of a variable; `UNBOUND` if it has none."""
        code = self.frame.code
        if name in code.variables:
            value = self.frame.values.get(code.variables.index(name), UNBOUND)
            # In the body of a class a name that is not bound there yet is a global one.
            if value != UNBOUND or code.kind != KIND_NAMES[KIND_CLASS]:
                return value
        if not code.has_values:
            return UNBOUND
        return self.state.namespaces[code.namespace].get(name, UNBOUND)

    def peek(self, node: ast.expr) -> raw.Value:
        """Return the value of an expression; `UNBOUND` if it cannot be known without running it."""
        match node:
            case ast.Constant(value=value) if isinstance(value, _PLAIN_TYPES):
                return value
            case ast.Name(id=name):
                return self.name(name)
            case ast.Attribute(value=base, attr=name):
                return follow(self.state, self.peek(base), ((".", name),))
            case ast.Subscript(value=base, slice=index):
                known = self.peek(index)
                if is_key(known):
                    return follow(self.state, self.peek(base), (("[", known),))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = self.peek(operand)
                return -number if isinstance(number, int | float) else UNBOUND
            case ast.Tuple(elts=items):
                known = tuple(map(self.peek, items))
                return known if is_key(known) else UNBOUND
            case ast.NamedExpr(target=target):
                return self.name(target.id)
        return UNBOUND

    def truth(self, node: ast.expr) -> bool | None:
        """Return whether an expression was true; None if only running it would show that."""
        try:
            # It asks a moment for nothing but the variables of a frame.
            return Expression(ast.unparse(node)).holds(cast(Any, self))
        except EvaluationError:
            return None

    def locals(self, _: Frame | None = None) -> dict[str, Value]:
        """Return the local variables by name."""
        return self.state.locals(self.frame)

    def globals(self, _: Frame | None = None) -> dict[str, Value]:
        """Return the global variables that the frame's code names, by name."""
        return self.state.globals(self.frame)

    def held(self, value: raw.Value) -> Held | None:
        """Return the contents of an object; None for anything else."""
        if not isinstance(value, raw.ReferenceValue):
            return None
        return self.state.objects.get(value.number)

    def form(self, value: raw.Value) -> str:
        """Return the form of an object; empty for anything else."""
        record = self.held(value)
        return "" if record is None else FORM_NAMES.get(record.form, "opaque")

    def attributes(self, number: int) -> dict[str, raw.Value]:
        """Return the attributes of an object by name, in order."""
        record = self.state.objects.get(number)
        names = self.state.attribute_names
        return {
            names[name]: value
            for name, value in (() if record is None else record.attributes)
            if name < len(names)
        }

    def type_name(self, value: raw.Value) -> str:
        """Return the name of an object's type; empty for anything else."""
        record = self.held(value)
        types = self.state.types
        known = record is not None and record.type_number < len(types)
        return types[record.type_number] if record is not None and known else ""

    def said_name(self, value: raw.Value) -> str:
        """Return the name of a function, method, class or module; empty for anything else."""
        record = self.held(value)
        if self.form(value) not in DEFINITIONS or record is None:
            return ""
        name = record.items[0] if record.items else ""
        return name if isinstance(name, str) else ""
