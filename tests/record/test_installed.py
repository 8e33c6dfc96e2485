"""The installed codetracer records the program alone, and not the tool that runs it."""

import json
import os
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import CallEvent, RaiseEvent, StepEvent
from tests.support.building import ROOT
from tests.support.running import Outcome, write

# What is installed is compiled for these tests.
pytestmark = [pytest.mark.fresh, pytest.mark.slow]

PROGRAM = """\
import traceback
def f(n):
    return n
def g():
    try:
        return f(0) + f(1)
    finally:
        print('ran')
g()
"""


def clean_environ(backend: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"CODETRACER_BACKEND": backend}


def run(*command: str | Path, cwd: Path, backend: str) -> Outcome:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environ(backend),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


EMBEDDING = """\
import sys
from codetracer.cli import main
def around():
    return main(['record', '-q', '-o', 'out', 'app.py'])
if __name__ == '__main__':
    sys.exit(around())
"""


def ways(binaries: Path, folder: Path) -> dict[str, tuple[str | Path, ...]]:
    """Return how `codetracer record` can be called."""
    python = binaries / "python"
    options = ("record", "-q", "-o", "out", "app.py")
    write(folder, {"mine/embedding.py": EMBEDDING, "zipped/__main__.py": EMBEDDING})
    zipapp.create_archive(folder / "zipped", folder / "mine/app.pyz")
    return {
        "the console script": (binaries / "codetracer", *options),
        "the console script by python": (python, binaries / "codetracer", *options),
        "the module": (python, "-m", "codetracer", *options),
        "another script": (python, "mine/embedding.py"),
        "a zip file": (python, "mine/app.pyz"),
    }


