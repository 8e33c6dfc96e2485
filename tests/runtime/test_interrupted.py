"""An exception from a signal's handler amid the recorder's own Python code reaches the program.

Also where exceptions of that type are caught, as CPython's functions raise them. The handler's part
is played by a trace function, at each moment in turn at which a handler may run.
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from functools import partial
from opcode import opmap
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from codetracer.limits import Limits
from codetracer.own import BUILTINS
from codetracer.recording.directory import TraceDirectory
from codetracer.recording.reader import LogReader
from codetracer.recording.writer import LogWriter
from codetracer.runtime import children, filtering
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.values import AttributeActions, Values
from codetracer_bindings.trace_encoder import encode_exit, encode_output

LOOKS = frozenset(
    number for name, number in opmap.items() if name.startswith(("CALL", "RESUME", "JUMP_BACKWARD"))
)
"""Instructions behind which CPython looks for signals."""

ERRORS = (
    OSError(4, "interrupted"),
    FileExistsError(17, "of a handler"),
    BlockingIOError(11, "of a handler"),
    ValueError("of a handler"),
    TypeError("of a handler"),
    AttributeError("of a handler"),
    NameError("of a handler"),
    MemoryError("of a handler"),
)


def interrupted(work: Callable[[], object], number: int, error: Exception) -> Exception | None:
    """Do work, and raise `error` at the moment in ours that has this number.

    Returns:
        What came out; None when there are not so many.
    """
    count = itertools.count()
    before = -1

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal before
        if frame.f_builtins is not BUILTINS:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            looked, before = before, frame.f_code.co_code[frame.f_lasti]
            if looked in LOOKS and next(count) == number:
                raise error
        return trace

    tracer = sys.gettrace()
    # 3.12 reports opcodes after some frame has asked for them, from the next settrace() on.
    sys._getframe().f_trace_opcodes = True
    sys._getframe().f_trace_opcodes = False
    sys.settrace(trace)
    try:
        work()
    except Exception as came:
        return came
    finally:
        sys.settrace(tracer)
        error.__traceback__ = error.__context__ = None
    # A `__del__` or a weak reference's callback would have lost it.
    assert next(count) <= number, f"lost at moment {number}"
    return None


def sweep(make: Callable[[], Callable[[], object]], error: Exception) -> Iterator[int]:
    """Interrupt work at one moment after the other; yield the number behind each time."""
    for number in itertools.count():
        came = interrupted(make(), number, error)
        if came is None:
            return
        assert came is error, f"{came!r} at moment {number}"
        yield number


ALLOW_ALL = AttributeActions(lambda _: 0)


class Slotted:
    __slots__ = ("bound", "unbound")


def works(folder: Path) -> dict[str, Callable[[], Callable[[], object]]]:
    """Return what makes a piece of work, which is done once."""
    directory = TraceDirectory(str(folder / "out"))
    numbers = itertools.count()
    source = folder / "source.py"
    slotted = Slotted()
    slotted.bound = [1]  # type: ignore[attr-defined]

    def copies() -> Callable[[], object]:
        path = folder / f"source{next(numbers)}.py"
        path.write_bytes(b"pass\n")
        return partial(directory.keep_source, str(path))

    def encodes() -> Callable[[], object]:
        values = Values(Definitions(), Limits())

        def encode() -> None:
            values.encode(slotted, 3)
            values.write_objects(ALLOW_ALL)

        # The first time, much is found out of its type.
        encode()
        return encode

    return {
        "a source is copied": copies,
        "a source is missing": lambda: partial(directory.keep_source, str(source)),
        "a log's path is taken": lambda: partial(directory.new_log, next(numbers)),
        "the folder is looked for": lambda: directory.is_there,
        "a file is known": lambda: partial(filtering._identity, str(source)),
        "a program is looked at": lambda: partial(children._first_line, "not/there"),
        "an object is read": encodes,
    }


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_a_handler_raises_comes_out_of_the_recorder(tmp_path: Path, error: Exception) -> None:
    for name, make in works(tmp_path).items():
        assert sum(1 for _ in sweep(make, error)) > 0, name


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_log_that_a_handler_interrupts_is_written_on(tmp_path: Path, error: Exception) -> None:
    made: list[LogWriter] = []
    record = encode_output(0, "", 0, bytes(60_000))

    def make() -> Callable[[], object]:
        log = LogWriter(str(tmp_path / f"{len(made)}.ctlog"), bytes(16), 1, 1)
        made.append(log)

        def write() -> None:
            # From its creation to its third window.
            for _ in range(3):
                log.write([record])

        return write

    for _ in sweep(make, error):
        log = made[-1]
        log.write([encode_exit(0, 0, 3)])
        log.close()
        assert log.problem is None
        assert LogReader(log.path).has_end()
