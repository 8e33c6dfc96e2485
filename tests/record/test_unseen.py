"""A recorded program's objects are as they are unrecorded: nothing is made or left in them."""

from pathlib import Path

import pytest

from tests.support.recordings import BACKENDS, an_object, last, record
from tests.support.running import execute, write

pytestmark = pytest.mark.fresh

# Dicts are made where nothing could be compiled, as docs/recording.md says.
WHERE_COMPILED = pytest.mark.only_where("native" in BACKENDS)

INSTANCES = """
import collections, enum, functools, gc, types
def attributes(value):
    value.first = 'set'
    value.second = 2
    value.third = None
    del value.second
    value.second = 'again'
    return value
class Plain:
    def __init__(self): self.me, self.number = self, 1
class Inherits(Plain):
    default = 1
class Turned(Inherits):
    def __init__(self): self.number, self.me = 1, self
class Slotted:
    __slots__ = ('slot', '__dict__')
    def __init__(self): self.slot, self.own = 1, 2
class Empty: pass
class Wide:
    def __init__(self): [setattr(self, f'a{i}', i) for i in range(40)]
class Many:
    def __init__(self): [setattr(self, f'a{i}', i) for i in range(29)]
def made():
    bases = [list, dict, set, tuple, int, str, bytes, float, complex, bytearray, frozenset,
             Exception, OSError, types.ModuleType, collections.deque, collections.OrderedDict]
    values = [type('Sub', (base,), {})(*['name'] * (base is types.ModuleType)) for base in bases]
    values += map(attributes, values[:])
    values += [Plain(), Inherits(), Turned(), Slotted(), Empty(), Wide(), Many()]
    values += [attributes(Empty()), KeyError(1), functools.partial(len), types.SimpleNamespace()]
    values += [enum.Enum('Color', 'RED').RED]
    changed = Plain()
    changed.__class__ = Turned
    asked = Plain()
    asked.__dict__
    emptied = Plain()
    emptied.__dict__ = {}
    values += [changed, asked, emptied]
    return values
plain = Plain, Inherits, Turned, Empty, Wide, Many
def dicts(values):
    return [[type(held) for held in gc.get_referents(value)] for value in values]
values = made()
for value in values:
    found = value
    value
for types_of in dicts(values):
    print([kind.__name__ for kind in types_of])
"""


