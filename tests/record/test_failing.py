"""Recording fails in the middle of a program, or at its end."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import ReturnEvent
from tests.support.recorded import listing, record
from tests.support.running import Outcome, trace_environ, write

pytestmark = pytest.mark.fresh

WINDOW = 1 << 20
"""The number of bytes of a log that are claimed at a time."""

LONG = """\
import sys
def f(n):
    return f"{{n:0400}}"
for i in range(6000):
    f(i)
print("end")
sys.exit({status})
"""


def record_limited(
    folder: Path,
    backend: str,
    *options: str,
    status: int = 0,
    environ: dict[str, str] | None = None,
) -> Outcome:
    """Record a program whose log may have little more than a window: then writing fails."""
    write(folder, {"app.py": LONG.format(status=status)})
    process = subprocess.run(
        [sys.executable, "-m", "codetracer", "record", "-o", "out", *options, "app.py"],
        cwd=folder,
        env=trace_environ() | {"CODETRACER_BACKEND": backend} | (environ or {}),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (WINDOW + 4096, resource.RLIM_INFINITY)
        ),
    )
    return Outcome(process.returncode, process.stdout, process.stderr)


REASON = "cannot be written: File too large"


@pytest.mark.slow
def test_under_abort_the_program_ends_with_an_error_that_says_why_and_what_was_recorded_stays(
    tmp_path: Path, backend: str
) -> None:
    outcome = record_limited(tmp_path, backend, "--on-recorder-error", "abort")

    assert (outcome.code, outcome.stdout) == (1, "")
    *_, error, last = outcome.stderr.splitlines()
    assert error.startswith("codetracer.errors.HostError: [ERR_IO] ")
    assert REASON in error
    assert last.startswith("codetracer: the recording is incomplete: ")
    assert last.endswith(f"; the recorded part is in {tmp_path / 'out'}")
    assert len(recorded_returns(tmp_path / "out")) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--on-recorder-error", "disable")])
@pytest.mark.parametrize("status", [0, 5])
def test_when_recording_fails_the_program_ends_as_it_does_unrecorded_and_what_was_recorded_stays(
    tmp_path: Path, status: int, options: tuple[str, ...], backend: str
) -> None:
    outcome = record_limited(tmp_path, backend, *options, status=status)

    assert (outcome.code, outcome.stdout) == (status, "end\n")
    assert outcome.stderr.startswith("tracing has stopped, the program continues: [ERR_IO] ")
    assert outcome.stderr.endswith(f"{REASON}; the recorded part is in {tmp_path / 'out'}\n")
    trace = codetracer.read(tmp_path / "out")
    assert not trace.complete
    assert REASON in (trace.problem or "")
    returned = recorded_returns(tmp_path / "out")
    assert len(returned) > 1000
    assert returned == [f"{n:0400}" for n in range(len(returned))]


def recorded_returns(trace: Path) -> list[object]:
    return [event.value for event in codetracer.read(trace) if isinstance(event, ReturnEvent)]


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_what_was_recorded_is_removed_only_when_that_is_asked_for(
    tmp_path: Path, policy: str
) -> None:
    record_limited(tmp_path, BACKENDS[0], "--on-recorder-error", policy, "--no-keep-partial-trace")

    assert listing(tmp_path) == ["app.py"]


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["option", "variable"])
def test_a_trace_that_is_required_makes_it_end_with_1_and_what_was_recorded_stays(
    tmp_path: Path, flag: str
) -> None:
    options = ("--require-trace",) if flag == "option" else ()
    environ = {} if options else {"CODETRACER_REQUIRE_TRACE": "1"}

    outcome = record_limited(tmp_path, BACKENDS[0], *options, environ=environ)

    assert (outcome.code, outcome.stdout) == (1, "end\n")
    assert len(recorded_returns(tmp_path / "out")) > 1000


@pytest.mark.slow
def test_errors_are_json_and_the_log_is_a_file_when_that_is_asked_for(tmp_path: Path) -> None:
    outcome = record_limited(
        *(tmp_path, BACKENDS[0], "--on-recorder-error", "disable", "--json-errors"),
        *("--log-file", "log.txt", "--log-level", "error"),
    )

    line, note = outcome.stderr.splitlines()
    said = json.loads(line)
    assert note.startswith("codetracer: the recording is incomplete: ")
    assert (said["error_code"], said["error_kind"]) == ("ERR_IO", "host")
    assert REASON in said["message"]
    assert "tracing has stopped, the program continues" in (tmp_path / "log.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "status"), [("disable", 0), ("abort", 1)])
def test_a_failure_that_only_the_end_meets_is_a_failure_too(
    tmp_path: Path, policy: str, status: int
) -> None:
    # The program takes the folder away, so that the metadata cannot be written.
    program = (
        "import shutil, sys\nclass D:\n    def __del__(self): pass\nd = D()\n"
        "print('ran')\nshutil.rmtree('out')\n"
    )
    write(tmp_path, {"app.py": program})

    outcome = record(tmp_path, "-o", "out", "--on-recorder-error", policy, "app.py")

    assert (outcome.code, outcome.stdout) == (status, "ran\n")
    assert "[ERR_IO]" in outcome.stderr
    assert "cannot be written: No such file or directory" in outcome.stderr
    assert outcome.stderr.endswith(f"; {tmp_path / 'out'} does not exist any more\n")
    assert listing(tmp_path) == ["app.py"]


@pytest.mark.slow
def test_what_the_program_put_into_the_folder_outlives_a_failed_recording(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": ""})
    program = "open('out/mine.txt', 'w').write('mine')\n" + LONG.format(status=0)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "codetracer", "record", "-o", "out"),
            *("--on-recorder-error", "abort", "--no-keep-partial-trace", "-c", program),
        ],
        cwd=tmp_path,
        env=trace_environ(),
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (WINDOW + 4096, resource.RLIM_INFINITY)
        ),
    )

    assert process.returncode == 1
    assert listing(tmp_path / "out") == ["mine.txt"]


@pytest.mark.slow
def test_a_log_for_which_there_is_no_room_at_all_is_said_before_the_program_runs(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})
    process = subprocess.run(
        [sys.executable, "-m", "codetracer", "record", "-o", "out", "app.py"],
        cwd=tmp_path,
        env=trace_environ(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY)
        ),
    )

    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("codetracer: error: [ERR_IO] ")
    assert listing(tmp_path) == ["app.py"]
