"""Limits on how much of each value a recording has."""

from __future__ import annotations

from codetracer.own import seal

__all__ = ["Limits"]

seal(globals())


class Limits:
    """Limits on how much of each value the recorder reads.

    Parameters:
        depth: the number of levels of nested objects.
        items: the number of items of a container, and of attributes of an object.
        text: the number of characters of a str, and of bytes of a bytes object.
        objects: the number of objects at one event.
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
