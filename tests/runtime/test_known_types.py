"""Values of the types in spec/types.toml are shown as it says, without the program's code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import codetracer
from codegen.core.load import load_spec
from codegen.types.model import TypesSpec
from codetracer.monitoring.backend import VARIABLE
from codetracer.replay import StepEvent, Value, render
from tests.support.recordings import BACKENDS, ENVIRON, NATIVE, an_object, last, record
from tests.support.running import ROOT, execute, write

ROWS = load_spec(TypesSpec, ROOT).type

UNREAD = "ndarray([… +1])"
"""An array where there is none."""

WITHOUT_C = "without C"

STARTS_WITHOUT_C = """
import sys
sys.modules['codetracer_bindings._engine'] = None
import codetracer, numpy
codetracer.start('out', io_capture='off')
"""

WITHOUT_NUMPY = "--exclude=numpy/*"
"""Its import is not recorded: that takes seconds."""

type Shown = dict[str, list[str]]


def shown(value: Value) -> str:
    """Return a value as `show` has it, without the numbers that are the system's."""
    return re.sub(r"(#|fd=)\d+", r"\1n", render(value, 1000))


@pytest.fixture(scope="module", params=[*BACKENDS, WITHOUT_C])
def examples(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shown, bool]:
    """Return how `x` is shown at each line ``pass`` of the modules that make the examples.

    And whether anything in C read them.
    """
    folder = tmp_path_factory.mktemp("examples")
    for index, row in enumerate(ROWS):
        text = f"{row.setup}\nx = {row.example}\npass\n"
        if row.change:
            text += f"{row.change}\npass\n"
        write(folder, {f"example{index}.py": text})
    imports = "".join(f"import example{index}\n" for index in range(len(ROWS)))
    if request.param == WITHOUT_C:
        imports = STARTS_WITHOUT_C + imports + "codetracer.stop()\n"
        write(folder, {"app.py": imports})
        environ = ENVIRON | {VARIABLE: "python"}
        assert execute("app.py", cwd=folder, environ=environ) == (0, "", "")
    else:
        record(folder, imports, WITHOUT_NUMPY, backend=request.param)
    found: Shown = {row.name: [] for row in ROWS}
    replay = codetracer.read(folder / "out").replay()
    for event in replay:
        name = Path(event.frame.code.path).stem if isinstance(event, StepEvent) else ""
        if isinstance(event, StepEvent) and name.startswith("example"):
            lines = (folder / f"{name}.py").read_text(encoding="utf-8").splitlines()
            if lines[event.line - 1] == "pass":
                values = replay.globals(event.frame)
                found[ROWS[int(name.removeprefix("example"))].name].append(shown(values["x"]))
    return found, NATIVE and request.param != WITHOUT_C


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_a_value_is_shown_as_its_row_says_before_and_after_a_change(
    examples: tuple[Shown, bool], name: str
) -> None:
    found, in_c = examples
    (row,) = (row for row in ROWS if row.name == name)

    texts = [row.shown, row.changed][: 2 if row.change else 1]
    assert found[name] == (texts if in_c else row.without_c or texts)


def test_there_are_as_many_as_the_reference_promises() -> None:
    assert len([row for row in ROWS if not row.name.startswith("numpy.")]) >= 60


