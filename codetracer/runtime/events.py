"""The recorder's handlers in Python, which turn events into records.

Each handler puts one group of records together and writes it in one piece. The order in a group:
the switch to another thread, frames that came or went unseen, definitions, changes of objects and
variables since the frame's last event, and the event itself.

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
from time import perf_counter_ns

from codetracer.monitoring import DISABLE
from codetracer.own import BUILTINS, seal
from codetracer.runtime.secrets import PLACEHOLDER
from codetracer.runtime.stacks import Stacks
from codetracer.runtime.values import LetGo
from codetracer.runtime.variables import Variables
from codetracer_bindings.trace_encoder import (
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
from codetracer_bindings.trace_format import ENDING_STATUS, ENDING_UNKNOWN, STREAM_STDIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Final

    from codetracer.recording.writer import Log
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.plans import Plan, Plans
    from codetracer.runtime.values import Values

__all__ = ["Events"]

seal(globals())

_LONGEST: Final = 2
"""Seconds that a thread waits for another one's event to be written; a deadlock would be worse."""

OUTPUT_PIECE: Final = 2**20
"""How many bytes of output go into one record: a reader takes a record in as a whole."""

_MILLISECOND: Final = 1_000_000

RAISED: Final = 64
"""How many of the exceptions that were raised last are remembered."""

_ENDINGS: Final = (ENDING_UNKNOWN, ENDING_STATUS)
"""How a recording has ended, by whether the exit status is known."""

ROOM: Final = 2**16
"""How many bytes must be to be had before an event is begun, once memory has been full."""

_WAITING: Final = 0
_ENDED: Final = -1
"""What stands for the frame whose end is the end of recording, before there is one, and after."""


