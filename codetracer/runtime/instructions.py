"""Says of each opcode of this CPython what it does to variables, to objects and to the stack."""

from __future__ import annotations

import opcode
from opcode import hasarg, opname, stack_effect

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = [
    "BACKWARD",
    "CACHES",
    "COMMON",
    "DOES",
    "EXTENDED_ARG",
    "IN_PLACE",
    "KINDS",
    "KIND_OF",
    "KW_NAMES",
    "LOAD_ASSERTION_ERROR",
    "LOAD_COMMON_CONSTANT",
    "LOAD_CONST",
    "MAKE_FUNCTION",
    "NOT_VARIABLES",
    "RETURN_CONST",
    "SUBSCRIPT",
    "UNPACK_EX",
    "WAITING",
    "YIELDING",
    "change_of",
]

seal(globals())


def _number_of(name: str) -> int:
    """Return the number of an opcode; -1 if this CPython has none of that name."""
    return opname.index(name) if name in opname else -1


EXTENDED_ARG: Final = opname.index("EXTENDED_ARG")
KW_NAMES: Final = _number_of("KW_NAMES")
LOAD_ASSERTION_ERROR: Final = _number_of("LOAD_ASSERTION_ERROR")
LOAD_COMMON_CONSTANT: Final = _number_of("LOAD_COMMON_CONSTANT")
LOAD_CONST: Final = opname.index("LOAD_CONST")
MAKE_FUNCTION: Final = opname.index("MAKE_FUNCTION")
RETURN_CONST: Final = _number_of("RETURN_CONST")
UNPACK_EX: Final = opname.index("UNPACK_EX")
WAITING: Final = _number_of("JUMP_BACKWARD_NO_INTERRUPT")
"""The end of the loop in which `await` and `yield from` wait for another frame."""
YIELDING: Final = frozenset((opname.index("YIELD_VALUE"), opname.index("SEND")))
BACKWARD: Final = frozenset(
    number for number, name in enumerate(opname) if name.startswith("JUMP_BACKWARD")
)
_private: Any = opcode
_OPERATORS: Final[list[str]] = [name for name, _ in _private._nb_ops]
SUBSCRIPT: Final = _OPERATORS.index("NB_SUBSCR") if "NB_SUBSCR" in _OPERATORS else -1
"""The operand by which BINARY_OP takes an item, from 3.14 on."""

_METHODS: Final = {
    "ADD": "iadd",
    "AND": "iand",
    "FLOOR_DIVIDE": "ifloordiv",
    "LSHIFT": "ilshift",
    "MATRIX_MULTIPLY": "imatmul",
    "MULTIPLY": "imul",
    "REMAINDER": "imod",
    "OR": "ior",
    "POWER": "ipow",
    "RSHIFT": "irshift",
    "SUBTRACT": "isub",
    "TRUE_DIVIDE": "itruediv",
    "XOR": "ixor",
}

COMMON: Final[list[object]] = getattr(opcode, "_common_constants", [])
"""The constants that LOAD_COMMON_CONSTANT gives, by operand, from 3.14 on."""

IN_PLACE: Final = [
    f"__{_METHODS[name.removeprefix('NB_INPLACE_')]}__" if "INPLACE" in name else ""
    for name in _OPERATORS
]
"""The special method by which BINARY_OP changes its left side, by operand; "" if it does not."""

