"""A replay yields what happened, in order, and knows the state at each event."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path

import pytest

from codetracer.errors import TargetError
from codetracer.recording.reader import LogReader
from codetracer.replay import (
    CallEvent,
    ExitEvent,
    Frame,
    OutputEvent,
    Replay,
    ResumeEvent,
    StepEvent,
    ThreadEvent,
    ThrowEvent,
    UnfinishedEvent,
    UnwindEvent,
    YieldEvent,
)
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.logs import NONE, number

EXIT = encode.encode_exit(4, 1, 3)
BEGIN = [
    encode.encode_source("/app.py"),
    encode.encode_thread(71, "Main"),
    logs.code("<module>", kind=0, global_names=["g", "f"]),
    logs.code("f", line=5, parameters=["a", "b"], variables=["c"], global_names=["g"]),
    logs.code("gen", line=20, kind=3, variables=["i"]),
]
MODULE, F, GEN = 0, 1, 2


def replay(folder: Path, *records: bytes, filled: bool = True) -> Replay:
    path = folder / "process-1.ctlog"
    path.write_bytes(logs.log([*BEGIN, *records], filled=filled))
    return Replay(LogReader(str(path)))


def told(events: Iterable[object]) -> list[str]:
    """Return each event's kind, and number of its frame where it has one."""
    found = []
    for event in events:
        frame = getattr(event, "frame", None)
        kind = type(event).__name__.removesuffix("Event")
        found.append(kind if frame is None else f"{kind} {frame.number}")
    return found


def test_a_call_tells_its_code_arguments_thread_depth_and_caller(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(MODULE, 10, []),
        encode.encode_call(F, 5, [number(1), logs.text("x")]),
    )

    events = [event for event in run if isinstance(event, CallEvent)]

    module, call = events
    assert call.arguments == {"a": 1, "b": "x"}
    assert (call.entered, call.time_ns) == (False, 15)
    assert (call.thread.name, call.thread.ident, call.thread.number) == ("Main", 71, 0)
    code = call.frame.code
    assert (code.name, code.path, code.line, code.module) == ("f", "/app.py", 5, "app")
    assert (code.kind, code.variables, code.arguments) == ("function", ("a", "b", "c"), ("a", "b"))
    assert (call.frame.number, call.frame.depth, call.frame.caller) == (1, 1, module.frame)
    assert (module.frame.depth, module.frame.caller) == (0, None)


def test_steps_are_numbered_and_know_their_line(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(MODULE, 0, []),
        encode.encode_step(2),
        encode.encode_call(F, 0, [NONE, NONE]),
        encode.encode_step(1),
        encode.encode_step(300),
        encode.encode_return(0, NONE),
        encode.encode_step(-1),
        encode.encode_enter(F, 0, 8),
        encode.encode_step(0),
    )

    steps = [(e.number, e.frame.number, e.line) for e in run if isinstance(e, StepEvent)]

    assert steps == [(0, 0, 3), (1, 1, 6), (2, 1, 306), (3, 0, 2), (4, 2, 8)]
    assert run.steps == 5
    assert run.calls == 3


def test_steps_that_are_not_told_are_counted_all_the_same(tmp_path: Path) -> None:
    replay(
        tmp_path,
        encode.encode_call(F, 0, [NONE, NONE]),
        encode.encode_step(1),
        encode.encode_step(300),
        encode.encode_return(0, NONE),
    )
    run = Replay(LogReader(str(tmp_path / "process-1.ctlog")), tell_steps=False)

    events = list(run)

    assert told(events) == ["Thread", "Call 0", "Return 0"]
    assert run.steps == 2
    assert events[2].frame is not None
    assert (events[2].frame.line, events[2].frame.step) == (306, 1)


def test_variables_at_a_step_are_those_right_before_its_line(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(F, 0, [number(1), number(2)]),
        encode.encode_step(1),
        encode.encode_variable(2, number(3)),
        encode.encode_step(1),
        encode.encode_variable(2, encode.value_unbound()),
        encode.encode_variable(0, number(9)),
        encode.encode_step(1),
    )

    seen = [run.locals(event.frame) for event in run if isinstance(event, StepEvent)]

    assert seen == [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, {"a": 9, "b": 2}]


