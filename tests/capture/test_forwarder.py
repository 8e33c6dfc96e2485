"""Output of C code and of other processes comes through pipes and a forwarder."""

import subprocess
from pathlib import Path

import pytest

from tests.support.capturing import (
    BOTH,
    command,
    environ,
    run,
    run_on_terminal,
    run_to_file,
    seen,
    text_of,
)
from tests.support.writing_programs import PROGRAMS


@pytest.mark.slow
def test_c_code_that_nobody_reads_is_told_so(tmp_path: Path) -> None:
    program = """
import subprocess, sys
print(subprocess.run(['sh', '-c', 'while echo y; do :; done']).returncode, file=sys.stderr)
"""
    process = subprocess.Popen(
        command(tmp_path, "proxies+fd", program),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None

    # The recorder would wait ten seconds for the rest of what is written to a pipe.
    assert process.communicate(timeout=9)[1].splitlines()[-1] in (b"-13", b"1", b"2")


@pytest.mark.slow
def test_descriptors_show_what_proxies_cannot_and_nothing_twice(tmp_path: Path) -> None:
    program = """
import ctypes, os, subprocess, sys
print('python', flush=True)
os.write(1, b'os\\n')
subprocess.run(['sh', '-c', 'echo child; echo failing >&2'])
libc = ctypes.CDLL(None)
libc.printf(b'printf\\n'); libc.fflush(None)
print('python', file=sys.stderr)
os.write(2, b'x' * 200000)
"""
    captured = run(tmp_path, "proxies+fd", program)

    records = seen(tmp_path)
    assert captured == run(tmp_path, "untraced", program)
    assert text_of(records, 1).encode() == captured.stdout
    below = [record for record in records if record.file is None]
    assert text_of(below, 1) == "os\nchild\nprintf\n"
    assert text_of(below, 2) == "failing\n" + "x" * 200000
    assert not any(record.in_main_thread for record in below)


@pytest.mark.slow
def test_the_end_waits_for_a_recorder_that_is_slow(tmp_path: Path) -> None:
    program = """
import os, sys, time
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
recorded = []
def record(stream, data, frame):
    time.sleep(0.005)
    recorded.append(data)
capture = OutputCapture('proxies+fd', record, engine_in_c())
capture.start()
os.write(1, b'x' * 200000)
capture.stop()
print(len(b''.join(recorded)), file=sys.stderr)
"""
    assert run(tmp_path, "untraced", program) == (0, b"x" * 200000, b"200000\n")


def test_one_file_for_both_is_recorded_whole_and_in_order(tmp_path: Path) -> None:
    program = "import os\nfor i in range(200): os.write(1 + i % 2, b'%d ' % i)\n"

    output = run_to_file(tmp_path, "proxies+fd", program)

    assert output == b"".join(b"%d " % i for i in range(200))
    assert text_of(seen(tmp_path), 1).encode() == output


@pytest.mark.parametrize("mode", BOTH)
def test_a_fork_records_each_its_own(tmp_path: Path, mode: str) -> None:
    run(tmp_path, mode, PROGRAMS["forked"])

    parent, child = seen(tmp_path), seen(tmp_path, "seen.json.child")
    assert "child" not in [record.data for record in parent]
    assert "child" in [record.data for record in child]
    assert "parent" not in [record.data for record in child]
    if mode == "proxies+fd":
        below = text_of([record for record in parent if record.file is None], 1)
        assert below == "below\nchild below\nparent below\n"


@pytest.mark.slow
def test_the_forwarder_killed_leaves_the_program_its_streams(tmp_path: Path) -> None:
    program = """
import os, signal, sys, time
def writes_to(name, pipe):
    for fd in os.listdir(f'/proc/{name}/fd'):
        # It may have been closed by now: modules are still being loaded.
        try:
            if os.readlink(f'/proc/{name}/fd/{fd}') == pipe: return True
        except OSError: pass
for name in os.listdir('/proc'):
    # Another test's may be ending.
    try:
        words = open(f'/proc/{name}/cmdline', 'rb').read().split(b'\\0')
        if not words[3:4] or not words[3].endswith(b'capture/forwarder.py'): continue
        is_ours = writes_to(name, f'pipe:[{os.stat(1).st_ino}]')
    except OSError: continue
    if is_ours:
        os.kill(int(name), signal.SIGKILL)
        print('killed', file=open('killed', 'w'))
time.sleep(0.3)
print('after', flush=True)
os.write(1, b'below\\n')
print('end')
"""
    assert run(tmp_path, "proxies+fd", program) == (0, b"after\nbelow\nend\n", b"")
    assert (tmp_path / "killed").exists()


@pytest.mark.slow
def test_modes_set_on_standard_output_reach_the_terminal(tmp_path: Path) -> None:
    program = """
import os, sys, termios, time
modes = termios.tcgetattr(1)
quiet = list(modes)
quiet[3] &= ~(termios.ECHO | termios.ICANON)
termios.tcsetattr(1, termios.TCSANOW, quiet)
os.write(1, b'ready')
time.sleep(0.5)
print(bool(termios.tcgetattr(0)[3] & termios.ECHO))
termios.tcsetattr(1, termios.TCSANOW, modes)
finish()
print(bool(termios.tcgetattr(0)[3] & termios.ECHO))
"""
    assert run_on_terminal(tmp_path, "proxies+fd", program) == b"readyFalse\r\nTrue\r\n"
