"""The open frames of each thread, also those that began or ended without an event."""

from __future__ import annotations

from _thread import _local, get_ident

from codetracer.inspect.frames import stack_change
from codetracer.inspect.lookups import find
from codetracer.inspect.threading_names import name_of_thread
from codetracer.own import seal
from codetracer.runtime.frames import UNSEEN, FrameState, Namespace, ThreadState
from codetracer.runtime.scopes import MISSING
from codetracer.runtime.tasks import Tasks
from codetracer_bindings.trace_encoder import (
    encode_call,
    encode_enter,
    encode_lost,
    encode_namespace,
    encode_resume,
    encode_switch,
    encode_thread,
    encode_throw,
)
from codetracer_bindings.trace_format import (
    DETAIL_CALLS,
    DETAIL_VALUES,
    KIND_MODULE,
    KINDS_IN_TASKS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Final

    from codetracer.runtime.plans import Plan, Plans
    from codetracer.runtime.variables import Variables

__all__ = ["Stacks"]

seal(globals())


_NOWHERE: Final = Namespace(0)
"""The namespace of frames whose global variables are not recorded."""


class Stacks:
    """Writes switches between threads, and the beginning and the end of frames.

    It notes what it writes right before the record is appended, and calls nothing between: after
    each call a signal handler may raise, and the notes and the log would differ for good.

    Parameters:
        out: the current group of records.
        plans: decide what to record of each code object.
        variables: writes the variables of frames.
        elapsed: returns the time (ns) since it was last called.

    Attributes:
        threads: the number of threads so far.
        frames: the number of frames so far.
    """

    def __init__(
        self, out: list[bytes], plans: Plans, variables: Variables, elapsed: Callable[[], int]
    ) -> None:
        self._out = out
        self._plans = plans
        self._variables = variables
        self._elapsed = elapsed
        self._tasks = Tasks(out)
        self.forget()

    def forget(self) -> None:
        """Begin all numbers again at 0, for another log."""
        self.threads = 0
        self.frames = 0
        self._local = _local()
        self._current: ThreadState | None = None
        self._namespace_count = 0
        self._namespaces: dict[int, Namespace] = {}
        self._namespace_of: dict[int, Namespace] = {}
        self._suspended: dict[int, FrameState] = {}

    def thread(self) -> ThreadState:
        """Return the running thread's state, and write the switch if another thread ran before."""
        # Not by its identifier, which another thread may get later.
        thread: ThreadState | None = getattr(self._local, "state", None)
        if thread is None:
            ident = get_ident()
            record = encode_thread(ident, name_of_thread(ident))
            thread = ThreadState(self.threads)
            self._variables.doubt()
            self._local.state = self._current = thread
            self.threads += 1
            self._out.append(record)
        elif self._current is not thread:
            record = encode_switch(thread.number)
            self._variables.doubt()
            self._current = thread
            self._out.append(record)
        return thread

    def _thread_of(self, plan: Plan) -> ThreadState:
        """Return the running thread's state when code begins or resumes in it."""
        thread = self.thread()
        if plan.kind in KINDS_IN_TASKS:
            self._tasks.tell(thread)
        return thread

    def innermost(self, frame: FrameType) -> FrameState:
        """Return the state of an event's frame, which is the innermost one at that moment."""
        thread = self.thread()
        if not thread.stack or thread.stack[-1].frame != id(frame):
            self._sync(thread, frame, 0)
        return thread.stack[-1]

    def begin(self, frame: FrameType, plan: Plan) -> None:
        """Write that a frame begins."""
        thread = self._thread_of(plan)
        if not self._is_top(thread, frame, plan) or thread.stack[-1].line:
            # A frame in `_suspended` with this id was deleted without an event.
            self._suspended.pop(id(frame), None)
            self._sync(thread, frame.f_back, id(frame))
            self._call(thread, frame, plan)
        if plan.detail == DETAIL_CALLS:
            # No line will say that it has begun.
            thread.stack[-1].line = plan.first_line

    def resume(self, frame: FrameType, plan: Plan) -> None:
        """Write that a suspended frame is resumed."""
        thread = self._thread_of(plan)
        if self._is_top(thread, frame, plan):
            return
        self._sync(thread, frame.f_back, id(frame))
        self._resume(thread, frame, plan)

    def throw(self, frame: FrameType, plan: Plan, exception: BaseException) -> None:
        """Write that a suspended frame is resumed with an exception."""
        thread = self._thread_of(plan)
        begun = frame.f_lasti > plan.beginning
        if not begun:
            # A frame in `_suspended` with this id was deleted without an event.
            self._suspended.pop(id(frame), None)
        # If a generator below a `yield from` handled the exception, this frame is already open.
        is_open = begun and any(state.frame == id(frame) for state in thread.stack)
        if is_open:
            self._sync(thread, frame, 0)
        else:
            self._sync(thread, frame.f_back, id(frame))
        state = thread.stack[-1] if is_open else self._suspended.get(id(frame))
        if state is None or state.plan is not plan:
            # The frame is seen for the first time; a RAISE with the exception follows.
            self._enter(thread, frame, plan)
            return
        self._variables.doubt()
        value = self._variables.value(exception, plan)
        record = encode_throw(state.number, self._elapsed(), value)
        if not is_open:
            del self._suspended[id(frame)]
            state.step, state.matched = -1, 0
            thread.stack += (state,)
        self._out.append(record)

    def leave(self, record: bytes, *, suspended: bool = False) -> None:
        """Write that the innermost frame ends, or is suspended."""
        stack = self._local.state.stack
        if suspended:
            self._suspended[stack[-1].frame] = stack[-1]
        del stack[-1]
        self._out.append(record)

    def _is_top(self, thread: ThreadState, frame: FrameType, plan: Plan) -> bool:
        """Return whether a frame that begins or is resumed is already on top of the stack.

        CPython runs signal handlers and finalizers right before the event of its beginning or
        resumption, and their events put it there.
        """
        stack = thread.stack
        return bool(stack) and stack[-1].frame == id(frame) and stack[-1].plan is plan

    def _sync(self, thread: ThreadState, frame: FrameType | None, beginning: int) -> None:
        """Make `frame`, or its nearest recorded caller, the top of the stack.

        Parameters:
            thread: the state of the running thread.
            frame: a frame of that thread; None for an empty stack.
            beginning: the id of a frame that begins, because the stack may still have a deleted
                frame with that id; 0 for none.
        """
        stack = thread.stack
        if frame is not None and stack and stack[-1].frame == id(frame) != beginning:
            return
        places = {state.frame: index for index, state in enumerate(stack)}
        places.pop(beginning, None)

        def place_of(each: FrameType) -> int:
            place = places.get(id(each), -1)
            return place if place >= 0 and stack[place].plan.code == id(each.f_code) else -1

        def choose(each: FrameType) -> tuple[FrameType, Plan] | None:
            plan = self._plans.of(each.f_code, each)
            return None if plan is None else (each, plan)

        keep, missing = stack_change(frame, place_of, choose)
        while len(stack) > keep:
            # The frame has ended without an event; or it may be resumed, because a throw() has
            # passed through it or another greenlet runs.
            state, record = stack[-1], encode_lost()
            self._suspended[state.frame] = state
            del stack[-1]
            self._out.append(record)
            if state.plan.detail != DETAIL_VALUES:
                self._variables.doubt()
        for above, plan in missing:
            self._resume(thread, above, plan)

    def _resume(self, thread: ThreadState, frame: FrameType, plan: Plan) -> None:
        state = self._suspended.get(id(frame))
        if state is None or state.plan is not plan:
            if frame.f_lasti <= plan.beginning:
                self._call(thread, frame, plan)
            else:
                self._enter(thread, frame, plan)
            return
        self._variables.resumes(frame, self._caller(thread, frame))
        record = encode_resume(state.number, self._elapsed())
        del self._suspended[id(frame)]
        state.step, state.matched = -1, 0
        thread.stack += (state,)
        self._out.append(record)

    def _caller(self, thread: ThreadState, frame: FrameType) -> FrameState | None:
        """Return the state of the frame that directly calls `frame`, if that is recorded."""
        back = frame.f_back
        if not thread.stack:
            return None
        if back is None or thread.stack[-1].frame != id(back):
            thread.stack[-1].matched |= UNSEEN
            return None
        return thread.stack[-1]

    def _state(self, frame: FrameType, plan: Plan) -> FrameState:
        has_values = plan.detail == DETAIL_VALUES
        namespace = self._namespace(frame, plan) if has_values else _NOWHERE
        return FrameState(id(frame), plan, self.frames, namespace, self._variables.event)

    def _call(self, thread: ThreadState, frame: FrameType, plan: Plan) -> None:
        state = self._state(frame, plan)
        arguments = self._variables.arguments(state, frame, self._caller(thread, frame))
        record = encode_call(plan.number, self._elapsed(), arguments)
        self.frames += 1
        thread.stack += (state,)
        self._out.append(record)

    def _enter(self, thread: ThreadState, frame: FrameType, plan: Plan) -> None:
        state = self._state(frame, plan)
        state.line = state.said = frame.f_lineno or plan.first_line
        state.at = plan.lines.get(state.line)
        record = encode_enter(plan.number, self._elapsed(), state.line)
        self.frames += 1
        thread.stack += (state,)
        self._out.append(record)
        self._variables.write_all(state, frame)

    def _namespace(self, frame: FrameType, plan: Plan) -> Namespace:
        variables = frame.f_globals
        namespace = self._namespaces.get(id(variables))
        if namespace is None or (
            # A new dict may have the address of a deleted one.
            plan.kind == KIND_MODULE
            and any(find(variables, name, MISSING) is MISSING for name in namespace.written)
        ):
            namespace = self._namespaces[id(variables)] = Namespace(self._namespace_count)
            self._namespace_count += 1
        if self._namespace_of.get(plan.number) is not namespace:
            record = encode_namespace(plan.number, namespace.number)
            self._namespace_of[plan.number] = namespace
            self._out.append(record)
        return namespace
