"""A recorded program may replace any function, and finds no call of the recorder's in its place."""

from pathlib import Path

import pytest

from tests.support.recordings import record
from tests.support.running import execute, write

pytestmark = pytest.mark.fresh

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


@pytest.mark.slow
def test_the_recorder_calls_nothing_that_the_program_has_replaced(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": PATCHED})
    plain = execute("app.py", cwd=tmp_path)
    assert (plain.code, plain.stdout, plain.stderr) == (0, "{}", "")

    assert record(tmp_path, PATCHED, backend=backend).stdout == "{}"
