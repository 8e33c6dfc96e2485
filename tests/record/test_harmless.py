"""A recorded program does not notice: none of its code runs for it, its objects live as long."""

from pathlib import Path

import pytest

from tests.support.recordings import record, texts
from tests.support.running import execute, write
from tests.watch.test_harmless import LIFETIMES

pytestmark = pytest.mark.fresh

TRAPS = '''
import collections, warnings
sprung = []
def trap(name):
    def run(*args, **kwargs):
        sprung.append(name)
        raise SystemError(name)
    return run
NAMES = """
__repr__ __str__ __len__ __bool__ __eq__ __ne__ __lt__ __format__ __iter__ __next__ __getattribute__
__getattr__ __hash__ __index__ __int__ __float__ __complex__ __bytes__ __contains__ __getitem__
__reversed__ __length_hint__ __dir__ __reduce_ex__ __sizeof__ __buffer__ __call__ __missing__
__instancecheck__ __subclasscheck__ __trunc__ __add__ __copy__ __get__ __fspath__ __await__
__aiter__ keys items values get bit_length to_bytes encode real imag start args name value
""".split()
def arm(namespace):
    namespace.update({name: trap(name) for name in NAMES})
    # They lie, and look.
    namespace['__class__'] = property(trap('__class__'))
class Meta(type):
    __getattribute__ = __eq__ = __hash__ = __repr__ = __bool__ = trap('a metaclass')
    __instancecheck__ = __subclasscheck__ = trap('a metaclass')
    __name__ = __dict__ = __mro__ = __flags__ = __bases__ = property(trap('a metaclass'))
class Plain(metaclass=Meta):
    arm(locals())
    __dict__ = property(trap('__dict__'))
    _fields = property(trap('_fields'))
class Slotted(metaclass=Meta):
    __slots__ = ('bound', 'unbound', '__private')
    arm(locals())
    def __init__(self):
        object.__setattr__(self, 'bound', [1])
class Failing(Exception):
    arm(locals())
    args = __cause__ = __context__ = __traceback__ = __notes__ = property(trap('an exception'))
class Key:
    # In dicts its hash must be had once, by the program itself.
    armed = False
    def __hash__(self):
        if Key.armed: sprung.append('hash')
        return hash('label')
    def __eq__(self, other):
        if Key.armed: sprung.append('eq')
        return self is other
def make(base, *args):
    class Sub(base, metaclass=Meta):
        arm(locals())
    return base.__new__(Sub, *args)
class Holder: pass
def everything():
    plain, slotted = Plain(), Slotted()
    mapping, sequence = make(dict), make(list)
    dict.__setitem__(mapping, 'k', plain)
    list.append(sequence, plain)
    members = make(set)
    set.add(members, 2)
    queue = make(collections.deque)
    collections.deque.append(queue, 1)
    key, holder = Key(), Holder()
    holder.__dict__[key] = 1
    holder.label = {key: plain}
    with warnings.catch_warnings(action='ignore'):
        odd = type('Odd', (), {key: 1})()
    Key.armed = True
    return [
        plain, slotted, mapping, sequence, members, queue, holder, odd, Plain, Slotted,
        make(tuple, (1, plain)), make(str, 'text'), make(int, 5), make(float, 1.5),
        make(bytes, b'b'), make(bytearray), make(complex, 1j), make(frozenset, [1]),
        Failing(plain),
    ]
'''

USES = """
from traps import *
def call(*each, key):
    held = each
    box = {'all': list(each)}
    for one in each:
        box['one'] = one
    again = yield each
    return box
def fails(error):
    try:
        raise error
    except Exception:
        pass
things = everything()
for thing in call(*things, key=things[0]):
    pass
fails(things[18])
class Body:
    thing = things[0]
    others = things
def hide(password):
    return password
class Quiet(metaclass=Meta):
    pass
keyed = {Quiet(): 1, (Quiet(), 2): 2, 'token': Quiet()}
for passwords in [*things, [*things], {1: things}]:
    hide(passwords)
print(sprung)
"""

