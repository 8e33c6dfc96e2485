"""Puts a pipe or a pseudo-terminal in the place of descriptors 1 and 2.

This module sets the pipes up. `codetracer.capture.pipes`, or the same in C with the engine in C,
runs them. `codetracer.capture.forwarder` is the process that forwards them, and
`codetracer.capture.io` explains why another process is needed.
"""

from __future__ import annotations

import os
import sys
from fcntl import F_DUPFD_CLOEXEC as _F_DUPFD_CLOEXEC
from fcntl import fcntl as _fcntl
from os import close as _close
from os import dup as _dup
from os import fstat as _fstat
from os import ftruncate as _ftruncate
from os import isatty as _isatty
from os import memfd_create as _memfd_create
from os import openpty as _openpty
from os import pipe as _pipe
from os import posix_spawn as _posix_spawn
from os import urandom as _urandom
from os import waitpid as _waitpid
from termios import OPOST as _OPOST
from termios import TCSANOW as _TCSANOW
from termios import tcgetattr as _tcgetattr
from termios import tcsetattr as _tcsetattr

from codetracer.capture import forwarder
from codetracer.capture.forwarder import MEMORY_SIZE, TOKEN_SIZE
from codetracer.capture.streams import FIRST_DESCRIPTOR, STDERR, STDOUT
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codetracer.capture.streams import Record

__all__ = ["redirect"]

seal(globals())


def redirect(make: Callable[..., Any], record: Record) -> Any:
    """Replace descriptors 1 and 2.

    Parameters:
        make: `codetracer.capture.pipes.Pipes`, or the same class in C.
        record: called with the written bytes.

    Returns:
        The started object of `make`; None if there are too few descriptors, no open descriptor 1 or
        2, or no interpreter to start.
    """
    if not sys.executable:
        return None
    setting = _Setting()
    try:
        pipes = setting.make(make, record)
    except OSError:
        pipes = None
    setting.close(setting.opened if pipes is None else setting.passed_on)
    if pipes is not None:
        pipes.start()
    return pipes


class _Setting:
    """Opens the descriptors for a capture.

    Attributes:
        opened: all descriptors that it has opened.
        passed_on: the ones among them that only the forwarder needs.
    """

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.passed_on: list[int] = []

    def make(self, make: Callable[..., Any], record: Record) -> Any:
        """Open everything, start the forwarder, and return the result of `make`.

        Returns:
            None if neither descriptor is open, or the forwarder cannot be started.

        Raises:
            OSError: there are too few descriptors.
        """
        token = b"\x1b" + _urandom(TOKEN_SIZE).hex().encode()
        memory = self._keep(_memfd_create("codetracer"))
        _ftruncate(memory, MEMORY_SIZE)
        receiving, sending = self._keep_both(_pipe())
        sinks: list[tuple[int, bool]] = []
        routes: list[tuple[int, int, int]] = []
        known: dict[tuple[int, int], int] = {}
        passed = [memory, sending]
        kinds: list[str] = []
        for number in (STDOUT, STDERR):
            try:
                found = _fstat(number)
            except OSError:
                continue
            saved = self._keep(_dup(number))
            identity = found.st_dev, found.st_ino
            if identity not in known:
                is_terminal = _isatty(number)
                ends = _open_terminal(number) if is_terminal else _pipe()
                reader, feed = self._keep_both(ends)
                self.passed_on.append(reader)
                known[identity] = len(sinks)
                sinks.append((feed, is_terminal))
                passed += [reader, saved]
                kinds.append(f"{number}{'t' if is_terminal else 'p'}")
            routes.append((number, saved, known[identity]))
        if not sinks or not _spawn(token, passed, kinds):
            return None
        return make(record, token, memory, (receiving, sending), tuple(sinks), tuple(routes))

    def _keep(self, descriptor: int) -> int:
        """Move a descriptor to a high number, not inheritable, and return that."""
        try:
            kept = _fcntl(descriptor, _F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR)
        finally:
            _close(descriptor)
        self.opened.append(kept)
        return kept

    def _keep_both(self, ends: tuple[int, int]) -> tuple[int, int]:
        try:
            first = self._keep(ends[0])
        except OSError:
            _close(ends[1])
            raise
        return first, self._keep(ends[1])

    def close(self, descriptors: list[int]) -> None:
        """Close the descriptors that are not needed any more."""
        for descriptor in descriptors:
            _close(descriptor)


def _spawn(token: bytes, passed: list[int], kinds: list[str]) -> bool:
    """Start the forwarder, and return whether it runs.

    Parameters:
        token: the bytes that begin a mark.
        passed: the descriptors that it gets, from number 3 on.
        kinds: for each pipe, its stream's number and ``t`` for a terminal or ``p``.
    """
    arguments = [sys.executable, "-I", "-S", forwarder.__file__, token.decode(), *kinds]
    actions: list[Any] = [
        (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)
    ]
    actions += [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(passed, 3)]
    child = _posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
    try:
        return _waitpid(child, 0)[1] == 0
    except ChildProcessError:
        # The program was started with SIGCHLD ignored, so its status is unknown.
        return True


def _open_terminal(like: int) -> tuple[int, int]:
    """Return both ends of a pseudo-terminal that does not change the bytes written to it.

    The forwarder sets its size once before the program uses it.
    """
    master, slave = _openpty()
    modes = _tcgetattr(like)
    modes[1] &= ~_OPOST
    _tcsetattr(slave, _TCSANOW, modes)
    return master, slave
