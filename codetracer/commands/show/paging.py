"""Shows output in a pager on a terminal, as git does."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from codetracer.standard_error import complain
from codetracer.terminal import SafeStream

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["paged", "pager"]

DEFAULT: Final = "less"

PAGER_VARIABLES: Final = {"LESS": "FRX", "LV": "-c"}
"""Variables for the pager, unless the environment has them.

With them the pager ends if the text fits on one screen, and shows colours. The text stays there."""


def pager() -> str | None:
    """Return the command of the pager; None for no pager.

    The command is CODETRACER_PAGER, else PAGER, else ``less``. There is no pager if standard output
    is no terminal, if the command is empty or ``cat``, or if its program does not exist.
    """
    if not sys.stdout.isatty():
        return None
    known = (os.environ.get(name) for name in ("CODETRACER_PAGER", "PAGER"))
    command = next((value for value in known if value is not None), DEFAULT).strip()
    if command in ("", "cat"):
        return None
    try:
        program = shlex.split(command)[0]
    except ValueError:
        program = command
    if shutil.which(program) is None:
        if command != DEFAULT:
            complain(f"codetracer: cannot find the pager {program}; continuing without one")
        return None
    return command


@contextmanager
def paged(command: str | None) -> Iterator[None]:
    """Send standard output through a pager until the ``with`` block ends.

    If the user leaves the pager earlier, the block ends there without an error.

    Parameters:
        command: the command, which a shell runs; None for no pager.
    """
    if command is None:
        yield
        return
    before = sys.stdout
    before.flush()
    environ = PAGER_VARIABLES | os.environ
    process = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environ)
    assert process.stdin is not None
    below = io.TextIOWrapper(process.stdin, encoding=before.encoding)
    sys.stdout = SafeStream(below)
    try:
        with below, sys.stdout:
            yield
    except BrokenPipeError:
        pass
    finally:
        sys.stdout = before
        _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait until the pager ends; Ctrl-C is meant for the pager, so it is ignored here."""
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue
        return
