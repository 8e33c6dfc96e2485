"""How each event is shown to people who watch a program run."""

from __future__ import annotations

from codetracer_bindings.display_rows import DISPLAY_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

__all__ = ["EVENT_DISPLAYS", "EventDisplay"]


class EventDisplay:
    """What is shown of one event.

    Attributes:
        event: the event's name.
        handler: the name of the handler.
        parameters: what the handler takes after ``code``, each with how it is shown.
        frame: whether the event enters its frame, leaves it, or does neither.
        text: what is shown as text: names in braces stand for values, and what is in brackets is
            left out where one of its values is missing.
        extras: the names in `text` that are no parameters and belong to the event.
        unasked: whether it is shown unless events are chosen.
        may_silence: whether returning DISABLE silences the location.
        stands_for: the names of the events that it is an alias of, where these exist.
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
