"""Prepares what the recorder has to know of a line, when a code object runs for the first time."""

from __future__ import annotations

from codetracer.own import seal
from codetracer.runtime.facts import Call, variables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Final

    from codetracer.runtime.facts import Key, LineFacts
    from codetracer.runtime.facts import Place as Way
    from codetracer.runtime.plans import Variable

__all__ = ["Item", "Line", "Place", "Site", "lines_of"]

seal(globals())

DROPPED: Final = 2
"""The action DROP of values.py."""
_UNSEEN: Final = Call("", None, None, is_method=False, is_late=False)
"""A call that may change anything."""


class Item:
    """An item of an object.

    Attributes:
        place: where its key is; None for a constant.
        value: the constant, whose type is a builtin one.
    """

    __slots__ = ("place", "value")

    def __init__(self, place: Place | None, value: object) -> None:
        self.place = place
        self.value = value


class Place:
    """The way to an object: in a variable, or in attributes and items from there.

    Attributes:
        variable: the variable.
        path: the names of the attributes, and an `Item` for each item.
        has_items: whether there is an item in it.
        levels: how many levels of objects a line changes there.
        key: where the only item is that it changes there, if it changes none but one; or None.
        is_bound: whether the line may bind the variable other than by an operator in place.
        method: the special method that changes them, or "".
    """

    __slots__ = ("has_items", "is_bound", "key", "levels", "method", "path", "variable")

    def __init__(
        self, variable: Variable, path: tuple[str | Item, ...], levels: int = 1, method: str = ""
    ) -> None:
        self.variable = variable
        self.path = path
        self.has_items = any(type(step) is not str for step in path)
        self.key: Item | None = None
        self.is_bound = False
        self.levels = levels
        self.method = method


class Site:
    """A call in a line; see `codetracer.runtime.facts.Call`.

    Attributes:
        name: the name of the function or method.
        place: where the function, or the object whose method it is, can be found; or None.
        constant: the type of the constant whose method it is, or None.
        before: the index of the call whose result has the method; -1 if there is none.
        is_method: whether it is a method of the object at the place.
        is_super: whether it is looked up in the bases of that object's class alone.
        is_late: whether the line may have stored into an object before.
        is_rebound: whether something else may be at the place after the call.
        start: the offset of its instruction, in bytes.
        is_ambiguous: whether another call in the line has the same name.
        varies: whether each turn of a loop in the line may call something else.
    """

    __slots__ = (
        "before",
        "constant",
        "is_ambiguous",
        "is_late",
        "is_method",
        "is_rebound",
        "is_super",
        "name",
        "place",
        "start",
        "varies",
    )

    def __init__(self, call: Call, place: Place | None, *, varies: bool) -> None:
        self.name = call.name
        self.place = place
        self.constant = call.constant
        self.before = call.before
        self.is_method = call.is_method
        self.is_super = call.is_super
        self.is_late = call.is_late
        self.is_rebound = call.is_rebound or varies
        self.start = call.start
        self.is_ambiguous = False
        self.varies = varies


class Line:
    """The changes that a line, or the part of it that a loop runs again, can make.

    Attributes:
        named: the variables that it names, each with a depth in objects (0 means the limit).
        bound: those of them that it may bind, and those that other functions may bind.
        globals: the global variables that it names without binding them.
        known: the places of objects that were there before the line: variables that it does not
            bind, and attributes that it takes.
        attributes: the attributes that it takes.
        containers: the objects of which it takes items.
        targets: the objects that it stores into.
        moves: the objects that it iterates over.
        sites: its calls.
        births: the number of objects that it makes itself.
        hides: whether it may make objects in another way.
        is_bare: whether it calls a ``__new__`` itself, whose object need not get an ``__init__``.
        is_wide: whether it stores into other objects, to which its variables lead.
        is_mixed: whether something else follows after it has stored into an object.
        stores_at: the offset of the first store into an object, in bytes; -1 if there is none.
        stores_item: whether that is the store of an item.
        loops: whether a loop is within it.
        again: its part that runs again in each turn of a ``for`` loop, or None.
        again_at: where that part begins, as a byte offset; -1 if there is none.
        looked: the last event that looked at its variables, in any frame.
    """

    __slots__ = (
        "again",
        "again_at",
        "attributes",
        "births",
        "bound",
        "containers",
        "globals",
        "hides",
        "is_bare",
        "is_mixed",
        "is_wide",
        "known",
        "looked",
        "loops",
        "moves",
        "named",
        "sites",
        "stores_at",
        "stores_item",
        "targets",
    )

    named: list[tuple[Variable, int]]
    bound: list[tuple[Variable, int]]
    globals: list[tuple[Variable, int]]
    known: list[Place]
    attributes: list[Place]
    containers: list[Place]
    targets: list[Place]
    moves: list[Place]
    sites: list[Site]
    births: int
    hides: bool
    is_bare: bool
    is_wide: bool
    is_mixed: bool
    stores_at: int
    stores_item: bool
    loops: bool
    again: Line | None
    again_at: int
    looked: int


