"""A recorded program prints and ends as it does unrecorded."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import ExitEvent
from tests.support.recorded import metadata, record
from tests.support.running import execute, trace_environ, write

PROGRAMS = {
    "arguments": "import sys; print(sys.argv, __name__, __file__, sys.path[0])",
    "stdin": "import sys\nprint(input('? '))\nfor line in sys.stdin: print(repr(line))",
    "stderr": "import sys\nprint('out'); print('err', file=sys.stderr); sys.stdout.write('no end')",
    "bytes": "import sys\nsys.stdout.buffer.write(bytes(range(256))); sys.stdout.flush()",
    "a traceback": "def f(n): return g(n)\ndef g(n): raise ValueError(n)\nprint(1)\nf(2)",
    "a chained traceback": "try:\n    {}['x']\nexcept KeyError as e:\n"
    "    raise RuntimeError('r') from e",
    "an exception group": "raise ExceptionGroup('g', [ValueError(1), KeyError(2)])",
    "a note": "e = ValueError('x'); e.add_note('noted'); raise e",
    "recursion": "def f(): f()\ntry: f()\nexcept RecursionError as error: print(error)",
    "sys.exit with a text": "import sys; print('a'); sys.exit('the text')",
    "sys.exit in a thread": "import sys, threading\n"
    "t = threading.Thread(target=sys.exit, args=(4,)); t.start(); t.join(); print('on')",
    "a thread that fails": "import threading\n"
    "t = threading.Thread(target=lambda: 1 / 0, name='t')\n"
    "t.start(); t.join(); print('on')",
    "atexit": "import atexit\nfor n in range(3): atexit.register(print, 'exit', n)\nprint('end')",
    "deleted at the end": "class D:\n    def __init__(self, n): self.n = n\n"
    "    def __del__(self): print('del', self.n)\n"
    "a = D(1); b = D(2); D(3); c = [D(4)]; c.append(c); print('end')",
    "deleted at the end, slots": "class S:\n    __slots__ = ('n',)\n"
    "    def __del__(self): print('del', self.n)\na = S(); a.n = 1; print('end')",
    "deleted with a class": "import weakref, gc\ndef make():\n    class C: pass\n    class S:\n"
    "        __slots__ = ('a', '__weakref__')\n    c, s = C(), S(); c.x = s.a = 1\n"
    "    return weakref.ref(C), weakref.ref(S)\nrefs = make(); gc.collect()\n"
    "print([ref() for ref in refs])",
    "excepthook": "import sys\n"
    "sys.excepthook = lambda k, v, t: print('hook', k.__name__, v)\n1 / 0",
    "a warning": "import warnings\nwarnings.warn('warned')\nprint('on')",
    "generators": "def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\n"
    "i = g(); next(i)\nprint('end')",
    "locals": "def f(a):\n    b = 1\n    print(locals(), dir())\nf(2)\nprint(sorted(vars()))",
    "asyncio": "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    print('main')\n"
    "asyncio.run(main())",
    "subprocess": "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'print(1)'], check=True)",
}

STATUS = {
    "a traceback": 1,
    "a chained traceback": 1,
    "an exception group": 1,
    "a note": 1,
    "sys.exit with a text": 1,
    "excepthook": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_recorded_program_prints_and_ends_as_it_does_unrecorded(
    tmp_path: Path, name: str, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAMS[name] + "\n"})
    stdin = "first\nsecond\nthird"

    plain = execute("app.py", "a", "-b", cwd=tmp_path, stdin=stdin)
    recorded = record(
        *(tmp_path, "-q", "-o", "out", "app.py", "a", "-b"),
        stdin=stdin,
        environ={"CODETRACER_BACKEND": backend},
    )

    assert plain.code == STATUS.get(name, 0), plain.stderr
    assert recorded == plain
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem


@pytest.mark.slow
def test_without_propagation_the_same_is_said_and_then_what_it_would_have_ended_with(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAMS["a traceback"]})
    plain = execute("app.py", cwd=tmp_path)

    recorded = record(
        *(tmp_path, "--no-propagate-script-exit", "-o", "out", "app.py"),
        environ={"CODETRACER_BACKEND": backend},
    )

    assert (recorded.code, recorded.stdout) == (0, plain.stdout)
    assert recorded.stderr.startswith(
        f"{plain.stderr}codetracer: the program ended with status 1\ncodetracer: recorded 3 calls, "
    )


@pytest.mark.parametrize(
    ("program", "status", "label"),
    [
        ("pass", 0, "exited 0"),
        ("raise SystemExit", 0, "exited 0"),
        ("raise SystemExit(3)", 3, "exited 3"),
        ("raise SystemExit(256 + 7)", 7, "exited 7"),
        ("raise SystemExit(-1)", 255, "exited 255"),
        ("raise SystemExit('text')", 1, "exited 1"),
        ("1 / 0", 1, "uncaught ZeroDivisionError"),
        ("class E(BaseException): pass\nraise E", 1, "uncaught E"),
        ("raise KeyboardInterrupt", 130, "uncaught KeyboardInterrupt"),
    ],
)
def test_how_the_program_ended_is_its_exit_status_and_in_the_log_and_the_metadata(
    tmp_path: Path, program: str, status: int, label: str
) -> None:
    write(tmp_path, {"app.py": program})

    outcome = record(tmp_path, "-o", "out", "app.py")

    assert outcome.code == (-signal.SIGINT if "Interrupt" in label else status)
    assert metadata(tmp_path / "out")["exit_status"] == {"code": status, "label": label}
    exits = [
        event.status for event in codetracer.read(tmp_path / "out") if isinstance(event, ExitEvent)
    ]
    assert exits == [status]


@pytest.mark.parametrize("flag", ["option", "variable"])
def test_the_exit_status_is_0_whatever_the_programs_is_when_that_is_asked_for(
    tmp_path: Path, flag: str
) -> None:
    write(tmp_path, {"app.py": "raise SystemExit(7)"})
    options = ("--no-propagate-script-exit",) if flag == "option" else ()
    environ = {} if options else {"CODETRACER_PROPAGATE_SCRIPT_EXIT": "no"}

    assert record(tmp_path, *options, "app.py", environ=environ).code == 0
    yes = record(tmp_path, "--propagate-script-exit", "app.py", environ=environ)
    assert yes.code == 7


@pytest.mark.slow
@pytest.mark.fresh
def test_an_interrupt_ends_the_program_and_the_trace_is_whole(tmp_path: Path, backend: str) -> None:
    write(
        tmp_path,
        {
            "app.py": "import time\ndef wait():\n    print('ready', flush=True); time.sleep(60)\n"
            "wait()"
        },
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "codetracer", "record", "-o", "out", "app.py"],
        cwd=tmp_path,
        env=trace_environ() | {"CODETRACER_BACKEND": backend},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt\ncodetracer: recorded 2 calls, " in stderr
    assert codetracer.read(tmp_path / "out").complete
