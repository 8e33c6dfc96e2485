"""The value of an expression at a moment of a recording.

It may consist of names, attributes, items and slices, arithmetic, comparisons, ``and``, ``or``,
``not``, ``if``, lists, tuples, f-strings, and calls of a few functions (`FUNCTIONS`). Nothing of
the program is run, and no expression takes long or much memory.

evaluate("len(order.lines) > 3 and order.total", codetracer.read("out").at("0:120"))
"""

from __future__ import annotations

import ast
import difflib
import re
from typing import TYPE_CHECKING, Final

from codetracer.replay import comparison, operations, parts
from codetracer.replay.details import lacking_in
from codetracer.replay.parts import EvaluationError
from codetracer.replay.render import render, short_type
from codetracer.replay.subjects import UNBOUND
from codetracer.replay.values import (
    Hidden,
    ObjectValue,
)
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.model import Frame
    from codetracer.replay.moment import Moment
    from codetracer.replay.values import Value

__all__ = ["FUNCTIONS", "EvaluationError", "Expression", "evaluate"]

LONGEST_EXPRESSION: Final = 4_000
"""The largest number of characters of an expression."""

WIDEST: Final = 1_000
"""The largest width or precision in an f-string."""

_BINARY: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}

_ORDERS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}

_EQUALITY: Final[dict[type[ast.cmpop], tuple[Callable[[Value, Value], bool], bool]]] = {
    ast.Eq: (comparison.equal, True),
    ast.NotEq: (comparison.equal, False),
    ast.Is: (comparison.identical, True),
    ast.IsNot: (comparison.identical, False),
    ast.In: (lambda wanted, container: comparison.contains(container, wanted), True),
    ast.NotIn: (lambda wanted, container: comparison.contains(container, wanted), False),
}
"""The function of each sign, and the answer of it that makes the comparison true."""

_ALLOWED: Final = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Tuple,
    ast.List,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Call,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)


