"""Probe a live interpreter, and say how one observed interpreter differs from another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from codegen.errors import CodegenError
from codegen.model import Spec
from codegen.observation import Observation, ObservedEvent

_PROBE = Path(__file__).with_name("probe.py")
_TIME_LIMIT_S = 60


def observe(spec: Spec, python: str = sys.executable) -> Observation:
    """Run every event's program in the interpreter `python` under the raw API; return what it did.

    The probe runs in a process of its own, isolated from the environment, with a time limit.

    Raises:
        CodegenError: the interpreter cannot be run, has no sys.monitoring, crashed, or took too
            long.
    """
    programs = {event.name: event.program for event in spec.event}
    try:
        done = subprocess.run(
            [python, "-I", str(_PROBE)],
            input=json.dumps(programs),
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CodegenError(f"{python}: cannot be observed: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CodegenError(
            f"{python}: the probe ended with status {done.returncode}: {reason};"
            " CPython 3.12 or newer is needed"
        )
    try:
        return Observation.model_validate_json(done.stdout)
    except ValidationError as error:
        raise CodegenError(f"{python}: the probe's answer cannot be read: {error}") from error


def describe_changes(spec: Spec, old: Observation, new: Observation) -> str:
    """Return, as text, what changed in sys.monitoring from `old` to `new`.

    An event of `new` that the spec does not know is followed by a draft of its row.
    """
    lines = [f"# sys.monitoring, CPython {old.release} -> {new.release}"]
    lines += _changes(old, new)
    if len(lines) == 1:
        lines.append("nothing changed")
    known = spec.by_name()
    for name, event in new.event.items():
        if name not in known:
            lines += ["", draft_row(name, event, new.version)]
    return "\n".join(lines) + "\n"


def draft_row(name: str, event: ObservedEvent, version: str) -> str:
    """Return the spec row of an event that the spec does not know, as far as it can be observed."""
    scope = "local" if event.local else "other" if event.settable else "ancillary"
    lines = [
        f"# draft: {name} is not in the spec; complete this row and add it to spec/events.toml",
        "[[event]]",
        f'name = "{name}"',
        f'handler = "on_{name.lower()}"',
        f'since = "{version}"',
        f"arguments = {_draft_arguments(event.types)}",
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
        'summary = "…"',
        "notes = []",
        'program = """…"""' + ("" if event.fired else "  # no program of the spec fired it"),
    ]
    return "\n".join(lines)


def _draft_arguments(types: list[str]) -> str:
    names = {0: "code", 1: "offset"}
    drafted = [names.get(index, f"argument{index}") for index in range(len(types))]
    seen = f"  # seen: {', '.join(types)}" if types else ""
    return f"{json.dumps(drafted or ['code'])}{seen}"


def _changes(old: Observation, new: Observation) -> Iterator[str]:
    for name in sorted(old.event.keys() - new.event.keys()):
        yield f"- {name}: gone"
    for name, after in new.event.items():
        before = old.event.get(name)
        if before is None:
            yield f"+ {name}: new, id {after.id}, arguments {', '.join(after.types) or 'not seen'}"
            continue
        for field in ObservedEvent.model_fields:
            was, now = getattr(before, field), getattr(after, field)
            if was != now:
                yield f"  {name}: {field} {_show(was)} -> {_show(now)}"


def _show(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
