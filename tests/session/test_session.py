"""Recording from within a program: start, stop and trace."""

import json
from pathlib import Path
from typing import Any

import pytest

import codetracer
from codetracer.monitoring.backend import VARIABLE
from codetracer.replay import CallEvent, ReturnEvent, StepEvent
from tests.support.running import execute, write
from tests.support.sessions import calls, metadata, run_well, statuses

MANY = """\
import codetracer, gc, os, shutil, sys, threading
def work(n):
    yield [n]
def record(times, capture='proxies'):
    for _ in range(times):
        with codetracer.trace('out', io_capture=capture):
            list(work(3))
            exec(compile('def f(): return 1\\nf()', '<new>', 'exec'))
        shutil.rmtree('out')
    gc.collect()
    children = open(f'/proc/self/task/{os.getpid()}/children').read()
    maps = sum('ctlog' in line for line in open('/proc/self/maps'))
    handles = sorted(os.listdir('/proc/self/fd')), threading.active_count(), children, maps
    return sys.getallocatedblocks(), len(gc.get_objects()), handles
# Each collection ceases to count tuples of objects that are not counted; nested ones take several.
for capture in ('proxies', 'proxies+fd'):
    for _ in range(4):
        before = record(20, capture)
    after = record(1000 if capture == 'proxies' else 200, capture)
    print(*(after[n] - before[n] for n in (0, 1)), after[2] == before[2], *after[2][1:])
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # The machine may be busy; it takes less than half a minute.
def test_a_thousand_recordings_in_one_process_leave_nothing_behind(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": MANY})

    outcome = execute("app.py", cwd=tmp_path, environ={VARIABLE: backend}, timeout=500)

    assert (outcome.code, outcome.stderr) == (0, "")
    for line in outcome.stdout.splitlines():
        blocks, objects, *others = line.split()
        # Some caches of CPython's grow once.
        assert int(blocks) < 30
        assert int(objects) < 30
        assert others == ["True", "1", "0"]
    assert outcome.stdout.count("\n") == 2


NO_SYNC = """\
import ctypes, os, platform, struct
def forbid_msync():
    # A seccomp filter: msync fails with EIO, everything else is allowed.
    number = {'x86_64': 26, 'aarch64': 227}[platform.machine()]
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50005), (6, 0, 0, 0x7fff0000)]
    program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *each) for each in code))
    libc = ctypes.CDLL(None, use_errno=True)
    pointed = struct.pack('HxxxxxxP', len(code), ctypes.addressof(program))
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.c_char_p(pointed), 0, 0) == 0, ctypes.get_errno()
import codetracer
codetracer.configure_policy(on_recorder_error='abort')
forbid_msync()
codetracer.start('out')
pid = os.fork()
if pid == 0:
    raise SystemExit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.slow
def test_the_end_of_a_process_does_not_wait_for_the_disk(tmp_path: Path, backend: str) -> None:
    program = NO_SYNC + "codetracer.stop()\n"

    assert run_well(tmp_path, program, {"CODETRACER_BACKEND": backend}) == "3\n"

    trace = codetracer.read(tmp_path / "out")
    assert (trace.complete, len(trace.processes)) == (True, 2), trace.problem


@pytest.mark.slow
def test_a_flush_waits_for_the_disk_and_says_if_that_fails(tmp_path: Path, backend: str) -> None:
    program = NO_SYNC + (
        "try: codetracer.flush()\nexcept codetracer.RecorderError as error: print(error)\n"
    )

    output = run_well(tmp_path, program, {"CODETRACER_BACKEND": backend})

    assert "Input/output error" in output


@pytest.mark.slow
def test_what_runs_between_start_and_stop_is_recorded(tmp_path: Path, backend: str) -> None:
    output = run_well(
        tmp_path,
        "import codetracer\n"
        "def before(): pass\ndef during(): return 7\ndef after(): pass\n"
        "before()\n"
        "print(codetracer.is_tracing())\n"
        "session = codetracer.start('out')\n"
        "print(codetracer.is_tracing(), session.path)\n"
        "during()\n"
        "codetracer.stop()\n"
        "print(codetracer.is_tracing())\n"
        "after()\n",
        {"CODETRACER_BACKEND": backend},
    )

    assert output == f"False\nTrue {tmp_path / 'out'}\nFalse\n"
    assert calls(tmp_path / "out") == ["during"]
    assert statuses(tmp_path / "out") == [None]
    assert metadata(tmp_path / "out")["exit_status"] == {"code": None, "label": ""}


