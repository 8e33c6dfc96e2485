"""`codetracer record`: its options, its exit status, what it leaves; and what the program sees."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import CallEvent, ExitEvent, OutputEvent, ReturnEvent
from tests.support.running import Outcome, execute, trace_environ, write

WINDOW = 1 << 20
"""How many bytes of a log are claimed at a time."""


def record(
    folder: Path, *arguments: str, stdin: str = "", environ: dict[str, str] | None = None
) -> Outcome:
    return execute(
        "-m", "codetracer", "record", *arguments, cwd=folder, stdin=stdin, environ=environ
    )


def metadata(trace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((trace / "trace_metadata.json").read_text())
    return found


def functions(trace: Path) -> list[str]:
    """Return the names of what was called in a complete trace."""
    read = codetracer.read(trace)
    assert read.complete, read.problem
    return [event.frame.code.name for event in read if isinstance(event, CallEvent)]


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# ---------------------------------------------------------------- the program is not disturbed

PROGRAMS = {
    "arguments": "import sys; print(sys.argv, __name__, __file__, sys.path[0])",
    "stdin": "import sys\nprint(input('? '))\nfor line in sys.stdin: print(repr(line))",
    "stderr": "import sys\nprint('out'); print('err', file=sys.stderr); sys.stdout.write('no end')",
    "bytes": "import sys\nsys.stdout.buffer.write(bytes(range(256))); sys.stdout.flush()",
    "a traceback": "def f(n): return g(n)\ndef g(n): raise ValueError(n)\nprint(1)\nf(2)",
    "a chained traceback": "try:\n    {}['x']\nexcept KeyError as e:\n"
    "    raise RuntimeError('r') from e",
    "an exception group": "raise ExceptionGroup('g', [ValueError(1), KeyError(2)])",
    "a note": "e = ValueError('x'); e.add_note('noted'); raise e",
    "recursion": "def f(): f()\ntry: f()\nexcept RecursionError as error: print(error)",
    "sys.exit with a text": "import sys; print('a'); sys.exit('the text')",
    "sys.exit in a thread": "import sys, threading\n"
    "t = threading.Thread(target=sys.exit, args=(4,)); t.start(); t.join(); print('on')",
    "a thread that fails": "import threading\n"
    "t = threading.Thread(target=lambda: 1 / 0, name='t')\n"
    "t.start(); t.join(); print('on')",
    "atexit": "import atexit\nfor n in range(3): atexit.register(print, 'exit', n)\nprint('end')",
    "deleted at the end": "class D:\n    def __init__(self, n): self.n = n\n"
    "    def __del__(self): print('del', self.n)\n"
    "a = D(1); b = D(2); D(3); c = [D(4)]; c.append(c); print('end')",
    "deleted at the end, slots": "class S:\n    __slots__ = ('n',)\n"
    "    def __del__(self): print('del', self.n)\na = S(); a.n = 1; print('end')",
    "deleted with a class": "import weakref, gc\ndef make():\n    class C: pass\n    class S:\n"
    "        __slots__ = ('a', '__weakref__')\n    c, s = C(), S(); c.x = s.a = 1\n"
    "    return weakref.ref(C), weakref.ref(S)\nrefs = make(); gc.collect()\n"
    "print([ref() for ref in refs])",
    "excepthook": "import sys\n"
    "sys.excepthook = lambda k, v, t: print('hook', k.__name__, v)\n1 / 0",
    "a warning": "import warnings\nwarnings.warn('warned')\nprint('on')",
    "generators": "def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\n"
    "i = g(); next(i)\nprint('end')",
    "locals": "def f(a):\n    b = 1\n    print(locals(), dir())\nf(2)\nprint(sorted(vars()))",
    "asyncio": "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    print('main')\n"
    "asyncio.run(main())",
    "subprocess": "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'print(1)'], check=True)",
}
STATUS = {
    "a traceback": 1,
    "a chained traceback": 1,
    "an exception group": 1,
    "a note": 1,
    "sys.exit with a text": 1,
    "excepthook": 1,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_recorded_program_prints_and_ends_as_it_does_unrecorded(
    tmp_path: Path, name: str, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAMS[name] + "\n"})
    stdin = "first\nsecond\nthird"

    plain = execute("app.py", "a", "-b", cwd=tmp_path, stdin=stdin)
    recorded = record(
        *(tmp_path, "-q", "-o", "out", "app.py", "a", "-b"),
        stdin=stdin,
        environ={"CODETRACER_BACKEND": backend},
    )

    assert plain.code == STATUS.get(name, 0), plain.stderr
    assert recorded == plain
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_propagation_the_same_is_said_and_then_what_it_would_have_ended_with(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"app.py": PROGRAMS["a traceback"]})
    plain = execute("app.py", cwd=tmp_path)

    recorded = record(
        *(tmp_path, "--no-propagate-script-exit", "-o", "out", "app.py"),
        environ={"CODETRACER_BACKEND": backend},
    )

    assert (recorded.code, recorded.stdout) == (0, plain.stdout)
    assert recorded.stderr.startswith(
        f"{plain.stderr}codetracer: the program ended with status 1\ncodetracer: recorded 3 calls, "
    )


@pytest.mark.parametrize(
    ("program", "status", "label"),
    [
        ("pass", 0, "exited 0"),
        ("raise SystemExit", 0, "exited 0"),
        ("raise SystemExit(3)", 3, "exited 3"),
        ("raise SystemExit(256 + 7)", 7, "exited 7"),
        ("raise SystemExit(-1)", 255, "exited 255"),
        ("raise SystemExit('text')", 1, "exited 1"),
        ("1 / 0", 1, "uncaught ZeroDivisionError"),
        ("class E(BaseException): pass\nraise E", 1, "uncaught E"),
        ("raise KeyboardInterrupt", 130, "uncaught KeyboardInterrupt"),
    ],
)
def test_how_the_program_ended_is_its_exit_status_and_in_the_log_and_the_metadata(
    tmp_path: Path, program: str, status: int, label: str
) -> None:
    write(tmp_path, {"app.py": program})

    outcome = record(tmp_path, "-o", "out", "app.py")

    assert outcome.code == (-signal.SIGINT if "Interrupt" in label else status)
    assert metadata(tmp_path / "out")["exit_status"] == {"code": status, "label": label}
    exits = [
        event.status for event in codetracer.read(tmp_path / "out") if isinstance(event, ExitEvent)
    ]
    assert exits == [status]


@pytest.mark.parametrize("flag", ["option", "variable"])
def test_the_exit_status_is_0_whatever_the_programs_is_when_that_is_asked_for(
    tmp_path: Path, flag: str
) -> None:
    write(tmp_path, {"app.py": "raise SystemExit(7)"})
    options = ("--no-propagate-script-exit",) if flag == "option" else ()
    environ = {} if options else {"CODETRACER_PROPAGATE_SCRIPT_EXIT": "no"}

    assert record(tmp_path, *options, "app.py", environ=environ).code == 0
    yes = record(tmp_path, "--propagate-script-exit", "app.py", environ=environ)
    assert yes.code == 7


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupt_ends_the_program_and_the_trace_is_whole(tmp_path: Path, backend: str) -> None:
    write(
        tmp_path,
        {
            "app.py": "import time\ndef wait():\n    print('ready', flush=True); time.sleep(60)\n"
            "wait()"
        },
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "codetracer", "record", "-o", "out", "app.py"],
        cwd=tmp_path,
        env=trace_environ() | {"CODETRACER_BACKEND": backend},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt\ncodetracer: recorded 2 calls, " in stderr
    assert codetracer.read(tmp_path / "out").complete


# ---------------------------------------------------------------- where to

PROGRAM = (
    "def f(x, text):\n    print(text)\n    return [x] * 5\nf({'a': {'b': {'c': 1}}}, 'long ' * 9)\n"
)


def test_a_folder_that_is_named_is_made_with_those_above_it(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})

    assert record(tmp_path, "--out-dir", "a/b/out", "app.py").code == 0

    assert functions(tmp_path / "a/b/out") == ["<module>", "f"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})
    (tmp_path / "out").mkdir()

    assert record(tmp_path, "-o", "out", "app.py").code == 0

    assert functions(tmp_path / "out") == ["<module>", "f"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_is_there_under_the_name_is_never_touched(tmp_path: Path, what: str) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})
    precious = tmp_path / ("out/old.txt" if what == "folder" else "out")
    write(tmp_path, {str(precious.relative_to(tmp_path)): "precious"})

    outcome = record(tmp_path, "-o", "out", "app.py")

    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(
        "codetracer: error: [ERR_TRACE_DIR_CONFLICT] out is not an empty"
    )
    assert precious.read_text() == "precious"
    assert listing(tmp_path) == ["app.py", "out"]


def test_without_a_name_the_first_free_one_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM, "trace-out-2/other": ""})

    said = [record(tmp_path, "app.py").stderr.splitlines() for _ in range(3)]

    assert [lines[:-1] for lines in said] == [
        [],
        ["codetracer: trace-out exists; recording into trace-out-3"],
        ["codetracer: trace-out exists; recording into trace-out-4"],
    ]
    assert [lines[-1].rpartition(" ")[2] for lines in said] == [
        "trace-out",
        "trace-out-3",
        "trace-out-4",
    ]
    assert listing(tmp_path) == ["app.py", *(f"trace-out{n}" for n in ("", "-2", "-3", "-4"))]
    assert listing(tmp_path / "trace-out-2") == ["other"]
    assert functions(tmp_path / "trace-out-4") == ["<module>", "f"]


def test_a_variable_names_the_folder_and_the_option_is_stronger(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})
    environ = {"CODETRACER_PYTHON_RECORDER_OUT_DIR": "by-variable"}

    record(tmp_path, "app.py", environ=environ)
    record(tmp_path, "-o", "by-option", "app.py", environ=environ)

    assert listing(tmp_path) == ["app.py", "by-option", "by-variable"]


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})

    outcome = record(tmp_path, "-o", "app.py/out", "app.py")

    assert (outcome.code, outcome.stdout) == (1, "")
    assert "[ERR_TRACE_DIR_CREATE_FAILED]" in outcome.stderr


@pytest.mark.parametrize("word", ["1", "true", "yes"])
def test_recording_can_be_switched_off_by_a_variable(tmp_path: Path, word: str) -> None:
    write(tmp_path, {"app.py": "print('runs')\nraise SystemExit(3)"})

    outcome = record(tmp_path, "app.py", environ={"CODETRACER_PYTHON_RECORDER_DISABLED": word})

    assert outcome == Outcome(3, "runs\n", "")
    assert listing(tmp_path) == ["app.py"]


# ---------------------------------------------------------------- what

WAYS = {
    "a script": (("app.py",), "app.py"),
    "a module": (("-m", "package.module"), "package.module"),
    "code": (("-c", "import app"), "<string>"),
    "a folder": (("folder",), "folder"),
    "standard input": (("-",), "-"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_python_runs_can_be_recorded(tmp_path: Path, way: str) -> None:
    write(
        tmp_path,
        {
            "app.py": PROGRAM,
            "package/__init__.py": "",
            "package/module.py": "import app\n",
            "folder/__main__.py": "import sys; sys.path.append('.'); import app\n",
        },
    )
    arguments, program = WAYS[way]
    extra = ("x",) if way != "standard input" else ()

    outcome = record(tmp_path, "-q", "-o", "out", *arguments, *extra, stdin="import app\n")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert functions(tmp_path / "out")[-1] == "f"
    found = metadata(tmp_path / "out")
    assert (found["program"], found["args"]) == (program, list(extra))


@pytest.mark.parametrize(
    "arguments", [("missing.py",), ("-m", "missing"), ("broken.py",), ("-c", "a b"), ("folder",)]
)
def test_a_program_that_cannot_begin_leaves_no_folder_and_pythons_own_words(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, {"broken.py": "def f(:\n", "folder/x": ""})
    before = listing(tmp_path)
    plain = execute(*arguments, cwd=tmp_path)

    recorded = record(tmp_path, *arguments)

    assert plain.code != 0
    assert recorded == plain
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-o", "out"),
        ("--max-depth", "0", "app.py"),
        ("--max-items", "many", "app.py"),
        ("--io-capture", "all", "app.py"),
        ("--on-recorder-error", "explode", "app.py"),
        ("--log-level", "loud", "app.py"),
        ("--no-such-option", "app.py"),
        ("--trace-filter", "missing.toml", "app.py"),
        ("--trace-filter", "bad.toml", "app.py"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_runs(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, {"app.py": "print('must not run')", "bad.toml": "no toml"})

    outcome = record(tmp_path, *arguments)

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "Traceback" not in outcome.stderr
    assert listing(tmp_path) == ["app.py", "bad.toml"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CODETRACER_CAPTURE_IO", "all"),
        ("CODETRACER_ON_RECORDER_ERROR", "explode"),
        ("CODETRACER_TRACE_FILTER", "missing.toml"),
        ("CODETRACER_REQUIRE_TRACE", "perhaps"),
    ],
)
def test_a_wrong_variable_ends_with_2_and_is_named(
    tmp_path: Path, variable: str, value: str
) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})

    outcome = record(tmp_path, "app.py", environ={variable: value})

    assert (outcome.code, outcome.stdout) == (2, "")
    assert value in outcome.stderr
    assert listing(tmp_path) == ["app.py"]


def test_options_behind_the_program_are_its_own(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import sys; print(sys.argv[1:])"})

    outcome = record(tmp_path, "-q", "-o", "out", "app.py", "-o", "--max-depth", "x")

    assert outcome == Outcome(0, "['-o', '--max-depth', 'x']\n", "")


FILTER = """\
[meta]
name = "{name}"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
[[scope.rules]]
selector = "obj:*.{function}"
exec = "{action}"
"""


def test_filters_come_from_files_given_and_from_the_variable_the_last_one_strongest(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "app.py": "def f(): pass\ndef g(): pass\nf(); g()\n",
            "f.toml": FILTER.format(name="no f", function="f", action="skip"),
            "g.toml": FILTER.format(name="no g", function="g", action="skip"),
            "yes.toml": FILTER.format(name="f", function="f", action="trace"),
        },
    )

    record(tmp_path, "-o", "1", "--trace-filter", "f.toml", "app.py")
    record(tmp_path, "-o", "2", "--trace-filter", "f.toml::g.toml", "app.py")
    record(
        *(tmp_path, "-o", "3", "--trace-filter", "yes.toml", "app.py"),
        environ={"CODETRACER_TRACE_FILTER": "f.toml"},
    )

    assert functions(tmp_path / "1") == ["<module>", "g"]
    assert functions(tmp_path / "2") == ["<module>"]
    assert functions(tmp_path / "3") == ["<module>", "f", "g"]
    filters = metadata(tmp_path / "3")["filters"]["filters"]
    assert [row["name"] for row in filters] == ["builtin-default", "no f", "f"]
    assert metadata(tmp_path / "2")["filters"]["stats"]["scopes_traced"] == 1


def test_recording_begins_at_the_activation_path(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"app.py": "def f(): pass\nf()\nimport part\nf()\n", "part.py": "def g(): pass\ng()\n"},
    )

    record(tmp_path, "-o", "out", "--activation-path", "part.py", "app.py")

    # The program's own frame is where that file is imported.
    assert functions(tmp_path / "out") == ["<module>", "<module>", "g"]


@pytest.mark.parametrize(
    ("options", "environ", "caught"),
    [
        ((), {}, ["python"]),
        (("--io-capture", "off"), {}, []),
        ((), {"CODETRACER_CAPTURE_IO": "off"}, []),
        (("--io-capture", "proxies"), {"CODETRACER_CAPTURE_IO": "off"}, ["python"]),
        (("--io-capture", "proxies+fd"), {}, ["python", "descriptor"]),
    ],
)
def test_output_is_caught_where_it_is_asked_for(
    tmp_path: Path, options: tuple[str, ...], environ: dict[str, str], caught: list[str]
) -> None:
    write(
        tmp_path, {"app.py": "import os\nprint('python', flush=True)\nos.write(1, b'descriptor')"}
    )

    outcome = record(tmp_path, "-q", "-o", "out", *options, "app.py", environ=environ)

    assert outcome == Outcome(0, "python\ndescriptor", "")
    data = b"".join(
        event.data for event in codetracer.read(tmp_path / "out") if isinstance(event, OutputEvent)
    )
    assert sorted(data.split()) == sorted(word.encode() for word in caught)


def test_limits_say_how_much_of_a_value_is_recorded(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})

    record(
        *(tmp_path, "-o", "out", "--max-depth", "2", "--max-items", "3", "--max-text", "4"),
        "app.py",
    )

    found = metadata(tmp_path / "out")["limits"]
    assert (found["depth"], found["items"], found["text"]) == (2, 3, 4)
    for event in codetracer.read(tmp_path / "out"):
        if isinstance(event, CallEvent) and event.frame.code.name == "f":
            assert "45" in repr(event.arguments["text"])  # characters, four of them shown
        if isinstance(event, ReturnEvent) and event.frame.code.name == "f":
            assert len(getattr(event.value, "items", ())) == 3


def test_pytest_is_run_by_its_option_and_leaves_itself_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "test_app.py": "from app import double\ndef test_it():\n    assert double(2) == 4\n"
            "def test_other():\n    assert double(2) == 5\n",
            "app.py": "def double(n):\n    return 2 * n\n",
        },
    )

    outcome = record(tmp_path, "-o", "out", "--pytest", "-q", "-p", "no:cacheprovider")

    assert outcome.code == 1
    assert "1 failed, 1 passed" in outcome.stdout
    assert outcome.stderr.startswith("codetracer: recorded ")
    called = [
        event.frame.code
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, CallEvent)
    ]
    own = [code.short_name for code in called if code.path.startswith(str(tmp_path))]
    assert own == ["<module>", "<module>", "test_it", "double", "test_other", "double"]
    assert not [code for code in called if "/_pytest/" in code.path]


PYTEST_PROJECT = {
    "test_app.py": """
