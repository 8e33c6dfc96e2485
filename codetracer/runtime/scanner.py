"""Says what the instructions of a code object mean for each line, by the stack of values."""

from __future__ import annotations

from types import BuiltinFunctionType, CodeType

from codetracer.inspect.code import is_function
from codetracer.own import seal
from codetracer.runtime.entries import (
    CALLABLE,
    FRESH,
    FRESH_ENTRY,
    ITEM,
    ITERATOR,
    METHOD,
    NULL_ENTRY,
    PLACE,
    PLAIN,
    RETURNED,
    WITHIN,
    as_method,
    attribute_of,
    call_of,
    function_of,
    key_of,
    leads_from,
    line_of,
    part_of,
)
from codetracer.runtime.facts import variables_of
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
from codetracer.runtime.valuestack import ValueStack
from codetracer_bindings.effect_rows import KEYED, PASSING, TAKING, VIEWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from codetracer.runtime.entries import Entry
    from codetracer.runtime.facts import Key, LineFacts, Place

__all__ = ["Scanner", "is_loop"]

seal(globals())

(
    FAST, DEREF, NAME, GLOBAL, LOAD_GLOBAL, LOAD_ATTRIBUTE, LOAD_SUPER, STORE_ATTRIBUTE,
    DELETE_ATTRIBUTE, LOAD_ITEM, STORE_ITEM, DELETE_ITEM, LOAD_SLICE, STORE_SLICE, OPERATOR,
    CONTAINS, CALL, CALL_KEYWORDS, CALL_SPREAD, BUILD, EXTEND, UNPACK, ITERATE, NEXT, SET_FUNCTION,
    COPY, SWAP, CONSTANT, PUSH_NULL, WITH, LOAD_SPECIAL, INTRINSIC, UNKNOWN, JUMP, JUMP_IF, LEAVE,
    NOTHING, DROP, MAKE, RESULT, OTHER,
) = range(len(KINDS))  # fmt: skip

_SPECIAL: Final = ("__enter__", "__exit__", "__aenter__", "__aexit__")
_STAR: Final = 2  # the operand of CALL_INTRINSIC_1 for ``import *``
_ATOM: Final = (PLAIN, int)


def is_loop(opcode: int) -> bool:
    """Return whether an instruction takes the next item in a ``for`` loop."""
    return KIND_OF[opcode] == NEXT


