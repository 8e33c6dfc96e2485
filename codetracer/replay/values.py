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
"""A value as it was recorded. A plain tuple is a tuple; the classes are no tuples in this sense."""


class CutText(NamedTuple):
    """A str that was longer than the recorder's limit."""

    text: str
    """Its first characters."""
    total: int
    """How many characters it had."""


class CutInteger(NamedTuple):
    """An int of more bytes than the recorder's limit for texts."""

    first: int
    """The int without its lowest bytes, as ``>>`` leaves it."""
    more: int
    """How many of its lowest bytes were left out."""


class CutBytes(NamedTuple):
    """Bytes that were longer than the recorder's limit."""

    data: bytes
    """The first of them."""
    total: int
    """How many they were."""


class CutTuple(NamedTuple):
    """A tuple that was longer, or lay deeper, than the recorder's limit."""

    items: tuple[Value, ...]
    """Its first items."""
    total: int
    """How many items it had."""


class RangeValue(NamedTuple):
    """A range."""

    start: Value
    """Its first number."""
    stop: Value
    """Where it ended."""
    step: Value
    """From one number to the next."""


class Hidden(NamedTuple):
    """A value that a filter kept out of the recording."""

    how: str
    """``redacted`` or ``dropped``."""


class Words(NamedTuple):
    """What a formatter, the program's own function, says of an object. Nobody has checked it."""

    text: Value
    """A str, a `CutText`, or `Hidden`; where it failed, the exception's name, or why."""
    failed: bool
    """Whether the formatter failed."""


class ObjectValue:
    """An object that can change, as it was at one moment.

    The same object is the same `ObjectValue` within all that was resolved together, so cycles
    are cycles. Two of them with one number, seen at different moments, are the same object unless
    it died in between.

    Attributes:
        number: which object it is.
        form: what its items and attributes mean, such as ``list`` or ``instance``;
            spec/trace.toml lists the forms.
        type_name: its type: module and qualified name, only the latter for builtins.
        items: its items; of a dict, key, value, key, value.
        attributes: its attributes by name.
        total: how many items it had (pairs, of a dict).
        cut: how many items (pairs) were left out by the recorder's limit.
        cut_attributes: how many attributes were left out.
        words: what the program's own formatter says of it; None where there is none.
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
        """Keys and values of a dict."""
        return tuple(zip(self.items[::2], self.items[1::2], strict=False))
