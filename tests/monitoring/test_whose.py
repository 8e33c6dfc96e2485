"""An exception of the program that comes out of a tracer's code is never swallowed."""

import gc
import textwrap
from pathlib import Path

import pytest

from codetracer import Monitor, Tracer, slots
from codetracer.monitoring.backend import VARIABLE, backend
from tests.support.running import Outcome, execute

BEFORE = """
import functools, json, random, resource, signal, sys, threading, _thread, time
from types import CodeType
from codetracer import Monitor, RecorderError, Tracer, configure_policy, installed, uninstall_tracer
class Timeout(Exception): pass
"""

KINDS = {
    "a function": """
def handler(number, frame): raise Timeout(number)
""",
    "a function with *args that forgets them": """
def handler(*args):
    args = None
    raise Timeout
""",
    "a function that is no handler any more when it raises": """
def handler(number, frame):
    signal.signal(number, signal.SIG_DFL)
    raise Timeout
""",
    "a function that forgets its arguments and is still registered": """
def handler(number, frame):
    number = frame = None
    raise Timeout
""",
    "a method": """
class Owner:
    def handle(self, number, frame): raise Timeout
handler = Owner().handle
""",
    "a callable object": """
class Owner:
    def __call__(self, number, frame): raise Timeout
handler = Owner()
""",
    "a partial": """
def late(what, number, frame): raise what
handler = functools.partial(late, Timeout)
""",
    "a function that raises deeper": """
def deeper(n):
    if n: deeper(n - 1)
    raise Timeout
def handler(number, frame): deeper(5)
""",
    "a TimeoutError": """
Timeout = TimeoutError
def handler(number, frame): raise TimeoutError("too slow")
""",
    "a callable object that raises a MemoryError": """
Timeout = MemoryError
class Owner:
    def __call__(self, number, frame): raise MemoryError
handler = Owner()
""",
}

STORM = """
def helper(code): return [code.co_name for _ in range(3)]
class Busy(Tracer):
    def __init__(self): self.told = []
    def on_py_start(self, code, offset): helper(code)
    def on_line(self, code, line):
        for _ in range(3): helper(code)
    def on_py_return(self, code, offset, value): str(offset)
    def notify_failure(self): self.told.append("failed")
    def flush(self): self.told.append("flush")
    def finish(self): self.told.append("finish")
def work(n): return sum(work(n - 1) for _ in range(2)) if n else 1
caught, rounds = 0, 150
tracer = Busy()
with installed(tracer):
    while caught < rounds:
        try:
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
            while True: work(3)
        except Timeout as error:
            caught += 1
            entry = error.__traceback__
            while entry is not None:
                name = entry.tb_frame.f_code.co_filename
                # A callback in Python may be where the program was interrupted.
                assert "codetracer" not in name or name.endswith("callbacks.py"), name
                assert entry.tb_frame.f_code.co_name not in ("on_line", "helper"), name
                entry = entry.tb_next
print(caught, tracer.told)
"""


def run(tmp_path: Path, *parts: str) -> Outcome:
    path = tmp_path / "program.py"
    path.write_text("".join(textwrap.dedent(part) for part in parts), encoding="utf-8")
    return execute(path, cwd=Path(tmp_path), environ={VARIABLE: backend()}, forked=True)


both_policies = pytest.mark.parametrize("policy", ["abort", "disable"])


@pytest.mark.slow
@both_policies
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_signal_handler_raises_in_a_tracers_handler_continues_in_the_program(
    kind: str, policy: str, tmp_path: Path
) -> None:
    setting = f"configure_policy(on_recorder_error={policy!r})\n"

    done = run(tmp_path, BEFORE, setting, KINDS[kind], STORM)

    assert (done.stdout, done.stderr) == ("150 ['flush', 'finish']\n", "")


@pytest.mark.slow
@both_policies
def test_an_asynchronous_exception_in_a_tracers_handler_continues_in_the_program(
    policy: str, tmp_path: Path
) -> None:
    pytest.importorskip("ctypes")
    done = run(
        tmp_path,
        BEFORE,
        f"configure_policy(on_recorder_error={policy!r})\n",
        """
        import ctypes
        def helper(code): return [code.co_name for _ in range(3)]
        class Busy(Tracer):
            failed = 0
            def on_line(self, code, line):
                for _ in range(5): helper(code); len([1]); str(line)
            def notify_failure(self): self.failed += 1
        put = ctypes.pythonapi.PyThreadState_SetAsyncExc
        me, asked, given = ctypes.c_ulong(_thread.get_ident()), _thread.allocate_lock(), []
        asked.acquire()
        def shoot():
            while True:
                asked.acquire()
                time.sleep(random.uniform(0, 5e-4))
                put(me, ctypes.py_object(Timeout))
        _thread.start_new_thread(shoot, ())
        def work(n): return sum(work(n - 1) for _ in range(2)) if n else 1
        caught, tracer = 0, Busy()
        sys.setswitchinterval(1e-4)
        with installed(tracer):
            while caught < 150:
                try:
                    asked.release()
                    while True: work(3)
                except Timeout:
                    caught += 1
        print(caught, tracer.failed)
        """,
    )

    assert (done.stdout, done.stderr) == ("150 0\n", "")


