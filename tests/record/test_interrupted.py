"""Handlers that CPython runs right before a frame says that it begins, or that it goes on."""

import sys
from pathlib import Path

import codetracer
from codetracer.replay import CallEvent, LostEvent, ResumeEvent, ReturnEvent, render
from tests.support.recordings import record

PROGRAM = """
import _thread, signal
from functools import partial
from operator import call

def handler(number, frame):
    pass

def work(first, second=2):
    return first + second

def numbers():
    yield 1
    yield 2

def in_a_row(*functions):
    # From C, so that nothing of this function runs between a signal and the next function.
    return list(map(call, functions))

signal.signal(signal.SIGUSR1, handler)
ring = partial(_thread.interrupt_main, signal.SIGUSR1)
made = numbers()
assert in_a_row(ring, partial(work, 1), ring, made.__next__, ring, made.__next__)[1::2] == [3, 1, 2]
"""


def test_a_handler_that_runs_as_a_frame_begins_is_called_from_that_one_call(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, PROGRAM, backend=backend)

    told: list[tuple[str, object]] = []
    for event in codetracer.read(tmp_path / "out"):
        if isinstance(event, CallEvent):
            assert not event.entered, event
            arguments = {name: render(value) for name, value in event.arguments.items()}
            told.append((event.frame.code.name, arguments))
        elif isinstance(event, ResumeEvent | ReturnEvent | LostEvent):
            told.append((event.frame.code.name, type(event).__name__))

    assert [name for name, what in told if what == "LostEvent"] == []
    if sys.version_info < (3, 13):
        # Handlers run when it has begun; each frame is called once all the same.
        called = [name for name, what in told if not isinstance(what, str)]
        assert [called.count(name) for name in ("work", "numbers")] == [1, 1]
        return
    within = told[told.index(("work", {"first": "1", "second": "2"})) :]
    names = [(name, what if isinstance(what, str) else "CallEvent") for name, what in within]
    handler = [("handler", "CallEvent"), ("handler", "ReturnEvent")]
    assert names == [
        *(("work", "CallEvent"), *handler, ("work", "ReturnEvent")),
        *(("numbers", "CallEvent"), *handler),
        *(("numbers", "ResumeEvent"), *handler),
        *(("in_a_row", "ReturnEvent"), ("<module>", "ReturnEvent")),
    ]
