"""In company: with the real releases of other tools, each gets what it gets alone."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from codetracer.monitoring.backend import BACKENDS
from tests.support.company import site
from tests.support.running import SOURCES, write

pytestmark = [pytest.mark.slow, pytest.mark.network]

WORK = """
import contextlib, threading

class Account:
    def __init__(self, total):
        self.total = total
    @property
    def double(self):
        return 2 * self.total
    def add(self, amount):
        if amount < 0:
            raise ValueError(amount)
        self.total += amount
        return self

def numbers(n):
    for i in range(n):
        if i % 2:
            continue
        yield i

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def careful(account, amount):
    try:
        account.add(amount)
    except ValueError as error:
        return "refused"
    finally:
        account.total += 0
    return "taken"

def main():
    account = Account(1)
    said = [careful(account, amount) for amount in (1, -1, 2)]
    with contextlib.suppress(KeyError):
        raise KeyError("out")
    said.append(sum(numbers(5)) + fib(5) + account.double)
    while said and said[0] == "never":
        said.pop()
    return said
"""
"""A program that does the same every time that it runs."""

SCRIPT = '''
import json, os, sys
sys.path.insert(0, os.getcwd())
import work
from codetracer import DISABLE, Monitor, Tracer

class Ours(Tracer):
    """Notes all that happens in work.py."""
    def __init__(self, outcome=None):
        self.seen = []
        self.outcome = outcome
    def note(self, event, code, where):
        if code.co_filename == work.__file__:
            self.seen.append((event, code.co_name, where))
            return self.outcome
    def on_py_start(self, code, offset): return self.note("start", code, offset)
    def on_line(self, code, line): return self.note("line", code, line)
    def on_py_return(self, code, offset, value): return self.note("return", code, offset)
    def on_py_yield(self, code, offset, value): return self.note("yield", code, offset)

class Loud(Ours):
    def on_raise(self, code, offset, error): self.note("raise", code, repr(error))
    def on_exception_handled(self, code, offset, error): self.note("handled", code, repr(error))
    def on_py_unwind(self, code, offset, error): self.note("unwind", code, repr(error))
    def on_call(self, code, offset, callee, argument): self.note("call", code, offset)
    def on_jump(self, code, offset, target): self.note("jump", code, offset)

class OurTool:
    def __init__(self):
        self.loud, self.silent = Loud(), Ours(DISABLE)
        self.monitors = Monitor("loud"), Monitor("silent")
    def start(self):
        for monitor, tracer in zip(self.monitors, (self.loud, self.silent)):
            monitor.install(tracer)
    def stop(self):
        for monitor in self.monitors:
            monitor.flush()
            monitor.uninstall()
    def result(self):
        return [self.loud.seen, sorted(set(map(str, self.silent.seen)))]

class NoTool:
    def start(self): pass
    def stop(self): pass
    def result(self): pass

TOOL

ours = OurTool() if "ours" in sys.argv[1] else NoTool()
tool = Tool() if "tool" in sys.argv[1] else NoTool()
first, last = (ours, tool) if sys.argv[1].startswith("ours") else (tool, ours)
first.start()
last.start()
said = work.main()
if sys.argv[2] == "nested":
    last.stop(); first.stop()
else:
    first.stop(); last.stop()
said = [said, work.main()]
result = {
    "said": said, "ours": ours.result(), "tool": tool.result(),
    "left": [sys.monitoring.get_tool(n) for n in range(6)], "trace": repr(sys.gettrace()),
}
with open("result.json", "w") as file:
    json.dump(result, file)
'''

TOOLS = {
    "coverage": """
import coverage
class Tool:
    def __init__(self):
        branch = sys.version_info >= (3, 14)  # before, coverage has no branches by sysmon
        self.tool = coverage.Coverage(data_file=None, branch=branch, include=[work.__file__])
    def start(self):
        self.tool.start()
        assert "coverage.py" in map(sys.monitoring.get_tool, range(6)), "not by sys.monitoring"
    def stop(self): self.tool.stop()
    def result(self):
        data = self.tool.get_data()
        return [data.lines(work.__file__), sorted(data.arcs(work.__file__) or ())]
