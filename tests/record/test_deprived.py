"""A program that takes away what recording needs ends as it does unrecorded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import ReturnEvent
from tests.support.running import Outcome, execute, trace_environ, write

pytestmark = pytest.mark.fresh

WORK = """\
import os
PART = os.path.join(os.getcwd(), 'part.py')
def work(n):
    return n
for n in range(100):
    work(n)
"""

DEPRIVED = {
    "the folder is renamed": WORK + "import os\nos.rename('out', 'moved')\n",
    "the folder is removed": WORK + "import shutil\nshutil.rmtree('out')\n",
    "another folder is in its place": WORK
    + "import os\nos.rename('out', 'moved'); os.mkdir('out')\n",
    "the user is another one": WORK + "import os\nos.setgid(65534); os.setuid(65534)\n",
    "the root is another one": WORK + "import os\nos.chroot('jail'); os.chdir('/')\n",
    "no descriptor is left": WORK
    + "import os, resource\n"
    + "resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(7)[0], ) * 2)\n"
    + "try:\n    while True: os.dup(1)\nexcept OSError as error: print(error)\n",
    "no file can grow": WORK
    + "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n",
    "all descriptors are closed": WORK + "import os\nos.closerange(3, 256)\n",
}
BEHIND = """
with_code = "class New:\\n    def f(self): return [1]\\nNew().f()"
exec(compile(with_code, PART, 'exec'))
class Late:
    def method(self): return 5
print(Late().method(), 'ran')
raise SystemExit(3)
"""
"""New code, types and files, which recording would copy."""


def run(folder: Path, *options: str, backend: str) -> Outcome:
    recorded = ("-m", "codetracer", "record", "-q", "-o", "out", *options)
    return execute(*recorded, "app.py", cwd=folder, environ={"CODETRACER_BACKEND": backend})


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """Return a folder that everybody may go to; others than root may not write there."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o555)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("how", DEPRIVED)
def test_a_program_that_takes_away_what_recording_needs_ends_as_it_does_unrecorded(
    open_folder: Path, how: str, backend: str
) -> None:
    for name in ("plain", "recorded"):
        files = {f"{name}/app.py": DEPRIVED[how] + BEHIND, f"{name}/part.py": "# a file\n"}
        write(open_folder, files)
        (open_folder / name / "jail").mkdir()
    # Unrecorded there is an `out` to take away, too.
    (open_folder / "plain/out").mkdir()
    plain = execute("app.py", cwd=open_folder / "plain")

    recorded = run(open_folder / "recorded", backend=backend)

    assert (recorded.code, recorded.stdout) == (plain.code, plain.stdout)
    assert "Traceback" not in recorded.stderr, recorded.stderr
    names = {path.name for path in (open_folder / "recorded").iterdir()}
    assert names == {path.name for path in (open_folder / "plain").iterdir()}
    if "place" in how:
        assert list((open_folder / "recorded/out").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", ["the folder is renamed", "the user is another one", "the root is another one"]
)
def test_what_was_recorded_by_then_is_kept_and_the_end_says_what_is_missing(
    open_folder: Path, how: str, backend: str
) -> None:
    write(open_folder, {"app.py": DEPRIVED[how] + BEHIND})
    (open_folder / "jail").mkdir()

    outcome = run(open_folder, backend=backend)

    assert outcome.stdout.endswith("ran\n")
    out = open_folder / ("moved" if "renamed" in how else "out")
    note = outcome.stderr.splitlines()[-1]
    assert note.startswith("codetracer: the recording is incomplete: the metadata in ")
    trace = codetracer.read(out)
    returned = [event.value for event in trace if isinstance(event, ReturnEvent)]
    assert returned[:100] == list(range(100))
    assert trace.processes[0].complete
    assert "trace_metadata.json was not written at the end" in (trace.problem or "")


FULL_DISK = """
import os
WORK = 'x' * 400
def work(n):
    return f'{n:0400}'
try:
    with open('disk/mine', 'wb') as file:
        while True: file.write(bytes(1 << 16)); file.flush()
except OSError as error:
    print(error)
for n in range(5000):
    work(n)
os.unlink('disk/mine')
print('end')
"""


@pytest.mark.slow
def test_a_program_that_fills_the_disk_goes_on(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": FULL_DISK})
    (tmp_path / "disk").mkdir()
    mounted = (
        "mount -t tmpfs -o size=6m none disk && "
        f"{sys.executable} -m codetracer record --max-text 1000 -o disk/out app.py; "
        "status=$?; cp -r disk/out kept; exit $status"
    )

    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted],
        cwd=tmp_path,
        env=trace_environ() | {"CODETRACER_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (
        0,
        "[Errno 28] No space left on device\nend\n",
    ), done.stderr
    assert "the recording is incomplete: " in done.stderr
    trace = codetracer.read(tmp_path / "kept")
    assert "No space left on device" in (trace.problem or "")
    assert sum(isinstance(event, ReturnEvent) for event in trace) > 100


NO_MEMORY = """
import resource
def work(n):
    return f'{n:0400}'
with open('/proc/self/statm') as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
for n in range(200):
    work(n)
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20), resource.RLIM_INFINITY))
kept = []
try:
    while True: kept.append(bytes(512 << 10))
except MemoryError:
    print('full')
for n in range(9000):
    work(n)
kept.clear()
print('end')
"""
"""Its log needs another window while no memory is left for one."""


