"""Makes the segments of an index from the blocks of a log.

It follows threads and frames as a replay does, but keeps no values: of each record it notes only
which block has it. `native/reading/indexer.c` makes the same bytes; docs/adr/0013-index.md says why
an index is as it is.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

from codetracer_bindings import index_format as layout
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings import trace_format as log_format
from codetracer_bindings.trace_decoder import decode_record
from codetracer_bindings.trace_format import KINDS_IN_TASKS, KINDS_THAT_SUSPEND

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codetracer.recording.reader import Block

    type ObjectKind = (
        raw.ObjectRecord
        | raw.WordedRecord
        | raw.AttributesSetRecord
        | raw.ItemsSetRecord
        | raw.ItemsReplacedRecord
    )

__all__ = ["IndexBuilder"]

_LIMIT: Final = 2**32

_COUNTED: Final[dict[type[raw.Record], int]] = {
    raw.CallRecord: log_format.RECORD_CALL,
    raw.EnterRecord: log_format.RECORD_ENTER,
    raw.ReturnRecord: log_format.RECORD_RETURN,
    raw.YieldRecord: log_format.RECORD_YIELD,
    raw.ResumeRecord: log_format.RECORD_RESUME,
    raw.ThrowRecord: log_format.RECORD_THROW,
    raw.UnwindRecord: log_format.RECORD_UNWIND,
    raw.RaiseRecord: log_format.RECORD_RAISE,
    raw.HandledRecord: log_format.RECORD_HANDLED,
    raw.OutputRecord: log_format.RECORD_OUTPUT,
    raw.ExitRecord: log_format.RECORD_EXIT,
    raw.ExecRecord: log_format.RECORD_EXEC,
    raw.ChildRecord: log_format.RECORD_CHILD,
    raw.JoinedRecord: log_format.RECORD_JOINED,
}
"""The kinds of records that are counted, those of events, with their tags."""


class _Code:
    __slots__ = ("in_task", "line", "names", "namespace", "suspends", "variables")

    def __init__(self, record: raw.CodeRecord, names: list[int]) -> None:
        self.line = record.line
        self.variables = len(record.variables)
        self.names = names
        self.namespace = 0
        self.in_task = record.kind in KINDS_IN_TASKS
        self.suspends = record.kind in KINDS_THAT_SUSPEND


class _Frame:
    """A frame that has not ended.

    Attributes:
        born: the block in which it began.
        touched: the last block that has a record about it.
        step: its last step, plus 1; 0 for none.
        task: where the record of its task is.
        thread: the thread whose stack it is on, or None.
        lost: whether it left its stack unseen and did not go on.
    """

    __slots__ = (
        "began",
        "born",
        "code",
        "ended",
        "line",
        "lost",
        "number",
        "step",
        "task",
        "thread",
        "touched",
    )

    def __init__(self, number: int, code: int, line: int, began: int, born: int) -> None:
        self.number = number
        self.code = code
        self.line = line
        self.began = began
        self.born = born
        self.step = 0
        self.task = 0
        self.thread: _Thread | None = None
        self.touched = -1
        self.ended = False
        self.lost = False

    def row(self) -> tuple[int, ...]:
        return self.number, self.began, self.step, self.task, self.code, self.line


class _Thread:
    """A thread; `written` and `written_task` are its stack and task in the segment."""

    __slots__ = ("number", "stack", "task", "written", "written_task")

    def __init__(self, number: int) -> None:
        self.number = number
        self.stack: list[_Frame] = []
        self.task = 0
        self.written: list[tuple[int, ...]] = []
        self.written_task = 0


class IndexBuilder:
    """Takes the closed blocks of a log in order, and makes segments of them.

    Attributes:
        blocks: how many blocks the segment covers that is being made.
        seen: how many blocks were added.
    """

    def __init__(self) -> None:
        self.blocks = 0
        self.seen = 0
        self._next_offset = 0
        self._at = self._offset = 0
        self._noting = True
        self._broken = False
        self._steps = self._calls = self._objects = self._time = 0
        self._raises = self._outputs = 0
        self._old_objects = 0
        self._new_objects: list[int] = []
        self._sources = 0
        self._codes: list[_Code] = []
        self._names: dict[str, int] = {}
        self._threads: list[_Thread] = []
        self._thread: _Thread | None = None
        self._resumable: dict[int, _Frame] = {}
        self._touched: list[_Frame] = []
        self._pending: dict[tuple[_Frame, int], tuple[int, int]] = {}
        self._rows: dict[str, list[tuple[int, ...]]] = {}
        self._postings: dict[tuple[int, int, int], list[list[int]]] = {}
        self._forget()
        self._handlers: dict[type[raw.Record], Callable[[Any], None]] = {
            raw.SourceRecord: self._source,
            raw.CodeRecord: self._code,
            raw.NamespaceRecord: self._namespace,
            raw.DetailRecord: self._detail,
            raw.TypeRecord: self._define,
            raw.AttributeRecord: self._define,
            raw.ThreadRecord: self._new_thread,
            raw.SwitchRecord: self._switch,
            raw.TaskRecord: self._task,
            raw.CallRecord: self._call,
            raw.EnterRecord: self._enter,
            raw.StepRecord: self._step,
            raw.VariableRecord: self._variable,
            raw.ObjectRecord: self._object,
            raw.WordedRecord: self._object,
            raw.AttributesSetRecord: self._object,
            raw.ItemsSetRecord: self._object,
            raw.ItemsReplacedRecord: self._object,
            raw.ReturnRecord: self._end,
            raw.UnwindRecord: self._end,
            raw.YieldRecord: self._suspend,
            raw.LostRecord: self._lose,
            raw.ResumeRecord: self._resume,
            raw.ThrowRecord: self._throw,
            raw.RaiseRecord: self._raise,
            raw.HandledRecord: self._handled,
            raw.OutputRecord: self._output,
            raw.TimeRecord: self._pass_time,
            raw.ExitRecord: self._exit,
            raw.ExecRecord: self._pass_over,
            raw.ChildRecord: self._pass_over,
            raw.JoinedRecord: self._pass_over,
        }

    def add(self, block: Block, *, note: bool = True) -> None:
        """Go through the records of the next block.

        Parameters:
            block: a block that was closed.
            note: whether the segment is to cover it; without, only the state goes on, so that what
                follows a segment that is there already can be indexed.

        Raises:
            ValueError, IndexError, KeyError, OverflowError, RecursionError: a record cannot be
                read or cannot be, or a number is larger than an index has room for.
        """
        if self._broken:
            raise ValueError("the last block could not be read")
        self._broken = True
        data, position, end = block.data, 0, len(block.data)
        self._noting = note
        self._offset = block.offset
        before = self._state(block.offset)
        self._raises = self._outputs = 0
        self._old_objects = self._objects
        self._new_objects.clear()
        steps = self._steps
        self._touched.clear()
        self._pending.clear()
        while position < end:
            self._at = position
            record, position = decode_record(data, position)
            tag = _COUNTED.get(type(record))
            if tag is not None:
                thread = 0 if self._thread is None else self._thread.number + 1
                self._note(layout.KEY_RECORD, thread, tag, self._at)
            self._handlers[type(record)](record)
        for frame in self._touched:
            if self._outlives(frame):
                last = max(0, frame.step - steps)
                self._note(layout.KEY_FRAME, frame.number, 0, frame.line, last)
        for (frame, variable), (at, records) in self._pending.items():
            if self._outlives(frame):
                self._note(layout.KEY_VARIABLE, frame.number, variable, at, records)
        if note:
            self._rows["objects"].extend((last,) for last in self._new_objects)
            self._add_row(before, end, block.crc)
            self.blocks += 1
        self.seen += 1
        self._next_offset = block.offset + block.size
        self._broken = False

    def segment(self) -> bytes:
        """Return the segment of the blocks since the last one, and begin the next.

        Raises:
            ValueError: the last block could not be read, or a number is larger than an index has
                room for.
        """
        if self._broken:
            raise ValueError("the last block could not be read")
        self._raises = self._outputs = 0
        self._add_row(self._state(self._next_offset), 0, 0)
        rows = self._rows
        for (kind, major, minor), postings in sorted(self._postings.items()):
            first = len(rows["postings"])
            rows["keys"].append((major, kind, minor, first, len(postings)))
            rows["postings"].extend(map(tuple, postings))
        try:
            body = b"".join(
                row_layout.pack(*row) for name, row_layout in layout.SECTIONS for row in rows[name]
            )
        except struct.error:
            raise ValueError("a number is larger than an index has room for") from None
        counts = [len(rows[name]) for name, _ in layout.SECTIONS]
        first = self.seen - self.blocks
        unsummed = layout.SEGMENT_HEADER.pack(layout.SEGMENT_MAGIC, 0, first, *counts)
        crc = crc32(body, crc32(unsummed))
        self._forget()
        return layout.SEGMENT_HEADER.pack(layout.SEGMENT_MAGIC, crc, first, *counts) + body

    # ---------------------------------------------------------------- the segment

    def _forget(self) -> None:
        self.blocks = 0
        self._rows = {name: [] for name, _ in layout.SECTIONS}
        self._postings = {}
        for thread in self._threads:
            thread.written = []
            thread.written_task = 0

    def _state(self, offset: int) -> tuple[int, ...]:
        """Write the stacks that have changed; return the rest of the state before a block."""
        numbers = (offset, self._steps, self._calls, self._objects, self._time)
        first = len(self._rows["threads"])
        if self._noting:
            for thread in self._threads:
                self._write_stack(thread)
        return *numbers, 0 if self._thread is None else self._thread.number + 1, first

    def _write_stack(self, thread: _Thread) -> None:
        rows = [frame.row() for frame in thread.stack]
        if rows == thread.written and thread.task == thread.written_task:
            return
        kept = 0
        for row, written in zip(rows, thread.written, strict=False):
            if row != written:
                break
            kept += 1
        frames = self._rows["frames"]
        self._rows["threads"].append(
            (thread.task, thread.number, kept, len(rows) - kept, len(frames))
        )
        frames.extend(rows[kept:])
        thread.written = rows
        thread.written_task = thread.task

    def _add_row(self, before: tuple[int, ...], used: int, crc: int) -> None:
        *numbers, thread, threads = before
        self._rows["blocks"].append(
            (*numbers, used, crc, thread, threads, self._raises, self._outputs)
        )

    def _note(
        self, kind: int, major: int, minor: int, last: int, records: int | None = None
    ) -> None:
        """Note a record about a key in the current block; one more, if it is not said how many."""
        if not self._noting:
            return
        postings = self._postings.setdefault((kind, major, minor), [])
        if not postings or postings[-1][0] != self.seen:
            postings.append([self.seen, 0, 0])
        postings[-1][1] = last
        postings[-1][2] = postings[-1][2] + 1 if records is None else records

    def _touch(self, frame: _Frame) -> None:
        if frame.touched != self.seen:
            frame.touched = self.seen
            self._touched.append(frame)

    def _outlives(self, frame: _Frame) -> bool:
        """Return whether a frame begins before the current block, or goes on after it."""
        return not frame.ended or frame.born != self.seen

    def _define(self, _: raw.Record) -> None:
        if self._noting:
            self._rows["definitions"].append((self._offset + self._at,))

    # ---------------------------------------------------------------- records

    def _pass_over(self, _: raw.Record) -> None:
        pass

    def _source(self, record: raw.SourceRecord) -> None:
        self._define(record)
        self._sources += 1

    def _code(self, record: raw.CodeRecord) -> None:
        if record.source >= self._sources or record.line >= _LIMIT:
            raise ValueError("a code record names no source or no line")
        self._define(record)
        names = [self._names.setdefault(name, len(self._names)) for name in record.global_names]
        self._codes.append(_Code(record, names))

    def _namespace(self, record: raw.NamespaceRecord) -> None:
        self._define(record)
        self._codes[record.code].namespace = record.number

    def _detail(self, record: raw.DetailRecord) -> None:
        if record.code >= len(self._codes):
            raise KeyError(f"there is no code {record.code}")
        self._define(record)

    def _new_thread(self, record: raw.ThreadRecord) -> None:
        self._define(record)
        self._thread = _Thread(len(self._threads))
        self._threads.append(self._thread)

    def _switch(self, record: raw.SwitchRecord) -> None:
        self._thread = self._threads[record.thread]

    def _running(self) -> _Thread:
        if self._thread is None:
            raise KeyError("no thread was named")
        return self._thread

    def _innermost(self) -> _Frame:
        frame = self._running().stack[-1]
        self._touch(frame)
        return frame

    def _task(self, record: raw.TaskRecord) -> None:
        self._running().task = self._offset + self._at if record.name else 0

    def _call(self, record: raw.CallRecord) -> None:
        code = self._codes[record.code]
        if len(record.arguments) > code.variables:
            raise ValueError("a call has more arguments than its code has variables")
        self._begin(record.code, code.line, record.elapsed)

    def _enter(self, record: raw.EnterRecord) -> None:
        if record.line >= _LIMIT:
            raise ValueError(f"there is no line {record.line}")
        self._begin(record.code, record.line, record.elapsed)

    def _begin(self, code: int, line: int, elapsed: int) -> None:
        self._time += elapsed
        frame = _Frame(self._calls, code, line, self._time, self.seen)
        self._calls += 1
        if self._codes[code].suspends:
            self._resumable[frame.number] = frame
        self._note(layout.KEY_CALL, code, 0, self._at)
        if self._noting:
            self._rows["calls"].append((self._at,))
        self._push(frame)

    def _push(self, frame: _Frame) -> None:
        thread = self._running()
        if self._codes[frame.code].in_task:
            frame.task = thread.task
        else:
            frame.task = thread.stack[-1].task if thread.stack else 0
        frame.thread = thread
        thread.stack.append(frame)
        self._touch(frame)

    def _step(self, record: raw.StepRecord) -> None:
        frame = self._innermost()
        frame.line += record.delta
        if not 0 <= frame.line < _LIMIT:
            raise ValueError(f"there is no line {frame.line}")
        self._steps += 1
        frame.step = self._steps
        self._note(layout.KEY_LINE, frame.code, frame.line, self._at)
        self._note(layout.KEY_THREAD, self._running().number, 0, self._at)

    def _variable(self, record: raw.VariableRecord) -> None:
        frame = self._innermost()
        code = self._codes[frame.code]
        index = record.variable - code.variables
        if index >= 0:
            self._note(layout.KEY_GLOBAL, code.namespace, code.names[index], self._at)
        else:
            key = frame, record.variable
            self._pending[key] = self._at, self._pending.get(key, (0, 0))[1] + 1

    def _object(self, record: ObjectKind) -> None:
        number = record.number
        if number < self._old_objects:
            self._note(layout.KEY_OBJECT, number, 0, self._at)
            return
        if number > self._offset + self._at:
            # Each number before it has been in the log, and took a byte or more.
            raise ValueError(f"there cannot be an object {number} yet")
        while len(self._new_objects) <= number - self._old_objects:
            self._new_objects.append(0)
        self._new_objects[number - self._old_objects] = self._at + 1
        self._objects = max(self._objects, number + 1)

    def _pop(self, elapsed: int) -> _Frame:
        frame = self._innermost()
        self._time += elapsed
        self._running().stack.pop()
        frame.thread = None
        return frame

    def _end(self, record: raw.ReturnRecord | raw.UnwindRecord) -> None:
        frame = self._pop(record.elapsed)
        frame.ended = True
        self._resumable.pop(frame.number, None)

    def _suspend(self, record: raw.YieldRecord) -> None:
        frame = self._pop(record.elapsed)
        self._resumable[frame.number] = frame

    def _lose(self, _: raw.LostRecord) -> None:
        frame = self._pop(0)
        self._resumable[frame.number] = frame
        self._set_lost(frame, True)

    def _set_lost(self, frame: _Frame, lost: bool) -> None:
        if frame.lost is not lost:
            frame.lost = lost
            self._note(layout.KEY_LOST, frame.number, 0, self._at, int(lost))

    def _resume(self, record: raw.ResumeRecord) -> None:
        self._time += record.elapsed
        self._revive(record.frame)

    def _throw(self, record: raw.ThrowRecord) -> None:
        self._time += record.elapsed
        stack = self._running().stack
        if stack and stack[-1].number == record.frame:
            self._touch(stack[-1])
        else:
            self._revive(record.frame)

    def _revive(self, number: int) -> None:
        frame = self._resumable[number]
        if frame.thread is not None:
            # It has left that stack unseen, with all frames above it.
            stack = frame.thread.stack
            at = stack.index(frame)
            for gone in stack[at:]:
                gone.thread = None
                self._touch(gone)
                self._set_lost(gone, True)
            del stack[at:]
        self._set_lost(frame, False)
        self._push(frame)

    def _raise(self, _: raw.RaiseRecord) -> None:
        self._innermost()
        self._raises += 1

    def _handled(self, _: raw.HandledRecord) -> None:
        self._innermost()

    def _output(self, _: raw.OutputRecord) -> None:
        self._outputs += 1
        self._touch_top()

    def _touch_top(self) -> None:
        """Touch the frame in which something of the whole process happens, if there is one."""
        if self._thread is not None and self._thread.stack:
            self._touch(self._thread.stack[-1])

    def _pass_time(self, record: raw.TimeRecord) -> None:
        self._time += record.elapsed

    def _exit(self, record: raw.ExitRecord) -> None:
        self._time += record.elapsed
        self._touch_top()
