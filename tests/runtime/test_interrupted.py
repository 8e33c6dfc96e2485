"""An exception from a signal's handler amid the recorder's own Python code reaches the program.

Also where exceptions of that type are caught, as CPython's functions raise them. The handler's part
is played by a trace function, at each moment in turn at which a handler may run.
"""

import contextlib
import itertools
import sys
import threading
from collections.abc import Callable, Container, Iterator
from functools import partial
from opcode import opmap
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from codetracer.filters import load_chain
from codetracer.limits import Limits
from codetracer.own import BUILTINS
from codetracer.recording.directory import TraceDirectory
from codetracer.recording.reader import LogReader
from codetracer.recording.writer import LogWriter
from codetracer.replay import Replay, StepEvent, Thread
from codetracer.runtime import children, filtering
from codetracer.runtime.actions import NameActions
from codetracer.runtime.bytecode import CodeReading
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.events import Events
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans
from codetracer.runtime.values import Values
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


def interrupted(
    work: Callable[[], object], number: int, error: Exception, modules: Container[str] | None = None
) -> Exception | None:
    """Do work, and raise `error` at the moment in ours that has this number.

    Parameters:
        modules: the names of the modules whose moments count; None for all of ours.

    Returns:
        What came out; None when there are not so many.
    """
    count = itertools.count()
    before = -1

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal before
        if frame.f_builtins is not BUILTINS:
            return None
        if modules is not None and frame.f_globals["__name__"] not in modules:
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


def sweep(
    make: Callable[[], Callable[[], object]],
    error: Exception,
    modules: Container[str] | None = None,
) -> Iterator[int]:
    """Interrupt work at one moment after the other; yield the number behind each time."""
    for number in itertools.count():
        came = interrupted(make(), number, error, modules)
        if came is None:
            return
        assert came is error, f"{came!r} at moment {number}"
        yield number


ALLOW_ALL = NameActions(lambda _: 0)


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


class Run:
    """Reports the events of frames to an engine, as CPython would report them.

    Attributes:
        lines: the functions that ran, the outermost first, at each line.
        interrupted_at: the number of lines before the event that was interrupted.
    """

    def __init__(self, folder: Path, gate: Gate) -> None:
        self.log = LogWriter(str(folder / "log.ctlog"), bytes(16), 1, 1)
        definitions = Definitions()
        caller: FrameType | None = sys._getframe()
        while caller is not None:
            gate.leave_out(caller.f_code)
            caller = caller.f_back
        plans = Plans(gate, definitions, CodeReading)
        # The engine itself is an attribute of `self`.
        values = Values(definitions, Limits(depth=1))
        self.engine = Events(self.log, gate, plans, definitions, values, 1)
        self.lines: list[list[str]] = []
        self.interrupted_at = -1
        self._caught: OSError | None = None

    def tell(self, event: str, *arguments: object) -> None:
        """Report an event of the frame that calls this, and keep what the engine raises."""
        frame = sys._getframe(1)
        try:
            getattr(self.engine, f"on_{event}")(frame.f_code, *(arguments or (frame.f_lineno,)))
        except OSError as error:
            self._caught, self.interrupted_at = error, len(self.lines)
            # The exception comes out of the callback, so it is raised in the frame.
            self.engine.on_raise(frame.f_code, 0, error)
        if event == "line":
            walked: FrameType | None = frame
            functions: list[str] = []
            while walked is not None:
                functions.insert(0, walked.f_code.co_qualname)
                walked = walked.f_back
            self.lines.append([name for name in functions if name in FUNCTIONS])

    def __call__(self) -> None:
        numbers = self.counts([])
        self.tell("py_start")
        self.tell("line")
        next(numbers)
        self.descends(1)
        self.tell("line")
        other = threading.Thread(target=self.descends, args=(0,))
        other.start()
        other.join()
        list(numbers)
        with contextlib.suppress(KeyError):
            self.fails({"key": []})
        self.tell("line")
        self.tell("py_return", 0, None)
        if self._caught is not None:
            raise self._caught

    def descends(self, depth: int) -> None:
        self.tell("py_start")
        kept = {depth: [depth]}
        self.tell("line")
        if depth:
            self.descends(depth - 1)
        self.tell("py_return", 0, kept)

    def counts(self, found: list[int]) -> Iterator[int]:
        self.tell("py_start")
        for number in range(2):
            self.tell("line")
            found.append(number)
            self.tell("py_yield", 0, number)
            yield number
            self.tell("py_resume")
        self.tell("py_return", 0, None)

    def fails(self, held: dict[str, object]) -> None:
        self.tell("py_start")
        del held["key"]
        self.tell("line")
        error = KeyError("key")
        self.tell("raise", 0, error)
        self.tell("py_unwind", 0, error)
        raise error


KEEPS_IN_STEP = ["codetracer.runtime.stacks"]
"""The module that notes which threads and frames the log has."""

FUNCTIONS = {f"Run.{name}" for name in ("__call__", "descends", "counts", "fails")}


@pytest.mark.slow
def test_an_event_that_a_handler_interrupts_leaves_the_frames_of_the_log_right(
    tmp_path: Path,
) -> None:
    gate = Gate(load_chain("/", environ={}))
    run = Run(tmp_path, gate)

    def make() -> Run:
        nonlocal run
        (tmp_path / "log.ctlog").unlink(missing_ok=True)
        run = Run(tmp_path, gate)
        return run

    moments = 0
    for moments in sweep(make, OSError(4, "interrupted"), KEEPS_IN_STEP):
        run.engine.exit(0)
        run.log.close()
        replay = Replay(LogReader(run.log.path))
        found = [
            [name for name in names(event.thread) if name in FUNCTIONS]
            for event in replay
            if isinstance(event, StepEvent)
        ]
        assert replay.ended, moments
        at = run.interrupted_at
        assert found in (run.lines, run.lines[:at] + run.lines[at + 1 :]), moments
    assert moments > 100


def names(thread: Thread) -> list[str]:
    """Return the names of a thread's open frames, the outermost first."""
    found: list[str] = []
    frame = thread.top
    while frame is not None:
        found.insert(0, frame.code.name)
        frame = frame.caller
    return found
