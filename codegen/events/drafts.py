"""Drafts a row for an event that the spec lacks."""

from __future__ import annotations

import json

from codegen.events.model import EventsSpec
from codegen.observe.observation import ObservedEvent


def draft_row(spec: EventsSpec, name: str, event: ObservedEvent, version: str) -> str:
    """Return a draft of the row of an event, with the keys that can be observed.

    Parameters:
        spec: the spec, which lacks the event.
        name: the event's name.
        event: the observation of it.
        version: the minor version that was observed, such as ``3.14``.
    """
    scope = "local" if event.local else "other" if event.settable else "ancillary"
    lines = [
        f"# draft: {name} is not in the spec; complete this row and add it to spec/events.toml",
        "[[event]]",
        f'name = "{name}"',
        f'handler = "on_{name.lower()}"',
        f'since = "{version}"',
        f"arguments = {_draft_arguments(spec, event.types)}",
        f'scope = "{scope}"',
    ]
    if scope == "ancillary":
        lines.append('ancillary_of = "CALL"  # the event that brings it along')
    lines += {
        "silenced": ['disable = "location"', f'disable_since = "{version}"'],
        "ignored": ['disable = "code"', f'disable_since = "{version}"'],
        "error": ['disable = "never"'],
        "not fired": ['disable = "never"  # not seen to fire'],
    }[event.disable_global]
    lines += [
        'shown = "{function}"',
        'summary = "…"',
        "notes = []",
        'program = """…"""' + ("" if event.fired else "  # no program of the spec fired it"),
    ]
    return "\n".join(lines)


def _draft_arguments(spec: EventsSpec, seen: list[str]) -> str:
    """Return the arguments of the row that fits these types best, or placeholders for names."""
    fitting = [event for event in spec.event if spec.accepts(event, seen)]
    if fitting:
        # The row with the fewest arguments of type object is the most specific one.
        best = min(fitting, key=lambda event: spec.types(event).split(", ").count("object"))
        return f"{json.dumps(best.arguments)}  # seen: {', '.join(seen)}, as in {best.name}"
    drafted = ["code", *(f"argument{index}" for index in range(1, len(seen)))]
    return f"{json.dumps(drafted)}  # seen: {', '.join(seen) or 'nothing'}"
