"""Signals, asynchronous exceptions and forks in a recorded program are the program's own affair."""

import re
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, OutputEvent
from tests.support.recordings import record
from tests.support.running import execute, write

pytestmark = [pytest.mark.fresh, pytest.mark.slow]

MEETS_NEW_THINGS = """
import ctypes, itertools, os, signal, sys, threading, time
counter = itertools.count()
def meet():
    # New code, new types, new files: what the recorder asks Python about.
    count = next(counter)
    namespace = {}
    source = f'''
class New{count}:
    __slots__ = ('a', 'b')
    def __init__(self): self.a, self.b = {count}, [self.__class__]
    def method(self, n): return [n, self.a, {{'k': n}}]
def function(n):
    return New{count}().method(n)
'''
    exec(compile(source, f'new{count}.py', 'exec'), namespace)
    for n in range(3):
        namespace['function'](n)
"""

TIME_OUTS = """
class Timeout(Exception):
    pass
raised = []
def ring(number, frame):
    error = Timeout(len(raised))
    raised.append(error)
    raise error
signal.signal(signal.SIGALRM, ring)
seen = []
for turn in range(%d):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + turn %% 20 * 0.0003)
        while True:
            meet()
    except Timeout as error:
        seen.append(error)
signal.setitimer(signal.ITIMER_REAL, 0)
assert len(seen) == len(raised) and all(map(lambda a, b: a is b, seen, raised)), (seen, raised)
print('done')
"""


def test_each_time_out_that_a_handler_raises_is_the_programs(tmp_path: Path, backend: str) -> None:
    program = MEETS_NEW_THINGS + TIME_OUTS % 150

    outcome = record(tmp_path, program, "--on-recorder-error=abort", backend=backend)

    assert outcome.stdout == "done\n"
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete
    assert sum(1 for _ in trace) > 1000


INTERRUPTS = """
signal.signal(signal.SIGALRM, signal.default_int_handler)
seen = 0
for turn in range(%d):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + turn %% 20 * 0.0003)
        while True:
            meet()
    except KeyboardInterrupt:
        seen += 1
print(seen)
"""


def test_interrupts_leave_a_log_that_can_be_read_to_its_end(tmp_path: Path, backend: str) -> None:
    program = MEETS_NEW_THINGS + INTERRUPTS % 150

    outcome = record(tmp_path, program, "--on-recorder-error=abort", backend=backend)

    assert outcome.stdout == "150\n"
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete
    assert sum(1 for _ in trace) > 1000


ASYNCHRONOUS = """
class Stop(Exception):
    pass
stops = 0
def pester(target):
    for _ in range(%d):
        sent.acquire()
        time.sleep(0.01)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(target), ctypes.py_object(Stop))
sent = threading.Semaphore(1)
thread = threading.Thread(target=pester, args=(threading.get_ident(),))
thread.start()
while stops < %d:
    try:
        while True:
            meet()
    except Stop:
        stops += 1
        sent.release()
thread.join()
print(stops)
"""


def test_each_exception_that_another_thread_sets_is_the_programs(
    tmp_path: Path, backend: str
) -> None:
    program = MEETS_NEW_THINGS + ASYNCHRONOUS % (60, 60)

    outcome = record(tmp_path, program, "--on-recorder-error=abort", backend=backend)

    assert outcome.stdout == "60\n"
    assert codetracer.read(tmp_path / "out").complete


PRINTS = """
rings = 0
def ring(number, frame):
    global rings
    rings += 1
    print('ring', rings, flush=True)
    if rings < 200:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.001)
while rings < 200:
    meet()
"""


def test_what_a_signal_handler_prints_is_recorded_wherever_it_comes(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": MEETS_NEW_THINGS + PRINTS})

    outcome = execute(
        *("-m", "codetracer", "record", "-q", "--on-recorder-error=abort", "-o", "out", "app.py"),
        cwd=tmp_path,
        environ={"CODETRACER_BACKEND": backend},
    )

    assert (outcome.code, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines == [f"ring {n + 1}" for n in range(200)]
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete
    found = b"".join(event.data for event in trace if isinstance(event, OutputEvent))
    assert found.decode().splitlines() == lines


FORKS = """
children = []
def ring(number, frame):
    child = os.fork()
    if child == 0:
        meet()
        os._exit(7)
    children.append(child)
    if len(children) < 20:
        signal.setitimer(signal.ITIMER_REAL, 0.002)
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.002)
while len(children) < 20:
    meet()
print({os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children})
"""


def test_a_signal_handler_may_fork_wherever_it_comes(tmp_path: Path, backend: str) -> None:
    program = MEETS_NEW_THINGS + FORKS

    outcome = record(tmp_path, program, "--on-recorder-error=abort", backend=backend)

    assert outcome.stdout == "{7}\n"
    for process in codetracer.read(tmp_path / "out").processes:
        for _ in process.replay():
            pass


FORKS_WITH_THREADS = """
stop = False
def busy():
    while not stop:
        meet()
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
codes = set()
for _ in range(40):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        meet()
        os._exit(3)
    codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop = True
for thread in threads:
    thread.join()
print(codes)
"""


def test_a_child_forked_among_busy_threads_goes_on(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": MEETS_NEW_THINGS + FORKS_WITH_THREADS})

    outcome = execute(
        *(
            "-W",
            "ignore",
            "-m",
            "codetracer",
            "record",
            "-q",
            "--io-capture=off",
            "-o",
            "out",
            "app.py",
        ),
        cwd=tmp_path,
        environ={"CODETRACER_BACKEND": backend},
    )

    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "{3}\n", "")


FULL_MEMORY = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, resource.RLIM_INFINITY))
caught = 0
def fill(kept):
    try:
        while True:
            kept.append(bytearray(2**20))
    except MemoryError:
        while True:
            try:
                kept.append(bytearray(2**14))
            except MemoryError:
                return [caught] * 3
for turn in range(3):
    kept = []
    fill(kept)
    kept.clear()
    caught += 1
    meet()
print(caught)
"""


def test_a_program_that_fills_its_memory_and_recovers_goes_on_recorded(
    tmp_path: Path, backend: str
) -> None:
    program = MEETS_NEW_THINGS + FULL_MEMORY

    outcome = record(tmp_path, program, "--on-recorder-error=abort", backend=backend)

    assert outcome.stdout == "3\n"
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete
    names = [event.frame.code.name for event in trace if isinstance(event, CallEvent)]
    assert names.count("meet") >= 3


FULL_STACK = """
import sys
sys.setrecursionlimit(300)
def f(): f()
def g(n):
    meet()
    g(n + 1)
deepest = []
for turn in range(3):
    try:
        g(0)
    except RecursionError:
        deepest.append('recovered')
print(deepest)
f()
"""


def test_a_traceback_of_a_full_stack_has_no_frame_of_the_recorder(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": MEETS_NEW_THINGS + FULL_STACK})
    plain = execute("app.py", cwd=tmp_path)

    outcome = execute(
        *("-m", "codetracer", "record", "-q", "--on-recorder-error=abort", "-o", "out"),
        "app.py",
        cwd=tmp_path,
        environ={"CODETRACER_BACKEND": backend},
    )

    assert outcome.code == plain.code == 1
    assert outcome.stdout == plain.stdout
    assert "codetracer/" not in outcome.stderr
    # The number of times that the last line was repeated is a little less.
    assert re.sub(r"\d+ more", "n more", outcome.stderr) == re.sub(
        r"\d+ more", "n more", plain.stderr
    )
