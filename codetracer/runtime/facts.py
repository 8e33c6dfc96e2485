"""The facts about one line in the bytecode: which names it has, and what it does to objects.

An object that a line stores into, takes something from or calls is found again by its *place*: a
variable, and attributes from there.
"""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    type Key = tuple[type, object] | tuple[Place]
    """The key of an item: the type and the value of a constant, or the place that has it."""
    type Place = tuple[str, bool, tuple[str | Key, ...]]
    """The name of a variable, whether it is global, and the way from there: names of attributes,
    and, to what is called, keys of items."""

__all__ = ["Call", "LineFacts", "variables_of"]

seal(globals())


class Call:
    """A call in a line.

    Attributes:
        name: the name of the function or method; "" if it is not known.
        place: where the function, or the object whose method it is, can be found; or None.
        constant: the type of the constant whose method it is, or None.
        is_method: whether it is a method of the object at the place.
        is_super: whether it is looked up in the bases of that object's class alone.
        before: the call that returns the object whose method it is, as an index; -1 if not known.
        is_late: whether the line may have stored into an object before.
        is_rebound: whether the line may bind a variable anew after it that leads to the place.
        start: the offset of its instruction, in bytes.
    """

    __slots__ = (
        "before",
        "constant",
        "is_late",
        "is_method",
        "is_rebound",
        "is_super",
        "name",
        "place",
        "start",
    )

    def __init__(
        self,
        name: str,
        place: Place | None,
        constant: type | None,
        *,
        is_method: bool,
        is_late: bool,
        before: int = -1,
        is_super: bool = False,
    ) -> None:
        self.name = name
        self.place = place
        self.constant = constant
        self.is_method = is_method
        self.is_late = is_late
        self.is_super = is_super
        self.is_rebound = False
        self.before = before
        self.start = 0


class LineFacts:
    """The names, stores and calls of one line.

    Attributes:
        locals: its local variables, by name; True if the line may bind or unbind the variable.
        globals: its global variables, likewise; at module level all variables are global.
        reach: the number of attributes and items that it goes through.
        targets: the places of objects that it stores into, and the special method that does it;
            with a number of levels: 1 if only that object may change, 2 if also those to which it
            refers directly.
        keys: of those with two levels, the key of the one that may change; None if it is not known.
        in_place: those that an operator in place stores into, and whose place it has yet to bind.
        rebinds: the variables that it binds in another way than by an operator in place.
        moves: the places of objects that it iterates over; an iterator changes by that.
        attributes: the places of attributes that it takes; what a property of code that is not
            recorded returns may be new.
        containers: the places of objects of which it takes items; likewise.
        births: the number of objects that it makes itself.
        hides: whether an operator, or an attribute or item without a place, may have made one.
        is_wide: whether it stores into an object to which its variables lead some other way.
        is_mixed: whether something else follows after it has stored into an object.
        stores_at: the offset of the first store into an object, in bytes; -1 if there is none.
        stores_item: whether that is the store of an item.
        pauses: whether other code may run within it that it does not call: where it iterates, takes
            items apart, or yields.
        loops: whether a part of it may run more than once before the next event.
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
        "in_place",
        "is_mixed",
        "is_wide",
        "keys",
        "locals",
        "loops",
        "moves",
        "pauses",
        "reach",
        "rebinds",
        "stores_at",
        "stores_item",
        "targets",
    )

    def __init__(self) -> None:
        self.locals: dict[str, bool] = {}
        self.globals: dict[str, bool] = {}
        self.reach = 0
        self.targets: dict[tuple[Place, str], int] = {}
        self.keys: dict[tuple[Place, str], Key | None] = {}
        self.in_place: set[tuple[Place, str]] = set()
        self.rebinds: set[tuple[str, bool]] = set()
        self.moves: dict[Place, None] = {}
        self.attributes: dict[Place, None] = {}
        self.containers: dict[Place, None] = {}
        self.births = 0
        self.hides = False
        self.is_wide = False
        self.is_mixed = False
        self.stores_at = -1
        self.stores_item = False
        self.pauses = False
        self.loops = False
        self.calls: list[Call] = []
        self.again: LineFacts | None = None
        self.again_at = -1


def variables_of(place: Place) -> list[tuple[str, bool]]:
    """Return the variables that lead to a place."""
    found = [place[:2]]
    for step in place[2]:
        if not isinstance(step, str) and len(step) == 1:
            found += variables_of(step[0])
    return found
