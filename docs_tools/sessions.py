"""Runs the terminal sessions that README.md and the documentation show, and writes their outputs.

    python -m docs_tools.sessions            # write what the commands print now into the pages
    python -m docs_tools.sessions --check    # exit with 1 if a page would change

A session is every ``console`` block of a page that shows an output; a block without any output only
lists commands, and none of them is run. The commands of a page run one after the other in one new
folder. Four things set it up:

- ``<!-- session PATH ... -->`` begins a new folder and copies these files, or the contents of these
  folders, into it; with ``stdout-only`` before the paths what goes to stderr is not shown;
- a block such as ``python title="app.py"`` is written to that file;
- ``< FILE`` at the end of a command gives it that file as its standard input;
- ``^C`` in an output interrupts the program there.

Durations, sizes, numbers of objects and step numbers differ between runs and interpreters.
`comparable` leaves them out, and a step number in a command is taken from the output before it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "INTERRUPT",
    "PAGES",
    "Command",
    "Session",
    "comparable",
    "main",
    "play",
    "read",
    "write",
]

ROOT = Path(__file__).parent.parent
PAGES = (
    ROOT / "README.md",
    ROOT / "examples/bugs/README.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
)
INTERRUPT = "^C"
"""Stands in an output where the reader interrupts a program that hangs."""

PROGRAMS = {"codetracer": (sys.executable, "-m", "codetracer"), "python": (sys.executable,)}
"""The programs that a session may call, and how they are called here."""

KEPT = ("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""The environment variables that commands see: others, such as CI, change what pytest prints."""

SETTLED = 1.0
"""Seconds after which a program hangs, once one of its threads has died."""

PARTS = re.compile(
    r"(?ms)^<!-- session(?P<setup>[^>]*) -->$"
    r'|^```\w+ title="(?P<name>[^"]+)"\n(?P<content>.*?)^```$'
    r"|^```console\n(?P<console>.*?)^```$"
)


class Command(NamedTuple):
    """A command line and the lines that it printed."""

    line: str
    output: list[str]


class Session(NamedTuple):
    """Commands that run one after the other in one folder.

    Attributes:
        copied: the files and folders that are copied into it, as paths from the project's root.
        is_stderr_shown: whether the outputs have what the commands print to stderr.
        files: the contents of further files, by their names.
        commands: the commands with the outputs that the page shows.
    """

    copied: list[str]
    is_stderr_shown: bool
    files: dict[str, str]
    commands: list[Command]


def read(text: str) -> list[Session]:
    """Return the sessions of a page that have commands.

    Raises:
        ValueError: a block's first line is an output without a command.
    """
    sessions = [Session([], True, {}, [])]
    for part in PARTS.finditer(text):
        session = sessions[-1]
        if part["setup"] is not None:
            words = part["setup"].split()
            copied = [word for word in words if word != "stdout-only"]
            sessions.append(Session(copied, copied == words, {}, []))
        elif part["name"]:
            session.files[part["name"]] = part["content"]
        else:
            session.commands.extend(_commands(part["console"]))
    return [session for session in sessions if session.commands]


def _commands(block: str) -> list[Command]:
    """Return the commands of a block; none if it shows no output."""
    commands: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:], []))
        elif commands:
            commands[-1].output.append(line)
        else:
            raise ValueError(f"a console block has an output before its first command: {line}")
    return commands if any(command.output for command in commands) else []


def play(session: Session) -> Session:
    """Run a session; return it with the steps and outputs that its commands have now."""
    played: list[Command] = []
    with tempfile.TemporaryDirectory() as top:
        folder = Path(os.path.realpath(top)) / "session"
        folder.mkdir()
        for path in session.copied:
            _copy(ROOT / path, folder)
        for name, content in session.files.items():
            (folder / name).write_text(content, encoding="utf-8")
        for shown in session.commands:
            line = _with_steps(shown.line, session.commands, played)
            output = _run(line, folder, session, interrupts=INTERRUPT in shown.output)
            played.append(Command(line, output))
    return session._replace(commands=played)


def _copy(source: Path, folder: Path) -> None:
    if source.is_file():
        shutil.copy(source, folder)
        return
    ignored = shutil.ignore_patterns("__pycache__", "trace-out*", ".pytest_cache")
    shutil.copytree(source, folder, ignore=ignored, dirs_exist_ok=True)


