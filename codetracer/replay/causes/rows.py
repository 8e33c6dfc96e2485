"""A tree of causes as lines of text: what each says, and the branches in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.tree import Unknown
from codetracer.replay.render import render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.causes.tree import Cause

__all__ = ["Row", "rows_of"]

VALUE_IN_CAUSE: Final = 60
"""About how many characters of a value are shown."""


class Row(NamedTuple):
    """A line."""

    cause: Cause | None
    """The cause that it shows; None for a note of the cause above."""
    branch: str
    """The branches of the tree in front of it."""
    words: str
    """Its text."""


def rows_of(causes: Iterable[Cause]) -> list[Row]:
    """Return the lines of causes and of all below them."""
    found: list[Row] = []
    stack = [(cause, "", "") for cause in reversed([*causes])]
    while stack:
        each, branch, below = stack.pop()
        found.append(Row(each, branch, _words(each)))
        inside = f"{below}{'│  ' if each.causes else '   '}"
        found.extend(Row(None, inside, f"? {note}") for note in each.remarks)
        inner = [(child, f"{below}├─ ", f"{below}│  ") for child in each.causes[:-1]]
        inner += [(child, f"{below}└─ ", f"{below}   ") for child in each.causes[-1:]]
        stack.extend(reversed(inner))
    return found


def _words(cause: Cause) -> str:
    """Return what a line of the tree says."""
    value = "" if isinstance(cause.value, Unknown) else render(cause.value, VALUE_IN_CAUSE)
    match cause.kind:
        case "condition" if value:
            said = f"because {cause.text} is {'true' if cause.value else 'false'}"
        case "condition":
            said = f"because {cause.text}"
        case "exception":
            said = f"{value or 'an exception'} is raised"
        case "argument" | "default":
            said = f"{cause.text} = {value}  ({cause.kind})"
        case "yield":
            said = f"{cause.text} yields {value}"
        case "left":
            said = f"left by {cause.text}"
        case _:
            said = f"{cause.text} = {value}" if value else cause.text
    return f"{said}{'  … as above' if cause.again else ''}{'  …' if cause.cut else ''}"