@pytest.mark.slow
def test_trace_records_a_block_even_one_that_raises(tmp_path: Path) -> None:
    run_well(
        tmp_path,
        "import codetracer\n"
        "def f(n): return n\n"
        "try:\n"
        "    with codetracer.trace('out') as session:\n"
        "        f(1)\n"
        "        1 / 0\n"
        "except ZeroDivisionError:\n"
        "    assert not codetracer.is_tracing()\n"
        "f(2)\n",
    )

    arguments = [
        event.arguments
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, CallEvent) and not event.entered
    ]
    assert arguments == [{"n": 1}]


def test_stop_takes_the_exit_status_and_a_second_one_does_nothing(tmp_path: Path) -> None:
    run_well(
        tmp_path,
        "import codetracer\nsession = codetracer.start('out')\n"
        "codetracer.stop(5)\ncodetracer.stop(6)\nsession.stop(7)\ncodetracer.flush()\n"
        "session.flush()\n",
    )

    assert statuses(tmp_path / "out") == [5]
    assert metadata(tmp_path / "out")["exit_status"] == {"code": 5, "label": ""}


@pytest.mark.slow
def test_a_recording_that_is_not_stopped_ends_with_the_process_after_its_atexit_handlers(
    tmp_path: Path,
) -> None:
    run_well(
        tmp_path,
        "import atexit, codetracer\ncodetracer.start('out')\n"
        "def last(): print('last')\natexit.register(last)\n",
    )

    assert calls(tmp_path / "out") == ["last"]


@pytest.mark.slow
def test_one_recording_after_another_each_has_its_own_trace(tmp_path: Path) -> None:
    run_well(
        tmp_path,
        "import codetracer\n"
        "def f(n): return n\n"
        "for n in range(3):\n"
        "    with codetracer.trace(f'out-{n}'):\n"
        "        f(n)\n",
    )

    for n in range(3):
        events = list(codetracer.read(tmp_path / f"out-{n}"))
        assert sum(isinstance(event, ReturnEvent) for event in events) == 1
        assert calls(tmp_path / f"out-{n}") == ["f"]


def test_a_session_that_has_ended_does_not_stop_another_one(tmp_path: Path) -> None:
    output = run_well(
        tmp_path,
        "import codetracer\n"
        "first = codetracer.start('one')\nfirst.stop()\n"
        "codetracer.start('two')\nfirst.stop()\nfirst.flush()\nprint(codetracer.is_tracing())\n",
    )

    assert output == "True\n"


def test_a_second_start_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    output = run_well(
        tmp_path,
        "import codetracer\n"
        "def f(): pass\n"
        "codetracer.start('one')\n"
        "try:\n    codetracer.start('two')\n"
        "except codetracer.UsageError as error:\n    print(error.code)\n"
        "f()\n",
    )

    assert output == "ERR_ALREADY_TRACING\n"
    assert not (tmp_path / "two").exists()
    assert calls(tmp_path / "one") == ["f"]


def test_a_start_that_another_tracer_prevents_leaves_no_folder(tmp_path: Path) -> None:
    output = run_well(
        tmp_path,
        "import codetracer, sys\n"
        "for slot in (3, 4, 5): sys.monitoring.use_tool_id(slot, 'other')\n"
        "try:\n    codetracer.start('out')\n"
        "except codetracer.UsageError as error:\n    print(error.code)\n"
        "print(codetracer.is_tracing())\n",
    )

    assert output == "ERR_TRACER_INSTALL_CONFLICT\nFalse\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_recording_that_was_uninstalled_does_not_stop_what_is_installed_since(
    tmp_path: Path,
) -> None:
    output = run_well(
        tmp_path,
        "import codetracer\n"
        "class Other(codetracer.Tracer):\n"
        "    def on_line(self, code, line): pass\n"
        "    def finish(self): print('finished')\n"
        "codetracer.start('out')\n"
        "codetracer.uninstall_tracer()\n"
        "print(codetracer.is_tracing())\n"
        "codetracer.install_tracer(Other())\n"
        "codetracer.stop()\n"
        "print('still there')\n"
        "codetracer.uninstall_tracer()\n",
    )

    assert output == "False\nstill there\nfinished\n"
    assert codetracer.read(tmp_path / "out").complete


@pytest.mark.slow
def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"out/precious.txt": "text"})

    output = run_well(
        tmp_path,
        "import codetracer\n"
        "try:\n    codetracer.start('out')\n"
        "except codetracer.UsageError as error:\n    print(error.code)\n",
    )

    assert output == "ERR_TRACE_DIR_CONFLICT\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious.txt"]


