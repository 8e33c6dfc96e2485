"""A recorder and its folder: made, begun, failed, discarded; the names of things in it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import codetracer
from codetracer.errors import HostError, UsageError
from codetracer.recording.directory import TraceDirectory
from codetracer.recording.json_text import json_text
from codetracer.recording.names import METADATA_FILE, source_name
from codetracer.session import make_recorder
from tests.support.running import execute, trace_environ, write


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("/a/b/c.py", "a/b/c.py"),
        ("/a/../../etc/passwd", "a/etc/passwd"),
        ("/x/....//....//etc/passwd", "x/..../..../etc/passwd"),
        ("//a//b.py", "a/b.py"),
        ("<string>", "<string>"),
        ("/", "_"),
        ("/..", "_"),
        ("", "_"),
    ],
)
def test_a_copy_is_never_outside_the_folder_of_sources(filename: str, name: str) -> None:
    assert source_name(filename) == name


def test_a_copy_is_what_the_file_was(tmp_path: Path) -> None:
    directory = TraceDirectory(str(tmp_path / "out"))
    file = tmp_path / "app.py"
    file.write_bytes(b"\xff\x00 any bytes\r\n")

    directory.keep_source(str(file))
    file.write_bytes(b"other")

    copy = tmp_path / "out/sources" / source_name(str(file))
    assert copy.read_bytes() == b"\xff\x00 any bytes\r\n"
    assert directory.copies() == [source_name(str(file))]


@pytest.mark.parametrize("name", ["missing.py", "folder", "pipe", "nul\0byte", "/dev/zero"])
def test_what_is_no_file_is_not_copied_and_nobody_waits_for_it(tmp_path: Path, name: str) -> None:
    directory = TraceDirectory(str(tmp_path / "out"))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    directory.keep_source(os.path.join(tmp_path, name))
    directory.keep_source("relative.py")

    assert directory.copies() == []


def test_metadata_is_whole_or_as_it_was(tmp_path: Path) -> None:
    directory = TraceDirectory(str(tmp_path / "out"))
    directory.write_metadata({"a": "\udcff ä"})
    (tmp_path / "out" / f"{METADATA_FILE}.new").mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        directory.write_metadata({"a": 2})

    assert json.loads((tmp_path / "out" / METADATA_FILE).read_text()) == {"a": "\udcff ä"}


def test_metadata_is_the_text_that_json_would_make_of_it() -> None:
    value = {
        "text": 'a"\\\n\udcff\u00e4\U0001f600\x00\x7f\r\t\f\b/',
        "numbers": [0, -1, 10**30, 0.5],
        "words": [None, True, False],
        "empty": [{}, [], ""],
        "deep": {"a": [{"b": 1}]},
    }

    assert json_text(value) == json.dumps(value, indent=1)


def test_removing_a_recording_leaves_what_is_not_of_it(tmp_path: Path) -> None:
    directory = TraceDirectory(str(tmp_path / "out"))
    directory.write_metadata({})
    directory.write_source("/a/b.py", b"")
    Path(directory.log_path(1)).write_bytes(b"")
    write(tmp_path, {"out/mine/file": "mine"})

    directory.remove()

    assert contents(tmp_path / "out") == ["mine/file"]


def test_removing_a_recording_removes_its_folder(tmp_path: Path) -> None:
    directory = TraceDirectory(str(tmp_path / "out"))
    directory.write_source("/a/b.py", b"")

    directory.remove()

    assert not (tmp_path / "out").exists()


def test_a_folder_can_be_taken_once(tmp_path: Path) -> None:
    TraceDirectory(str(tmp_path / "out"))

    with pytest.raises(UsageError, match="ERR_TRACE_DIR_CONFLICT"):
        TraceDirectory(str(tmp_path / "out"))
    assert TraceDirectory(str(tmp_path / "out"), numbered=True).path == str(tmp_path / "out-2")


@pytest.mark.parametrize("moment", range(1, 8))
def test_of_two_that_want_a_folder_at_the_same_time_one_gets_it(
    tmp_path: Path, moment: int
) -> None:
    others: list[str] = []
    lines = [0]

    def look(frame: FrameType, event: str, argument: object) -> Any:
        """Let another one in before one of the lines that make a folder."""
        if frame.f_code is not TraceDirectory._make.__code__:
            return None
        lines[0] += event == "line"
        if event == "line" and lines[0] == moment:
            sys.settrace(None)
            others.append(TraceDirectory(str(tmp_path / "out"), numbered=True).path)
            sys.settrace(look)
        return look

    sys.settrace(look)
    try:
        mine = TraceDirectory(str(tmp_path / "out"), numbered=True).path
    finally:
        sys.settrace(None)

    assert mine not in others


def test_recordings_have_ids_that_sort_by_time(tmp_path: Path) -> None:
    ids = [TraceDirectory(str(tmp_path / str(n))).recording_id for n in range(20)]

    assert len(set(ids)) == 20
    assert [identity[:13] for identity in ids] == sorted(identity[:13] for identity in ids)


def test_a_recorder_that_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    recorder = make_recorder(tmp_path / "out")
    assert contents(tmp_path / "out") != []

    recorder.discard()

    assert recorder.ended
    assert list(tmp_path.iterdir()) == []


def test_a_recorder_that_cannot_write_its_log_leaves_no_folder(tmp_path: Path) -> None:
    program = (
        "import resource, sys\nfrom codetracer.errors import HostError\n"
        "from codetracer.session import make_recorder\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "try:\n    make_recorder('out')\nexcept HostError as error:\n    print(error.code)\n"
    )

    outcome = execute("-c", program, cwd=tmp_path)

    assert (outcome.stdout, outcome.stderr) == ("ERR_IO\n", "")
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_never_begun_says_so_in_its_metadata(tmp_path: Path) -> None:
    recorder = make_recorder(tmp_path / "out")

    found = json.loads((tmp_path / "out" / METADATA_FILE).read_text())

    assert (found["complete"], found["duration_ns"]) == (False, None)
    recorder.discard()


def test_a_host_error_of_the_end_comes_after_every_step(tmp_path: Path) -> None:
    recorder = make_recorder(tmp_path / "out")
    (tmp_path / "out" / f"{METADATA_FILE}.new").mkdir()

    with pytest.raises(HostError, match="ERR_IO"):
        recorder.finish()

    assert recorder.failed
    assert recorder.ended
    assert codetracer.read(tmp_path / "out").processes[0].complete


CHILD_WITHOUT_LOG = """\
import os, codetracer
def f(where): return where
session = codetracer.start("out")
os.rename("out", "moved")
pid = os.fork()
if pid == 0:
    f("child")
    print(codetracer.is_tracing(), flush=True)
    codetracer.stop()
    os._exit(0)
