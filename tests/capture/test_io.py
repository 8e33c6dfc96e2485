"""What a program writes and reads is recorded, once and rightly, and none of it is changed."""

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
    run_on_terminal,
    run_to_file,
    seen,
    settled,
    text_of,
)

PROGRAMS = {
    "every way to write": """
import sys
print('one', 2, sep='-')
sys.stdout.write('two\\n')
sys.stdout.writelines(['three\\n', 'four\\n'])
sys.stdout.flush()
sys.stdout.buffer.write(b'five\\n')
sys.stdout.buffer.writelines([b'six\\n', b'seven\\n'])
sys.stdout.buffer.write(memoryview(b'eight\\n'))
sys.stdout.flush()
sys.stdout.buffer.raw.write(b'nine\\n')
print('ten', file=sys.stderr)
sys.stderr.buffer.write(b'eleven\\n')
sys.__stdout__.write('twelve\\n')
""",
    "buffers out of step": """
import os, sys
sys.stdout.write('text')
sys.stdout.buffer.write(b'binary ')
sys.stderr.write('error, no end')
os.write(1, b'descriptor ')
sys.stdout.flush()
sys.stdout.write('x' * 10000)
sys.stdout.buffer.write(b'y' * 10000)
""",
    "descriptors between": """
import os, subprocess, sys
for i in range(20):
    print('a', i, flush=True)
    os.write(1, b'b %d\\n' % i)
    print('c', i, flush=True)
    if i % 7 == 0: subprocess.run(['sh', '-c', 'echo child'])
    os.write(1, b'd' * 5000 * i)
    print('e', i, flush=True)
""",
    "C's own buffer": """
import ctypes
libc = ctypes.CDLL(None)
libc.printf(b'printed by C\\n')
libc.fflush(None)
libc.printf(b'left to exit')
""",
    "uncaught": """
import os, sys
print('before')
os.write(1, b'below')
def f(): raise ValueError('caf\\xe9')
f()
""",
    "exit": """
import os, sys
print('before'); os.write(2, b'below'); sys.exit('said at exit')
""",
    "tracebacks of the streams": """
import sys, traceback
sys.stdout.reconfigure(encoding='ascii')
def attempt(action):
    try: action()
    except Exception: traceback.print_exc()
attempt(lambda: print('\\u20ac'))
attempt(lambda: sys.stdout.write(5))
attempt(lambda: sys.stdout.buffer.write('text'))
attempt(lambda: sys.stdin.write('x'))
attempt(lambda: sys.stdin.read('x'))
attempt(lambda: next(sys.stdin))
attempt(input)
attempt(lambda: sys.stdin.buffer.readinto(b'immutable'))
sys.stdout.close()
attempt(lambda: print('x'))
attempt(lambda: sys.stdout.buffer.write(b'x'))
attempt(lambda: sys.stdout.flush())
""",
    "what a stream can be asked": """
import io, os, sys
for stream in (sys.stdin, sys.stdout, sys.stderr):
    for name in ('encoding', 'errors', 'newlines', 'line_buffering', 'write_through', 'mode',
            'name', 'closed', '__class__'):
        print(name, getattr(stream, name))
    for layer in (stream, stream.buffer, stream.buffer.raw):
        print(repr(layer), layer.isatty(), layer.fileno(), layer.readable(), layer.writable(),
            layer.closed, layer.name, layer.mode)
    print(isinstance(stream, io.TextIOWrapper), isinstance(stream, io.TextIOBase))
    print(isinstance(stream.buffer, io.BufferedIOBase), stream.buffer is stream.buffer)
    stream.mine = 5
    print(stream.mine, stream.seekable() and 'seekable', hasattr(stream, 'nothing'))
    del stream.mine
    print(hasattr(stream, 'mine'), len(dir(stream)))
print(sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__, sys.stdin is sys.__stdin__)
print(type(sys.stdout), type(sys.stderr), type(sys.stdout.buffer))
print(sys.stdout.write.__name__, sys.stdout.write('x'), sys.stdout.buffer.write(b'xyz'))
import inspect
print(input.__name__, input.__module__, inspect.signature(input))
with sys.stdin as stream: print(stream is sys.stdin)
print(sys.stdin.closed)
""",
    "reconfigured": """
import sys
sys.stdout.reconfigure(line_buffering=True, encoding='latin-1', errors='replace')
print('caf\\xe9 \\u20ac')
sys.stdout.reconfigure(write_through=True, newline='\\r\\n')
print('end')
""",
    "detached": """
import gc, io, sys
print('before')
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-16-le', line_buffering=True)
print('after')
try: print('gone', file=sys.__stdout__)
except ValueError as error: print(error)
sys.stdin = io.TextIOWrapper(sys.stdin.detach(), encoding='latin-1')
print(sys.stdin.readline())
sys.stdout.detach().write(b'last')
gc.collect()
""",
    "replaced": """
import contextlib, io, sys
kept = sys.stdout
with contextlib.redirect_stdout(io.StringIO()) as text: print('hidden')
with contextlib.redirect_stdout(sys.stderr): print('to stderr')
sys.stdout = io.StringIO()
print('hidden')
print('kept', file=kept)
sys.stdout = kept
class Upper:
    def __init__(self, stream): self.stream = stream
    def write(self, text): return self.stream.write(text.upper())
    def __getattr__(self, name): return getattr(self.stream, name)
sys.stdout = Upper(sys.stdout)
print('upper')
sys.stdout = kept
write = sys.stdout.write
sys.stdout.write = lambda text: write('patched ' + text)
print('end')
sys.stdout.write = write
print('end')
sys.stdin = io.StringIO('of the program\\n')
print(input('? '))
sys.stdout = None
print('nowhere')
""",
    "logging": """
import logging, warnings
logging.basicConfig(level=logging.INFO)
logging.info('informed')
warnings.warn('warned')
""",
    "forked": """
import os, sys, warnings
warnings.simplefilter('error')
print('before', flush=True)
os.write(1, b'below\\n')
pid = os.fork()
if pid == 0:
    print('child')
    os.write(1, b'child below\\n')
    sys.exit(3)
print(os.waitpid(pid, 0)[1])
try: os.wait()
except ChildProcessError: print('no other child')
print('parent', flush=True)
os.write(1, b'parent below\\n')
""",
    "forked and left": """
import os
print('before', flush=True)
pid = os.fork()
if pid == 0:
    print('child', flush=True)
    os._exit(0)
os.waitpid(pid, 0)
""",
    "left without cleaning up": """
import os
print('flushed', flush=True)
os.write(1, b'x' * 300000)
print('not flushed')
os._exit(4)
""",
    "executed": """
import os, sys
print('before', flush=True)
os.write(1, b'below\\n')
os.execvp('sh', ['sh', '-c', 'echo another; echo program >&2; exit 5'])
""",
    "killed": """
import os, signal
print('before', flush=True)
os.write(1, b'y' * 300000)
os.kill(os.getpid(), signal.SIGKILL)
""",
    "outlived by a child": """
import subprocess
subprocess.Popen(['sh', '-c', 'sleep 0.7; echo late; echo and well'])
print('parent')
""",
    "descriptor taken": """
import os, sys
print('before', flush=True)
kept = os.dup(1)
other = os.open('other', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
os.dup2(other, 1)
print('to the file', flush=True)
os.write(1, b'so does this\\n')
os.dup2(kept, 1)
print('back', flush=True)
os.write(1, b'back too\\n')
print(open('other').read())
sys.stdout.flush()
os.close(1)
try: print('x', flush=True)
except OSError as error: print(error, file=sys.stderr)
sys.stderr.flush()
os._exit(0)
""",
    "the GIL held": """
import ctypes
libc = ctypes.PyDLL(None)
print(libc.write(1, b'z' * 1000000, ctypes.c_size_t(1000000)) > 60000)
""",
    "threads and late output": """
import atexit, sys, threading
def work():
    for i in range(100): sys.stdout.write('thread\\n')
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(threading.enumerate() == [threading.main_thread()])
atexit.register(print, 'at exit')
class Late:
    def __del__(self): print('deleted late')
late = Late()
""",
}
"""To be run with and without; what they write must be the same to the byte."""