OWN = {
    "a function that gets a number and a frame": """
def helper(number, frame): raise LookupError("own")
def fault(code): helper(5, sys._getframe())
""",
    "a method that gets them": """
class Own:
    def helper(self, number, frame): raise LookupError("own")
def fault(code): Own().helper(5, sys._getframe())
""",
    "an exception without arguments": """
def fault(code): raise LookupError
""",
    "one that is thrown into a generator": """
def generator():
    yield 1
    yield 2
def fault(code):
    made = generator()
    next(made)
    made.throw(LookupError)
""",
    "one that is thrown into a generator that has not begun": """
def generator(): yield
def fault(code): generator().throw(LookupError)
""",
    "a StopIteration of a function in C": """
def fault(code): next(iter(()))
""",
    "an empty queue in C": """
import _queue
def fault(code): _queue.SimpleQueue().get_nowait()
""",
    "an error of a function in C": """
def fault(code): int("x")
""",
    "an error of an attribute": """
def fault(code): code.nothing
""",
}


@pytest.mark.parametrize("kind", OWN)
def test_a_tracers_own_exception_is_its_fault_however_it_looks(kind: str, tmp_path: Path) -> None:
    done = run(
        tmp_path,
        BEFORE,
        OWN[kind],
        """
        # One is registered, and runs between.
        signal.signal(signal.SIGUSR1, lambda number, frame: None)
        class Faulty(Tracer):
            failed = 0
            def on_py_start(self, code, offset):
                if code is work.__code__:
                    signal.raise_signal(signal.SIGUSR1)
                    fault(code)
            def notify_failure(self): self.failed += 1
        def work(): return 1
        tracer = Faulty()
        with installed(tracer):
            try:
                work()
            except RecorderError as error:
                print(error.code, tracer.failed)
        """,
    )

    assert (done.stdout, done.stderr) == ("ERR_TRACER_FAILED 1\n", "")


@pytest.mark.parametrize("step", ["notify_failure", "flush", "finish"])
@both_policies
def test_what_a_signal_handler_raises_while_a_tracer_is_taken_down_comes_after_the_last_step(
    step: str, policy: str, tmp_path: Path
) -> None:
    done = run(
        tmp_path,
        BEFORE,
        f"configure_policy(on_recorder_error={policy!r}, log_level='off')\n",
        f"""
        def handler(number, frame): raise Timeout
        signal.signal(signal.SIGUSR1, handler)
        class Faulty(Tracer):
            def __init__(self): self.told = []
            def on_py_start(self, code, offset):
                if code is work.__code__: raise LookupError
            def tell(self, what):
                self.told.append(what)
                if what == {step!r}: signal.raise_signal(signal.SIGUSR1)
            def notify_failure(self): self.tell("notify_failure")
            def flush(self): self.tell("flush")
            def finish(self): self.tell("finish")
        def work(): return 1
        tracer = Faulty()
        try:
            with installed(tracer): work()
        except Timeout:
            print(tracer.told, [sys.monitoring.get_tool(slot) for slot in range(6)].count(None))
        """,
    )

    told = ["notify_failure", "flush", "finish"]
    assert (done.stdout, done.stderr) == (f"{told} 6\n", "")


