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
