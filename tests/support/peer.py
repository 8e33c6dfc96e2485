"""codetracer-python-recorder 0.3.0 run on a program, and what it wrote, in the form of equality.py.

What the peer's log (`--format json`) is like, as 0.3.0 was seen to write it on 3.12.1 and 3.13.0:

- A call is a Value for each argument, a Step at the code's first line, and a Call. Its arguments
  are in the order of ``co_varnames``: positional, keyword-only, ``*args``, ``**kwargs``. A
  resumption has none; one by ``throw()`` or ``close()`` has ``exception``. A generator expression
  has ``.0``, which the program cannot name and which is left out here.
- A call, resumption or return is written where CPython has an event for it, and nowhere else.
- A line is a Step, then a Value for each local variable, and for each global one that no local one
  hides: all of them every time, all they hold, ``__builtins__`` too where it is in the module.
- Functions of one file that have the same qualified name are one, at the line of the first.
- Around everything is a call of ``<toplevel>``, which returns the exit status, or the string
  ``<exit>`` where an exception ends the program. A module is ``<its name>``.
- None, bool, str, int within 64 bits, tuple, list and dict are written as such, and so are
  instances of their subclasses. Of everything else, floats and larger ints too, it writes what
  ``str()`` makes of it, which runs the program's own code; ``<unrepr>`` where that fails.
"""

from __future__ import annotations

import dis
import fcntl
import inspect
import json
import os
import re
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from tests.support.equality import IMPLIED, Call, Event, Line, Recording, Return, Value
from tests.support.project import ROOT

NAME = "codetracer-python-recorder"
VERSION = "0.3.0"
RUNS = sys.version_info < (3, 14)
"""True if the peer runs on this CPython."""
VARIABLE = "PEER_RECORDER"
"""Names a folder that has the peer, as `pip install --target` makes it; none is installed then."""


class PeerError(Exception):
    """The peer did not record a program; `status` is that of its process."""

    def __init__(self, status: int, stderr: str) -> None:
        super().__init__(f"exit status {status}\n{stderr}")
        self.status = status


PEER_STACK_OVERFLOW = -signal.SIGSEGV
"""The exit status of the peer if a value contains itself."""


