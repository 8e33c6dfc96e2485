"""The tree of causes: what each node says, without how it is printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codetracer.replay.place import Place
    from codetracer.replay.values import Value

__all__ = ["UNCERTAIN", "Cause", "Unknown"]


class Unknown:
    """Stands for a value that is not recorded."""


UNCERTAIN = Unknown()


@dataclass(slots=True, eq=False)
class Cause:
    """Something that is so, and why."""

    kind: str
    """``value``, ``argument``, ``default``, ``result``, ``yield``, ``change``, ``condition``,
    ``exception``, ``sent``, ``left`` or ``line``."""
    text: str
    """Its subject in the words of the source: a name, a call, a condition."""
    value: Value | Unknown = UNCERTAIN
    place: Place | None = None
    """The step at which it became so."""
    path: str = ""
    line: int = 0
    """Its line (1-based); 0 if it is not known."""
    function: str = ""
    """The code that ran there."""
    notes: list[str] = field(default_factory=list)
    """Notes on uncertainty and on parts that are left out."""
    causes: list[Cause] = field(default_factory=list)
    unrecorded: dict[str, None] = field(default_factory=dict)
    """The calls in its line that are not recorded: their results are taken to depend on what they
    were given."""
    again: bool = False
    """True if its causes are those of an equal node before it."""
    cut: bool = False
    """True if it has causes that are left out because they are too deep."""

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def remarks(self) -> list[str]:
        """All that is to be said beside its value: what is not recorded, and the notes."""
        if not self.unrecorded:
            return self.notes
        verb = "is" if len(self.unrecorded) == 1 else "are"
        return [f"{', '.join(self.unrecorded)} {verb} not recorded", *self.notes]

    @property
    def _said(self) -> tuple[object, ...]:
        return self.kind, self.text, self.place, self.path, self.line

    def prune(self) -> None:
        """Leave out what was said before: equal nodes, and causes that all are above already."""
        above: dict[int, frozenset[object]] = {id(self): frozenset()}
        everything = self.all()
        for cause in everything:
            around = above[id(cause)] | {cause._said}
            above.update((id(each), around) for each in cause.causes)
        # Of these the tree goes on inside of themselves: they are what is above.
        kept = {each._said for each in everything if each.again and each._said in above[id(each)]}
        for cause in reversed(everything):
            first: dict[object, Cause] = {}
            for each in cause.causes:
                first.setdefault(each._said, each)
            cause.causes[:] = first.values()
            if cause.kind == "exception":
                conditions = [each for each in cause.causes if each.kind == "condition"]
                told = {inner._said for each in conditions for inner in each.all()}
                cause.causes[:] = [
                    each
                    for each in cause.causes
                    if each in conditions or each.causes or each._said not in told
                ]
            is_told = all(each.again and not each.remarks for each in cause.causes)
            if cause.causes and is_told and cause._said not in kept:
                cause.causes.clear()
                cause.again = True

    def all(self) -> list[Cause]:
        """Return it and everything below it, in the order of the tree."""
        found: list[Cause] = []
        stack: list[Cause] = [self]
        while stack:
            cause = stack.pop()
            found.append(cause)
            stack.extend(reversed(cause.causes))
        return found
