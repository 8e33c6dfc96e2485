"""A program whose output is captured writes and ends as it does untraced."""

import subprocess
from pathlib import Path

import pytest

from tests.support.capturing import (
    BOTH,
    command,
    environ,
    run,
    run_on_terminal,
    run_to_file,
    settled,
)
from tests.support.writing_programs import PROGRAMS

STDIN = b"first\nsecond\r\nth\xc3\xafrd\nlast"


@pytest.mark.parametrize("mode", ["off", *BOTH])
@pytest.mark.parametrize("name", PROGRAMS)
def test_through_pipes_a_program_writes_and_ends_as_untraced(
    tmp_path: Path, name: str, mode: str
) -> None:
    untraced = run(tmp_path, "untraced", PROGRAMS[name], STDIN)
    captured = run(tmp_path, mode, PROGRAMS[name], STDIN)

    assert captured == untraced
    assert untraced.stdout or untraced.stderr


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", PROGRAMS)
def test_into_a_file_for_both_streams_a_program_writes_as_untraced(
    tmp_path: Path, name: str, mode: str
) -> None:
    untraced = run_to_file(tmp_path, "untraced", PROGRAMS[name])
    if name == "outlived by a child":
        untraced = settled(tmp_path / "output", len("parent late and well "))
    captured = run_to_file(tmp_path, mode, PROGRAMS[name])
    if name in ("left without cleaning up", "executed", "killed", "outlived by a child"):
        # Nobody waits for a file's last writer.
        captured = settled(tmp_path / "output", len(untraced))

    assert captured == untraced


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


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("name", ON_TERMINALS)
def test_on_a_terminal_a_program_writes_as_untraced(tmp_path: Path, name: str, mode: str) -> None:
    typed = [(b"", b"")]
    untraced = run_on_terminal(tmp_path, "untraced", PROGRAMS[name], typed)
    captured = run_on_terminal(tmp_path, mode, PROGRAMS[name], typed)

    assert captured == untraced


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