class Scanner:
    """Follows the stack of values through a code object, and notes what each line does."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._names = code.co_names
        self._slot_name = code._varname_from_oparg  # type: ignore[attr-defined]
        self._at_module = not is_function(code) and code.co_name == "<module>"
        self._stack = ValueStack()
        # The names of the arguments of the call that comes next.
        self._keywords: tuple[str, ...] = ()
        # The constant that was loaded last, if it is a tuple.
        self._names_given: tuple[str, ...] = ()
        # Where the current instruction begins, and the parts of its line until here.
        self._start = 0
        self.parts: list[tuple[int, int]] = []

    # -- instructions

    def follow(
        self, facts: list[LineFacts], offset: int, opcode: int, argument: int, following: int
    ) -> None:
        """Note what an instruction does."""
        kind, stack, values = KIND_OF[opcode], self._stack, self._stack.values
        self._start = offset
        if facts is not stack.facts:
            stack.turn_to(facts)
        if kind in _PAUSING or opcode in YIELDING:
            for line in facts:
                line.pauses = True
        if stack.jumps or stack.is_cut_off:
            stack.arrive(offset)
        if kind in _MIXING:
            for line in facts:
                line.is_mixed |= line.is_wide or bool(line.targets)
        if kind == FAST:
            self._fast(facts, opcode, argument)
        elif kind == NOTHING:
            if opcode == KW_NAMES:
                self._keywords = self._code.co_consts[argument]
        elif kind == LOAD_ATTRIBUTE:
            name, entry = self._names[argument >> 1], stack.pop()
            for line in facts:
                line.reach += 1
            if argument & 1:
                values += [(METHOD, name, entry)] * 2
            else:
                self._takes(facts, entry, name)
                values.append(attribute_of(entry, name))
            if name == "__dict__":
                # Whoever changes the dict changes the object.
                self._add_call(facts, None)
        elif kind == CONSTANT:
            values.append(self._constant(opcode, argument))
        elif opcode == LOAD_ASSERTION_ERROR:
            values.append((CALLABLE, AssertionError))
        elif kind == DROP:
            stack.discard(-change_of(opcode, argument))
        elif kind in (MAKE, RESULT, BUILD):
            taken = stack.pops(1 - change_of(opcode, argument))
            made = FRESH_ENTRY if kind == BUILD else None
            values.append(function_of(taken[-1]) if opcode == MAKE_FUNCTION else made)
            for line in facts:
                # A tuple is no object for the log, but it is a level.
                line.births += kind != RESULT
                line.hides |= kind == RESULT
        elif kind == LOAD_GLOBAL:
            name = self._names[argument >> 1]
            entry = self._variable(facts, name, is_global=True, binds=False)
            # In 3.12 the NULL is below.
            values += [entry, NULL_ENTRY] if argument & 1 else [entry]
        elif kind in (CALL, CALL_KEYWORDS, CALL_SPREAD):
            self._call(facts, kind, opcode, argument)
        elif kind in (DEREF, NAME, GLOBAL):
            self._named(facts, kind, opcode, argument)
        elif kind in (JUMP, JUMP_IF):
            if kind == JUMP_IF:
                stack.pop()
            if opcode in BACKWARD:
                target = following - 2 * argument
                is_within = any(start <= target < end for start, end in self.parts)
                for line in facts if opcode != WAITING else ():
                    line.loops |= is_within or line.again is not None
            else:
                stack.jump(following + 2 * argument, 0)
            stack.is_cut_off = kind == JUMP
        elif kind == LEAVE:
            if opcode != RETURN_CONST:
                stack.pop()
            stack.is_cut_off = True
        else:
            self._operate(facts, kind, opcode, argument, following)

    def _operate(
        self, facts: list[LineFacts], kind: int, opcode: int, argument: int, following: int
    ) -> None:
        stack, values = self._stack, self._stack.values
        if kind in (COPY, SWAP) and argument < 1:
            raise IndexError("a copy or swap with nothing on the stack")
        if kind in (STORE_ATTRIBUTE, DELETE_ATTRIBUTE):
            entry = stack.pop()
            if kind == STORE_ATTRIBUTE:
                stack.pop()
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
            entry, key = stack.pops(2)
            self._item(facts, entry, key)
            if key is None or key[0] != PLAIN or key[1] is slice:
                # A slice makes a new object.
                for line in facts:
                    line.births += 1
        elif kind in (STORE_ITEM, DELETE_ITEM, STORE_SLICE):
            count = {STORE_ITEM: 3, DELETE_ITEM: 2, STORE_SLICE: 4}[kind]
            found = stack.pops(count)
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
            self._item(facts, stack.pops(3)[0], None)
            values[-1] = FRESH_ENTRY
            for line in facts:
                line.births += 1
        elif kind == OPERATOR:
            left, right = stack.pops(2)
            # The % of a text takes items.
            self._iterates(facts, right)
            if IN_PLACE[argument]:
                self._stores(facts, left, IN_PLACE[argument])
                if left is not None and left[0] in (PLACE, ITEM):
                    for line in facts:
                        line.in_place.add((left[1:4], IN_PLACE[argument]))
            for line in facts:
                line.hides = True
            values.append(None)
        elif kind == SET_FUNCTION:
            function = stack.pop()
            values[-1:] = [function]
        elif kind == COPY:
            stack.copy(argument)
        elif kind == SWAP:
            if argument <= len(values):
                values[-argument], values[-1] = values[-1], values[-argument]
            else:
                stack.settle(change_of(opcode, argument))
        elif kind == PUSH_NULL:
            values.append(NULL_ENTRY)
        elif kind == ITERATE:
            entry = stack.pop()
            change = change_of(opcode, argument)
            self._iterates(facts, entry)
            if entry is None or entry[0] != ITERATOR:
                entry = (ITERATOR, entry)
            values += [entry, *[NULL_ENTRY] * change]
        elif kind == NEXT:
            self._next(facts, opcode, argument, following)
        else:
            self._run(facts, kind, opcode, argument)

    def _run(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        stack, values = self._stack, self._stack.values
        if kind == CONTAINS:
            self._iterates(facts, stack.pops(2)[1])
            values.append(_ATOM)
            return
        if kind == LOAD_SUPER:
            instance = stack.pops(3)[2]
            for line in facts:
                line.reach += 1
            method: Entry = (METHOD, self._names[argument >> 2], instance, True)
            values += [method, method] if argument & 1 else [None]
        elif kind in (LOAD_SPECIAL, WITH):
            entry = stack.pop()
            if kind == LOAD_SPECIAL:
                name = _SPECIAL[argument] if argument < len(_SPECIAL) else ""
                values += [(METHOD, name, entry)] * 2
            else:
                self._add_call(facts, (METHOD, "__enter__", entry))
                values += [(METHOD, "__exit__", entry), None]
            return
        elif kind in (EXTEND, UNPACK):
            entry = stack.pop()
            self._iterates(facts, entry)
            self._takes_item(facts, entry)
            values += [None] * (change_of(opcode, argument) + 1)
            for line in facts:
                line.births += opcode == UNPACK_EX
            return
        else:
            stack.settle(change_of(opcode, argument))
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
                self._stack.pop()
            entry = self._variable(facts, name, is_global=False, binds=action != "L")
            if action == "L":
                self._stack.values.append(entry)

    def _named(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        does = DOES[opcode][0]
        if kind == DEREF:
            name, is_global = self._slot_name(argument), False
        else:
            name, is_global = self._names[argument], kind == GLOBAL or self._at_module
        if does == "S":
            self._stack.pop()
        entry = self._variable(facts, name, is_global=is_global, binds=does != "L")
        if not is_global and kind == NAME:
            # In a class body, it is a global variable unless the body binds it.
            self._variable(facts, name, is_global=True, binds=False)
            entry = None
        if does == "L":
            self._stack.pops(1 - change_of(opcode, argument))
            self._stack.values.append(entry)

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
        for at, entry in enumerate(self._stack.values if binds else ()):
            # It was read before.
            if entry is not None and leads_from(entry, (name, is_global)):
                self._stack.values[at] = (METHOD, entry[1], None) if entry[0] == METHOD else None
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
            found = attribute_of(entry, name)
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
        step = key_of(key, facts[0])
        if entry is not None and entry[0] == PLACE:
            self._stack.values.append((ITEM, *entry[1:], step, facts[0]))
        else:
            self._stack.values.append(part_of(entry, step, facts[0]))
        for line in facts:
            line.reach += 1

    def _stores(self, facts: list[LineFacts], entry: Entry, method: str) -> None:
        """Note that a line changes an object by a special method."""
        for line in facts:
            if line.stores_at < 0:
                line.stores_at, line.stores_item = self._start, method == "__setitem__"
        if entry is not None and entry[0] in (PLACE, ITEM):
            levels = 1 if entry[0] == PLACE else 2
            key: Key | None = entry[4] if levels == 2 and line_of(entry) is facts[0] else None
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
        stack, values = self._stack, self._stack.values
        change = change_of(opcode, argument)
        # The iterator of an outer loop is below; from 3.15 on, something is above.
        found = next((each for each in values[:-3:-1] if each and each[0] == ITERATOR), None)
        stack.jump(following + 2 * argument, change_of(opcode, argument, jumps=True))
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
        values += [None] * (change - 1) + [item]

    def _call(self, facts: list[LineFacts], kind: int, opcode: int, argument: int) -> None:
        if kind == CALL_SPREAD:
            self._stack.pops(-1 - change_of(opcode, argument))
            given: list[Entry] = []
        else:
            if kind == CALL_KEYWORDS:
                self._stack.pop()
                self._keywords = self._names_given
            given = self._stack.pops(argument)
        first, second = self._stack.pops(2)
        callee = second if first == NULL_ENTRY else first
        keywords, self._keywords = self._keywords, ()
        if "key" in keywords and callee is not None and callee[0] in _NAMED and callee[1] in KEYED:
            key = given[len(given) - len(keywords) + keywords.index("key")]
            if key is not None and key[0] == PLACE:
                self._add_call(facts, as_method(key))
        self._add_call(facts, callee)
        self._stack.values.append(self._returned(facts, callee, given))

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
            call = call_of(callee, line, facts[0])
            call.start = self._start
            line.calls.append(call)


_MIXING: Final = frozenset(
    (LOAD_ATTRIBUTE, LOAD_ITEM, OPERATOR, CONTAINS, RESULT, CALL, CALL_KEYWORDS, CALL_SPREAD, NEXT)
)
_PAUSING: Final = frozenset((EXTEND, UNPACK, NEXT))
_NAMED: Final = frozenset((PLACE, METHOD))