""",
    "cProfile": """
import cProfile
class Tool:
    def __init__(self): self.tool = cProfile.Profile()
    def start(self): self.tool.enable()
    def stop(self): self.tool.disable()
    def result(self):
        self.tool.create_stats()
        return sorted(
            (where[2], where[1], numbers[:2], len(numbers[4]))
            for where, numbers in self.tool.stats.items() if where[0] == work.__file__
        )
""",
    "VizTracer": """
from viztracer import VizTracer
class Tool:
    def __init__(self): self.tool = VizTracer(verbose=0, output_file="viz.json", log_async=False)
    def start(self): self.tool.start()
    def stop(self): self.tool.stop()
    def result(self):
        self.tool.save()
        with open("viz.json") as file:
            events = json.load(file)["traceEvents"]
        return sorted(event["name"] for event in events if work.__file__ in event["name"])
""",
    "bdb": """
import bdb
class Tool(bdb.Bdb):
    def __init__(self):
        super().__init__(**BACKEND)
        self.seen = []
    def start(self): self.set_trace()
    def stop(self): self.set_quit()  # raises nothing, because it stops nowhere
    def note(self, event, frame):
        if frame.f_code.co_filename == work.__file__:
            self.seen.append((event, frame.f_code.co_name, frame.f_lineno))
        if not self.quitting:
            self.set_step()
    def user_call(self, frame, arguments): self.note("call", frame)
    def user_line(self, frame): self.note("line", frame)
    def user_return(self, frame, value): self.note("return", frame)
    def user_exception(self, frame, info): self.note("exception", frame)
    def dispatch_line(self, frame):
        return None if self.quitting else super().dispatch_line(frame)
    def dispatch_return(self, frame, value):
        return None if self.quitting else super().dispatch_return(frame, value)
    def dispatch_call(self, frame, arg):
        return None if self.quitting else super().dispatch_call(frame, arg)
    def dispatch_exception(self, frame, arg):
        return None if self.quitting else super().dispatch_exception(frame, arg)
    def result(self): return self.seen
""",
    "pdb": """
import io, pdb
class Tool:
    def __init__(self):
        self.out = io.StringIO()
        said = io.StringIO("break work.add\\nbreak work.fib\\n" + "continue\\nwhere\\nstep\\n" * 60)
        self.tool = pdb.Pdb(stdin=said, stdout=self.out, nosigint=True, readrc=False, **BACKEND)
        self.tool.set_break(work.__file__, work.fib.__code__.co_firstlineno + 1)
        self.tool.set_break(work.__file__, work.Account.add.__code__.co_firstlineno + 1)
    def start(self): self.tool.set_trace(sys._getframe(1))
    def stop(self):
        self.tool.clear_all_breaks()
        self.tool.stop_trace() if hasattr(self.tool, "stop_trace") else sys.settrace(None)
    def result(self):
        # What it stopped at; not our own file, in which the start stops.
        return [line for line in self.out.getvalue().splitlines() if "work.py(" in line]
""",
    "settrace": """
import threading
class Tool:
    def __init__(self): self.seen = []
    def start(self): sys.settrace(self.note)
    def stop(self): sys.settrace(None)
    def note(self, frame, event, argument):
        if frame.f_code.co_filename == work.__file__:
            self.seen.append((event, frame.f_code.co_name, frame.f_lineno))
        return self.note
    def result(self): return self.seen
""",
    "setprofile": """
class Tool:
    def __init__(self): self.seen = []
    def start(self): sys.setprofile(self.note)
    def stop(self): sys.setprofile(None)
    def note(self, frame, event, argument):
        if frame.f_code.co_filename == work.__file__:
            self.seen.append((event, frame.f_code.co_name, frame.f_lineno))
    def result(self): return self.seen
