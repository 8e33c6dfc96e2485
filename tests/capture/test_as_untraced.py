"""A program whose output is captured writes and ends as it does untraced."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.capturing import (
    BOTH,
    Outcome,
    command,
    environ,
    run,
    run_on_terminal,
    run_to_file,
    settled,
)
from tests.support.writing_programs import PROGRAMS

STDIN = b"first\nsecond\r\nth\xc3\xafrd\nlast"
TYPED = [(b"", b"")]
FOLDER = b"(the folder of the run)"


def nameless(outcome: Outcome, folder: Path) -> Outcome:
    """Return an outcome that does not depend on the name of the folder."""
    stdout, stderr = (
        text.replace(bytes(folder), FOLDER) for text in (outcome.stdout, outcome.stderr)
    )
    return Outcome(outcome.code, stdout, stderr)


# A program is run untraced once for all ways to capture its output.
@cache
def untraced_through_pipes(name: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return nameless(run(Path(folder), "untraced", PROGRAMS[name], STDIN), Path(folder))


@cache
def untraced_into_a_file(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        untraced = run_to_file(Path(folder), "untraced", PROGRAMS[name])
        if name == "outlived by a child":
            untraced = settled(Path(folder) / "output", len("parent late and well "))
        return untraced.replace(folder.encode(), FOLDER)


@cache
def untraced_on_a_terminal(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        untraced = run_on_terminal(Path(folder), "untraced", PROGRAMS[name], TYPED)
        return untraced.replace(folder.encode(), FOLDER)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["off", *BOTH])
@pytest.mark.parametrize("name", PROGRAMS)
def test_through_pipes_a_program_writes_and_ends_as_untraced(
    tmp_path: Path, name: str, mode: str
) -> None:
    untraced = untraced_through_pipes(name)
    captured = nameless(run(tmp_path, mode, PROGRAMS[name], STDIN), tmp_path)

    assert captured == untraced
    assert untraced.stdout or untraced.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", PROGRAMS)
def test_into_a_file_for_both_streams_a_program_writes_as_untraced(
    tmp_path: Path, name: str, mode: str
) -> None:
    untraced = untraced_into_a_file(name)
    captured = run_to_file(tmp_path, mode, PROGRAMS[name])
    if name in ("left without cleaning up", "executed", "killed", "outlived by a child"):
        # Nobody waits for a file's last writer.
        captured = settled(tmp_path / "output", len(untraced))

    assert captured.replace(bytes(tmp_path), FOLDER) == untraced


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


@pytest.mark.slow
@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", ON_TERMINALS)
def test_on_a_terminal_a_program_writes_as_untraced(tmp_path: Path, name: str, mode: str) -> None:
    captured = run_on_terminal(tmp_path, mode, PROGRAMS[name], TYPED)

    assert captured.replace(bytes(tmp_path), FOLDER) == untraced_on_a_terminal(name)


@pytest.mark.slow
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


@pytest.mark.slow
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
