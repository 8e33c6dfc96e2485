"""Types commands at the prompt of `codetracer debug`, and at pdb's."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from codetracer.cli import main
from tests.support.running import trace_environ

__all__ = ["positions", "type_at_pdb", "type_at_prompt"]

_PROMPT = re.compile(r"\((?:Pdb|\d+:\d+|com)\) ")
_ECHO = re.compile(r"\((?:\d+:\d+|com)\) .*")
_POSITION = re.compile(r"> (.+\(\d+\)[\w<>]+\(\)).*")
_SAID = re.compile(r"--\w+--|\w+Error: .*")


def type_at_prompt(trace: Path, *commands: str, options: tuple[str, ...] = ()) -> list[str]:
    """Return what the prompt prints after the place where it begins, without prompts and echoes."""
    return [line for line in _run(trace, commands, options) if _ECHO.fullmatch(line) is None]


def _run(trace: Path, commands: tuple[str, ...], options: tuple[str, ...]) -> list[str]:
    printed, complaints = io.StringIO(), io.StringIO()
    before = sys.stdin
    sys.stdin = io.StringIO("".join(f"{command}\n" for command in commands))
    try:
        with redirect_stdout(printed), redirect_stderr(complaints):
            status = main(["debug", str(trace), *options])
    finally:
        sys.stdin = before
    assert (status, complaints.getvalue()) == (0, "")
    return printed.getvalue().splitlines()


def type_at_pdb(program: Path, *commands: str) -> list[str]:
    """Return what pdb prints for these commands, up to the end of the program."""
    done = subprocess.run(
        [sys.executable, "-m", "pdb", program.name],
        cwd=program.parent,
        input="".join(f"{command}\n" for command in commands),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=trace_environ() | {"NO_COLOR": "1"},
    )
    lines = _PROMPT.sub("", done.stdout).splitlines()
    ends = [number for number, line in enumerate(lines) if _is_end(line)]
    return lines[: min(ends, default=len(lines))]


def _is_end(line: str) -> bool:
    """Return whether pdb has left the program, or begins it again."""
    return line.startswith(("> <string>(1)", "The program finished"))


def positions(lines: list[str]) -> list[str]:
    """Return the places where a prompt stopped, with what it said of them, such as --Call--."""
    found: list[str] = []
    said = ""
    for line in lines:
        match = _POSITION.fullmatch(line)
        if match is not None:
            found.append(f"{said}{match[1]}")
        said = f"{line} " if _SAID.fullmatch(line) else ""
    return found
