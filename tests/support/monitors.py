"""Tracers and monitors for tests with several of them."""

from collections.abc import Callable, Iterator
from types import CodeType

import pytest

from codetracer import (
    Monitor,
    Tracer,
)
from codetracer.policy import RecorderPolicy
from codetracer_bindings.events import EVENTS

LOCAL = EVENTS.LINE | EVENTS.PY_START


class Names(Tracer):
    """Notes in which functions of this file which events happen; silences them if it shall."""

    def __init__(self, outcome: object = None) -> None:
        self.events: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.outcome = outcome

    def note(self, event: str, code: CodeType) -> object:
        if code.co_filename == __file__ and code.co_name in ("one", "two"):
            self.events.append((event, code.co_name))
            return self.outcome
        return None

    def on_py_start(self, code: CodeType, offset: int) -> object:
        return self.note("start", code)

    def on_line(self, code: CodeType, line: int) -> object:
        return self.note("line", code)

    def notify_failure(self) -> None:
        self.calls.append("failed")

    def flush(self) -> None:
        self.calls.append("flush")

    def finish(self) -> None:
        self.calls.append("finish")

    def taken(self) -> list[tuple[str, str]]:
        """Return what was noted since the last time."""
        events, self.events = self.events, []
        return events


def one() -> int:
    return 1


def two() -> int:
    return 2


ONE = [("start", "one"), ("line", "one")]

TWO = [("start", "two"), ("line", "two")]


@pytest.fixture
def monitors() -> Iterator[Callable[..., Monitor]]:
    """Make monitors that are uninstalled when the test ends."""
    made: list[Monitor] = []

    def make(name: str = "a tool", slot: int | None = None, policy: str = "abort") -> Monitor:
        made.append(Monitor(name, slot=slot, policy=RecorderPolicy({"on_recorder_error": policy})))
        return made[-1]

    yield make
    for monitor in made:
        monitor.uninstall()