def _run(line: str, folder: Path, session: Session, *, interrupts: bool) -> list[str]:
    line, _, given = line.partition(" < ")
    program, *arguments = shlex.split(line, comments=True)
    typed = (folder / given).read_text(encoding="utf-8") if given else None
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    settings = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    stderr = subprocess.STDOUT if session.is_stderr_shown else subprocess.DEVNULL
    process = subprocess.Popen(
        [*PROGRAMS[program], *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE,
        env=environ | settings | {"COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if interrupts else stderr,
        encoding="utf-8",
    )
    if interrupts:
        _interrupt(process)
    output, _ = process.communicate(typed, timeout=60)
    output = re.sub(r"\S*[\\/]site-packages", ".../site-packages", output)
    lines = output.replace(f"{folder}{os.sep}", "").splitlines()
    return [*(line.rstrip() for line in lines), *([INTERRUPT] if interrupts else [])]


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Interrupt a program that hangs because an exception has ended one of its threads."""
    assert process.stderr is not None
    while "Exception in thread" not in (line := process.stderr.readline()):
        assert line, "no thread has died"
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    time.sleep(SETTLED)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    drain.join()


def _with_steps(line: str, shown: list[Command], played: list[Command]) -> str:
    """Return a command with the step that now stands where its step stands in an earlier output."""
    found = re.search(r"(--call|--step) (\d+)", line)
    if found is None:
        return line
    for before, now in zip(shown, played, strict=False):
        for old, new in zip(before.output, now.output, strict=False):
            numbers = re.findall(r"\d+", _steps(old))
            if found[2] in numbers:
                step = re.findall(r"\d+", _steps(new))[numbers.index(found[2])]
                return f"{line[: found.start(2)]}{step}{line[found.end(2) :]}"
    raise ValueError(f"no output before it has the step of: {line}")


def _steps(line: str) -> str:
    """Return the step numbers of a line: that of its column, and those in its text."""
    column = re.match(r"\S+:\d+ +(\d+)  ", line)
    named = re.findall(r"(?:\(| at )step (\d+)", line)
    return " ".join([*([column[1]] if column else []), *named])


def comparable(session: Session) -> list[str]:
    """Return the lines of a session without what differs between runs and interpreters."""
    return [
        re.sub(r" +", " ", _without_figures(line))
        for command in session.commands
        for line in (f"$ {command.line}", *command.output)
        # How a traceback underlines code depends on the version.
        if not re.fullmatch(r" +[~^]+", line)
    ]


def _without_figures(line: str) -> str:
    line = re.sub(r"^(\S+:\d+ +(?:\d+:)?)\d+  ", r"\1STEP  ", line)
    line = re.sub(r"(--call|--step|\bstep) \d+", r"\1 STEP", line)
    line = re.sub(r"^(\(|> |  )(\d+):\d+(\)? )", r"\1\2:STEP\3", line)
    line = re.sub(r"\b[\d,]+ steps\b", "N steps", line)
    line = re.sub(r"\b[0-9.e+]+(ns|µs|ms|s)\b", "TIME", line)
    line = re.sub(r"\b[0-9.,]+ (bytes|kB|MB)\b", "SIZE", line)
    line = re.sub(r"#\d+", "#N", line)
    # A type of the standard library has other attributes on other versions.
    line = re.sub(r"… \+\d+>", "… +N>", line)
    line = re.sub(r"(site-packages\S+:)\d+", r"\1LINE", line)
    line = re.sub(r"\d+ (calls? inside|of code that|of imports|that stayed)", r"N \1", line)
    return re.sub(r"recorded \d+ calls", "recorded N calls", line)


def write(text: str, sessions: list[Session]) -> str:
    """Return a page with what the commands of its sessions printed."""
    commands = iter([command for session in sessions for command in session.commands])

    def block(part: re.Match[str]) -> str:
        if part["console"] is None or not (shown := _commands(part["console"])):
            return part[0]
        lines = ["```console"]
        for _ in shown:
            command = next(commands)
            lines += [f"$ {command.line}", *command.output]
        return "\n".join([*lines, "```"])

    return PARTS.sub(block, text)


def main(arguments: list[str]) -> int:
    """Play the sessions of every page; write the pages, or compare them."""
    code = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shown = read(text)
        played = [play(session) for session in shown]
        if arguments != ["--check"]:
            page.write_text(write(text, played), encoding="utf-8")
        elif [comparable(each) for each in shown] != [comparable(each) for each in played]:
            print(f"{page}: outputs have changed: run python -m docs_tools.sessions")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
