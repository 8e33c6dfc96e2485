"""A recording has the processes that a program starts, and the way in which each of them ended."""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from tests.support.reading import read
from tests.support.recordings import NATIVE
from tests.support.running import Outcome, execute, write


def record(folder: Path, program: str, *options: str, backend: str) -> Outcome:
    """Record a program; how much was recorded is left out of what was said."""
    write(folder, {"app.py": program, "worker.py": "print('worker')\n"})
    outcome = execute(
        *("-m", "codetracer", "record", "-o", "out", *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend},
    )
    said = outcome.stderr.splitlines(keepends=True)
    kept = [line for line in said if not line.startswith("codetracer: recorded ")]
    return outcome._replace(stderr="".join(kept))


def info(folder: Path) -> dict[str, Any]:
    outcome = read("info", "out", "--format=json", cwd=folder)
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


STARTING = {
    "subprocess": "import subprocess, sys\nsubprocess.run([sys.executable, 'worker.py'])\n",
    "by posix_spawn": "import subprocess, sys\n"
    "subprocess.run([sys.executable, 'worker.py'], close_fds=False)\n",
    "a path": "import pathlib, subprocess, sys\n"
    "subprocess.run([pathlib.Path(sys.executable), 'worker.py'])\n",
    "os.posix_spawn": "import os, sys\n"
    "pid = os.posix_spawn(sys.executable, [sys.executable, 'worker.py'], os.environ)\n"
    "os.waitpid(pid, 0)\n",
    "os.system": "import os, sys\nos.system(f'{sys.executable} worker.py')\n",
    "a shell": "import subprocess, sys\n"
    "subprocess.run(f'{sys.executable} worker.py', shell=True)\n",
    "a script": "import os, subprocess, sys\n"
    "with open('script', 'w') as file: file.write(f'#!{sys.executable}\\nprint(\"worker\")\\n')\n"
    "os.chmod('script', 0o755)\nsubprocess.run(['./script', 'worker.py'])\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("way", STARTING)
def test_a_python_process_that_is_started_and_not_recorded_is_told_of(
    tmp_path: Path, way: str, backend: str
) -> None:
    outcome = record(tmp_path, STARTING[way], backend=backend)

    assert (outcome.code, outcome.stdout) == (0, "worker\n")
    (note,) = outcome.stderr.splitlines()
    assert note.startswith(
        "codetracer: Python processes that the program started, which are not recorded: 1 ("
    )
    assert "worker.py" in note
    found = info(tmp_path)
    (command,) = found["unrecorded"]
    assert command.endswith("worker.py")
    assert (found["complete"], found["problem"]) == (True, None)
    shown = read("info", "out", cwd=tmp_path).stdout
    assert "missing    a Python process was started and is not recorded: " in shown


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_of_multiprocessing_that_are_not_forked_are_told_of(
    tmp_path: Path, method: str, backend: str
) -> None:
    program = (
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context('{method}')\n"
        "    for _ in range(2):\n"
        "        process = context.Process(target=print)\n"
        "        process.start(); process.join()\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert (outcome.code, outcome.stdout) == (0, "\n\n")
    assert "multiprocessing" in outcome.stderr
    unrecorded = info(tmp_path)["unrecorded"]
    # From 3.15 on, the server that forks them is reported by its command.
    each = method == "spawn" or sys.version_info < (3, 15)
    assert len([command for command in unrecorded if "multiprocessing" in command]) >= 1 + each


@pytest.mark.slow
def test_nothing_is_said_of_processes_that_are_no_python_or_are_forked(
    tmp_path: Path, backend: str
) -> None:
    program = (
        "import os, subprocess\nsubprocess.run(['true']); os.system('true')\n"
        "subprocess.run('exit 0', shell=True)\n"
        "pid = os.fork()\nif not pid: raise SystemExit\nos.waitpid(pid, 0)\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert outcome == Outcome(0, "", "")
    assert info(tmp_path)["unrecorded"] == []


@pytest.mark.slow
def test_nothing_is_said_of_them_where_nothing_is_to_be_said(tmp_path: Path) -> None:
    outcome = record(tmp_path, STARTING["subprocess"], "--quiet", backend=BACKENDS[0])

    assert outcome == Outcome(0, "worker\n", "")


ENDING = """\
import os, subprocess, sys
def started(work):
    pid = os.fork()
    if pid == 0:
        work()
    print(os.waitpid(pid, 0)[1], flush=True)
started(lambda: os.execv('/bin/true', ['true']))
started(sys.exit)
started(lambda: os.execvp('true', ['true']))
print(subprocess.run(['true'], preexec_fn=lambda: None).returncode)
"""


@pytest.mark.slow
def test_a_process_that_runs_another_program_in_its_place_has_a_whole_log(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, ENDING, backend=backend)

    assert outcome == Outcome(0, "0\n0\n0\n0\n", "")
    found = info(tmp_path)
    assert (found["complete"], found["problem"]) == (True, None)
    endings = Counter(row["ending"].replace("/usr/", "/") for row in found["processes"])
    assert endings == {
        "recorded to its end": 2,
        "replaced by exec of /bin/true": 2,
        "replaced by exec of true": 1,
    }


FORKED = """\
import os, sys
def ended(how):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        how()
        print('at its end')
        sys.stdout.flush()
    else:
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return pid
def fail(): raise ValueError('the child')
for how in (lambda: sys.exit(3), lambda: sys.exit('a text'), sys.exit, fail, lambda: None):
    if not ended(how):
        break
"""


@pytest.mark.slow
def test_a_forked_process_ends_as_it_does_unrecorded(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": FORKED})
    plain = execute("app.py", cwd=tmp_path)
    assert plain.stdout.split() == ["3", "1", "0", "1", "at", "its", "end", "0"]

    assert record(tmp_path, FORKED, backend=backend) == plain


@pytest.mark.slow
def test_an_exec_that_fails_is_no_end(tmp_path: Path, backend: str) -> None:
    program = (
        "import os\npid = os.fork()\nif pid == 0:\n"
        "    try: os.execv('/no/such', ['x'])\n"
        "    except OSError: x = 1\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert outcome == Outcome(0, "", "")
    found = info(tmp_path)
    assert found["complete"] is False
    assert [row["ending"] for row in found["processes"]] == [
        "recorded to its end",
        "no end: left by os._exit, killed or crashed, or still running",
    ]


def test_the_main_process_may_run_another_program_too(tmp_path: Path, backend: str) -> None:
    program = "import os, sys\nos.execv(sys.executable, [sys.executable, 'worker.py'])\n"

    outcome = record(tmp_path, program, backend=backend)

    assert outcome == Outcome(0, "worker\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    (row,) = info(tmp_path)["processes"]
    assert row["ending"] == f"replaced by exec of {sys.executable}"


@pytest.mark.slow
def test_a_program_that_runs_itself_in_its_place_goes_on_in_another_log(
    tmp_path: Path, backend: str
) -> None:
    program = (
        "import os, sys\n"
        "if os.environ.get('AGAIN'): print('again'); raise SystemExit(4)\n"
        "os.environ['AGAIN'] = '1'\n"
        "os.execv(sys.executable, sys.orig_argv)\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert outcome == Outcome(4, "again\n", "")
    processes = codetracer.read(tmp_path / "out").processes
    assert len(processes) == 2
    assert len({process.pid for process in processes}) == 1
    assert all(process.complete for process in processes)


TRACED = """\
import subprocess, sys
seen = []
def trace(frame, event, argument):
    seen.append(frame.f_code.co_filename)
sys.setprofile(trace)
sys.settrace(trace)
subprocess.run([sys.executable, 'worker.py'])
sys.settrace(None); sys.setprofile(None)
print([name for name in seen if 'codetracer' in name])
"""


@pytest.mark.slow
@pytest.mark.only_where(NATIVE)
@pytest.mark.parametrize("backend", ["native"])
def test_a_programs_own_trace_function_sees_nothing_of_it(tmp_path: Path, backend: str) -> None:
    outcome = record(tmp_path, TRACED, "--io-capture=off", backend=backend)

    assert outcome.stdout == "worker\n[]\n"
    assert os.path.exists(tmp_path / "out")


OWN_PATHS = """
import subprocess
class Odd:
    __module__ = None
    def __fspath__(self): return '/bin/true'
class Watched(type):
    def __getattribute__(cls, name):
        looked_up.append(name)
        return type.__getattribute__(cls, name)
class Path(metaclass=Watched):
    def __fspath__(self): return '/bin/true'
print(subprocess.run([Odd()]).returncode)
path = Path()
looked_up = []
print(subprocess.run([path]).returncode, looked_up)
"""


@pytest.mark.slow
def test_a_path_of_the_programs_own_is_not_asked_what_it_is(tmp_path: Path, backend: str) -> None:
    outcome = record(tmp_path, OWN_PATHS, backend=backend)

    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "0\n0 []\n", "")


@pytest.mark.slow
def test_nothing_is_read_from_a_pipe_that_a_program_tries_to_run(
    tmp_path: Path, backend: str
) -> None:
    program = (
        "import os, subprocess\n"
        "os.mkfifo('tool')\n"
        "reader = os.open('tool', os.O_RDONLY | os.O_NONBLOCK)\n"
        "os.write(os.open('tool', os.O_WRONLY), b'#! mine')\n"
        "try: subprocess.run(['./tool'])\n"
        "except PermissionError: print(os.read(reader, 100))\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert (outcome.stdout, outcome.stderr) == ("b'#! mine'\n", "")


def test_a_program_may_raise_audit_events_with_any_arguments(tmp_path: Path, backend: str) -> None:
    program = (
        "import sys\n"
        "for event in ('os.exec', 'os.system', 'os.posix_spawn', 'subprocess.Popen'):\n"
        "    for arguments in ((), (1,), (None, None), (b'', [1], {})):\n"
        "        sys.audit(event, *arguments)\n"
        "print('told')\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert (outcome.stdout, outcome.stderr) == ("told\n", "")


# With the engine in Python the listener itself is a frame that there may be no room for.
@pytest.mark.only_where(NATIVE)
@pytest.mark.parametrize("backend", ["native"])
def test_a_program_whose_stack_is_full_starts_processes_as_ever(
    tmp_path: Path, backend: str
) -> None:
    program = (
        "import os, sys\n"
        "def at_the_end(n):\n"
        "    try: return at_the_end(n + 1)\n"
        "    except RecursionError:\n"
        "        tries.append(n)\n"
        "        return os.system('true')\n"
        "sys.setrecursionlimit(300)\n"
        "tries = []\n"
        "print(at_the_end(0), len(tries))\n"
    )

    outcome = record(tmp_path, program, backend=backend)

    assert (outcome.stdout, outcome.stderr) == ("0 1\n", "")
