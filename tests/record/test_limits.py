"""The recorder does not read the part of a value that a limit cuts."""

from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CutBytes, CutInteger, CutText, CutTuple, OutputEvent
from tests.support.recordings import an_object, last, record

LARGE = """
import array, collections, fractions, tracemalloc
class Text(str): pass
class Raw(bytes): pass
class Buffer(bytearray): pass
class Number(int): pass
class Words(list): pass
class Pair(tuple): pass
class Table(dict): pass
class Members(set): pass
class Wide:
    def __init__(self): vars(self).update(made)
class Failure(Exception): pass
def function(): pass
million = 1_000_000
made = {f'name{number}': number for number in range(million // 4)}
numbers = list(range(million))
def peak(value):
    tracemalloc.start()
    value
    held = value
    value is held
    return tracemalloc.get_traced_memory()[1]
def named(name):
    function.__qualname__ = name
    return function
makers = {
    'bytes': lambda: bytes(10 * million), 'bytearray': lambda: bytearray(10 * million),
    'str': lambda: '\\xe9' * (10 * million), 'int': lambda: 1 << (8 * million),
    'negative': lambda: -1 << (8 * million),
    'str subclass': lambda: Text('x' * (10 * million)),
    'bytes subclass': lambda: Raw(10 * million), 'buffer': lambda: Buffer(10 * million),
    'int subclass': lambda: Number(-1 << (8 * million)),
    'range': lambda: range(1 << (8 * million)),
    'array': lambda: array.array('q', numbers), 'view': lambda: memoryview(bytes(10 * million)),
    'list': lambda: numbers, 'list subclass': lambda: Words(numbers),
    'tuple': lambda: tuple(numbers), 'tuple subclass': lambda: Pair(numbers),
    'nested': lambda: (((((1,) * 100,) * 100,) * 100,) * 100,) * 100,
    'deque': lambda: collections.deque(numbers),
    'dict': lambda: dict.fromkeys(numbers), 'dict subclass': lambda: Table.fromkeys(numbers),
    'ordered': lambda: collections.OrderedDict.fromkeys(numbers[:million // 4]),
    'set': lambda: set(numbers), 'set subclass': lambda: Members(numbers),
    'frozenset': lambda: frozenset(numbers),
    'wide': lambda: Wide(), 'exception': lambda: Failure(*numbers),
    'name': lambda: named('n' * (10 * million)),
}
peaks = {}
for name, make in makers.items():
    # The first time a line is met, more is made for it.
    peak(None)
    tracemalloc.stop()
    value = make()
    peaks[name] = peak(value)
    tracemalloc.stop()
    del value
print({name: size for name, size in peaks.items() if size > 300_000})
"""


@pytest.mark.slow
def test_no_line_reads_more_of_a_value_than_is_recorded(tmp_path: Path, backend: str) -> None:
    assert record(tmp_path, LARGE, backend=backend).stdout == "{}\n"


CUT = """
import collections
class Number(int): pass
class Text(str): pass
class Raw(bytes): pass
class Wide:
    def __init__(self): vars(self).update(a=1, b=2, c=3, d=4, e=5)
fits, most, more, less = 2 ** 63, 2 ** 79 - 1, 2 ** 79 + 255, -(2 ** 95) - 1
number, text, raw = Number(more), Text('\\xe9' * 11), Raw(b'x' * 11)
buffer, queue, wide = bytearray(11), collections.deque(range(7)), Wide()
pairs = ((1, 2),) * 3
nested = (((1, 2, 3),) * 3,) * 3
"""


def test_what_is_cut_says_so_whatever_it_is_a_kind_of(tmp_path: Path, backend: str) -> None:
    record(tmp_path, f"{CUT}\npass\n", "--max-text=10", "--max-items=3", backend=backend)

    seen = last(tmp_path / "out")

    assert (seen["fits"], seen["most"]) == (2**63, 2**79 - 1)
    assert seen["more"] == CutInteger((2**79 + 255) >> 8, 1)
    assert seen["less"] == CutInteger((-(2**95) - 1) >> 24, 3)
    assert an_object(seen["number"]).items == (CutInteger((2**79 + 255) >> 8, 1),)
    assert an_object(seen["text"]).items == (CutText("\xe9" * 10, 11),)
    assert an_object(seen["raw"]).items == (CutBytes(b"x" * 10, 11),)
    assert an_object(seen["buffer"]).items == (CutBytes(bytes(10), 11),)
    queue, wide = an_object(seen["queue"]), an_object(seen["wide"])
    assert (queue.items, queue.total, queue.cut) == ((0, 1, 2), 7, 4)
    assert (wide.attributes, wide.cut_attributes) == ({"a": 1, "b": 2, "c": 3}, 2)
    assert seen["pairs"] == ((1, 2),) * 3
    row, rest = (1, 2, 3), CutTuple((), 3)
    assert seen["nested"] == ((row, row, row), (row, row, row), (row, rest, rest))


@pytest.mark.slow
def test_large_output_is_recorded_in_parts_that_a_reader_takes_in_one_after_the_other(
    tmp_path: Path, backend: str
) -> None:
    program = "import sys\nsys.stdout.write('.' + '\\xe9' * 3_000_000 + 'end\\n')\nprint('more')\n"

    record(tmp_path, program, "--io-capture=proxies", backend=backend)

    trace = codetracer.read(tmp_path / "out")
    assert trace.complete
    parts = [event.data for event in trace if isinstance(event, OutputEvent)]
    # The last two are the second line's text and its end.
    assert len(parts) == 6 + 2
    assert "".join(part.decode() for part in parts[:6]) == f".{'\xe9' * 3_000_000}end\n"
    (process,) = trace.processes
    assert max(len(block.data) for block in process.log.blocks()) < 2 << 20