WAYS = (
    "the console script",
    "the console script by python",
    "the module",
    "another script",
    "a zip file",
)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_what_runs_the_program_is_in_its_recording(
    tmp_path: Path, installed: Path, way: str, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAM})

    outcome = run(*ways(installed, tmp_path)[way], cwd=tmp_path, backend=backend)

    assert outcome == Outcome(0, "ran\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    called = [event.frame.code for event in trace if isinstance(event, CallEvent)]
    assert [code.name for code in called] == ["<module>", "g", "f", "f"]
    assert not any(isinstance(event, RaiseEvent) for event in trace)
    depths = {event.frame.depth for event in trace if isinstance(event, StepEvent)}
    assert depths == {0, 1, 2}
    found = json.loads((tmp_path / "out/trace_metadata.json").read_text())
    assert list(found["sources"]) == [str(tmp_path / "app.py")]
    copies = [path.name for path in (tmp_path / "out/sources").rglob("*") if path.is_file()]
    assert copies == ["app.py"]


def test_what_is_recorded_is_what_was_installed(tmp_path: Path, installed: Path) -> None:
    write(tmp_path, {"app.py": "import codetracer\nprint(codetracer.__file__)\n"})

    outcome = run(installed / "codetracer", "record", "app.py", cwd=tmp_path, backend=BACKENDS[0])

    assert outcome.code == 0
    assert Path(outcome.stdout.strip()).is_relative_to(installed.parent)
    assert not Path(outcome.stdout.strip()).is_relative_to(ROOT)


RELOADING = """\
import os, subprocess, sys
def serve(n):
    return n
def main():
    if os.environ.get('RUN_MAIN'):
        print('child', flush=True)
        serve(1)
        raise SystemExit(3 if os.environ['RUN_MAIN'] == '1' else 0)
    for turn in ('1', '2'):
        environ = os.environ.copy()
        environ['RUN_MAIN'] = turn
        command = [sys.executable, *sys.orig_argv[1:]]
        print(subprocess.run(command, env=environ).returncode, flush=True)
    serve(0)
main()
"""


@pytest.mark.parametrize("out", [("-o", "out"), ()])
def test_a_program_that_starts_itself_anew_is_recorded_with_its_descendants(
    tmp_path: Path, installed: Path, out: tuple[str, ...], backend: str
) -> None:
    write(tmp_path, {"app.py": RELOADING, "trace-out/other": ""})
    command = [str(installed / "codetracer"), "record", "-q", *out, "app.py"]

    outcome = run(*command, cwd=tmp_path, backend=backend)

    assert outcome == Outcome(0, "child\n3\nchild\n0\n", "")
    folder = tmp_path / ("out" if out else "trace-out-2")
    trace = codetracer.read(folder)
    assert trace.complete, trace.problem
    assert len(trace.processes) == 3
    returned = [
        [event.arguments for event in process if isinstance(event, CallEvent)][-1]
        for process in trace.processes
    ]
    assert returned == [{"n": 0}, {"n": 1}, {"n": 1}]
    found = json.loads((folder / "trace_metadata.json").read_text())
    assert len(found["processes"]) == 3
    names = {"app.py", "trace-out", folder.name}
    assert set(os.listdir(tmp_path)) == names
    info = run(installed / "codetracer", "info", folder, cwd=tmp_path, backend=backend)
    assert info.code == 0
    assert "complete   yes" in info.stdout
    assert info.stdout.count("\nprocess ") == 3
    show = run(
        *(installed / "codetracer", "show", folder / found["processes"][2]["log"]),
        cwd=tmp_path,
        backend=backend,
    )
    assert (show.code, "serve" in show.stdout) == (0, True)


def test_a_child_that_asks_for_another_folder_gets_that_one(
    tmp_path: Path, installed: Path
) -> None:
    child = f"['{installed / 'codetracer'}', 'record', '-o', 'other', '-c', 'pass']"
    write(tmp_path, {"app.py": f"import subprocess\nsubprocess.run({child}, check=True)\n"})

    outcome = run(
        *(installed / "codetracer", "record", "-o", "out", "app.py"),
        cwd=tmp_path,
        backend=BACKENDS[0],
    )

    assert (outcome.code, outcome.stdout) == (0, "")
    assert "not recorded: 1 (" in outcome.stderr, "it is not in this recording"
    assert [len(codetracer.read(tmp_path / name).processes) for name in ("out", "other")] == [1, 1]


OUTLIVING = """\
import os, subprocess, sys
if os.environ.get('RUN_MAIN'):
    sys.stdin.readline()
    exec(compile('def late(): return 7\\nlate()', os.path.abspath('late.py'), 'exec'))
    open('done', 'w').close()
else:
    subprocess.Popen(sys.orig_argv, env={**os.environ, 'RUN_MAIN': '1'})
"""


def test_a_child_that_outlives_the_process_that_wrote_the_metadata_can_be_read(
    tmp_path: Path, installed: Path
) -> None:
    write(tmp_path, {"app.py": OUTLIVING, "late.py": "def late(): return 7\nlate()\n"})
    script = installed / "codetracer"
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(script)],
        cwd=tmp_path,
        env=clean_environ(BACKENDS[0]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "0\n"
        process.stdin.write("go\n")
        process.stdin.close()
        # The pipe's other end is the child's, too.
        process.stdout.read()

    assert (tmp_path / "done").exists()
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert len(trace.processes) == 2
    late = str(tmp_path / "late.py")
    assert late not in trace.metadata["sources"]  # type: ignore[operator]
    assert trace.source_line(late, 1) == "def late(): return 7"


LAUNCH = """\
import subprocess, sys
done = subprocess.run([sys.argv[1], 'record', '-o', 'out', 'app.py'])
print(done.returncode, flush=True)
"""


def test_the_variable_is_there_while_recording_lasts_and_a_changed_one_is_left_alone(
    tmp_path: Path, installed: Path, backend: str
) -> None:
    program = (
        "import codetracer, os\n"
        "before = dict(os.environ)\n"
        "codetracer.start('one')\n"
        "print([name for name in os.environ if name not in before])\n"
        "codetracer.stop()\n"
        "print(dict(os.environ) == before, os.getenv('CODETRACER_RECORDING'))\n"
        "codetracer.start('two')\n"
        "os.environ['CODETRACER_RECORDING'] = 'mine'\n"
        "codetracer.stop()\n"
        "print(os.environ['CODETRACER_RECORDING'])\n"
    )
    write(tmp_path, {"app.py": program})

    outcome = run(installed / "python", "app.py", cwd=tmp_path, backend=backend)

    assert outcome == Outcome(0, "['CODETRACER_RECORDING']\nTrue None\nmine\n", "")
