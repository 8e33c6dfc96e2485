"""Limits on how much of each value a recording has."""

from __future__ import annotations

from codetracer.own import seal

__all__ = ["Limits"]

seal(globals())


class Limits:
    """How much of a value is looked at.

    Parameters:
        depth: how many objects deep.
        items: how many items of a container, and attributes of an object.
        text: how many characters of a str, and bytes of bytes.
        objects: how many objects at one event.
    """

    __slots__ = ("depth", "items", "objects", "text")

    def __init__(
        self, depth: int = 4, items: int = 100, text: int = 500, objects: int = 300
    ) -> None:
        self.depth = depth
        self.items = items
        self.text = text
        self.objects = objects

    def as_dict(self) -> dict[str, int]:
        """Return the limits by name."""
        return {name: getattr(self, name) for name in self.__slots__}
