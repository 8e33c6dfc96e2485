"""Formats an event as a line of text or of JSON.

JSON lines are objects with these keys, in this order:

- ``event``: its name, as on the command line: ``start``, ``line``, ``return``, …
- ``time_ns``: nanoseconds since tracing began, by the monotonic clock.
- ``pid``: the process.
- ``thread``: ``name`` and ``ident`` (as `threading.get_ident`) of the thread.
- ``depth``: how many of the program's frames are below this one; 0 is the main module's.
- ``file``: absolute path, or a name in angle brackets.
- ``line``: line number, from 1.
- ``function``: qualified name of the function, ``<module>`` at the top level.
- then the event's own arguments, as far as it has them:
    - ``offset``, ``destination``: positions in the bytecode, in bytes; ``destination_line``.
    - ``arguments``: of the ``start`` of a function, its parameters by name, their values as text.
    - ``retval``, ``exception``, ``callable``, ``arg0``: values as text. ``arg0`` is missing when
      the call has no first argument.
    - ``opname``: of an ``instruction``.

Values are described as text, for to look at one closely is to run the program's code.
"""

from __future__ import annotations

import json
import re

from codetracer.inspect.threading_names import name_of_thread
from codetracer.watch.select import FRAME_EVENTS, event_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Final

    from codetracer.watch.sources import Sources

__all__ = ["Event", "JsonLines", "TextLines"]

FRAME_NAMES: Final = frozenset(map(event_name, FRAME_EVENTS))

DEEPEST_INDENT: Final = 40
"""Levels; deeper ones are shown as a number, so that lines of a deep recursion stay readable."""

BRACKETS: Final = re.compile(r"\[(.*?)\]")
BRACES: Final = re.compile(r"\{(\w+)\}")
"""The parts in brackets and in braces in the text of an event."""

WIDEST_PLACE: Final = 40
"""Characters of the column ``file:line``; a place that is longer moves its own line only."""


class Event:
    """One event, ready to be shown.

    Attributes:
        name: as on the command line.
        details: the event's own arguments by key, see above.
        text: the text from its row in spec/events.toml.
        label: short name of the file.
        ident: of the thread, as `threading.get_ident`.
        in_main_thread: it is the main thread.
        in_first_process: it is the process that tracing began in, not a forked child.
    """

    __slots__ = (
        "code",
        "depth",
        "details",
        "ident",
        "in_first_process",
        "in_main_thread",
        "label",
        "line",
        "name",
        "path",
        "pid",
        "text",
        "time_ns",
    )

    code: CodeType
    depth: int
    details: dict[str, Any]
    ident: int
    in_first_process: bool
    in_main_thread: bool
    label: str
    line: int
    name: str
    path: str
    pid: int
    text: str
    time_ns: int


class JsonLines:
    """One JSON object a line."""

    def render(self, event: Event) -> str:
        """Return the line, with its end."""
        fields: dict[str, object] = {
            "event": event.name,
            "time_ns": event.time_ns,
            "pid": event.pid,
            "thread": {"name": name_of_thread(event.ident), "ident": event.ident},
            "depth": event.depth,
            "file": event.path,
            "line": event.line,
            "function": event.code.co_qualname,
        }
        return json.dumps(fields | event.details, ensure_ascii=False, separators=(",", ":")) + "\n"


class TextLines:
    """Place, event and description, indented by depth.

    Parameters:
        names: the names of the possible events, to align the text after them.
        sources: where the lines of the program's code come from.
    """

    def __init__(self, names: list[str], sources: Sources) -> None:
        self._sources = sources
        self._name_width = max(map(len, names), default=0)
        self._place_width = 0

    def render(self, event: Event) -> str:
        """Return the line, with its end."""
        place = f"{event.label}:{event.line}"
        # With room for three digits at once, so that the columns move seldom.
        wanted = len(event.label) + len(":123")
        if self._place_width < wanted <= WIDEST_PLACE:
            self._place_width = wanted
        level = event.depth if event.name in FRAME_NAMES else event.depth + 1
        indent = "  " * min(level, DEEPEST_INDENT)
        if level > DEEPEST_INDENT:
            indent += f"(+{level - DEEPEST_INDENT}) "
        marks = "" if event.in_first_process else f"[pid {event.pid}] "
        marks += "" if event.in_main_thread else f"[{name_of_thread(event.ident)}] "
        line = (
            f"{place:<{self._place_width}}  {event.name:<{self._name_width}}  "
            f"{marks}{indent}{self._content(event)}"
        )
        return (line if line.isprintable() else _escape(line)).rstrip() + "\n"

    def _content(self, event: Event) -> str:
        values = {"function": event.code.co_qualname, **event.details}
        if "{source}" in event.text:
            values["source"] = self._sources.line(event.code, event.path, event.line)
        if "arguments" in values:
            given = values["arguments"].items()
            values["arguments"] = ", ".join(f"{name}={value}" for name, value in given)
        # Every second part is in brackets: left out where one of its values is missing.
        parts = BRACKETS.split(event.text)
        for index in range(1, len(parts), 2):
            if not all(name in values for name in BRACES.findall(parts[index])):
                parts[index] = ""
        return "".join(parts).format_map(values)


def _escape(line: str) -> str:
    """Return `line` with nothing in it that a terminal would act on."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in line
    )
