"""Limits on how much of each value a recording has."""

from __future__ import annotations

from codetracer.errors import UsageError
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["HIGHEST", "Limits", "percent_of"]

seal(globals())

HIGHEST: Final = {"depth": 400}
"""The highest value of limits that have one, by name.

A log can have 460 values inside one another (spec/trace.toml, `nesting`).
"""


LONGEST_PERCENTAGE: Final = 10
"""The largest number of characters of a percentage."""


class Limits:
    """Limits on how much of each value the recorder reads; all are 1 or more.

    Parameters:
        depth: the number of levels of nested objects, up to 400.
        items: the number of items of a container, and of attributes of an object.
        text: the number of characters of a str, and of bytes of a bytes object.
        objects: the number of objects at one event.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, a limit is not a whole number, or out of its range.
    """

    __slots__ = ("depth", "items", "objects", "text")

    def __init__(
        self, depth: int = 4, items: int = 100, text: int = 500, objects: int = 300
    ) -> None:
        self.depth = depth
        self.items = items
        self.text = text
        self.objects = objects
        for name, value in self.as_dict().items():
            most = HIGHEST.get(name)
            if type(value) is not int or value < 1 or (most is not None and value > most):
                allowed = "1 or more" if most is None else f"from 1 to {most}"
                raise UsageError(
                    "ERR_INVALID_POLICY_VALUE",
                    f"limit {name!r} must be a whole number, {allowed}, not {value!r}",
                    {"limit": name, "value": repr(value)},
                )

    def as_dict(self) -> dict[str, int]:
        """Return the limits by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def percent_of(text: object) -> float | None:
    """Return the number of a percentage, such as 20.0 of ``20%``; None if the text is none.

    It must be above 0% and have at most `LONGEST_PERCENTAGE` characters. A number without ``%`` is
    none, because 0.2 could mean 20% as well.

    Parameters:
        text: the percentage, a str.
    """
    if type(text) is not str or text[-1:] != "%" or len(text) > LONGEST_PERCENTAGE:
        return None
    whole, dot, fraction = text[:-1].partition(".")
    if not all(part.isascii() and part.isdigit() for part in (whole, fraction or dot or "0")):
        return None
    return float(text[:-1]) or None
