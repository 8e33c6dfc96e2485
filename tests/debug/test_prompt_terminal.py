"""`codetracer debug` on a terminal: completion, and the history from one run to the next."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.recordings import record
from tests.support.running import trace_environ

PROGRAM = """\
class Account:
    def __init__(self, owner):
        self.owner = owner
        self.balance = 7
def spend(account, amount):
    account.balance -= amount
    return account
spend(Account("Ada"), 3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record(folder, PROGRAM)
    return folder


class Terminal:
    """The prompt on a terminal of its own."""

    def __init__(self, outer: int, process: subprocess.Popen[bytes]) -> None:
        self._outer = outer
        self.process = process
        self._seen = ""

    def type(self, keys: str) -> None:
        os.write(self._outer, keys.encode())

    def wait_for(self, text: str) -> str:
        """Read until a text appears; return what came before it."""
        while text not in self._seen:
            self._seen += os.read(self._outer, 10_000).decode()
        before, _, self._seen = self._seen.partition(text)
        return before


@contextmanager
def prompt(folder: Path, state: Path) -> Iterator[Terminal]:
    outer, inner = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "codetracer", "debug", "out"],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        cwd=folder,
        env=trace_environ() | {"TERM": "dumb", "XDG_STATE_HOME": str(state), "INPUTRC": os.devnull},
        start_new_session=True,
    )
    os.close(inner)
    terminal = Terminal(outer, process)
    try:
        terminal.wait_for("(0:0) ")
        yield terminal
        terminal.type("q\n")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(outer)


@pytest.mark.slow
def test_words_are_completed(folder: Path, tmp_path: Path) -> None:
    with prompt(folder, tmp_path) as terminal:
        terminal.type("und\t\n")
        terminal.wait_for("undisplay")
        terminal.type("b spe\t\n")
        terminal.wait_for("Breakpoint 1 at")
        terminal.type("b app\t6\n")
        terminal.wait_for("Breakpoint 2 at")
        terminal.type("c\n")
        terminal.wait_for("spend()")
        terminal.type("p acc\t.bal\t\n")
        terminal.wait_for("p account.balance")
        terminal.wait_for("\r\n7\r\n")
        terminal.type("account.ow\t\n")
        terminal.wait_for("\r\n'Ada'\r\n")
        terminal.type("disable 2\t\n")
        terminal.wait_for("Disabled breakpoint 2")


@pytest.mark.slow
def test_what_was_typed_is_there_in_the_next_run(folder: Path, tmp_path: Path) -> None:
    with prompt(folder, tmp_path) as terminal:
        terminal.type("p 123 + 321\n")
        terminal.wait_for("444")

    with prompt(folder, tmp_path) as terminal:
        # Above it is the line that left the first run.
        terminal.type("\x10\x10\n")
        terminal.wait_for("444")

    history = tmp_path / "codetracer" / "debug_history"
    assert "p 123 + 321" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


@pytest.mark.slow
def test_an_interrupt_ends_the_line_and_not_the_prompt(folder: Path, tmp_path: Path) -> None:
    with prompt(folder, tmp_path) as terminal:
        terminal.type("p 99999")
        terminal.wait_for("p 99999")
        terminal.process.send_signal(signal.SIGINT)
        # A signal between two keys is seen with the next one.
        terminal.type("\n")
        terminal.wait_for("--KeyboardInterrupt--")
        terminal.type("p 22 + 20\n")
        terminal.wait_for("\r\n42\r\n")


@pytest.mark.slow
def test_without_a_folder_for_its_history_it_does_without(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "codetracer").write_text("a file where a folder would be")

    with prompt(folder, tmp_path) as terminal:
        terminal.type("p 22 + 20\n")
        terminal.wait_for("\r\n42\r\n")
