"""Reads from bytecode what each line of a code object can change.

After a line has run, only the variables that it names can have a new value. An object that is
reachable from them can have changed only if it is no more attributes and items away than the line
goes through. So the recorder looks only at these variables and objects.
"""

from __future__ import annotations

from opcode import _nb_ops, opname  # type: ignore[attr-defined]

from codetracer.inspect.code import is_function, parameters
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Final

__all__ = ["LineNames", "beginning", "local_names", "names_by_line"]

seal(globals())

EXTENDED_ARG: Final = opname.index("EXTENDED_ARG")
RESUME: Final = opname.index("RESUME")
NOT_VARIABLES: Final = frozenset(
    [
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__builtins__",
        "__cached__",
        "__class__",
        "__classdict__",
        "__classdictcell__",
        "__conditional_annotations__",
        "__doc__",
        "__file__",
        "__firstlineno__",
        "__loader__",
        "__module__",
        "__name__",
        "__package__",
        "__path__",
        "__qualname__",
        "__spec__",
        "__static_attributes__",
        "__type_params__",
    ]
)
"""Names that the interpreter adds to a program's own variables."""

_REACHING: Final = frozenset(
    [
        "BINARY_SLICE",
        "BINARY_SUBSCR",
        "DELETE_ATTR",
        "DELETE_SUBSCR",
        "LOAD_ATTR",
        "LOAD_METHOD",
        "LOAD_SUPER_ATTR",
        "STORE_ATTR",
        "STORE_SLICE",
        "STORE_SUBSCR",
    ]
)
_SUBSCRIPT: Final = next(
    (number for number, (name, _) in enumerate(_nb_ops) if name == "NB_SUBSCR"), -1
)
"""The operand by which BINARY_OP takes an item, from 3.14 on."""


def _instructions() -> list[tuple[str, ...]]:
    """Return the effect of each opcode on variables.

    The first word is the place of the variable: fast (one or two slots), deref (a slot), name or
    global (in co_names), reach (takes an attribute or item), operator (may do so) or "". The other
    words are the actions: LOAD, STORE, DELETE.
    """
    table: list[tuple[str, ...]] = []
    for name in opname:
        words = name.split("_")
        does = tuple(word for word in words if word in ("LOAD", "STORE", "DELETE"))
        if name in _REACHING:
            table.append(("reach",))
        elif name == "BINARY_OP":
            table.append(("operator",))
        elif "FAST" in words and does and "ITER" not in words:
            # LOAD_FAST_BORROW_LOAD_FAST_BORROW and similar ones take two slots.
            table.append(("fast", *does))
        elif name in ("LOAD_DEREF", "STORE_DEREF", "DELETE_DEREF", "LOAD_FROM_DICT_OR_DEREF"):
            table.append(("deref", *does))
        elif name in ("LOAD_NAME", "STORE_NAME", "DELETE_NAME"):
            table.append(("name", *does))
        elif name in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"):
            table.append(("global shifted" if name == "LOAD_GLOBAL" else "global", *does))
        else:
            table.append(("",))
    return table


_INSTRUCTIONS: Final = _instructions()


class LineNames:
    """The names in one line.

    Attributes:
        locals: its local variables, by name; True if the line may bind or unbind the variable.
        globals: its global variables, likewise; at module level all variables are global.
        reach: the number of attributes and items that it goes through.
    """

    __slots__ = ("globals", "locals", "reach")

    def __init__(self) -> None:
        self.locals: dict[str, bool] = {}
        self.globals: dict[str, bool] = {}
        self.reach = 0

    def name(self, name: str, scope: dict[str, bool], *, binds: bool) -> None:
        """Add a variable of `scope`."""
        if not name.startswith(".") and name not in NOT_VARIABLES:
            scope[name] = scope.get(name, False) or binds


def names_by_line(code: CodeType) -> dict[int, LineNames]:
    """Return the names in each line of `code`; 0 stands for instructions that have no line."""
    lines: dict[int, LineNames] = {}
    instructions = _decode(code.co_code)
    offset, opcode, argument = next(instructions)
    at_module = not is_function(code) and code.co_name == "<module>"
    try:
        for _, end, line in code.co_lines():
            names = lines.setdefault(line or 0, LineNames())
            while offset < end:
                _note(names, code, opcode, argument, at_module=at_module)
                offset, opcode, argument = next(instructions)
    except StopIteration:
        return lines
    return lines


def beginning(code: CodeType) -> int:
    """Return the offset of the instruction at which the event of a frame's beginning fires."""
    for offset, opcode, _ in _decode(code.co_code):
        if opcode == RESUME:
            return offset
    return -1


def _decode(content: bytes) -> Iterator[tuple[int, int, int]]:
    extended = 0
    for offset in range(0, len(content), 2):
        opcode = content[offset]
        argument = content[offset + 1] | extended
        if opcode == EXTENDED_ARG:
            extended = argument << 8
            continue
        extended = 0
        yield offset, opcode, argument


def _note(names: LineNames, code: CodeType, opcode: int, argument: int, *, at_module: bool) -> None:
    where, *does = _INSTRUCTIONS[opcode]
    if not where:
        return
    if where == "reach" or (where == "operator" and argument == _SUBSCRIPT):
        names.reach += 1
    elif where == "fast" and len(does) == 2:
        for done, slot in zip(does, (argument >> 4, argument & 15), strict=True):
            names.name(_slot_name(code, slot), names.locals, binds=done != "LOAD")
    elif where in ("fast", "deref"):
        names.name(_slot_name(code, argument), names.locals, binds=does[0] != "LOAD")
    elif where == "name" and not at_module:
        names.name(code.co_names[argument], names.locals, binds=does[0] != "LOAD")
        names.name(code.co_names[argument], names.globals, binds=False)
    elif where == "global shifted":
        names.name(code.co_names[argument >> 1], names.globals, binds=False)
    elif where != "operator":
        names.name(code.co_names[argument], names.globals, binds=does[0] != "LOAD")


def _slot_name(code: CodeType, slot: int) -> str:
    name: str = code._varname_from_oparg(slot)  # type: ignore[attr-defined]
    return name


def local_names(code: CodeType, lines: dict[int, LineNames]) -> list[str]:
    """Return the names of the local variables that can be seen, parameters first."""
    names = dict.fromkeys(parameters(code))
    if is_function(code):
        slots = (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
        names.update(
            dict.fromkeys(
                name for name in slots if not name.startswith(".") and name not in NOT_VARIABLES
            )
        )
    for line in lines.values():
        names.update(dict.fromkeys(line.locals))
    return list(names)
