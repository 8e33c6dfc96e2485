"""Formats an event as a line of text or of JSON.

JSON lines are objects with these keys, in this order:

- ``event``: the event's name on the command line: ``start``, ``line``, ``return``, …
- ``time_ns``: nanoseconds since tracing began, by the monotonic clock.
- ``pid``: the number of the process.
- ``thread``: the ``name`` and the ``ident`` (of `threading.get_ident`) of the thread.
- ``depth``: how many of the program's frames are below this one; 0 is the main module's.
- ``file``: the absolute path, or a name in angle brackets.
- ``line``: the line number, from 1.
- ``function``: the qualified name of the function; ``<module>`` at the top level.
- then the event's own arguments, if it has them:
    - ``offset``, ``destination``: byte offsets in the bytecode; ``destination_line``: a line.
    - ``arguments``: for the ``start`` of a function, its parameters by name, with values as text.
    - ``retval``, ``exception``, ``callable``, ``arg0``: values as text. ``arg0`` is missing if the
      call has no first argument.
    - ``opname``: the name of the instruction, for ``instruction``.

Values are short texts, because looking into an object may run code of the program.
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
"""The largest number of indented levels; deeper lines show the rest as a number."""

BRACKETS: Final = re.compile(r"\[(.*?)\]")
BRACES: Final = re.compile(r"\{(\w+)\}")
"""Match the parts in brackets and in braces in the text of an event."""

WIDEST_PLACE: Final = 40
"""The largest width of the column ``file:line``; a longer place shifts only its own line."""


class Event:
    """One event, ready to be shown.

    Attributes:
        name: the event's name on the command line.
        details: the event's own arguments by key; the module's docstring lists them.
        text: the text of its row in spec/events.toml.
        label: the short path of the file; `path` is the absolute one.
        ident: the thread's `threading.get_ident`.
        in_main_thread: whether the thread is the main thread.
        in_first_process: whether tracing began in this process; False in a forked child.
        code, depth, line, pid, time_ns: as in the module's docstring; `code` is the code object.
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
    """Formats each event as a line with a JSON object."""

    def render(self, event: Event) -> str:
        """Return the line of an event, with its line end."""
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
    """Formats each event as a line with its place, its name and a description.

    The description is indented by the depth of the frame.

    Parameters:
        names: the names of the possible events, for the width of their column.
        sources: reads the lines of the program's code.
    """

    def __init__(self, names: list[str], sources: Sources) -> None:
        self._sources = sources
        self._name_width = max(map(len, names), default=0)
        self._place_width = 0

    def render(self, event: Event) -> str:
        """Return the line of an event, with its line end."""
        place = f"{event.label}:{event.line}"
        # With room for three digits from the start, so that the columns move rarely.
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
        # Every second part was in brackets; it is left out if one of its values is missing.
        parts = BRACKETS.split(event.text)
        for index in range(1, len(parts), 2):
            if not all(name in values for name in BRACES.findall(parts[index])):
                parts[index] = ""
        return "".join(parts).format_map(values)


def _escape(line: str) -> str:
    """Return `line` with control characters escaped, so that a terminal does not act on them."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in line
    )
