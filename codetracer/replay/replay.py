"""Goes through the log of one process, yields its events, and knows the state at each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.errors import RecorderError
from codetracer.recording.decoder import Records
from codetracer.recording.reader import DECODE_ERRORS, LogReader
from codetracer.replay import events
from codetracer.replay.contents import changed
from codetracer.replay.details import Lowered
from codetracer.replay.keyframe import Keyframe
from codetracer.replay.model import NO_THREAD, Code, Frame, Thread, shortened
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_decoder import (
    ObjectRecord,
    StepRecord,
    VariableRecord,
    WordedRecord,
)
from codetracer_bindings.trace_format import ENDING_STATUS, STREAM_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import Any

    from codetracer.replay.contents import Change
    from codetracer.replay.events import Event
    from codetracer.replay.state import Held
    from codetracer.replay.values import Value

__all__ = ["Changes", "Replay"]


def _pass_over(record: raw.Record) -> Iterable[Event]:
    """Return no events, for kinds of records that have none."""
    return ()


class Changes:
    """The objects and variables that records have changed since `clear` was called last.

    Attributes:
        objects: the earlier contents of each changed object, by its number; None for a new one.
        variables: the earlier value of each changed variable, by frame and the variable's number.
    """

    __slots__ = ("objects", "variables")

    def __init__(self) -> None:
        self.objects: dict[int, Held | None] = {}
        self.variables: dict[tuple[Frame, int], raw.Value] = {}

    def clear(self) -> None:
        """Forget all changes."""
        self.objects.clear()
        self.variables.clear()


class Replay:
    """An iterator over the events of one process, with the state at the last yielded event.

    It can be iterated once. In memory are one block of the log, the values of the program's
    variables and objects, and the frames that have not ended.

    Parameters:
        log: the process' log.
        tell_steps: whether to yield a `StepEvent` for each step; without them, reading takes about
            a third less time.
        note_changes: whether to collect changes in `changes`, which makes reading slower.
        start: the state to begin from, which the replay changes; None for the log's beginning.

    Attributes:
        changes: the changes since the user of the replay called ``changes.clear()`` last; None
            without `note_changes`.
        state: the values of variables and objects in the form of the log.
        threads: the threads so far, by number.
        steps: how many steps came before.
        calls: how many frames began before.
        time_ns: the time of the last record with a time (ns since recording began).
        position: the byte offset in the log of the records of the current block.
        ended: whether the end of a complete log was reached.
        replaced_by: the program that replaced the process with exec; None if none did.
        started: the commands of the Python processes that it started, without forks.
        parent: the PID of the process that started this one, if this one joined the recording.
        lowered: where the recording's budget lowered the detail of code.
    """

    def __init__(
        self,
        log: LogReader,
        *,
        tell_steps: bool = True,
        note_changes: bool = False,
        start: Keyframe | None = None,
    ) -> None:
        start = start or Keyframe()
        self.state = start.state
        self.changes = Changes() if note_changes else None
        self.threads = start.threads
        self.steps = start.steps
        self.calls = start.calls
        self.time_ns = start.time_ns
        self.position = start.offset
        self.ended = False
        self._log = log
        self._tell_steps = tell_steps
        self._blocks = start.blocks
        self._sources = start.sources
        self._codes = start.codes
        self._next_code = start.codes_before
        # Frames that a record may resume: the suspended ones, and running ones that can suspend.
        self._resumable = start.resumable
        self._thread = start.running or NO_THREAD
        self._frame = self._thread.top
        self.replaced_by: str | None = None
        self.started: list[str] = []
        self.parent: int | None = None
        self.lowered: list[Lowered] = []
        self._handlers: dict[type[raw.Record], Callable[[Any], Iterable[Event]]] = {
            raw.SourceRecord: self._source,
            raw.CodeRecord: self._code,
            raw.NamespaceRecord: self._namespace,
            raw.DetailRecord: self._detail,
            raw.TypeRecord: self._type,
            raw.AttributeRecord: self._attribute,
            raw.ThreadRecord: self._new_thread,
            raw.SwitchRecord: self._switch,
            raw.CallRecord: self._call,
            raw.EnterRecord: self._enter,
            raw.StepRecord: self._stray_step,
            raw.VariableRecord: self._variable,
            raw.AttributesSetRecord: self._change,
            raw.ItemsSetRecord: self._change,
            raw.ItemsReplacedRecord: self._change,
            raw.ReturnRecord: self._return,
            raw.YieldRecord: self._yield,
            raw.ResumeRecord: self._resume,
            raw.ThrowRecord: self._throw,
            raw.UnwindRecord: self._unwind,
            raw.RaiseRecord: self._raise,
            raw.HandledRecord: self._handled,
            raw.LostRecord: self._lost,
            raw.OutputRecord: self._output,
            raw.ExitRecord: self._exit,
            raw.TimeRecord: self._pass_time,
            raw.ExecRecord: self._exec,
            raw.ChildRecord: self._child,
            raw.JoinedRecord: self._joined,
            raw.TaskRecord: self._task,
        }
        self._events = self._run()

    def __iter__(self) -> Iterator[Event]:
        return self._events

    def __next__(self) -> Event:
        return next(self._events)

    def locals(self, frame: Frame) -> dict[str, Value]:
        """Return the current local variables of a frame that has not ended, by name."""
        return self.state.locals(frame)

    def globals(self, frame: Frame) -> dict[str, Value]:
        """Return the current values of the global variables in a frame's code, by name."""
        return self.state.globals(frame)

    def _run(self) -> Iterator[Event]:
        """Yield all readable events and an `UnfinishedEvent` for each open frame, then raise.

        Raises:
            HostError: ERR_IO, the log cannot be read.
            TargetError: ERR_TRACE_DAMAGED, the log is damaged after the events that were yielded.
        """
        damage: RecorderError | None = None
        handlers, objects = self._handlers, self.state.objects
        tell_steps, changes = self._tell_steps, self.changes
        try:
            for block in self._blocks or self._log.blocks():
                records = Records(block.data)
                self.position = block.offset
                try:
                    # The hot path: half of a log are steps, most of the rest variables and objects.
                    # To note changes, variables must go through their handler.
                    frame = self._frame
                    thread = self._thread
                    for record in records:
                        if type(record) is StepRecord and frame is not None:
                            frame.line = line = frame.line + record.delta
                            frame.step = number = self.steps
                            self.steps = number + 1
                            if tell_steps:
                                yield events.StepEvent(thread, self.time_ns, frame, number, line)
                        elif (
                            type(record) is VariableRecord and frame is not None and changes is None
                        ):
                            if record.variable < len(frame.code.variables):
                                frame.values[record.variable] = record.value
                            else:
                                self.state.set_variable(frame, record.variable, record.value)
                        elif type(record) is ObjectRecord or type(record) is WordedRecord:
                            if changes is not None:
                                before = objects.get(record.number)
                                changes.objects.setdefault(record.number, before)
                            objects[record.number] = record
                        else:
                            yield from handlers.get(type(record), _pass_over)(record)
                            frame = self._frame
                            thread = self._thread
                except DECODE_ERRORS as error:
                    if not block.ends_at(records.position):
                        raise self._log.bad_record(block, records.position, error) from error
        except RecorderError as error:
            damage = error
        yield from self._unfinished()
        if damage is not None:
            raise damage

    def _unfinished(self) -> Iterator[Event]:
        for thread in self.threads:
            while thread.top is not None:
                frame = thread.top
                thread.top = frame.caller
                frame.thread = None
                yield events.UnfinishedEvent(thread, self.time_ns, frame)
        self._frame = None

    # ---------------------------------------------------------------- definitions of numbers

    def _source(self, record: raw.SourceRecord) -> Iterable[Event]:
        self._sources.append(shortened(record.path))
        return ()

    def _code(self, record: raw.CodeRecord) -> Iterable[Event]:
        if record.source >= len(self._sources):
            raise KeyError(f"there is no source {record.source}")
        number = self._next_code
        self._codes[number] = Code(number, self._sources[record.source], record)
        self._next_code += 1
        return ()

    def _namespace(self, record: raw.NamespaceRecord) -> Iterable[Event]:
        self._known_code(record.code).set_namespace(record.number)
        if record.number not in self.state.namespaces:
            self.state.namespaces[record.number] = {}
        return ()

    def _detail(self, record: raw.DetailRecord) -> Iterable[Event]:
        code = self._known_code(record.code)
        before = code.detail
        if code.set_detail(record.detail):
            self.lowered.append(Lowered(code, before, code.detail, self.time_ns))
        if not code.has_values:
            for frame in self._living():
                if frame.code is code:
                    frame.forget()
        return ()

    def _living(self) -> Iterator[Frame]:
        """Yield the frames whose values are known: those on stacks, and those that may resume."""
        for thread in self.threads:
            frame = thread.top
            while frame is not None:
                yield frame
                frame = frame.caller
        yield from self._resumable.values()

    def _type(self, record: raw.TypeRecord) -> Iterable[Event]:
        self.state.types.append(shortened(record.name))
        return ()

    def _attribute(self, record: raw.AttributeRecord) -> Iterable[Event]:
        self.state.attribute_names.append(shortened(record.name))
        return ()

    def _known_code(self, number: int) -> Code:
        code = self._codes.get(number)
        if code is None:
            raise KeyError(f"there is no code {number}")
        return code

    # ---------------------------------------------------------------- threads

    def _new_thread(self, record: raw.ThreadRecord) -> Iterable[Event]:
        thread = Thread(len(self.threads), record.ident, shortened(record.name))
        self.threads.append(thread)
        self._thread = thread
        self._frame = None
        return (events.ThreadEvent(thread, self.time_ns),)

    def _switch(self, record: raw.SwitchRecord) -> Iterable[Event]:
        if record.thread >= len(self.threads):
            raise KeyError(f"there is no thread {record.thread}")
        self._thread = self.threads[record.thread]
        self._frame = self._thread.top
        return ()

    def _task(self, record: raw.TaskRecord) -> Iterable[Event]:
        if self._thread is NO_THREAD:
            raise KeyError("a task runs, but no thread was defined")
        self._thread.task = shortened(record.name)
        return ()

    # ---------------------------------------------------------------- frames

    def _call(self, record: raw.CallRecord) -> Iterable[Event]:
        code = self._known_code(record.code)
        frame = self._begin(code, code.line, record.elapsed)
        if len(record.arguments) > len(code.variables):
            raise KeyError(f"{code.name} is called with more arguments than it has variables")
        frame.values = dict(enumerate(record.arguments))
        event = events.CallEvent(self._thread, self.time_ns, frame, False, self.state)
        return (event,) if code.has_values else self._call_alone(event)

    def _call_alone(self, event: events.CallEvent) -> Iterable[Event]:
        """Yield the call of a frame whose variables are not recorded."""
        yield event
        # From here on, it may bind its parameters.
        event.frame.values = {}

    def _enter(self, record: raw.EnterRecord) -> Iterable[Event]:
        frame = self._begin(self._known_code(record.code), record.line, record.elapsed)
        return (events.CallEvent(self._thread, self.time_ns, frame, True, self.state),)

    def _begin(self, code: Code, line: int, elapsed: int) -> Frame:
        if self._thread is NO_THREAD:
            raise KeyError("a frame begins, but no thread was defined")
        self.time_ns += elapsed
        frame = Frame(self.calls, code, line, self.time_ns)
        self.calls += 1
        if code.suspends:
            self._resumable[frame.number] = frame
        self._push(frame)
        return frame

    def _push(self, frame: Frame) -> None:
        caller = self._thread.top
        frame.caller = caller
        frame.thread = self._thread
        frame.depth = 0 if caller is None else caller.depth + 1
        if frame.code.runs_in_task:
            frame.task = self._thread.task
        else:
            frame.task = "" if caller is None else caller.task
        self._thread.top = self._frame = frame

    def _innermost(self) -> Frame:
        if self._frame is None:
            raise KeyError("it needs a frame, but the thread has none")
        return self._frame

    def _pop(self, elapsed: int) -> Frame:
        frame = self._innermost()
        self.time_ns += elapsed
        self._thread.top = self._frame = frame.caller
        frame.thread = None
        return frame

    def _end(self, elapsed: int) -> Frame:
        frame = self._pop(elapsed)
        self._resumable.pop(frame.number, None)
        return frame

    def _return(self, record: raw.ReturnRecord) -> Iterable[Event]:
        frame = self._end(record.elapsed)
        return (events.ReturnEvent(self._thread, self.time_ns, frame, record.value, self.state),)

    def _yield(self, record: raw.YieldRecord) -> Iterable[Event]:
        frame = self._pop(record.elapsed)
        self._resumable[frame.number] = frame
        return (events.YieldEvent(self._thread, self.time_ns, frame, record.value, self.state),)

    def _unwind(self, record: raw.UnwindRecord) -> Iterable[Event]:
        frame = self._end(record.elapsed)
        return (
            events.UnwindEvent(self._thread, self.time_ns, frame, record.exception, self.state),
        )

    def _lost(self, _: raw.LostRecord) -> Iterable[Event]:
        # Perhaps the frame has not ended, and is resumed later.
        frame = self._pop(0)
        self._resumable[frame.number] = frame
        return (events.LostEvent(self._thread, self.time_ns, frame),)

    def _resume(self, record: raw.ResumeRecord) -> Iterable[Event]:
        self.time_ns += record.elapsed
        frame = yield from self._revive(record.frame)
        yield events.ResumeEvent(self._thread, self.time_ns, frame)

    def _throw(self, record: raw.ThrowRecord) -> Iterable[Event]:
        self.time_ns += record.elapsed
        frame = self._frame
        # If a generator below a ``yield from`` handled it, the frame here is running already.
        if frame is None or frame.number != record.frame:
            frame = yield from self._revive(record.frame)
        yield events.ThrowEvent(self._thread, self.time_ns, frame, record.exception, self.state)

    def _revive(self, number: int) -> Generator[Event, None, Frame]:
        """Put a frame on the thread's stack again; yield the frames that it left unseen."""
        if self._thread is NO_THREAD:
            raise KeyError("a frame is resumed, but no thread was defined")
        frame = self._resumable.get(number)
        if frame is None:
            raise KeyError(f"frame {number} is resumed, but has ended or never began")
        # If it is still on a stack, no event showed that it, and all frames above it, left that.
        while (thread := frame.thread) is not None and (gone := thread.top) is not None:
            thread.top = gone.caller
            gone.thread = None
            yield events.LostEvent(thread, self.time_ns, gone)
        self._push(frame)
        return frame

    # ---------------------------------------------------------------- events in a frame

    def _stray_step(self, _: raw.StepRecord) -> Iterable[Event]:
        self._innermost()
        return ()

    def _change(self, record: Change) -> Iterable[Event]:
        held = self.state.objects.get(record.number)
        if held is None:
            raise KeyError(f"there is no object {record.number}")
        if self.changes is not None:
            self.changes.objects.setdefault(record.number, held)
        self.state.objects[record.number] = changed(held, record)
        return ()

    def _variable(self, record: raw.VariableRecord) -> Iterable[Event]:
        frame = self._innermost()
        if self.changes is not None:
            before = self.state.variable(frame, record.variable)
            self.changes.variables.setdefault((frame, record.variable), before)
        self.state.set_variable(frame, record.variable, record.value)
        return ()

    def _raise(self, record: raw.RaiseRecord) -> Iterable[Event]:
        frame = self._innermost()
        return (events.RaiseEvent(self._thread, self.time_ns, frame, record.exception, self.state),)

    def _handled(self, record: raw.HandledRecord) -> Iterable[Event]:
        frame = self._innermost()
        return (
            events.HandledEvent(self._thread, self.time_ns, frame, record.exception, self.state),
        )

    # ---------------------------------------------------------------- the process

    def _output(self, record: raw.OutputRecord) -> Iterable[Event]:
        if record.stream not in STREAM_NAMES:
            raise KeyError(f"there is no stream {record.stream}")
        return (
            events.OutputEvent(
                self._thread,
                self.time_ns,
                self._frame,
                STREAM_NAMES[record.stream],
                record.path,
                record.line,
                record.data,
            ),
        )

    def _pass_time(self, record: raw.TimeRecord) -> Iterable[Event]:
        self.time_ns += record.elapsed
        return ()

    def _exit(self, record: raw.ExitRecord) -> Iterable[Event]:
        self.time_ns += record.elapsed
        self.ended = True
        status = record.status if record.known == ENDING_STATUS else None
        return (events.ExitEvent(self._thread, self.time_ns, self._frame, status),)

    def _exec(self, record: raw.ExecRecord) -> Iterable[Event]:
        self.replaced_by = record.program
        return ()

    def _child(self, record: raw.ChildRecord) -> Iterable[Event]:
        self.started.append(record.command)
        return ()

    def _joined(self, record: raw.JoinedRecord) -> Iterable[Event]:
        self.parent = record.parent
        return ()
