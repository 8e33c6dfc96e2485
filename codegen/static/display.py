"""Describes how each event is shown to a person who watches a program run."""

from __future__ import annotations

from codetracer_bindings.display_rows import DISPLAY_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

__all__ = ["EVENT_DISPLAYS", "EventDisplay"]


class EventDisplay:
    """The way in which one event is shown.

    Attributes:
        event: the event's name.
        handler: the name of the handler.
        parameters: the handler's parameters after ``code``, each with the way to show it.
        frame: whether the event enters its frame, leaves it, or does neither.
        text: the text: names in braces stand for values, and a part in brackets is left out if
            one of its values is missing.
        extras: the names in `text` that belong to the event but are not its parameters.
        unasked: whether it is shown if the user chooses no events.
        may_silence: whether returning DISABLE silences the location.
        stands_for: the names of the events that it is an alias of, if these exist.
    """

    __slots__ = (
        "event",
        "extras",
        "frame",
        "handler",
        "may_silence",
        "parameters",
        "stands_for",
        "text",
        "unasked",
    )

    def __init__(
        self,
        event: str,
        handler: str,
        parameters: tuple[tuple[str, str], ...],
        frame: Literal["enter", "leave", "stay"],
        text: str,
        extras: tuple[str, ...],
        unasked: bool,
        may_silence: bool,
        stands_for: tuple[str, ...],
    ) -> None:
        self.event = event
        self.handler = handler
        self.parameters = parameters
        self.frame = frame
        self.text = text
        self.extras = extras
        self.unasked = unasked
        self.may_silence = may_silence
        self.stands_for = stands_for


EVENT_DISPLAYS: Final = tuple(EventDisplay(*row) for row in DISPLAY_ROWS)
