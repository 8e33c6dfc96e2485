"""A wrong handler is refused at install with a correction, and its errors name its definition."""

import functools
import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, Literal

import pytest

from codetracer import Monitor, RecorderError, Tracer, configure_policy, installed
from codetracer.monitoring import EventSet, MonitoringEvents
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec
from tests.support.programs import compiled, run
from tests.support.slots import slot
from tests.support.tracers import Noting, error_of

every_event = pytest.mark.parametrize("spec", CALLBACK_SPECS, ids=lambda spec: spec.event)


def tracer_with(name: str, handler: object) -> Tracer:
    kind: Any = type("Wrong", (Tracer,), {name: handler})
    return kind()  # type: ignore[no-any-return]


def function(parameters: str) -> Callable[..., object]:
    """Return a function with these parameters."""
    return eval(f"lambda {parameters}: None")  # type: ignore[no-any-return]


@every_event
def test_a_handler_with_too_few_or_too_many_parameters_is_refused_with_the_right_signature(
    spec: CallbackSpec,
) -> None:
    right = ("self", *spec.parameters)
    for wrong in (right[:-1], (*right, "more"), ("self",)):
        error = error_of(tracer_with(spec.handler, function(", ".join(wrong))))

        assert f"Wrong.{spec.handler}({', '.join(wrong)}) does not accept the" in str(error)
        assert f"write def {spec.handler}({', '.join(right)})" in str(error)


@pytest.mark.parametrize(
    "parameters",
    [
        "self, code, line",
        "self, code, line, /",
        "me, where, number=0",
        "self, *arguments",
        "*arguments",
        "self, code, line, more=None",
        "self, code, line, *, more=None, **rest",
    ],
)
def test_whatever_can_be_called_with_what_the_event_carries_is_a_handler(parameters: str) -> None:
    with installed(tracer_with("on_line", function(parameters))):
        run(compiled("loops"))
        assert slot(3).callbacks.keys() == {"LINE"}


@pytest.mark.parametrize(
    "parameters",
    [
        "self, code, *, line",
        "self, code, line, *, more",
        "self, code, **rest",
        "self, *arguments, line, **rest",
    ],
)
def test_what_takes_its_parameters_by_name_is_no_handler(parameters: str) -> None:
    error = str(error_of(tracer_with("on_line", function(parameters))))

    assert f"Wrong.on_line({parameters}) does not accept the arguments of LINE" in error
    assert "write def on_line(self, code, line)" in error


@pytest.mark.parametrize("handler", [5, "print"])
def test_what_cannot_be_called_is_no_handler(handler: object) -> None:
    error = str(error_of(tracer_with("on_line", handler)))

    assert f"on_line cannot be called: it is of type {type(handler).__name__}" in error
    assert "write def on_line(self, code, line)" in error


def test_handlers_that_get_no_self_are_looked_at_without_it() -> None:
    on_instance = Noting()
    on_instance.on_line = function("self, code, line")  # type: ignore[method-assign,assignment]
    static = tracer_with("on_line", staticmethod(function("self, code, line")))
    of_class = tracer_with("on_line", classmethod(function("code, line")))

    assert str(error_of(on_instance)).endswith("write def on_line(code, line)")
    assert str(error_of(static)).endswith("write def on_line(code, line)")
    assert str(error_of(of_class)).endswith("write def on_line(self, code, line)")


def test_an_instance_that_is_called_as_a_handler_is_looked_at_too() -> None:
    class Callable_:  # noqa: N801
        def __call__(self, code: CodeType) -> None: ...

    error = error_of(tracer_with("on_line", Callable_()))
    assert "does not accept the arguments of LINE" in str(error)


async def coroutine(self: Tracer, code: CodeType, line: int) -> None: ...


def generator(self: Tracer, code: CodeType, line: int) -> Any:
    yield line


async def asynchronous_generator(self: Tracer, code: CodeType, line: int) -> Any:
    yield line


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (coroutine, "async def"),
        (generator, "a generator function"),
        (asynchronous_generator, "an asynchronous generator function"),
    ],
)
def test_a_handler_whose_call_would_run_nothing_is_refused(
    handler: Callable[..., object], kind: str
) -> None:
    error = error_of(tracer_with("on_line", handler))

    assert f"Wrong.on_line is {kind}," in str(error)
    assert "write def on_line(self, code, line) without await and yield" in str(error)


def test_a_wrong_handler_is_refused_though_interest_does_not_choose_it_here() -> None:
    class Choosing(Tracer):
        def interest(self, events: MonitoringEvents, /) -> EventSet:
            return events.LINE

        def on_line(self, code: CodeType, line: int) -> None: ...

        def on_jump(self, code: CodeType) -> None: ...  # type: ignore[override]

    assert "Choosing.on_jump(self, code)" in str(error_of(Choosing()))


def test_a_tracer_without_handlers_is_refused_and_all_handlers_are_named() -> None:
    class Empty(Tracer):
        pass

    error = error_of(Empty())

    assert "Empty has no handlers" in str(error)
    for spec in CALLBACK_SPECS:
        assert spec.handler in str(error)


