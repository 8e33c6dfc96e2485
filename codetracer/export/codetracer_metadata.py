"""Writes the metadata files that CodeTracer 25.11 reads beside the events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.export.codetracer_values import clean

if TYPE_CHECKING:
    from codetracer.replay import Trace

__all__ = ["error", "metadata"]


def error(trace: Trace, problem: str | None) -> str | None:
    """Return a description of the error that ended the program, or of the recording's problem.

    Parameters:
        problem: why the recording is incomplete; None if it is complete.

    Returns:
        The label of an uncaught exception if there was one, else `problem`.
    """
    status = trace.metadata.get("exit_status")
    label = status.get("label") if isinstance(status, dict) else None
    if isinstance(label, str) and label.startswith("uncaught"):
        return label
    return problem


def metadata(trace: Trace, workdir: str) -> dict[str, object]:
    """Return the metadata for CodeTracer: the three keys it needs, and three that may be absent.

    Parameters:
        workdir: the absolute path of the working directory of the recorded program.
    """
    known = trace.metadata
    program, arguments = known.get("program"), known.get("args")
    if not isinstance(arguments, list):
        arguments = []
    found: dict[str, object] = {
        "workdir": clean(workdir),
        "program": clean(program) if isinstance(program, str) else "",
        "args": [clean(each) for each in arguments if isinstance(each, str)],
    }
    for key, source in (
        ("recording_id", "recording_id"),
        ("process_exit_status", "exit_status"),
        ("recorder", "recorder"),
    ):
        value = known.get(source)
        if isinstance(value, dict):
            found[key] = {clean(name): _plain(each) for name, each in value.items()}
        elif isinstance(value, str):
            found[key] = clean(value)
    return found


def _plain(value: object) -> object:
    """Return a str or an int of less than 64 bits; None for values that no recorder writes."""
    if isinstance(value, str):
        return clean(value)
    return value if isinstance(value, int) and value.bit_length() < 64 else None
