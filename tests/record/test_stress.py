"""Harsh programs recorded, each once: they do what they do unrecorded, and lose nothing.

`make stress` does the same for longer, with other seeds.
"""

import pytest

from codetracer.monitoring.backend import BACKENDS
from tests.stress.programs import FROM_PYPI
from tests.stress.recording import NAMES, compare

SCARCE = {"time-outs raised": 60, "asynchronous exceptions set": 40, "forks": 12}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.network if name in FROM_PYPI else ()) for name in NAMES],
)
def test_a_harsh_program_does_recorded_what_it_does_unrecorded(name: str, backend: str) -> None:
    wrong, figures = compare(name, len(name), backend)

    assert wrong is None, wrong
    assert all(figures[what] in (0, count) for what, count in SCARCE.items())
    assert figures["time-outs raised"] == figures["time-outs seen"]
    assert figures["asynchronous exceptions set"] == figures["asynchronous exceptions seen"]
