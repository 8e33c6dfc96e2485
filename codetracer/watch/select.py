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
"""The events that enter or leave a frame; the depth is counted with them."""


def available_events(events: MonitoringEvents) -> dict[str, EventSet]:
    """Return the events of the running interpreter by their names, in the order of the spec.

    A name can stand for several events: since 3.14, ``branch`` means ``branch_left`` and
    ``branch_right``, because CPython does not allow BRANCH together with them.

    Parameters:
        events: the events of the running interpreter.
    """
    available: dict[str, EventSet] = {event_name(name): event for name, event in events}
    for display in EVENT_DISPLAYS:
        if others := _union(getattr(events, name) for name in display.stands_for):
            available[event_name(display.event)] = others
    return available


def select_events(text: str, events: MonitoringEvents) -> EventSet:
    """Return the events that a list names.

    Parameters:
        text: names separated by commas, such as ``start,return``; ``py_start`` is the same as
            ``start``, and ``all`` means every event. Case and blanks do not matter.
        events: the events of the running interpreter.

    Raises:
        ValueError: a name is unknown, or the running interpreter lacks the event. The message lists
            the allowed names.
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
    """Selects the files that are shown, by the file names of code objects.

    By default these are the program's own files: all files outside the standard library,
    ``site-packages`` and codetracer; the file that runs as ``__main__``, wherever it is; and text
    that any of these compiles and runs.

    Parameters:
        include: globs; if there are any, exactly the files that match one are shown, except
            codetracer's.
        exclude: globs; files that match one are not shown.

    `FileGlobs` describes how globs match.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._globs = FileGlobs(include, exclude)
        # The script that started codetracer, whose frames are below the program's.
        starter = getattr(sys.modules["__main__"], "__file__", None)
        self._ours = (
            *OURS,
            *([os.path.abspath(starter)] if starter else []),
        )

    def selects(self, path: str, *, is_own: bool) -> bool:
        """Return whether a file is shown.

        Parameters:
            path: the absolute path, or a name in angle brackets for code that comes from no file.
            is_own: whether the file is known to be the program's own; if not, its path decides.
        """
        chosen = self._globs.choose(path)
        if path.startswith(self._ours) and not is_own:
            return False
        if chosen is not None:
            return chosen
        return is_own or not is_foreign(path)
