"""Harsh programs recorded, each once: they do what they do unrecorded, and lose nothing.

`make stress` does the same for longer, with other seeds.
"""

import pytest

from tests.stress.programs import FROM_PYPI
from tests.stress.recording import NAMES, SCRIPT_NAMES, compare

pytestmark = [pytest.mark.fresh, pytest.mark.slow]

COUNTED = {
    "asynchronous": {"asynchronous exceptions set": 40, "asynchronous exceptions seen": 40},
    "descriptors": {"files of their own": 85},
    "forks": {"forks": 12},
    "memory": {"times that memory was full": 3},
    # How many there are, and how often they are called, depends on the version of CPython.
    "patched": {"functions replaced": 300, "calls of them": 100},
    "stacks": {"times that the stack was full": 8},
    "time_outs": {"time-outs raised": 60, "time-outs seen": 60},
}
"""The least that each script counts: with less it has done nothing harsh."""

SLOW = {"forks", "memory"}
"""Others test recorded forks and full memory, in less time."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.network] * (name in FROM_PYPI) + [pytest.mark.slow] * (name in SLOW),
        )
        for name in NAMES
    ],
)
def test_a_harsh_program_does_recorded_what_it_does_unrecorded(name: str, backend: str) -> None:
    wrong, figures = compare(name, len(name), backend)

    assert wrong is None, wrong
    least = COUNTED[name] if name in SCRIPT_NAMES else {}
    assert figures.keys() == least.keys()
    assert all(figures[what] >= count for what, count in least.items()), figures
    assert figures["time-outs raised"] == figures["time-outs seen"]
    assert figures["asynchronous exceptions set"] == figures["asynchronous exceptions seen"]
