"""The rules for tracers and their handlers, and the errors for those that break them."""

import functools
import operator
import sys
from pathlib import Path
from types import CodeType
from typing import ClassVar

import pytest

from codetracer import (
    EventSet,
    Tracer,
    install_tracer,
    installed,
)
from codetracer.monitoring import Monitor, MonitoringEvents, events_union
from codetracer.monitoring.backend import BACKENDS
from codetracer.monitoring.codes import WeakCodes
from codetracer_bindings.events import EVENTS
from tests.support.programs import compiled, run
from tests.support.running import execute
from tests.support.slots import slot
from tests.support.tracers import Noting, error_of


def test_a_handler_for_an_event_this_interpreter_lacks_is_refused_by_name() -> None:
    class Left(Tracer):
        def on_branch_left(self, code: CodeType, offset: int, destination: int) -> None: ...

    if EVENTS.BRANCH_LEFT:
        with installed(Left()):
            assert slot(3).events == EVENTS.BRANCH_LEFT
    else:
        error = error_of(Left())
        assert "Left has on_branch_left" in str(error)
        assert "no event BRANCH_LEFT" in str(error)


class Branches(Tracer):
    """Works everywhere, because it says which of its handlers it wants."""

    def __init__(self) -> None:
        self.branches = 0

    def interest(self, events: MonitoringEvents, /) -> EventSet:
        return events_union(events.BRANCH_LEFT, events.BRANCH_RIGHT) or events.BRANCH

    def on_branch(self, code: CodeType, offset: int, destination: int) -> None:
        self.branches += 1

    def on_branch_left(self, code: CodeType, offset: int, destination: int) -> None:
        self.branches += 1

    def on_branch_right(self, code: CodeType, offset: int, destination: int) -> None:
        self.branches += 1


def test_a_tracer_that_chooses_in_interest_may_have_handlers_the_interpreter_lacks() -> None:
    tracer = Branches()
    with installed(tracer):
        run(compiled("loops"))

    assert tracer.branches > 0


def test_handlers_that_share_their_slots_are_refused_together() -> None:
    class Mixed(Branches):
        def interest(self, events: MonitoringEvents, /) -> EventSet:
            return events_union(events.BRANCH, events.BRANCH_LEFT)

    if EVENTS.BRANCH_LEFT:
        assert "on_branch and on_branch_left" in str(error_of(Mixed()))
    else:
        with installed(Mixed()):
            assert slot(3).callbacks.keys() == {"BRANCH"}


class Collecting:
    """Handlers that are no plain functions, each as a tracer may come to have them."""

    lines: ClassVar[list[tuple[object, ...]]] = []


def add(*arguments: object) -> None:
    Collecting.lines.append(arguments)


class PartialHandler(Tracer):
    def __init__(self) -> None:
        self.on_line = functools.partial(add)  # type: ignore[method-assign]


class CFunctionHandler(Tracer):
    on_line = operator.is_  # type: ignore[assignment]


class StaticHandler(Tracer):
    @staticmethod
    def on_line(*arguments: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        add(*arguments)


class ClassHandler(Tracer):
    @classmethod
    def on_line(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, *arguments: object
    ) -> None:
        add(*arguments)


class OwnHandler(Tracer):
    def __init__(self) -> None:
        self.on_line = add  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", [PartialHandler, StaticHandler, ClassHandler, OwnHandler])
def test_a_handler_need_not_be_a_plain_function(kind: type[Tracer]) -> None:
    Collecting.lines.clear()
    code = compiled("loops")
    with installed(kind()):
        run(code)

    seen = [arguments for arguments in Collecting.lines if arguments[0] is code]
    assert [arguments[1] for arguments in seen][:2] == [2, 3]


def test_a_handler_may_be_a_c_function() -> None:
    with installed(CFunctionHandler()):
        outcome = run(compiled("loops"))
        assert slot(3).callbacks.keys() == {"LINE"}

    assert outcome == run(compiled("loops"))


def test_a_handler_set_to_none_is_no_handler() -> None:
    class Quiet(Noting):
        on_line = None  # type: ignore[assignment]

        def on_jump(self, code: CodeType, offset: int, destination: int) -> None: ...

    with installed(Quiet()):
        assert slot(3).events == EVENTS.JUMP


@pytest.mark.parametrize("thing", [None, object(), Noting])
def test_what_is_no_tracer_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match=r"an instance of codetracer\.Tracer"):
        install_tracer(thing)  # type: ignore[arg-type]


