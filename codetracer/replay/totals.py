"""Counts the events of each kind of a process, by its index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.recording.decoder import Records
from codetracer.recording.reader import DECODE_ERRORS
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings import trace_format as layout
from codetracer_bindings.index_format import KEY_CALL, KEY_LOST, KEY_RECORD, KEY_THREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.replay.indexed import IndexedLog

__all__ = ["Totals"]

_OF_PROCESS = frozenset(
    (layout.RECORD_EXIT, layout.RECORD_EXEC, layout.RECORD_CHILD, layout.RECORD_JOINED)
)
"""The tags of records that say something of the process which no count says."""


class Totals:
    """Counts of the events in the blocks that an index covers.

    Of the log, only the blocks are decoded that have an exit, an exec, or a process that was
    started or joined. All others are compared with their checksums.

    Parameters:
        source: the log, with its index.

    Attributes:
        events: how many records there are, by the tag of their kind.
        steps, calls: how many each thread has, by its number.
        files: the paths of the code that was called.
        lost: the numbers of the frames that left their stack unseen and did not go on.
        of_process: the records about the process itself, in order.

    Raises:
        TargetError: ERR_TRACE_DAMAGED, a block is damaged, or the index does not fit the log.
        HostError: ERR_IO, the log cannot be read.
    """

    def __init__(self, source: IndexedLog) -> None:
        self._source = source
        index = source.index
        for number in range(index.blocks):
            source.data(number)
        self.events: dict[int, int] = {}
        self.calls: dict[int, int] = {}
        chosen: set[int] = set()
        for key, postings in index.every(KEY_RECORD):
            count = sum(row.records for row in postings)
            self.events[key.minor] = self.events.get(key.minor, 0) + count
            if key.minor in (layout.RECORD_CALL, layout.RECORD_ENTER):
                self.calls[key.major - 1] = self.calls.get(key.major - 1, 0) + count
            if key.minor in _OF_PROCESS:
                chosen.update(row.block for row in postings)
        self.steps: dict[int, int] = {}
        for key, postings in index.every(KEY_THREAD):
            count = sum(row.records for row in postings)
            self.steps[key.major] = self.steps.get(key.major, 0) + count
        codes = source.codes
        self.files = {codes[key.major].path for key, _ in index.every(KEY_CALL)}
        last = {key.major: postings[-1] for key, postings in index.every(KEY_LOST)}
        self.lost = {frame for frame, row in last.items() if row.records}
        self.of_process = [each for number in sorted(chosen) for each in self._records(number)]

    def _records(self, block: int) -> Iterator[raw.Record]:
        try:
            for record in Records(self._source.data(block)):
                if isinstance(
                    record, raw.ExitRecord | raw.ExecRecord | raw.ChildRecord | raw.JoinedRecord
                ):
                    yield record
        except DECODE_ERRORS:
            raise self._source.misfit(self._source.index.block(block).offset) from None
