"""Nothing grows: not with installs, not with events, not with errors."""

import gc
import sys
from types import CodeType

import pytest

from codetracer import DISABLE, Tracer, configure_policy, installed
from tests.support.programs import compiled


def growth(step: "Step", repeats: int) -> float:
    """Return the blocks of memory that a step leaves behind, after many to fill all caches.

    A leak is one at least. Caches that grow once, by some 200 blocks at any time, come to less.
    """
    for _ in range(repeats):
        step.once()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(repeats):
        step.once()
    gc.collect()
    return (sys.getallocatedblocks() - before) / repeats


class Step:
    """Something that is done again and again."""

    def once(self) -> None:
        raise NotImplementedError


class Everything(Tracer):
    def on_py_start(self, code: CodeType, offset: int) -> None: ...
    def on_py_return(self, code: CodeType, offset: int, retval: object) -> None: ...
    def on_line(self, code: CodeType, line: int) -> object:
        return "means nothing"

    def on_call(self, code: CodeType, offset: int, callable: object, arg0: object) -> None: ...
    def on_raise(self, code: CodeType, offset: int, exception: BaseException) -> None: ...


@pytest.mark.slow
def test_installing_and_uninstalling_leaves_no_memory_behind() -> None:
    tracer = Everything()

    class InstallAndUninstall(Step):
        def once(self) -> None:
            with installed(tracer):
                pass

    assert growth(InstallAndUninstall(), 2000) < 0.5
    references = sys.getrefcount(tracer)
    growth(InstallAndUninstall(), 100)
    assert sys.getrefcount(tracer) == references


@pytest.mark.slow
def test_events_leave_no_memory_behind() -> None:
    program = compiled("exceptions")

    def say_nothing(*_: object) -> None: ...

    class RunProgram(Step):
        def once(self) -> None:
            exec(program, {"print": say_nothing})

    with installed(Everything()):
        assert growth(RunProgram(), 5000) < 0.5


@pytest.mark.slow
def test_failing_and_disabling_handlers_leave_no_memory_behind() -> None:
    program = compiled("loops")
    configure_policy(on_recorder_error="disable", log_level="off")

    class Failing(Tracer):
        def on_line(self, code: CodeType, line: int) -> object:
            if code is not program:
                return None
            if line < 4:
                return DISABLE
            raise LookupError("a bug in the handler")

    def say_nothing(*_: object) -> None: ...

    class FailOnce(Step):
        def once(self) -> None:
            with installed(Failing()):
                exec(program, {"print": say_nothing})

    try:
        assert growth(FailOnce(), 1000) < 0.5
    finally:
        configure_policy(log_level="warning")
