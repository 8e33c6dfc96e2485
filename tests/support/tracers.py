"""Tracers and helpers that several tests of the monitoring layer use."""

from types import CodeType
from typing import Any

import pytest

from codetracer import Tracer, UsageError, install_tracer
from tests.support.slots import slots


class Noting(Tracer):
    """Notes its events, and the lines of programs."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.lines = 0

    def on_line(self, code: CodeType, line: int) -> None:
        self.lines += code.co_filename.startswith("<program")

    def set_exit_status(self, code: int | None) -> None:
        self.calls.append(code)

    def flush(self) -> None:
        self.calls.append("flush")

    def finish(self) -> None:
        self.calls.append("finish")


def error_of(tracer: Tracer, **arguments: Any) -> UsageError:
    before = slots()
    with pytest.raises(UsageError) as caught:
        install_tracer(tracer, **arguments)
    assert slots() == before
    assert caught.value.code == "ERR_TRACER_INSTALL_CONFLICT"
    return caught.value
