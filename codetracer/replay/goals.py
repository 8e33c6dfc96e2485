"""Goals: where a run through a recording stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.model import Frame
    from codetracer.replay.moment import Moment

    type Condition = Callable[[Moment], bool]

__all__ = ["Arrival", "Change", "Function", "Goal", "Line", "Raise"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line is about to run."""

    path: str
    """The path of the source file: `Code.path`, or the end of one after a ``/``."""
    line: int
    """The line (1-based)."""
    when: Condition | None = None
    """Decides whether a step counts; without it, each does. It may be called for several steps, in
    any order. The moment that it receives is valid only during the call."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function is called: the first step of its frame."""

    name: str
    """A qualified name, its last part, or either with the module in front of it."""
    when: Condition | None = None
    """As of `Line`."""


@dataclass(frozen=True, slots=True)
class Raise:
    """An exception is raised, or comes in from code that is not recorded.

    The step is the one during which it was raised. The frames that it passes after that do not
    count.
    """

    type: str | None = None
    """The name of its type, with or without the module; None for any. Subclasses have others."""
    when: Condition | None = None
    """As of `Line`."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value changes. The step is the one whose line changed it."""

    subject: str
    """A variable, attribute, item or object, as `Moment.last_change` takes it."""
    frame: Frame | None = None
    """The frame whose code the text belongs to; the innermost one without it."""
    when: Condition | None = None
    """As of `Line`."""


type Goal = Line | Function | Raise | Change
"""A condition at which a run stops."""


class Arrival(NamedTuple):
    """The moment at which a run has stopped, and the goals that it reached."""

    moment: Moment
    """Right before the line."""
    goals: tuple[Goal, ...]
    """The goals that are reached there, in the order in which they were given."""
