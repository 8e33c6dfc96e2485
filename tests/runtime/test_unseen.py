"""With the engine in C, a program that watches itself sees nothing of it and loses nothing."""

from pathlib import Path

import pytest

from codetracer.monitoring.backend import VARIABLE
from tests.support.capturing import BOTH
from tests.support.recordings import NATIVE
from tests.support.running import SOURCES, Outcome, execute, write

pytestmark = [pytest.mark.fresh, pytest.mark.only_where(NATIVE)]

STDIN = "l1\nl2\nl3\nl4\n"

BODY = """
import os, sys
def name(thing): return getattr(thing, '__qualname__', None) or type(thing).__name__
def body():
    print('one', 2)
    sys.stdout.write('x\\n')
    sys.stdout.buffer.write(b'y\\n')
    sys.stdout.flush()
    first = sys.stdin.readline()
    for second in sys.stdin: break
    third = input()
    rest = sys.stdin.read(2)
    sys.stdin.buffer.read1()
    try: sys.stdout.write(5)
    except TypeError: pass
    os.write(1, b'below\\n')
    print('two', file=sys.stderr)
    if os.fork() == 0: os._exit(0)
    os.wait()
    print('three', flush=True)
    return first, second, third, rest
events = []
"""

SHOW = "\nfor event in events: print(event, file=sys.stderr)\n"

WATCHERS = {
    "settrace": """
def tracer(frame, event, arg):
    events.append((event, frame.f_code.co_name, frame.f_lineno, repr(arg)[:20]))
    return tracer
sys.settrace(tracer); body(); sys.settrace(None)
""",
    "setprofile": """
def profiler(frame, event, arg):
    what = name(arg) if event[:2] == 'c_' else repr(arg)[:20]
    events.append((event, frame.f_code.co_name, frame.f_lineno, what))
sys.setprofile(profiler); body(); sys.setprofile(None)
""",
    "monitoring": """
monitoring = sys.monitoring
monitoring.use_tool_id(1, 'watcher')
def watch(event):
    def seen(code, place, *args):
        events.append((event, code.co_name, name(args[0]) if event == 'CALL' else place))
    return seen
watched = ('LINE', 'CALL', 'C_RETURN', 'C_RAISE', 'PY_START', 'RAISE', 'EXCEPTION_HANDLED')
for event in watched:
    monitoring.register_callback(1, getattr(monitoring.events, event), watch(event))
every = monitoring.events.LINE | monitoring.events.CALL | monitoring.events.PY_START
monitoring.set_events(1, every | monitoring.events.RAISE | monitoring.events.EXCEPTION_HANDLED)
body(); monitoring.set_events(1, 0)
""",
    "cProfile": """
import cProfile
profile = cProfile.Profile(); profile.enable(); body(); profile.disable()
for entry in profile.getstats():
    code = entry.code
    events.append((code if type(code) is str else code.co_name, entry.callcount))
events.sort()
# At exit 3.12.1 may clear their types first, as its garbage collector happens to find them.
del entry, code, profile
""",
    "tracebacks": """
import traceback
class Raising:
    def __str__(self):
        events.append([frame.name for frame in traceback.extract_stack()][-2:])
        raise ValueError('raised')
for attempt in (lambda: print(Raising()), lambda: input(Raising()), lambda: sys.stdin.read('x'),
        lambda: sys.stdout.write(1), lambda: sys.stdout.buffer.write('x')):
    try: attempt()
    except Exception: events.append(traceback.format_exc())
""",
    "what the methods are": """
import inspect
for thing in (sys.stdout.write, sys.stdout.flush, sys.stdout.buffer.write, input,
        sys.stdin.readline, sys.stdin.buffer.read1, sys.stderr.write):
    events.append((type(thing), thing.__name__, thing.__qualname__, thing.__module__, thing.__doc__,
        inspect.signature(thing), str(thing)[:40]))
events.append((type(sys.stdin), type(sys.stdin.buffer), sys.stdout.write.__self__ is sys.stdout))
""",
}


