"""Describes a type to the engine in C, which reads the attributes by name, once for each type."""

from __future__ import annotations

from codetracer.inspect.kinds import type_name
from codetracer.own import seal
from codetracer.runtime.known import Slot
from codetracer.runtime.layouts import layout_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weakref import ref

    from codetracer.runtime.formatting import Formatters
    from codetracer.runtime.known import Read, Reading, Step

__all__ = ["ToldLayout", "ToldRead", "ToldReading"]

seal(globals())


class ToldLayout:
    """The content of a type's instances; see `codetracer.runtime.layouts.Layout`.

    Attributes:
        name: the type's name in the log.
        form: the form of its instances.
        has_dict: whether they have a ``__dict__``.
        names: the names of their slots; for a named tuple, its fields.
        owners: for each name a weak reference to the class that has the slot; None for a field.
        alive: a weak reference to the type; None if the type lives as long as the process.
        reading: the way to read instances of a known type; None for other types.
        formatter: the name under which the type has a formatter; None if it has none.
    """

    __slots__ = ("alive", "form", "formatter", "has_dict", "name", "names", "owners", "reading")

    def __init__(self, kind: type, formatters: Formatters) -> None:
        layout = layout_of(kind)
        self.name: str = type_name(kind)
        self.form: int = layout.form
        self.has_dict: bool = layout.dict_of is not None
        self.names: tuple[str, ...] = tuple(layout.slots)
        self.owners: tuple[ref[type] | None, ...] = tuple(map(layout.owners.get, layout.slots))
        self.alive: ref[type] | None = layout.alive
        self.reading = None if layout.reading is None else ToldReading(layout.reading)
        self.formatter: str | None = formatters.name_of(self.name)


class ToldReading:
    """The way to read instances of a known type; see `codetracer.runtime.known.Reading`."""

    __slots__ = ("attributes", "base", "by_name", "hidden", "items", "size", "way")

    def __init__(self, reading: Reading) -> None:
        self.base: type | None = reading.base
        self.way: int = reading.way
        self.items: tuple[ToldRead, ...] = _all_told(reading.items)
        self.attributes: tuple[ToldRead, ...] = _all_told(reading.attributes)
        self.size: tuple[object, ...] = tuple(map(_told, reading.size))
        self.by_name: dict[str, object] = {
            name: _told(step) for name, step in reading.by_name.items()
        }
        self.hidden: dict[str, None] = dict.fromkeys(reading.hidden)


class ToldRead:
    """One read of an item or attribute; `_told` makes its steps."""

    __slots__ = ("name", "optional", "spread", "steps")

    def __init__(self, name: str, steps: tuple[object, ...], optional: bool, spread: bool) -> None:
        self.name = name
        self.steps = steps
        self.optional = optional
        self.spread = spread


def _all_told(reads: tuple[Read, ...]) -> tuple[ToldRead, ...]:
    return tuple(
        ToldRead(name, tuple(map(_told, steps)), optional, spread)
        for name, steps, optional, spread in reads
    )


def _told(step: Step) -> object:
    """Return a step for C: for a slot, a weak reference to the class and the name."""
    return (step.alive, step.name) if type(step) is Slot else step