@cache
def site() -> Path:
    """Return a folder that has the peer for this interpreter, installing it when there is none."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    folder = ROOT / f".venvs/peer-{VERSION}-{sys.implementation.cache_tag}"
    folder.parent.mkdir(exist_ok=True)
    # Other workers of pytest want it at the same time.
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists():
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "install", "--no-deps", "--upgrade"),
                    *("--target", str(folder), f"{NAME}=={VERSION}"),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (
                f"pip cannot install {NAME} {VERSION}; where there is no package index, say"
                f" {VARIABLE}=FOLDER that has it:\n{done.stderr}"
            )
            ready.touch()
    return folder


def run_peer(
    program: Path, output: Path, *, path: tuple[Path, ...] | None = None
) -> subprocess.CompletedProcess[str]:
    """Record a program with the peer; return how its process ended.

    It runs in the folder that `output` is in. Its modules are looked for in `path`; by default in
    its own folder, where the peer does not look.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CODETRACER", "PYTHON"))
    }
    folders = (site(), *((program.parent,) if path is None else path))
    return subprocess.run(
        [
            *(sys.executable, "-m", "codetracer_python_recorder"),
            *("--trace-dir", str(output), "--format", "json", str(program)),
        ],
        cwd=output.parent,
        env=kept
        | {
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def record(program: Path, output: Path) -> Recording:
    """Record a program with the peer, and return what it wrote; raise PeerError when it fails.

    A program that an exception ends is recorded all the same, though the peer's status is then 1.
    """
    done = run_peer(program, output)
    log = output / "trace.json"
    if done.returncode not in (0, 1) or not log.exists():
        raise PeerError(done.returncode, done.stderr)
    return read(json.loads(log.read_text(encoding="utf-8")), program.parent)


def read(records: list[dict[str, Any]], folder: Path) -> Recording:
    """Return what the records of the peer's log say of a program in a folder."""
    return _Log(records, folder).recording()


class _Entry(NamedTuple):
    """An event, and what is written behind it."""

    event: Event
    scope: frozenset[str]
    """The names of the variables that are its frame's own."""
    variables: list[dict[str, Any]]


class _Log:
    """Reads the peer's log; anything that it does not know is an error."""

    def __init__(self, records: list[dict[str, Any]], folder: Path) -> None:
        self.records = records
        self.folder = folder
        self.paths: list[str] = []
        self.types: list[str] = []
        self.names: list[str] = []
        self.functions: list[tuple[str, str, int]] = []

    def recording(self) -> Recording:
        """Return the log's events, without the call that is around everything."""
        entries: list[_Entry] = []
        running: list[frozenset[str]] = []
        for record in self.records:
            ((kind, content),) = record.items()
            match kind:
                case "Path":
                    self.paths.append(content)
                case "Type":
                    self.types.append(content["lang_type"])
                case "VariableName":
                    self.names.append(content)
                case "Function":
                    path = self.paths[content["path_id"]]
                    self.functions.append((path, content["name"], content["line"]))
                case "Value":
                    entries[-1].variables.append(content)
                case "Event":
                    # Something was written to stdout or stderr.
                    pass
                case "Step":
                    entries.append(_Entry(Line(content["line"], {}), running[-1], []))
                case "Call":
                    path, name, line = self.functions[content["function_id"]]
                    if entries:
                        step = entries.pop()
                        assert step.event == Line(line, {}), f"a call without its step: {step}"
                        assert step.variables == [], f"variables of a call: {step}"
                        for argument in reversed(content["args"]):
                            found = entries[-1].variables.pop()
                            assert found == argument, "a call without its arguments"
                    running.append(own_names(path, name))
                    call = Call(self.function(path, name), self.arguments(content))
                    entries.append(_Entry(call, running[-1], []))
                case "Return":
                    returned = Return(self.value(content["return_value"]))
                    entries.append(_Entry(returned, running.pop(), []))
                case _:
                    raise ValueError(f"a record of an unknown kind: {record}")
        assert not running, "calls without a return"
        for entry in entries:
            self.fill(entry)
        first, *events, last = (entry.event for entry in entries)
        assert isinstance(first, Call), first
        assert first.function.endswith(":<toplevel>"), first
        assert isinstance(last, Return), last
        return Recording(events)

    def fill(self, entry: _Entry) -> None:
        """Give an event the variables that are its frame's own."""
        for written in entry.variables:
            assert isinstance(entry.event, Line), f"variables without a line: {entry}"
            name = self.names[written["variable_id"]]
            if name in entry.scope:
                assert name not in entry.event.variables, f"{name} twice in a line"
                entry.event.variables[name] = self.value(written["value"])

    def function(self, path: str, name: str) -> str:
        """Return a function as our form has it."""
        return f"{Path(path).relative_to(self.folder)}:{'<module>' if is_module(name) else name}"

    def arguments(self, call: dict[str, Any]) -> tuple[tuple[str, Value], ...]:
        """Return the arguments of a call."""
        return tuple(
            (self.names[argument["variable_id"]], self.value(argument["value"]))
            for argument in call["args"]
            if self.names[argument["variable_id"]].isidentifier()
        )

    def value(self, written: dict[str, Any]) -> Value:
        """Return a value in our form."""
        match written["kind"], self.types[written["type_id"]]:
            case "None", "None":
                return ("none",)
            case "Bool", "Bool":
                return ("bool", written["b"])
            case "Int", "Int":
                return ("int", written["i"])
            case "String", "String":
                return ("str", written["text"])
            case "Tuple", "Tuple":
                return ("tuple", tuple(map(self.value, written["elements"])))
            case "Sequence", "List":
                return ("list", tuple(map(self.value, written["elements"])))
            case "Sequence", "Dict":
                return ("dict", tuple(self.value(pair)[1] for pair in written["elements"]))
            case "Raw", "Object":
                return ("text", without_addresses(written["r"]))
            case "Error", "Object":
                return ("error", written["msg"])
            case "Error", "Redacted":
                return ("redacted",)
            case _:
                raise ValueError(f"a value of an unknown kind: {written}")


def without_addresses(text: str) -> str:
    """Return a text as it would be wherever the object, or a module's file, is."""
    text = re.sub(r"\b0x[0-9a-f]+\b", "0x", text)
    return re.sub(r"<module '([\w.]+)' (from '.*'|\(.*\))>", r"<module '\1'>", text)


def is_module(name: str) -> bool:
    """Return whether a function is the code of a module, which the peer calls ``<its name>``."""
    inner = ("<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>", "<toplevel>")
    return re.fullmatch(r"<[\w.]+>", name) is not None and name not in inner


@cache
def own_names(path: str, name: str) -> frozenset[str]:
    """Return the names of a code's own variables that the program itself names.

    The peer writes the global ones too, and does not say which are which.
    """
    code = compile(Path(path).read_text(encoding="utf-8"), path, "exec", dont_inherit=True)
    if is_module(name):
        return frozenset(code.co_names) - IMPLIED
    waiting = [code]
    found: set[str] = set()
    while waiting:
        code = waiting.pop()
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        if code.co_qualname != name:
            continue
        if code.co_flags & inspect.CO_OPTIMIZED:
            found |= {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
        else:
            # A class's body.
            stores = (one for one in dis.get_instructions(code) if one.opname == "STORE_NAME")
            found |= {one.argval for one in stores}
    return frozenset(filter(str.isidentifier, found)) - IMPLIED
