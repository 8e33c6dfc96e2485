"""Plays the hunts of README.md, and writes into it what the commands in it print.

    python examples/bugs/play.py            # write README.md anew
    python examples/bugs/play.py --check    # 1 if it would differ, durations and numbers aside

Each hunt runs in a copy of its folder. A step number in a command is where an output before it has
it: where another interpreter counts otherwise, its own number is taken in the same place.
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

HERE = Path(__file__).parent
README = HERE / "README.md"
SELF = (sys.executable, "-m", "codetracer")
INTERRUPT = "^C"
"""Stands where whoever hunts interrupts a program that hangs."""

KEPT = ("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""A hunt is played with these environment variables: others (CI) change what pytest prints."""

SETTLED = 1.0
"""Seconds after which a program hangs of which one thread has died."""


class Command(NamedTuple):
    """A command, and what it printed."""

    line: str
    output: list[str]


class Hunt(NamedTuple):
    """One section of the README: the folder that it plays in, and what is called there."""

    folder: str
    commands: list[Command]


def read(text: str) -> list[Hunt]:
    """Return the hunts that a README tells."""
    hunts = []
    for section in re.split(r"(?m)^## ", text)[1:]:
        folder = re.search(r"\]\((\w+)/\)", section)
        assert folder, section
        commands: list[Command] = []
        for block in re.findall(r"(?ms)^```console\n(.*?)^```$", section):
            for line in block.splitlines():
                if line.startswith("$ "):
                    commands.append(Command(line[2:], []))
                else:
                    commands[-1].output.append(line)
        hunts.append(Hunt(folder[1], commands))
    return hunts


def play(hunt: Hunt) -> Hunt:
    """Run the commands of a hunt; return them with their steps, and what they printed, as now."""
    played: list[Command] = []
    with tempfile.TemporaryDirectory() as top:
        folder = Path(os.path.realpath(top)) / hunt.folder
        ignored = shutil.ignore_patterns("__pycache__", "trace-out*", ".pytest_cache")
        shutil.copytree(HERE / hunt.folder, folder, ignore=ignored)
        for told in hunt.commands:
            line = _with_steps(told.line, hunt.commands, played)
            output = _run(line, folder, interrupts=INTERRUPT in told.output)
            played.append(Command(line, output))
    return Hunt(hunt.folder, played)


def _run(line: str, folder: Path, *, interrupts: bool) -> list[str]:
    program, *arguments = shlex.split(line)
    assert program == "codetracer", line
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    process = subprocess.Popen(
        [*SELF, *arguments],
        cwd=folder,
        env=environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        # What a recording says of itself, and tracebacks, are told in the README's own words.
        stderr=subprocess.PIPE if interrupts else subprocess.DEVNULL,
        encoding="utf-8",
    )
    if interrupts:
        _interrupt(process)
    output, _ = process.communicate(timeout=60)
    output = re.sub(r"\S*[\\/]site-packages", ".../site-packages", output)
    lines = output.replace(f"{folder}{os.sep}", "").splitlines()
    return [*(line.rstrip() for line in lines), *([INTERRUPT] if interrupts else [])]


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Interrupt a program that hangs because one of its threads has died of an exception."""
    assert process.stderr is not None
    while "Exception in thread" not in (line := process.stderr.readline()):
        assert line, "no thread has died"
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    time.sleep(SETTLED)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    drain.join()


def _with_steps(line: str, told: list[Command], played: list[Command]) -> str:
    """Return a command with the step that is now where its step is in what was printed before."""
    found = re.search(r"(--call|--step) (\d+)", line)
    if found is None:
        return line
    for before, now in zip(told, played, strict=False):
        for old, new in zip(before.output, now.output, strict=False):
            numbers = re.findall(r"\d+", _columns(old))
            if found[2] in numbers:
                step = re.findall(r"\d+", _columns(new))[numbers.index(found[2])]
                return f"{line[: found.start(2)]}{step}{line[found.end(2) :]}"
    raise ValueError(f"no output has the step of: {line}")


def _columns(line: str) -> str:
    """Return the step numbers of a line: that of its column, and those that are said."""
    column = re.match(r"\S+:\d+ +(\d+)  ", line)
    said = re.findall(r"\(step (\d+)\)", line)
    return " ".join([*([column[1]] if column else []), *said])


def comparable(hunt: Hunt) -> list[str]:
    """Return a hunt's lines without what differs each time, and by interpreter."""
    return [
        re.sub(r" +", " ", _timeless(line))
        for command in hunt.commands
        for line in (f"$ {command.line}", *command.output)
    ]


def _timeless(line: str) -> str:
    line = re.sub(r"^(\S+:\d+ +)\d+  ", r"\1STEP  ", line)
    line = re.sub(r"(--call|--step|\(step) \d+", r"\1 STEP", line)
    line = re.sub(r"\b[0-9.e+]+(ns|µs|ms|s)\b", "TIME", line)
    line = re.sub(r"#\d+", "#N", line)
    line = re.sub(r"(site-packages\S+:)\d+", r"\1LINE", line)
    return re.sub(r"\d+ (calls? inside|of code that|of imports|more that stayed)", r"N \1", line)


def write(text: str, hunts: list[Hunt]) -> str:
    """Return the README with what the commands printed."""
    commands = iter([command for hunt in hunts for command in hunt.commands])

    def block(match: re.Match[str]) -> str:
        count = len(re.findall(r"(?m)^\$ ", match[1]))
        lines = ["```console"]
        for _ in range(count):
            command = next(commands)
            lines += [f"$ {command.line}", *command.output]
        return "\n".join([*lines, "```"])

    return re.sub(r"(?ms)^```console\n(.*?)^```$", block, text)


def main(arguments: list[str]) -> int:
    """Play every hunt; write the README, or compare it."""
    text = README.read_text(encoding="utf-8")
    told = read(text)
    played = [play(hunt) for hunt in told]
    if arguments == ["--check"]:
        same = [comparable(hunt) for hunt in told] == [comparable(hunt) for hunt in played]
        print("as it is told" if same else "not as it is told: run examples/bugs/play.py")
        return 0 if same else 1
    README.write_text(write(text, played), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