def record(directory: Path, mode: str, program: str, stdin: str = STDIN) -> Outcome:
    """Run `program` under ``codetracer record`` with the engine in C, or untraced."""
    write(directory, {"app.py": program})
    arguments = ["app.py"]
    if mode != "untraced":
        arguments = ["-m", "codetracer", "record", "-q", "--io-capture", mode, "-o", mode, "app.py"]
    found = execute(
        *arguments, cwd=directory, stdin=stdin, environ={VARIABLE: "native", "PYTHONUNBUFFERED": ""}
    )
    said = [line for line in found.stderr.splitlines() if not line.startswith("codetracer: ")]
    return Outcome(found.code, found.stdout, "\n".join(said))


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("watcher", WATCHERS)
def test_a_program_that_watches_itself_sees_what_it_sees_untraced(
    tmp_path: Path, watcher: str, mode: str
) -> None:
    program = BODY + WATCHERS[watcher] + SHOW
    untraced = record(tmp_path, "untraced", program)

    assert record(tmp_path, mode, program) == untraced
    assert untraced.code == 0
    assert len(untraced.stderr.splitlines()) > 6


DEBUGGED = """
import pdb, sys
def f():
    x = 1
    print('hello', x)
    sys.stdout.write('written\\n')
    line = input()
    print(sys.stdin.readline())
    return x
pdb.Pdb(nosigint=True).runcall(f)
print('end')
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_a_debugger_that_steps_into_a_print_comes_to_the_next_line(
    tmp_path: Path, mode: str
) -> None:
    stdin = "s\ns\ns\ns\nread by input\ns\nread by readline\ns\ns\nw\nc\n"
    untraced = record(tmp_path, "untraced", DEBUGGED, stdin)

    assert record(tmp_path, mode, DEBUGGED, stdin) == untraced
    assert "line = input()" in untraced.stdout
    assert "read by readline" in untraced.stdout


PATCHED = """
import _thread, _weakref, atexit, builtins, fcntl, io, os, select, sys, termios, threading, time
import types, weakref
sys.path[:0] = {path!r}
stop = lambda: None
if {mode!r}:
    from codetracer.capture.io import OutputCapture
    from codetracer.runtime.native import engine_in_c
    capture = OutputCapture({mode!r}, lambda *record: None, engine_in_c())
    capture.start()
    stop = capture.stop
write, leave, counts, put = os.write, os._exit, {{}}, builtins.setattr
def counting(name, original):
    def count(*args, **kwargs):
        counts[name] = counts.get(name, 0) + 1
        return original(*args, **kwargs)
    return count
modules = (os, io, time, threading, _thread, weakref, _weakref, sys, select, fcntl, termios, atexit)
kinds = (types.BuiltinFunctionType, types.FunctionType)
named = [(module, name, value) for module in (*modules, builtins)
    for name, value in list(vars(module).items()) if type(value) in kinds]
for module, name, value in named:
    put(module, name, counting(f'{{module.__name__}}.{{name}}', value))
counts.clear()
print('printed', 1, flush=True)
sys.stdout.write('written\\n')
sys.stdout.buffer.write(b'bytes\\n')
sys.stdout.flush()
os.write(1, b'below\\n')
sys.stderr.write('error\\n')
try:
    print('\\ud800', file=sys.stderr)
    sys.stdout.write(1)
except TypeError: pass
print(input(), sys.stdin.readline(), sys.stdin.buffer.read1(2))
for line in sys.stdin: print(line)
if os.fork() == 0:
    print('child', flush=True)
    leave(0)
