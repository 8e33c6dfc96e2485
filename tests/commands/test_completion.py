"""The scripts of `codetracer completion`, in the shells themselves."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.reading import read
from tests.support.running import trace_environ, write

type Complete = Callable[[str], str]

SHELLS = [shell for shell in ("bash", "zsh", "fish") if shell == "bash" or shutil.which(shell)]
"""Those that are here; bash has to be."""

BEGIN = {
    "bash": (
        ("bash", "--norc", "--noprofile", "-i"),
        "bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0';"
        " bind 'set page-completions off'; bind 'set enable-bracketed-paste off'",
    ),
    "zsh": (("zsh", "-f", "-i"), "autoload -Uz compinit; compinit -u -D; LISTMAX=1000"),
}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|[\x00\x07\x08]|\r(?!\n)")
LIMIT = 60
"""Seconds after which a shell that says nothing counts as broken."""


class Terminal:
    """A shell on a terminal."""

    def __init__(self, shell: str, folder: Path) -> None:
        command, setup = BEGIN[shell]
        self._terminal, other = pty.openpty()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=trace_environ() | {"TERM": "xterm", "PS1": "> ", "HOME": str(folder)},
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        # Not a character is typed before the shell is there to take it.
        self._type(f"stty columns 200 rows 200; {setup}; source ./script\n")
        self.complete("")

    def complete(self, line: str) -> str:
        """Return what the shell shows when a line is typed, and the tabulator after it."""
        if line:
            self._type(f"{line}\t")
        # Removes the line, and makes the shell report when all of it is done.
        self._type("\x15echo read''y\n")
        shown = ""
        deadline = time.monotonic() + LIMIT
        # With its prompt it takes single characters; before, the terminal would keep them.
        while not re.search(r"\nready\r*\n[^>]*> ", ESCAPES.sub("", shown)):
            left = deadline - time.monotonic()
            assert left > 0, shown
            if select.select([self._terminal], [], [], left)[0]:
                shown += os.read(self._terminal, 1 << 16).decode("utf-8", "replace")
        return ESCAPES.sub("", shown).rpartition("echo read")[0]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())


@pytest.fixture(scope="module", params=SHELLS)
def complete(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Complete]:
    """Return what asks a shell for its completions of a line."""
    shell: str = request.param
    folder = tmp_path_factory.mktemp(shell)
    script = read("completion", shell, cwd=folder)
    assert (script.code, script.stderr) == (0, "")
    write(folder, {"script": script.stdout, "app.py": "", "data of mine.txt": "", "traced/x": ""})
    if shell != "fish":
        terminal = Terminal(shell, folder)
        yield terminal.complete
        terminal.close()
        return

    def ask_fish(line: str) -> str:
        done = subprocess.run(
            ["fish", "--no-config", "-c", "source ./script; complete -C $argv[1]", line],
            cwd=folder,
            env=trace_environ() | {"HOME": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    yield ask_fish


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("codetracer ", ["record", "watch", "show", "info", "export", "completion"]),
        ("codetracer --v", ["--version"]),
        ("codetracer sh", ["show"]),
        ("codetracer show --fo", ["--format"]),
        ("codetracer show --format ", ["json", "text"]),
        ("codetracer show --format=j", ["--format=json"]),
        ("codetracer show --format json --rai", ["--raises"]),
        ("codetracer show tra", ["traced/"]),
        ("codetracer info tra", ["traced/"]),
        ("codetracer export --to ", ["codetracer-json"]),
        ("codetracer record --require-tr", ["--require-trace"]),
        ("codetracer record --no-propagate", ["--no-propagate-script-exit"]),
        ("codetracer record --on-recorder-error a", ["abort"]),
        ("codetracer record --max-depth 3 --inc", ["--include"]),
        ("codetracer record --max-depth=3 --inc", ["--include"]),
        ("codetracer record -o traced -q --io-cap", ["--io-capture"]),
        ("codetracer record -o tra", ["traced/"]),
        ("codetracer record --log-file da", ["data"]),
        ("codetracer record ap", ["app.py"]),
        ("codetracer record app.py da", ["data"]),
        ("codetracer record -m app da", ["data"]),
        ("codetracer record --pytest ap", ["app.py"]),
        ("codetracer watch --events start,rai", ["start,raise"]),
        ("codetracer watch --events ju", ["jump"]),
        ("codetracer completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_what_may_come_next_is_offered(complete: Complete, line: str, offered: list[str]) -> None:
    shown = complete(line)

    assert [word for word in offered if word not in shown] == [], shown


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("codetracer record app.py --inc", "--include"),
        ("codetracer record -q app.py --inc", "--include"),
        ("codetracer record -m app --inc", "--include"),
        ("codetracer record --pytest --inc", "--include"),
        ("codetracer record -- app.py --inc", "--include"),
        ("codetracer show --inc", "--include"),
        ("codetracer record --rais", "--raises"),
        ("codetracer record --max-depth ap", "app.py"),
    ],
)
def test_what_would_be_the_programs_or_wrong_is_not_offered(
    complete: Complete, line: str, option: str
) -> None:
    assert option not in complete(line)


@pytest.mark.parametrize("shell", ["", "tcsh"])
def test_a_shell_that_there_is_no_script_for_is_wrong_usage(tmp_path: Path, shell: str) -> None:
    done = read("completion", *filter(None, [shell]), cwd=tmp_path)

    assert (done.code, done.stdout) == (2, "")
    assert "SHELL" in done.stderr
