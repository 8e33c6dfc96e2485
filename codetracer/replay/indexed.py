"""Gives the state before any block of a log by its index, and reads only the requested parts."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from codetracer.recording.decoder import decode_record
from codetracer.recording.reader import DECODE_ERRORS, Block
from codetracer.replay.contents import CHANGES, CONTENTS, changed, contents_in
from codetracer.replay.details import Lowered
from codetracer.replay.keyframe import Keyframe
from codetracer.replay.model import Code, Frame, Thread, shortened
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.index_format import KEY_FRAME, KEY_GLOBAL, KEY_OBJECT, KEY_VARIABLE

if TYPE_CHECKING:
    from _collections_abc import dict_items
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from codetracer.errors import TargetError
    from codetracer.recording.reader import LogReader
    from codetracer.replay.contents import Change
    from codetracer.replay.index import Index, Stack
    from codetracer.replay.state import Held
    from codetracer_bindings.index_format import PostingRow

__all__ = ["MISFITS", "IndexedLog"]

KEPT_BYTES: Final = 8 << 20
"""Bytes of blocks that are kept in memory, beside the block that was used last."""

MISFITS: Final = (*DECODE_ERRORS, LookupError)
"""The exceptions where an index says what its log has not."""


class _Found[K, V](dict[K, V]):
    """A dict whose items are looked for when they are asked for, and then kept.

    Parameters:
        find: returns the value of a key, or raises KeyError.
        keys: all keys that may be there, for `items`.
    """

    __slots__ = ("_find", "_keys", "_missing")

    def __init__(self, find: Callable[[K], V], keys: Iterable[K] = ()) -> None:
        super().__init__()
        self._find = find
        self._keys = keys
        self._missing: set[K] = set()

    def __missing__(self, key: K) -> V:
        if key in self._missing:
            raise KeyError(key)
        try:
            value = self[key] = self._find(key)
        except KeyError:
            self._missing.add(key)
            raise
        return value

    def __contains__(self, key: Any) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def items(self) -> dict_items[K, V]:
        """Return all items."""
        for key in self._keys:
            self.get(key)
        return super().items()


class _SuspendedFrame(Frame):
    """A frame that was suspended: when it began is looked for if somebody asks."""

    __slots__ = ("_began",)

    def __init__(self, number: int, code: Code, line: int, began: Callable[[], int]) -> None:
        self._began: Callable[[], int] | int = began
        super().__init__(number, code, line, -1)

    @property
    def began_ns(self) -> int:
        """The time when it began (ns since recording began)."""
        if callable(self._began):
            self._began = self._began()
        return self._began

    @began_ns.setter
    def began_ns(self, _: int) -> None:
        pass


class IndexedLog:
    """A log and its index. It knows the state before each block that the index covers.

    Parameters:
        log: the log.
        index: its index, which fits it.

    Raises:
        TargetError: any method: ERR_TRACE_DAMAGED, the index does not fit the log, or a block is
            damaged.
        HostError: any method: ERR_IO, the log cannot be read.
    """

    def __init__(self, log: LogReader, index: Index) -> None:
        self.log = log
        self.index = index
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._kept = 0

    def data(self, number: int) -> bytes:
        """Return the records of a block."""
        data = self._blocks.get(number)
        if data is None:
            row = self.index.block(number)
            data = self.log.read(row.offset, row.used)
            if crc32(data) != row.crc:
                raise self.misfit(row.offset)
            self._blocks[number] = data
            self._kept += len(data)
            while self._kept > KEPT_BYTES and len(self._blocks) > 1:
                self._kept -= len(self._blocks.popitem(last=False)[1])
        else:
            self._blocks.move_to_end(number)
        return data

    def record(self, block: int, at: int) -> raw.Record:
        """Return the record at a byte of a block's records."""
        try:
            return decode_record(self.data(block), at)[0]
        except DECODE_ERRORS:
            raise self.misfit(self.index.block(block).offset + at) from None

    def keyframe(self, block: int) -> Keyframe:
        """Return the state before a block; before `Index.blocks`, that after the last one."""
        try:
            return _State(self, block).keyframe()
        except MISFITS:
            raise self.misfit(self.index.block(block).offset) from None

    def blocks(self, number: int) -> Iterator[Block]:
        """Yield the blocks from a number on, first those that the index covers.

        No file stays open between them.
        """
        for covered in range(number, self.index.blocks):
            row, after = self.index.block(covered), self.index.block(covered + 1)
            yield Block(
                self.data(covered),
                row.offset,
                covered,
                size=after.offset - row.offset,
                crc=row.crc,
                filled=True,
                cut=False,
            )
        end = self.index.blocks
        if end:
            yield from self.log.blocks(self.index.block(end).offset, end)
        else:
            yield from self.log.blocks()

    def content_before(self, block: int, number: int) -> Held | None:
        """Return what an object contains before a block; None if it does not exist there."""
        index = self.index
        born = index.block_of_object(number)
        changes: list[Change] = []
        while born < block:
            posting = next(index.before(block, KEY_OBJECT, number, first=born), None)
            where = (posting.block, posting.last) if posting else index.new_object(number)
            if where is None or where[0] >= block:
                break
            block, at = where
            record = self.record(block, at)
            found = [record] if isinstance(record, CONTENTS) else self.contents(block, number, at)
            for record in reversed(found):
                if not isinstance(record, (*CONTENTS, *CHANGES)) or record.number != number:
                    raise self.misfit(index.block(block).offset + at)
                if isinstance(record, CONTENTS):
                    for change in reversed(changes):
                        record = self.changed(record, change, block)
                    return record
                changes.append(record)
        if changes:
            raise self.misfit(index.block(block).offset)
        return None

    def contents(self, block: int, number: int, until: int) -> list[Held | Change]:
        """Return the records of an object in a block, in order.

        Parameters:
            block: the number of the block.
            number: the object's number.
            until: where the last of them begins (byte offset).
        """
        try:
            found = contents_in(self.data(block), number, until)
        except DECODE_ERRORS:
            raise self.misfit(self.index.block(block).offset) from None
        if not found:
            raise self.misfit(self.index.block(block).offset + until)
        return found

    def changed(self, held: Held, change: Change, block: int) -> Held:
        """Return a content after a change in a block."""
        try:
            return changed(held, change)
        except DECODE_ERRORS:
            raise self.misfit(self.index.block(block).offset) from None

    @cached_property
    def definitions(self) -> dict[type[Any], _Definitions]:
        """The records about the whole process, by kind."""
        found: dict[type[Any], _Definitions] = {}
        for offset in self.index.definitions:
            record = self.definition(offset)
            of_kind = found.setdefault(type(record), _Definitions([], []))
            of_kind.offsets.append(offset)
            of_kind.records.append(record)
        return found

    @cached_property
    def codes(self) -> list[Code]:
        """The codes of the whole process, by number, with their last details."""
        return self._details[0]

    @cached_property
    def lowered(self) -> list[Lowered]:
        """Each time that the budget lowered the detail of code, in the blocks of the index."""
        replaced = self._details[1]
        times = self.times([each.time_ns for each in replaced])
        return [each._replace(time_ns=times[each.time_ns]) for each in replaced]

    @cached_property
    def _details(self) -> tuple[list[Code], list[Lowered]]:
        """All codes, and where their details change, with bytes of the log in place of times."""
        paths = [shortened(record.path) for record in self.defined(raw.SourceRecord, None)]
        codes = [
            Code(number, paths[record.source], record)
            for number, record in enumerate(self.defined(raw.CodeRecord, None))
        ]
        for named in self.defined(raw.NamespaceRecord, None):
            codes[named.code].is_settled = True
        replaced = []
        details = self.definitions.get(raw.DetailRecord, _Definitions([], []))
        for offset, record in zip(details.offsets, details.records, strict=True):
            code = codes[record.code]
            before = code.detail
            if code.set_detail(record.detail):
                replaced.append(Lowered(code, before, code.detail, offset))
        return codes, replaced

    def times(self, offsets: Iterable[int]) -> dict[int, int]:
        """Return the times of the records at some bytes of the log (ns), by those bytes."""
        wanted: dict[int, set[int]] = {}
        for offset in offsets:
            wanted.setdefault(self.index.block_of_offset(offset), set()).add(offset)
        times: dict[int, int] = {}
        for number, there in wanted.items():
            row, data, position = self.index.block(number), self.data(number), 0
            time, last = row.time, max(there) - row.offset
            try:
                while position <= last:
                    at = row.offset + position
                    record, position = decode_record(data, position)
                    time += getattr(record, "elapsed", 0)
                    if at in there:
                        times[at] = time
            except DECODE_ERRORS:
                raise self.misfit(row.offset + position) from None
        return times

    @cached_property
    def attribute_names(self) -> list[str]:
        """The names of the attributes of the whole process, by number."""
        return [shortened(record.name) for record in self.defined(raw.AttributeRecord, None)]

    @property
    def threads(self) -> list[Thread]:
        """The threads of the whole process, by number, without their stacks."""
        return self.threads_before(None)

    def threads_before(self, offset: int | None) -> list[Thread]:
        """Return the threads that are known before a byte of the log, without their stacks."""
        return [
            Thread(number, record.ident, shortened(record.name))
            for number, record in enumerate(self.defined(raw.ThreadRecord, offset))
        ]

    @cached_property
    def global_names(self) -> dict[str, int]:
        """The numbers of the names of global variables."""
        names: dict[str, int] = {}
        for record in self.defined(raw.CodeRecord, None):
            for name in record.global_names:
                names.setdefault(name, len(names))
        return names

    def defined[R: raw.Record](self, kind: type[R], offset: int | None) -> list[R]:
        """Return the records of a kind about the whole process, those before a byte of the log."""
        found = self.definitions.get(kind)
        if found is None:
            return []
        count = len(found.records) if offset is None else bisect_left(found.offsets, offset)
        return found.records[:count]

    def definition(self, offset: int) -> raw.Record:
        """Return the record at a byte of the log."""
        number = self.index.block_of_offset(offset)
        return self.record(number, offset - self.index.block(number).offset)

    def misfit(self, offset: int) -> TargetError:
        """Return the error for a byte of the log that is not what its index says."""
        return self.log.damage("is damaged, or does not fit its index", offset)