os.waitpid(pid, 0)
os.rename("moved", "out")
f("parent")
"""


@pytest.mark.slow
def test_a_child_that_can_have_no_log_goes_on_unrecorded_and_the_parent_does_not_suffer(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": CHILD_WITHOUT_LOG})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert outcome.code == 0
    (line,) = outcome.stderr.splitlines()
    assert line.endswith(" is not recorded: No such file or directory")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert len(trace.processes) == 1


MANY = """\
import codetracer, sys
def work(n):
    return n + 1
def rss():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
codetracer.start("out", io_capture="off")
for n in range(1000):
    work(n)
before = rss()
for n in range({calls}):
    work(n)
print(rss() - before)
codetracer.stop()
"""
CALLS = {"native": 60_000, "python": 8_000}
"""The engine in Python takes a hundred times as long for each."""
EVENTS_A_CALL = 5


@pytest.mark.slow
def test_300_000_events_take_no_more_memory_than_a_thousand_and_are_all_there(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": MANY.format(calls=CALLS[backend])})
    process = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=trace_environ() | {"CODETRACER_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )

    grown = int(process.stdout)
    assert grown < 8 * 1024, f"{grown} KiB"
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete
    # Of each round: a line of the loop, a call, two lines and a return.
    count = sum(1 for _ in trace)
    calls = CALLS[backend]
    assert calls * EVENTS_A_CALL < count < (calls + 1100) * EVENTS_A_CALL