def test_a_tracer_that_is_interested_in_what_it_has_no_handler_for_is_refused() -> None:
    class Elsewhere(Noting):
        def interest(self, events: MonitoringEvents, /) -> EventSet:
            return events.CALL | events.RAISE

    error = error_of(Elsewhere())

    assert "Elsewhere.interest() returned CALL, RAISE" in str(error)
    assert "define on_call or on_raise" in str(error)


def test_a_tracer_that_chooses_no_event_here_is_installed() -> None:
    class NotHere(Noting):
        def interest(self, events: MonitoringEvents, /) -> EventSet:
            return 0

    with installed(NotHere()):
        assert slot(3).events == 0
        assert slot(3).tool == "codetracer"


@pytest.mark.parametrize("wrong", ["3", "coverage", 3.0, True, [3]])
def test_a_slot_that_is_no_number_is_refused_as_what_it_is(wrong: Any) -> None:
    assert f"a slot is an int from 0 to 5, not {wrong!r}" in str(error_of(Noting(), slot=wrong))
    with pytest.raises(RecorderError, match="a slot is an int from 0 to 5"):
        Monitor("named", slot=wrong).install(Noting())


class Failing(Tracer):
    """Fails in its handler, in a function of its own, and in a function of the library."""

    def __init__(self, way: str) -> None:
        self.fail = {"here": self.here, "there": self.there, "library": self.library}[way]

    def on_line(self, code: CodeType, line: int) -> None:
        if code.co_filename.startswith("<program"):
            self.fail()

    def here(self) -> None:
        raise KeyError("here")

    def there(self) -> None:
        inspect.signature(self.here).bind(1)

    library = there


LINES = {
    way: inspect.getsourcelines(method)[1] + 1
    for way, method in {
        "here": Failing.here,
        "there": Failing.there,
        "library": Failing.library,
    }.items()
}


@pytest.mark.parametrize("way", LINES)
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_a_handlers_own_error_names_tracer_handler_file_and_line(
    way: str, policy: Literal["abort", "disable"], caplog: pytest.LogCaptureFixture
) -> None:
    configure_policy(on_recorder_error=policy)
    with installed(Failing(way)):
        outcome = run(compiled("loops"))

    expected = f"[ERR_TRACER_FAILED] Failing.on_line failed at {__file__}:{LINES[way]}: "
    if policy == "abort":
        (error,) = (each for each in outcome.escaped if isinstance(each, RecorderError))
        assert str(error).startswith(expected)
        assert (error.context["tracer"], error.context["in"]) == ("Failing", "on_line")
        assert (error.context["file"], error.context["line"]) == (__file__, LINES[way])
    else:
        assert expected in caplog.text


def decorated(handler: Callable[..., object]) -> Callable[..., object]:
    # As a library's decorator is: in a file of its own.
    namespace: dict[str, Any] = {"wraps": functools.wraps, "handler": handler}
    text = "@wraps(handler)\ndef wrapper(*arguments): return handler(*arguments)"
    exec(compile(text, "library.py", "exec"), namespace)
    return namespace["wrapper"]  # type: ignore[no-any-return]


def test_of_a_decorated_handler_the_line_in_the_tracers_file_is_named() -> None:
    def on_line(self: Tracer, code: CodeType, line: int) -> None:
        if code.co_filename.startswith("<program"):
            raise KeyError("decorated")

    with installed(tracer_with("on_line", decorated(on_line))):
        outcome = run(compiled("loops"))

    (error,) = (each for each in outcome.escaped if isinstance(each, RecorderError))
    assert f"failed at {__file__}:{on_line.__code__.co_firstlineno + 2}: KeyError" in str(error)


def test_a_forbidden_disable_names_the_handlers_definition() -> None:
    import sys

    class Disabling(Tracer):
        def on_c_return(
            self, code: CodeType, offset: int, callable: object, arg0: object
        ) -> object:
            return sys.monitoring.DISABLE if code.co_filename.startswith("<program") else None

    with installed(Disabling()):
        outcome = run(compiled("loops"))

    (error,) = (each for each in outcome.escaped if isinstance(each, RecorderError))
    line = inspect.getsourcelines(Disabling.on_c_return)[1]
    assert f"Disabling.on_c_return failed at {__file__}:{line}: " in str(error)


@pytest.mark.parametrize("step", ["flush", "finish", "set_exit_status"])
def test_what_fails_when_a_tracer_is_told_something_is_named_too(step: str) -> None:
    def fail(self: Tracer, *_: object) -> None:
        raise LookupError(step)

    kind: Any = type("Telling", (Noting,), {step: fail})
    monitor = Monitor("telling")
    monitor.install(kind())

    def tell() -> None:
        monitor.set_exit_status(1)
        monitor.uninstall()

    with pytest.raises(RecorderError, match=rf"Telling\.{step} failed at .*: Lookup") as caught:
        tell()

    assert caught.value.code == "ERR_TRACER_FAILED"
    assert caught.value.context["line"] == fail.__code__.co_firstlineno + 1
