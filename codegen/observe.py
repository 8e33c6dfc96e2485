"""Probe a live interpreter, and say how one observed interpreter differs from another."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from codegen.errors import CodegenError
from codegen.model import Event, Spec
from codegen.observation import Observation, ObservedEvent
from codegen.probe_runner import run_probes
from codegen.probes import NOT_APPLICABLE, Change, Probe

_PROBE = Path(__file__).with_name("probe.py")
_TIME_LIMIT_S = 60


def observe(spec: Spec, python: str = sys.executable, probes: Sequence[Probe] = ()) -> Observation:
    """Run every event's program in the interpreter `python` under the raw API; return what it did.

    Then run `probes`. Each process is isolated from the environment and has a time limit.

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
            encoding="utf-8",
            errors="replace",
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
        observation = Observation.model_validate_json(done.stdout)
    except ValidationError as error:
        raise CodegenError(
            f"{python}: the probe's answer cannot be read: {error.errors()[0]['msg']};"
            " CPython 3.12 or newer is needed"
        ) from error
    return observation.model_copy(update={"probe": run_probes(probes, python)})


def describe_changes(
    spec: Spec, probes: Sequence[Probe], old: Observation, new: Observation
) -> str:
    """Return, as text, what changed in sys.monitoring from `old` to `new`.

    First the events, then the behaviour that `probes` found, by event. An event of `new` that the
    spec does not know is followed by a draft of its row.
    """
    lines = [f"# sys.monitoring, CPython {old.release} -> {new.release}"]
    lines += event_changes(old, new)
    for subject, changes in behaviour_changes(spec, probes, old, new).items():
        lines.append(subject)
        lines += [
            f"  behaviour: {probe.question} {before} -> {after}" for probe, before, after in changes
        ]
    if len(lines) == 1:
        lines.append("nothing changed")
    known = spec.by_name()
    for name, event in new.event.items():
        if name not in known:
            lines += ["", draft_row(spec, name, event, new.version)]
    return "\n".join(lines) + "\n"


def event_changes(old: Observation, new: Observation) -> Iterator[str]:
    """Yield a line for each event that is new, gone or different, and how."""
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


def behaviour_changes(
    spec: Spec, probes: Sequence[Probe], old: Observation, new: Observation
) -> dict[str, list[Change]]:
    """Return the probes whose outcomes differ, by what they are about, in the order of the spec.

    Left out are probes that were not run on both, and those about events that only one of the two
    has: that the event is new or gone says it.
    """
    changes: dict[str, list[Change]] = {event.name: [] for event in spec.event}
    for probe in probes:
        before, after = old.probe.get(probe.name), new.probe.get(probe.name)
        lacking = [e for e in probe.events if (e in old.event) != (e in new.event)]
        if before is None or after is None or before == after:
            continue
        if lacking and NOT_APPLICABLE in (before, after):
            continue
        changes.setdefault(probe.subject, []).append(Change(probe, before, after))
    return {subject: found for subject, found in changes.items() if found}


def same_types(spec: Spec, event: Event, seen: Sequence[str]) -> bool:
    """Tell whether arguments of types named `seen` are what the spec says of `event`."""
    declared = [spec.argument[name].type for name in event.arguments]
    return len(declared) == len(seen) and all(map(_is_a, seen, declared))


def draft_row(spec: Spec, name: str, event: ObservedEvent, version: str) -> str:
    """Return the spec row of an event that the spec does not know, as far as it can be observed."""
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


def _draft_arguments(spec: Spec, seen: list[str]) -> str:
    """Return the arguments of the row that these types fit best; names to be given if none does."""
    fitting = [event for event in spec.event if same_types(spec, event, seen)]
    if fitting:
        # The fewer are declared as any object, the more the row says.
        best = min(fitting, key=lambda event: spec.types(event).split(", ").count("object"))
        return f"{json.dumps(best.arguments)}  # seen: {', '.join(seen)}, as in {best.name}"
    drafted = ["code", *(f"argument{index}" for index in range(1, len(seen)))]
    return f"{json.dumps(drafted)}  # seen: {', '.join(seen) or 'nothing'}"


def _is_a(seen: str, expected: str) -> bool:
    """Tell whether an object of a type named `seen` is what the spec calls `expected`."""
    if expected == "BaseException":
        found = getattr(builtins, seen, None)
        return isinstance(found, type) and issubclass(found, BaseException)
    return {"CodeType": "code", "int": "int"}.get(expected, seen) == seen


def _show(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
