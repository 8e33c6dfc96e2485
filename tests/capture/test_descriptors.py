"""A program that closes or replaces descriptors keeps its own files, and its output arrives."""

from pathlib import Path

import pytest

from tests.support.capturing import BOTH, run, run_to_file, seen, settled, text_of

OWN_FILES = """
import os, sys, subprocess
def open_own(count):
    # More than there are numbers below those of the capture.
    kept = []
    for number in range(count):
        kept.append(os.open(f'own-{number}', os.O_RDWR | os.O_CREAT | os.O_TRUNC))
        os.write(kept[-1], b'mine %d' % number)
        os.lseek(kept[-1], 2, os.SEEK_SET)
    return kept
def go_on():
    print('printed', flush=True)
    os.write(1, b'below\\n')
    print('more')
    sys.stdout.buffer.write(b'bytes\\n')
    sys.stdout.flush()
    print('error', file=sys.stderr)
    print(repr(sys.stdin.readline()), repr(input()))
    if os.fork() == 0:
        print('child', flush=True)
        os._exit(0)
    os.wait()
    sys.stdout.flush()
    subprocess.run(['sh', '-c', 'echo of a child'])
    print(sys.stdout.seekable() and 'seekable', sys.stderr.isatty())
def check(kept):
    for number, file in enumerate(kept):
        assert os.lseek(file, 0, os.SEEK_CUR) == 2, number
        assert os.pread(file, 100, 0) == b'mine %d' % number, number
"""

CLOSERS = {
    "closes what it does not know": "os.closerange(3, 256)",
    "closes everything from 3 on": "os.closerange(3, 4096)",
    "closes one after the other": """
for number in range(3, 400):
    try: os.close(number)
    except OSError: pass
""",
}


def assert_own(directory: Path, count: int = 300) -> None:
    """Assert that the program's files hold what the program has written, and nothing else."""
    for number in range(count):
        assert (directory / f"own-{number}").read_bytes() == b"mine %d" % number


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", CLOSERS)
def test_a_program_that_closes_descriptors_keeps_its_own_files(
    tmp_path: Path, name: str, mode: str
) -> None:
    program = f"{OWN_FILES}\nprint('first', flush=True)\nos.write(1, b'below\\n')\n"
    program += f"{CLOSERS[name]}\nkept = open_own(300)\ngo_on()\nfinish()\ncheck(kept)\n"
    program += "print('end', flush=True)\nos.write(1, b'at the end\\n')\ngo_on\ncheck(kept)\n"
    untraced = run(tmp_path, "untraced", program, b"a\nb\n")

    captured = run(tmp_path, mode, program, b"a\nb\n")

    assert captured == untraced
    assert captured.code == 0
    assert b"at the end" in captured.stdout
    assert_own(tmp_path)
    assert "printed" in text_of(seen(tmp_path), 1)


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", CLOSERS)
def test_into_a_file_the_output_of_such_a_program_is_whole(
    tmp_path: Path, name: str, mode: str
) -> None:
    program = f"{OWN_FILES}\n{CLOSERS[name]}\nkept = open_own(300)\ngo_on()\ncheck(kept)\n"
    program = program.replace("print(repr", "# ")
    untraced = run_to_file(tmp_path, "untraced", program)

    run_to_file(tmp_path, mode, program)

    assert settled(tmp_path / "output", len(untraced)) == untraced
    assert b"of a child" in untraced
    assert_own(tmp_path)


OPENED_ANEW = """
import os, sys
os.closerange(3, 4096)
opened = [os.open('output', os.O_WRONLY | os.O_APPEND) for _ in range(300)]
finish()
for file in opened:
    os.write(file, b'%d\\n' % file)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_a_program_that_closes_what_it_does_not_know_and_opens_its_output_anew_keeps_that(
    tmp_path: Path, mode: str
) -> None:
    untraced = run_to_file(tmp_path, "untraced", OPENED_ANEW)

    run_to_file(tmp_path, mode, OPENED_ANEW)

    assert len(untraced.splitlines()) == 300
    assert (tmp_path / "output").read_bytes() == untraced


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_a_program_that_closes_only_some_keeps_its_own_files(tmp_path: Path, mode: str) -> None:
    """Each descriptor alone is closed and used again by a program, in a process of its own."""
    program = f"""{OWN_FILES}
os.write(1, b'before\\n')
for number in range(195, 215):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        own = os.open(f'own-{{number}}', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.write(own, b'mine')
        os.dup2(own, number)
        os.lseek(own, 1, os.SEEK_SET)
        print('child', number, flush=True)
        os.write(1, b'below\\n')
        print('again', flush=True)
        finish()
        assert (os.lseek(own, 0, os.SEEK_CUR), os.pread(number, 9, 0)) == (1, b'mine')
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    own = os.open('own', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.write(own, b'mine')
"""
    untraced = run(tmp_path, "untraced", program)

    assert run(tmp_path, mode, program) == untraced
    assert untraced.code == 0
    for number in range(195, 215):
        assert (tmp_path / f"own-{number}").read_bytes() == b"mine"


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_nothing_is_read_from_a_pipe_of_the_program(tmp_path: Path, mode: str) -> None:
    program = """
import os, time
os.write(1, b'before\\n')
time.sleep(0.1)
reader, writer = os.pipe()
os.write(writer, b'2\\x0f\\0mine, all of it' * 100)
for number in range(195, 260): os.dup2(reader, number)
print('after', flush=True)
os.write(1, b'below\\n')
time.sleep(0.5)
print('later', flush=True)
if os.fork() == 0: os._exit(0)
os.wait()
finish()
print(len(os.read(reader, 100000)))
for number in range(195, 260): assert os.fstat(number).st_ino == os.fstat(reader).st_ino
"""
    untraced = run(tmp_path, "untraced", program)

    assert run(tmp_path, mode, program) == untraced
    assert untraced == (0, b"before\nafter\nbelow\nlater\n1800\n", b"")


@pytest.mark.parametrize("mode", BOTH)
def test_a_program_that_puts_its_file_everywhere_writes_there_alone(
    tmp_path: Path, mode: str
) -> None:
    program = """
import os, sys
print('before', flush=True)
os.write(1, b'below\\n')
own = os.open('own', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
os.write(own, b'mine')
for number in range(300):
    if number != own: os.dup2(own, number)
print(' printed', flush=True)
os.write(1, b'written')
print('error', file=sys.stderr)
finish()
print(' after', flush=True)
"""
    untraced = run(tmp_path, "untraced", program)
    content = (tmp_path / "own").read_bytes()

    assert run(tmp_path, mode, program) == untraced == (0, b"before\nbelow\n", b"")
    assert (tmp_path / "own").read_bytes() == content
    assert content == b"mine printed\nwrittenerror\n after\n"


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_a_daemon_keeps_its_files(tmp_path: Path, mode: str) -> None:
    program = f"""{OWN_FILES}
import time
print('starting', flush=True)
os.write(1, b'below\\n')
reader, writer = os.pipe()
if os.fork():
    os.close(writer)
    # The daemon has ended when nobody can write any more.
    os.read(reader, 1)
    print('parent', flush=True)
    sys.exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.dup2(writer, 900)
os.closerange(0, 900)
for number in range(3): os.open('daemon-output', os.O_RDWR | os.O_CREAT)
kept = open_own(300)
print('printed', flush=True)
os.write(2, b'below\\n')
time.sleep(0.3)
check(kept)
finish()
check(kept)
os._exit(0)
"""
    untraced = run(tmp_path, "untraced", program)
    content = (tmp_path / "daemon-output").read_bytes()
    (tmp_path / "daemon-output").unlink()

    assert run(tmp_path, mode, program) == untraced == (0, b"starting\nbelow\nparent\n", b"")
    assert (tmp_path / "daemon-output").read_bytes() == content
    assert_own(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("limit", [20, 202, 206, 300])
def test_a_program_without_free_descriptors_goes_on(tmp_path: Path, mode: str, limit: int) -> None:
    program = f"""{OWN_FILES}
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
kept = []
try:
    while True: kept.append(os.open(os.devnull, os.O_RDWR))
except OSError as error: print(error)
print('printed', flush=True)
os.write(1, b'below\\n')
print('error', file=sys.stderr)
print(repr(input()))
if os.fork() == 0:
    print('child', flush=True)
    os._exit(0)
os.wait()
for number in kept: os.fstat(number)
stop()
for number in kept: os.close(number)
print('end')
"""
    untraced = run(tmp_path, "untraced", program, b"a\n")

    assert run(tmp_path, mode, program, b"a\n") == untraced
    assert untraced.code == 0


@pytest.mark.parametrize("limit", [20, 199, *range(200, 212)])
def test_where_there_are_too_few_descriptors_only_proxies_capture(
    tmp_path: Path, limit: int
) -> None:
    program = f"""
import os, resource, sys
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
before = sorted(os.listdir('/proc/self/fd'))
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
recorded = []
capture = OutputCapture('proxies+fd', lambda *record: recorded.append(record[:2]), engine_in_c())
capture.start()
print('printed', flush=True)
capture.stop()
assert (1, b'printed') in recorded
assert sorted(os.listdir('/proc/self/fd')) == before
"""
    assert run(tmp_path, "untraced", program) == (0, b"printed\n", b"")


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
def test_starting_and_stopping_leaves_nothing_behind(tmp_path: Path, mode: str) -> None:
    rounds = 1000 if mode == "proxies" else 20
    program = f"""
import builtins, gc, os, sys
from codetracer.capture.io import OutputCapture
from codetracer.runtime.native import engine_in_c
def state():
    layers = [sys.stdin, sys.__stdin__, sys.stdout, sys.stderr, builtins.input, input]
    layers += [layer for name in ('stdout', 'stderr') for layer in (
        getattr(sys, name).buffer, getattr(sys, name).buffer.raw, getattr(sys, name).write)]
    names = [sorted(vars(layer)) for layer in layers if hasattr(layer, '__dict__')]
    return list(map(repr, layers)), names, sorted(os.listdir('/proc/self/fd'))
def once():
    capture = OutputCapture({mode!r}, lambda *record: None, engine_in_c())
    capture.start()
    print('x', end='', flush=True)
    write = sys.stdout.write
    capture.stop()
    return write
before = state()
counts = []
for rounds in (3, 3, {rounds}):
    for _ in range(rounds): kept = once()
    gc.collect()
    counts.append(len(gc.get_objects()))
print()
print(counts[2] - counts[1], state() == before)
kept('kept')
"""
    expected = b"x" * (rounds + 6) + b"\n0 True\nkept"
    found = run(tmp_path, "untraced", program)

    assert (found.code, found.stderr) == (0, b"")
    assert found.stdout == expected