""",
}
"""The class of each tool: it starts and stops the tool, and returns its results."""

TOOLS = {name: text.replace("**BACKEND", "") for name, text in TOOLS.items()} | (
    # 3.14 on: both have a backend on sys.monitoring as well.
    {
        f"{name} by monitoring": TOOLS[name].replace("**BACKEND", "backend='monitoring'")
        for name in ("bdb", "pdb")
    }
    if sys.version_info >= (3, 14)
    else {}
)
ORDERS = [
    (first, end) for first in ("ours, then tool", "tool, then ours") for end in ("nested", "not")
]


def run(
    folder: Path, *arguments: str, backend: str = BACKENDS[0], status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run this interpreter in `folder`, with the other tools and this project to be found."""
    path = os.pathsep.join(map(str, (*SOURCES, site())))
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CODETRACER_", "COVERAGE_", "COV_", "PYTEST_", "PYTHON"))
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=kept
        | {
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "COVERAGE_CORE": "sysmon",
            "CODETRACER_BACKEND": backend,
            "PYTHONHASHSEED": "0",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


@cache
def alone(kind: str, tool: str, backend: str, folder: Path) -> dict[str, Any]:
    """Return the results of the work with one of both, or none, in a folder for the session."""
    place = folder / f"{kind} {tool} {backend}"
    return together(place, tool, (kind, "nested"), backend)


def together(folder: Path, tool: str, order: tuple[str, str], backend: str) -> dict[str, Any]:
    write(folder, {"work.py": WORK, "script.py": SCRIPT.replace("\nTOOL\n", TOOLS[tool])})
    done = run(folder, "script.py", *order, backend=backend)
    assert done.stderr == ""
    result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return result


def in_place(result: Any, folder: Path) -> str:
    """Return a result as text, wherever it was had."""
    return json.dumps(result).replace(str(folder), "FOLDER")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alone")


@pytest.mark.parametrize(
    ("order", "backend"),
    # Which callbacks there are makes no difference to the order.
    [(order, BACKENDS[0]) for order in ORDERS] + [(order, BACKENDS[-1]) for order in ORDERS[::3]],
)
@pytest.mark.parametrize("tool", TOOLS)
def test_both_tools_get_what_each_gets_alone(
    tool: str, order: tuple[str, str], backend: str, tmp_path: Path, shared: Path
) -> None:
    ours = alone("ours", "settrace", backend, shared)
    theirs = alone("tool", tool, BACKENDS[0], shared)
    assert ours["ours"][0]
    assert theirs["tool"]

    both = together(tmp_path / "both", tool, order, backend)

    theirs_alone = in_place(theirs["tool"], shared / f"tool {tool} {BACKENDS[0]}")
    assert both["said"] == ours["said"] == theirs["said"]
    assert both["ours"] == ours["ours"]
    assert in_place(both["tool"], tmp_path / "both") == theirs_alone
    assert both["left"] == [None] * 6
    assert both["trace"] == "None"


PLUGIN = """
import json
from codetracer import DISABLE, Monitor, Tracer

class Lines(Tracer):
    def __init__(self): self.seen = []
    def on_line(self, code, line):
        if not code.co_filename.endswith("work.py"):
            return DISABLE
        self.seen.append((code.co_name, line))
    # 3.13 on: with it, lines are told that are not told without (gh-155992); coverage sets it too.
    def on_py_start(self, code, offset): return DISABLE

monitor, tracer = Monitor("lines"), Lines()
if EARLY:
    monitor.install(tracer)
def pytest_sessionstart(session):
    if not EARLY:
        monitor.install(tracer)
def pytest_unconfigure(config):
    monitor.flush()
    monitor.uninstall()
    with open("lines.json", "w") as file:
        json.dump(tracer.seen, file)
"""
TEST = """
import pytest, work

def test_main(): assert work.main()[0] == "taken"
@pytest.mark.parametrize("n", [1, 2])
def test_fib(n): assert work.fib(n) == 1
def test_that_fails(): assert work.fib(3) == 3
"""


COV = ("--cov=work", "--cov-report=json", "--cov-report=")
OURS = ("-p", "ours")


@cache
def pytest_run(folder: Path, options: tuple[str, ...], early: bool, backend: str) -> list[Any]:
    """Return pytest's results, what coverage found, and the events that our tracer received."""
    plugin = PLUGIN.replace("EARLY", str(early))
    write(folder, {"work.py": WORK, "test_work.py": TEST, "ours.py": plugin})
    quiet = ("-q", "-p", "no:cacheprovider", "--tb=no")
    done = run(folder, "-m", "pytest", *quiet, *options, backend=backend, status=1)
    assert done.stderr == ""
    said = [line for line in done.stdout.splitlines() if "FAILED" in line or "." in line[:1]]
    found = {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}
    return [said, found.get("coverage", {}).get("files"), found.get("lines")]


@pytest.mark.parametrize("early", [True, False], ids=["ours first", "coverage first"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pytest_run_with_coverage_has_the_same_results_and_so_has_our_tracer(
    early: bool, backend: str, tmp_path: Path, shared: Path
) -> None:
    theirs = pytest_run(shared / "cov", COV, True, BACKENDS[0])
    ours = pytest_run(shared / "ours", (*OURS, "-p", "no:cov"), True, BACKENDS[0])

    both = pytest_run(tmp_path, (*OURS, *COV), early, backend)

    assert both[0] == ours[0] == theirs[0]
    assert both[1] == theirs[1] is not None
    assert both[2] == ours[2]
    assert both[2]


# VizTracer takes slot 2, whoever holds it: it frees it first.
THEFT = """
import json, logging, os, sys
sys.path.insert(0, os.getcwd())
import work
from codetracer import Monitor, RecorderError, Tracer
from codetracer.policy import RecorderPolicy
from viztracer import VizTracer

class Lines(Tracer):
    def __init__(self): self.lines, self.calls = 0, []
    def on_line(self, code, line): self.lines += code.co_filename == work.__file__
    def notify_failure(self): self.calls.append("failed")
    def finish(self): self.calls.append("finish")

policy, moment = sys.argv[1:]
tracer = Lines()
monitor = Monitor("ours", slot=2, policy=RecorderPolicy({"on_recorder_error": policy}))
monitor.install(tracer)
viz = VizTracer(verbose=0, output_file="viz.json", log_async=False)
viz.start()
said = [work.main()]
code = None
if moment == "after":
    viz.stop()
try:
    monitor.flush()
except RecorderError as error:
    code = error.code
if moment == "during":
    viz.stop()
before = tracer.lines
said.append(work.main())
viz.save()
with open("viz.json") as file:
    events = json.load(file)["traceEvents"]
recovered = tracer.lines > before
monitor.uninstall()
names = sorted(event["name"].split(" ")[0] for event in events if work.__file__ in event["name"])
result = {
    "said": said, "code": code, "calls": tracer.calls, "recovered": recovered, "viz": names,
    "left": [sys.monitoring.get_tool(n) for n in range(6)],
}
with open("result.json", "w") as file:
    json.dump(result, file)
"""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("moment", ["during", "after"])
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_when_viztracer_takes_our_slot_we_say_so_and_recover_or_leave(
    policy: str, moment: str, backend: str, tmp_path: Path, shared: Path
) -> None:
    write(tmp_path, {"work.py": WORK, "script.py": THEFT})
    theirs = alone("tool", "VizTracer", BACKENDS[0], shared)

    done = run(tmp_path, "script.py", policy, moment, backend=backend)

    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["said"] == theirs["said"]
    assert result["viz"] == sorted(name.split(" ")[0] for name in theirs["tool"])
    assert result["left"] == [None] * 6
    if moment == "after":
        # It has freed the slot, and nobody has taken it.
        assert (result["code"], result["calls"], result["recovered"]) == (None, ["finish"], True)
    else:
        assert result["code"] == ("ERR_SLOT_LOST" if policy == "abort" else None)
        assert (result["calls"], result["recovered"]) == (["failed", "finish"], False)
    said_so = "[ERR_SLOT_LOST]" in done.stderr
    assert said_so is (policy == "disable" or moment == "after")
