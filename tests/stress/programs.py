"""Programs that do to a tracer everything that a program may do."""

FROM_PYPI = ("greenlets",)
"""Those of `PROGRAMS` that import what `tests.support.company` installs."""

PROGRAMS = {
    "signals at random moments": """
import signal, random
caught = []
def interrupt(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
signal.signal(signal.SIGUSR1, lambda number, frame: None)
def work(n): return sum(work(n - 1) for _ in range(2)) if n else 1
done = 0
while len(caught) < 40:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-3))
        while True:
            assert work(4) == 16
            signal.raise_signal(signal.SIGUSR1)
    except KeyboardInterrupt:
        caught.append(1)
signal.setitimer(signal.ITIMER_REAL, 0)
print(work(5), sum(caught))
""",
    "signals whose handlers raise an Exception, each of which is seen once": """
import signal, random
class Timeout(Exception): pass
raised = caught = 0
def late(number, frame):
    global raised
    raised += 1
    raise Timeout
signal.signal(signal.SIGALRM, late)
def work(n): return sum(work(n - 1) for _ in range(2)) if n else 1
while caught < 40:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-4, 5e-3))
        while True: work(4)
    except Timeout:
        caught += 1
print(raised, caught)
""",
    "signals while tracers come and go": """
import signal, random, sys
from codetracer import Monitor, Tracer
class Lines(Tracer):
    def on_line(self, code, line): return sys.monitoring.DISABLE
def interrupt(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
def work(): return [n for n in range(3)]
monitor, caught = Monitor("signalled", slot=5), 0
# All that is needed is loaded by then: importlib loses an interrupt in its weak references.
monitor.install(Lines())
monitor.uninstall()
while caught < 200:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 4e-4))
        while True:
            monitor.install(Lines())
            monitor.watch(work)
            work()
            monitor.rearm()
            monitor.uninstall()
    except KeyboardInterrupt:
        caught += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Whole or not at all: what was interrupted can be undone.
        monitor.uninstall()
        assert sys.monitoring.get_tool(5) is None, "a slot that nobody knows of"
        assert sys.monitoring.get_events(5) == 0
        for name in ("LINE", "PY_START"):
            event = getattr(sys.monitoring.events, name)
            assert sys.monitoring.register_callback(5, event, None) is None, name
print(caught)
""",
    "8 threads install and uninstall while 8 run": """
import threading
from codetracer import Monitor, Tracer, UsageError
class Lines(Tracer):
    def on_line(self, code, line): ...
    def on_py_start(self, code, offset): ...
stop, errors, done = threading.Event(), [], []
def work(n): return work(n - 1) + work(n - 2) if n > 1 else n
def working():
    while not stop.is_set():
        if work(8) != 21: errors.append("wrong")
def installing():
    monitor = Monitor("of a thread")
    for _ in range(3):
        try:
            monitor.install(Lines())
        except UsageError as error:
            if error.code != "ERR_TRACER_INSTALL_CONFLICT": errors.append(error)
        except BaseException as error:
            errors.append(error)
        monitor.watch(work) if monitor.tracer else None
        monitor.rearm()
        monitor.uninstall()
    done.append(1)
workers = [threading.Thread(target=working) for _ in range(8)]
installers = [threading.Thread(target=installing) for _ in range(8)]
for thread in workers + installers: thread.start()
for thread in installers: thread.join()
stop.set()
for thread in workers: thread.join()
print(len(done), errors)
""",
    "forks, with exec and without": """
import os, subprocess, sys
def work(n): return [n * n for n in range(n)]
sys.stdout.flush()
for kind in range(4):
    child = os.fork()
    if not child:
        if kind == 0: os._exit(len(work(7)))
        if kind == 1: os.execv(sys.executable, [sys.executable, "-S", "-c", "raise SystemExit(9)"])
        if kind == 2: sys.exit(len(work(5)))
        child = os.fork()
        if not child: os._exit(2)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) + 40)
    print(kind, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(subprocess.run([sys.executable, "-S", "-c", "print(3)"], capture_output=True).stdout)
""",
    "subinterpreters": """
try:
    import _interpreters as made
except ImportError:
    import _xxsubinterpreters as made
import os
def work(n): return sum(range(n))
for _ in range(2):
    one = made.create()
    read, write = os.pipe()
    tools = "[sys.monitoring.get_tool(n) for n in range(6)]"
    made.run_string(one, f"import os, sys; os.write({write}, repr({tools}).encode())")
    made.destroy(one)
    print(os.read(read, 100), work(5))
""",
    "shutdown with daemon threads and __del__": """
import atexit, sys, threading, time
class Dies:
    def __init__(self, name): self.name = name
    def __del__(self):
        total = 0
        for n in range(3): total += n
kept = Dies("kept")
sys.kept = Dies("in sys")
def forever():
    while True: [n for n in range(10)]
for _ in range(3): threading.Thread(target=forever, daemon=True).start()
@atexit.register
def last():
    print("last", sum(n for n in range(4)))
loop = Dies("in a loop")
loop.self = loop
print("end")
sys.exit(5)
""",
    "greenlets": """
from greenlet import greenlet
said = []
def first(n):
    for i in range(n):
        said.append(("first", i, second_one.switch(i)))
    return "first ends"
def second(i):
    while True:
        try:
            i = first_one.switch(i * 2)
        except KeyError as error:
            said.append(repr(error))
first_one, second_one = greenlet(first), greenlet(second)
print(first_one.switch(3))
def fails(): raise LookupError("in a greenlet")
try:
    greenlet(fails).switch()
except LookupError as error:
    said.append(repr(error))
print(said)
""",
    "a program that uses sys.monitoring": """
import sys
mon, seen = sys.monitoring, []
mon.use_tool_id(0, "the program's")
def work(n):
    total = 0
    for i in range(n):
        total += i
    return total
try:
    mon.register_callback(0, mon.events.LINE, lambda code, line: seen.append(line) or mon.DISABLE)
    mon.set_local_events(0, work.__code__, mon.events.LINE)
    print(work(3), work(3))
    mon.restart_events()
    print(work(3), len(seen))
finally:
    mon.set_local_events(0, work.__code__, 0)
    mon.register_callback(0, mon.events.LINE, None)
    mon.free_tool_id(0)
print(mon.get_tool(0))
""",
    "a program that uses settrace, setprofile and setrecursionlimit": """
import sys
seen = []
def trace(frame, event, argument):
    if frame.f_code.co_name in ("work", "deep"): seen.append((event, frame.f_lineno))
    return trace
def profile(frame, event, argument):
    if frame.f_code.co_name == "work": seen.append(event)
def work(n):
    try:
        return 1 // n
    except ZeroDivisionError:
        return None
def deep(n): return deep(n + 1)
sys.settrace(trace); work(1); work(0); sys.settrace(None)
sys.setprofile(profile); work(1); work(0); sys.setprofile(None)
limit = sys.getrecursionlimit()
sys.setrecursionlimit(200)
try:
    deep(0)
except RecursionError as error:
    print(type(error).__name__)
sys.setrecursionlimit(limit)
print(seen, sys.getrecursionlimit() == limit)
""",
    "generators 50 deep": """
def deep(n):
    try:
        yield n
        if n:
            got = yield from deep(n - 1)
            return got + 1
        yield "deepest"
        return 0
    except KeyError:
        if n % 7 == 0: return 100
        raise
    finally:
        pass
def whole(): return (yield from deep(50))
made = whole()
print(sum(1 for _ in made))
thrown = whole()
for _ in range(51): next(thrown)
try:
    print(thrown.throw(KeyError("through")))
except StopIteration as error:
    print(error.value)
closed = whole()
for _ in range(30): next(closed)
print(closed.close())
half = whole(); next(half); del half
""",
    "10,000 code objects": """
import gc, sys, weakref
alive = []
for n in range(10_000):
    code = compile(f"def f(x):\\n    return x + {n}\\ny = f(1)", "<many>", "exec")
    if n % 100 == 0: alive.append(weakref.ref(code))
    space = {}
    exec(code, space)
    assert space["y"] == n + 1
del code, space
gc.collect()
print(sum(ref() is not None for ref in alive))
""",
}
