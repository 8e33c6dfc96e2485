"""Reads from bytecode what each line of a code object can change.

After a line has run, only the variables that it names can have a new value. Which objects it can
have changed depends on what it does to them:

- It may store into an object, to which a *place* leads: a variable, and attributes from there.
- It may call. Whether the call was recorded, and else what the callable can change, is found out
  when the line has run (effects.py).
- It may make objects, which may have the addresses of others that no longer exist.

The stack of values is followed through the code, but only as far as it says which place a value
comes from.
"""

from __future__ import annotations

from opcode import opname

from codetracer.inspect.code import is_function, parameters
from codetracer.own import seal
from codetracer.runtime.instructions import (
    CACHES,
    EXTENDED_ARG,
    IN_PLACE,
    KIND_OF,
    KINDS,
    RESUME,
    SUBSCRIPT,
    change_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any, Final

    type Place = tuple[str, bool, tuple[str, ...]]
    type Entry = tuple[Any, ...] | None

__all__ = ["Call", "LineFacts", "beginning", "facts_by_line", "local_names"]

seal(globals())

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

LONGEST_PATH: Final = 3
"""The most attributes in a place."""

(
    FAST, DEREF, NAME, GLOBAL, LOAD_GLOBAL, LOAD_ATTRIBUTE, LOAD_SUPER, STORE_ATTRIBUTE,
    DELETE_ATTRIBUTE, LOAD_ITEM, STORE_ITEM, DELETE_ITEM, LOAD_SLICE, STORE_SLICE, OPERATOR,
    CONTAINS, CALL, CALL_KEYWORDS, CALL_SPREAD, BUILD, EXTEND, UNPACK, ITERATE, NEXT, COPY, SWAP,
    CONSTANT, PUSH_NULL, WITH, LOAD_SPECIAL, INTRINSIC, UNKNOWN, JUMP, JUMP_IF, LEAVE, NOTHING,
    DROP, MAKE, RESULT, OTHER,
) = range(len(KINDS))  # fmt: skip

# What is known of a value on the stack; None: nothing.
PLACE: Final = 0  # (PLACE, name, is_global, attributes): it is at a place
ITEM: Final = 1  # (ITEM, place): it is an item of the object at a place
WITHIN: Final = 2  # (WITHIN,): a variable that the line names leads to it
FRESH: Final = 3  # (FRESH,): the line has made it
NULL: Final = 4  # (NULL,): it is no value
METHOD: Final = 5  # (METHOD, name, entry): it is a method of the value
PLAIN: Final = 6  # (PLAIN, type): a constant
ITERATOR: Final = 7  # (ITERATOR, entry): it iterates over the value
RETURNED: Final = 8  # (RETURNED, index, facts): that call of a line has returned it

_SPECIAL: Final = ("__enter__", "__exit__", "__aenter__", "__aexit__")
_STAR: Final = 2  # the operand of CALL_INTRINSIC_1 for ``import *``
_WITHIN: Final = (WITHIN,)
_FRESH: Final = (FRESH,)
_NULL: Final = (NULL,)
_ATOM: Final = (PLAIN, int)

_VIEWS: Final = frozenset(("items", "keys", "values"))
"""Methods whose results iterate over what is in the object."""

_ITERATING: Final = frozenset(
    [
        "all",
        "any",
        "deque",
        "dict",
        "enumerate",
        "extend",
        "frozenset",
        "iter",
        "join",
        "list",
        "max",
        "min",
        "next",
        "reversed",
        "set",
        "sorted",
        "sum",
        "tuple",
        "update",
        "zip",
    ]
)
"""Functions and methods that iterate over their arguments."""

_PASSING: Final = frozenset(
    ("enumerate", "iter", "list", "reversed", "set", "sorted", "tuple", "zip")
)
"""Functions whose results iterate over the same objects as their arguments."""


class Call:
    """A call in a line.

    Attributes:
        name: the name of the function or method; "" if it is not known.
        place: where the function, or the object whose method it is, can be found; or None.
        constant: the type of the constant whose method it is, or None.
        is_method: whether it is a method of the object at the place.
        before: the call that returns the object whose method it is, as an index; -1 if not known.
        is_late: whether the line may have stored into an object before.
    """

    __slots__ = ("before", "constant", "is_late", "is_method", "name", "place")

    def __init__(
        self,
        name: str,
        place: Place | None,
        constant: type | None,
        *,
        is_method: bool,
        is_late: bool,
        before: int = -1,
    ) -> None:
        self.name = name
        self.place = place
        self.constant = constant
        self.is_method = is_method
        self.is_late = is_late
        self.before = before


class LineFacts:
    """What one line does.

    Attributes:
        locals: its local variables, by name; True if the line may bind or unbind the variable.
        globals: its global variables, likewise; at module level all variables are global.
        reach: the number of attributes and items that it goes through.
        targets: the places of objects that it stores into, and the special method that does it;
            with a number of levels: 1 if only that object may change, 2 if also those to which it
            refers directly.
        moves: the places of objects that it iterates over; an iterator changes by that.
        attributes: the places of attributes that it takes; what a property of code that is not
            recorded returns may be new.
        containers: the places of objects of which it takes items; likewise.
        births: the number of objects that it makes itself.
        hides: whether an operator, or an attribute or item without a place, may have made one.
        is_wide: whether it stores into an object to which its variables lead some other way.
        is_mixed: whether something else follows after it has stored into an object.
        loops: whether a loop is within it.
        calls: its calls, in order.
        again: the facts of its part that runs again in each turn of a ``for`` loop, or None.
        again_at: where that part begins, as a byte offset; -1 if there is none.
    """

    __slots__ = (
        "again",
        "again_at",
        "attributes",
        "births",
        "calls",
        "containers",
        "globals",
        "hides",
        "is_mixed",
        "is_wide",
        "locals",
        "loops",
        "moves",
        "reach",
        "targets",
    )

    def __init__(self) -> None:
        self.locals: dict[str, bool] = {}
        self.globals: dict[str, bool] = {}
        self.reach = 0
        self.targets: dict[tuple[Place, str], int] = {}
        self.moves: dict[Place, None] = {}
        self.attributes: dict[Place, None] = {}
        self.containers: dict[Place, None] = {}
        self.births = 0
        self.hides = False
        self.is_wide = False
        self.is_mixed = False
        self.loops = False
        self.calls: list[Call] = []
        self.again: LineFacts | None = None
        self.again_at = -1


def facts_by_line(code: CodeType) -> dict[int, LineFacts]:
    """Return what each line of `code` does; 0 stands for instructions that have no line."""
    scanner = _Scanner(code)
    lines: dict[int, LineFacts] = {}
    instructions = _decode(code.co_code)
    offset, opcode, argument, following = next(instructions)
    facts: list[LineFacts] = []
    try:
        for _, end, number in code.co_lines():
            line = lines.setdefault(number or 0, LineFacts())
            if not facts or facts[0] is not line:
                facts = [line]
            while offset < end:
                if KIND_OF[opcode] == NEXT and facts[-1].again is None:
                    line.again, line.again_at = LineFacts(), offset
                    facts = [line, line.again]
                scanner.follow(facts, offset, opcode, argument, following)
                offset, opcode, argument, following = next(instructions)
    except StopIteration:
        return lines
    return lines


def beginning(code: CodeType) -> int:
    """Return the offset of the instruction at which the event of a frame's beginning fires."""
    content = code.co_code
    for offset in range(0, len(content), 2):
        if content[offset] == RESUME:
            return offset
    return -1


def _decode(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield each instruction's offset, opcode and argument, and the offset behind its caches."""
    offset = start = extended = 0
    while offset < len(content):
        opcode = content[offset]
        argument = content[offset + 1] | extended
        if opcode == EXTENDED_ARG:
            extended = argument << 8
            offset += 2
            continue
        offset += 2 + 2 * CACHES[opcode]
        yield start, opcode, argument, offset
        extended, start = 0, offset


def _extended(entry: Entry, name: str) -> Entry:
    """Return what is known of an attribute of a value."""
    if entry is None:
        return None
    if entry[0] == PLACE:
        _, variable, is_global, path = entry
        assert type(path) is tuple
        if len(path) < LONGEST_PATH:
            return (PLACE, variable, is_global, (*path, name))
        return _WITHIN
    return _WITHIN if entry[0] == ITEM or entry[0] == WITHIN else None


class _Scanner:
    """Follows the stack of values through a code object, and notes what each line does."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._names = code.co_names
        self._slot_name = code._varname_from_oparg  # type: ignore[attr-defined]
        self._at_module = not is_function(code) and code.co_name == "<module>"
        self._stack: list[Entry] = []
        self._stacks: dict[int, list[Entry]] = {}

    # -- the stack

    def _pop(self) -> Entry:
        return self._stack.pop() if self._stack else None

    def _pops(self, count: int) -> list[Entry]:
        """Remove the top `count` values, and return them, the lowest first."""
        if count == 0:
            return []
        lacking: list[Entry] = [None] * (count - len(self._stack))
        found = self._stack[-count:]
        del self._stack[-count:]
        return lacking + found

    def _settle(self, opcode: int, argument: int) -> None:
        """Follow an instruction of which only the effect on the stack's height is known."""
        change = change_of(opcode, argument)
        stack = self._stack
        if change < 0:
            self._pops(-change)
            change = 0
        # Two more: an instruction may replace what it takes.
        for at in range(max(0, len(stack) - 2), len(stack)):
            stack[at] = None
        stack.extend([None] * change)

    def _join(self, other: list[Entry]) -> None:
        """Keep what is known on two ways to an instruction."""
        count = min(len(self._stack), len(other))
        mine = self._pops(count)
        self._stack[:] = [a if a == b else None for a, b in zip(mine, other[-count:], strict=False)]

    def _jump(self, target: int, change: int) -> None:
        """Keep what is known for the target of a jump, at which the stack is higher by `change`."""
        stack = [*self._stack[: len(self._stack) + min(change, 0)], *[None] * max(change, 0)]
        known = self._stacks.get(target)
        if known is not None:
            stack = [a if a == b else None for a, b in zip(known, stack, strict=False)]
        self._stacks[target] = stack

    # -- instructions

    def follow(
        self, facts: list[LineFacts], offset: int, opcode: int, argument: int, following: int
    ) -> None:
        """Note what an instruction does."""
        kind, stack = KIND_OF[opcode], self._stack
        others = self._stacks.pop(offset, None) if self._stacks else None
        if others is not None:
            self._join(others)
        if kind in _MIXING:
            for line in facts:
                line.is_mixed |= line.is_wide or bool(line.targets)
        if kind == FAST:
            self._fast(facts, opcode, argument)
        elif kind == NOTHING:
            pass
        elif kind == LOAD_ATTRIBUTE:
            name, entry = self._names[argument >> 1], self._pop()
            for line in facts:
                line.reach += 1
            if argument & 1:
                stack += [(METHOD, name, entry)] * 2
            else:
                self._takes(facts, entry, name)
                stack.append(_extended(entry, name))
            if name == "__dict__":
                # Whoever changes the dict changes the object.
                self._add_call(facts, None)
        elif kind == CONSTANT:
            stack.append(self._constant(opcode, argument))
        elif kind == DROP:
            self._pops(-change_of(opcode, argument))
        elif kind in (MAKE, RESULT, BUILD):
            self._pops(1 - change_of(opcode, argument))
            stack.append(_FRESH if kind == BUILD else None)
            for line in facts:
                # A tuple is no object for the log, but it is a level.
                line.births += kind != RESULT
                line.hides |= kind == RESULT
        elif kind == LOAD_GLOBAL:
            name = self._names[argument >> 1]
            entry = self._variable(facts, name, is_global=True, binds=False)
            # In 3.12 the NULL is below.
            stack += [entry, _NULL] if argument & 1 else [entry]
        elif kind in (CALL, CALL_KEYWORDS, CALL_SPREAD):
            self._call(facts, kind, opcode, argument)
        elif kind in (DEREF, NAME, GLOBAL):
            self._named(facts, kind, opcode, argument)
        elif kind in (JUMP, JUMP_IF):
            if kind == JUMP_IF:
                self._pop()
            if opcode in _BACKWARD:
                for line in facts:
                    line.loops |= line.again is not None
            else:
                self._jump(following + 2 * argument, 0)
            if kind == JUMP:
                stack.clear()
        elif kind == LEAVE:
            stack.clear()
        else:
            self._operate(facts, kind, opcode, argument, following)

    def _operate(
        self, facts: list[LineFacts], kind: int, opcode: int, argument: int, following: int
    ) -> None:
        stack = self._stack
        if kind in (STORE_ATTRIBUTE, DELETE_ATTRIBUTE):
            entry = self._pop()
            if kind == STORE_ATTRIBUTE:
                self._pop()
            name = "__setattr__" if kind == STORE_ATTRIBUTE else "__delattr__"
            self._stores(facts, entry, name)
            if self._names[argument] == "__class__":
                # For the log it is another object then.
                self._add_call(facts, None)
            for line in facts:
                line.reach += 1
        elif kind == LOAD_ITEM or (kind == OPERATOR and argument == SUBSCRIPT):
            entry, key = self._pops(2)
            self._item(facts, entry)
            if key is None or key[0] != PLAIN or key[1] is slice:
                # A slice makes a new object.
                for line in facts:
                    line.births += 1
        elif kind in (STORE_ITEM, DELETE_ITEM, STORE_SLICE):
            count = {STORE_ITEM: 3, DELETE_ITEM: 2, STORE_SLICE: 4}[kind]
            found = self._pops(count)
            if kind == DELETE_ITEM:
                self._stores(facts, found[0], "__delitem__")
            else:
                self._stores(facts, found[1], "__setitem__")
            for line in facts:
                line.reach += 1
        elif kind == LOAD_SLICE:
            self._item(facts, self._pops(3)[0])
            stack[-1] = _FRESH
            for line in facts:
                line.births += 1
        elif kind == OPERATOR:
            left, _ = self._pops(2)
            if IN_PLACE[argument]:
                self._stores(facts, left, IN_PLACE[argument])
            for line in facts:
                line.hides = True
            stack.append(None)
        elif kind == COPY:
            stack.append(stack[-argument] if argument <= len(stack) else None)
        elif kind == SWAP:
            if argument <= len(stack):
                stack[-argument], stack[-1] = stack[-1], stack[-argument]
            else:
                self._settle(opcode, argument)
        elif kind == PUSH_NULL:
            stack.append(_NULL)
        elif kind == ITERATE:
            entry = self._pop()
            change = change_of(opcode, argument)
            self._iterates(facts, entry)
            if entry is None or entry[0] != ITERATOR:
                entry = (ITERATOR, entry)
            stack += [entry, *[_NULL] * change]
        elif kind == NEXT:
            self._next(facts, opcode, argument, following)
        else:
            self._run(facts, kind, opcode, argument)

    def _run(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        stack = self._stack
        if kind == CONTAINS:
            self._iterates(facts, self._pops(2)[1])
            stack.append(_ATOM)
            return
        if kind == LOAD_SUPER:
            self._pops(3)
            for line in facts:
                line.reach += 1
            method: Entry = (METHOD, self._names[argument >> 2], None)
            stack += [method, method] if argument & 1 else [None]
        elif kind in (LOAD_SPECIAL, WITH):
            entry = self._pop()
            if kind == LOAD_SPECIAL:
                name = _SPECIAL[argument] if argument < len(_SPECIAL) else ""
                stack += [(METHOD, name, entry)] * 2
            else:
                self._add_call(facts, (METHOD, "__enter__", entry))
                stack += [(METHOD, "__exit__", entry), None]
            return
        elif kind in (EXTEND, UNPACK):
            entry = self._pop()
            self._iterates(facts, entry)
            self._takes_item(facts, entry)
            stack += [None] * (change_of(opcode, argument) + 1)
            for line in facts:
                line.births += opcode == _UNPACK_EX
            return
        else:
            self._settle(opcode, argument)
        if kind == UNKNOWN or (kind == INTRINSIC and argument == _STAR):
            self._add_call(facts, None)
        if kind in (LOAD_SUPER, UNKNOWN):
            for line in facts:
                line.hides = True

    def _fast(self, facts: list[LineFacts], opcode: int, argument: int) -> None:
        does = _FAST_DOES[opcode]
        slots = (argument,) if len(does) == 1 else (argument >> 4, argument & 15)
        for action, slot in zip(does, slots, strict=True):
            name = self._slot_name(slot)
            if action == "STORE":
                self._pop()
            entry = self._variable(facts, name, is_global=False, binds=action != "LOAD")
            if action == "LOAD":
                self._stack.append(entry)

    def _named(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        does = _NAMED_DOES[opcode]
        if kind == DEREF:
            name, is_global = self._slot_name(argument), False
        else:
            name, is_global = self._names[argument], kind == GLOBAL or self._at_module
        if does == "STORE":
            self._pop()
        entry = self._variable(facts, name, is_global=is_global, binds=does != "LOAD")
        if not is_global and kind == NAME:
            # In a class body, it is a global variable unless the body binds it.
            self._variable(facts, name, is_global=True, binds=False)
            entry = None
        if does == "LOAD":
            self._pops(1 - change_of(opcode, argument))
            self._stack.append(entry)

    def _variable(
        self, facts: list[LineFacts], name: str, *, is_global: bool, binds: bool
    ) -> Entry:
        """Note that a line names a variable, and return what is known of its value."""
        if name.startswith(".") or name in NOT_VARIABLES:
            return None
        for line in facts:
            scope = line.globals if is_global else line.locals
            scope[name] = binds or scope.get(name, False)
        return (PLACE, name, is_global, ())

    def _constant(self, opcode: int, argument: int) -> Entry:
        if opcode != _LOAD_CONST:
            return _ATOM
        kind = type(self._code.co_consts[argument])
        return (PLAIN, kind)

    # -- what the instructions mean

    def _takes(self, facts: list[LineFacts], entry: Entry, name: str) -> None:
        """Note that a line takes an attribute."""
        if entry is not None and entry[0] == PLACE:
            found = _extended(entry, name)
            assert found is not None
            if found[0] == PLACE:
                for line in facts:
                    line.attributes[found[1:]] = None
                return
        for line in facts:
            line.hides = True

    def _takes_item(self, facts: list[LineFacts], entry: Entry) -> None:
        """Note that a line takes items of a value."""
        if entry is not None and entry[0] == PLACE:
            for line in facts:
                line.containers[entry[1:]] = None
        elif entry is None or entry[0] not in (FRESH, ITEM, PLAIN):
            for line in facts:
                line.hides = True

    def _item(self, facts: list[LineFacts], entry: Entry) -> None:
        self._takes_item(facts, entry)
        found: Entry = None
        if entry is not None:
            if entry[0] == PLACE:
                found = (ITEM, *entry[1:])
            elif entry[0] in (ITEM, WITHIN):
                found = _WITHIN
        self._stack.append(found)
        for line in facts:
            line.reach += 1

    def _stores(self, facts: list[LineFacts], entry: Entry, method: str) -> None:
        """Note that a line changes an object by a special method."""
        if entry is not None and entry[0] in (PLACE, ITEM):
            levels = 1 if entry[0] == PLACE else 2
            for line in facts:
                place: Place = entry[1:]
                line.targets[place, method] = max(levels, line.targets.get((place, method), 0))
        elif entry is not None and entry[0] == WITHIN:
            for line in facts:
                line.is_wide = True
        elif entry is None or entry[0] != FRESH:
            self._add_call(facts, None)

    def _iterates(self, facts: list[LineFacts], entry: Entry) -> None:
        """Note that a line iterates over a value, which may be an iterator."""
        if entry is not None and entry[0] == ITERATOR:
            entry = entry[1]
        if entry is not None and entry[0] == PLACE:
            for line in facts:
                line.moves[entry[1:]] = None

    def _next(self, facts: list[LineFacts], opcode: int, argument: int, following: int) -> None:
        stack = self._stack
        change = change_of(opcode, argument)
        found = next((each for each in stack[-2:] if each and each[0] == ITERATOR), None)
        self._jump(following + 2 * argument, change_of(opcode, argument, jumps=True))
        source: Entry = None if found is None else found[1]
        self._iterates(facts, source)
        self._takes_item(facts, source)
        item: Entry = None
        if source is not None and source[0] == PLACE:
            item = (ITEM, *source[1:])
        stack += [None] * (change - 1) + [item]

    def _call(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        if kind == CALL_SPREAD:
            self._pops(-1 - change_of(opcode, argument))
            given: list[Entry] = []
        else:
            if kind == CALL_KEYWORDS:
                self._pop()
            given = self._pops(argument)
        first, second = self._pops(2)
        callee = second if first == _NULL else first
        self._add_call(facts, callee)
        self._stack.append(self._returned(facts, callee, given))

    def _returned(self, facts: list[LineFacts], callee: Entry, given: list[Entry]) -> Entry:
        """Note which arguments a call iterates over; return what is known of its result."""
        if callee is None or callee[0] not in (PLACE, METHOD):
            return None
        name = callee[1]
        if name in _ITERATING:
            for entry in given:
                self._iterates(facts, entry)
        result: Entry = (RETURNED, len(facts[0].calls) - 1, facts[0])
        if callee[0] == METHOD:
            owner: Entry = callee[2]
            return (ITERATOR, owner) if name in _VIEWS and owner and owner[0] == PLACE else result
        if callee[0] == PLACE and not callee[3] and name in _PASSING and given:
            sources = [each[1] if each and each[0] == ITERATOR else each for each in given]
            for source in sources:
                self._takes_item(facts, source)
            return (ITERATOR, sources[0])
        return result

    def _add_call(self, facts: list[LineFacts], callee: Entry) -> None:
        for line in facts:
            line.calls.append(_call_of(callee, line))


def _call_of(callee: Entry, line: LineFacts) -> Call:
    is_late = bool(line.targets) or line.is_wide
    if callee is None or callee[0] not in (PLACE, METHOD):
        return Call("", None, None, is_method=False, is_late=is_late)
    if callee[0] == PLACE:
        place: Place = callee[1:]
        name = place[2][-1] if place[2] else place[0]
        return Call(name, place, None, is_method=False, is_late=is_late)
    _, name, owner = callee
    if owner is not None and owner[0] == PLACE:
        return Call(name, owner[1:], None, is_method=True, is_late=is_late)
    constant = owner[1] if owner is not None and owner[0] == PLAIN else None
    # The call that returned the object may be in another line.
    before = -1
    if owner is not None and owner[0] == RETURNED and owner[2] is line:
        before = owner[1]
    return Call(name, None, constant, is_method=True, is_late=is_late, before=before)


_BACKWARD: Final = frozenset(
    number for number, name in enumerate(opname) if name.startswith("JUMP_BACKWARD")
)
_MIXING: Final = frozenset(
    (LOAD_ATTRIBUTE, LOAD_ITEM, OPERATOR, CONTAINS, RESULT, CALL, CALL_KEYWORDS, CALL_SPREAD, NEXT)
)
_UNPACK_EX: Final = opname.index("UNPACK_EX")
_LOAD_CONST: Final = opname.index("LOAD_CONST")
_FAST_DOES: Final = [
    tuple(word for word in name.split("_") if word in ("LOAD", "STORE", "DELETE"))
    for name in opname
]
_NAMED_DOES: Final = [name.split("_")[0] for name in opname]


def local_names(code: CodeType, lines: dict[int, LineFacts]) -> list[str]:
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
