"""Looking at any callable that a line calls does no harm, and shows all that it has changed."""

from pathlib import Path

import pytest

from tests.support.recordings import ENVIRON, record, texts
from tests.support.running import execute, write

WRAPPED_OFTEN = """\
import os
from types import MethodType
def g(*a): pass
m = g
for _ in range(200000): m = MethodType(m, 1)
def f(no): return 1 if no else m()
print(f(True), flush=True)
os._exit(0)
"""
CLASS_THAT_MAKES_ITSELF = """\
class A: pass
A.__init__ = A
try: A()
except RecursionError: print('as deep as that goes')
"""
CLASS_THAT_IS_NOT_CALLED = """\
def f(no):
    class B: pass
    B.__init__ = B
    return 1 if no else B()
print(f(True))
"""
METHOD_THAT_WRAPS_ITSELF = """\
class C:
    @staticmethod
    def s(): pass
method = C.__dict__['s']
method.__init__(method)
try: C.s()
except RecursionError: print('as deep as that goes')
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(WRAPPED_OFTEN, id="a method of a method, many times"),
        pytest.param(CLASS_THAT_MAKES_ITSELF, id="a class that makes itself"),
        pytest.param(CLASS_THAT_IS_NOT_CALLED, id="a class that is not called"),
        pytest.param(METHOD_THAT_WRAPS_ITSELF, id="a method that wraps itself"),
    ],
)
def test_a_callable_that_wraps_itself_does_the_program_no_harm(
    tmp_path: Path, backend: str, program: str
) -> None:
    write(tmp_path, {"app.py": program})
    plain = execute("app.py", cwd=tmp_path, environ=ENVIRON)

    recorded = execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "app.py"),
        cwd=tmp_path,
        environ=ENVIRON | {"CODETRACER_BACKEND": backend},
    )

    assert recorded == plain
    assert plain.code == 0
    assert plain.stdout != ""


@pytest.mark.slow
@pytest.mark.parametrize("wait", ["time.sleep(.4)", "lock.acquire()", "with lock: pass"])
def test_what_unseen_code_does_while_a_line_waits_shows(
    tmp_path: Path, backend: str, wait: str
) -> None:
    program = f"""\
import threading, time
lock = threading.Lock(); lock.acquire()
seen = []
threading.Timer(.2, seen.append, (1,)).start(); threading.Timer(.3, lock.release).start()
{wait}
same = seen
pass
"""
    record(tmp_path, program, backend=backend)

    assert last(tmp_path, "seen") == "[1]"


@pytest.mark.parametrize(
    "call",
    [
        "re.sub('.', seen.append, '1')",
        "re.subn('.', seen.append, '1')",
        "pattern.sub(seen.append, '1')",
        "json.loads('{}', object_hook=seen.append)",
        "json.dumps(1j, default=seen.append)",
    ],
)
def test_what_a_method_in_c_changes_that_a_function_gets_shows(
    tmp_path: Path, backend: str, call: str
) -> None:
    program = f"""\
import json, re
pattern = re.compile('.')
seen = []
{call}
pass
"""
    record(tmp_path, program, backend=backend)

    assert last(tmp_path, "seen") not in (None, "[]")


def last(folder: Path, name: str) -> str | None:
    """Return the last value that a recording has of a global variable."""
    return [seen.get(name) for _, _, seen in texts(folder / "out")][-1]