class _Definitions(NamedTuple):
    offsets: list[int]
    records: list[Any]


class _State:
    """The state before one block; a `Keyframe` asks it for each part that it lacks."""

    def __init__(self, source: IndexedLog, block: int) -> None:
        self._source = source
        self._index = source.index
        self._block = block
        self._row = source.index.block(block)
        self._paths = [
            shortened(record.path) for record in source.defined(raw.SourceRecord, self._row.offset)
        ]
        self._code_records = source.defined(raw.CodeRecord, self._row.offset)
        named = source.defined(raw.NamespaceRecord, self._row.offset)
        self._namespaces = {record.code: record.number for record in named}
        details = source.defined(raw.DetailRecord, self._row.offset)
        self._details: dict[int, list[int]] = {}
        for record in details:
            self._details.setdefault(record.code, []).append(record.detail)
        self._known_namespaces = {0, *(record.number for record in named)}
        self._codes: _Found[int, Code] = _Found(self._checked(self._code))

    def keyframe(self) -> Keyframe:
        source, row = self._source, self._row
        start = Keyframe()
        start.offset = row.offset
        start.blocks = source.blocks(self._block)
        start.steps, start.calls, start.time_ns = row.steps, row.calls, row.time
        start.sources = self._paths
        start.codes = self._codes
        start.codes_before = len(self._code_records)
        start.threads = source.threads_before(row.offset)
        start.resumable = _Found(self._checked(self._suspended))
        for number, stack in self._index.stacks(self._block).items():
            self._fill(start, start.threads[number], stack)
        if row.thread:
            start.running = start.threads[row.thread - 1]
        state = start.state
        state.types.extend(
            shortened(record.name) for record in source.defined(raw.TypeRecord, row.offset)
        )
        state.attribute_names.extend(
            shortened(record.name) for record in source.defined(raw.AttributeRecord, row.offset)
        )
        state.objects = _Found(self._checked(self._object))
        state.namespaces = _Found(self._namespace)
        return start

    def _checked[K, V](self, find: Callable[[K], V]) -> Callable[[K], V]:
        """Return `find`, with the error of the log where the index names what is not there."""

        def checked(key: K) -> V:
            try:
                return find(key)
            except KeyError:
                raise
            except MISFITS:
                raise self._source.misfit(self._row.offset) from None

        return checked

    def _fill(self, start: Keyframe, thread: Thread, stack: Stack) -> None:
        thread.task = self._task(stack.task)
        caller: Frame | None = None
        for depth, row in enumerate(stack.frames):
            frame = Frame(row.number, self._codes[row.code], row.line, row.began)
            frame.caller, frame.depth, frame.thread = caller, depth, thread
            frame.step = row.step - 1
            frame.task = self._task(row.task)
            self._fill_values(frame)
            start.resumable[frame.number] = caller = frame
        thread.top = caller

    def _task(self, offset: int) -> str:
        if not offset:
            return ""
        record = self._source.definition(offset)
        return shortened(record.name) if isinstance(record, raw.TaskRecord) else ""

    def _code(self, number: int) -> Code:
        if number >= len(self._code_records):
            raise KeyError(number)
        record = self._code_records[number]
        code = Code(number, self._paths[record.source], record)
        if number in self._namespaces:
            code.set_namespace(self._namespaces[number])
        for detail in self._details.get(number, ()):
            code.set_detail(detail)
        return code

    # ---------------------------------------------------------------- suspended frames

    def _suspended(self, number: int) -> Frame:
        postings = self._index.before(self._block, KEY_FRAME, number)
        posting = next(postings, None)
        if posting is None:
            raise KeyError(number)
        block, at = self._index.call(number)
        record = self._source.record(block, at)
        if not isinstance(record, raw.CallRecord | raw.EnterRecord):
            raise KeyError(number)
        frame = _SuspendedFrame(
            number, self._codes[record.code], posting.last, lambda: self._time(block, at)
        )
        self._fill_values(frame)
        for found in chain((posting,), postings):
            if found.records and frame.code.has_lines:
                frame.step = self._index.block(found.block).steps + found.records - 1
                break
        return frame

    def _time(self, block: int, at: int) -> int:
        """Return the time of the record at a byte of a block's records (ns)."""
        offset = self._index.block(block).offset + at
        return self._source.times((offset,))[offset]

    # ---------------------------------------------------------------- values

    def _fill_values(self, frame: Frame) -> None:
        if frame.code.has_values:
            frame.values = _Found(
                self._checked(lambda number: self._variable(frame, number)),
                range(len(frame.code.variables)),
            )
        else:
            frame.forget()

    def _variable(self, frame: Frame, number: int) -> raw.Value:
        posting = next(self._index.before(self._block, KEY_VARIABLE, frame.number, number), None)
        if posting is not None:
            return self._value(posting, number)
        call = self._source.record(*self._index.call(frame.number))
        if isinstance(call, raw.CallRecord) and 0 <= number < len(call.arguments):
            return call.arguments[number]
        raise KeyError(number)

    def _namespace(self, number: int) -> dict[str, raw.Value]:
        if number not in self._known_namespaces:
            raise KeyError(number)
        return _Found(self._checked(lambda name: self._global(number, name)))

    def _global(self, namespace: int, name: str) -> raw.Value:
        minor = self._source.global_names[name]
        posting = next(self._index.before(self._block, KEY_GLOBAL, namespace, minor), None)
        if posting is None:
            raise KeyError(name)
        return self._value(posting, None)

    def _value(self, posting: PostingRow, number: int | None) -> raw.Value:
        """Return the value of the variable record of a posting; None for any number."""
        record = self._source.record(posting.block, posting.last)
        if not isinstance(record, raw.VariableRecord) or number not in (None, record.variable):
            raise self._source.misfit(self._index.block(posting.block).offset + posting.last)
        return record.value

    def _object(self, number: int) -> Held:
        held = self._source.content_before(self._block, number)
        if held is None:
            raise KeyError(number)
        return held
