"""Decides which objects a line may have changed, and which it may have made.

The recorder looks at an object again only if it may differ from what was written last. It trusts
what it has looked at until code runs that it does not see, and that may change any object: then all
objects are in *doubt*. Recorded code reports its own changes: see `codetracer.runtime.bytecode`.

A new object may have the address of one that no longer exists. So trust ends also for values that
the line may have made itself.
"""

from __future__ import annotations

from types import GeneratorType, MethodType, ModuleType

from codetracer.inspect.kinds import IS_HEAP_TYPE, flags_of, has, mro_of
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.effects import (
    ARGUMENTS,
    CONTAINERS,
    ITERATORS,
    NOTHING,
    RECEIVER,
    UNKNOWN,
    is_old_attribute,
    lookup_in_class,
)
from codetracer.runtime.frames import BEGAN, MOST_SITES, UNSEEN
from codetracer.runtime.keys import item_of
from codetracer.runtime.lines import Item
from codetracer.runtime.scopes import MISSING
from codetracer_bindings.trace_format import DETAIL_VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.effects import Effects
    from codetracer.runtime.frames import FrameState
    from codetracer.runtime.layouts import Layout
    from codetracer.runtime.lines import Line, Place, Site
    from codetracer.runtime.plans import Plan
    from codetracer.runtime.scopes import Scope

__all__ = ["ALL", "Changes"]

seal(globals())

ALL: Final = 1 << 10
"""Levels of objects: as many as there are."""

_BEFORE_STORES: Final = frozenset(("__eq__", "__hash__"))
"""Methods that storing an item of a dict calls before it changes anything."""

_GROWING: Final = [vars(list)["append"], vars(list)["extend"]]
"""Methods of list that only add items at its end."""

_ATOMS: Final = (int, str, float, bool, bytes, complex, type(None))
_module_dict_of: Final[Any] = vars(ModuleType)["__dict__"].__get__