@pytest.mark.slow
def test_a_time_out_at_any_moment_of_a_teardown_is_seen_once_and_nothing_is_left_undone(
    tmp_path: Path,
) -> None:
    done = run(
        tmp_path,
        BEFORE,
        """
        def handler(number, frame):
            global raised
            raised += 1
            raise Timeout
        raised = caught = 0
        signal.signal(signal.SIGALRM, handler)
        class Lines(Tracer):
            finished = 0
            def on_py_start(self, code, offset): return sys.monitoring.DISABLE
            def finish(self): self.finished += 1
        class Failing(Lines):
            def on_line(self, code, line): raise LookupError
        configure_policy(on_recorder_error="disable", log_level="off")
        monitor = Monitor("often")
        # What is imported late is imported now: importlib has weakref callbacks in Python.
        monitor.install(Lines())
        monitor.uninstall()
        import logging
        logging.lastResort = None
        while caught < 300:
            tracer = random.choice((Lines, Failing))()
            limit = sys.getrecursionlimit()
            armed = began = False
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 4e-4))
                while True:
                    tracer, began = random.choice((Lines, Failing))(), False
                    monitor.install(tracer)
                    began = True
                    (lambda: None)()
                    monitor.uninstall()
            except Timeout:
                caught += 1
            monitor.uninstall()
            assert raised == caught, (raised, caught)
            assert tracer.finished == began or tracer.finished == 1, tracer.finished
            assert [sys.monitoring.get_tool(slot) for slot in range(6)] == [None] * 6
            assert sys.getrecursionlimit() == limit
        from codetracer.monitoring import callbacks
        assert not callbacks._lock._is_owned()
        print(raised == caught)
        """,
    )

    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.slow
def test_a_program_that_catches_its_own_memory_error_goes_on_traced(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        BEFORE,
        """
        class Keeping(Tracer):
            failed, seen = 0, []
            def on_line(self, code, line):
                if code.co_filename == __file__: self.seen.append(bytes(300_000) and line)
            def notify_failure(self): self.failed += 1
        def fill():
            kept = []
            try:
                while True: kept.append(bytearray(200_000))
            except MemoryError:
                first = len(kept)
                second = first + 1
                del kept
                return second > first
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        tracer = Keeping()
        with installed(tracer):
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, resource.RLIM_INFINITY))
            filled = [fill() for _ in range(5)]
        print(filled.count(True), tracer.failed, len(tracer.seen) > 20)
        """,
    )

    assert (done.stdout, done.stderr) == ("5 0 True\n", "")


@pytest.mark.slow
@pytest.mark.fresh
def test_an_uncaught_recursion_error_of_the_program_names_no_file_of_codetracer(
    each_backend: str, tmp_path: Path
) -> None:
    done = run(
        tmp_path,
        BEFORE,
        """
        from codetracer import install_tracer
        class Starts(Tracer):
            def on_py_start(self, code, offset): self.note(code)
            def note(self, code): return code
        install_tracer(Starts())
        def f(): f()
        f()
        """,
    )

    assert done.code == 1
    assert "RecursionError: maximum recursion depth exceeded" in done.stderr
    # In Python, there is no room to call anything from the callback.
    named = [line for line in done.stderr.splitlines() if "codetracer" in line]
    assert all("/callbacks.py" in line for line in named)
    assert len(named) <= (each_backend == "python")
    assert ", in note" not in done.stderr
    assert ", in on_py_start" not in done.stderr


def test_a_tracer_that_is_removed_sees_no_more_of_ours_than_what_was_called() -> None:
    class Names(Tracer):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def on_py_start(self, code: object, offset: int) -> None:
            self.seen.append(code.co_qualname)  # type: ignore[attr-defined]

    tracer, monitor = Names(), Monitor("removed")
    with monitor.installed(tracer):
        pass
    by_block = list(tracer.seen)
    tracer.seen.clear()
    monitor.install(tracer)
    monitor.uninstall()

    assert by_block == ["_Installed.__exit__"]
    assert tracer.seen == ["Monitor.uninstall"]


def test_a_monitor_that_nobody_holds_uninstalls_its_tracer_which_finishes() -> None:
    class Told(Tracer):
        def __init__(self) -> None:
            self.told: list[str] = []

        def on_line(self, code: object, line: int) -> None:
            """See nothing."""

        def flush(self) -> None:
            self.told.append("flush")

        def finish(self) -> None:
            self.told.append("finish")

    tracer, monitor = Told(), Monitor("held by nobody")
    monitor.install(tracer)
    assert "held by nobody" in slots().values()

    del monitor
    gc.collect()

    assert set(slots().values()) == {None}
    assert tracer.told == ["flush", "finish"]


def test_a_monitor_that_its_tracer_holds_stays_installed() -> None:
    class Holding(Tracer):
        monitor: Monitor

        def on_line(self, code: object, line: int) -> None:
            """See nothing."""

    tracer = Holding()
    tracer.monitor = Monitor("held by its tracer")
    tracer.monitor.install(tracer)
    gc.collect()

    assert "held by its tracer" in slots().values()
    tracer.monitor.uninstall()
