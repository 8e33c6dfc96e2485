"""Programs of which a budget lowers the detail after so many events, however long those took."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import codetracer
from codetracer.monitoring.backend import BACKENDS, VARIABLE
from codetracer.replay import StepEvent
from tests.support.recordings import ENVIRON, Step, steps
from tests.support.running import execute, write

__all__ = ["BUSY", "bytes_recorded", "line_events", "lowered", "record_lowered", "told_and_true"]

FIRST = """
from codetracer.runtime.budget import Budget
from codetracer.runtime.filtering import Gate
from codetracer.filters import load_chain
from codetracer.limits import Limits

class First(Budget):
    '''Lowers the code of the first sample that can be lowered, each time it is asked.'''

    spared = ()  # the numbers of code that is never lowered; the module has 0

    def look(self, spent, samples):
        assert spent > 0 and all(taken >= 0 for _, _, taken in samples)
        found = [(number, detail + 1) for number, detail, _ in samples
                 if detail < 2 and number not in self.spared]
        self.lowered += len(found[:1])
        return found[:1]
"""

IN_FOLDER = FIRST + """
import os, sys
from codetracer import session
from codetracer.recording.directory import TraceDirectory
from codetracer.runtime.lifecycle import Recorder

out, least_detail, *spared = sys.argv[1:]
First.spared = tuple(map(int, spared))
recorder = Recorder(
    TraceDirectory(out), Gate(load_chain('/', environ={}, detail=least_detail)), capture='off',
    limits=Limits(50, 1000, 10000), budget=First(20.0, least=0),
)
recorder.leave_out(sys._getframe())
with open('app.py') as file:
    code = compile(file.read(), os.path.abspath('app.py'), 'exec')
session.start_recorder(recorder)
exec(code, {'__name__': '__main__', 'kept': []})
session.stop(0)
"""

BYTES = FIRST + """
import collections, itertools, json, sys
from codetracer.monitoring import Tracer, install_tracer, uninstall_tracer
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.plans import Plans

log = make_log(sys.argv[1], bytes(16), 1, 1)
gate, definitions = Gate(load_chain('/', environ={})), Definitions()
budgets = {'first': First(20.0, least=0), 'ample': Budget(1e6, least=0), 'none': None}
engine = make_engine(
    log, gate, Plans(gate, definitions, code_reader()), definitions, Limits(),
    clock=itertools.count(1000, 7).__next__, budget=budgets[sys.argv[2]],
)
lines = collections.Counter()
def on_line(code, number):
    lines[code.co_qualname] += 1
    return engine.on_line(code, number)
tracer = Tracer()
for name in dir(engine):
    if name.startswith('on_'):
        setattr(tracer, name, getattr(engine, name))
if sys.argv[3]:
    tracer.on_line = on_line
with open('app.py') as file:
    code = compile(file.read(), 'app.py', 'exec')
namespace = {'__name__': '__main__', 'kept': []}
install_tracer(tracer)
exec(code, namespace)
uninstall_tracer()
engine.exit(3)
log.close()
print(json.dumps(lines))
"""

BUSY = """\
keep = kept.append
count = 0

class Box:
    def __init__(self, value):
        self.value = value
        self.items = [value]

    def add(self, item):
        if len(self.items) > 5:
            self.items.clear()
        self.items.append(item)
        self.value = self.value + item
        return self.value

def generate(limit):
    for number in range(limit):
        square = number * number
        got = yield square
        square = (got, square)

def inner(box, depth):
    here = depth
    if depth:
        inner(box, depth - 1)
        here = here + 1
    box.add(here)
    return here

def fail(text):
    try:
        raise ValueError(text)
    except ValueError as error:
        keep(error)
        caught = str(error)
    return caught

def around():
    total = 0
    def more(by):
        nonlocal total
        total = total + by
        return total
    return more

def told(box, found):
    found["value"] = box.value
    if len(found) > 3:
        found.clear()
    return len(found)

def counted():
    global count
    count = count + 1
    return count

def once(n):
    a = n
    b = [a]
    c = {"b": b}
    return c

box, found, more = Box(1), {}, around()
keep((box, found, more))
suspended = generate(10**6)
held = generate(10**6)
next(held)
for turn in range(90):
    depth = inner(box, 4)
    got = next(suspended)
    again = told(box, found); found[turn] = turn
    text = fail("no"); keep
    total = more(turn)
    count = counted()
    held.send(turn)
    last = once(turn)
    keep((depth, got, again, text, total, last))
box.add(0)
end = 1
"""
"""It keeps all objects, as `tests.record.test_engines` says. Each line names what the code changes
that it calls."""


def record_lowered(
    folder: Path,
    program: str,
    detail: str = "values",
    backend: str = BACKENDS[0],
    *,
    spares_module: bool = False,
) -> Path:
    """Record a program whose code is lowered on the way; return the recording's folder.

    Which code it is depends on the events that are sampled, and so on the version of CPython.

    Parameters:
        spares_module: whether the code of the module itself is never lowered.
    """
    write(folder, {"app.py": program})
    outcome = execute(
        *("-c", IN_FOLDER, f"out-{backend}", detail, *["0"] * spares_module),
        cwd=folder,
        environ=ENVIRON | {VARIABLE: backend},
    )
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    return folder / f"out-{backend}"


def bytes_recorded(
    folder: Path, program: str, backend: str, budget: Literal["first", "ample", "none"] = "first"
) -> bytes:
    """Return the log of a program with a budget, and with a counter for a clock.

    Parameters:
        budget: ``first`` lowers code on the way, ``ample`` is a real one that nothing exceeds.
    """
    _execute(folder, program, backend, budget)
    return (folder / f"{backend}.ctlog").read_bytes()


def line_events(folder: Path, program: str, backend: str) -> dict[str, int]:
    """Return how many events for lines come of each code, by its name, if code is lowered."""
    lines: dict[str, int] = json.loads(_execute(folder, program, backend, "first", "counts"))
    return lines


def _execute(folder: Path, program: str, backend: str, budget: str, counts: str = "") -> str:
    write(folder, {"app.py": program})
    outcome = execute(
        *("-c", BYTES, f"{backend}.ctlog", budget, counts),
        cwd=folder,
        environ=ENVIRON | {VARIABLE: backend},
    )
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    return outcome.stdout


def told_and_true(path: Path, true: list[Step]) -> Iterator[tuple[Step, Step]]:
    """Yield the steps of a recording at which it has values, each with the true one.

    Parameters:
        path: the recording of a program with one thread.
        true: all steps of the program. Of lowered code, the recording has the first ones.
    """
    rest: dict[str, Iterator[Step]] = {}
    for code in {step.code for step in true}:
        rest[code] = iter([step for step in true if step.code == code])
    replay = codetracer.read(path).replay()
    has_values = [event.frame.code.has_values for event in replay if isinstance(event, StepEvent)]
    for step, has in zip(steps(path), has_values, strict=True):
        expected = next(rest[step.code])
        assert step.line == expected.line
        if has:
            yield step, expected
        else:
            assert step.locals == {}


def lowered(path: Path) -> list[tuple[str, str, str]]:
    """Return which code was lowered: its name, and the details before and after."""
    replay = codetracer.read(path).replay()
    for _ in replay:
        pass
    return [(each.code.name, each.before, each.after) for each in replay.lowered]