class Expression:
    """An expression that can be evaluated at many moments.

    Parameters:
        text: the expression.

    Attributes:
        text: as given.

    Raises:
        EvaluationError: it is not Python, or of the part of Python that is not evaluated.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _parsed(text)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, moment: Moment, frame: Frame | None = None) -> Value:
        """Return its value; see `evaluate`."""
        return _guarded(lambda: _Evaluation(moment, frame).value(self._tree))

    def holds(self, moment: Moment, frame: Frame | None = None) -> bool:
        """Return whether its value is true; see `evaluate`."""
        return _guarded(lambda: _Evaluation(moment, frame).truth(self._tree))


def evaluate(expression: str, moment: Moment, frame: Frame | None = None) -> Value:
    """Return the value of an expression.

    Parameters:
        expression: the expression.
        moment: the moment whose variables its names mean.
        frame: the frame of the moment whose variables they are; the innermost one without it.

    Raises:
        EvaluationError: the expression is wrong; or there is no such variable, attribute or item at
            this moment; or it depends on something that the recording does not have: a value that
            is hidden, or was cut, or what a method of the program would say.
    """
    return Expression(expression).evaluate(moment, frame)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST_EXPRESSION:
        raise EvaluationError(f"the expression has more than {LONGEST_EXPRESSION:,} characters")
    try:
        tree = ast.parse(text.strip(), "<expression>", "eval").body
        for node in ast.walk(tree):
            _check(node)
    except SyntaxError as error:
        raise EvaluationError(f"{text!r} is not a Python expression: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        # A null byte; or it is nested too deeply.
        raise EvaluationError("the expression cannot be parsed: it is nested too deeply") from None
    return tree


def _check(node: ast.AST) -> None:
    """Refuse what is not evaluated."""
    if isinstance(node, ast.Call):
        is_known = isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
        if not is_known or node.keywords:
            raise EvaluationError(
                f"`{ast.unparse(node.func)}(…)` is not evaluated: nothing of the program is run;"
                f" the functions that can be called are {', '.join(FUNCTIONS)}"
            )
    elif not isinstance(node, _ALLOWED) or isinstance(node, ast.MatMult):
        what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
        raise EvaluationError(
            f"`{what}` is not evaluated: only names, attributes, items, arithmetic, comparisons,"
            f" f-strings and {', '.join(FUNCTIONS)} are"
        )


def _guarded[Result](compute: Callable[[], Result]) -> Result:
    try:
        return compute()
    except RecursionError:
        raise EvaluationError("the expression, or a value in it, is nested too deeply") from None


class _Evaluation:
    """One evaluation: an expression at a moment."""

    def __init__(self, moment: Moment, frame: Frame | None) -> None:
        self._state = moment.state
        self._frame = frame or moment.frame

    def truth(self, node: ast.expr) -> bool:
        return operations.truth(self.value(node))

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self._variable(name)
            case ast.Attribute(owner, name):
                return operations.attribute(self.value(owner), name)
            case ast.Subscript(owner, ast.Slice() as part):
                return operations.item(self.value(owner), self._slice(part))
            case ast.Subscript(owner, key):
                return operations.item(self.value(owner), self.value(key))
            case ast.Tuple(items):
                return tuple(map(self.value, items))
            case ast.List(items):
                return parts.listed(tuple(map(self.value, items)))
            case ast.BinOp(left, sign, right):
                return operations.calculate(
                    _BINARY[type(sign)], self.value(left), self.value(right)
                )
            case ast.UnaryOp(ast.Not(), operand):
                return not self.truth(operand)
            case ast.UnaryOp(sign, operand):
                return self._signed(sign, self.value(operand))
            case ast.BoolOp(sign, operands):
                return self._chosen(operands, wanted=isinstance(sign, ast.Or))
            case ast.Compare(first, signs, others):
                return self._compared(first, signs, others)
            case ast.IfExp(test, then, otherwise):
                return self.value(then if self.truth(test) else otherwise)
            case ast.JoinedStr(texts):
                return "".join(map(self._part, texts))
            case ast.Call(ast.Name(name), arguments):
                return self._called(name, [*map(self.value, arguments)])
        raise EvaluationError(f"`{ast.unparse(node)}` is not evaluated here")

    def _variable(self, name: str) -> Value:
        state, code = self._state, self._frame.code
        found: raw.Value = UNBOUND
        if name in code.variables:
            found = self._frame.values.get(code.variables.index(name), UNBOUND)
        if type(found) is raw.UnboundValue and code.has_values:
            # A global variable, which another function of the module may use.
            found = state.namespaces.get(code.namespace, {}).get(name, UNBOUND)
        if type(found) is not raw.UnboundValue:
            # Not all variables: conditions are asked often, and values may be large.
            return state.resolve(found)
        names = (*code.variables, *code.global_names)
        if why := lacking_in(code):
            raise EvaluationError(f"{name} has no value: {why}")
        if name in names:
            raise EvaluationError(f"{name} has no value in {code.name} at this moment")
        near = difflib.get_close_matches(name, names, 1)
        raise EvaluationError(
            f"{code.name} has no variable {name} at this moment"
            + (f"; did you mean {near[0]}?" if near else "")
        )

    def _slice(self, part: ast.Slice) -> slice:
        ends = [
            None if end is None else self.value(end) for end in (part.lower, part.upper, part.step)
        ]
        if not all(end is None or isinstance(end, int) for end in ends) or ends[2] == 0:
            raise EvaluationError(f"`{ast.unparse(part)}` is not a slice: its parts are numbers")
        return slice(*ends)

    def _signed(self, sign: ast.unaryop, value: Value) -> Value:
        if isinstance(sign, ast.Invert):
            return operations.calculate("^", value, -1)
        return operations.calculate("*", value, -1 if isinstance(sign, ast.USub) else 1)

    def _chosen(self, operands: list[ast.expr], *, wanted: bool) -> Value:
        value: Value = None
        for operand in operands:
            value = self.value(operand)
            if operand is not operands[-1] and operations.truth(value) is wanted:
                break
        return value

    def _compared(self, first: ast.expr, signs: list[ast.cmpop], others: list[ast.expr]) -> bool:
        left = self.value(first)
        for sign, other in zip(signs, others, strict=True):
            right = self.value(other)
            order = _ORDERS.get(type(sign))
            if order is not None:
                holds = comparison.compare(order, left, right)
            else:
                function, wanted = _EQUALITY[type(sign)]
                holds = function(left, right) is wanted
            if not holds:
                return False
            left = right
        return True

    def _part(self, node: ast.expr) -> str:
        """Return the text of a part of an f-string."""
        if not isinstance(node, ast.FormattedValue):
            return operations.text_of(self.value(node))
        value = self.value(node.value)
        if node.conversion != -1:
            text = render(value, parts.LARGEST_RESULT)
            value = operations.text_of(value) if node.conversion == ord("s") else text
            value = ascii(text)[1:-1] if node.conversion == ord("a") else value
        layout = "" if node.format_spec is None else str(self.value(node.format_spec))
        if not layout:
            return operations.text_of(value)
        if any(int(number) > WIDEST for number in re.findall(r"[0-9]+", layout)):
            raise EvaluationError(f"{layout!r} makes a text of more than {WIDEST:,} characters")
        if not isinstance(value, int | float | complex | str):
            value = operations.text_of(value)
        try:
            return format(value, layout)
        except (ValueError, OverflowError) as error:
            raise EvaluationError(str(error)) from None

    @staticmethod
    def _called(name: str, arguments: list[Value]) -> Value:
        function, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise EvaluationError(f"{name}() takes another number of arguments")
        if any(isinstance(argument, Hidden) for argument in arguments):
            raise EvaluationError("the value is hidden: a filter kept it out of the recording")
        value: Value = function(*arguments)
        return value


def _absolute(value: Value) -> Value:
    if isinstance(value, int | float | complex):
        size: float = abs(value)
        return size
    raise EvaluationError(f"abs() needs a number, not {render(value, parts.SHOWN)}")


def _extreme(sign: str) -> Callable[..., Value]:
    def extreme(*values: Value) -> Value:
        found, *others = _members(values[0]) if len(values) == 1 else values
        for value in others:
            if comparison.compare(sign, value, found):
                found = value
        return found

    return extreme


def _members(value: Value) -> tuple[Value, ...]:
    """Return what a loop over a container gives."""
    if isinstance(value, ObjectValue) and value.form in ("dict", "set", "frozenset"):
        found = parts.whole(value)[:: 2 if value.form == "dict" else 1]
    else:
        size = parts.length(value)
        if size > parts.LARGEST_RESULT:
            raise EvaluationError(f"it has more than {parts.LARGEST_RESULT:,} items")
        found = tuple(operations.item(value, place) for place in range(size))
    if not found:
        raise EvaluationError("there is no item")
    return found


def _sum(value: Value) -> Value:
    total: Value = 0
    if operations.truth(value):
        for each in _members(value):
            total = operations.calculate("+", total, each)
    return total


def _type(value: Value) -> Value:
    kind = ObjectValue(next(parts.OWN_NUMBERS), "class", "type")
    if isinstance(value, ObjectValue):
        name = short_type(value.type_name)
    else:
        name = parts.python_type(value).__name__
    kind.items, kind.total = (name,), 1
    return kind


FUNCTIONS: Final[dict[str, tuple[Callable[..., Value], int, int]]] = {
    "abs": (_absolute, 1, 1),
    "bool": (operations.truth, 1, 1),
    "len": (parts.length, 1, 1),
    "max": (_extreme(">"), 1, 100),
    "min": (_extreme("<"), 1, 100),
    "repr": (lambda value: render(value, parts.LARGEST_RESULT), 1, 1),
    "str": (operations.text_of, 1, 1),
    "sum": (_sum, 1, 1),
    "type": (_type, 1, 1),
}
"""The functions that an expression may call, with the least and the most arguments of each."""