from hypothesis import given, settings, strategies
from app import double
from packaging import pack

@settings(max_examples=3, database=None)
@given(strategies.integers())
def test_it(n): assert double(n) == pack(n)
def test_other(mine): assert double(mine) == 5
""",
    "app.py": "def double(n):\n    return 2 * n\n",
    "packaging/__init__.py": "def pack(n):\n    return n + n\n",
    "pytest_mine.py": "import pytest\n@pytest.fixture\ndef mine(): return 2\n",
    "site-packages/pytest_yours.py": "def pytest_report_header(config): return 'yours'\n",
}
"""A project with a package of a name that pytest uses, its own plugin, and an installed one."""

PYTEST = ("--pytest", "-q", "--color=yes", "-p", "no:cacheprovider", "-p", "pytest_mine")
INSTALLED_FILTER = """
[meta]
name = "mine"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
[[scope.rules]]
selector = 'pkg:regex:^(pytest_yours|hypothesis\\.core)$'
exec = "trace"
"""


def recorded_files(trace: Path) -> set[str]:
    """Return the paths of what was called in a complete trace, from its site-packages on."""
    read = codetracer.read(trace)
    assert read.complete, read.problem
    paths = {event.frame.code.path for event in read if isinstance(event, CallEvent)}
    return {path.partition("/site-packages/")[2] or path for path in paths}


@pytest.mark.parametrize("backend", BACKENDS)
def test_pytest_leaves_out_hypothesis_and_helpers_and_keeps_what_the_project_has(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, PYTEST_PROJECT)

    outcome = record(
        tmp_path, "-o", "out", *PYTEST, "test_app.py", environ={"CODETRACER_BACKEND": backend}
    )

    assert "1 failed" in outcome.stdout, outcome
    files = recorded_files(tmp_path / "out")
    own = ("test_app.py", "app.py", "packaging/__init__.py", "pytest_mine.py")
    assert {str(tmp_path / name) for name in own} <= files
    helpers = re.compile("_?(pytest|hypothesis|pygments|pluggy|packaging|sortedcontainers)")
    assert not list(filter(helpers.match, files))
    assert functions(tmp_path / "out").count("pack") >= 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_project_filter_records_an_installed_plugin_and_hypothesis_again(
    tmp_path: Path, backend: str
) -> None:
    files = {".codetracer/trace-filter.toml": INSTALLED_FILTER}
    write(tmp_path, PYTEST_PROJECT | files)
    path = os.pathsep.join((str(tmp_path / "site-packages"), trace_environ()["PYTHONPATH"]))
    environ = {"CODETRACER_BACKEND": backend, "PYTHONPATH": path}
    arguments = (*PYTEST, "-p", "pytest_yours", "test_app.py")

    record(tmp_path, "-o", "with", *arguments, environ=environ)
    (tmp_path / ".codetracer/trace-filter.toml").unlink()
    record(tmp_path, "-o", "without", *arguments, environ=environ)

    added = recorded_files(tmp_path / "with") - recorded_files(tmp_path / "without")
    assert added == {"pytest_yours.py", "hypothesis/core.py"}


# ---------------------------------------------------------------- the metadata


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_metadata_says_what_was_recorded_how_and_by_what(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": "import part\npart.f(1)\n", "part.py": "def f(n): return n\n"})
    before = time.time()

    record(*(tmp_path, "-o", "out", "app.py", "a", "b c"), environ={"CODETRACER_BACKEND": backend})

    found = metadata(tmp_path / "out")
    identity = uuid.UUID(found["recording_id"])
    assert identity.version == 7
    assert identity.variant == uuid.RFC_4122
    assert before - 1 <= (identity.int >> 80) / 1000 <= time.time() + 1
    assert (found["format"], found["version"]) == ("codetracer", 1)
    assert (found["program"], found["args"]) == ("app.py", ["a", "b c"])
    assert found["workdir"] == str(tmp_path)
    assert found["python"]["version"] == sys.version.split()[0]
    assert found["recorder"] == {
        "name": "codetracer",
        "version": codetracer.__version__,
        "backend": backend,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["started"])
    assert 0 < found["duration_ns"] < 60 * 10**9
    assert (found["complete"], found["incomplete_reason"]) == (True, None)
    assert found["counts"] == {"threads": 1, "calls": 3, "missed": 0}
    (log,) = (tmp_path / "out").glob("*.ctlog")
    assert found["bytes"] == log.stat().st_size
    assert found["processes"] == [{"log": log.name}]
    assert codetracer.read(tmp_path / "out").processes[0].log.recording == identity.bytes
    assert listing(tmp_path / "out") == [log.name, "sources", "trace_metadata.json"]


def test_sources_are_kept_as_they_were(tmp_path: Path) -> None:
    program = "import part\nopen(__file__, 'w').write('changed')\nopen(part.__file__, 'w')\n"
    part = "# -*- coding: latin-1 -*-\ndef f(): return 'ä'\nf()\n"
    write(tmp_path, {"app.py": program})
    (tmp_path / "part.py").write_bytes(part.encode("latin-1"))

    record(tmp_path, "-o", "out", "app.py")

    trace = codetracer.read(tmp_path / "out")
    assert (tmp_path / "app.py").read_text() == "changed"
    assert trace.source_lines(str(tmp_path / "app.py")) == program.splitlines()
    assert trace.source_lines(str(tmp_path / "part.py")) == part.splitlines()
    sources = metadata(tmp_path / "out")["sources"]
    assert set(sources) == {str(tmp_path / "app.py"), str(tmp_path / "part.py")}
    for name, copy in sources.items():
        assert (tmp_path / "out/sources" / copy).is_file(), name


def test_the_code_of_the_command_line_is_kept_as_a_source(tmp_path: Path) -> None:
    record(tmp_path, "-o", "out", "-c", "def f(): pass\nf()")

    trace = codetracer.read(tmp_path / "out")
    assert trace.source_lines("<string>") == ["def f(): pass", "f()"]


def test_a_program_that_comes_through_a_pipe_is_not_read_a_second_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    writer = subprocess.Popen(
        [sys.executable, "-c", "open('pipe.py', 'w').write('print(1)')"], cwd=tmp_path
    )

    outcome = record(tmp_path, "-q", "-o", "out", "pipe.py")

    assert outcome == Outcome(0, "1\n", "")
    assert writer.wait() == 0


def test_a_file_that_a_forked_child_alone_has_run_is_among_the_sources(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": "import os\npid = os.fork()\nif not pid:\n    import part\nelse:\n"
            "    os.waitpid(pid, 0)\n",
            "part.py": "def f(): pass\nf()\n",
        },
    )

    outcome = record(tmp_path, "-o", "out", "app.py")

    assert outcome.code == 0, outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    assert trace.source_lines(str(tmp_path / "part.py")) == ["def f(): pass", "f()"]


ODD = """\
import sys
class Odd(int):
    def __and__(self, other):
        print("asked")
        return 9
    __le__ = __lt__ = __ge__ = __gt__ = __rand__ = __and__
