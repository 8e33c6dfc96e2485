"""Follows the stack of values through a code object, as far as it says where a value comes from."""

from __future__ import annotations

from types import BuiltinFunctionType, CodeType

from codetracer.inspect.code import is_function
from codetracer.own import seal
from codetracer.runtime.facts import Call, variables_of
from codetracer.runtime.instructions import (
    BACKWARD,
    COMMON,
    DOES,
    IN_PLACE,
    KIND_OF,
    KINDS,
    KW_NAMES,
    LOAD_ASSERTION_ERROR,
    LOAD_COMMON_CONSTANT,
    LOAD_CONST,
    MAKE_FUNCTION,
    NOT_VARIABLES,
    RETURN_CONST,
    SUBSCRIPT,
    UNPACK_EX,
    WAITING,
    YIELDING,
    change_of,
)
from codetracer_bindings.effect_rows import KEYED, PASSING, TAKING, VIEWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from codetracer.runtime.facts import Key, LineFacts, Place

    type Entry = tuple[Any, ...] | None

__all__ = ["Scanner", "is_loop"]

seal(globals())

LONGEST_PATH: Final = 3
"""The most attributes in a place."""
MOST_STEPS: Final = 5
"""The most attributes and items on the way to what is called."""

(
    FAST, DEREF, NAME, GLOBAL, LOAD_GLOBAL, LOAD_ATTRIBUTE, LOAD_SUPER, STORE_ATTRIBUTE,
    DELETE_ATTRIBUTE, LOAD_ITEM, STORE_ITEM, DELETE_ITEM, LOAD_SLICE, STORE_SLICE, OPERATOR,
    CONTAINS, CALL, CALL_KEYWORDS, CALL_SPREAD, BUILD, EXTEND, UNPACK, ITERATE, NEXT, SET_FUNCTION,
    COPY, SWAP, CONSTANT, PUSH_NULL, WITH, LOAD_SPECIAL, INTRINSIC, UNKNOWN, JUMP, JUMP_IF, LEAVE,
    NOTHING, DROP, MAKE, RESULT, OTHER,
) = range(len(KINDS))  # fmt: skip

# What is known of a value on the stack; None: nothing.
PLACE: Final = 0  # (PLACE, name, is_global, attributes): it is at a place
ITEM: Final = 1  # (ITEM, *place, key, line): an item of the object at a place; the key or None
WITHIN: Final = 2  # (WITHIN,) or (WITHIN, *place, line): a variable of the line leads to it
FRESH: Final = 3  # (FRESH,) or (FRESH, name): the line has made it; a function's name
NULL: Final = 4  # (NULL,): it is no value
METHOD: Final = 5  # (METHOD, name, entry): it is a method of the value; a fourth: of its bases
PLAIN: Final = 6  # (PLAIN, type): a constant; with its value, if that can be a key; code: its name
ITERATOR: Final = 7  # (ITERATOR, entry, …): it iterates over the values
RETURNED: Final = 8  # (RETURNED, index, facts): that call of a line has returned it
CALLABLE: Final = 9  # (CALLABLE, type): it is a type of CPython's

_SPECIAL: Final = ("__enter__", "__exit__", "__aenter__", "__aexit__")
_STAR: Final = 2  # the operand of CALL_INTRINSIC_1 for ``import *``
_WITHIN: Final = (WITHIN,)
_FRESH: Final = (FRESH,)
_NULL: Final = (NULL,)
_ATOM: Final = (PLAIN, int)


def is_loop(opcode: int) -> bool:
    """Return whether an instruction takes the next item in a ``for`` loop."""
    return KIND_OF[opcode] == NEXT


def _extended(entry: Entry, name: str) -> Entry:
    """Return what is known of an attribute of a value."""
    if entry is None:
        return None
    if entry[0] == PLACE:
        _, variable, is_global, path = entry
        if len(path) < LONGEST_PATH:
            return (PLACE, variable, is_global, (*path, name))
    return _further(entry, name, None)


def _further(entry: Entry, step: str | Key | None, line: LineFacts | None) -> Entry:
    """Return what is known of a part of a value, which is no place.

    Parameters:
        step: the name of an attribute, or the key of an item; None if it is not known.
        line: the line that takes it; None to keep that of the value.
    """
    if entry is None or entry[0] not in (PLACE, ITEM, WITHIN):
        return None
    place = _way(entry)
    if place is None or step is None or len(place[2]) >= MOST_STEPS:
        return _WITHIN
    return (
        WITHIN,
        place[0],
        place[1],
        (*place[2], step),
        _line_of(entry) if line is None else line,
    )


