"""Observes the behaviour of a CPython, this one or another.

Two scripts of `codegen.inside` run in it: one for all events, the other once for each probe.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from codegen.core.errors import CodegenError
from codegen.observe.observation import FAILED, TIMEOUT, Observation

_INSIDE = Path(__file__).parent.parent / "inside"
_EVENT_OBSERVER = _INSIDE / "event_observer.py"
_PROBE_VOCABULARY = _INSIDE / "probe_vocabulary.py"

EVENTS_TIME_LIMIT_S = 60.0
"""The time limit for the programs of all events together, in seconds."""

PROBE_TIME_LIMIT_S = 10.0
"""The time limit for one probe, in seconds; a probe takes a fraction of a second."""

type Programs = Mapping[str, str]
"""Programs by the name of an event or of a probe."""

NO_PROGRAMS: Programs = MappingProxyType({})


def observe(
    events: Programs, python: str = sys.executable, probes: Programs = NO_PROGRAMS
) -> Observation:
    """Run the programs of events and the probes in an interpreter; return the observation.

    Each process is isolated from the environment and has a time limit. The programs use
    sys.monitoring directly, without codetracer.

    Parameters:
        events: the programs of the events.
        python: the path of the interpreter.
        probes: the programs of the probes.

    Raises:
        CodegenError: the interpreter cannot be run, has no sys.monitoring, crashed, or took too
            long.
    """
    try:
        done = subprocess.run(
            [python, "-I", str(_EVENT_OBSERVER)],
            input=json.dumps(dict(events)),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=EVENTS_TIME_LIMIT_S,
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


def run_probes(
    probes: Programs, python: str, time_limit_s: float = PROBE_TIME_LIMIT_S
) -> dict[str, str]:
    """Return the outcome of each probe in the interpreter `python`, by the probe's name.

    Each probe runs in its own process, several at a time. Everything that a program does is an
    outcome, even a crash of the interpreter.
    """

    def run(program: str) -> str:
        return run_probe(program, python, time_limit_s)

    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        outcomes = dict(zip(probes, pool.map(run, probes.values()), strict=True))
    # A probe that took too long runs again alone, because the machine may only have been busy.
    return {
        name: run(probes[name]) if outcome == TIMEOUT else outcome
        for name, outcome in outcomes.items()
    }


def run_probe(program: str, python: str, time_limit_s: float = PROBE_TIME_LIMIT_S) -> str:
    """Return the outcome of one probe's program in the interpreter `python`."""
    try:
        done = subprocess.run(
            # -S: without the modules that site would import.
            [python, "-I", "-S", str(_PROBE_VOCABULARY)],
            input=program,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TIMEOUT
    if done.returncode < 0:
        return f"crash: {_signal_name(-done.returncode)}"
    if done.returncode > 0:
        return f"{FAILED}{(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    lines = done.stdout.splitlines()
    return lines[0] if len(lines) == 1 else f"{FAILED}it printed {len(lines)} lines"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