@pytest.mark.slow
def test_without_a_name_the_first_free_folder_is_taken(tmp_path: Path) -> None:
    program = "import codetracer\nprint(codetracer.start().path)\n"

    outputs = [run_well(tmp_path, program).strip() for _ in range(3)]

    assert outputs == [str(tmp_path / f"trace-out{suffix}") for suffix in ("", "-2", "-3")]


@pytest.mark.slow
def test_the_options_of_start_are_those_of_the_command(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "filter.toml": '[meta]\nname = "f"\nversion = 1\n[scope]\ndefault_exec = "trace"\n'
            'default_value_action = "allow"\n[[scope.rules]]\n'
            'selector = "obj:*.hidden"\nexec = "skip"\n'
        },
    )
    run_well(
        tmp_path,
        "import codetracer\n"
        "def hidden(): pass\ndef shown(text): print(text)\n"
        "with codetracer.trace('out', trace_filter=['filter.toml'], io_capture='off',\n"
        "                      limits=codetracer.Limits(2, 3, 4)):\n"
        "    hidden()\n    shown('123456')\n",
    )

    found = metadata(tmp_path / "out")
    assert calls(tmp_path / "out") == ["shown"]
    limits = found["limits"]
    assert isinstance(limits, dict)
    assert (limits["depth"], limits["items"], limits["text"]) == (2, 3, 4)
    assert "filter.toml" in json.dumps(found["filters"])
    (event,) = (
        event for event in codetracer.read(tmp_path / "out") if isinstance(event, ReturnEvent)
    )
    assert event.frame.code.name == "shown"


@pytest.mark.parametrize(
    ("limit", "value", "allowed"),
    [
        ("depth", 401, "from 1 to 400, not 401"),
        ("depth", 0, "from 1 to 400, not 0"),
        ("items", -1, "1 or more, not -1"),
        ("text", "80", "1 or more, not '80'"),
        ("objects", 2.5, "1 or more, not 2.5"),
    ],
)
def test_a_limit_out_of_its_range_is_refused(limit: str, value: Any, allowed: str) -> None:
    with pytest.raises(codetracer.UsageError, match=f"{limit}.* must be a whole number, {allowed}"):
        codetracer.Limits(**{limit: value})


@pytest.mark.slow
def test_a_path_like_object_names_a_folder(tmp_path: Path) -> None:
    run_well(
        tmp_path,
        "import codetracer, pathlib\ncodetracer.start(pathlib.Path('a/b'))\n",
    )

    assert codetracer.read(tmp_path / "a/b").complete


NEW_CODE = """\
import sys, threading, time, codetracer
source = '\\n'.join(f'def f{n}(a):\\n  return a\\nf{n}(1)' for n in range(50))
done = False
def work():
    while not done:
        exec(compile(source, 'new.py', 'exec'), {'__name__': 'new'})
def leaf(n):
    return n + 1
def call():
    n = 0
    while not done:
        n = leaf(n)
threads = [threading.Thread(target=each) for each in (work, work, work, call, call, call)]
for thread in threads:
    thread.start()
for n in range(8):
    sys.setswitchinterval((5e-3, 1e-5)[n % 2])
    codetracer.start(path=f'out{n}', io_capture='off')
    time.sleep(0.05)
    codetracer.stop()
done = True
for thread in threads:
    thread.join()
"""


@pytest.mark.slow
def test_a_recording_begins_and_ends_while_threads_run_code_old_and_new(
    tmp_path: Path, backend: str
) -> None:
    run_well(tmp_path, NEW_CODE, {"CODETRACER_BACKEND": backend})

    for number in range(8):
        counts = metadata(tmp_path / f"out{number}")["counts"]
        assert isinstance(counts, dict)
        assert counts["missed"] == 0
        read = codetracer.read(tmp_path / f"out{number}")
        assert sum(1 for process in read.processes for _ in process) > 0
        assert read.complete, read.problem


RUNNING = """\
import threading, time, codetracer
done = False
def spin():
    n = 0
    while not done:
        n += 1
def waits():
    yield
    x = 1
    yield
thread = threading.Thread(target=spin)
thread.start()
waiting = waits()
next(waiting)
def main():
    codetracer.start(path='out')
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        pass
    next(waiting)
    codetracer.stop()
main()
done = True
thread.join()
"""


def test_lines_of_functions_that_run_already_are_recorded(tmp_path: Path, backend: str) -> None:
    run_well(tmp_path, RUNNING, {"CODETRACER_BACKEND": backend})

    lines = {
        (event.frame.code.name, event.line)
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, StepEvent)
    }

    others = {("spin", 5), ("spin", 6)} if backend == "native" else set()
    assert {("waits", 9), ("main", 18)} | others <= lines