class Events:
    """The handlers.

    Parameters:
        log: where the groups go.
        gate: says where recording begins.
        plans: what is recorded of each code object.
        definitions: what the log numbers; the group is put together there.
        values: encodes values.
        depth: how many objects deep values are looked at.
        active: whether recording begins now, not at the activation path.
        clock: returns ns.
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
    ) -> None:
        self._log = log
        self._gate = gate
        self._plans = plans
        self._clock = clock
        self._active = active
        self._activation = _WAITING
        self._out = definitions.out
        self._time = clock()
        self._variables = Variables(self._out, values, depth)
        self._queue = values.queue
        self._secrets = values.secrets
        self._masked = 0
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
        """Begin anew with another log, as a forked child must."""
        self._log = log
        self._late.clear()
        self._missed = 0
        self._steps = 0
        self._raised.clear()
        self._variables.forget()
        self._stacks.forget()
        # No other thread is there any more.
        self._telling.intersection_update((_get_ident(),))
        # Whoever held the one before may not be there any more.
        self._new_lock()
        self._process = _getpid()

    def _new_lock(self) -> None:
        # Bound once: an event asks for all of them. Not with ``with``: see `_take`.
        lock = RLock()
        self._acquire, self._release = lock.acquire, lock.release
        self._is_taken = lock._is_owned  # type: ignore[attr-defined]
        self._free = lock._release_save  # type: ignore[attr-defined]

    def end(self) -> None:
        """Record nothing more, and never begin again."""
        self._active = False
        self._activation = _ENDED

    def counts(self) -> dict[str, int]:
        """Return how much has been recorded so far."""
        return {
            "threads": self._stacks.threads,
            "calls": self._stacks.frames,
            "missed": self._missed,
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

    # -- events in which a frame begins or goes on

    def on_py_start(self, code: CodeType, instruction_offset: int) -> object:
        """A frame begins."""
        if not self._active and self._activation == _WAITING:
            self._activate(code)
        outcome = self._handle(code, self._stacks.begin)
        if outcome is DISABLE and self._active and self._plans.starts(code):
            # It is not recorded, but each start of a process is reported.
            self._tell(b"", self._write_start, code)
            return None
        return outcome

    def on_py_resume(self, code: CodeType, instruction_offset: int) -> object:
        """A generator or coroutine goes on."""
        return self._handle(code, self._stacks.resume)

    def on_py_throw(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """A generator or coroutine goes on with an exception."""
        self._handle(code, self._stacks.throw, exception)

    # -- events within a frame

    def on_line(self, code: CodeType, line_number: int) -> object:
        """A line is about to run."""
        return self._handle(code, self._step, line_number)

    def on_raise(self, code: CodeType, instruction_offset: int, exception: BaseException) -> None:
        """An exception is raised, or comes out of what was called."""
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
        """A frame ends by an exception."""
        self._handle(code, self._leave, exception, encode_unwind)

    # -- what is no event of CPython's

    def output(self, stream: int, data: bytes, frame: FrameType | None) -> None:
        """The program wrote something, or read its standard input.

        Parameters:
            stream: STREAM_STDIN, STREAM_STDOUT or STREAM_STDERR.
            data: what it was.
            frame: the frame that did; None when it is not known.
        """
        path, line = "", 0
        data = self._hidden(stream, data, frame)
        if frame is not None:
            path, line = frame.f_code.co_filename, frame.f_lineno or 0
        records = [encode_output(stream, path, line, piece) for piece in _pieces(data)]
        late = records[0] if len(records) == 1 else b"".join(records)
        self._tell(late, self._write_output, stream, records, frame is not None)

    def _hidden(self, stream: int, data: bytes, frame: FrameType | None) -> bytes:
        """Return what was written or read, without secrets."""
        if stream == STREAM_STDIN and frame is not None and self._plans.reads_secrets(frame.f_code):
            # It reads for somebody who wants a secret.
            self.learn(data)
            return PLACEHOLDER + b"\n" if data.endswith(b"\n") else PLACEHOLDER
        return self.clean(data)

    def _write_output(self, stream: int, records: list[bytes], has_frame: bool) -> None:
        # What was read waits for the next record: that may say in which variable it has come, and
        # that its name is that of a secret.
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
            code: the exit status; None when it is not known.
        """
        if self._is_taken():
            # Whatever is under way will not end any more, or has been left by an exception.
            self._free()
        self._tell(b"", self._write_exit, code)

    def _write_exit(self, code: int | None) -> None:
        record = encode_exit(self._elapsed(), _ENDINGS[code is not None], code or 0)
        self._out += self._late
        del self._late[:]
        self._out.append(record)
        self._log.settle(self._out)

    def _tell[*Rest](self, late: bytes, write: Callable[[*Rest], None], *arguments: *Rest) -> None:
        """Write what is no event of CPython's; the events within are codetracer's own.

        Parameters:
            late: what is written at the end of the event, if one is under way in this thread: a
                signal handler or a finalizer of the program's runs amid it.
            write: is called where there is none.
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

    # -- what the handlers share

    def _handle[*Rest](
        self, code: CodeType, work: Callable[[FrameType, Plan, *Rest], None], *rest: *Rest
    ) -> object:
        """Put the group of one event together and write it, if it is to be recorded.

        Parameters:
            work: appends the group's records.
            rest: what it needs beside the frame and the plan.

        Returns:
            DISABLE when none of this location's events will be recorded, else None.
        """
        try:
            if self._is_short:
                self._find_room()
            frame = _frame_of(code)
            if frame is None or not self._take():
                return None
            # Amid the event a signal handler may fork, and the child have another one.
            release = self._release
            try:
                if not self._active and self._activation != _WAITING:
                    return DISABLE
                plan = self._plans.of(code, frame)
                if plan is None:
                    return DISABLE
                if self._active:
                    work(frame, plan, *rest)
                    self._write()
            finally:
                # The program's objects are in it, if an exception has ended the event. Without a
                # call: there may be no room for one.
                del self._queue[:]
                release()
        except LetGo:
            return None
        except (RecursionError, MemoryError) as error:
            # The program has filled its stack or memory. Where that is met here, it need not hear.
            entry = error.__traceback__
            try:
                while entry is not None and entry.tb_next is not None:
                    entry = entry.tb_next
                if entry is not None and entry.tb_frame.f_builtins is not BUILTINS:
                    raise
            finally:
                # It refers to this very frame, by the others, and all that they hold would live on.
                entry = None
            if type(error) is MemoryError:
                self._is_short = True
            self._missed += 1
        return None

    def _find_room(self) -> None:
        """Go on after memory has been full, if there is some again.

        Until then no event is begun that would meet its end amid the work: CPython's own ways out
        of that are little used, and one may end the process (3.15.0, a segmentation fault).

        Raises:
            MemoryError: it is still full.
        """
        bytearray(ROOM)
        self._is_short = False

    def _take(self) -> bool:
        """Take the engine for this thread; False if the event must be let go."""
        if _getpid() != self._process:
            # The log is the parent's until the child has one.
            return False
        if self._is_taken():
            if _get_ident() in self._telling:
                # Not from within a callback: what runs is codetracer's own, for the most part.
                return False
            # No event comes within another one: a signal handler has raised before the release.
            self._free()
        if self._acquire(True, _LONGEST):
            return True
        self._missed += 1
        return False

    def _activate(self, code: CodeType) -> None:
        """Begin to record if `code` is where it begins."""
        frame = _frame_of(code)
        if frame is None or not self._take():
            return
        release = self._release
        try:
            if self._activation == _WAITING and self._gate.activates(code):
                self._activation = id(frame)
                self._active = True
        finally:
            release()

    def _step(self, frame: FrameType, plan: Plan, line: int) -> None:
        state = self._stacks.innermost(frame)
        self._variables.settle(state, frame)
        self._pass_time()
        record = encode_step(line - state.said)
        state.line = state.said = line
        state.step = self._steps
        self._steps += 1
        self._out.append(record)

    def _exception(
        self,
        frame: FrameType,
        plan: Plan,
        exception: BaseException,
        encode: Callable[[bytes], bytes],
    ) -> None:
        state = self._stacks.innermost(frame)
        if encode is encode_raise:
            self._note_raised(id(exception), state.step)
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
            # What was to be recorded has been.
            self._active = False

    def _note_raised(self, exception: int, step: int) -> None:
        """Take note of where an exception is raised.

        One that comes out of what was called is raised in the caller, too, before any other line
        runs: what is known of it stays.
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
        """Say what time it is, before a record without one; at most each millisecond."""
        now = self._clock()
        elapsed = now - self._time
        if elapsed >= _MILLISECOND:
            record = encode_time(elapsed)
            self._time = now
            self._out.append(record)

    def _write(self) -> None:
        if self._late:
            self._out += self._late
            del self._late[:]
        if self._secrets.count != self._masked:
            # Some became known after this group was begun.
            masked = [self._secrets.masked(record) for record in self._out]
            self._out[:] = masked
            self._masked = self._secrets.count
        self._log.write(self._out)


def _pieces(data: bytes) -> list[bytes]:
    """Return output in pieces of `OUTPUT_PIECE`; none ends amid a character of UTF-8."""
    pieces, start = [], 0
    while len(data) - start > OUTPUT_PIECE:
        end = start + OUTPUT_PIECE
        while end > start + OUTPUT_PIECE - 4 and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[start:end])
        start = end
    return [*pieces, data[start:]]


def _frame_of(code: CodeType) -> FrameType | None:
    """Return the innermost frame that runs `code`: the one the event is in, if any is."""
    frame: FrameType | None = _getframe(2)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame
