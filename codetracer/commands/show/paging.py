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

SETTINGS: Final = {"LESS": "FRX", "LV": "-c"}
"""Set for pagers unless it is: end if one screen shows all, show colours, leave the text there."""


def pager() -> str | None:
    """Return the command of the pager; None where standard output is no terminal or none is wanted.

    It is what CODETRACER_PAGER says, or PAGER, or less; ``cat`` and nothing stand for none.
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
    """Send what is printed on standard output through a pager, until the block ends.

    Whoever leaves the pager has seen enough: the block ends then, and nothing is said of it.

    Parameters:
        command: what the shell runs; None for no pager.
    """
    if command is None:
        yield
        return
    before = sys.stdout
    before.flush()
    environ = SETTINGS | os.environ
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
    """Wait until the pager is left; an interrupt is for it."""
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue
        return