STDIN = b"first\nsecond\r\nth\xc3\xafrd\nlast"


@pytest.mark.parametrize("mode", ["off", *BOTH])
@pytest.mark.parametrize("name", PROGRAMS)
def test_through_pipes_a_program_writes_and_ends_as_untraced(
    tmp_path: Path, name: str, mode: str
) -> None:
    untraced = run(tmp_path, "untraced", PROGRAMS[name], STDIN)
    captured = run(tmp_path, mode, PROGRAMS[name], STDIN)

    assert captured == untraced
    assert untraced.stdout or untraced.stderr


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", PROGRAMS)
def test_into_a_file_for_both_streams_a_program_writes_as_untraced(
    tmp_path: Path, name: str, mode: str
) -> None:
    untraced = run_to_file(tmp_path, "untraced", PROGRAMS[name])
    if name == "outlived by a child":
        untraced = settled(tmp_path / "output", len("parent late and well "))
    captured = run_to_file(tmp_path, mode, PROGRAMS[name])
    if name in ("left without cleaning up", "executed", "killed", "outlived by a child"):
        # Nobody waits for a file's last writer.
        captured = settled(tmp_path / "output", len(untraced))

    assert captured == untraced


ON_TERMINALS = [
    "every way to write",
    "buffers out of step",
    "descriptors between",
    "C's own buffer",
    "what a stream can be asked",
    "reconfigured",
    "replaced",
    "logging",
    "forked",
    "forked and left",
    "threads and late output",
]


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", ON_TERMINALS)
def test_on_a_terminal_a_program_writes_as_untraced(tmp_path: Path, name: str, mode: str) -> None:
    typed = [(b"", b"")]
    untraced = run_on_terminal(tmp_path, "untraced", PROGRAMS[name], typed)
    captured = run_on_terminal(tmp_path, mode, PROGRAMS[name], typed)

    assert captured == untraced


@pytest.mark.parametrize("mode", BOTH)
def test_unbuffered_streams_write_as_untraced_and_are_recorded(tmp_path: Path, mode: str) -> None:
    program = "import os, sys\nprint('a')\nsys.stdout.buffer.write(b'b')\nos.write(1, b'c')\n"
    env = environ(PYTHONUNBUFFERED="1")

    assert run(tmp_path, mode, program, env=env) == (0, b"a\nbc", b"")
    assert text_of(seen(tmp_path), 1) == ("a\nbc" if mode == "proxies+fd" else "a\nb")


@pytest.mark.parametrize("mode", BOTH)
def test_every_way_to_write_is_recorded_once_with_its_line(tmp_path: Path, mode: str) -> None:
    run(tmp_path, mode, PROGRAMS["every way to write"])

    found = [(stream, data, line) for stream, data, line in datas(tmp_path) if data.strip("\n")]
    raw = [(1, "nine\n", 11)] if mode == "proxies+fd" else []
    assert found == [
        (1, "one", 3),
        (1, "-", 3),
        (1, "2", 3),
        (1, "two\n", 4),
        (1, "three\n", 5),
        (1, "four\n", 5),
        (1, "five\n", 7),
        (1, "six\n", 8),
        (1, "seven\n", 8),
        (1, "eight\n", 9),
        *raw,
        (2, "ten", 12),
        (2, "eleven\n", 13),
        (1, "twelve\n", 14),
    ]
    assert {record.file for record in seen(tmp_path)} == {"app.py"}


@pytest.mark.parametrize("mode", BOTH)
def test_what_is_buffered_is_recorded_where_it_is_written_and_not_where_flushed(
    tmp_path: Path, mode: str
) -> None:
    run(tmp_path, mode, PROGRAMS["buffers out of step"])

    by_python = [row for row in datas(tmp_path) if row[2] is not None]
    assert by_python == [
        (1, "text", 3),
        (1, "binary ", 4),
        (2, "error, no end", 5),
        (1, "x" * 10000, 8),
        (1, "y" * 10000, 9),
    ]


@pytest.mark.parametrize("mode", BOTH)
def test_a_file_that_can_tell_its_position_is_not_recorded_twice(tmp_path: Path, mode: str) -> None:
    program = "import sys\nsys.stdout.write('a')\nprint(sys.stdout.tell() > 0, file=sys.stderr)\n"

    assert run_to_file(tmp_path, mode, program) == b"aTrue\n"
    assert text_of(seen(tmp_path), 1) == "a"


@pytest.mark.parametrize("mode", BOTH)
def test_logging_is_recorded_where_it_writes(tmp_path: Path, mode: str) -> None:
    run(tmp_path, mode, PROGRAMS["logging"])

    first, *others = seen(tmp_path)
    assert (first.stream, first.data, first.file) == (2, "INFO:root:informed\n", "__init__.py")
    assert others[-1].file in ("warnings.py", "_py_warnings.py")  # the latter from 3.14 on
    assert "UserWarning: warned" in text_of(others, 2)


