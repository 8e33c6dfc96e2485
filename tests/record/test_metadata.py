"""The metadata of a recording, and the copies of the sources."""

import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

import codetracer
from tests.support.recorded import listing, metadata, record
from tests.support.running import Outcome, execute, write


def test_the_metadata_says_what_was_recorded_how_and_by_what(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": "import part\npart.f(1)\n", "part.py": "def f(n): return n\n"})
    before = time.time()

    record(*(tmp_path, "-o", "out", "app.py", "a", "b c"), environ={"CODETRACER_BACKEND": backend})

    found = metadata(tmp_path / "out")
    identity = uuid.UUID(found["recording_id"])
    assert identity.version == 7
    assert identity.variant == uuid.RFC_4122
    assert before - 1 <= (identity.int >> 80) / 1000 <= time.time() + 1
    assert (found["format"], found["version"]) == ("codetracer", 1)
    assert (found["program"], found["args"]) == ("app.py", ["a", "b c"])
    assert found["workdir"] == str(tmp_path)
    assert found["python"]["version"] == sys.version.split()[0]
    assert found["recorder"] == {
        "name": "codetracer",
        "version": codetracer.__version__,
        "backend": backend,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["started"])
    assert 0 < found["duration_ns"] < 60 * 10**9
    assert (found["complete"], found["incomplete_reason"]) == (True, None)
    assert found["counts"] == {"threads": 1, "calls": 3, "missed": 0}
    (log,) = (tmp_path / "out").glob("*.ctlog")
    assert found["bytes"] == log.stat().st_size
    assert found["processes"] == [{"log": log.name}]
    assert codetracer.read(tmp_path / "out").processes[0].log.recording == identity.bytes
    assert listing(tmp_path / "out") == [log.name, "sources", "trace_metadata.json"]


def test_sources_are_kept_as_they_were(tmp_path: Path) -> None:
    program = "import part\nopen(__file__, 'w').write('changed')\nopen(part.__file__, 'w')\n"
    part = "# -*- coding: latin-1 -*-\ndef f(): return 'ä'\nf()\n"
    write(tmp_path, {"app.py": program})
    (tmp_path / "part.py").write_bytes(part.encode("latin-1"))

    record(tmp_path, "-o", "out", "app.py")

    trace = codetracer.read(tmp_path / "out")
    assert (tmp_path / "app.py").read_text() == "changed"
    assert trace.source_lines(str(tmp_path / "app.py")) == program.splitlines()
    assert trace.source_lines(str(tmp_path / "part.py")) == part.splitlines()
    sources = metadata(tmp_path / "out")["sources"]
    assert set(sources) == {str(tmp_path / "app.py"), str(tmp_path / "part.py")}
    for name, copy in sources.items():
        assert (tmp_path / "out/sources" / copy).is_file(), name


def test_the_code_of_the_command_line_is_kept_as_a_source(tmp_path: Path) -> None:
    record(tmp_path, "-o", "out", "-c", "def f(): pass\nf()")

    trace = codetracer.read(tmp_path / "out")
    assert trace.source_lines("<string>") == ["def f(): pass", "f()"]


def test_a_program_that_comes_through_a_pipe_is_not_read_a_second_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    writer = subprocess.Popen(
        [sys.executable, "-c", "open('pipe.py', 'w').write('print(1)')"], cwd=tmp_path
    )

    outcome = record(tmp_path, "-q", "-o", "out", "pipe.py")

    assert outcome == Outcome(0, "1\n", "")
    assert writer.wait() == 0


def test_a_file_that_a_forked_child_alone_has_run_is_among_the_sources(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": "import os\npid = os.fork()\nif not pid:\n    import part\nelse:\n"
            "    os.waitpid(pid, 0)\n",
            "part.py": "def f(): pass\nf()\n",
        },
    )

    outcome = record(tmp_path, "-o", "out", "app.py")

    assert outcome.code == 0, outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    assert trace.source_lines(str(tmp_path / "part.py")) == ["def f(): pass", "f()"]


ODD = """\
import sys
class Odd(int):
    def __and__(self, other):
        print("asked")
        return 9
    __le__ = __lt__ = __ge__ = __gt__ = __rand__ = __and__
"""


@pytest.mark.parametrize(
    ("given", "status"), [("2 ** 64", 255), ("-2 ** 64", 255), ("-1", 255), ("Odd(260)", 4)]
)
def test_the_recording_has_the_status_that_the_program_ends_with(
    tmp_path: Path, given: str, status: int
) -> None:
    write(tmp_path, {"app.py": f"{ODD}sys.exit({given})\n"})

    plain = execute("app.py", cwd=tmp_path)
    recorded = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    assert (plain.code, recorded.code) == (status, status)
    assert recorded.stdout == plain.stdout == ""
    trace = codetracer.read(tmp_path / "out")
    assert trace.metadata["exit_status"] == {"code": status, "label": f"exited {status}"}