@pytest.mark.slow
@WHERE_COMPILED
def test_no_instance_gets_a_dict(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": INSTANCES})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert unrecorded.stderr == ""

    assert record(tmp_path, INSTANCES, backend=backend) == unrecorded


@pytest.mark.slow
def test_attributes_are_read_in_the_order_in_which_they_were_set(
    tmp_path: Path, backend: str
) -> None:
    program = f"{INSTANCES}\nvalues = [value for value in values if type(value) in plain]\n"
    write(tmp_path, {"app.py": f"{program}\nprint([list(vars(value)) for value in values])\n"})
    unrecorded = execute("app.py", cwd=tmp_path)
    record(tmp_path, f"{program}pass\n", "--max-items=1000", backend=backend)

    values = [an_object(value) for value in an_object(last(tmp_path / "out")["values"]).items]

    names = [list(value.attributes) for value in values]
    assert ["me", "number"] in names
    assert ["number", "me"] in names
    assert ["first", "third", "second"] in names
    assert str(names) == unrecorded.stdout.splitlines()[-1]


COLLECTED = """
import gc
class Node:
    def __init__(self, number): self.number, self.me = number, self
class Failure(Exception): pass
def nodes(count):
    for number in range(count):
        node = Node(number)
        node.me.number
    del node
    return gc.collect()
def failures(count):
    for number in range(count):
        failure = Failure(number)
        failure.__cause__ = failure
    del failure
    return gc.collect()
gc.collect()
gc.disable()
first = nodes(1), failures(1)
print(nodes(1), nodes(10), failures(10))
"""


@pytest.mark.slow
@WHERE_COMPILED
def test_the_garbage_collector_counts_the_same(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": COLLECTED})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert unrecorded.stderr == ""

    assert record(tmp_path, COLLECTED, backend=backend) == unrecorded


TEXTS = """
import sys
def sizes():
    lengths = 1, 30, 499, 700
    texts = [each * length for each in 'a\\xe9\\u20ac\\U0001f600' for length in lengths]
    for text in texts:
        same = text
    names = {text: text for text in texts}
    class Holder: pass
    holder = Holder()
    for text in texts:
        setattr(holder, text, text)
    holder
    return [sys.getsizeof(text) for text in [*names, *vars(holder)]]
class Grüße: pass
def grüße(): pass
values = [Grüße, Grüße(), grüße]
print(sizes(), sys.getsizeof(Grüße.__qualname__), sys.getsizeof(grüße.__qualname__))
"""


def test_a_text_grows_no_copy_in_utf_8(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": TEXTS})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert unrecorded.stderr == ""

    assert record(tmp_path, TEXTS, backend=backend) == unrecorded


REFERENCES = """
import enum, gc, weakref
class Meta(type): pass
class Plain: pass
class Slotted(Plain):
    __slots__ = ('a',)
    def __init__(self): self.a = 1
class Failure(Exception): pass
class Color(enum.Enum): RED = 1
class Made(metaclass=Meta): pass
kinds = [Plain, Slotted, Failure, Color, Made, Meta]
values = [Plain(), Slotted(), Failure(), Color.RED, Made(), object(), type(iter([]))]
for value in values:
    same = value
print([weakref.getweakrefcount(kind) for kind in [*kinds, type(iter([])), list]])
print([weakref.getweakrefcount(value) for value in values])
# One that is recorded, and one of the standard library, which is not.
enum.show_flag_values(5)
codes = [Slotted.__init__.__code__, enum.show_flag_values.__code__, enum._iter_bits_lsb.__code__]
print([weakref.getweakrefcount(code) for code in codes])
own = weakref.ref(Plain, lambda _: print('gone'))
print(weakref.getweakrefcount(Plain))
def short():
    class Short:
        __slots__ = ('a', '__weakref__')
        def __del__(self): print('deleted', weakref.getweakrefcount(self))
    short = Short()
    short.a = short
    return weakref.ref(Short, lambda _: print('gone')), weakref.ref(short)
gone = short()
print(gc.collect() > 0, gone[0](), gone[1]())
"""


@pytest.mark.slow
def test_no_weak_reference_more_is_counted(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": REFERENCES})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert unrecorded.stderr == ""

    if "native" not in BACKENDS:
        # Where nothing was compiled, code objects of the program have one, as codes.py says.
        stdout = unrecorded.stdout.replace("\n[0, 0, 0]\n", "\n[0, 1, 1]\n")
        unrecorded = unrecorded._replace(stdout=stdout)
    assert record(tmp_path, REFERENCES, backend=backend) == unrecorded


CLASSES = """
import gc
def one(number):
    kind = type(f'Kind{number}', (), {'__slots__': (f'slot{number}',)})
    value = kind()
    setattr(value, f'slot{number}', number)
    return value
def some():
    for number in range(3000):
        value = one(number)
        del value
        if number % 50 == 0: gc.collect(0)
some()
value = one('last')
"""


@pytest.mark.slow
def test_a_class_where_another_was_is_told_from_it(tmp_path: Path, backend: str) -> None:
    record(tmp_path, f"{CLASSES}\npass\n", backend=backend)

    value = an_object(last(tmp_path / "out")["value"])

    assert (value.type_name, value.attributes) == ("__main__.Kindlast", {"slotlast": "last"})


KEYS = """
import enum, sys, types, warnings
warnings.simplefilter('ignore')
called = []
class Name(str):
    armed = False
    def __hash__(self):
        if Name.armed: called.append(('hash', str(self)))
        return str.__hash__(self)
    def __eq__(self, other):
        if Name.armed: called.append(('eq', str(self)))
        return str.__eq__(self, other)
    def __str__(self):
        if Name.armed: called.append('str')
        return str.__str__(self)
    __format__ = __repr__ = __len__ = lambda self, *rest: called.append('other')
class Color(enum.Enum):
    RED = 1
for name in ('_name_', '_value_'):
    held = vars(Color.RED).pop(name)
    vars(Color.RED)[Name(name)] = held
module = types.ModuleType('module')
del module.__name__
vars(module)[Name('__name__')] = 'module'
def function(): pass
function.__qualname__ = Name('function')
class Odd: pass
Odd.__qualname__ = Name('Odd')
keyed = type('Keyed', (), {Name('__module__'): 'm', Name('__dict__'): 1, Name('label'): 1})
keyed_slots = type('KeyedSlots', (), {'__slots__': ('label',), Name('__module__'): 'm'})
slotted = keyed_slots()
slotted.label = 1
instance = Odd()
vars(instance)[Name('label')] = 1
sys.modules[Name('enum')] = sys.modules.pop('enum')
mapping = {Name('password'): 1}
def look(each):
    for one in each:
        same = one
values = [Color.RED, module, function, Odd, Odd(), keyed, keyed(), slotted, instance, mapping]
Name.armed = True
look(values)
Name.armed = False
print(called)
"""


@pytest.mark.slow
def test_no_key_of_a_dict_is_hashed_or_compared(tmp_path: Path, backend: str) -> None:
    assert record(tmp_path, KEYS, backend=backend).stdout == "[]\n"


def outputs(folder: Path, program: str, backend: str) -> tuple[str, str]:
    """Return what a program prints without and with a recorder."""
    write(folder, {"app.py": program})
    plain = execute("app.py", cwd=folder)
    assert (plain.code, plain.stderr) == (0, ""), plain
    return plain.stdout, record(folder, program, backend=backend).stdout


CODE = """
import sys, weakref
def f(n):
    return n
def g():
    yield 1
class A:
    def m(self): return 1
f(1); list(g()); A().m()
for code in (f.__code__, g.__code__, A.m.__code__, sys._getframe().f_code):
    print(weakref.getweakrefcount(code), sys.getsizeof(code))
"""


@pytest.mark.slow
def test_a_code_object_has_no_weak_reference_and_is_as_large_as_ever(
    tmp_path: Path, backend: str
) -> None:
    plain, recorded = outputs(tmp_path, CODE, backend)

    assert recorded == plain


LIBRARY = """
import gc
import codetracer
def f(n):
    class Local: pass
    return [n, Local()]
def alive():
    gc.collect()
    found = {}
    for each in gc.get_objects():
        kind = type(each)
        if kind.__module__.startswith(('codetracer.', 'codetracer_bindings')):
            found[kind.__qualname__] = found.get(kind.__qualname__, 0) + 1
    return found
def run(name):
    with codetracer.trace(name):
        f(1)
run('first')
before = alive()
for n in range(4):
    run(f'out{n}')
assert alive() == before, (before, alive())
print(sorted(name for name in before if name in ('Engine', 'Plans', 'Plan', 'Events')))
"""


@pytest.mark.slow
def test_recordings_that_have_ended_leave_nothing_alive(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": LIBRARY})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert (outcome.code, outcome.stderr, outcome.stdout) == (0, "", "[]\n")


SLOTS = """
import sys
hits = []
for slot in (3, 4):
    sys.monitoring.use_tool_id(slot, 'mine')
    take = lambda *args: hits.append(args)
    sys.monitoring.register_callback(slot, sys.monitoring.events.LINE, take)
    sys.monitoring.set_events(slot, sys.monitoring.events.LINE)
def f():
    return 1
f()
for slot in (3, 4):
    sys.monitoring.set_events(slot, 0)
    sys.monitoring.free_tool_id(slot)
print(len(hits))
"""


@pytest.mark.slow
def test_the_slots_that_have_no_name_are_left_to_the_program(tmp_path: Path, backend: str) -> None:
    plain, recorded = outputs(tmp_path, SLOTS, backend)

    assert recorded == plain