def test_an_interest_that_is_no_set_of_events_is_refused() -> None:
    class Wrong(Noting):
        def interest(self, events: MonitoringEvents, /) -> EventSet:
            return "LINE"  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"Wrong\.interest"):
        install_tracer(Wrong())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("on_lines", "on_line"),
        ("on_Line", "on_line"),
        ("on_start", "on_py_start"),
        ("on_return", "on_py_return"),
        ("on_raised", "on_raise"),
        ("on_branches", "on_branch"),
        ("on_exception", "on_exception_handled"),
    ],
)
def test_a_handler_whose_name_is_almost_an_events_is_refused_with_the_right_one(
    wrong: str, right: str
) -> None:
    message = rf"{wrong} is not the handler of an event; did you mean {right}\?"
    with pytest.raises(TypeError, match=message):
        type("Misspelt", (Tracer,), {wrong: lambda *_: None})


@pytest.mark.parametrize("name", ["on_connect", "on_message", "once", "only_line"])
def test_a_method_with_another_name_is_left_alone(name: str) -> None:
    type("Fine", (Tracer,), {name: lambda *_: None})


def test_a_tracer_that_disables_or_watches_makes_no_weak_reference_of_the_programs() -> None:
    import weakref

    class Silent(Tracer):
        def on_line(self, code: CodeType, line: int) -> object:
            return sys.monitoring.DISABLE

    def everywhere() -> None:
        pass

    def watched() -> None:
        pass

    # Where nothing was compiled there is no other way.
    expected = 0 if "native" in BACKENDS else 1
    with installed(Silent()):
        everywhere()
        assert weakref.getweakrefcount(everywhere.__code__) == expected
    monitor = Monitor("watches")
    monitor.install(Silent(), everywhere=False)
    try:
        monitor.watch(watched)
        watched()
        assert weakref.getweakrefcount(watched.__code__) == expected
    finally:
        monitor.uninstall()


def test_without_the_engine_in_c_code_objects_are_known_by_weak_references() -> None:
    def function() -> None:
        pass

    codes = WeakCodes()
    codes.put(function.__code__, 7)
    codes.put(function.__code__, 8)
    kept = [compile(f"x = {number}", "<code>", "exec") for number in range(10)]
    for number in range(3000):
        codes.put(compile(f"x = {number}", "<program>", "exec"), 1)
    for code in kept:
        codes.put(code, 2)

    assert codes.items() == [(function.__code__, 8), *((code, 2) for code in kept)]

    codes.drop(kept.pop())
    assert len(codes.items()) == 10
    codes.clear()
    assert codes.items() == []


def test_an_engine_that_was_not_compiled_is_looked_for_once(tmp_path: Path) -> None:
    program = """
import sys
class Absent:
    @staticmethod
    def find_spec(name, *_):
        if name == "codetracer_bindings._engine":
            print("looked for")
            raise ImportError(name)
sys.meta_path.insert(0, Absent)
from codetracer import Monitor, Tracer
class Starts(Tracer):
    def on_py_start(self, code, offset): ...
monitor = Monitor("often")
for _ in range(3):
    monitor.install(Starts())
    monitor.uninstall()
"""
    assert execute("-c", program, cwd=tmp_path).stdout == "looked for\n"


@pytest.mark.slow
def test_code_objects_are_not_kept_alive() -> None:
    import gc
    import weakref

    class Silent(Tracer):
        def on_line(self, code: CodeType, line: int) -> object:
            return sys.monitoring.DISABLE

    with installed(Silent()):
        alive = []
        for number in range(3000):
            code = compile(f"x = {number}", f"<program {number}>", "exec")
            exec(code)
            alive.append(weakref.ref(code))
            del code
        gc.collect()
        kept = sum(ref() is not None for ref in alive)

    # 3.12 keeps the last code object that exec() ran, traced or not.
    assert kept <= (sys.version_info < (3, 13))
