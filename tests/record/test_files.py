"""A recorded program's files stay as they are to the byte, whatever it does with descriptors."""

from pathlib import Path

import pytest

import codetracer
from codetracer.replay import ReturnEvent
from tests.support.recordings import record
from tests.support.running import execute, write

WORK = """
import os, resource, signal, sys
def work(n):
    return [n] * 3
def much():
    for n in range(10000):
        work(n)
def take_numbers():
    # Files of the program's own, under every number that there may be.
    files = [open(f'own{n}', 'wb+') for n in range(60)]
    for number, file in enumerate(files):
        file.write(b'%02d' % number * 3000)
        file.flush()
    return files
def check(files):
    for number, file in enumerate(files):
        file.seek(0)
        assert file.read() == b'%02d' % number * 3000, (number, os.path.getsize(f'own{number}'))
"""

CLOSES = """
much()
os.closerange(3, 4096)
files = take_numbers()
much()
check(files)
"""

PUTS_ITS_OWN = """
much()
own = os.open('own', os.O_RDWR | os.O_CREAT)
os.write(own, b'precious')
for number in range(3, 256):
    os.dup2(own, number)
much()
os.closerange(4, 256)
check(take_numbers())
much()
assert os.path.getsize('own') == 8
"""

BECOMES_A_DAEMON = """
much()
sys.stdout.flush()
if os.fork():
    os.wait()
    sys.exit()
os.setsid()
if os.fork():
    os._exit(0)
os.closerange(3, 4096)
os.chdir('daemon')
files = take_numbers()
much()
check(files)
open('ready', 'w').close()
"""

HAS_NONE_LEFT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
much()
taken = []
try:
    while True:
        taken.append(os.open('/dev/null', os.O_RDONLY))
except OSError:
    pass
much()
while taken:
    os.close(taken.pop())
check(take_numbers())
"""

MOVES_IT = """
much()
os.rename('out', 'moved')
much()
files = take_numbers()
check(files)
"""


def returns(path: Path) -> list[int]:
    """Return how many calls of ``work`` each process has recorded; each must be whole."""
    found = []
    for process in codetracer.read(path).processes:
        events = (event for event in process.replay() if isinstance(event, ReturnEvent))
        found.append(sum(event.frame.code.name == "work" for event in events))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("program", [CLOSES, PUTS_ITS_OWN], ids=["closes", "puts its own"])
def test_a_program_may_close_and_replace_every_descriptor(
    tmp_path: Path, backend: str, program: str
) -> None:
    record(tmp_path, WORK + program, backend=backend)

    times = program.count("much()")
    assert returns(tmp_path / "out") == [times * 10000]
    assert codetracer.read(tmp_path / "out").complete


@pytest.mark.slow
def test_a_daemon_keeps_its_files_and_each_process_has_its_log(
    tmp_path: Path, backend: str
) -> None:
    (tmp_path / "daemon").mkdir()

    record(tmp_path, WORK + BECOMES_A_DAEMON, backend=backend)

    ready = "import os, time\nwhile not os.path.exists('daemon/ready'): time.sleep(0.01)"
    assert execute("-c", ready, cwd=tmp_path).code == 0
    assert 10000 in returns(tmp_path / "out")
    for number in range(60):
        assert (tmp_path / f"daemon/own{number}").read_bytes() == b"%02d" % number * 3000


@pytest.mark.slow
def test_a_program_that_has_no_descriptors_left_goes_on_and_nothing_is_missing(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, WORK + HAS_NONE_LEFT, backend=backend)

    assert returns(tmp_path / "out") == [2 * 10000]
    assert codetracer.read(tmp_path / "out").complete


@pytest.mark.slow
def test_a_program_that_moves_its_recording_keeps_what_was_recorded_by_then(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": WORK + MOVES_IT})

    outcome = execute(
        *("-m", "codetracer", "record", "--on-recorder-error=disable", "--quiet"),
        *("-o", "out", "app.py"),
        cwd=tmp_path,
        environ={"CODETRACER_BACKEND": backend},
    )

    assert outcome.code == 0, outcome
    assert not (tmp_path / "out").exists()
    assert returns(tmp_path / "moved")[0] >= 10000
