"""Selects the events, by their names on the command line, and the files to show."""

from __future__ import annotations

import os
import sys

from codetracer.inspect.paths import OURS, FileGlobs, is_foreign
from codetracer_bindings.display import EVENT_DISPLAYS
from codetracer_bindings.events import EVENT_NAMES, EventSet, MonitoringEvents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

__all__ = [
    "DEFAULT_EVENTS",
    "FRAME_EVENTS",
    "FileSelection",
    "available_events",
    "event_name",
    "select_events",
]


def event_name(event: str) -> str:
    """Return the name of an event on the command line: ``start`` for ``PY_START``."""
    return event.lower().removeprefix("py_")


DEFAULT_EVENTS: Final = ",".join(
    event_name(display.event) for display in EVENT_DISPLAYS if display.unasked
)

FRAME_EVENTS: Final = tuple(display.event for display in EVENT_DISPLAYS if display.frame != "stay")
"""The events that enter or leave a frame: depth is counted by them."""


def available_events(events: MonitoringEvents) -> dict[str, EventSet]:
    """Return the names that the running interpreter has something for, in the spec's order.

    One that is an alias stands for the others, with which it cannot be mixed: ``branch`` is
    ``branch_left`` and ``branch_right`` from 3.14 on.
    """
    available: dict[str, EventSet] = {event_name(name): event for name, event in events}
    for display in EVENT_DISPLAYS:
        if others := _union(getattr(events, name) for name in display.stands_for):
            available[event_name(display.event)] = others
    return available


def select_events(text: str, events: MonitoringEvents) -> EventSet:
    """Return the events that a list such as ``start,return`` names; ``all`` names every one.

    ``py_start`` is ``start``; case and blanks do not matter.

    Raises:
        ValueError: a name is unknown, or the running interpreter lacks the event; its message
            says so, and which names there are.
    """
    available = available_events(events)
    chosen: EventSet = 0
    for word in text.split(","):
        name = event_name(word.strip())
        if name == "all":
            chosen |= _union(available.values())
        elif name in available:
            chosen |= available[name]
        else:
            raise ValueError(_no_such_event(name, available))
    return chosen


def _union(events: Iterable[EventSet]) -> EventSet:
    union: EventSet = 0
    for event in events:
        union |= event
    return union


def _no_such_event(name: str, available: dict[str, EventSet]) -> str:
    names = [*available, "all"]
    if name in map(event_name, EVENT_NAMES):
        release = f"{sys.version_info.major}.{sys.version_info.minor}"
        problem = f"CPython {release} has no event {name!r}"
    else:
        import difflib

        close = difflib.get_close_matches(name, names, n=1)
        problem = f"there is no event {name!r}"
        problem += f" (did you mean {close[0]!r}?)" if close else ""
    return f"{problem}; events are: {', '.join(names)}"


class FileSelection:
    """Which files are shown, by the names in their code objects.

    By default the program's own: what is not in the standard library, in ``site-packages``, or
    codetracer's; the file that runs as ``__main__``, wherever it is; and text that any of these
    compiles and runs.

    Parameters:
        include: globs; when there are any, the files that match one, in place of the default,
            but for codetracer's.
        exclude: globs; no file that matches one.

    `FileGlobs` says how they are matched.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._globs = FileGlobs(include, exclude)
        # What started us, such as a console script, is on the stack below the program.
        starter = getattr(sys.modules["__main__"], "__file__", None)
        self._ours = (
            *OURS,
            *([os.path.abspath(starter)] if starter else []),
        )

    def selects(self, path: str, *, is_own: bool) -> bool:
        """Tell whether a file is shown.

        Parameters:
            path: absolute, or a name in angle brackets for code that comes from no file.
            is_own: it is known to be the program's own; otherwise its place decides.
        """
        chosen = self._globs.choose(path)
        if path.startswith(self._ours) and not is_own:
            return False
        if chosen is not None:
            return chosen
        return is_own or not is_foreign(path)