SUBCLASSES = """
import array, collections, contextvars, datetime, decimal, enumerate_like, fractions, functools, io
import mmap, pathlib, re, socket, struct, sys, threading, types, uuid, zoneinfo
ran = []
armed = False
def trap(name):
    def run(*args, **kwargs):
        if armed: ran.append(name)
        return NotImplemented
    return run
NAMES = '''
__repr__ __str__ __len__ __bool__ __eq__ __hash__ __iter__ __next__ __getitem__ __length_hint__
__reduce__ __reduce_ex__ __sizeof__ __format__ __float__ __int__ __index__ __buffer__ __contains__
__release_buffer__ __getinitargs__ __fspath__ __or__ __ror__ __getattr__
keys items values get copy tell seek getvalue read fileno locked span group regs isoformat utcoffset
dst as_tuple to_sci_string to_eng_string adjusted total_seconds
'''.split()
LOOKS = '''
year month hour tzinfo days key maps maxlen typecode pattern name mode closed buffer raw func args
keywords _raw_paths int _numerator real encoding fget
'''.split()
derived = []
def armed_class(base):
    derived.append(type('Armed' + base.__name__, (base,), {}))
    return derived[-1]
def arm(kind):
    def getattribute(self, name):
        if armed: ran.append(name)
        return object.__getattribute__(self, name)
    for name in NAMES:
        setattr(kind, name, trap(name))
    for name in LOOKS:
        setattr(kind, name, property(trap(name)))
    kind.__getattribute__ = getattribute
class Zone(datetime.tzinfo):
    def utcoffset(self, when):
        if armed: ran.append('utcoffset')
        return datetime.timedelta(0)
    tzname = dst = lambda self, when: ran.append('tzname')
    def __getattribute__(self, name):
        if armed: ran.append('Zone')
        return datetime.tzinfo.__getattribute__(self, name)
Mapping, Text = armed_class(collections.UserDict), armed_class(str)
Raw = armed_class(io.RawIOBase)
Raw.readable = lambda self: True
D = decimal.Decimal
def hook(event, args):
    # The engine in Python asks frames for what they are, as it ever has.
    asked = event == 'object.__getattr__' and args[1][:3] in ('gi_', 'cr_', 'ag_')
    if armed and (asked or event == 'gc.get_referents'): ran.append(event)
sys.addaudithook(hook)
def values():
    yield armed_class(D)('1.5')
    yield armed_class(datetime.date)(2026, 1, 2)
    yield armed_class(datetime.datetime)(2026, 1, 2, tzinfo=Zone())
    yield armed_class(datetime.time)(1, tzinfo=Zone())
    yield armed_class(datetime.timedelta)(1)
    yield datetime.datetime(2026, 1, 2, tzinfo=Zone())
    yield datetime.time(3, tzinfo=Zone())
    yield armed_class(fractions.Fraction)(1, 3)
    yield armed_class(uuid.UUID)(int=1)
    yield armed_class(pathlib.PurePosixPath)('a')
    yield armed_class(array.array)('i', [1])
    yield armed_class(collections.deque)([1])
    yield armed_class(collections.Counter)('a')
    yield armed_class(collections.ChainMap)()
    yield armed_class(types.SimpleNamespace)(a=1)
    yield armed_class(functools.partial)(print, 1)
    yield armed_class(io.StringIO)('x')
    yield armed_class(io.BytesIO)(b'x')
    yield io.BufferedReader(Raw())
    yield io.TextIOWrapper(armed_class(io.BytesIO)(b'x'))
    yield types.MappingProxyType(Mapping())
    yield re.match('a', Text('abc'))
    yield map(trap('map'), [1])
    yield filter(trap('filter'), [1])
    yield enumerate(enumerate_like.Seen())
    yield zip(enumerate_like.Seen())
    yield iter(enumerate_like.Sequence())
    yield enumerate_like.generator()
    yield slice(Text('a'), Mapping())
    yield property(trap('property'))
    yield armed_class(struct.Struct)('i')
    yield armed_class(zoneinfo.ZoneInfo)('UTC')
    yield memoryview(armed_class(bytearray)(b'abc'))
    yield armed_class(mmap.mmap)(-1, 3)
def look(value):
    value
    held = [value]
    value, held
    pass
def all_of(found):
    for value in found:
        look(value)
found = [*values()]
for kind in derived:
    arm(kind)
context = contextvars.Context()
armed = True
context.run(all_of, found)
armed = False
print(sorted(set(ran)), len(found), [variable.name for variable in context])
"""

