"""Programs recorded by the peer and by each engine of codetracer."""

from pathlib import Path
from typing import NamedTuple

from codetracer.monitoring.backend import BACKENDS, VARIABLE
from tests.support import peer
from tests.support.equality import Recording, ours
from tests.support.running import Outcome, execute, write


class Pair(NamedTuple):
    """One program, recorded twice."""

    theirs: Recording
    mine: Recording


class Recorded(NamedTuple):
    """One program, recorded by the peer and by each of our engines."""

    theirs: Recording
    mine: dict[str, Recording]


def record(folder: Path) -> Outcome:
    """Record ``app.py`` with each engine, into the folder of its name; all do the same outside."""
    outcomes = []
    for backend in BACKENDS:
        outcomes.append(
            execute(
                *("-m", "codetracer", "record", "-q", "-o", "ours", "--io-capture=off", "app.py"),
                cwd=folder,
                environ={"PYTHONHASHSEED": "0", VARIABLE: backend},
            )
        )
        (folder / "ours").rename(folder / backend)
    assert outcomes == [outcomes[0]] * len(outcomes)
    return outcomes[0]


def recorded_by_all(folder: Path, files: dict[str, str]) -> Recorded:
    """Write a program, record it with the peer and with each engine, and return the recordings."""
    write(folder, files)
    theirs = peer.record(folder / "app.py", folder / "theirs")
    unrecorded = execute("app.py", cwd=folder)
    outcome = record(folder)
    assert outcome.code == unrecorded.code, outcome.stderr
    return Recorded(theirs, {backend: ours(folder / backend, folder) for backend in BACKENDS})