os.wait()
print('after', flush=True)
stop()
print('end', flush=True)
write(2, str(sorted(counts.items())).encode())
leave(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_a_program_that_counts_calls_of_what_it_has_patched_counts_its_own_alone(
    tmp_path: Path, backend: str, mode: str
) -> None:
    outcomes = []
    for each in ("", mode):
        write(tmp_path, {"app.py": PATCHED.format(mode=each, path=list(map(str, SOURCES)))})
        environ = {VARIABLE: backend}
        outcomes.append(execute("app.py", cwd=tmp_path, stdin=STDIN, environ=environ))

    assert outcomes[1] == outcomes[0]
    assert "('builtins.print', " in outcomes[0].stderr
    assert "end\n" in outcomes[0].stdout


INTERRUPTED = """
import os, signal, sys
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
class Timeout(Exception): pass
raised, swallowed, armed = 0, 0, False
def handle(*args):
    global raised, armed
    if armed:
        armed = False
        raised += 1
        raise TimeoutError if raised % 2 else Timeout
def wait():
    for _ in range(50): pass
def record(stream, data, frame):
    wait()
capture = OutputCapture('MODE', record, engine_in_c())
capture.start()
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
def work():
    global armed, swallowed
    armed = True
    while armed:
        sys.stdout.write('x')
        sys.stdout.buffer.write(b'x')
        sys.stdin.read(1)
    swallowed += 1
while raised < 500:
    try: work()
    except (TimeoutError, Timeout): pass
signal.setitimer(signal.ITIMER_REAL, 0)
capture.stop()
print(swallowed, file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_what_a_signals_handler_raises_while_output_is_recorded_reaches_the_program(
    tmp_path: Path, backend: str, mode: str
) -> None:
    write(tmp_path, {"app.py": INTERRUPTED.replace("MODE", mode)})

    found = execute("app.py", cwd=tmp_path, stdin="x" * 1000000, environ={VARIABLE: backend})

    assert (found.code, found.stderr) == (0, "0\n")


SET_ASYNCHRONOUSLY = """
import ctypes, sys, threading
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
target, armed, seen = threading.get_ident(), False, 0
def record(stream, data, frame):
    global armed
    if armed:
        armed = False
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(target), ctypes.py_object(TimeoutError)
        )
    for _ in range(50): pass
capture = OutputCapture('MODE', record, engine_in_c())
capture.start()
for _ in range(20):
    for act in (
        lambda: sys.stdout.write('x'),
        lambda: sys.stdout.buffer.write(b'x'),
        lambda: sys.stdin.read(1),
    ):
        armed = True
        try: act()
        except TimeoutError: seen += 1
capture.stop()
print(seen, file=sys.stderr)
"""


@pytest.mark.parametrize("mode", BOTH)
def test_an_exception_that_is_set_while_output_is_recorded_reaches_the_program(
    tmp_path: Path, backend: str, mode: str
) -> None:
    write(tmp_path, {"app.py": SET_ASYNCHRONOUSLY.replace("MODE", mode)})

    found = execute("app.py", cwd=tmp_path, stdin="x" * 100, environ={VARIABLE: backend})

    assert (found.code, found.stderr) == (0, "60\n")


KEPT = """
import builtins, sys
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
recorded = []
capture = OutputCapture('proxies', lambda stream, data, frame: recorded.append(data), engine_in_c())
capture.start()
write, flush, ask = sys.stdout.write, sys.stdout.flush, input
capture.stop()
write('kept ')
print(ask('prompt '))
sys.stdout.write = lambda text: write(text.upper())
builtins.input = lambda prompt: 'patched ' + ask(prompt)
capture.start()
print('again', input('prompt '))
capture.stop()
print('last', input('prompt '))
del sys.stdout.write
sys.stdout.write = write
builtins.input = ask
capture.start()
print('end', input(''))
capture.stop()
print(recorded, file=sys.stderr)
"""


def test_hooks_that_a_program_has_kept_and_put_back_go_on_working(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": KEPT})

    found = execute("app.py", cwd=tmp_path, stdin=STDIN, environ={VARIABLE: backend})

    assert found.code == 0
    shown = "kept prompt l1\nPROMPT AGAIN PATCHED L2\nPROMPT LAST PATCHED L3\nend l4\n"
    assert found.stdout.replace("prompt AGAIN", "PROMPT AGAIN") == shown
    assert found.stderr.startswith("[b'prompt ', b'l2")


FREED = """
import signal
class Timeout(Exception): pass
raised, seen = [], []
def ring(number, frame):
    raised.append(Timeout())
    raise raised[-1]
def generate():
    while True: yield
signal.signal(signal.SIGALRM, ring)
for turn in range(200):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + turn % 20 * 0.0001)
        while True:
            some = [generate() for _ in range(20)]
            for each in some: next(each)
            some = each = None
    except Timeout as error:
        seen.append(error)
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(raised), raised == seen)
"""


@pytest.mark.slow
def test_no_time_out_is_lost_while_generators_are_freed(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": FREED})

    done = execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", "app.py"),
        cwd=tmp_path,
        environ={VARIABLE: "native"},
    )

    assert done == Outcome(0, "200 True\n", "")
