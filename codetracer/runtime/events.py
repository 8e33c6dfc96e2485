"""The recorder's handlers in Python, which turn events into records.

Each handler makes one group of records and writes it in one piece. The order in a group is: the
switch to another thread, frames that began or ended without an event, definitions, changes of
objects and variables since the frame's last event, and the event itself.

Any Python call may raise RecursionError, because the program's stack may be full. After any call, a
signal handler of the program may run, and raise, print or fork. The group then continues with the
next event, so its records and the bookkeeping must agree at each such point: do everything that can
fail first, then update the bookkeeping (a number, a frame, a variable) and append the record.
CPython runs signal handlers after calls, at the start of functions, and at jumps back (3.12 to
3.15).
"""

from __future__ import annotations

from _thread import RLock
from _thread import get_ident as _get_ident
from os import getpid as _getpid
from sys import _getframe
from time import perf_counter_ns, thread_time_ns

from codetracer.monitoring import DISABLE
from codetracer.own import BUILTINS, seal
from codetracer.runtime.budget import LEAST_SAMPLES, MOST_SAMPLES
from codetracer.runtime.changes import Changes
from codetracer.runtime.secrets import PLACEHOLDER
from codetracer.runtime.stacks import Stacks
from codetracer.runtime.values import LetGo
from codetracer.runtime.variables import Variables
from codetracer.whose import memory_is_full
from codetracer_bindings.trace_encoder import (
    encode_detail,
    encode_exit,
    encode_handled,
    encode_output,
    encode_raise,
    encode_return,
    encode_step,
    encode_time,
    encode_unwind,
    encode_yield,
)
from codetracer_bindings.trace_format import (
    DETAIL_CALLS,
    ENDING_STATUS,
    ENDING_UNKNOWN,
    STREAM_NAMES,
    STREAM_STDIN,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Final

    from codetracer.recording.writer import Log
    from codetracer.runtime.budget import Budget
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.plans import Plan, Plans
    from codetracer.runtime.values import Values

__all__ = ["Events"]

seal(globals())

_LONGEST: Final = 2
"""The longest time, in s, that a thread waits for another one's event, because it may deadlock."""

OUTPUT_PIECE: Final = 2**20
"""The largest output in one record, in bytes: a reader reads a record as a whole."""

_MILLISECOND: Final = 1_000_000

SAMPLED: Final = 61
"""Of how many events the time of one is measured. A prime, because loops have few events."""

RAISED: Final = 64
"""The number of recent exceptions whose steps are remembered."""

_ENDINGS: Final = (ENDING_UNKNOWN, ENDING_STATUS)
"""The ending of a recording, by whether the exit status is known."""

EVENT_ROOM: Final = 2**16
"""The free memory, in bytes, that an event needs to begin after memory has been full.

Less than `codetracer.whose.ARENAS`: an error costs its tracer, a lack of room this event alone."""

_NOT_ACTIVATED: Final = 0
_ENDED: Final = -1
"""Values of `Events._activation` in place of a frame's id: recording waits for the activation path,
or has ended."""


class Events:
    """The handlers.

    Parameters:
        log: gets the groups of records.
        gate: decides where recording begins.
        plans: decide what to record of each code object.
        definitions: number types, names and sources, and hold the group while it is made.
        values: encodes values.
        depth: the depth, in objects, to which values are looked at.
        active: whether recording begins now, and not at the activation path.
        clock: returns ns.
        budget: decides which code is recorded in less detail; None if nothing limits the cost.
    """

    def __init__(
        self,
        log: Log,
        gate: Gate,
        plans: Plans,
        definitions: Definitions,
        values: Values,
        depth: int,
        active: bool = True,
        clock: Callable[[], int] = perf_counter_ns,
        budget: Budget | None = None,
    ) -> None:
        self._log = log
        self._gate = gate
        self._plans = plans
        self._clock = clock
        self._active = active
        self._activation = _NOT_ACTIVATED
        self._out = definitions.out
        self._time = clock()
        # Events since the last sample; how long the samples took, and writing in them (ns).
        self._unsampled = self._sampled = self._sampled_writing = 0
        self._budget = budget
        # Sampled events since the budget was asked last; what they stand for, and what asking took
        # so far (ns).
        self._samples: list[tuple[int, int, int]] = []
        self._unasked = self._asking = 0
        changes = Changes(plans.effects, definitions)
        self._variables = Variables(self._out, values, changes, depth)
        self._queue = values.queue
        self._secrets = values.secrets
        self._masked = 0
        # The bytes of the records that are to be written, and of how many.
        self._size = self._sized = 0
        self._passed = values.passed
        self.learn = values.secrets.learn
        self.clean = values.secrets.clean
        self._stacks = Stacks(self._out, plans, self._variables, self._elapsed)
        self._late: list[bytes] = []
        self._missed = 0
        self._is_short = False
        self._steps = 0
        self._raised: dict[int, tuple[int, int]] = {}
        self._telling: set[int] = set()
        self._process = _getpid()
        self._new_lock()

    def restart(self, log: Log) -> None:
        """Start again with another log, in a forked child."""
        self._log = log
        self._time = self._clock()
        self._late.clear()
        self._missed = 0
        self._steps = 0
        self._raised.clear()
        self._variables.forget()
        self._stacks.forget()
        self._samples = []
        self._unasked = 0
        # The child has no other thread.
        self._telling.intersection_update((_get_ident(),))
        # The thread that held the old lock may not exist in the child.
        self._new_lock()
        self._process = _getpid()

    def _new_lock(self) -> None:
        # Bound once, because each event uses all of them. ``with`` is not used: see `_take`.
        lock = RLock()
        self._acquire, self._release = lock.acquire, lock.release
        self._is_taken = lock._is_owned  # type: ignore[attr-defined]
        self._free = lock._release_save  # type: ignore[attr-defined]

    def end(self) -> None:
        """Stop recording for good."""
        self._active = False
        self._activation = _ENDED

    def counts(self) -> dict[str, int]:
        """Return the numbers of threads, calls and missed events so far."""
        return {
            "threads": self._stacks.threads,
            "calls": self._stacks.frames,
            "missed": self._missed,
        }

    def cost(self) -> dict[str, int]:
        """Return the CPU time of the engine so far, in ns; see the protocol."""
        return {
            "events_ns": self._sampled * SAMPLED + self._asking,
            "writing_ns": self._sampled_writing * SAMPLED,
            "code_ns": self._plans.spent,
        }

    def raised_at(self, exception: BaseException) -> int | None:
        """Return the step at which an exception was raised.

        It must be alive: exceptions are identified by their addresses.

        Returns:
            The step's number; None if the exception was raised before any line ran, or too many
            others have been raised since.
        """
        step, _ = self._raised.get(id(exception), (-1, 0))
        return None if step < 0 else step

    # -- events in which a frame begins or is resumed

    def on_py_start(self, code: CodeType, instruction_offset: int) -> object:
        """A frame begins."""
        if not self._active and self._activation == _NOT_ACTIVATED:
            self._activate(code)
        outcome = self._handle(code, self._stacks.begin)
        if outcome is DISABLE and self._active and self._plans.starts(code):
            # It is not recorded, but each start of a process is reported.
            self._tell(b"", self._write_start, code)
            return None
        return outcome

    def on_py_resume(self, code: CodeType, instruction_offset: int) -> object:
        """A generator or coroutine is resumed."""
        return self._handle(code, self._stacks.resume)

    def on_py_throw(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """A generator or coroutine is resumed with an exception."""
        self._handle(code, self._stacks.throw, exception)

    # -- events within a frame

    def on_line(self, code: CodeType, line_number: int) -> object:
        """A line is about to run."""
        return self._handle(code, self._step, line_number)

    def on_raise(self, code: CodeType, instruction_offset: int, exception: BaseException) -> None:
        """An exception is raised, or comes out of a call."""
        self._handle(code, self._exception, exception, encode_raise)

    def on_exception_handled(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """An exception is handled."""
        self._handle(code, self._exception, exception, encode_handled)

    # -- events in which a frame ends or is suspended

    def on_py_return(self, code: CodeType, instruction_offset: int, retval: object) -> object:
        """A frame returns."""
        return self._handle(code, self._leave, retval, encode_return)

    def on_py_yield(self, code: CodeType, instruction_offset: int, retval: object) -> object:
        """A generator or coroutine is suspended."""
        return self._handle(code, self._leave, retval, encode_yield)

    def on_py_unwind(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """A frame ends with an exception."""
        self._handle(code, self._leave, exception, encode_unwind)

    # -- records that belong to no event of CPython

    def output(self, stream: int, data: bytes, frame: FrameType | None) -> None:
        """The program wrote an output, or read its standard input.

        Parameters:
            stream: STREAM_STDIN, STREAM_STDOUT or STREAM_STDERR.
            data: the written or read bytes.
            frame: the frame that wrote or read them; None if it is not known.

        Raises:
            ValueError: there is no such stream.
        """
        if stream not in STREAM_NAMES:
            raise ValueError(f"there is no stream {stream}")
        path, line = "", 0
        data = self._hidden(stream, data, frame)
        if frame is not None:
            path, line = frame.f_code.co_filename, frame.f_lineno or 0
        records = [encode_output(stream, path, line, piece) for piece in _pieces(data)]
        late = records[0] if len(records) == 1 else b"".join(records)
        self._tell(late, self._write_output, stream, records, frame is not None)

    def _hidden(self, stream: int, data: bytes, frame: FrameType | None) -> bytes:
        """Return the written or read bytes without secrets."""
        if stream == STREAM_STDIN and frame is not None and self._plans.reads_secrets(frame.f_code):
            # The caller of this function reads a secret.
            self.learn(data)
            return PLACEHOLDER + b"\n" if data.endswith(b"\n") else PLACEHOLDER
        return self.clean(data)

    def _write_output(self, stream: int, records: list[bytes], has_frame: bool) -> None:
        # Input is written with the next record, because that may show that the input is now in a
        # variable with a secret name.
        waits = stream == STREAM_STDIN and len(records) == 1 and not self._out
        if has_frame:
            self._stacks.thread()
        self._pass_time()
        for record in records:
            self._out.append(record)
            if not waits:
                self._write()

    def _write_start(self, code: CodeType) -> None:
        self._plans.tell_start(code)
        self._write()

    def note(self, record: bytes) -> None:
        """Write a record that belongs to no event of CPython."""
        self._tell(record, self._write_note, record)

    def _write_note(self, record: bytes) -> None:
        self._out.append(record)
        self._write()

    def exit(self, code: int | None) -> None:
        """Recording ends.

        Parameters:
            code: the exit status, of 64 bits; None if it is not known.

        Raises:
            OverflowError: the status has more than 64 bits.
        """
        if code is not None and not -(2**63) <= code < 2**63:
            raise OverflowError(f"an exit status has 64 bits, not as many as {code}")
        if self._is_taken():
            # The event of this thread will never end, or an exception has ended it.
            self._free()
        self._tell(b"", self._write_exit, code)

    def _write_exit(self, code: int | None) -> None:
        record = encode_exit(self._elapsed(), _ENDINGS[code is not None], code or 0)
        self._out += self._late
        del self._late[:]
        self._out.append(record)
        self._log.settle(self._out)
        # Events of other threads that wait for this one write nothing into a log that is closed.
        self.end()

    def _tell[*Rest](self, late: bytes, write: Callable[[*Rest], None], *arguments: *Rest) -> None:
        """Write records that belong to no event of CPython; events meanwhile are ignored.

        Parameters:
            late: the records as bytes. They are written at the end of this thread's current event
                if there is one, because a signal handler or finalizer runs in the middle of it.
            write: writes the records if there is no current event.
            arguments: the arguments for `write`.
        """
        if self._is_taken():
            self._late.append(late)
            return
        thread = _get_ident()
        release: Callable[[], None] | None = None
        try:
            self._telling.add(thread)
            if self._take():
                release = self._release
                write(*arguments)
        finally:
            try:
                if release is not None:
                    release()
            finally:
                self._telling.discard(thread)

    # -- shared by the handlers

    def _handle[*Rest](
        self, code: CodeType, work: Callable[[FrameType, Plan, *Rest], object], *rest: *Rest
    ) -> object:
        """Make the group of records of one event and write it, if the event is recorded.

        Parameters:
            code: the code of the event's frame.
            work: appends the group's records; returns None, or DISABLE as this method does.
            rest: its arguments after the frame and the plan.

        Returns:
            DISABLE if none of this location's events will be recorded, otherwise None.
        """
        if self._activation == _ENDED:
            return DISABLE
        began = known = 0
        try:
            self._unsampled += 1
            if self._unsampled >= SAMPLED:
                self._unsampled = 0
                began, known = thread_time_ns(), self._plans.spent
            if self._is_short:
                # An event would fail in the middle of its work. CPython's own handling of that is
                # little used, and may end the process (3.15.0, a segmentation fault).
                if memory_is_full(EVENT_ROOM):
                    self._missed += 1
                    self._variables.is_behind = True
                    return None
                self._is_short = False
            frame = _frame_of(code)
            if frame is None or not self._take():
                return None
            # During the event a signal handler may fork, and the child makes a new lock.
            release = self._release
            try:
                if not self._active and self._activation != _NOT_ACTIVATED:
                    return DISABLE
                plan = self._plans.of(code, frame)
                if plan is None:
                    return DISABLE
                if self._active:
                    outcome = work(frame, plan, *rest)
                    if began:
                        self._end_sample(plan, began, known)
                    else:
                        self._write()
                    return outcome
            finally:
                # If an exception has ended the event, the queue holds objects of the program. No
                # call clears it, because the stack may have no room for one.
                del self._queue[:]
                if self._is_taken():
                    # Otherwise the recording has ended within the event, or a fork made a new lock.
                    release()
        except LetGo:
            return None
        except (RecursionError, MemoryError) as error:
            # The program has filled its stack or memory, and a failure here must not reach it.
            entry = error.__traceback__
            try:
                while entry is not None and entry.tb_next is not None:
                    entry = entry.tb_next
                if entry is not None and entry.tb_frame.f_builtins is not BUILTINS:
                    raise
            finally:
                # The traceback refers to this frame, so the variable would make a cycle and keep
                # all objects in the frames alive.
                entry = None
            if type(error) is MemoryError:
                self._is_short = True
            self._missed += 1
            self._variables.is_behind = True
        return None

    def _end_sample(self, plan: Plan, began: int, known: int) -> None:
        """Write the group of a sampled event, note what the event took, and keep to the budget.

        Parameters:
            plan: the plan of its code.
            began: when it began.
            known: what reading new code had taken until then.
        """
        made = thread_time_ns()
        self._write()
        ended = thread_time_ns()
        # Reading the clock takes as long as a part of an event. What reading new code takes is
        # measured each time.
        reading = thread_time_ns() - ended
        began += self._plans.spent - known + reading
        self._sampled += max(0, ended - began - reading)
        self._sampled_writing += max(0, ended - made - reading)
        if self._budget is not None:
            taken = max(0, made - began) * SAMPLED
            self._samples.append((plan.number, plan.detail, taken))
            self._unasked += taken
            count = len(self._samples)
            if count >= LEAST_SAMPLES and (
                self._unasked >= self._budget.least or count >= MOST_SAMPLES
            ):
                self._lower(self._budget)
                self._asking += thread_time_ns() - ended

    def _lower(self, budget: Budget) -> None:
        """Lower the detail of the code that the budget names."""
        samples, self._samples = self._samples, []
        self._unasked = 0
        lowered = budget.look(self._sampled * SAMPLED + self._asking + self._plans.spent, samples)
        if not lowered:
            return
        plans = self._plans.lower_numbered(lowered)
        records = [encode_time(self._elapsed())]
        records += [encode_detail(number, detail) for number, detail in lowered]
        self._variables.doubt()
        # Readers drop the values of code that has less detail, so the records come first.
        self._out += records
        for plan, detail in plans:
            plan.detail = detail
            plan.lines = {}
            plan.everything = []
        self._write()

    def _take(self) -> bool:
        """Take the engine for this thread; return False if the event must be dropped."""
        if _getpid() != self._process:
            # The log belongs to the parent until the child has one.
            return False
        if self._is_taken():
            if _get_ident() in self._telling:
                # The event comes from outside a callback, usually from codetracer's own code.
                return False
            # An event cannot come during another one, so a signal handler has raised an exception
            # before the lock was released.
            self._free()
        if self._acquire(True, _LONGEST):
            if self._activation != _ENDED:
                return True
            # The recording has ended meanwhile.
            self._release()
            return False
        self._missed += 1
        self._variables.is_behind = True
        return False

    def _activate(self, code: CodeType) -> None:
        """Begin to record if recording begins with `code`."""
        frame = _frame_of(code)
        if frame is None or not self._take():
            return
        release = self._release
        try:
            if self._activation == _NOT_ACTIVATED and self._gate.activates(code):
                self._activation = id(frame)
                self._active = True
        finally:
            release()

    def _step(self, frame: FrameType, plan: Plan, line: int) -> object:
        if plan.detail == DETAIL_CALLS:
            # It was lowered. The switch to this thread is written, as the engine in C does.
            self._stacks.thread()
            return DISABLE
        state = self._stacks.innermost(frame)
        self._variables.settle(state, frame)
        self._pass_time()
        record = encode_step(line - state.said)
        at = plan.lines.get(line)
        if at is not None and at.again is not None and frame.f_lasti == at.again_at:
            at = at.again
        state.line = state.said = line
        state.at = at
        state.matched = 0
        state.step = self._steps
        self._steps += 1
        self._out.append(record)
        return None

    def _exception(
        self,
        frame: FrameType,
        plan: Plan,
        exception: BaseException,
        encode: Callable[[bytes], bytes],
    ) -> None:
        state = self._stacks.innermost(frame)
        if encode is encode_raise:
            self._note_raised(id(exception), -1 if plan.detail == DETAIL_CALLS else state.step)
        record = encode(self._variables.value(exception, plan))
        self._pass_time()
        self._out.append(record)

    def _leave(
        self, frame: FrameType, plan: Plan, result: object, encode: Callable[[int, bytes], bytes]
    ) -> None:
        state = self._stacks.innermost(frame)
        if encode is encode_unwind and id(result) in self._raised:
            self._raised[id(result)] = self._raised[id(result)][0], self._moment()
        value = self._variables.settle(state, frame, result, is_result=encode is not encode_unwind)
        record = encode(self._elapsed(), value)
        self._stacks.leave(record, suspended=encode is encode_yield)
        if self._activation == state.frame:
            # The call into the activation path has ended.
            self._active = False

    def _note_raised(self, exception: int, step: int) -> None:
        """Remember the step at which an exception is raised.

        An exception that leaves a call is also raised in the caller, before any other line runs.
        Then the remembered step stays.
        """
        known = self._raised.pop(exception, None)
        if known is not None and known[1] == self._moment():
            step = known[0]
        elif len(self._raised) == RAISED:
            del self._raised[next(iter(self._raised))]
        self._raised[exception] = step, -1

    def _moment(self) -> int:
        """Return a number that grows with each line and each call."""
        return self._steps + self._stacks.frames

    def _elapsed(self) -> int:
        now = self._clock()
        elapsed = now - self._time
        self._time = now
        return elapsed

    def _pass_time(self) -> None:
        """Write the time before a record that has none; at most once in a millisecond."""
        now = self._clock()
        elapsed = now - self._time
        if elapsed >= _MILLISECOND:
            record = encode_time(elapsed)
            self._time = now
            self._out.append(record)

    def _write(self) -> None:
        if self._activation == _ENDED:
            # The recording has ended within this event.
            del self._out[:]
            return
        if self._late:
            self._out += self._late
            del self._late[:]
        if self._secrets.count != self._masked:
            # Some secrets became known after this group had begun.
            masked = [self._secrets.masked(record) for record in self._out]
            self._out[:] = masked
            self._masked = self._secrets.count
        if len(self._out) < self._sized:
            self._size = self._sized = 0
        # Where records wait for a shortage to pass, each is counted once.
        self._size += sum(map(len, self._out[self._sized :]))
        self._sized = len(self._out)
        self._log.write(self._out)
        if not self._out:
            self._passed(self._size)
            self._size = self._sized = 0


def _pieces(data: bytes) -> list[bytes]:
    """Return output in pieces of `OUTPUT_PIECE`; none ends within a character of UTF-8."""
    pieces, start = [], 0
    while len(data) - start > OUTPUT_PIECE:
        end = start + OUTPUT_PIECE
        while end > start + OUTPUT_PIECE - 4 and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[start:end])
        start = end
    return [*pieces, data[start:]]


def _frame_of(code: CodeType) -> FrameType | None:
    """Return the innermost frame that runs `code`, which is the frame of the event; or None."""
    frame: FrameType | None = _getframe(2)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame
