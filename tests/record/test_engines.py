"""The engine in C and the one in Python write the same, to the byte where the program lets them.

The recorder recognizes objects by their addresses. If one dies, another may get its address by
chance. Programs that keep all their objects are recorded with the same bytes; for the others, the
tests compare the events as a reader sees them (`fuzz.told`). A counter replaces the clock, and the
identifiers of threads are left out.
"""

from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from fuzz.told import told_of
from tests.record.test_harmless import TRAPS, USES
from tests.support.programs import PROGRAMS as EVERY_EVENT
from tests.support.recordings import ENVIRON, FULL, Step, record, record_steps
from tests.support.running import execute, write
from tests.support.snapshot_programs import PROGRAMS

RECORDER = """
import itertools, sys
from codetracer.filters import load_chain
from codetracer.monitoring import Tracer, install_tracer, uninstall_tracer
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans
from codetracer.limits import Limits

log = make_log(sys.argv[1], bytes(16), 1, 1)
detail = sys.argv[2]
gate, definitions = Gate(load_chain('/', environ={}, detail=detail)), Definitions()
plans = Plans(gate, definitions, code_reader())
engine = make_engine(
    log, gate, plans, definitions, Limits(*map(int, sys.argv[3:])),
    clock=itertools.count(1000, 7).__next__,
)
tracer = Tracer()
for name in dir(engine):
    if name.startswith('on_') and (detail, name) != ('calls', 'on_line'):
        setattr(tracer, name, getattr(engine, name))
with open('app.py') as file:
    code = compile(file.read(), 'app.py', 'exec')
# Made before it begins, and kept: what it needs is not made by one engine and not by the other.
namespace = {'__name__': '__main__', 'kept': []}
print(type(engine).__module__)
install_tracer(tracer)
try:
    exec(code, namespace)
except SystemExit as ending:
    print(ending.code)
uninstall_tracer()
engine.exit(3)
log.close()
"""

KEEPS = (
    """
import collections, dataclasses, enum, functools, sys
keep = kept.append
class Color(enum.Enum):
    RED = [1]
class Slots:
    __slots__ = ('a', 'b')
class Plain:
    total = 0
    def __init__(self, value): self.value, self.me, self.api_token = value, self, 'hidden'
    def method(self): return self
@dataclasses.dataclass
class Point:
    x: int
    y: object = None
Pair = collections.namedtuple('Pair', 'one two')
class Number(int): pass
class Text(str): pass
class Raw(bytes): pass
class Items(list): pass
class Wide:
    def __init__(self): vars(self).update({f'a{i}': i for i in range(150)})
atoms = [
    None, True, False, 0, -1, 63, 64, -65, 2**31, 2**63 - 1, -2**63, 2**63, -2**63 - 1, 10**60,
    -10**60, 0.0, -0.0, 1.5, float('inf'), 1j, '', 'a', 'b' * 63, 'c' * 64, 'd' * 600, '\\udc80',
    '\\0', '\\U0001f600' * 300, b'', b'x' * 700, ..., NotImplemented, (), (1,), ((((((1,),),),),),),
    tuple(range(200)), range(5), range(-10**30, 10**30, 7), -1 << 5000, 3 ** 4000, -5 ** 2000,
    ((((1,) * 9,) * 9,) * 9,) * 9, ((1, 2, 3),) * 99,
]
slots = Slots(); keep(slots)
slots.b = [slots]; keep(slots.b)
class Both(Slots): pass
class Thief:
    __dict__ = vars(Both)['__dict__']
thief = Thief(); keep(thief)
thief.hidden = 1
both = Both(); keep(both)
both.a = 1; vars(both).update(a=2, b=3, c=4)
plain = Plain(atoms); keep(plain)
method = plain.method; keep(method)
point = Point(1, {'k': [plain, slots]}); keep(point)
others = [
    set('a'), frozenset([1]), {1: {2: {3: {4: {5: {}}}}}}, Color.RED, Color, Pair(1, [2]),
    Number(5), Items([1]), collections.deque([1]), collections.OrderedDict(a=1),
    collections.defaultdict(list),
    bytearray(b'abc'), memoryview(b'x'), len, [].append, str.upper, functools.partial(len, []),
    Number(-7 ** 2000), collections.deque(range(200)), [((1, 2) * 50,) * 50] * 3, bytearray(600),
    Text('\\xe9' * 600), Raw(b'x' * 600), Wide(),
    ValueError('v', [1]), sys, lambda: 0, property(), object(), iter([]), Plain, list(range(300)),
    {i: str(i) for i in range(150)}, slice(1, 2),
]
keep(others)
# So deep that some of it is cut, and so wide.
wide = [[[[[[i]]]] for i in range(10)] for j in range(40)]
keep(wide)
password = secret_key = 'hidden'
def call(a, b=(), /, *rest, key, **more):
    keep(rest), keep(more)
    a.append(key)
    more['late'] = a
    del b
    try:
        error = KeyError(key); keep(error)
        cause = OSError(2, 'cause'); keep(cause)
        raise error from cause
    except KeyError as caught:
        caught.noted = [key]
        keep(caught.noted)
    finally:
        a = None
    return more
result = call([1], key=plain, other=2)
def generate(limit):
    for i in range(limit):
        got = yield i
        keep(got)
g = generate(3); keep(g)
next(g)
g.send([1])
try:
    thrown = LookupError('thrown'); keep(thrown)
    g.throw(thrown)
except LookupError:
    pass
def outer():
    shared = []; keep(shared)
    def inner():
        nonlocal shared
        shared.append(inner); keep(inner)
        shared = {'new': shared}; keep(shared)
    inner()
    class Body:
        taken = shared
        shared['more'] = 1
    keep(Body)
    return shared
result = outer()
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
fib(5)
global_count = 0
def count():
    global global_count, gone
    global_count += 1; gone = global_count
    del gone
count()
result['last'] = [[[[[['deep']]]]]]
keep(result['last'])
"""
    + "".join(f"v{i} = {i}\n" for i in range(80))
    + "\n\n" * 100
    + "far = v79\nraise SystemExit(far)\n"
)