CAPTURE = """
import sys
from codetracer.filters import load_chain
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans
from codetracer.limits import Limits
import traps
log = make_log('log.ctlog', bytes(16), 1, 1)
gate, definitions = Gate(load_chain('/', environ={})), Definitions()
engine = make_engine(log, gate, Plans(gate, definitions, code_reader()), definitions, Limits())
started = []
monitoring = sys.monitoring
monitoring.use_tool_id(4, 'counter')
monitoring.register_callback(
    4, monitoring.events.PY_START, lambda code, offset: started.append(code.co_filename)
)
def subject(*each):
    first, second, *others = each
    code = sys._getframe().f_code
    monitoring.set_events(4, monitoring.events.PY_START)
    # What the callbacks of the recorder do, done where events are counted.
    engine.on_py_start(code, 0)
    for line in range(code.co_firstlineno, code.co_firstlineno + 4):
        engine.on_line(code, line)
    engine.on_raise(code, 0, each[18])
    engine.on_exception_handled(code, 0, each[18])
    engine.on_py_return(code, 0, each)
    monitoring.set_events(4, 0)
subject(*traps.everything())
engine.exit(0)
log.close()
print(len([name for name in started if name == traps.__file__]), traps.sprung)
started.clear()
monitoring.set_events(4, monitoring.events.PY_START)
traps.trap('counted')
monitoring.set_events(4, 0)
print(len(started))
"""


@pytest.mark.slow
def test_no_code_of_the_program_runs_when_its_values_are_recorded(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"traps.py": TRAPS})

    assert record(tmp_path, USES, backend=backend).stdout == "[]\n"

    # They were there to be looked at.
    (seen,) = (
        seen
        for code, line, seen in texts(tmp_path / "out")
        if code == "call" and line == 6 and seen["box"].endswith("]}")
    )
    assert "Plain" in seen["held"]
    assert "Failing" in seen["held"]


@pytest.mark.slow
def test_no_python_function_of_the_program_starts_while_values_are_captured(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"traps.py": TRAPS, "app.py": CAPTURE})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert outcome == (0, "0 []\n1\n", "")