def test_global_variables_live_in_the_namespace_that_was_named_last(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(MODULE, 0, []),
        encode.encode_variable(0, number(1)),
        encode.encode_call(F, 0, [NONE, NONE]),
        encode.encode_step(1),
        encode.encode_namespace(F, 7),
        encode.encode_step(1),
        encode.encode_variable(3, number(2)),
        encode.encode_step(1),
        encode.encode_return(0, NONE),
        encode.encode_step(1),
    )

    seen = [run.globals(event.frame) for event in run if isinstance(event, StepEvent)]

    assert seen == [{"g": 1}, {}, {"g": 2}, {"g": 1}]


def test_objects_are_what_they_are_at_the_moment_that_is_asked(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_type("list"),
        encode.encode_call(F, 0, [encode.value_reference(4), encode.value_reference(4)]),
        encode.encode_object(4, 1, 0, 1, [number(1)], 0, []),
        encode.encode_step(1),
        encode.encode_object(4, 1, 0, 2, [number(1), number(2)], 0, []),
        encode.encode_step(1),
    )

    seen = [run.locals(event.frame) for event in run if isinstance(event, StepEvent)]

    assert [getattr(found["a"], "items", None) for found in seen] == [(1,), (1, 2)]
    assert all(found["a"] is found["b"] for found in seen)


def test_a_generator_is_suspended_and_goes_on_maybe_in_another_thread(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(GEN, 0, []),
        encode.encode_variable(0, number(5)),
        encode.encode_yield(3, number(1)),
        encode.encode_thread(72, "Worker"),
        encode.encode_enter(F, 0, 6),
        encode.encode_resume(0, 2),
        encode.encode_step(1),
        encode.encode_yield(3, number(2)),
        encode.encode_throw(0, 1, NONE),
        encode.encode_unwind(1, NONE),
        encode.encode_return(1, NONE),
        EXIT,
    )

    events = []
    for event in run:
        events.append(event)
        if isinstance(event, StepEvent):
            assert run.locals(event.frame) == {"i": 5}
            assert (event.frame.depth, event.line) == (1, 21)
        if isinstance(event, YieldEvent):
            assert event.value == (1 if len(events) < 5 else 2)

    assert told(events) == [
        "Thread",
        "Call 0",
        "Yield 0",
        "Thread",
        "Call 1",
        "Resume 0",
        "Step 0",
        "Yield 0",
        "Throw 0",
        "Unwind 0",
        "Return 1",
        "Exit",
    ]
    assert {e.thread.name for e in events if isinstance(e, ResumeEvent | ThrowEvent)} == {"Worker"}
    assert [e.time_ns for e in events if isinstance(e, YieldEvent | UnwindEvent)] == [3, 8, 10]


def test_what_goes_on_while_it_was_still_on_a_stack_has_left_it_unseen(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(GEN, 0, []),
        encode.encode_call(F, 0, [NONE, NONE]),
        encode.encode_thread(72, "Worker"),
        encode.encode_throw(0, 1, NONE),
        encode.encode_return(1, NONE),
    )

    assert told(run) == [
        "Thread",
        "Call 0",
        "Call 1",
        "Thread",
        "Lost 1",
        "Lost 0",
        "Throw 0",
        "Return 0",
    ]


def test_each_thread_has_a_stack_of_its_own(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(MODULE, 0, []),
        encode.encode_thread(72, "Worker"),
        encode.encode_call(F, 0, [NONE, NONE]),
        encode.encode_switch(0),
        encode.encode_step(1),
        encode.encode_return(0, NONE),
        encode.encode_switch(1),
        encode.encode_step(1),
        encode.encode_return(0, NONE),
    )

    found = [(e.thread.number, e.frame.number) for e in run if isinstance(e, StepEvent)]

    assert found == [(0, 0), (1, 1)]
    assert [thread.name for thread in run.threads] == ["Main", "Worker"]


