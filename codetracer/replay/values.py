"""Recorded values for a reader: plain Python objects, and small classes."""

from __future__ import annotations

from types import EllipsisType, NotImplementedType
from typing import NamedTuple

__all__ = [
    "CutBytes",
    "CutInteger",
    "CutText",
    "CutTuple",
    "Hidden",
    "ObjectValue",
    "RangeValue",
    "Value",
    "Words",
]

type Value = (
    bool
    | int
    | float
    | complex
    | str
    | bytes
    | EllipsisType
    | NotImplementedType
    | tuple[Value, ...]
    | CutInteger
    | CutText
    | CutBytes
    | CutTuple
    | RangeValue
    | Hidden
    | ObjectValue
    | None
)
"""A value as it was recorded.

A plain tuple is a tuple of the program. The classes here are subclasses of tuple, too, but none of
them is one of the program."""


class CutText(NamedTuple):
    """A str that was longer than the recorder's limit."""

    text: str
    """Its first characters."""
    total: int
    """The number of characters that it had."""


class CutInteger(NamedTuple):
    """An int of more bytes than the recorder's limit for texts."""

    first: int
    """The int without its lowest bytes: shifted right with ``>>``."""
    more: int
    """The number of its lowest bytes that were left out."""


class CutBytes(NamedTuple):
    """Bytes that were longer than the recorder's limit."""

    data: bytes
    """The first bytes."""
    total: int
    """The number of bytes that it had."""


class CutTuple(NamedTuple):
    """A tuple that was longer, or nested more deeply, than the recorder's limit."""

    items: tuple[Value, ...]
    """Its first items."""
    total: int
    """The number of items that it had."""


class RangeValue(NamedTuple):
    """A range, with the three values of the `range` object."""

    start: Value
    """Its first number."""
    stop: Value
    """The number before which it ends."""
    step: Value
    """The difference from one number to the next."""


class Hidden(NamedTuple):
    """A value that is not in the recording."""

    how: str
    """``redacted`` or ``dropped`` by a filter; ``left out`` by the detail of its code; ``unbound``
    for a resolved `UnboundValue`."""


class Words(NamedTuple):
    """The text of a formatter, a function of the program, about an object; it may be wrong."""

    text: Value
    """A str, a `CutText` or `Hidden`; if the formatter failed, the exception's name or a reason."""
    failed: bool
    """True if the formatter failed."""


class ObjectValue:
    """An object that can change, as it was at one moment.

    Among values that were resolved together, one object is one `ObjectValue`, so cycles stay
    cycles. Two with the same number from different moments are the same object, unless the object
    was deleted in between.

    Attributes:
        number: the number of the object.
        form: the meaning of its items and attributes, such as ``list`` or ``instance``;
            spec/trace.toml lists the forms.
        type_name: the module and qualified name of its type; only the latter for builtins.
        items: its items; keys and values in turn for a dict.
        attributes: its attributes by name.
        total: how many items it had; pairs for a dict.
        cut: how many of these are not in `items`, because of a limit.
        cut_attributes: how many attributes are missing, because of a limit.
        words: the text of the program's formatter for it; None if there is none.
    """

    __slots__ = (
        "attributes",
        "cut",
        "cut_attributes",
        "form",
        "items",
        "number",
        "total",
        "type_name",
        "words",
    )

    def __init__(self, number: int, form: str = "unseen", type_name: str = "object") -> None:
        self.number = number
        self.form = form
        self.type_name = type_name
        self.items: tuple[Value, ...] = ()
        self.attributes: dict[str, Value] = {}
        self.total = 0
        self.cut = 0
        self.cut_attributes = 0
        self.words: Words | None = None

    def __repr__(self) -> str:
        return f"<{self.type_name} #{self.number}>"

    @property
    def pairs(self) -> tuple[tuple[Value, Value], ...]:
        """The keys and values of a dict, in pairs."""
        return tuple(zip(self.items[::2], self.items[1::2], strict=False))