@pytest.mark.slow
def test_objects_live_as_long_as_they_do_unrecorded(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": LIFETIMES})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert "deleted" in unrecorded.stdout

    assert record(tmp_path, LIFETIMES, backend=backend) == unrecorded


KEEPS_LOCALS = """
import sys
def keeps(x):
    before = locals()
    y = 1
    z = 2
    first = sorted(before)
    del x
    return first, sorted(before)
def frames():
    names = sys._getframe().f_locals
    n = 1
    n = 2
    return dict(names).get('n')
def called(namespace):
    inner = 1
    return sorted(namespace)
def caller():
    outer = 1
    later = called(locals())
    return later
class Body:
    names = locals()
    n = 1
    count = len(names)
def outer():
    shared = [1]
    names = locals()
    class Inner:
        taken = shared
        again = shared
    late = 1
    return sorted(names)
print(keeps(0), frames(), caller(), Body.count > 1, outer())
print([sorted(locals()) for i in range(2)][0][:1])
"""


@pytest.mark.slow
def test_the_dict_of_locals_that_a_program_holds_is_as_it_is_unrecorded(
    tmp_path: Path, backend: str
) -> None:
    # Before 3.13 (PEP 667) a frame has one such dict, which whoever asks for it brings up to date.
    write(tmp_path, {"app.py": KEEPS_LOCALS})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert unrecorded.stderr == ""

    assert record(tmp_path, KEEPS_LOCALS, backend=backend) == unrecorded


NAMESPACES = """
looked = []
class Space(dict):
    def __getitem__(self, name):
        looked.append(name)
        return dict.__getitem__(self, name)
    def __contains__(self, name):
        looked.append(('in', name))
        return dict.__contains__(self, name)
    def get(self, name, default=None):
        looked.append(('get', name))
        return default
class Meta(type):
    def __prepare__(name, bases): return Space()
class Other:
    def __init__(self): self.held = {}
    def __getitem__(self, name):
        looked.append(('other', name))
        return self.held[name]
    def __setitem__(self, name, value): self.held[name] = value
def make(base):
    class Made(metaclass=Meta):
        one = base
        two = [one]
        two.append(base)
    return Made
make(0)
exec(compile('a = 1\\nb = [a]\\nb.append(a)', 'app.py', 'exec'), {}, Other())
print(looked)
"""


@pytest.mark.slow
def test_a_namespace_of_the_programs_own_is_not_asked(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": NAMESPACES})
    unrecorded = execute("app.py", cwd=tmp_path)
    assert "'one'" in unrecorded.stdout

    assert record(tmp_path, NAMESPACES, backend=backend) == unrecorded


ERROR_HANDLERS = """
import array, codecs, sys, warnings
warnings.simplefilter('ignore')
called = []
def handler(error):
    called.append(error)
    return '?', error.end
NAMES = ['strict', 'ignore', 'replace', 'backslashreplace', 'surrogateescape', 'surrogatepass']
for name in NAMES: codecs.register_error(name, handler)
class Odd: pass
def work(odd):
    text, data = 'lone \\ud800 here', b'no text \\xff\\xfe'
    password = 'it is \\ud812 secret'
    api_key = b'\\xff\\xfe is secret'
    url = 'http://user:pass\\ud800word@host/?token=\\ud801abcdef'
    told = b'http://user:pass\\xffword@host/?token=\\xff\\xfebcdef'
    setattr(odd, '\\ud800', [text, data, url, told, f'<{password}>', b'<%b>' % api_key])
    points = array.array('u', 'x\\ud800')
    return OSError(2, url), memoryview(points)
work(Odd())
print(called)
"""


def test_error_handlers_that_a_program_registers_are_not_called(
    tmp_path: Path, backend: str
) -> None:
    assert record(tmp_path, ERROR_HANDLERS, backend=backend).stdout.strip() == "[]"


GARBAGE = """
import gc, signal, sys, threading
gc.disable()
gc.collect()
class TimeOut(Exception): pass
def end(*args): raise TimeOut
signal.signal(signal.SIGALRM, end)
class Value:
    def __init__(self, n):
        self.items = [n]
def work(n):
    values = [Value(i) for i in range(n)]
    return {i: value.items for i, value in enumerate(values)}
def exceptions():
    for i in range(50):
        try:
            try: {}['a']
            except KeyError as error: raise ValueError(i) from error
        except ValueError: pass
def threads():
    several = [threading.Thread(target=work, args=(20,)) for _ in range(5)]
    for one in several: one.start()
    for one in several: one.join()
def output():
    for i in range(50): print('x', file=sys.stderr)
def new_code():
    for i in range(20): exec(f'def f(n): return [n, {i}]\\nf(1)', {})
def stacks():
    def deep(kept):
        mine = [kept]
        return deep(kept)
    for i in range(3):
        try: deep(Value(i))
        except RecursionError: pass
def time_outs():
    for i in range(100):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            while True: work(5)
        except TimeOut: pass
for function in (exceptions, threads, output, new_code, stacks, time_outs):
    function()
    print(function.__name__, gc.collect())
"""
"""Prints how many objects only the garbage collector frees."""


@pytest.mark.slow
def test_recording_leaves_nothing_for_the_garbage_collector(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": GARBAGE})
    expected = execute("app.py", cwd=tmp_path)

    arguments = ("-m", "codetracer", "record", "-q", "-o", "out", "app.py")
    outcome = execute(*arguments, cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert expected.code == 0
    assert (outcome.code, outcome.stdout) == (0, expected.stdout)