ITERATED = """
class Seen:
    def __iter__(self): return self
    def __next__(self): return 1
    def __len__(self): return 1 / 0
    def __length_hint__(self): return 1 / 0
    def __getattr__(self, name): raise SystemError(name)
class Sequence:
    def __getitem__(self, index): return index
    def __len__(self): return 1 / 0
def generator():
    yield 1
"""


@pytest.mark.slow
def test_no_code_of_the_programs_runs_whatever_it_derives_from_known_types(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"enumerate_like.py": ITERATED})

    outcome = record(tmp_path, SUBCLASSES, backend=backend)

    # Decimal's own __str__ would have made a context for the thread.
    assert outcome.stdout == "[] 34 []\n"
    assert outcome.stdout == execute("app.py", cwd=tmp_path, environ=ENVIRON).stdout


def test_an_instance_of_a_subclass_shows_the_plain_value_and_its_own_attributes(
    tmp_path: Path, backend: str
) -> None:
    program = """
import collections, datetime, decimal, fractions, pathlib, types
class Money(decimal.Decimal): pass
class Slim(decimal.Decimal): __slots__ = ('unit',)
class Day(datetime.date): pass
class Ratio(fractions.Fraction): pass
class Place(pathlib.PurePosixPath): __slots__ = ('label',)
class Space(types.SimpleNamespace): pass
class Last(collections.deque): pass
money, slim, day, ratio = Money('1.5'), Slim(2), Day(2026, 1, 2), Ratio(1, 2)
money.unit = slim.unit = 'EUR'
day.label = ratio.label = 'x'
place, space, last = Place('a'), Space(a=1), Last([1, 2], 1)
place.label, last.label = 'home', 'l'
pass
"""
    record(tmp_path, program, backend=backend)

    seen = last(tmp_path / "out")

    assert {
        name: shown(seen[name])
        for name in ("money", "slim", "day", "ratio", "place", "space", "last")
    } == {
        "money": "Money('1.5', unit='EUR')",
        "slim": "Slim('2', unit='EUR')",
        "day": "Day(2026, 1, 2, label='x')",
        "ratio": "Ratio(1, 2, label='x')",
        "place": "Place('a', label='home')",
        "space": "Space(a=1)",
        "last": "Last([2], maxlen=1, label='l')",
    }
    assert an_object(seen["money"]).items == ("1.5",)


def test_a_class_that_only_has_a_known_types_name_is_none(tmp_path: Path, backend: str) -> None:
    program = """
import decimal
class Decimal:
    __module__ = 'decimal'
    def __init__(self): self.value = 1
Decimal.__qualname__ = 'Decimal'
fake, real = Decimal(), decimal.Decimal(1)
pass
"""
    record(tmp_path, program, backend=backend)

    seen = last(tmp_path / "out")

    assert an_object(seen["fake"]).type_name == an_object(seen["real"]).type_name
    assert (shown(seen["fake"]), shown(seen["real"])) == ("<Decimal #n value=1>", "Decimal('1')")


def test_no_module_is_imported_because_of_a_value(tmp_path: Path, backend: str) -> None:
    program = "import sys\nx = iter([1])\npass\nprint([*map(sys.modules.get, NAMES)])\n"
    names = ["decimal", "_decimal", "uuid", "numpy", "fractions", "array"]

    outcome = record(tmp_path, f"NAMES = {names}\n{program}", backend=backend)

    assert outcome.stdout == f"{[None] * len(names)}\n"


def test_no_class_is_kept_alive_because_it_is_known(tmp_path: Path, backend: str) -> None:
    program = """
import fractions, gc, sys, uuid, weakref
class Own(fractions.Fraction): pass
x, y, z = fractions.Fraction(1, 3), uuid.UUID(int=5), Own(1, 2)
classes = [weakref.ref(type(each)) for each in (x, y, z)]
x = y = z = each = Own = None
del fractions, uuid, sys.modules['fractions'], sys.modules['uuid']
gc.collect()
print([each() for each in classes])
"""
    outcome = record(tmp_path, program, backend=backend)

    assert outcome.stdout == "[None, None, None]\n"