_OPCODES: Final = {
    # A variable in a slot of the frame; the words LOAD, STORE and DELETE are in the opcode's name.
    "fast": (),
    "deref": ("LOAD_DEREF", "STORE_DEREF", "DELETE_DEREF", "LOAD_FROM_DICT_OR_DEREF"),
    "name": ("LOAD_NAME", "STORE_NAME", "DELETE_NAME"),
    "global": ("STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"),
    "load_global": ("LOAD_GLOBAL",),
    "load_attribute": ("LOAD_ATTR",),
    "load_super": ("LOAD_SUPER_ATTR",),
    "store_attribute": ("STORE_ATTR",),
    "delete_attribute": ("DELETE_ATTR",),
    "load_item": ("BINARY_SUBSCR",),
    "store_item": ("STORE_SUBSCR",),
    "delete_item": ("DELETE_SUBSCR",),
    "load_slice": ("BINARY_SLICE",),
    "store_slice": ("STORE_SLICE",),
    "operator": ("BINARY_OP",),
    "contains": ("CONTAINS_OP",),
    "call": ("CALL",),
    "call_keywords": ("CALL_KW",),
    "call_spread": ("CALL_FUNCTION_EX",),
    "build": ("BUILD_LIST", "BUILD_SET", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "MAKE_FUNCTION"),
    "extend": ("LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE"),
    "unpack": ("UNPACK_SEQUENCE", "UNPACK_EX"),
    "iterate": ("GET_ITER", "GET_YIELD_FROM_ITER"),
    "next": ("FOR_ITER",),
    # It leaves the function on the stack.
    "set_function": ("SET_FUNCTION_ATTRIBUTE",),
    "copy": ("COPY",),
    "swap": ("SWAP",),
    "constant": ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT"),
    "push_null": ("PUSH_NULL",),
    "with": ("BEFORE_WITH", "BEFORE_ASYNC_WITH"),
    "load_special": ("LOAD_SPECIAL",),
    "intrinsic": ("CALL_INTRINSIC_1",),
    # Code that is not in the line runs.
    "unknown": ("WITH_EXCEPT_START", "GET_AITER", "GET_ANEXT", "IMPORT_NAME"),
    "jump": ("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"),
    "jump_if": (
        "POP_JUMP_IF_FALSE",
        "POP_JUMP_IF_TRUE",
        "POP_JUMP_IF_NONE",
        "POP_JUMP_IF_NOT_NONE",
    ),
    "leave": ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"),
    # These leave the stack as it is.
    "nothing": (
        "CACHE",
        "NOP",
        "NOT_TAKEN",
        "RESUME",
        "TO_BOOL",
        "COPY_FREE_VARS",
        "MAKE_CELL",
        "KW_NAMES",
        "SETUP_ANNOTATIONS",
    ),
    # These only take values from the stack.
    "drop": ("LIST_APPEND", "MAP_ADD", "POP_ITER", "POP_TOP", "SET_ADD"),
    # These put one value in the place of those that they take.
    "make": (
        "BUILD_SLICE",
        "BUILD_STRING",
        "BUILD_TUPLE",
        "CONVERT_VALUE",
        "FORMAT_SIMPLE",
        "FORMAT_VALUE",
        "FORMAT_WITH_SPEC",
        "GET_AWAITABLE",
        "IS_OP",
        "LOAD_ASSERTION_ERROR",
        "LOAD_BUILD_CLASS",
        "LOAD_CLOSURE",
        "LOAD_LOCALS",
        "UNARY_NOT",
    ),
    # So do these, and it may be a new object, if those are objects of the program.
    "result": (
        "COMPARE_OP",
        "IMPORT_FROM",
        "MATCH_CLASS",
        "MATCH_KEYS",
        "SEND",
        "UNARY_INVERT",
        "UNARY_NEGATIVE",
        "YIELD_VALUE",
    ),
    "other": (),
}


def _does(name: str) -> str:
    if name[0] == "<" or ("LOAD" not in name and "STORE" not in name and "DELETE" not in name):
        # Most opcodes: there is none of that number, or it has none of these words.
        return ""
    return "".join([word[0] for word in name.split("_") if word in ("LOAD", "STORE", "DELETE")])


DOES: Final = [_does(name) for name in opname]
"""The first letters of LOAD, STORE and DELETE as the opcode's name has them, by opcode."""

KINDS: Final = tuple(_OPCODES)
"""The kinds of opcodes; scanner.py has a name for each, in the same order."""


def _kinds() -> tuple[int, ...]:
    kind_of = {name: number for number, names in enumerate(_OPCODES.values()) for name in names}
    other, fast = KINDS.index("other"), KINDS.index("fast")
    kinds = []
    for name, does in zip(opname, DOES, strict=True):
        words = name.split("_") if does else ()
        if "FAST" in words and "ITER" not in words:
            # LOAD_FAST_BORROW_LOAD_FAST_BORROW and similar ones take two slots.
            kinds.append(fast)
        else:
            kinds.append(kind_of.get(name, other))
    return tuple(kinds)


KIND_OF: Final = _kinds()
"""The number in `KINDS`, by opcode."""


def _caches() -> tuple[int, ...]:
    entries = _private._inline_cache_entries
    if type(entries) is list:
        return tuple(entries)
    return tuple(entries.get(name, 0) for name in opname)


CACHES: Final = _caches()
"""The number of code units that follow an instruction, by opcode."""


_HAS_ARGUMENT: Final = frozenset(hasarg)


def change_of(opcode: int, argument: int, *, jumps: bool = False) -> int:
    """Return by how many values an instruction makes the stack higher."""
    given = argument if opcode in _HAS_ARGUMENT else None
    change: int = stack_effect(opcode, given, jump=jumps)
    return change


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
