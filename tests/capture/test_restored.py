"""After the end, and where the recorder fails, the streams are the program's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.capturing import (
    BOTH,
    command,
    datas,
    environ,
    run,
    run_to_file,
)


@pytest.mark.parametrize("mode", BOTH)
def test_after_the_end_everything_is_what_it_was(tmp_path: Path, mode: str) -> None:
    program = """
import builtins, os, sys
finish(); finish()
print(type(sys.stdin), type(input), type(builtins.input), sys.stdin is sys.__stdin__)
print([sorted(vars(s)) for s in (sys.stdout, sys.stdout.buffer, sys.stdout.buffer.raw)])
print(sys.stdin.readline())
os.write(1, os.readlink('/proc/self/fd/1').encode())
print(sorted(os.listdir('/proc/self/fd')))
"""
    untraced = run_to_file(tmp_path, "untraced", program)

    assert run_to_file(tmp_path, mode, program) == untraced
    assert datas(tmp_path) == []


@pytest.mark.parametrize("mode", BOTH)
def test_what_was_read_ahead_is_there_after_the_end(tmp_path: Path, mode: str) -> None:
    program = "import sys\nprint(input())\nfinish()\nprint(input(), sys.stdin.read())\n"

    assert run(tmp_path, mode, program, b"a\nb\nc\n") == (0, b"a\nb c\n\n", b"")


@pytest.mark.parametrize("mode", BOTH)
def test_a_stream_that_the_program_has_put_there_is_left_there(tmp_path: Path, mode: str) -> None:
    program = """
import io, os, sys
mine = sys.stdin = io.StringIO('x')
old = sys.stdout.write
patch = sys.stdout.write = lambda text: old(text)
finish()
print(sys.stdin is mine, sys.stdout.write is patch)
"""
    assert run(tmp_path, mode, program) == (0, b"True True\n", b"")


FAILING = """
import os, sys
from codetracer.own import seal
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
names = {}
seal(names)
exec('def record(stream, data, frame): raise ERROR', names)
record = names['record']
capture = OutputCapture(MODE, record, engine_in_c())
capture.start()
reached = []
try:
    print('text', flush=True)
    sys.stdout.buffer.write(b'bytes\\n')
    sys.stdout.flush()
    os.write(1, b'below\\n')
    reached = sys.stdin.readline()
except KeyboardInterrupt: pass
capture.stop()
print(reached)
"""


@pytest.mark.parametrize("mode", BOTH)
def test_a_recorder_that_fails_is_not_the_programs_concern(tmp_path: Path, mode: str) -> None:
    program = FAILING.replace("MODE", repr(mode)).replace("ERROR", "RuntimeError(stream)")

    assert run(tmp_path, "untraced", program, b"in\n") == (
        0,
        b"text\nbytes\nbelow\nin\n\n",
        b"",
    )


def test_an_interrupt_of_the_recorder_reaches_the_program(tmp_path: Path) -> None:
    program = FAILING.replace("MODE", "'proxies'").replace("ERROR", "KeyboardInterrupt")

    assert run(tmp_path, "untraced", program) == (0, b"text[]\n", b"")


def test_what_a_stream_of_the_programs_raises_reaches_it_as_it_is(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from codetracer.capture.io import OutputCapture\n"
        "from codetracer.runtime.native import engine_in_c\n"
        "class Buffer:\n"
        "    def write(self, data): raise BlockingIOError(11, 'full')\n"
        "class Stream:\n"
        "    buffer = Buffer()\n"
        "    def write(self, text): self.buffer.write(text.encode())\n"
        "standard, sys.stdout = sys.stdout, Stream()\n"
        "capture = OutputCapture('proxies', lambda *seen: None, engine_in_c())\n"
        "capture.start()\n"
        "try: print('text')\n"
        "except BlockingIOError as error: standard.write(repr(error))\n"
        "capture.stop()\n"
        "sys.stdout = standard\n"
    )

    outcome = run(tmp_path, "untraced", program)

    assert outcome == (0, b"BlockingIOError(11, 'full')", b"")


@pytest.mark.parametrize("mode", BOTH)
def test_no_frame_is_kept(tmp_path: Path, mode: str) -> None:
    program = """
import gc, sys, weakref
gc.disable()
class Local: pass
def writes():
    local = Local()
    print('x'); sys.stdout.buffer.write(b'y'); sys.stdin.readline(); input()
    try: sys.stdout.write('\\ud800')
    except UnicodeError: pass
    return weakref.ref(local)
print(writes()())
"""
    assert run(tmp_path, mode, program, b"1\n2\n").stdout.splitlines()[-1].endswith(b"None")


@pytest.mark.parametrize("mode", BOTH)
def test_an_interrupt_is_the_programs_alone(tmp_path: Path, mode: str) -> None:
    program = """
import os, time
try:
    print('ready', flush=True)
    # A signal that comes right before a sleep is seen after it.
    for _ in range(600): time.sleep(0.05)
except KeyboardInterrupt: print('interrupted'); os.write(1, b'below\\n')
"""
    process = subprocess.Popen(
        command(tmp_path, mode, program),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.killpg(process.pid, signal.SIGINT)

    assert process.communicate(timeout=30)[0] == b"below\ninterrupted\n"
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_an_interrupted_write_is_not_written_again(tmp_path: Path, mode: str) -> None:
    program = """
import os, signal, sys
def interrupt(*args): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
for i in range(3000):
    text = b'<%d>' % i
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.00002 + i % 50 * 0.000002)
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        for _ in range(100): pass
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt: pass
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    output = run(tmp_path, mode, program).stdout

    found = output[1:-1].split(b"><")
    assert len(found) == len(set(found))
    assert len(found) > 100


def test_little_of_the_standard_library_is_loaded() -> None:
    code = "import sys; import codetracer.capture.io; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environ(), capture_output=True, check=True
    )

    unwanted = {"typing", "dataclasses", "enum", "logging", "pty", "tty", "subprocess", "threading"}
    assert not unwanted & set(done.stdout.decode().split())