def test_what_is_cut_is_said_and_not_read(tmp_path: Path, backend: str) -> None:
    program = """
import array, decimal
numbers, wide = array.array('i', range(1000)), memoryview(bytes(1000))
half = memoryview(b'abcd')[::2]
long, short = decimal.Decimal('1' * 3000), decimal.Decimal('1' * 20)
keys, parts = dict.fromkeys(range(1000)).keys(), iter(range(10 ** 9))
pass
"""
    record(tmp_path, program, "--max-items=3", "--max-text=10", backend=backend)

    seen = last(tmp_path / "out")

    names = ("numbers", "wide", "half", "long", "short", "keys")
    items, data = ("0, 1, 2, … +997", f"{bytes(10)!r}… +990") if NATIVE else ("… +1", "… +1")
    assert {name: shown(seen[name]) for name in names} == {
        "numbers": f"array([{items}], typecode='i')",
        "wide": f"memoryview({data}, format='B', shape=(1000,))",
        "half": "memoryview(… +1, format='B', shape=(2,))",
        "long": "Decimal(… +1)",
        "short": f"Decimal({'1' * 10!r}… +10)",
        "keys": "dict_keys([0, 1, 2, … +997])",
    }


def test_a_stream_stands_where_it_stood_and_shares_what_it_shared(
    tmp_path: Path, backend: str
) -> None:
    program = """
import io, sys
data = bytes(range(256)) * 100
before = sys.getrefcount(data)
shared, past, closed, empty = io.BytesIO(data), io.BytesIO(b'ab'), io.BytesIO(b'gone'), io.BytesIO()
past.seek(9)
closed.close()
held = past.getbuffer()
shared
print(shared.tell(), past.tell(), empty.tell(), sys.getrefcount(data) - before, shared.read(2))
pass
"""
    outcome = record(tmp_path, program, "--max-text=10", backend=backend)

    assert outcome.stdout == "0 9 0 1 b'\\x00\\x01'\n"
    seen = last(tmp_path / "out")
    data = f"{bytes(range(10))!r}… +25590" if NATIVE else "… +1"
    small, nothing = ("b'ab'", "b''") if NATIVE else ("… +1", "… +1")
    closed = "" if NATIVE else "… +1, "
    assert {name: shown(seen[name]) for name in ("shared", "past", "closed", "empty")} == {
        "shared": f"BytesIO({data}, position=2)",
        "past": f"BytesIO({small}, position=9)",
        "closed": f"BytesIO({closed}closed=True)",
        "empty": f"BytesIO({nothing}, position=0)",
    }


def test_a_file_says_where_the_systems_file_stands(tmp_path: Path, backend: str) -> None:
    program = """
import os
with open('data', 'wb') as file:
    file.write(bytes(20_000))
raw, text, ends = open('data', 'rb', buffering=0), open('data', encoding='ascii'), os.pipe()
pipe = open(ends[0], 'rb', buffering=0)
raw.seek(7)
text.read(1)
pass
"""
    record(tmp_path, program, backend=backend)

    seen = last(tmp_path / "out")

    descriptor = an_object(seen["pipe"]).attributes["name"]
    assert isinstance(descriptor, int)
    places = [", position=7", ", file_position=8192"] if NATIVE else ["", ""]
    assert [shown(seen[name]) for name in ("raw", "text", "pipe")] == [
        f"<FileIO #n name='data', mode='rb'{places[0]}>",
        f"<TextIOWrapper #n name='data', mode='r', encoding='ascii'{places[1]}>",
        f"<FileIO #n name={descriptor}, mode='rb'>",
    ]