def lines_of(
    code: CodeType,
    facts: dict[int, LineFacts],
    local_variables: dict[str, Variable],
    global_variables: dict[str, Variable],
) -> dict[int, Line]:
    """Return what each line can change, by number.

    Parameters:
        code: the code object.
        facts: what its bytecode says of each line; 0 stands for instructions that have none, which
            may run after any line.
        local_variables: its local variables, by name, in the order of the log's numbers.
        global_variables: likewise.
    """
    maker = _Maker(code, facts.get(0), local_variables, global_variables)
    return {number: maker.line(line) for number, line in facts.items()}


class _Maker:
    """Makes the lines of a code object; no closure, because one that calls itself is garbage."""

    def __init__(
        self,
        code: CodeType,
        placeless: LineFacts | None,
        local_variables: dict[str, Variable],
        global_variables: dict[str, Variable],
    ) -> None:
        # A cell belongs to another function too, which may bind it at any time.
        self._always = dict.fromkeys((*code.co_cellvars, *code.co_freevars), False)
        self._placeless = placeless
        self._locals = local_variables
        self._globals = global_variables

    def line(self, line: LineFacts) -> Line:
        """Return what a line can change."""
        made = Line()
        made.named, made.bound, made.globals = [], [], []
        more = self._placeless
        self._look(made, line, self._locals, line.locals, more.locals if more else {})
        self._look(made, line, self._globals, line.globals, more.globals if more else {})
        bound = {(name, False) for name, binds in line.locals.items() if binds}
        bound |= {(name, True) for name, binds in line.globals.items() if binds}
        made.attributes = self._places(line.attributes)
        made.containers = self._places(line.containers)
        made.moves = self._places(line.moves)
        made.targets = []
        for (each, method), levels in line.targets.items():
            if (place := self._at(each)) is not None:
                place.levels, place.method = levels, method
                key = line.keys[each, method]
                if key is not None and not (
                    line.calls or line.loops or line.pauses or line.is_mixed
                ):
                    place.key = self._item(key)
                place.is_bound = each[:2] in line.rebinds
                made.targets.append(place)
        made.known = [
            *self._places((name, False, ()) for name, binds in line.locals.items() if not binds),
            *self._places((name, True, ()) for name, binds in line.globals.items() if not binds),
            *made.attributes,
        ]
        made.births, made.hides = line.births, line.hides
        made.is_bare = any(call.is_method and call.name == "__new__" for call in line.calls)
        # In a loop, what comes later in the line has run before, too.
        stores_before = line.loops and (line.is_wide or bool(line.targets))
        made.is_wide, made.loops = line.is_wide, line.loops
        made.stores_at, made.stores_item = line.stores_at, line.stores_item
        made.is_mixed = line.is_mixed or stores_before
        made.sites = [self._site(call, line, bound) for call in line.calls]
        if line.loops and any(place[:2] in line.rebinds for place, _ in line.targets):
            # Each turn has stored into another object.
            made.sites.append(Site(_UNSEEN, None, varies=False))
        for site in made.sites:
            site.is_late |= stores_before
            site.is_ambiguous = sum(each.name == site.name for each in made.sites) > 1
        made.again = None if line.again is None else self.line(line.again)
        made.again_at = line.again_at
        made.looked = -1
        return made

    def _look(
        self,
        made: Line,
        line: LineFacts,
        variables: dict[str, Variable],
        named: dict[str, bool],
        more: dict[str, bool],
    ) -> None:
        is_global = variables is self._globals
        always = {} if is_global else self._always
        wanted = always | more | named
        for name, variable in variables.items():
            if name not in wanted or variable.action == DROPPED:
                continue
            look = variable, 0 if wanted[name] else line.reach + 1
            made.named.append(look)
            if wanted[name] or name in always:
                made.bound.append(look)
            elif is_global:
                made.globals.append(look)

    def _at(self, place: Way) -> Place | None:
        name, is_global, path = place
        variable = (self._globals if is_global else self._locals).get(name)
        steps: list[str | Item] = []
        for step in path:
            taken = step if isinstance(step, str) else self._item(step)
            if taken is None:
                return None
            steps.append(taken)
        return None if variable is None else Place(variable, tuple(steps))

    def _item(self, key: Key) -> Item | None:
        if len(key) == 2:
            return Item(None, key[1])
        place = self._at(key[0])
        return None if place is None else Item(place, None)

    def _places(self, found: Iterable[Way]) -> list[Place]:
        return [place for each in found if (place := self._at(each)) is not None]

    def _site(self, call: Call, line: LineFacts, bound: set[tuple[str, bool]]) -> Site:
        if call.place is None:
            return Site(call, None, varies=line.loops and call.is_method)
        place = self._at(call.place)
        if place is not None:
            place.is_bound = call.place[:2] in line.rebinds
        moves = any(each in bound for each in variables_of(call.place))
        return Site(call, place, varies=line.loops and moves)
