"""Programs recorded in processes of their own, and what was recorded of them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import codetracer
from codetracer import replay as recorded
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from codetracer.replay import (
    CallEvent,
    ObjectValue,
    ReturnEvent,
    StepEvent,
    UnwindEvent,
    YieldEvent,
)
from tests.support.oracle import BEGINS, RETURNS, STATES, UNWINDS, YIELDS
from tests.support.running import ROOT, Outcome, execute, write

__all__ = [
    "BACKENDS",
    "ENVIRON",
    "FULL",
    "NATIVE",
    "Step",
    "an_object",
    "calls",
    "last",
    "naive_steps",
    "record",
    "record_steps",
    "steps",
    "texts",
]

FULL = ("--max-depth=50", "--max-items=1000", "--max-text=10000")
"""Nothing of a small program is cut."""

ENVIRON = {"PYTHONHASHSEED": "0"}


class Step(NamedTuple):
    """A line is about to run: where, and what the variables are that its code can see."""

    file: str
    thread: str
    code: str
    line: int
    locals: dict[str, Any]
    globals: dict[str, Any]


def record(
    folder: Path, program: str, *options: str, backend: str = BACKENDS[0], out: str = "out"
) -> Outcome:
    """Write ``app.py`` and record it into a folder below `folder`; it must end without a word."""
    write(folder, {"app.py": program})
    outcome = execute(
        *("-m", "codetracer", "record", "-q", "--io-capture=off", "-o", out, *options, "app.py"),
        cwd=folder,
        environ=ENVIRON | {VARIABLE: backend},
    )
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    return outcome


def record_steps(
    folder: Path, program: str, *options: str, backend: str = BACKENDS[0], out: str = "out"
) -> list[Step]:
    """Record a program, and return its steps."""
    record(folder, program, *options, backend=backend, out=out)
    return steps(folder / out)


def naive_steps(folder: Path, program: str) -> list[Step]:
    """Return the steps of a program as a full snapshot at each of them has it."""
    write(folder, {"app.py": program})
    oracle = ROOT / "tests/support/oracle.py"
    in_c = "in-c" if NATIVE else "without-c"
    outcome = execute(oracle, "app.py", "snapshots", in_c, cwd=folder, environ=ENVIRON)
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    lines = (folder / "snapshots").read_text(encoding="utf-8").splitlines()
    return [Step(**json.loads(line)) for line in lines]


def steps(path: Path) -> list[Step]:
    """Return the steps of a recording, with everything that can be seen at each."""
    return [step for step, _ in _walk(path)]


def calls(path: Path) -> Iterator[Step]:
    """Yield the calls of a recording with their arguments, and their ends with what they gave.

    In place of a line there is a number that says which of these it is (`tests.support.oracle`).
    """
    ends = {ReturnEvent: RETURNS, YieldEvent: YIELDS, UnwindEvent: UNWINDS}
    for event in codetracer.read(path).replay():
        match event:
            case CallEvent():
                found, what = event.arguments, BEGINS
                found = {name: found[name] for name in found if not name.startswith(".")}
            case ReturnEvent() | YieldEvent():
                found, what = {"": event.value}, ends[type(event)]
            case UnwindEvent():
                found, what = {"": event.exception}, UNWINDS
            case _:
                continue
        code = event.frame.code
        shown = _Normal().variables(found)
        file, thread = os.path.basename(code.path), event.thread.name
        yield Step(file, thread, code.name, what, shown, {})


def texts(path: Path) -> list[tuple[str, int, dict[str, str]]]:
    """Return for each step the code, the line, and what it can see as Python would write it.

    Local variables hide global ones; the objects' numbers are not in it.
    """
    return [(step.code, step.line, seen) for step, seen in _walk(path, as_text=True)]


def last(path: Path) -> dict[str, recorded.Value]:
    """Return the global variables as the module's last line sees them."""
    replay = codetracer.read(path).replay()
    found: dict[str, recorded.Value] = {}
    for event in replay:
        if isinstance(event, StepEvent) and event.frame.code.kind == "module":
            found = replay.globals(event.frame)
    return found


def an_object(value: recorded.Value) -> ObjectValue:
    """Return a value, which must be an object."""
    assert isinstance(value, ObjectValue), value
    return value


def _walk(path: Path, *, as_text: bool = False) -> Iterator[tuple[Step, dict[str, str]]]:
    replay = codetracer.read(path).replay()
    for event in replay:
        if isinstance(event, StepEvent):
            seen = replay.globals(event.frame) | replay.locals(event.frame) if as_text else {}
            texts = {name: recorded.render(value, 10_000) for name, value in seen.items()}
            yield _step(replay, event), texts


def _step(replay: recorded.Replay, event: StepEvent) -> Step:
    frame = event.frame
    normal = _Normal()
    local_variables = normal.variables(replay.locals(frame))
    if frame.code.kind == "module":
        namespace = replay.state.namespaces[frame.code.namespace]
        found = {name: replay.state.resolve(value) for name, value in namespace.items()}
    else:
        found = replay.globals(frame)
    # A global variable that is gone.
    found = {name: v for name, v in found.items() if v != recorded.Hidden("unbound")}
    global_variables = normal.variables(found)
    return Step(
        os.path.basename(frame.code.path),
        event.thread.name,
        frame.code.name,
        event.line,
        local_variables,
        global_variables,
    )


NATIVE = "native" in BACKENDS
"""True if there is an engine in C, whose functions the one in Python uses too."""

_CHANGING = ("line", "locked", "remaining", "running", "suspended")
"""Attributes that change without a line that names them: a full snapshot shows that at once."""


class _Normal:
    """Values in the form that `tests.support.oracle` has."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}

    def variables(self, variables: dict[str, recorded.Value]) -> dict[str, Any]:
        return {name: self.value(variables[name]) for name in sorted(variables)}

    def value(self, value: recorded.Value) -> list[Any]:
        match value:
            case recorded.ObjectValue():
                return self.object(value)
            case recorded.RangeValue(start, stop, step):
                return ["range", [start, stop, step]]
            case (
                recorded.CutText()
                | recorded.CutBytes()
                | recorded.CutTuple()
                | recorded.CutInteger()
            ):
                return ["cut", repr(value)]
            case recorded.Hidden(how):
                return ["hidden", how]
            case str():
                return ["str", value]
            case tuple():
                return ["tuple", [self.value(item) for item in value]]
            case bool() | int() | float() | complex() | bytes():
                return [type(value).__name__, repr(value)]
            case _:
                return [repr(value)]

    def object(self, value: recorded.ObjectValue) -> list[Any]:
        number = self.numbers.get(value.number)
        if number is not None:
            return ["object", number]
        number = self.numbers[value.number] = len(self.numbers)
        if value.type_name == "mappingproxy" and not NATIVE:
            return ["object", number, value.form, value.type_name, [], {}]
        items: list[Any]
        if value.form == "dict":
            items = [[self.value(key), self.value(item)] for key, item in value.pairs]
        else:
            items = [self.value(item) for item in value.items]
        if value.form in ("set", "frozenset"):
            items.sort(key=str)
        if value.cut or value.cut_attributes:
            items.append(["cut", value.cut, value.cut_attributes])
        names = sorted(value.attributes)
        if value.form == "instance" and value.type_name in STATES:
            names = [name for name in names if name not in _CHANGING]
        named = {key: self.value(value.attributes[key]) for key in names}
        return ["object", number, value.form, value.type_name, items, named]