ARRAYS = """
import mmap, numpy
with open('mapped', 'wb') as file:
    file.write(bytes(8192))
with open('mapped', 'r+b') as file:
    mapped = mmap.mmap(file.fileno(), 8192)
    view, items = memoryview(mapped)[4096:], numpy.frombuffer(mapped, 'B', offset=4096)
    part, own = items[1:], items[:2].copy()
    file.truncate(0)
found = {
    'strided': numpy.arange(12).reshape(3, 4)[::2, ::3],
    'turned': numpy.arange(4).reshape(2, 2).T,
    'swapped': numpy.array([1.5, -2], dtype='>f8'),
    'texts': numpy.array(['a', 'bcd']),
    'bytes': numpy.array([b'a', b'bc']),
    'large texts': numpy.array(['x' * 2000]),
    'large bytes': numpy.array([b'x' * 5000, b'y']),
    'flags': numpy.array([True, False]),
    'objects': numpy.array([[1], None], dtype=object),
    'one': numpy.array(7, dtype='uint8'),
    'none': numpy.zeros((0, 3)),
    'complex': numpy.array([1 + 2j], dtype='>c8'),
    'halves': numpy.array([0.5, -65504, numpy.inf], dtype='e'),
    'records': numpy.zeros(2, dtype=[('a', 'i4'), ('b', 'f8')]),
    'dates': numpy.array(['2026-11-28'], dtype='M8[D]'),
}
mapped, view, items, part, own
pass
"""


@pytest.fixture(scope="module", params=BACKENDS)
def arrays(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Value]:
    """Return the variables of one program with arrays."""
    folder = tmp_path_factory.mktemp("arrays")
    record(folder, ARRAYS, WITHOUT_NUMPY, backend=request.param)
    return last(folder / "out")


@pytest.mark.slow
def test_memory_of_a_mapped_file_is_not_read_which_may_have_been_cut(
    arrays: Mapping[str, Value],
) -> None:
    assert {name: shown(arrays[name]) for name in ("mapped", "view", "part", "own")} == {
        "mapped": "<mmap #n size=8192>",
        "view": "memoryview(… +1, format='B', shape=(4096,))",
        "part": "ndarray([… +4095], dtype='uint8', shape=(4095,))" if NATIVE else UNREAD,
        "own": "ndarray([0, 0], dtype='uint8', shape=(2,))" if NATIVE else UNREAD,
    }


@pytest.mark.slow
def test_arrays_of_every_kind_show_their_first_items(arrays: Mapping[str, Value]) -> None:
    found = dict(an_object(arrays["found"]).pairs)

    texts = {name: shown(value) for name, value in found.items()}
    if not NATIVE:
        assert texts == dict.fromkeys(found, UNREAD)
        return
    assert texts.pop("records").startswith("ndarray([… +2], dtype='T{")
    assert texts == {
        "strided": "ndarray([0, 3, 8, 11], dtype='int64', shape=(2, 2))",
        "turned": "ndarray([0, 2, 1, 3], dtype='int64', shape=(2, 2))",
        "swapped": "ndarray([1.5, -2.0], dtype='float64', shape=(2,))",
        "texts": "ndarray(['a', 'bcd'], dtype='U3', shape=(2,))",
        "bytes": "ndarray([b'a\\x00', b'bc'], dtype='S2', shape=(2,))",
        "large texts": "ndarray([… +1], dtype='U2000', shape=(1,))",
        "large bytes": "ndarray([… +2], dtype='S5000', shape=(2,))",
        "flags": "ndarray([True, False], dtype='bool', shape=(2,))",
        "objects": "ndarray([[1], None], dtype='object', shape=(2,))",
        "one": "ndarray([7], dtype='uint8', shape=())",
        "none": "ndarray([], dtype='float64', shape=(0, 3))",
        "complex": "ndarray([(1+2j)], dtype='complex64', shape=(1,))",
        "halves": "ndarray([0.5, -65504.0, inf], dtype='float16', shape=(3,))",
        "dates": "ndarray([… +1])",
    }
