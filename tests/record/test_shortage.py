"""Memory is short: an event may be missed, the program goes on.

One allocation fails in the engine in C: `_testcapi.set_nomemory` has CPython's allocators fail at
their nth use. Where that hits the recorder, the program must not notice; where it hits the program,
it handles its MemoryError as it would. All code and all types have been met by then: at a first
meeting codetracer's own Python code makes functions, and there CPython 3.13.0 itself crashes
(PyFunction_NewWithQualName).
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

import codetracer
from tests.support.recordings import ENVIRON, NATIVE, last, record_steps
from tests.support.running import execute, write

pytestmark = pytest.mark.fresh

PROGRAM = """
import _testcapi, types
import codetracer

def work(argument, shared):
    global first, second, third, fourth
    first = [argument]
    second = {'key': first}
    third = (second, argument, 10 ** 40)
    fourth = [third, [[[]]], 'text' * 40, b'bytes' * 40]
    shared.append(fourth)
    total = len(shared)
    try:
        raise ValueError(total)
    except ValueError:
        del third
    return total
def one(number, run):
    set_nomemory, remove = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
    try:
        set_nomemory(number, number + 1)
        run(number, [])
    except MemoryError:
        return 1
    finally:
        remove()
    return 0

codetracer.start('out', io_capture='off')
work(0, [])
hits = 0
# In globals of its own each time: what the engine has of a namespace is made anew.
runs = [types.FunctionType(work.__code__, {'__name__': 'm', '__builtins__': __builtins__,
                           'ValueError': ValueError, 'len': len}) for _ in range(LAST)]
for number, run in enumerate(runs, 1):
    hits += one(number, run)
end = 'end'
codetracer.stop()
print(hits, codetracer.read('out').metadata['counts']['missed'])
"""

LAST = 300
"""More than one turn allocates."""


@pytest.mark.slow
@pytest.mark.only_where(NATIVE, find_spec("_testcapi") is not None)
@pytest.mark.parametrize("backend", ["native"])
def test_an_allocation_that_fails_anywhere_costs_no_more_than_its_event(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAM.replace("LAST", str(LAST))})

    outcome = execute(
        "app.py",
        cwd=tmp_path,
        environ=ENVIRON | {"CODETRACER_BACKEND": backend, "PYTHONFAULTHANDLER": "1"},
    )

    assert (outcome.code, outcome.stderr) == (0, "")
    hits, missed = map(int, outcome.stdout.split())
    assert hits < LAST
    assert missed > 20
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert len(list(trace)) > 10 * LAST
    assert last(tmp_path / "out")["end"] == "end"


FAR = """
import ast, resource
tree = ast.parse('first = 1\\nsecond = first + 1\\nthird = second + 1\\n')
for statement in tree.body[1:]:
    for node in ast.walk(statement):
        if hasattr(node, 'lineno'):
            node.lineno = node.end_lineno = node.lineno + 2**31 - 4
resource.setrlimit(resource.RLIMIT_AS, (2**34, resource.RLIM_INFINITY))
exec(compile(tree, __file__, 'exec'), {'__name__': 'made'})
"""


@pytest.mark.slow
def test_made_up_code_whose_lines_are_far_apart_takes_no_memory_for_those_between(
    tmp_path: Path, backend: str
) -> None:
    steps = record_steps(tmp_path, FAR, backend=backend)

    assert [(step.line, step.globals.get("second")) for step in steps[-2:]] == [
        (2**31 - 2, None),
        (2**31 - 1, ["int", "2"]),
    ]
