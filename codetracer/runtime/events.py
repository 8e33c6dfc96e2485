"""From events to records: the recorder's handlers, in Python.

Each handler puts one group of records together and writes it in one piece. The order in a group: a
thread's switch, frames that came or went unseen, definitions, what objects and variables have
become since the frame's last event, and the event itself.

A handler may meet the program's full stack at any call of a function in Python. What it has done by
then must hold, for the group goes on with the next event: so a number is given, a frame pushed, a
variable taken as written in the same breath as its record is appended, after all that may fail.
"""

from __future__ import annotations

import sys
from _thread import RLock, _local, get_ident
from time import perf_counter_ns

from codetracer.live.frames import thread_name
from codetracer.monitoring import DISABLE
from codetracer.runtime.frames import FrameState, Namespace, ThreadState
from codetracer.runtime.plans import MODULE_KIND, SUSPENDING_KINDS
from codetracer.runtime.scopes import MISSING, frame_around, lookup, release, variables_of
from codetracer.runtime.values import ALLOW, DROP, REDACT
from codetracer_bindings.trace_encoder import (
    encode_call,
    encode_enter,
    encode_exit,
    encode_handled,
    encode_lost,
    encode_namespace,
    encode_output,
    encode_raise,
    encode_resume,
    encode_return,
    encode_step,
    encode_switch,
    encode_thread,
    encode_throw,
    encode_unwind,
    encode_variable,
    encode_yield,
    value_dropped,
    value_redacted,
    value_unbound,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType, FrameType
    from typing import Final, Protocol

    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.plans import Plan, Plans, Variable
    from codetracer.runtime.values import Values

    class Log(Protocol):
        """Where groups of records go."""

        def write(self, group: bytes) -> None:
            """Append a group."""


__all__ = ["Events"]

_UNBOUND: Final = value_unbound()
_REDACTED: Final = value_redacted()
_DROPPED: Final = value_dropped()


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
        self._definitions = definitions
        self._values = values
        self._depth = depth
        self._clock = clock
        self._active = active
        self._activation = 0
        self._out = definitions.out
        self._time = clock()
        self._clear()

    def restart(self, log: Log) -> None:
        """Begin anew with another log, as a forked child must."""
        self._log = log
        self._values.forget()
        self._clear()

    def release(self) -> None:
        """Let go of the log, which is about to be closed."""

    def abandon(self) -> None:
        """Let go of the log, which is another process'."""

    def end(self) -> None:
        """Record nothing more, and never begin again."""
        self._active = False
        self._activation = -1

    def counts(self) -> dict[str, int]:
        """Return how much has been recorded so far."""
        return {"threads": self._thread_count, "calls": self._frames}

    def _clear(self) -> None:
        # Whoever held the one before may not be there any more.
        self._lock = RLock()
        self._local = _local()
        self._current: ThreadState | None = None
        self._frames = 0
        self._thread_count = 0
        self._namespace_count = 0
        self._namespaces: dict[int, Namespace] = {}
        self._namespace_of: dict[int, Namespace] = {}
        self._suspended: dict[int, FrameState] = {}

    # -- events in which a frame begins or goes on

    def on_py_start(self, code: CodeType, instruction_offset: int) -> object:
        """A frame begins."""
        plan = self._plan(code)
        frame = _frame_of(code)
        if not self._active and not self._activate(code, frame):
            # Either it has not begun, or it is over.
            return DISABLE if plan is None and not self._gate.activates(code) else None
        if plan is None:
            return DISABLE
        if frame is not None:
            with self._lock:
                self._begin(frame, plan)
        return None

    def on_py_resume(self, code: CodeType, instruction_offset: int) -> object:
        """A generator or coroutine goes on."""
        plan = self._plan(code)
        if plan is None:
            return DISABLE
        frame = _frame_of(code)
        if frame is not None and self._active:
            with self._lock:
                thread = self._thread()
                self._sync(thread, frame.f_back, id(frame))
                self._resume(thread, frame, plan)
                self._write()
        return None

    def on_py_throw(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """A generator or coroutine goes on with an exception."""
        plan = self._plan(code)
        frame = _frame_of(code)
        if plan is None or frame is None or not self._active:
            return
        with self._lock:
            thread = self._thread()
            # Through a `yield from` that handled it, it may come to a frame that has been resumed.
            is_open = any(state.frame == id(frame) for state in thread.stack)
            if is_open:
                self._sync(thread, frame, 0)
            else:
                self._sync(thread, frame.f_back, id(frame))
            state = thread.stack[-1] if is_open else self._suspended.get(id(frame))
            if state is None or state.plan is not plan:
                # It has not been met before; the RAISE that follows says the rest.
                self._enter(thread, frame, plan)
            else:
                record = encode_throw(state.number, self._elapsed(), self._value(exception, plan))
                if not is_open:
                    del self._suspended[id(frame)]
                    thread.stack.append(state)
                self._out.append(record)
            self._write()

    # -- events within a frame

    def on_line(self, code: CodeType, line_number: int) -> object:
        """A line is about to run."""
        plan = self._plan(code)
        if plan is None:
            return DISABLE
        frame = _frame_of(code)
        if frame is not None and self._active:
            with self._lock:
                state = self._state(frame)
                self._settle(state, frame)
                record = encode_step(line_number - state.said)
                state.line = state.said = line_number
                self._out.append(record)
                self._write()
        return None

    def on_raise(self, code: CodeType, instruction_offset: int, exception: BaseException) -> None:
        """An exception is raised, or comes out of what was called."""
        self._exception(code, exception, encode_raise)

    def on_exception_handled(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """An exception is handled."""
        self._exception(code, exception, encode_handled)

    # -- events in which a frame ends or is suspended

    def on_py_return(self, code: CodeType, instruction_offset: int, retval: object) -> object:
        """A frame returns."""
        plan = self._plan(code)
        if plan is None:
            return DISABLE
        frame = _frame_of(code)
        if frame is not None and self._active:
            with self._lock:
                state = self._state(frame)
                value = self._settle(state, frame, retval)
                self._leave(encode_return(self._elapsed(), value))
        return None

    def on_py_yield(self, code: CodeType, instruction_offset: int, retval: object) -> object:
        """A generator or coroutine is suspended."""
        plan = self._plan(code)
        if plan is None:
            return DISABLE
        frame = _frame_of(code)
        if frame is not None and self._active:
            with self._lock:
                state = self._state(frame)
                value = self._settle(state, frame, retval)
                record = encode_yield(self._elapsed(), value)
                self._suspended[state.frame] = state
                self._leave(record)
        return None

    def on_py_unwind(
        self, code: CodeType, instruction_offset: int, exception: BaseException
    ) -> None:
        """A frame ends by an exception."""
        plan = self._plan(code)
        frame = _frame_of(code)
        if plan is not None and frame is not None and self._active:
            with self._lock:
                state = self._state(frame)
                value = self._settle(state, frame, exception, is_result=False)
                self._leave(encode_unwind(self._elapsed(), value))

    # -- what is no event of CPython's

    def output(self, stream: int, data: bytes, frame: FrameType | None) -> None:
        """The program wrote something, or read its standard input.

        Parameters:
            stream: 0 stdin, 1 stdout, 2 stderr.
            data: what it was.
            frame: the frame that did; None when it is not known.
        """
        path, line = "", 0
        if frame is not None:
            path, line = frame.f_code.co_filename, frame.f_lineno or 0
        with self._lock:
            if frame is not None:
                self._thread()
            self._out.append(encode_output(stream, path, line, data))
            self._write()

    def exit(self, code: int | None) -> None:
        """Recording ends.

        Parameters:
            code: the exit status; None when it is not known.
        """
        with self._lock:
            known = 0 if code is None else 1
            self._out.append(encode_exit(self._elapsed(), known, code or 0))
            self._write()

    # -- threads and frames

    def _plan(self, code: CodeType, frame: FrameType | None = None) -> Plan | None:
        try:
            return self._plans.known[id(code)]
        except KeyError:
            frame = frame or _frame_of(code)
        if frame is None:
            return None
        with self._lock:
            return self._plans.make(code, frame.f_globals.get("__name__"))

    def _thread(self) -> ThreadState:
        """Return the running thread's state; say so in the log if another one was the last."""
        # Not by its identifier, which is soon another thread's.
        thread: ThreadState | None = getattr(self._local, "state", None)
        if thread is None:
            ident = get_ident()
            record = encode_thread(ident, thread_name(ident))
            thread = self._local.state = ThreadState(self._thread_count)
            self._thread_count += 1
            self._current = thread
            self._out.append(record)
        elif self._current is not thread:
            record = encode_switch(thread.number)
            self._current = thread
            self._out.append(record)
        return thread

    def _state(self, frame: FrameType) -> FrameState:
        """Return the state of a frame in which something happens; it is the innermost then."""
        thread = self._thread()
        if not thread.stack or thread.stack[-1].frame != id(frame):
            self._sync(thread, frame, 0)
        return thread.stack[-1]

    def _sync(self, thread: ThreadState, frame: FrameType | None, beginning: int) -> None:
        """Make the innermost recorded frame from `frame` outwards the top of the stack.

        Events alone do not tell: frames may have been there before recording began, throw() passes
        through a ``yield from`` without an event, a generator may be closed without one.

        Parameters:
            beginning: the id of a frame that begins; the stack may hold a dead one of that id.
        """
        stack = thread.stack
        if frame is not None and stack and stack[-1].frame == id(frame) != beginning:
            return
        places = {state.frame: index for index, state in enumerate(stack)}
        places.pop(beginning, None)
        missing: list[tuple[FrameType, Plan]] = []
        keep = 0
        while frame is not None:
            code = frame.f_code
            place = places.get(id(frame), -1)
            if place >= 0 and stack[place].plan.code == id(code):
                keep = place + 1
                break
            plan = self._plan(code, frame)
            if plan is not None:
                missing.append((frame, plan))
            frame = frame.f_back
        while len(stack) > keep:
            record = encode_lost()
            state = stack.pop()
            self._out.append(record)
            if state.plan.kind in SUSPENDING_KINDS:
                # A throw() has passed through it, and it may go on.
                self._suspended[state.frame] = state
        for above, plan in reversed(missing):
            self._resume(thread, above, plan)

    def _begin(self, frame: FrameType, plan: Plan) -> None:
        thread = self._thread()
        self._sync(thread, frame.f_back, id(frame))
        state = FrameState(id(frame), plan, self._frames, self._namespace(frame, plan))
        arguments = []
        if plan.parameters:
            variables = variables_of(frame)
            for variable in plan.parameters:
                value = self._encode(variable, variables, self._depth) or _DROPPED
                arguments.append(value)
                state.written[variable.number] = value
            release(frame, variables)
            self._values.write_objects(plan.attributes)
        record = encode_call(plan.number, self._elapsed(), arguments)
        self._frames += 1
        thread.stack.append(state)
        self._out.append(record)
        self._write()

    def _resume(self, thread: ThreadState, frame: FrameType, plan: Plan) -> None:
        state = self._suspended.get(id(frame))
        if state is None or state.plan is not plan:
            self._enter(thread, frame, plan)
            return
        record = encode_resume(state.number, self._elapsed())
        del self._suspended[id(frame)]
        thread.stack.append(state)
        self._out.append(record)

    def _enter(self, thread: ThreadState, frame: FrameType, plan: Plan) -> None:
        state = FrameState(id(frame), plan, self._frames, self._namespace(frame, plan))
        state.line = state.said = frame.f_lineno or plan.first_line
        record = encode_enter(plan.number, self._elapsed(), state.line)
        self._frames += 1
        thread.stack.append(state)
        self._out.append(record)
        changed = self._look(state, frame, plan.everything)
        self._values.write_objects(plan.attributes)
        self._write_variables(state, changed)

    def _leave(self, record: bytes) -> None:
        state = self._local.state.stack.pop()
        self._out.append(record)
        self._write()
        if self._activation == state.frame:
            # What was to be recorded has been.
            self._active = False

    def _activate(self, code: CodeType, frame: FrameType | None) -> bool:
        if self._activation or frame is None or not self._gate.activates(code):
            return False
        self._activation = id(frame)
        self._active = True
        return True

    def _namespace(self, frame: FrameType, plan: Plan) -> Namespace:
        variables = frame.f_globals
        namespace = self._namespaces.get(id(variables))
        if namespace is None or (
            # Another dict may have the address of one that is gone.
            plan.kind == MODULE_KIND
            and not all(name in variables for name in namespace.written)
        ):
            namespace = Namespace(self._namespace_count)
            self._namespace_count += 1
            self._namespaces[id(variables)] = namespace
        if self._namespace_of.get(plan.number) is not namespace:
            record = encode_namespace(plan.number, namespace.number)
            self._namespace_of[plan.number] = namespace
            self._out.append(record)
        return namespace

    # -- values

    def _exception(
        self, code: CodeType, exception: BaseException, encode: Callable[[bytes], bytes]
    ) -> None:
        plan = self._plan(code)
        frame = _frame_of(code)
        if plan is not None and frame is not None and self._active:
            with self._lock:
                self._state(frame)
                self._out.append(encode(self._value(exception, plan)))
                self._write()

    def _value(self, value: object, plan: Plan) -> bytes:
        content = self._values.encode(value, self._depth)
        self._values.write_objects(plan.attributes)
        return content

    def _settle(
        self,
        state: FrameState,
        frame: FrameType,
        result: object = MISSING,
        *,
        is_result: bool = True,
    ) -> bytes:
        """Write what the line that has run has changed; return the bytes of `result`.

        Parameters:
            is_result: whether it is one that filters may hide.
        """
        plan = state.plan
        looks = plan.lines.get(state.line)
        changed = self._look(state, frame, looks) if looks else []
        value = b""
        if result is not MISSING:
            action = plan.return_action if is_result else ALLOW
            value = _REDACTED if action == REDACT else _DROPPED
            if action == ALLOW:
                value = self._values.encode(result, self._depth)
        self._values.write_objects(plan.attributes)
        self._write_variables(state, changed)
        return value

    def _look(
        self, state: FrameState, frame: FrameType, looks: Iterable[tuple[Variable, int]]
    ) -> list[tuple[Variable, bytes]]:
        """Return the variables that have another value than was last written."""
        changed = []
        variables: Mapping[str, object] | None = None
        around: FrameType | None = None
        for variable, reach in looks:
            space: Mapping[str, object]
            if variable.is_global:
                space = frame.f_globals
                written = state.namespace.written.get(variable.name)
            else:
                if variables is None:
                    variables = variables_of(frame)
                space = variables
                if variable.is_around and lookup(variables, variable.name) is MISSING:
                    around = frame_around(frame)
                    space = variables_of(around)
                written = state.written.get(variable.number)
            value = self._encode(variable, space, reach or self._depth)
            if value != written and (written or value != _UNBOUND):
                changed.append((variable, value))
                if 0 < reach < self._depth:
                    # What is in it may be new as well.
                    self._encode(variable, space, self._depth)
            if around is not None:
                release(around, space)
                around = None
        if variables is not None:
            release(frame, variables)
        return changed

    def _write_variables(
        self, state: FrameState, changed: Iterable[tuple[Variable, bytes]]
    ) -> None:
        for variable, value in changed:
            record = encode_variable(variable.number, value)
            if not variable.is_global:
                state.written[variable.number] = value
            elif value == _UNBOUND:
                state.namespace.written.pop(variable.name, None)
            else:
                state.namespace.written[variable.name] = value
            self._out.append(record)

    def _encode(self, variable: Variable, variables: Mapping[str, object], reach: int) -> bytes:
        """Return the bytes of a variable's value; none of one that a filter drops."""
        if variable.action == DROP:
            return b""
        value = lookup(variables, variable.name)
        if value is MISSING:
            return _UNBOUND
        if variable.action == REDACT:
            return _REDACTED
        return self._values.encode(value, min(reach, self._depth))

    # -- the log

    def _elapsed(self) -> int:
        now = self._clock()
        elapsed = now - self._time
        self._time = now
        return elapsed

    def _write(self) -> None:
        self._log.write(b"".join(self._out))
        self._out.clear()


def _frame_of(code: CodeType) -> FrameType | None:
    """Return the innermost frame that runs `code`: the one the event is in, if any is."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame
