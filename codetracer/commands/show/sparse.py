"""Reads only the blocks of a log that have something to show, where an index says which."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from codetracer.commands.indexing import indexed, is_little
from codetracer.errors import RecorderError
from codetracer.replay.events import CallEvent, ReturnEvent, UnfinishedEvent, UnwindEvent
from codetracer_bindings.index_format import (
    KEY_CALL,
    KEY_FRAME,
    KEY_LOST,
    KEY_OBJECT,
    KEY_RECORD,
)
from codetracer_bindings.trace_format import (
    RECORD_HANDLED,
    RECORD_RAISE,
    RECORD_THROW,
    RECORD_UNWIND,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from codetracer.commands.show.exceptions import Raises
    from codetracer.commands.show.function_calls import Functions
    from codetracer.commands.show.output_lines import Output
    from codetracer.commands.show.selection import Selection
    from codetracer.commands.show.variable_history import History
    from codetracer.replay.events import Event
    from codetracer.replay.index import Index
    from codetracer.replay.replay import Changes
    from codetracer.replay.timeline import Block, Timeline
    from codetracer.replay.trace import Process

__all__ = ["prepare", "show_calls", "show_outputs", "show_raises", "show_values", "whole_timeline"]

_OF_EXCEPTIONS = frozenset((RECORD_RAISE, RECORD_THROW, RECORD_HANDLED, RECORD_UNWIND))


def prepare(processes: Iterable[Process], options: argparse.Namespace) -> None:
    """Make the indexes that the views will use, and show the progress on a terminal."""
    by_step = options.step is not None or options.call is not None
    # An object may be changed anywhere.
    by_name = options.variable is not None and not options.variable.startswith("#")
    by_view = options.function is not None or by_name or options.raises or options.output
    for process in processes:
        if by_step or (by_view and not is_little(process)):
            indexed(process)


def whole_timeline(process: Process) -> Timeline | None:
    """Return the steps of a process; None if its log is little, or its index ends before it."""
    if is_little(process):
        return None
    timeline = indexed(process)
    index = timeline.index
    try:
        beyond = next(timeline.source.blocks(index.blocks), None)
    except RecorderError:
        return None
    return timeline if index.blocks and beyond is None else None


def show_calls(timeline: Timeline, view: Functions, selection: Selection) -> None:
    """Show the calls of a function, by the blocks in which they begin and end.

    Parameters:
        timeline: the steps of the process.
        view: shows the calls.
        selection: the part to show; it must be everything.
    """
    index, codes = timeline.index, timeline.source.codes
    view.known.update(code.name for code in codes)
    keys = [(KEY_CALL, code.number, 0) for code in codes if view.is_wanted(code)]
    # The blocks in which calls end that are open.
    ends: list[int] = []
    placed: set[int] = set()

    def place_ends(block: int) -> None:
        for frame in view.open:
            if frame not in placed:
                placed.add(frame)
                last = next(index.before(index.blocks, KEY_FRAME, frame), None)
                if last is not None and last.block > block:
                    heappush(ends, last.block)

    read = -1
    for read in _both(index.blocks_of(-1, keys, back=False), ends):
        _read(timeline, read, view.begin, view.see, selection)
        place_ends(read)
    if view.open and read < index.blocks - 1:
        # They were running at the end.
        _read(timeline, index.blocks - 1, view.begin, view.see, selection)


def show_raises(timeline: Timeline, view: Raises, selection: Selection) -> bool:
    """Show the exceptions, by the blocks that have events of them or decide what became of them.

    Parameters:
        timeline: the steps of the process.
        view: shows the exceptions.
        selection: the part to show; it must be everything.

    Returns:
        False if most blocks have some: then reading all of them, one after the other, is faster.
    """
    index = timeline.index
    of_exceptions = {
        row.block
        for key, postings in index.every(KEY_RECORD)
        if key.minor in _OF_EXCEPTIONS
        for row in postings
    }
    if 2 * len(of_exceptions) > index.blocks:
        return False
    # The blocks in which frames go on or end that have one.
    more: list[int] = []
    ends: dict[int, int] = {}

    def place_more(block: int) -> None:
        found = {next(index.after(block, KEY_FRAME, frame), None) for frame in view.stepping}
        for frame in view.handling:
            found.add(next(index.after(block, KEY_LOST, frame), None))
            if frame not in ends:
                last = next(index.before(index.blocks, KEY_FRAME, frame), None)
                ends[frame] = -1 if last is None else last.block
                if ends[frame] > block:
                    heappush(more, ends[frame])
        for row in found:
            if row is not None:
                heappush(more, row.block)

    read = -1
    for read in _both(sorted(of_exceptions), more):
        _read(timeline, read, view.begin, view.see, selection)
        place_more(read)
    if (view.stepping or view.handling) and read < index.blocks - 1:
        # These frames were running at the end.
        _read(timeline, index.blocks - 1, view.begin, view.see, selection)
    return True


def show_outputs(timeline: Timeline, view: Output, selection: Selection) -> None:
    """Show the output of the program, by the blocks that have some.

    Parameters:
        timeline: the steps of the process.
        view: shows the output.
        selection: the part to show; it must be everything.
    """
    for number in range(timeline.index.blocks):
        if timeline.index.block(number).outputs:
            _read(timeline, number, None, view.see, selection)


def show_values(timeline: Timeline, view: History, selection: Selection) -> bool:
    """Show the values of a variable or at a path, by the blocks with events of code that has it.

    Parameters:
        timeline: the steps of the process.
        view: shows the values; its path begins with a variable.
        selection: the part to show; it must be everything.

    Returns:
        False if most blocks have some: then reading all of them, one after the other, is faster.
    """
    index = timeline.index
    codes = {code.number for code in timeline.source.codes if view.is_in(code)}
    blocks, frames = _blocks_of_codes(index, codes)
    if 2 * len(blocks) > index.blocks:
        return False
    # The blocks that are known only when others were read.
    more: list[int] = []
    begun: set[int] = set()
    placed = 0

    def see(event: Event) -> None:
        view.see(event)
        if type(event) is CallEvent and event.frame.code.number in codes:
            begun.add(event.frame.number)
        elif isinstance(event, ReturnEvent | UnwindEvent):
            begun.discard(event.frame.number)

    changes: Changes | None = None
    last = -1
    for read in _both(sorted(blocks | {index.blocks - 1}), more):
        block = timeline.block(read, note_changes=view.notes_changes)
        now = block.replay.changes
        if now is not None and changes is not None and read == last + 1:
            now.objects.update(changes.objects)
        view.begin(block.replay, block.frames)
        _see(timeline, block, see, selection)
        keys = [(KEY_FRAME, number) for number in begun - frames]
        keys += [(KEY_OBJECT, number) for number in view.objects[placed:]]
        for key in keys:
            for row in index.after(read, *key):
                heappush(more, row.block)
        begun.clear()
        placed = len(view.objects)
        if now is not None and now.objects and read + 1 < index.blocks:
            # No event has shown them yet.
            heappush(more, read + 1)
        changes, last = now, read
    return True


def _blocks_of_codes(index: Index, codes: set[int]) -> tuple[set[int], set[int]]:
    """Return the blocks with calls of codes or with records of frames; and these frames.

    Frames that are on no stack at the beginning of any block are not among them.
    """
    blocks = set(index.blocks_of(-1, [(KEY_CALL, code, 0) for code in codes], back=False))
    frames = {row.number for part in index.segments for row in part.frames if row.code in codes}
    for key, postings in index.every(KEY_FRAME):
        if key.major in frames:
            blocks.update(row.block for row in postings)
    return blocks, frames


def _both(numbers: Iterable[int], more: list[int]) -> Iterator[int]:
    """Yield numbers in order, each once, with those that a heap has by then."""
    last = -1
    for number in numbers:
        while more and more[0] < number:
            if (found := heappop(more)) > last:
                last = found
                yield found
        if number > last:
            last = number
            yield number
    while more:
        if (found := heappop(more)) > last:
            last = found
            yield found


def _read(
    timeline: Timeline,
    number: int,
    begin: Callable[..., None] | None,
    see: Callable[[Event], None],
    selection: Selection,
) -> None:
    block = timeline.block(number)
    if begin is not None:
        begin(block.replay)
    _see(timeline, block, see, selection)


def _see(
    timeline: Timeline, block: Block, see: Callable[[Event], None], selection: Selection
) -> None:
    is_last = block.number == timeline.index.blocks - 1
    changes = block.replay.changes
    selection.begin(block.replay.threads)
    for event in block.replay:
        if type(event) is UnfinishedEvent and not is_last:
            return
        selection.see(event)
        see(event)
        if changes is not None and event.frame is not None:
            changes.clear()
