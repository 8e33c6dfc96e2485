"""A traced program does not notice: its objects live as long, and none of its code runs for it."""

from pathlib import Path

import pytest

from tests.support.running import execute, watch, write

pytestmark = pytest.mark.fresh

LIFETIMES = """
import gc, weakref
gc.disable()
class Thing:
    def __init__(self, name): self.name = name
    def __del__(self): print('deleted', self.name)
def drops(x, /, y, *rest, z, **more):
    ref = weakref.ref(x)
    del x
    print('x', ref())
    del y, rest, z, more
    print('all dropped')
def keeps(x):
    def inner(): return x
    x = None
    print('cell rebound')
    return inner
def generates(x):
    yield 1
    x = None
    print('rebound')
    yield 2
async def waits(x):
    del x
    print('waited')
def local(x):
    before = locals()
    y = 1
    return sorted(before), sorted(locals()), before is locals()
drops(Thing('x'), Thing('y'), Thing('rest'), z=Thing('z'), w=Thing('w'))
keeps(Thing('cell'))
generator = generates(Thing('generator'))
next(generator), next(generator)
coroutine = waits(Thing('coroutine'))
try: coroutine.send(None)
except StopIteration: pass
print(local(Thing('local')))
def returns(): return Thing('returned')
returns()
print('after return')
def fails(): raise ValueError(Thing('argument'))
try: fails()
except ValueError: pass
print('after exception')
def suspended():
    yield Thing('yielded')
g = suspended(); next(g); print('after yield'); g.close()
list(map(Thing, ['called'])); print('after call')
exec(compile("class Late:\\n    def __del__(self): print('late')\\nLate()", 'text', 'exec'))
code = compile('x = 1', '<text>', 'exec')
exec(code)
dead = weakref.ref(code)
del code
print(dead())
"""

TRAPS = """
import sys, threading
def trap(*a, **k):
    print('TRAPPED', sys._getframe(1).f_code.co_name)
    raise SystemError('trap')
class Meta(type):
    def __getattribute__(cls, name):
        print('TRAPPED', name)
        return type.__getattribute__(cls, name)
    __hash__ = __eq__ = __instancecheck__ = __subclasscheck__ = trap
class Trap(metaclass=Meta):
    __repr__ = __str__ = __len__ = __bool__ = __eq__ = __format__ = __iter__ = trap
    __getattribute__ = __getattr__ = __instancecheck__ = __hash__ = __index__ = trap
    __class__ = property(trap)
class TrapError(Exception):
    __str__ = __repr__ = __getattribute__ = trap
class TrapStr(str):
    __str__ = __repr__ = __format__ = __len__ = __hash__ = __eq__ = trap
class TrapDict(dict):
    get = __contains__ = __iter__ = __len__ = trap
class TrapThread(threading.Thread):
    name = ident = property(trap)
def takes(a, b='x', *c, d=1, **e): return a
def yields(a):
    try: yield a
    except TrapError: yield a
def fails(e): raise e
takes(Trap()); takes(a=Trap(), d=Trap(), e=Trap()); takes(TrapStr('s')); takes(Trap, [Trap()])
for x in yields(Trap()): pass
g = yields(Trap()); next(g); g.throw(TrapError(Trap()))
try: fails(TrapError(Trap()))
except TrapError: pass
try: fails(ValueError(TrapStr('s'), Trap()))
except ValueError: pass
takes.__qualname__ = takes.__name__ = 'renamed'
exec('def f(x): return x\\nf(1)\\nclass C: pass', TrapDict())
class WithModule:
    __module__ = Trap()
takes(WithModule()); takes(sys.modules)
thread = TrapThread(target=takes, args=(Trap(),))
thread.start(); thread.join()
class TrapModule(type(sys)):
    __getattribute__ = trap
takes(TrapModule('x'))
print('done', len(sys.argv))
"""

STATES = """
import sys, threading, signal, linecache, warnings, gc
def state():
    print(sorted(m for m in linecache.cache), sys.exception(), sys.gettrace(), sys.getprofile())
    print(threading.enumerate() == [threading.main_thread()], threading.active_count())
    print(sys.getrecursionlimit(), sys.getswitchinterval(), signal.getsignal(signal.SIGINT))
    print(gc.isenabled(), gc.get_threshold(), warnings.filters[:1], sys.stdin.name, sys.stderr.name)
state()
try: 1/0
except ZeroDivisionError: state()
import _thread, time
done = _thread.allocate_lock(); done.acquire()
def foreign():
    state.__name__
    print(threading.active_count())
    done.release()
_thread.start_new_thread(foreign, ()); done.acquire(); time.sleep(0.05)
print(threading.active_count())
"""

REPLACED = """
import builtins, io, os, sys, threading, time
def trap(*a, **k):
    print('TRAPPED')
    raise SystemError('trap')
kept = print
for module in [*sys.modules.values(), builtins, io, os, threading, time]:
    for name in 'write', 'close', 'getpid', 'get_ident', 'monotonic_ns', 'sleep', 'open':
        if callable(vars(module).get(name)): setattr(module, name, trap)
exec(compile('def f(x): return x\\nf(1)', '/etc/hostname', 'exec'))
def g(): yield 1
list(g())
print('done')
""" + "# filler\n" * 20

PROGRAMS = {"lifetimes": LIFETIMES, "traps": TRAPS, "states": STATES, "replaced": REPLACED}


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--events", "all", "--format", "jsonl"]])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_does_not_notice(program: str, options: list[str], tmp_path: Path) -> None:
    write(tmp_path, {"app.py": program})

    expected = execute("app.py", cwd=tmp_path)
    actual = watch("-o", "out", *options, "app.py", cwd=tmp_path)

    assert actual == expected
    assert expected.code == 0
    assert (tmp_path / "out").stat().st_size > 1000


@pytest.mark.slow
def test_an_exception_in_flight_passes_through_every_handler_unchanged(tmp_path: Path) -> None:
    program = """
def context(error):
    print(type(error), error.args, type(error.__cause__), type(error.__context__))
    tb, names = error.__traceback__, []
    while tb:
        names.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    print(names)
def inner():
    try: int('x')
    finally: pass
def outer():
    try: inner()
    except ValueError as error: raise KeyError('k') from error
def generator():
    try: yield
    except KeyError as error: raise RuntimeError from None
try: outer()
except KeyError as error: context(error)
g = generator(); next(g)
try: g.throw(KeyError('k'))
except RuntimeError as error: context(error)
"""
    write(tmp_path, {"app.py": program})

    traced = watch("-o", "out", "--events", "all", "app.py", cwd=tmp_path)

    assert traced == execute("app.py", cwd=tmp_path)


@pytest.mark.slow
def test_a_program_that_recurses_to_its_limit_recovers_and_stays_traced(tmp_path: Path) -> None:
    program = """
def f(n): return f(n + 1)
for i in range(3):
    try: f(0)
    except RecursionError: print('recovered')
def last(): pass
last()
"""
    write(tmp_path, {"app.py": program})

    outcome = watch("-o", "out", "--events", "start,raise", "app.py", cwd=tmp_path)

    assert outcome == (0, "recovered\n" * 3, "")
    assert (tmp_path / "out").read_text().splitlines()[-1].endswith("start    last()")
