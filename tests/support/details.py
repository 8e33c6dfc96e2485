"""A program, and filters that give its parts a detail."""

from pathlib import Path

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import (
    CallEvent,
    OutputEvent,
    RaiseEvent,
    ReturnEvent,
    StepEvent,
    UnwindEvent,
    render,
)
from tests.support.running import Outcome, execute, write

__all__ = ["APP", "FILES", "FILTER", "PART", "PART_BY_CALLS", "details", "record", "rule", "seen"]

APP = """\
import sys
import package.part

EVENTS = sys.monitoring.events

class Box:
    def __init__(self, value):
        self.value = value
        self.inner = [value]

    def double(self):
        self.value *= 2
        return self.value

def fail(box):
    try:
        raise ValueError(box.value)
    except ValueError:
        print("failed", box.value)
        raise KeyError("gone") from None

def mine(found):
    found["mine"] = len(found)
    return found

def generate(count):
    for number in range(count):
        yield number

def told():
    for tool in range(6):
        if sys.monitoring.get_tool(tool) == "codetracer":
            everywhere = sys.monitoring.get_events(tool)
            for function in (mine, package.part.change):
                local = sys.monitoring.get_local_events(tool, function.__code__)
                print(function.__name__, bool((everywhere | local) & EVENTS.LINE))

box = Box(1)
box.double()
found = {}
result = package.part.call(mine, found)
other = package.part.change(found)
try:
    fail(box)
except KeyError:
    pass
numbers = list(generate(2))
told()
end = 1
"""


PART = """\
total = 0
def change(given):
    given["changed"] = True
    return given

def call(function, given):
    global total
    total += 1
    given["before"] = 1
    got = function(given)
    given["after"] = 2
    return got
"""


FILES = {"app.py": APP, "package/__init__.py": "", "package/part.py": PART}
FILTER = """\
[meta]
name = "mine"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
"""


def rule(selector: str, detail: str) -> str:
    return f'[[scope.rules]]\nselector = "{selector}"\ndetail = "{detail}"\n'


PART_BY_CALLS = FILTER + rule("pkg:package.part", "calls")


def record(
    folder: Path,
    *options: str,
    rules: str = "",
    backend: str = BACKENDS[0],
    out: str = "out",
    **environ: str,
) -> Outcome:
    write(folder, FILES | ({"filter.toml": rules} if rules else {}))
    given = ("--trace-filter", "filter.toml") if rules else ()
    return execute(
        *("-m", "codetracer", "record", "-q", "-o", out, *given, *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend} | environ,
    )


def details(folder: Path, out: str = "out") -> dict[str, str]:
    """Return the last detail of each function, by its name."""
    replay = codetracer.read(folder / out).replay()
    found = {event.frame.code for event in replay if isinstance(event, CallEvent)}
    return {code.short_name: code.detail for code in found}


def seen(folder: Path, out: str = "out") -> list[str]:
    """Return in words what a recording has, event by event."""
    replay = codetracer.read(folder / out).replay()
    found = []
    for event in replay:
        if event.frame is None:
            continue
        name = event.frame.code.short_name
        match event:
            case CallEvent():
                given = ", ".join(f"{key}={render(v)}" for key, v in event.arguments.items())
                found.append(f"{name}({given})")
            case ReturnEvent():
                found.append(f"{name} -> {render(event.value)}")
            case UnwindEvent() | RaiseEvent():
                found.append(f"{name} {type(event).__name__} {render(event.exception)}")
            case StepEvent():
                variables = replay.locals(event.frame) | replay.globals(event.frame)
                found.append(f"{name}:{event.line} {len(variables)} variables")
            case OutputEvent():
                found.append(f"{name} prints {event.text.strip()}")
    return found