@pytest.mark.slow
def test_a_program_that_fills_its_memory_and_recovers_goes_on(tmp_path: Path, backend: str) -> None:
    # Callbacks in Python need memory themselves: CPython cannot call any where there is none.
    spare = "kept.pop()" if backend == "python" else ""
    write(tmp_path, {"app.py": NO_MEMORY.replace("print('full')", f"print('full'); {spare}")})

    outcome = run(tmp_path, "--io-capture=off", "--max-text=1000", backend=backend)

    assert (outcome.code, outcome.stdout) == (0, "full\nend\n"), outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    returned = sum(isinstance(event, ReturnEvent) for event in trace)
    # Before memory was full, the program had made 200 calls.
    assert returned >= 200
    # Nothing is lost in silence, wherever memory was short: each event was written, was counted as
    # missed, or came after the recording's end.
    if trace.complete:
        counts = trace.metadata["counts"]
        assert isinstance(counts, dict)
        assert returned + counts["missed"] >= 9200
    else:
        assert "the recording is incomplete: " in outcome.stderr
        assert "Cannot allocate memory" in (trace.problem or "")


LET_GO = """
import gc, weakref
gc.disable()
class Kept:
    def __init__(self, items):
        self.items = items
def deep(kept):
    mine = [kept, [kept.items]]
    return deep(kept)
def further(n, kept):
    return further(n - 1, kept) if n else deep(kept)
def turn(n):
    kept = Kept([n])
    ref = weakref.ref(kept)
    try:
        further(n, kept)
    except RecursionError:
        pass
    del kept
    return ref() is not None
alive = [turn(n) for n in range(5)]
print(len(alive), sum(alive))
"""
"""It fills its stack, amid events of all kinds, and drops what it has."""


@pytest.mark.slow
def test_what_a_program_has_let_go_is_freed_though_events_about_it_had_no_room(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": LET_GO})

    outcome = run(tmp_path, "--io-capture=off", backend=backend)

    assert (outcome.code, outcome.stdout) == (0, "5 0\n"), outcome.stderr
    counts = codetracer.read(tmp_path / "out").metadata["counts"]
    assert isinstance(counts, dict)
    assert counts["missed"] > 0


@pytest.mark.slow
def test_a_recording_that_the_program_has_begun_itself_does_not_end_it_either(
    tmp_path: Path, backend: str
) -> None:
    program = "import codetracer\ncodetracer.start('out')\n" + DEPRIVED["the folder is renamed"]
    write(tmp_path, {"app.py": program + "codetracer.stop()\nprint('ran')\n"})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert (outcome.code, outcome.stdout) == (0, "ran\n")
    assert "[ERR_IO] the metadata in " in outcome.stderr


@pytest.mark.slow
def test_a_large_file_is_not_copied_and_the_metadata_says_so(tmp_path: Path) -> None:
    large = tmp_path / "large.py"
    with open(large, "wb") as file:
        file.truncate(1 << 30)
    code = f"code = compile('def f(): pass\\nf()', {str(large)!r}, 'exec')\n" + "exec(code)\n" * 2
    write(tmp_path, {"app.py": code})

    outcome = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    assert (outcome.code, outcome.stderr) == (0, "")
    found = json.loads((tmp_path / "out/trace_metadata.json").read_text())
    assert found["sources_left_out"] == {
        str(large): "it has 1073741824 bytes; up to 4194304 are copied"
    }
    assert str(large) not in found["sources"]
    assert [path.name for path in (tmp_path / "out/sources").rglob("*.py")] == ["app.py"]
    assert codetracer.read(tmp_path / "out").complete
    shutil.rmtree(tmp_path / "out")


@pytest.mark.slow
def test_a_message_is_not_written_into_a_file_that_has_the_number_of_standard_error(
    tmp_path: Path,
) -> None:
    program = (
        "import os\nos.close(2)\nfile = os.open('mine', os.O_CREAT | os.O_WRONLY)\n"
        "assert file == 2\nos.write(2, b'mine')\nos.rename('out', 'moved')\nraise SystemExit(3)\n"
    )
    write(tmp_path, {"app.py": program})

    outcome = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    assert outcome.code == 3
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert os.listdir(tmp_path / "moved") != []


PATCHED = """\
import builtins, io, json, os, posix, sys, threading, time, _thread
write = posix.write
def watched(name, function):
    def counted(*arguments, **options):
        caller = sys._getframe(1).f_globals.get('__name__', '')
        if caller.startswith('codetracer'):
            write(1, f'{name} called by {caller}\\n'.encode())
        return function(*arguments, **options)
    return counted
NAMES = {
    builtins: ('open', 'len', 'next', 'print', 'sorted', 'sum', 'getattr', 'isinstance', 'any'),
    os: ('makedirs', 'mkdir', 'stat', 'lstat', 'fstat', 'open', 'close', 'read', 'write',
         'listdir', 'replace', 'unlink', 'rmdir', 'getpid', 'getcwd', 'putenv', 'unsetenv'),
    os.path: ('join', 'dirname', 'getsize', 'isabs', 'abspath'),
    time: ('time_ns', 'perf_counter_ns', 'strftime', 'gmtime', 'time'),
    json: ('dump', 'dumps'),
}
for module, names in NAMES.items():
    for name in names:
        setattr(module, name, watched(f'{module.__name__}.{name}', getattr(module, name)))
exec(compile('def new(): return [1]\\nnew()', posix.getcwd() + '/part.py', 'exec'))
pid = os.fork()
if pid == 0:
    exec(compile('def new(): return [1]\\nnew()', posix.getcwd() + '/other.py', 'exec'))
    raise SystemExit
os.waitpid(pid, 0)
"""


@pytest.mark.slow
def test_new_files_forks_and_the_end_call_nothing_that_the_program_has_replaced(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": PATCHED, "part.py": "#\n", "other.py": "#\n"})

    outcome = run(tmp_path, backend=backend)

    assert outcome == Outcome(0, "", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert trace.source_lines(str(tmp_path / "other.py")) == ["#"]