def test_frames_that_are_open_at_the_end_are_closed_innermost_first(tmp_path: Path) -> None:
    records = [
        encode.encode_call(MODULE, 1, []),
        encode.encode_call(GEN, 1, []),
        encode.encode_yield(1, NONE),
        encode.encode_call(F, 1, [NONE, NONE]),
        encode.encode_thread(72, "Worker"),
        encode.encode_call(F, 1, [NONE, NONE]),
    ]
    ends = ["Unfinished 2", "Unfinished 0", "Unfinished 3"]

    assert told(replay(tmp_path, *records, filled=False))[-3:] == ends
    # After an exit too, which is reported before them.
    run = replay(tmp_path, *records, EXIT)
    assert told(run)[-4:] == ["Exit 3", *ends]
    assert run.ended


def test_the_exit_tells_the_status_when_it_is_known(tmp_path: Path) -> None:
    for record, status in ((EXIT, 3), (encode.encode_exit(4, 0, 0), None)):
        (event,) = [e for e in replay(tmp_path, record) if isinstance(e, ExitEvent)]
        assert (event.status, event.time_ns) == (status, 4)


def test_output_tells_what_was_written_where(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_output(2, "", 0, b"\xffearly"),
        encode.encode_call(MODULE, 0, []),
        encode.encode_output(1, "/app.py", 3, "grün".encode()),
    )

    early, late = [event for event in run if isinstance(event, OutputEvent)]

    assert (early.stream, early.frame, early.path, early.line) == ("stderr", None, "", 0)
    assert early.text == "\\xffearly"
    assert (late.stream, late.path, late.line, late.text) == ("stdout", "/app.py", 3, "grün")
    assert late.frame is not None


def test_a_lost_frame_is_off_its_stack(tmp_path: Path) -> None:
    run = replay(
        tmp_path,
        encode.encode_call(MODULE, 0, []),
        encode.encode_call(F, 0, [NONE, NONE]),
        encode.encode_lost(),
        encode.encode_step(1),
        encode.encode_return(0, number(1)),
    )

    assert told(run) == ["Thread", "Call 0", "Call 1", "Lost 1", "Step 0", "Return 0"]


def test_events_before_the_damage_come_first_and_open_frames_are_closed(tmp_path: Path) -> None:
    run = replay(tmp_path, encode.encode_call(MODULE, 0, []), encode.encode_resume(99, 0))
    events: list[object] = []

    with pytest.raises(TargetError, match=r"frame 99 is resumed, but has ended or never began"):
        events.extend(run)

    assert [type(event) for event in events] == [ThreadEvent, CallEvent, UnfinishedEvent]


@pytest.mark.parametrize(
    "record",
    [
        encode.encode_call(9, 0, []),
        encode.encode_call(MODULE, 0, [NONE]),
        encode.encode_switch(4),
        encode.encode_namespace(9, 0),
        logs.code("f", source=3),
        encode.encode_step(1),
        encode.encode_step(500),
        encode.encode_variable(0, NONE),
        encode.encode_return(0, NONE),
        encode.encode_lost(),
        encode.encode_raise(NONE),
        encode.encode_output(7, "", 0, b""),
    ],
)
def test_a_record_that_makes_no_sense_is_damage_that_names_its_place(
    tmp_path: Path, record: bytes
) -> None:
    run = replay(tmp_path, record)
    offset = 48 + 20 + sum(map(len, BEGIN))

    with pytest.raises(TargetError, match=rf"process-1\.ctlog .*\(at byte {offset}\)"):
        list(run)


def frames() -> list[object]:
    """Return all frames that there are, those of other tests among them."""
    gc.collect()
    return [found for found in gc.get_objects() if type(found) is Frame]


@pytest.mark.slow
def test_no_frame_is_kept_once_it_has_ended(tmp_path: Path) -> None:
    before = frames()
    call = encode.encode_call(F, 0, [NONE, NONE]), encode.encode_return(0, NONE)
    run = replay(tmp_path, encode.encode_call(MODULE, 0, []), *call * 50)

    for event in run:
        if isinstance(event, CallEvent) and event.frame.number == 50:
            break

    assert len([frame for frame in frames() if frame not in before]) == 2
