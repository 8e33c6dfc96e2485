"""Writes what `bdb` sees at every line of some programs, each run in a process of its own.

Run as ``python bdb_steps.py FOLDER...``: each folder has an ``app.py``; what is seen there goes to
``seen-PID`` beside it, a line of JSON for each stop. The same process records each program, too, so
that one start of the interpreter is enough.
"""

from __future__ import annotations

import bdb
import dis
import functools
import inspect
import json
import os
import sys
import sysconfig
import threading
import types
import typing

from tests.support.oracle import global_names, own

SKIPPED = ["asyncio*", "importlib*", "_frozen*", "threading", "contextlib", "re", "re.*", "enum"]

LIBRARY = os.path.join(sysconfig.get_path("purelib"), "iniconfig")

PLAIN = (type(None), bool, int, float, str, bytes, type(...))


class Stops(bdb.Bdb):
    """Stops at every line, and writes what can be seen there."""

    def __init__(self, folder: str) -> None:
        super().__init__(skip=SKIPPED)
        self.folder = folder
        self.files: dict[int, typing.IO[str]] = {}
        self.lines: dict[types.FrameType, int] = {}

    def user_line(self, frame: types.FrameType) -> None:
        """Write what can be seen."""
        if not is_recorded(frame.f_code, self.folder):
            return
        # sys.settrace, unlike sys.monitoring, reports each jump back within a line.
        if self.lines.get(frame) == frame.f_lineno:
            return
        self.lines[frame] = frame.f_lineno
        row = {
            "thread": threading.current_thread().name,
            "stack": stack(frame, self.folder),
            **variables(frame),
        }
        pid = os.getpid()
        if pid not in self.files:
            self.files[pid] = open(f"seen-{pid}", "a", encoding="utf-8")  # noqa: SIM115
        self.files[pid].write(json.dumps(row) + "\n")
        self.files[pid].flush()


def is_recorded(code: types.CodeType, folder: str) -> bool:
    """Return whether code is of the program, or of the library that one of them tests."""
    return code.co_filename.startswith((folder, LIBRARY))


def stack(frame: types.FrameType | None, folder: str) -> list[tuple[str, int]]:
    """Return the names and lines of the recorded frames, innermost first."""
    found = []
    while frame is not None:
        if is_recorded(frame.f_code, folder):
            found.append((frame.f_code.co_qualname, frame.f_lineno))
        frame = frame.f_back
    return found


def variables(frame: types.FrameType) -> dict[str, dict[str, str | None]]:
    """Return the texts of the variables that a frame's code can see, by name."""
    code = frame.f_code
    if code.co_name == "<module>":
        seen: dict[str, typing.Any] = {}
    else:
        seen = dict(frame.f_locals)
        if not code.co_flags & inspect.CO_OPTIMIZED:
            seen = {name: value for name, value in seen.items() if name in code.co_names}
    # A submodule that is imported is no variable that the code names.
    names = {*global_names(code)} - imported(code)
    used = {name: frame.f_globals[name] for name in names if name in frame.f_globals}
    return {"Locals": texts(own(seen)), "Globals": texts(own(used))}


@functools.cache
def imported(code: types.CodeType) -> set[str]:
    """Return the names that code only imports from."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for each in dis.get_instructions(code):
        if each.opname.endswith("_NAME"):
            found[each.opname == "IMPORT_NAME"].add(str(each.argval))
    return found[True] - found[False]


def texts(values: dict[str, typing.Any]) -> dict[str, str | None]:
    """Return the text of each value."""
    return {name: text(value, ()) for name, value in values.items()}


def text(value: typing.Any, outer: tuple[int, ...]) -> str | None:
    """Return a value's text as codetracer writes it; None where it is another one."""
    kind = type(value)
    if kind in PLAIN:
        return repr(value)
    if id(value) in outer:
        return None
    inner = (*outer, id(value))
    parts: list[str | None]
    if kind in (list, tuple):
        parts = [text(item, inner) for item in value]
        if None in parts:
            return None
        inside = ", ".join(map(str, parts))
        if kind is list:
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if kind is dict:
        keys = [text(key, inner) for key in value]
        parts = [text(item, inner) for item in value.values()]
        if None in keys or None in parts:
            return None
        return f"{{{', '.join(f'{key}: {part}' for key, part in zip(keys, parts, strict=True))}}}"
    if kind in (types.FunctionType, type):
        return f"<{'function' if kind is types.FunctionType else 'class'} {value.__qualname__}>"
    if kind is types.ModuleType:
        return f"<module {value.__name__}>"
    if kind.__module__ == "__main__" and not isinstance(value, BaseException):
        named = {name: text(item, inner) for name, item in vars(value).items()}
        if None in named.values():
            return None
        inside = ", ".join(f"{name}={part}" for name, part in named.items())
        return f"<{kind.__name__} {inside}>" if inside else f"<{kind.__name__}>"
    return None


def run_under_bdb() -> None:
    """Run ``app.py`` as the main module."""
    path = os.path.abspath("app.py")
    main = types.ModuleType("__main__")
    main.__dict__["__file__"] = path
    sys.modules["__main__"] = main
    sys.argv[:] = [path]
    sys.path[0] = os.getcwd()
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    stops = Stops(os.getcwd())
    threading.settrace(stops.trace_dispatch)
    stops.run(code, main.__dict__)


def record() -> None:
    """Record ``app.py`` into ``out``."""
    from codetracer.cli import main

    sys.argv[:] = ["codetracer"]
    # Some releases of setuptools have every import run code of theirs.
    leaving_out = "--exclude=*_distutils_hack*"
    sys.exit(main(["record", "-q", "--io-capture=off", leaving_out, "-o", "out", "app.py"]))


def in_child(action: typing.Callable[[], None], folder: str) -> int:
    """Do something in a folder and in a process of its own; return its exit status."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        action()
        sys.exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    # What they import is there already: how it is imported is no matter of theirs.
    import asyncio  # noqa: F401
    import dataclasses  # noqa: F401

    import codetracer.commands.record  # noqa: F401

    for each in sys.argv[1:]:
        for doing in (run_under_bdb, record):
            status = in_child(doing, each)
            if status:
                sys.exit(f"{each}: {doing.__name__} ended with {status}")