def _line_of(entry: Entry) -> LineFacts | None:
    """Return the line that took the last item on the way to a value; None if there is none."""
    if entry is None or len(entry) < 5:
        return None
    line: LineFacts | None = entry[-1] if entry[0] == ITEM or entry[0] == WITHIN else None
    return line


def _made_by(line: LineFacts) -> int:
    """Return how many objects a line may make, as far as it has been followed."""
    return line.births + len(line.calls)


def _way(entry: Entry) -> Place | None:
    """Return the place of a value, as far as it may have keys."""
    if entry is None:
        return None
    if entry[0] == ITEM:
        _, variable, is_global, path, key, _ = entry
        return None if key is None else (variable, is_global, (*path, key))
    if len(entry) < 4 or (entry[0] != PLACE and entry[0] != WITHIN):
        return None
    _, variable, is_global, steps = entry[:4]
    return (variable, is_global, steps)


def _leads_from(entry: Entry, variable: tuple[str, bool]) -> bool:
    """Return whether it is known of a value that a variable leads to it."""
    if entry is None or entry[0] not in (PLACE, ITEM, WITHIN, METHOD, ITERATOR):
        return False
    if entry[0] == METHOD or entry[0] == ITERATOR:
        values = entry[1:] if entry[0] == ITERATOR else entry[2:3]
        return any(_leads_from(each, variable) for each in values)
    place = _way(entry)
    return variable == entry[1:3] if place is None else variable in variables_of(place)


class _Jumped:
    """The values that jumps take to one target.

    Attributes:
        stack: the values on the stack.
        line: the line that jumps; None if several do.
        foreign: the height of what other lines had left on the stack.
    """

    __slots__ = ("foreign", "line", "stack")

    def __init__(self, stack: list[Entry], line: LineFacts, foreign: int) -> None:
        self.stack = stack
        self.line: LineFacts | None = line
        self.foreign = foreign


