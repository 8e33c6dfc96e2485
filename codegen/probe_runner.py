"""Run probes in a CPython: each in a process of its own, several at a time, with a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codegen.probes import FAILED, Probe

_KIT = Path(__file__).with_name("probe_kit.py")
TIMEOUT = "timeout"
"""The outcome of a probe that did not end in time."""

TIME_LIMIT_S = 10.0
"""How long one probe may take; they take a fraction of a second."""


def run_probes(
    probes: Sequence[Probe], python: str, time_limit_s: float = TIME_LIMIT_S
) -> dict[str, str]:
    """Return the outcome of each probe in the interpreter `python`, by the probe's name.

    Whatever a program does is an outcome, a crash of the interpreter too.
    """
    workers = 2 * (os.cpu_count() or 1)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        outcomes = list(pool.map(lambda probe: run_probe(probe, python, time_limit_s), probes))
    # A machine that is busy is no outcome: what took too long has a second try, alone.
    return {
        probe.name: run_probe(probe, python, time_limit_s) if outcome == TIMEOUT else outcome
        for probe, outcome in zip(probes, outcomes, strict=True)
    }


def run_probe(probe: Probe, python: str, time_limit_s: float = TIME_LIMIT_S) -> str:
    """Return the outcome of one probe in the interpreter `python`."""
    try:
        done = subprocess.run(
            # -S: what site imports is none of the probe's business.
            [python, "-I", "-S", str(_KIT)],
            input=probe.program,
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