@pytest.mark.parametrize("mode", BOTH)
def test_each_thread_records_what_it_writes(tmp_path: Path, mode: str) -> None:
    program = """
import threading
def work(): print('thread')
thread = threading.Thread(target=work); thread.start(); thread.join()
print('main')
"""
    run(tmp_path, mode, program)

    assert [(record.data, record.in_main_thread) for record in seen(tmp_path)] == [
        ("thread", False),
        ("\n", False),
        ("main", True),
        ("\n", True),
    ]


READS = """
import sys
a = input()
b = input('prompt ')
c = sys.stdin.readline()
for d in sys.stdin: break
e = next(sys.stdin)
f = sys.stdin.read(2)
g = sys.stdin.readlines(3)
h = sys.stdin.read()
i = sys.stdin.read()
print([a, b, c, d, e, f, g, h, i])
"""


@pytest.mark.parametrize("mode", BOTH)
def test_every_way_to_read_text_is_recorded_once_with_its_line(tmp_path: Path, mode: str) -> None:
    stdin = b"a\nb\r\nc\nd\ne\nffg\nhhh\n\xc3\xa9\n"

    captured = run(tmp_path, mode, READS, stdin)

    assert captured == run(tmp_path, "untraced", READS, stdin)
    assert [row for row in datas(tmp_path) if row[0] == 0 or row[1] == "prompt "] == [
        (0, "a\n", 3),
        (1, "prompt ", 4),
        (0, "b\r\n", 4),
        (0, "c\n", 5),
        (0, "d\n", 6),
        (0, "e\n", 7),
        (0, "ff", 8),
        (0, "g\nhhh\n", 9),
        (0, "\xc3\xa9\n", 10),
    ]


READS_BINARY = """
import io, sys
buffer = sys.stdin.buffer
a = buffer.readline()
for b in buffer: break
c = bytearray(4); n = buffer.readinto(memoryview(c)[:2])
d = buffer.read(2)
buffer.peek()
e = buffer.readlines(1)
f = buffer.read1(3)
g = next(buffer)
sys.stdin = io.TextIOWrapper(sys.stdin.detach(), encoding='latin-1')
h = input()
print([a, b, c, n, d, e, f, g, h])
"""


@pytest.mark.parametrize("mode", BOTH)
def test_every_way_to_read_bytes_is_recorded_once_with_its_line(tmp_path: Path, mode: str) -> None:
    stdin = b"a\nb\nccddee\nfffg\n\xe9\n"

    captured = run(tmp_path, mode, READS_BINARY, stdin)

    assert captured == run(tmp_path, "untraced", READS_BINARY, stdin)
    assert [row for row in datas(tmp_path) if row[0] == 0] == [
        (0, "a\n", 4),
        (0, "b\n", 5),
        (0, "cc", 6),
        (0, "dd", 7),
        (0, "ee\n", 9),
        (0, "fff", 10),
        (0, "g\n", 11),
        (0, "\xe9\n", 13),
    ]


ASKS = """
import os, sys
{first}
print(os.isatty(0), os.isatty(1), os.isatty(2), sys.stdout.isatty(), os.get_terminal_size(1))
name = input('name> ')
print('hello', name)
sys.stdin.readline()
try: input('again> ')
except EOFError as error: print('ended', error.__traceback__.tb_next)
"""


@pytest.mark.parametrize("first", ["", "import readline"])
@pytest.mark.parametrize("mode", BOTH)
def test_input_on_a_terminal_edits_and_echoes_as_untraced(
    tmp_path: Path, mode: str, first: str
) -> None:
    program = ASKS.format(first=first)
    typed = [(b"name> ", b"jou\x7fe\r"), (b"hello joe", b"line\r"), (b"again> ", b"\x04")]

    untraced = run_on_terminal(tmp_path, "untraced", program, typed)
    captured = run_on_terminal(tmp_path, mode, program, typed)

    assert captured == untraced
    assert b"True True True True os.terminal_size(columns=77, lines=33)" in captured
    records = seen(tmp_path)
    assert [row[:4] for row in records if row.stream == 0] == [
        (0, "joe\n", "app.py", 5),
        (0, "line\n", "app.py", 7),
    ]
    if mode == "proxies":
        prompts = [row[:4] for row in records if row.data.endswith("> ")]
        assert prompts == [(1, "name> ", "app.py", 5), (1, "again> ", "app.py", 8)]
    else:
        assert text_of(records, 1).count("name> ") == 1