class Scanner:
    """Follows the stack of values through a code object, and notes what each line does."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._names = code.co_names
        self._slot_name = code._varname_from_oparg  # type: ignore[attr-defined]
        self._at_module = not is_function(code) and code.co_name == "<module>"
        self._stack: list[Entry] = []
        # What jumps take to their targets.
        self._jumps: dict[int, _Jumped] = {}
        # The line that is followed, and the lowest height of the stack since it began.
        self._facts: list[LineFacts] = []
        self._lowest = 0
        # The height of what other lines have left on the stack, what they may have made, and how
        # much of that each line has been told of.
        self._foreign = 0
        self._made = 0
        self._told: dict[LineFacts, int] = {}
        self._hides = False
        # What the line had made before it was followed on.
        self._earlier = 0
        # The names of the arguments of the call that comes next.
        self._keywords: tuple[str, ...] = ()
        # The constant that was loaded last, if it is a tuple.
        self._names_given: tuple[str, ...] = ()
        # Whether the next instruction is reached by jumps alone.
        self._is_cut_off = False
        # Where the current instruction begins, and the parts of its line until here.
        self._start = 0
        self.parts: list[tuple[int, int]] = []

    # -- the stack

    def _pop(self) -> Entry:
        found = self._stack.pop() if self._stack else None
        self._lower(len(self._stack))
        return found

    def _pops(self, count: int) -> list[Entry]:
        """Remove the top `count` values, and return them, the lowest first."""
        if count == 0:
            return []
        lacking: list[Entry] = [None] * (count - len(self._stack))
        found = self._stack[-count:]
        del self._stack[-count:]
        self._lower(len(self._stack))
        return lacking + found

    def _turn_to(self, facts: list[LineFacts]) -> None:
        """Turn to another line, which may take what the one before leaves on the stack."""
        before, self._facts = self._facts, facts
        if before and before[0] is facts[0]:
            return
        height = len(self._stack)
        if height == 0 and not any(each.stack for each in self._jumps.values()):
            self._made, self._hides = 0, False
            self._told.clear()
        elif before:
            if height > self._lowest:
                self._foreign = height
            # It may also have put objects into one that was on the stack before.
            self._made += _made_by(before[0]) - self._earlier
            self._hides |= before[0].hides
        self._lowest = height
        self._earlier = _made_by(facts[0])

    def _lower(self, height: int) -> None:
        """Note that a line takes values from the stack, which another one may have made."""
        self._lowest = min(self._lowest, height)
        if height < self._foreign:
            self._foreign = height
            self._tell()

    def _tell(self) -> None:
        """Add what other lines may have made to what the line may have made."""
        own = _made_by(self._facts[0]) - self._earlier
        for line in self._facts:
            line.births += self._made - self._told.get(line, 0)
            self._told[line] = self._made
            line.hides |= self._hides
        self._earlier = _made_by(self._facts[0]) - own

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

    def _arrive(self, offset: int) -> None:
        """Keep what is known on all ways to an instruction."""
        jumped = self._jumps.pop(offset, None)
        if jumped is None:
            if self._is_cut_off:
                # The handler of an exception.
                self._stack.clear()
        else:
            others = jumped.stack
            self._stack[:] = others if self._is_cut_off else _common(self._stack, others)
            of_another = jumped.line is not self._facts[0]
            self._foreign = max(self._foreign, len(others) if of_another else jumped.foreign)
        self._is_cut_off = False

    def _jump(self, target: int, change: int) -> None:
        """Keep what is known for the target of a jump, at which the stack is higher by `change`."""
        stack = [*self._stack[: len(self._stack) + min(change, 0)], *[None] * max(change, 0)]
        line = self._facts[0]
        known = self._jumps.get(target)
        if known is None:
            self._jumps[target] = _Jumped(stack, line, self._foreign)
            return
        known.stack = _common(known.stack, stack)
        known.line = line if known.line is line else None
        known.foreign = max(known.foreign, self._foreign)

    # -- instructions

    def follow(
        self, facts: list[LineFacts], offset: int, opcode: int, argument: int, following: int
    ) -> None:
        """Note what an instruction does."""
        kind, stack = KIND_OF[opcode], self._stack
        self._start = offset
        if facts is not self._facts:
            self._turn_to(facts)
        if kind in _PAUSING or opcode in YIELDING:
            for line in facts:
                line.pauses = True
        if self._jumps or self._is_cut_off:
            self._arrive(offset)
        if kind in _MIXING:
            for line in facts:
                line.is_mixed |= line.is_wide or bool(line.targets)
        if kind == FAST:
            self._fast(facts, opcode, argument)
        elif kind == NOTHING:
            if opcode == KW_NAMES:
                self._keywords = self._code.co_consts[argument]
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
        elif opcode == LOAD_ASSERTION_ERROR:
            stack.append((CALLABLE, AssertionError))
        elif kind == DROP:
            del stack[max(0, len(stack) + change_of(opcode, argument)) :]
            self._lowest = min(self._lowest, len(stack))
            self._foreign = min(self._foreign, len(stack))
        elif kind in (MAKE, RESULT, BUILD):
            taken = self._pops(1 - change_of(opcode, argument))
            made = _FRESH if kind == BUILD else None
            stack.append(_function_of(taken[-1]) if opcode == MAKE_FUNCTION else made)
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
            if opcode in BACKWARD:
                target = following - 2 * argument
                is_within = any(start <= target < end for start, end in self.parts)
                for line in facts if opcode != WAITING else ():
                    line.loops |= is_within or line.again is not None
            else:
                self._jump(following + 2 * argument, 0)
            self._is_cut_off = kind == JUMP
        elif kind == LEAVE:
            if opcode != RETURN_CONST:
                self._pop()
            self._is_cut_off = True
        else:
            self._operate(facts, kind, opcode, argument, following)

    def _operate(
        self, facts: list[LineFacts], kind: int, opcode: int, argument: int, following: int
    ) -> None:
        stack = self._stack
        if kind in (COPY, SWAP) and argument < 1:
            raise IndexError("a copy or swap with nothing on the stack")
        if kind in (STORE_ATTRIBUTE, DELETE_ATTRIBUTE):
            entry = self._pop()
            if kind == STORE_ATTRIBUTE:
                self._pop()
            attribute = self._names[argument]
            for line in facts:
                own = {each for each in line.in_place if each[0][2][-1:] == (attribute,)}
                line.in_place -= own
                self._lose(line, own, lambda target, _: attribute in target[2])
            name = "__setattr__" if kind == STORE_ATTRIBUTE else "__delattr__"
            self._stores(facts, entry, name)
            if self._names[argument] == "__class__":
                # For the log it is another object then.
                self._add_call(facts, None)
            for line in facts:
                line.reach += 1
        elif kind == LOAD_ITEM or (kind == OPERATOR and argument == SUBSCRIPT):
            entry, key = self._pops(2)
            self._item(facts, entry, key)
            if key is None or key[0] != PLAIN or key[1] is slice:
                # A slice makes a new object.
                for line in facts:
                    line.births += 1
        elif kind in (STORE_ITEM, DELETE_ITEM, STORE_SLICE):
            count = {STORE_ITEM: 3, DELETE_ITEM: 2, STORE_SLICE: 4}[kind]
            found = self._pops(count)
            for line in facts:
                own = {each for each in line.in_place if line.targets[each] > 1}
                line.in_place -= own
                self._lose(line, own, lambda _, levels: levels > 1)
            if kind == DELETE_ITEM:
                self._stores(facts, found[0], "__delitem__")
            else:
                self._stores(facts, found[1], "__setitem__")
            for line in facts:
                line.reach += 1
        elif kind == LOAD_SLICE:
            self._item(facts, self._pops(3)[0], None)
            stack[-1] = _FRESH
            for line in facts:
                line.births += 1
        elif kind == OPERATOR:
            left, right = self._pops(2)
            # The % of a text takes items.
            self._iterates(facts, right)
            if IN_PLACE[argument]:
                self._stores(facts, left, IN_PLACE[argument])
                if left is not None and left[0] in (PLACE, ITEM):
                    for line in facts:
                        line.in_place.add((left[1:4], IN_PLACE[argument]))
            for line in facts:
                line.hides = True
            stack.append(None)
        elif kind == SET_FUNCTION:
            function = self._pop()
            stack[-1:] = [function]
        elif kind == COPY:
            if len(stack) - argument < self._foreign:
                self._tell()
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
            instance = self._pops(3)[2]
            for line in facts:
                line.reach += 1
            method: Entry = (METHOD, self._names[argument >> 2], instance, True)
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
                line.births += opcode == UNPACK_EX
            return
        else:
            self._settle(opcode, argument)
        if kind == UNKNOWN or (kind == INTRINSIC and argument == _STAR):
            self._add_call(facts, None)
        if kind in (LOAD_SUPER, UNKNOWN):
            for line in facts:
                line.hides = True

    def _fast(self, facts: list[LineFacts], opcode: int, argument: int) -> None:
        does = DOES[opcode]
        slots = (argument,) if len(does) == 1 else (argument >> 4, argument & 15)
        for action, slot in zip(does, slots, strict=True):
            name = self._slot_name(slot)
            if action == "S":
                self._pop()
            entry = self._variable(facts, name, is_global=False, binds=action != "L")
            if action == "L":
                self._stack.append(entry)

    def _named(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        does = DOES[opcode][0]
        if kind == DEREF:
            name, is_global = self._slot_name(argument), False
        else:
            name, is_global = self._names[argument], kind == GLOBAL or self._at_module
        if does == "S":
            self._pop()
        entry = self._variable(facts, name, is_global=is_global, binds=does != "L")
        if not is_global and kind == NAME:
            # In a class body, it is a global variable unless the body binds it.
            self._variable(facts, name, is_global=True, binds=False)
            entry = None
        if does == "L":
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
            if binds:
                self._rebinds(line, name, is_global=is_global)
        for at, entry in enumerate(self._stack if binds else ()):
            # It was read before.
            if entry is not None and _leads_from(entry, (name, is_global)):
                self._stack[at] = (METHOD, entry[1], None) if entry[0] == METHOD else None
        return (PLACE, name, is_global, ())

    def _rebinds(self, line: LineFacts, name: str, *, is_global: bool) -> None:
        """Note that a line binds a variable, which may have led to what it has changed."""
        variable = name, is_global
        for call in line.calls:
            if call.place is not None and variable in variables_of(call.place):
                call.is_rebound = True
        for target, key in line.keys.items():
            if key is not None and len(key) == 1 and variable in variables_of(key[0]):
                line.keys[target] = None
        place: Place = (name, is_global, ())
        own = {each for each in line.in_place if each[0] == place}
        line.in_place -= own
        if not own:
            line.rebinds.add(variable)
        self._lose(line, own, lambda target, _: variable in variables_of(target))

    def _lose(
        self,
        line: LineFacts,
        own: set[tuple[Place, str]],
        leads: Callable[[Place, int], bool],
    ) -> None:
        """Note that a line may no longer lead to objects that it stored into.

        Parameters:
            own: those whose place is bound to themselves, by an operator in place.
            leads: returns whether it concerns an object, from its place and its levels.
        """
        if any(each not in own and leads(each[0], levels) for each, levels in line.targets.items()):
            self._add_call([line], None)

    def _constant(self, opcode: int, argument: int) -> Entry:
        value: Any
        if opcode == LOAD_CONST:
            value = self._code.co_consts[argument]
        elif opcode == LOAD_COMMON_CONSTANT:
            value = COMMON[argument]
        else:
            value = argument
        kind = type(value)
        if value is AssertionError or value is NotImplementedError:
            return (CALLABLE, value)
        if kind is str or kind is int or kind is bool or value is None:
            return (PLAIN, kind, value)
        if kind is tuple:
            self._names_given = value
        if kind is CodeType:
            return (PLAIN, kind, value.co_name)
        return None if kind is type or kind is BuiltinFunctionType else (PLAIN, kind)

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
        elif entry[0] == FRESH:
            # The part that a loop runs again takes what the line has made before.
            for line in facts[1:]:
                line.hides = True

    def _item(self, facts: list[LineFacts], entry: Entry, key: Entry) -> None:
        self._takes_item(facts, entry)
        step = _key_of(key, facts[0])
        if entry is not None and entry[0] == PLACE:
            self._stack.append((ITEM, *entry[1:], step, facts[0]))
        else:
            self._stack.append(_further(entry, step, facts[0]))
        for line in facts:
            line.reach += 1

    def _stores(self, facts: list[LineFacts], entry: Entry, method: str) -> None:
        """Note that a line changes an object by a special method."""
        for line in facts:
            if line.stores_at < 0:
                line.stores_at, line.stores_item = self._start, method == "__setitem__"
        if entry is not None and entry[0] in (PLACE, ITEM):
            levels = 1 if entry[0] == PLACE else 2
            key: Key | None = entry[4] if levels == 2 and _line_of(entry) is facts[0] else None
            if key is not None and len(key) == 1 and key[0][2]:
                # Whoever changes an attribute or an item changes the key.
                key = None
            place: Place = entry[1:4]
            for line in facts:
                line.targets[place, method] = max(levels, line.targets.get((place, method), 0))
                if line.keys.setdefault((place, method), key) != key:
                    line.keys[place, method] = None
        elif entry is not None and entry[0] == WITHIN:
            for line in facts:
                line.is_wide = True
        elif entry is None or entry[0] != FRESH:
            self._add_call(facts, None)

    def _iterates(self, facts: list[LineFacts], entry: Entry) -> None:
        """Note that a line iterates over a value, which may be an iterator."""
        for each in entry[1:] if entry is not None and entry[0] == ITERATOR else (entry,):
            if each is not None and each[0] == PLACE:
                for line in facts:
                    line.moves[each[1:]] = None

    def _next(self, facts: list[LineFacts], opcode: int, argument: int, following: int) -> None:
        stack = self._stack
        change = change_of(opcode, argument)
        # The iterator of an outer loop is below; from 3.15 on, something is above.
        found = next((each for each in stack[:-3:-1] if each and each[0] == ITERATOR), None)
        self._jump(following + 2 * argument, change_of(opcode, argument, jumps=True))
        sources: tuple[Entry, ...] = (None,) if found is None else found[1:]
        for source in sources:
            self._iterates(facts, source)
            self._takes_item(facts, source)
            if source is not None and source[0] == ITEM:
                # It may be an iterator, which makes what it gives.
                for line in facts:
                    line.hides = True
        item: Entry = None
        if len(sources) == 1 and sources[0] is not None and sources[0][0] == PLACE:
            item = (ITEM, *sources[0][1:], None, None)
        stack += [None] * (change - 1) + [item]

    def _call(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        if kind == CALL_SPREAD:
            self._pops(-1 - change_of(opcode, argument))
            given: list[Entry] = []
        else:
            if kind == CALL_KEYWORDS:
                self._pop()
                self._keywords = self._names_given
            given = self._pops(argument)
        first, second = self._pops(2)
        callee = second if first == _NULL else first
        keywords, self._keywords = self._keywords, ()
        if "key" in keywords and callee is not None and callee[0] in _NAMED and callee[1] in KEYED:
            key = given[len(given) - len(keywords) + keywords.index("key")]
            if key is not None and key[0] == PLACE:
                self._add_call(facts, _as_method(key))
        self._add_call(facts, callee)
        self._stack.append(self._returned(facts, callee, given))

    def _returned(self, facts: list[LineFacts], callee: Entry, given: list[Entry]) -> Entry:
        """Note which arguments a call iterates over; return what is known of its result."""
        if callee is None or callee[0] not in (PLACE, METHOD):
            return None
        name = callee[1]
        if name in TAKING:
            for entry in given:
                self._iterates(facts, entry)
        result: Entry = (RETURNED, len(facts[0].calls) - 1, facts[0])
        if callee[0] == METHOD:
            owner: Entry = callee[2]
            return (ITERATOR, owner) if name in VIEWS and owner and owner[0] == PLACE else result
        if callee[0] == PLACE and not callee[3] and name in PASSING and given:
            sources: list[Entry] = []
            for each in given:
                sources += each[1:] if each and each[0] == ITERATOR else [each]
            for source in sources:
                self._takes_item(facts, source)
            return (ITERATOR, *sources)
        return result

    def _add_call(self, facts: list[LineFacts], callee: Entry) -> None:
        for line in facts:
            call = _call_of(callee, line, facts[0])
            call.start = self._start
            line.calls.append(call)


def _function_of(code: Entry) -> Entry:
    """Return a function that the line has made of code."""
    if code is None or code[0] != PLAIN or code[1] is not CodeType:
        return _FRESH
    return (FRESH, code[2])


def _as_method(place: Entry) -> Entry:
    """Return what is called as an attribute as a method of what it is taken from."""
    assert place is not None
    _, variable, is_global, path = place
    return (METHOD, path[-1], (PLACE, variable, is_global, path[:-1])) if path else place


def _common(one: list[Entry], other: list[Entry]) -> list[Entry]:
    """Return what two stacks have in common, from the top, because the bottom may be lost."""
    count = min(len(one), len(other))
    pairs = zip(one[len(one) - count :], other[len(other) - count :], strict=True)
    return [mine if mine == theirs else None for mine, theirs in pairs]


def _call_of(callee: Entry, line: LineFacts, whole: LineFacts) -> Call:
    """Return a call.

    Parameters:
        line: the line that calls, or a part of it.
        whole: the line.
    """
    is_late = bool(line.targets) or line.is_wide
    if callee is not None and callee[0] == CALLABLE:
        return Call("__new__", None, callee[1], is_method=True, is_late=is_late)
    if callee is None or callee[0] != METHOD:
        if callee is not None and callee[0] == FRESH and len(callee) > 1:
            # It tells of its changes when it runs, if it is recorded.
            return Call(callee[1], None, None, is_method=False, is_late=is_late)
        place = _place_of(callee, whole)
        last = "" if place is None else place[2][-1] if place[2] else place[0]
        name = last if isinstance(last, str) else ""
        return Call(name, place, None, is_method=False, is_late=is_late)
    name, owner, is_super = callee[1], callee[2], len(callee) > 3
    place = _place_of(owner, whole)
    if place is not None:
        return Call(name, place, None, is_method=True, is_late=is_late, is_super=is_super)
    constant = owner[1] if owner is not None and owner[0] == PLAIN else None
    # The call that returned the object may be in another line.
    before = -1
    if owner is not None and owner[0] == RETURNED and owner[2] is line:
        before = owner[1]
    return Call(name, None, constant, is_method=True, is_late=is_late, before=before)


def _place_of(entry: Entry, line: LineFacts) -> Place | None:
    """Return the place of what a line calls, or of the object whose method that is."""
    # An item that an earlier line took may be another one now.
    return _way(entry) if _line_of(entry) in (None, line) else None


def _key_of(entry: Entry, line: LineFacts) -> Key | None:
    """Return the key of an item; None if it is not known."""
    if entry is not None and entry[0] == PLAIN and len(entry) > 2:
        return None if entry[1] is CodeType else entry[1:]
    place = _place_of(entry, line)
    return None if place is None else (place,)


_MIXING: Final = frozenset(
    (LOAD_ATTRIBUTE, LOAD_ITEM, OPERATOR, CONTAINS, RESULT, CALL, CALL_KEYWORDS, CALL_SPREAD, NEXT)
)
_PAUSING: Final = frozenset((EXTEND, UNPACK, NEXT))
_NAMED: Final = frozenset((PLACE, METHOD))
