"""A recorded program finds no trace of the recorder in its objects, nor in its functions' calls."""

from pathlib import Path

import pytest

from tests.recordings import BACKENDS, record
from tests.running import execute, write

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


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
        if kind.__module__.startswith(('codetracer.runtime', 'codetracer_bindings')):
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


def test_recordings_that_have_ended_leave_nothing_alive(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": LIBRARY})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert (outcome.code, outcome.stderr, outcome.stdout) == (0, "", "[]\n")


PATCHED = """
import _thread, builtins, io, os, sys, threading, time, weakref
import posix, posixpath, re, json, stat, zlib, mmap, types, collections
counts = {}
def counting(name, function):
    def count(*args, **kwargs):
        counts[name] = counts.get(name, 0) + 1
        return function(*args, **kwargs)
    return count
KEPT = ('__build_class__', '__import__', 'exec', 'compile', 'super', '_getframe', 'exc_info')
def patch():
    modules = (_thread, builtins, io, os, posix, posixpath, sys, threading, time, weakref,
               re, json, stat, zlib, mmap)
    for module in modules:
        for name, value in list(vars(module).items()):
            if callable(value) and not isinstance(value, type) and name not in KEPT:
                setattr(module, name, counting(f'{module.__name__}.{name}', value))
def meet(n):
    namespace = {'__name__': f'new{n}'}
    source = f'''
import collections
class New{n}:
    __slots__ = ('a', 'b')
    def __init__(self): self.a, self.b = {n}, {{self.__class__}}
class Other{n}(dict):
    def method(self, *args): return New{n}()
def function(n):
    try:
        other = Other{n}(k=n, d=[n], t=(n,), s=frozenset([n]), y=b'x', f=1.5, c=1j, r=range(3))
        other.attribute = other
        for _ in ('a', 'b'):
            yield other.method(n, 'é' * 600, 2 ** 100, bytearray(10))
        raise KeyError(n)
    except KeyError:
        pass
found = []
for each in function({n}):
    found.append(each)
'''
    code = compile(source, files[n], 'exec')
    exec(code, namespace)
files = []
for n in range(40):
    files.append(os.path.abspath(f'new{n}.py'))
    open(files[n], 'w').close()
patch()
before = dict(counts)
for n in range(40):
    meet(n)
found = {name: count for name, count in counts.items() if count != before.get(name, 0)}
sys.__stdout__.write(f'{found}')
"""


def test_the_recorder_calls_nothing_that_the_program_has_replaced(
    tmp_path: Path, backend: str
) -> None:
    plain, recorded = outputs(tmp_path, PATCHED, backend)

    assert recorded == plain