"""


@pytest.mark.parametrize(
    ("given", "status"), [("2 ** 64", 255), ("-2 ** 64", 255), ("-1", 255), ("Odd(260)", 4)]
)
def test_the_recording_has_the_status_that_the_program_ends_with(
    tmp_path: Path, given: str, status: int
) -> None:
    write(tmp_path, {"app.py": f"{ODD}sys.exit({given})\n"})

    plain = execute("app.py", cwd=tmp_path)
    recorded = execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    assert (plain.code, recorded.code) == (status, status)
    assert recorded.stdout == plain.stdout == ""
    trace = codetracer.read(tmp_path / "out")
    assert trace.metadata["exit_status"] == {"code": status, "label": f"exited {status}"}


# ---------------------------------------------------------------- recording fails in the middle

LONG = """\
import sys
def f(n):
    return f"{{n:0400}}"
for i in range(6000):
    f(i)
print("end")
sys.exit({status})
"""


def record_limited(
    folder: Path,
    backend: str,
    *options: str,
    status: int = 0,
    environ: dict[str, str] | None = None,
) -> Outcome:
    """Record a program whose log may have little more than a window: then writing fails."""
    write(folder, {"app.py": LONG.format(status=status)})
    process = subprocess.run(
        [sys.executable, "-m", "codetracer", "record", "-o", "out", *options, "app.py"],
        cwd=folder,
        env=trace_environ() | {"CODETRACER_BACKEND": backend} | (environ or {}),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (WINDOW + 4096, resource.RLIM_INFINITY)
        ),
    )
    return Outcome(process.returncode, process.stdout, process.stderr)


REASON = "cannot be written: File too large"


@pytest.mark.parametrize("backend", BACKENDS)
def test_under_abort_the_program_ends_with_an_error_that_says_why_and_what_was_recorded_stays(
    tmp_path: Path, backend: str
) -> None:
    outcome = record_limited(tmp_path, backend, "--on-recorder-error", "abort")

    assert (outcome.code, outcome.stdout) == (1, "")
    *_, error, last = outcome.stderr.splitlines()
    assert error.startswith("codetracer.errors.HostError: [ERR_IO] ")
    assert REASON in error
    assert last.startswith("codetracer: the recording is incomplete: ")
    assert last.endswith(f"; what was recorded is in {tmp_path / 'out'}")
    assert len(recorded_returns(tmp_path / "out")) > 1000


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", [(), ("--on-recorder-error", "disable")])
@pytest.mark.parametrize("status", [0, 5])
def test_when_recording_fails_the_program_ends_as_it_does_unrecorded_and_what_was_recorded_stays(
    tmp_path: Path, status: int, options: tuple[str, ...], backend: str
) -> None:
    outcome = record_limited(tmp_path, backend, *options, status=status)

    assert (outcome.code, outcome.stdout) == (status, "end\n")
    assert outcome.stderr.startswith("tracing has stopped, the program continues: [ERR_IO] ")
    assert outcome.stderr.endswith(f"{REASON}; what was recorded is in {tmp_path / 'out'}\n")
    trace = codetracer.read(tmp_path / "out")
    assert not trace.complete
    assert REASON in (trace.problem or "")
    returned = recorded_returns(tmp_path / "out")
    assert len(returned) > 1000
    assert returned == [f"{n:0400}" for n in range(len(returned))]


def recorded_returns(trace: Path) -> list[object]:
    return [event.value for event in codetracer.read(trace) if isinstance(event, ReturnEvent)]


@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_what_was_recorded_is_removed_only_when_that_is_asked_for(
    tmp_path: Path, policy: str
) -> None:
    record_limited(tmp_path, BACKENDS[0], "--on-recorder-error", policy, "--no-keep-partial-trace")

    assert listing(tmp_path) == ["app.py"]


@pytest.mark.parametrize("flag", ["option", "variable"])
def test_a_trace_that_is_required_makes_it_end_with_1_and_what_was_recorded_stays(
    tmp_path: Path, flag: str
) -> None:
    options = ("--require-trace",) if flag == "option" else ()
    environ = {} if options else {"CODETRACER_REQUIRE_TRACE": "1"}

    outcome = record_limited(tmp_path, BACKENDS[0], *options, environ=environ)

    assert (outcome.code, outcome.stdout) == (1, "end\n")
    assert len(recorded_returns(tmp_path / "out")) > 1000


def test_errors_are_json_and_the_log_is_a_file_when_that_is_asked_for(tmp_path: Path) -> None:
    outcome = record_limited(
        *(tmp_path, BACKENDS[0], "--on-recorder-error", "disable", "--json-errors"),
        *("--log-file", "log.txt", "--log-level", "error"),
    )

    line, note = outcome.stderr.splitlines()
    said = json.loads(line)
    assert note.startswith("codetracer: the recording is incomplete: ")
    assert (said["error_code"], said["error_kind"]) == ("ERR_IO", "host")
    assert REASON in said["message"]
    assert "tracing has stopped, the program continues" in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize(("policy", "status"), [("disable", 0), ("abort", 1)])
def test_a_failure_that_only_the_end_meets_is_a_failure_too(
    tmp_path: Path, policy: str, status: int
) -> None:
    # The program takes the folder away, so that the metadata cannot be written.
    program = (
        "import shutil, sys\nclass D:\n    def __del__(self): pass\nd = D()\n"
        "print('ran')\nshutil.rmtree('out')\n"
    )
    write(tmp_path, {"app.py": program})

    outcome = record(tmp_path, "-o", "out", "--on-recorder-error", policy, "app.py")

    assert (outcome.code, outcome.stdout) == (status, "ran\n")
    assert "[ERR_IO]" in outcome.stderr
    assert "cannot be written: No such file or directory" in outcome.stderr
    assert outcome.stderr.endswith(f"; {tmp_path / 'out'} does not exist any more\n")
    assert listing(tmp_path) == ["app.py"]


def test_what_the_program_put_into_the_folder_outlives_a_failed_recording(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": ""})
    program = "open('out/mine.txt', 'w').write('mine')\n" + LONG.format(status=0)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "codetracer", "record", "-o", "out"),
            *("--on-recorder-error", "abort", "--no-keep-partial-trace", "-c", program),
        ],
        cwd=tmp_path,
        env=trace_environ(),
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (WINDOW + 4096, resource.RLIM_INFINITY)
        ),
    )

    assert process.returncode == 1
    assert listing(tmp_path / "out") == ["mine.txt"]


def test_a_log_for_which_there_is_no_room_at_all_is_said_before_the_program_runs(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})
    process = subprocess.run(
        [sys.executable, "-m", "codetracer", "record", "-o", "out", "app.py"],
        cwd=tmp_path,
        env=trace_environ(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY)
        ),
    )

    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("codetracer: error: [ERR_IO] ")
    assert listing(tmp_path) == ["app.py"]


def test_the_help_names_every_option_and_variable(tmp_path: Path) -> None:
    outcome = record(tmp_path, "--help")

    assert outcome.code == 0
    for name in (
        *("--out-dir", "--activation-path", "--trace-filter", "--io-capture", "--max-depth"),
        *("--max-items", "--max-text", "--on-recorder-error", "--require-trace"),
        *("--keep-partial-trace", "--log-level", "--log-file", "--json-errors"),
        *("--propagate-script-exit", "CODETRACER_PYTHON_RECORDER_OUT_DIR"),
        *("CODETRACER_PYTHON_RECORDER_DISABLED", "CODETRACER_TRACE_FILTER"),
        "CODETRACER_CAPTURE_IO",
    ):
        assert name in outcome.stdout