def recorded_bytes(
    folder: Path, program: str, backend: str, *limits: int, detail: str = "values"
) -> bytes:
    """Return a log, without the headers, as an engine writes it."""
    write(folder, {"app.py": program})
    outcome = execute(
        # What is given with -c is not recorded itself.
        *("-c", RECORDER, f"{backend}.ctlog", detail, *map(str, limits)),
        cwd=folder,
        environ=ENVIRON | {VARIABLE: backend},
    )
    assert (outcome.code, outcome.stderr) == (0, "")
    used = {"native": "codetracer_bindings._engine", "python": "codetracer.runtime.events"}
    assert outcome.stdout.split() == [used[backend], "79"]
    return (folder / f"{backend}.ctlog").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detail", "limits"),
    [
        ("values", ()),
        ("values", (2, 3, 10, 20)),
        ("values", (1, 1, 1, 1)),
        ("values", (9, 500, 5000, 5000)),
        ("lines", ()),
        ("calls", ()),
        ("calls", (2, 3, 10, 2)),
    ],
)
def test_the_engines_write_the_same_bytes(
    detail: str, limits: tuple[int, ...], tmp_path: Path
) -> None:
    first, *others = (
        without_identifiers(recorded_bytes(tmp_path, KEEPS, backend, *limits, detail=detail))
        for backend in BACKENDS
    )

    assert len(first) > (2500 if detail == "values" else 1000)
    for other in others:
        assert other == first


def without_identifiers(log: bytes) -> bytes:
    """Return a log from behind the thread's name on: before it are its identifier and sizes."""
    start = log.index(b"MainThread")
    checksum = log.index(b"BLK\n")
    assert checksum < start
    return log[start:]


@pytest.mark.slow
def test_bytes_that_differ_are_found(tmp_path: Path) -> None:
    backend = BACKENDS[-1]

    one = recorded_bytes(tmp_path, "x = [1]\nraise SystemExit(79)\n", backend)
    (tmp_path / f"{backend}.ctlog").unlink()
    other = recorded_bytes(tmp_path, "x = [2]\nraise SystemExit(79)\n", backend)

    assert without_identifiers(one) != without_identifiers(other)


FILES = {
    f"{kind}_{number}.py": text
    for kind, programs in (("event", EVERY_EVENT), ("snapshot", PROGRAMS))
    for number, text in enumerate(programs.values())
    # The order of threads is random; `python -m fuzz engines` compares those that take turns.
    if "import threading" not in text
}
ALL = "".join(f"import {name[:-3]}\n" for name in FILES)


HALF = """
[meta]
name = "half"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
[[scope.rules]]
selector = "obj:regex:[aeiou].?$"
detail = "calls"
[[scope.rules]]
selector = "obj:regex:r$"
detail = "lines"
"""
"""Details of which each program has some: by the ends of the functions' names."""


@pytest.fixture(
    scope="module",
    params=[(), ("--detail=lines",), ("--detail=calls",), ("--trace-filter=half.toml",)],
    ids=" ".join,
)
def logs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("programs")
    write(folder, FILES | {"half.toml": HALF})
    paths = []
    for backend in BACKENDS:
        write(folder, {"app.py": ALL})
        outcome = execute(
            *("-m", "codetracer", "record", "-q", "-o", backend, *FULL, *request.param, "app.py"),
            cwd=folder,
            environ=ENVIRON | {VARIABLE: backend},
        )
        assert (outcome.code, outcome.stderr) == (0, "")
        paths.append(folder / backend)
    return paths


@pytest.mark.slow
def test_the_engines_record_the_same_events_of_any_program(logs: list[Path]) -> None:
    first, *others = ([*told_of(path)] for path in logs)

    assert len(first) > 1000
    for other in others:
        assert [pair for pair in zip(first, other, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.slow
def test_the_engines_record_the_same_of_hostile_objects(tmp_path: Path) -> None:
    write(tmp_path, {"traps.py": TRAPS})

    first, *others = (
        seen(record_steps(tmp_path, USES, backend=backend, out=backend)) for backend in BACKENDS
    )

    assert first
    for other in others:
        assert other == first


def seen(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.file == "app.py"]


@pytest.mark.slow
def test_metadata_tells_which_engine_recorded(tmp_path: Path) -> None:
    for backend in BACKENDS:
        record(tmp_path, "pass\n", backend=backend, out=backend)
        metadata = codetracer.read(tmp_path / backend).metadata
        assert isinstance(metadata["recorder"], dict)
        assert metadata["recorder"]["backend"] == backend
