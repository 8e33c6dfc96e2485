"""Steps, exceptions and outputs have their times, as calls and returns do."""

from pathlib import Path

import pytest

import codetracer
from codetracer.replay import OutputEvent, RaiseEvent, StepEvent
from tests.support.recordings import record

SLEEPS = """\
import sys, time
time.sleep(0.03)
time.sleep(0.03)
a = 1
b = 2
try: time.sleep(0.03), a / 0
except ZeroDivisionError: pass
sys.stdout.write((time.sleep(0.03), 'end')[1])
"""
LEAST = 30_000_000
"""Nanoseconds that a call of sleep takes at least."""


@pytest.mark.slow
def test_what_comes_after_a_while_without_calls_has_the_time_when_it_came(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, SLEEPS, "--io-capture=proxies", backend=backend)

    trace = codetracer.read(tmp_path / "out")
    events = [event for event in trace if isinstance(event, StepEvent | RaiseEvent | OutputEvent)]
    steps = {event.line: event.time_ns for event in events if isinstance(event, StepEvent)}
    raised = next(event.time_ns for event in events if isinstance(event, RaiseEvent))
    output = next(event.time_ns for event in events if isinstance(event, OutputEvent))
    assert steps[3] - steps[2] >= LEAST <= steps[4] - steps[3]
    assert raised - steps[6] >= LEAST <= output - steps[8]
