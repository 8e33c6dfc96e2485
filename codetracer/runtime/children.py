"""Notices Python processes that are not recorded, and programs that replace this process.

It listens to CPython's audit events. With the engine in C, only the events of processes run Python
code. With the engine in Python, each audit event calls a Python function, which needs a frame on
the stack.
"""

from __future__ import annotations

import sys
from importlib import import_module
from os import O_CLOEXEC, O_NONBLOCK, O_RDONLY
from os import close as _close
from os import environ as _environ
from os import fspath as _fspath
from os import open as _open
from os import read as _read
from os import stat as _stat
from stat import S_ISREG as _S_ISREG
from sys import _getframe

from codetracer.inspect.kinds import type_name
from codetracer.own import seal
from codetracer.whose import began_here
from codetracer_bindings.trace_encoder import encode_child, encode_exec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

__all__ = [
    "Children",
    "about_to_exec",
    "commands",
    "environment",
    "started",
    "unheard",
]

_python: Final = sys.executable
_tells_fork_exec: Final = sys.version_info >= (3, 15)
"""True if the function by which subprocess and multiprocessing start one has an audit event."""

_engine: Any
try:
    _engine = import_module("codetracer_bindings._engine")
except ImportError:
    _engine = None

UNHEARD: Final = {
    ("multiprocessing.popen_spawn_posix", "Popen._launch"): "multiprocessing, by spawn",
    ("multiprocessing.popen_forkserver", "Popen._launch"): "multiprocessing, by forkserver",
}
"""Functions that start Python processes without an audit event before 3.15, with their means."""

_FLAGS: Final = O_RDONLY | O_CLOEXEC | O_NONBLOCK
_PATHS: Final = frozenset(
    f"{module}.{name}"
    for module in ("pathlib", "pathlib._local")  # the latter in 3.13
    for name in ("PosixPath", "PurePosixPath")
)
"""CPython's own path types; converting a path of another type would run the program's code."""

LONGEST_COMMAND: Final = 200
"""The largest number of characters of a command that are written."""

LONGEST_LOOKED_AT: Final = 10_000
"""The largest number of characters of a command that are searched for secrets."""

commands: Final[list[str]] = []
"""The Python processes that this process has started since recording began."""

seal(globals())


class Children:
    """Listens to audit events, from `begin` to `end`.

    Parameters:
        note: writes a record.
        hide: takes a command's words, and returns them without secrets.

    Attributes:
        last: the program that was started last; in a child that runs ``preexec_fn`` it is the
            program that will replace the child.
    """

    def __init__(
        self, note: Callable[[bytes], object], hide: Callable[[list[str]], list[str]]
    ) -> None:
        self._note = note
        self._hide = hide
        self.last = ""

    def begin(self) -> None:
        """Start to listen."""
        commands.clear()
        _listen(self._hear)

    def end(self) -> None:
        """Stop listening."""
        _listen(None)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        try:
            self._take_note(event, arguments)
        except Exception as error:
            # The program's own `sys.audit` may give any arguments; its stack may be full.
            if not began_here(error):
                raise

    def _take_note(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.exec":
            self._note(encode_exec(_text(arguments[0])))
            return
        if event == "os.system":
            words = ["sh", "-c", *_words(arguments[0])]
            program = ""
        elif event != "subprocess.Popen" and _caller() == "subprocess":
            # subprocess has reported it already.
            return
        else:
            words = _words(arguments[1])
            program = _text(arguments[0])
        self.last = program or (words[0] if words else "")
        if _is_python(self.last, words):
            # A shell's command is one word.
            words = self._hide(" ".join(words)[:LONGEST_LOOKED_AT].split(" "))
            command = " ".join(words)[:LONGEST_COMMAND]
            # Terminals will show the command, so it must not have control characters.
            command = "".join([mark if mark.isprintable() else "?" for mark in command])
            self._note(started(command))


def unheard(module: str, name: str) -> str | None:
    """Return the means by which a function starts a process without an audit event, or None.

    Parameters:
        module: ``__name__`` of its globals.
        name: its qualified name.
    """
    return None if _tells_fork_exec else UNHEARD.get((module, name))


def started(command: str) -> bytes:
    """Return the record for a started process, and remember the process."""
    commands.append(command)
    return encode_child(command)


def about_to_exec() -> bool:
    """Return, right after a fork, whether this process was forked to run another program."""
    frame = _getframe(1)
    while frame.f_back is not None and _name_of(frame).startswith("codetracer."):
        frame = frame.f_back
    return _name_of(frame) == "subprocess"


def _caller() -> str:
    frame = _getframe(3)
    return _name_of(frame.f_back) if frame.f_back is not None else ""


def _name_of(frame: Any) -> str:
    name = dict.get(frame.f_globals, "__name__")
    return name if type(name) is str else ""


def _text(value: Any) -> str:
    kind = type(value)
    if type_name(kind) in _PATHS:
        value = _fspath(value)
        kind = type(value)
    if kind is list and value:
        # The paths at which the system searches for the program, in order.
        return _text(value[0])
    if kind is bytes:
        value = bytes.decode(value, "utf-8", "surrogateescape")
    return value if type(value) is str else ""


def _words(command: object) -> list[str]:
    if type(command) is list or type(command) is tuple:
        return [_text(word) for word in command]
    return [_text(command)]


def _is_python(program: str, words: list[str]) -> bool:
    """Return whether a command seems to run Python."""
    name = program.rpartition("/")[2]
    if name in ("sh", "bash", "dash", "zsh"):
        # A shell's program can be recognized only by the words of the command.
        return any("python" in word or "pytest" in word for word in words[1:])
    if program == _python or name.startswith(("python", "pypy")):
        return True
    if name == "env":
        return any(word.rpartition("/")[2].startswith("python") for word in words[1:])
    return "python" in _first_line(program)


def environment() -> list[tuple[str, str]]:
    """Return the process' environment as text."""
    # Not by os.environ's methods, which are Python code.
    items = [*dict.items(getattr(_environ, "_data", {}))]
    return [(_text(name), _text(value)) for name, value in items]


def _path() -> str:
    # Not by os.environ's methods, which are Python code.
    return _text(dict.get(getattr(_environ, "_data", {}), b"PATH"))


def _first_line(program: str) -> str:
    """Return the ``#!`` line of a script."""
    folders = [""] if "/" in program else _path().split(":")
    for folder in folders:
        path = f"{folder}/{program}" if folder else program
        try:
            # Opening a FIFO would be visible to its writer.
            if not _S_ISREG(_stat(path).st_mode):
                continue
            file = _open(path, _FLAGS)
        except (OSError, ValueError) as error:
            if not began_here(error):
                raise
            continue
        try:
            begin = _read(file, 200)
        except OSError as error:
            if not began_here(error):
                raise
            continue
        finally:
            _close(file)
        return begin.split(b"\n")[0].decode("latin-1") if begin[:2] == b"#!" else ""
    return ""


def _listen(listener: Callable[[str, tuple[object, ...]], None] | None) -> None:
    if _engine is not None:
        _engine.watch_children(listener)
        return
    global _listener, _hooked
    _listener = listener
    if not _hooked and listener is not None:
        _hooked = True
        _add_hook(_on_audit)


_add_hook = sys.addaudithook
_listener: Callable[[str, tuple[object, ...]], None] | None = None
_hooked = False
_EVENTS: Final = frozenset(
    ("os.exec", "os.posix_spawn", "os.system", "subprocess.Popen", "_posixsubprocess.fork_exec")
)


def _on_audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS and _listener is not None:
        _listener(event, arguments)