class Changes:
    """Finds out what lines and calls have changed.

    Parameters:
        effects: says what callables change that are not recorded.
        definitions: know the layouts of types.

    Attributes:
        found: the objects that a line may have changed, if not all, each with a number of levels
            (0: it alone, with nothing new in it), and whether it only gets more items at its end.
    """

    def __init__(self, effects: Effects, definitions: Definitions) -> None:
        self._effects = effects
        self._definitions = definitions
        self.found: list[tuple[object, int, bool]] = []

    # -- after a line

    def after_line(self, state: FrameState, line: Line, scope: Scope) -> int:
        """Return what a line has changed besides variables, and fill `found` if that is not all.

        Returns:
            UNKNOWN: any object. ARGUMENTS: any object close to its variables. NOTHING: those in
            `found`.
        """
        effect = UNKNOWN
        try:
            effect = self._after_line(state, line, scope)
        finally:
            if effect == UNKNOWN:
                # These are objects of the program.
                del self.found[:]
        return effect

    def _after_line(self, state: FrameState, line: Line, scope: Scope) -> int:
        if self._definitions.formatters.are_there or state.matched & UNSEEN:
            # What formatters say depends on anything.
            return UNKNOWN
        effect = ARGUMENTS if line.is_wide else NOTHING
        for index in range(len(line.sites)):
            effect = max(effect, self._effect(state, line, index, scope))
            if effect == UNKNOWN:
                return effect
        for place in line.targets:
            value = self.at(place, scope)
            if value is MISSING:
                if place.path:
                    return UNKNOWN
            elif not _is_among(type(value), _ATOMS):
                if not self._stores_itself(value, place.method):
                    return UNKNOWN
                self._add_target(state, value, place, scope)
        for place in line.moves:
            value = self.at(place, scope)
            kind = type(value)
            if value is MISSING or _is_plain(kind):
                continue
            if not _is_among(kind, ITERATORS) and not self._iterates_itself(kind):
                return UNKNOWN
            self.found.append((value, 1, False))
        for place in line.containers:
            value = self.at(place, scope)
            if value is not MISSING and self._gets_items(type(value)):
                self.found.append((value, 1, False))
        if effect == ARGUMENTS:
            # Items may be gone.
            self.found[:] = [(value, levels, False) for value, levels, _ in self.found]
        return effect

    def _add_target(self, state: FrameState, value: object, place: Place, scope: Scope) -> None:
        """Put an object into `found` that a line stores into, or whose item it stores into."""
        item = MISSING
        if place.key is not None and not state.matched & BEGAN:
            item = self._item(value, place.key, scope)
        if (
            item is MISSING
            or _is_among(type(item), _ATOMS)
            or not self._stores_itself(item, place.method)
        ):
            grows = type(value) is list and place.method == "__iadd__" and place.levels == 1
            self.found.append((value, place.levels, grows and not place.is_bound))
        else:
            # If the object is an item of its own, the store has put this one in its place.
            self.found += [(value, 0, False), (item, 1, False)]

    def _stores_itself(self, value: object, method: str) -> bool:
        """Return whether storing into an object changes only that object.

        Parameters:
            method: the special method that stores.
        """
        kind = type(value)
        if kind is ModuleType:
            # Its attributes are the global variables of functions.
            return False
        if _is_among(kind, CONTAINERS):
            return True
        found = lookup_in_class(kind, method)
        if found is None:
            # An operator that makes a new object.
            return True
        return self._effects.of(found) in (NOTHING, RECEIVER)

    def _iterates_itself(self, kind: type) -> bool:
        """Return whether iterating over an instance runs only recorded code."""
        for method in ("__iter__", "__next__", "__contains__"):
            found = lookup_in_class(kind, method)
            if found is not None and self._effects.of(found) != NOTHING:
                return False
        return True

    def _effect(self, state: FrameState, line: Line, index: int, scope: Scope) -> int:
        """Return what a call may have changed of which nothing was recorded."""
        site = line.sites[index]
        if _has_matched(state, index):
            return UNKNOWN if site.varies else NOTHING
        effect, receiver = self._judged(line, site, scope)
        return self._settled(state, line, index, scope, effect, receiver)

    def _judged(self, line: Line, site: Site, scope: Scope) -> tuple[int, object]:
        """Return what a call changes, and the object whose method it is, or MISSING."""
        if site.is_super and site.place is not None:
            owner = self.at(site.place, scope)
            known = owner is not MISSING
            return self._effects.of_inherited(owner, site.name) if known else UNKNOWN, owner
        if site.place is not None and self._may_have_moved(site, site.place, scope):
            return UNKNOWN, MISSING
        callee, owner = self._callee(line, site, scope)
        effect = self._effects.of(callee)
        if effect == UNKNOWN and callee is not MISSING:
            bound, changed = self._effects.of_bound(callee)
            if changed == RECEIVER and bound is not None:
                return RECEIVER, bound
        if effect == RECEIVER and owner is not MISSING and has(mro_of(type(owner)), type):
            # It is called as a function: the object is the first argument.
            return ARGUMENTS, MISSING
        return effect, owner

    def _settled(
        self, state: FrameState, line: Line, index: int, scope: Scope, effect: int, receiver: object
    ) -> int:
        """Put the object that a call changes into `found`; return what else it changes."""
        site = line.sites[index]
        if site.place is not None and site.place.has_items and effect != UNKNOWN:
            if site.is_rebound or not self._acts_alone(state, line, index, scope):
                return UNKNOWN
            self._find_containers(site.place, scope)
        if effect != RECEIVER:
            return effect
        if receiver is MISSING or site.is_rebound or not self._runs_recorded(receiver):
            return UNKNOWN
        self.found.append((receiver, 1, self._grows(line, site, scope, receiver)))
        return NOTHING

    def _grows(self, line: Line, site: Site, scope: Scope, receiver: object) -> bool:
        """Return whether a call only adds items at the end of a list that was there before."""
        if type(receiver) is not list or site.place is None or site.place.is_bound:
            return False
        return _is_growing(self._callee(line, site, scope)[0])

    def _acts_alone(self, state: FrameState, line: Line, index: int, scope: Scope) -> bool:
        """Return whether only this call can have put another item where its object was."""
        return not (line.targets or line.is_wide or line.loops) and not any(
            _has_matched(state, at) or self._judged(line, other, scope)[0] != NOTHING
            for at, other in enumerate(line.sites)
            if at != index
        )

    def _may_have_moved(self, site: Site, place: Place, scope: Scope) -> bool:
        """Return whether what is called may itself have put another function into its place."""
        is_item = not site.is_method and bool(place.path) and isinstance(place.path[-1], Item)
        return is_item and has(mro_of(type(self.at(place, scope, -1))), list)

    def _find_containers(self, place: Place, scope: Scope) -> None:
        """Put the objects into `found` whose items are on the way to a place."""
        for at, step in enumerate(place.path):
            if isinstance(step, Item):
                container = self.at(place, scope, at)
                if container is not MISSING and self._gets_items(type(container)):
                    self.found.append((container, 1, False))
                if step.place is not None:
                    self._find_containers(step.place, scope)

    def _gets_items(self, kind: type) -> bool:
        """Return whether an object may change when an item is taken from it, as a defaultdict."""
        if _is_plain(kind):
            return False
        found = lookup_in_class(kind, "__getitem__")
        return found is None or self._effects.of(found) != NOTHING

    def _runs_recorded(self, receiver: Any) -> bool:
        """Return whether no code runs in methods of an object in C that is not recorded."""
        return type(receiver) is not GeneratorType or not self._effects.is_unrecorded(
            receiver.gi_code
        )

    # -- when a call begins

    def at_call(
        self, state: FrameState, line: Line, scope: Scope, plan: Plan, first: object
    ) -> bool:
        """Return whether any object may have changed in a caller's line before a call begins.

        Otherwise, `found` has those that may have.

        Parameters:
            state: the caller.
            line: its current line.
            scope: its variables.
            plan: the plan of the called code.
            first: the first argument, or MISSING.
        """
        state.matched |= BEGAN
        index = self._match(state, line, scope, plan, first)
        if index >= 0:
            if plan.detail == DETAIL_VALUES:
                state.matched |= 1 << index
            if line.sites[index].is_late:
                return True
        elif line.is_mixed or (line.stores_at >= 0 and self._has_stored(line, scope, plan)):
            return True
        if state.matched & UNSEEN:
            return True
        count = len(line.sites) if index < 0 or line.loops else index
        return self._had_effect(state, line, scope, count)

    def _has_stored(self, line: Line, scope: Scope, plan: Plan) -> bool:
        """Return whether a line may have stored into an object before an unnamed call begins."""
        offset = scope.offset()
        if offset < line.stores_at:
            return line.loops
        is_first = offset == line.stores_at and not line.loops and len(line.targets) == 1
        if not is_first or not line.stores_item or plan.name not in _BEFORE_STORES:
            # What dies by a store may run its finalizer.
            return True
        (place,) = line.targets
        return place.levels > 1 or type(self.at(place, scope)) is not dict

    def at_resume(self, state: FrameState, line: Line, scope: Scope) -> bool:
        """Return the same for a generator or coroutine that is resumed."""
        state.matched |= BEGAN
        if line.is_mixed or state.matched & UNSEEN:
            return True
        return self._had_effect(state, line, scope, len(line.sites))

    def _had_effect(self, state: FrameState, line: Line, scope: Scope, count: int) -> bool:
        """Return whether one of the first calls may have changed any object, unrecorded."""
        offset = -1
        for index, site in enumerate(line.sites[:count]):
            if _has_matched(state, index):
                continue
            effect, receiver = self._judged(line, site, scope)
            if effect == NOTHING and not (site.place is not None and site.place.has_items):
                continue
            offset = scope.offset() if offset < 0 else offset
            if site.start > offset and not line.loops:
                # It has not begun.
                continue
            if self._settled(state, line, index, scope, effect, receiver) != NOTHING:
                del self.found[:]
                return True
        return False

    def _match(self, state: FrameState, line: Line, scope: Scope, plan: Plan, first: object) -> int:
        """Return the index of the call that has begun; -1 if the line does not name it."""
        again, name = -1, plan.name
        for index, site in enumerate(line.sites[:MOST_SITES]):
            is_same = site.name == name
            if site.is_ambiguous if is_same else not site.name:
                is_same = self._effects.runs(self._callee(line, site, scope)[0], plan.code)
            if not is_same and plan.makes and first is not MISSING and site.place is not None:
                # A class is called.
                kind: Any = self._callee(line, site, scope)[0]
                kind = kind.__func__ if type(kind) is MethodType else kind
                is_same = kind is first or kind is type(first)
            if is_same:
                if not _has_matched(state, index):
                    return index
                again = index
        return again if line.loops else -1

    # -- places

    def at(self, place: Place, scope: Scope, end: int | None = None) -> Any:
        """Return the object at a place, or MISSING.

        Parameters:
            end: where the path ends, as in a slice.
        """
        value: Any = scope.value(place.variable)
        if value is MISSING and place.variable.is_global:
            value = scope.builtin(place.variable.name)
        for step in place.path[:end]:
            if value is MISSING:
                return MISSING
            if isinstance(step, str):
                value = self._attribute(value, step)
            else:
                value = self._item(value, step, scope)
        return value

    def _item(self, value: Any, step: Item, scope: Scope) -> Any:
        """Return an item of an object, or MISSING."""
        key = step.value if step.place is None else self.at(step.place, scope)
        return MISSING if key is MISSING else item_of(value, key)

    def _attribute(self, value: Any, name: str) -> Any:
        """Return an attribute that is in an object or, as it is, in its class; or MISSING."""
        kind = type(value)
        if kind is ModuleType:
            return find(_module_dict_of(value), name, MISSING)
        found = self._definitions.layout(kind).own_attribute(value, name, MISSING)
        if found is not MISSING:
            return found
        found = lookup_in_class(kind, name)
        if has(mro_of(kind), type) and not _is_data(found):
            own = lookup_in_class(value, name)
            found = found if own is None else own
        # Other descriptors, such as functions and properties, give something else.
        is_plain = found is not None and lookup_in_class(type(found), "__get__") is None
        return found if is_plain else MISSING

    def _callee(self, line: Line, site: Site, scope: Scope) -> tuple[object, object]:
        """Return what a call calls, and the object of whose class it is a method.

        Both may be MISSING; a method is returned as it is in the class.
        """
        if site.constant is not None:
            return lookup_in_class(site.constant, site.name), MISSING
        if site.before >= 0:
            before, _ = self._callee(line, line.sites[site.before], scope)
            is_text = id(before) in self._effects.texts
            return lookup_in_class(str, site.name) if is_text else MISSING, MISSING
        if site.place is None or site.is_super or (site.is_rebound and not site.is_method):
            return MISSING, MISSING
        value = self.at(site.place, scope)
        if value is MISSING or not site.is_method:
            return value, MISSING
        kind = type(value)
        if kind is ModuleType:
            return find(_module_dict_of(value), site.name, MISSING), MISSING
        own = self._attribute(value, site.name)
        if own is not MISSING:
            return own, MISSING
        found = lookup_in_class(value, site.name) if has(mro_of(kind), type) else None
        return lookup_in_class(kind, site.name) if found is None else found, value

    # -- new objects

    def levels_of(self, state: FrameState, line: Line, scope: Scope, value: object) -> int:
        """Return how many levels of objects, from `value` on, the line may have made.

        Parameters:
            state: the state of its frame.
        """
        layout = self._definitions.layout(type(value))
        if layout.reading is not None:
            # What it holds is elsewhere, as in a view of a dict.
            return ALL
        if not (line.births or line.hides or line.sites or line.attributes or line.containers):
            return 0
        if not line.is_bare and self._is_announced(type(value), layout):
            return 0
        for place in line.known:
            if self.at(place, scope) is value:
                return 0
        return self._made(state, line, scope)

    def levels_of_found(self, state: FrameState, line: Line, scope: Scope, changed: int) -> int:
        """Return the same for an object that the line may have changed.

        Parameters:
            changed: how many levels of it may have changed, at least 1.
        """
        most = line.births + len(line.sites)
        return changed + min(most, self._made(state, line, scope))

    def _made(self, state: FrameState, line: Line, scope: Scope) -> int:
        """Return how many levels of objects a line may have made, whatever they are."""
        if line.hides:
            return ALL
        for place in line.attributes:
            if self.at(place, scope) is MISSING and not self._is_old(place, scope):
                return ALL
        for place in line.containers:
            if not self._gives_old(self.at(place, scope)):
                return ALL
        return line.births + sum(
            not _has_matched(state, index) and self._makes(line, site, scope)
            for index, site in enumerate(line.sites)
        )

    def _makes(self, line: Line, site: Site, scope: Scope) -> bool:
        """Return whether a call of which nothing was recorded may make an object that stays."""
        if site.is_super or site.is_rebound:
            return True
        return id(self._callee(line, site, scope)[0]) not in self._effects.plain

    def _is_announced(self, kind: type, layout: Layout) -> bool:
        """Return whether each new instance of a class is seen when it is made."""
        if not flags_of(kind) & IS_HEAP_TYPE:
            return False
        if not layout.is_announced:
            layout.is_announced = self._effects.is_recorded(lookup_in_class(kind, "__init__"))
        return layout.is_announced

    def _is_old(self, place: Place, scope: Scope) -> bool:
        """Return whether an attribute that an object does not have itself existed before."""
        owner = self.at(place, scope, -1)
        if owner is MISSING:
            # The attribute before it has been judged.
            return len(place.path) > 1
        name = place.path[-1]
        found = lookup_in_class(type(owner), name) if isinstance(name, str) else None
        return found is not None and is_old_attribute(self._effects, found)

    def _gives_old(self, value: Any) -> bool:
        """Return whether an object gives items that exist already."""
        kind = type(value)
        if kind is GeneratorType:
            return self._runs_recorded(value)
        return _is_among(kind, CONTAINERS)


def _has_matched(state: FrameState, index: int) -> bool:
    """Return whether a call of a line was recorded."""
    return index < MOST_SITES and bool(state.matched >> index & 1)


def _is_data(found: object) -> bool:
    """Return whether an attribute of a class's class comes before those of the class."""
    return any(lookup_in_class(type(found), name) is not None for name in ("__set__", "__delete__"))


def _is_plain(kind: type) -> bool:
    """Return whether nothing happens to instances when something is taken from them."""
    return _is_among(kind, _ATOMS) or _is_among(kind, CONTAINERS)


def _is_growing(method: object) -> bool:
    return any(method is each for each in _GROWING)


def _is_among(kind: type, kinds: tuple[type, ...]) -> bool:
    """Return whether a type is one of several."""
    # Not `in`: a metaclass may define __eq__.
    return any(kind is each for each in kinds)
