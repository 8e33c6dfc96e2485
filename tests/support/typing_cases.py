"""Uses of the public names for type checkers, in this tree and in the installed package.

`make lint` checks this file, and tests/type_checkers/test_installed.py a copy; nothing runs it.

Each ``type: ignore`` stands where a mistake must be refused: were it accepted, the comment would
be unused, which is an error too.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from types import CodeType, FrameType
from typing import assert_type

from codetracer import (
    DISABLE,
    MISSING,
    NO_EVENTS,
    CallbackOutcome,
    ErrorCode,
    EventId,
    EventSet,
    Monitor,
    MonitoringEvents,
    PathFilter,
    RecorderError,
    RecorderPolicy,
    Tracer,
    events_union,
    frame,
    handler_at,
    installed,
    instruction_at,
    line_at,
    monitoring_events,
    policy_snapshot,
    position_at,
    slots,
    task_name,
    thread_name,
)


class Right(Tracer):
    """Handlers under the spec's types, with names and results of the author's own."""

    def interest(self, events: MonitoringEvents, /) -> EventSet:
        return events.LINE | events.CALL

    def on_line(self, code: CodeType, number: int, /) -> CallbackOutcome:
        return DISABLE if number > 100 else None

    def on_py_return(self, code: CodeType, offset: int, retval: object) -> None:
        print(code.co_name, retval)

    def on_raise(self, code: CodeType, offset: int, exception: BaseException) -> None:
        print(exception.__traceback__)


class WrongType(Tracer):
    def on_line(self, code: CodeType, line: str, /) -> None:  # type: ignore[override]
        print(line)


class TooFewParameters(Tracer):
    def on_jump(self, code: CodeType, offset: int, /) -> None:  # type: ignore[override]
        print(offset)


class TooManyParameters(Tracer):
    def on_py_start(self, code: CodeType, offset: int, more: int, /) -> None:  # type: ignore[override]
        print(more)


class TooNarrow(Tracer):
    def on_raise(self, code: CodeType, offset: int, exception: KeyError, /) -> None:  # type: ignore[override]
        print(exception.args)


def results(code: CodeType, events: MonitoringEvents) -> None:
    with installed(Right()) as tracer:
        assert_type(tracer, Right)
    assert_type(Tracer().on_line(code, 1), CallbackOutcome)
    Tracer().on_line(code, line=1)  # type: ignore[call-arg]
    Tracer().on_line(code, "1")  # type: ignore[arg-type]
    print(events.TELEPORT)  # type: ignore[attr-defined]


def names(tracer: Tracer) -> None:
    events = monitoring_events()
    assert_type(events, MonitoringEvents)
    assert_type(events.LINE, EventId)
    assert_type(events_union(events.LINE, NO_EVENTS), EventSet)
    assert_type(policy_snapshot(), RecorderPolicy)
    assert_type(slots(), dict[int, str | None])
    assert_type(MISSING, object)
    monitor = Monitor("named", slot=3)
    assert_type(monitor.tracer, Tracer | None)
    try:
        monitor.install(tracer)
    except RecorderError as error:
        assert_type(error.code, ErrorCode)
    monitor.install(tracer, slot="3")  # type: ignore[arg-type]
    Monitor("named", slot="3")  # type: ignore[arg-type]


def places(code: CodeType) -> None:
    assert_type(frame(code), FrameType | None)
    assert_type(line_at(code, 0), int)
    assert_type(position_at(code, 0)[2], int | None)
    assert_type(instruction_at(code, 0), str)
    assert_type(handler_at(code, 0), int | None)
    assert_type(PathFilter(["app/*"], exclude=["*_pb2.py"]).selects(code), bool)
    assert_type(thread_name(), str)
    assert_type(task_name(), str | None)
    frame()  # type: ignore[call-arg]
    PathFilter("app.py", 1)  # type: ignore[arg-type]
