"""Several interpreters in one process, which share the GIL as those of Py_NewInterpreter do.

The engine in C is that of the first one that loads it; any other records with the one in Python.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent
from tests.support.recordings import ENVIRON, NATIVE
from tests.support.running import execute, write

RECORD = """
import codetracer
from codetracer.runtime.native import engine_in_c

def worked(number):
    return number

codetracer.start({folder!r}, io_capture='off')
worked(1)
{within}
worked(2)
codetracer.stop()
print({folder!r}, engine_in_c() is not None)
"""


# Some distributions leave out _testcapi, by which Python code makes an interpreter.
@pytest.mark.slow
@pytest.mark.only_where(NATIVE and find_spec("_testcapi") is not None)
def test_an_interpreter_within_another_takes_nothing_of_its_engine(tmp_path: Path) -> None:
    run = "exec(compile(open('inner.py').read(), 'inner.py', 'exec'))"
    within = f"import _testcapi\nassert _testcapi.run_in_subinterp({run!r}) == 0"
    write(
        tmp_path,
        {
            "inner.py": RECORD.format(folder="inner", within=""),
            "app.py": RECORD.format(folder="outer", within=within),
        },
    )

    outcome = execute("app.py", cwd=tmp_path, environ=ENVIRON | {"CODETRACER_BACKEND": "native"})

    assert outcome == (0, "inner False\nouter True\n", "")
    for folder in ("inner", "outer"):
        trace = codetracer.read(tmp_path / folder)
        assert trace.complete, trace.problem
        calls = [event for event in trace if isinstance(event, CallEvent)]
        assert [call.frame.code.name for call in calls].count("worked") == 2