@pytest.mark.parametrize("mode", BOTH)
def test_only_what_a_stream_accepts_is_recorded(tmp_path: Path, mode: str) -> None:
    program = """
import sys
sys.stdout.reconfigure(encoding='ascii')
for data in ('good\\n', '\\u20ac'):
    try: sys.stdout.write(data)
    except UnicodeEncodeError: pass
sys.stdout.close()
try: print('closed')
except ValueError: pass
"""
    run(tmp_path, mode, program)

    assert datas(tmp_path) == [(1, "good\n", 5)]


@pytest.mark.parametrize("mode", BOTH)
def test_text_is_recorded_in_utf8_lone_surrogates_too(tmp_path: Path, mode: str) -> None:
    program = "import sys\nsys.stderr.write('\\xe9\\ud800')\n"

    run(tmp_path, mode, program)

    assert datas(tmp_path) == [(2, "\xc3\xa9\xed\xa0\x80", 2)]


def test_of_a_write_that_would_block_the_part_that_was_taken_is_recorded(tmp_path: Path) -> None:
    program = """
import os, sys
os.set_blocking(1, False)
taken = 0
try:
    for i in range(30): taken += sys.stdout.buffer.write(b'%06d' % i * 2000)
except BlockingIOError as error: taken += error.characters_written
print(taken, file=sys.stderr)
finish()
os._exit(0)
"""
    process = subprocess.Popen(
        command(tmp_path, "proxies", program),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.communicate()

    binary = [row for row in datas(tmp_path) if row[2] == 6]
    assert sum(len(row[1]) for row in binary) == int(stderr)
    assert int(stderr) % 12000 != 0


def test_of_text_that_would_block_what_the_buffer_took_is_recorded(tmp_path: Path) -> None:
    program = """
import os, sys
os.set_blocking(1, False)
sys.stdout.reconfigure(line_buffering=True)
filled = 0
try:
    while True: filled += os.write(1, b'.' * 1024)
except BlockingIOError: pass
for text in ('kept', 'x' * 500000):
    try: print(text)
    except BlockingIOError as error: print(error.__traceback__.tb_next, file=sys.stderr)
print(filled, file=sys.stderr)
sys.stderr.flush()
os.close(2)
finish()
os.set_blocking(1, True)
"""
    process = subprocess.Popen(
        command(tmp_path, "proxies", program),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first, second, filled = process.stderr.read().split()
    stdout = process.stdout.read()
    process.communicate()

    assert (first, second) == (b"None", b"None")
    written = stdout[int(filled) :].decode()
    assert 4000 < len(written) < 500000
    assert text_of(seen(tmp_path), 1) == written


@pytest.mark.parametrize("mode", BOTH)
def test_a_broken_pipe_is_the_programs_to_see_as_untraced(tmp_path: Path, mode: str) -> None:
    program = """
import sys
sys.stdin.readline()
try:
    print('x' * 100000, flush=True)
except BrokenPipeError as error:
    print('broken', error, error.__traceback__.tb_next, file=sys.stderr)
"""
    outcomes = []
    for each in ("untraced", mode):
        process = subprocess.Popen(
            command(tmp_path, each, program),
            cwd=tmp_path,
            env=environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        outcomes.append((process.communicate(b"go\n")[1], process.returncode))

    assert outcomes[0] == outcomes[1]
    assert b"broken [Errno 32] Broken pipe None" in outcomes[0][0]


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

    assert process.communicate(timeout=30)[1].splitlines()[-1] in (b"-13", b"1", b"2")


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
@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
def test_a_program_without_some_streams_runs_as_untraced(
    tmp_path: Path, mode: str, closed: str
) -> None:
    program = "import sys\nprint('x', sys.stdin is None)\nprint('y', file=sys.stderr or None)\n"
    outcomes = []
    for each in ("untraced", mode):
        line = " ".join(f"{number}>&-" for number in closed)
        done = subprocess.run(
            ["sh", "-c", f'"$@" {line}', "sh", *command(tmp_path, each, program)],
            cwd=tmp_path,
            env=environ(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        outcomes.append((done.returncode, done.stdout, done.stderr))

    assert outcomes[0] == outcomes[1]


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
