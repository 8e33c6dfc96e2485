"""A signal handler raises amid `start` or `stop`: each of them is done whole, or not at all."""

from pathlib import Path

import pytest

from tests.support.running import execute, write

PROGRAM = """\
import builtins, os, shutil, sys
import codetracer
from codetracer.monitoring import slots
class Timeout(BaseException): pass
# CPython runs signal handlers where a function begins, after calls of functions in C, and where a
# loop goes back; what another tool's callback raises there is the same.
monitoring, events = sys.monitoring, sys.monitoring.events
monitoring.use_tool_id(0, 'signals')
left, where = 0, ''
def ring(code, offset, *rest):
    global left, where
    if 'codetracer' in code.co_filename and '/filters/' not in code.co_filename:
        left -= 1
        if left == 0:
            where = f'{code.co_qualname} of {os.path.basename(code.co_filename)}'
            raise Timeout
def go_back(code, offset, destination):
    if destination < offset: ring(code, offset)
for event, callback in ((events.PY_START, ring), (events.C_RETURN, ring), (events.JUMP, go_back)):
    monitoring.register_callback(0, event, callback)
def interrupted(number, call):
    global left, where
    left, where = number, ''
    monitoring.set_events(0, events.PY_START | events.CALL | events.JUMP)
    try:
        call()
        return False
    except Timeout:
        return True
    finally:
        monitoring.set_events(0, 0)
def is_clean():
    return (
        not any(name for slot, name in slots().items() if slot)
        and 'write' not in vars(sys.stdout) and type(sys.stdin).__module__ == '_io'
        and builtins.input is original and 'CODETRACER_RECORDING' not in os.environ
        and not codetracer.is_tracing()
    )
original = input
def record():
    codetracer.start('out')
    return work()
def work(): return 7
def check(holds, what):
    if not holds: print(f'{what}, interrupted at {number}: {where}')
number = 1
while True:
    shutil.rmtree('out', ignore_errors=True)
    if sys.argv[1] == 'start':
        was = interrupted(number, lambda: codetracer.start('out'))
        if not where: break
        check(was, 'start swallows it')
        check(is_clean(), 'start leaves something')
        check(not os.path.exists('out'), 'start leaves a folder')
        record()
        codetracer.stop()
    else:
        record()
        was = interrupted(number, codetracer.stop)
        if not where: break
        check(was, 'stop swallows it')
        # Where it has not begun, it can be called again.
        check(is_clean() or where == 'stop of session.py', 'stop leaves something')
        codetracer.stop()
    check(is_clean(), 'the end leaves something')
    trace = codetracer.read('out')
    check(trace.complete, f'the recording has a problem ({trace.problem})')
    number += int(sys.argv[2])
print('at', number > 500, 'points')
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "each"),
    [("start", 67), ("stop", 37), ("start", 13), ("stop", 7)],
)
def test_what_a_signal_handler_interrupts_is_done_whole_or_not_at_all(
    tmp_path: Path, step: str, each: int, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAM})

    outcome = execute(
        *("app.py", step, str(each)), cwd=tmp_path, environ={"CODETRACER_BACKEND": backend}
    )

    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "at True points\n", "")
