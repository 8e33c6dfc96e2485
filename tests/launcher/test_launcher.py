"""A program under `codetracer watch` does what it does under `python`: same output, same end."""

import py_compile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.running import Outcome, execute, watch, write

SHOW_MAIN = """
import sys
for name, value in globals().copy().items():
    if name in ("__loader__", "__builtins__"):
        value = type(value).__name__, getattr(value, "__name__", "")
    elif name == "__spec__" and value:
        value = value.name, value.origin
    print(name, value)
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
print(sys._getframe().f_code.co_filename)
"""

FAIL = """
def inner(values):
    return values[3]
def outer():
    inner([1,
           2])
"""


class Case(NamedTuple):
    """A program: its files, and how it is started."""

    files: dict[str, str]
    arguments: tuple[str, ...] = ("app.py",)
    stdin: str = ""
    flags: tuple[str, ...] = ()


def script(text: str, *arguments: str, stdin: str = "") -> Case:
    return Case({"app.py": text}, ("app.py", *arguments), stdin)


def command(text: str, *arguments: str) -> Case:
    return Case({}, ("-c", text, *arguments))


STARTS = {
    "script": script(SHOW_MAIN, "-o", "x", "--", "-m"),
    "script by a roundabout path": Case({"d/app.py": SHOW_MAIN}, ("./d/../d/app.py", "a")),
    "script without safe path": Case({"app.py": SHOW_MAIN}, ("app.py",), flags=("-P",)),
    "module": Case({"app.py": SHOW_MAIN}, ("-m", "app", "-c", "x")),
    "module in a package": Case(
        {"p/__init__.py": "import sys; print(sys.argv)", "p/m.py": SHOW_MAIN}, ("-m", "p.m", "x")
    ),
    "package": Case({"p/__init__.py": "", "p/__main__.py": SHOW_MAIN}, ("-m", "p")),
    "directory": Case({"d/__main__.py": SHOW_MAIN}, ("d", "a")),
    "directory with safe path": Case({"d/__main__.py": SHOW_MAIN}, ("d/",), flags=("-P",)),
    "command": command(SHOW_MAIN, "-m", "x"),
    "standard input": Case({"app.py": ""}, ("-", "a"), stdin=SHOW_MAIN),
    "missing script": Case({}, ("app.py",)),
    "missing module": Case({}, ("-m", "app")),
    "missing package": Case({}, ("-m", "app.m")),
    "module named as a file": Case({"app.py": ""}, ("-m", "app.py")),
    "package without a main": Case({"p/__init__.py": ""}, ("-m", "p")),
    "directory without a main": Case({"d/app.py": ""}, ("d",)),
    "package that fails": Case({"p/__init__.py": "1/0", "p/m.py": ""}, ("-m", "p.m")),
}

IMPORTS = {
    "its own module": Case({"d/app.py": "import b; print(b.x)", "d/b.py": "x = 1"}, ("d/app.py",)),
    "a module named like one of the standard library": Case(
        {
            "d/app.py": "import json, argparse, sys; print(json.x, argparse.__name__, sys.argv)",
            "d/json/__init__.py": "x = 1",
        },
        ("d/app.py",),
    ),
    "such a module from the working directory": Case(
        {"app.py": "import json, argparse; print(json, argparse)", "json.py": "", "argparse.py": ""}
    ),
    "a data directory named like a module of the standard library": Case(
        {"app.py": "import json; print(json.dumps(1))", "json/data.txt": ""}
    ),
    "__main__": script("import __main__\nx = 1\nprint(__main__.x, __main__.__name__)"),
}

EXCEPTIONS = {
    "uncaught": script(FAIL + "outer()"),
    "uncaught in a module": Case({"p/m.py": FAIL + "outer()"}, ("-m", "p.m")),
    "uncaught in a directory": Case({"d/__main__.py": FAIL + "outer()"}, ("d",)),
    "uncaught in a command": command(FAIL + "outer()"),
    "uncaught in an indented command": command("\n  x = 1\n  print(x)\n  1/0"),
    "uncaught in standard input": Case({}, ("-",), stdin=FAIL + "outer()"),
    "in a class of the command": command("class A:\n    def f(self): raise KeyError(1)\nA().f()"),
    "chained": script(
        FAIL + "try:\n    outer()\nexcept IndexError as error:\n    raise KeyError(1) from error"
    ),
    "while handling": script(FAIL + "try:\n    outer()\nexcept IndexError:\n    1/0"),
    "group": script("raise ExceptionGroup('two', [ValueError(1), KeyError(2)])"),
    "with a note": script("e = ValueError(1)\ne.add_note('note')\nraise e"),
    "raised before": script(FAIL + "try: outer()\nexcept IndexError as e: kept = e\nraise kept"),
    "printed by the program": script(
        FAIL + "import traceback\ntry: outer()\nexcept IndexError: traceback.print_exc()"
    ),
    "without a readable __str__": script(
        "class E(Exception):\n    def __str__(self): raise KeyError\nraise E"
    ),
    "syntax error": script("x = 1\ny = = 2\n"),
    "syntax error in a command": command("x = = 1"),
    "syntax error in a module": Case({"app.py": "def f(:"}, ("-m", "app")),
    "syntax error in an import": Case({"app.py": "import b", "b.py": "x = = 1"}),
    "unfinished source": script("x = (1,\n"),
    "null byte": script("x = 1\ny = '\0'\n"),
    "return outside a function": script("return 1"),
}

HOOKS = {
    "own": script(
        "import sys, traceback\n"
        "def hook(kind, value, tb):\n"
        "    print(kind, value, traceback.extract_tb(tb).format(), value.__traceback__ is tb)\n"
        "    print(sys.last_traceback is tb, sys.last_exc is value, sys.excepthook is hook)\n"
        "sys.excepthook = hook\n" + FAIL + "outer()"
    ),
    "that fails": script("import sys\ndef hook(*a): raise KeyError(1)\nsys.excepthook = hook\n1/0"),
    "that exits": script("import sys\nsys.excepthook = lambda *a: sys.exit(7)\n1/0"),
    "that is no function": script("import sys\nsys.excepthook = None\n1/0"),
    "deleted": script("import sys\ndel sys.excepthook\n1/0"),
    "seen from an exit handler": script(
        "import atexit, sys\n"
        "atexit.register(lambda: print(sys.excepthook is sys.__excepthook__, sys.last_traceback))\n"
        "sys.last_traceback = 1\nsys.exit(3)"
    ),
}

EXITS = {
    "with a number": script("import sys; sys.exit(3)"),
    "with a message": script("import sys; sys.exit('msg')"),
    "with nothing": script("import sys; sys.exit(None)"),
    "with an exception of its own": script("class E(SystemExit): pass\nraise E(5)"),
    "at once": script("import os; print('out', flush=True); os._exit(4)"),
    "by KeyboardInterrupt": script("raise KeyboardInterrupt"),
    "by KeyboardInterrupt in a module": Case({"app.py": "raise KeyboardInterrupt"}, ("-m", "app")),
    "by KeyboardInterrupt in a command": command("raise KeyboardInterrupt"),
    "by a signal": script("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"),
    "by an exit handler": script(
        "import atexit, sys\natexit.register(print, 'a')\natexit.register(sys.exit, 3)\n"
        "atexit.register(lambda: print('__file__' in globals(), list(globals())))"
    ),
    "after an exception, by an exit handler": script(
        "import atexit\natexit.register(lambda: print('__file__' in globals()))\n1/0"
    ),
    "while threads run": script(
        "import threading, atexit\natexit.register(print, 'exit')\n"
        "def work():\n    threading.main_thread().join()\n"
        "    print('__file__' in globals())\n    1/0\n"
        "threading.Thread(target=work, name='w').start()\nprint('main')\nraise KeyError"
    ),
    "with objects alive": script(
        "class A:\n    def __init__(self, name): self.name = name\n"
        "    def __del__(self): print('del', self.name, __name__)\n"
        "a = A('a')\nb = A('b')\nb.cycle = b\n_c = A('c')"
    ),
    "with output unflushed": script("import sys\nprint('out')\nsys.stdout = open('f', 'w')\n1/0"),
    "with stdout closed": script("import os\nprint('x')\nos.close(1)"),
}

USES = {
    "reads standard input": script("import sys\nprint(input(), sys.stdin.read())", stdin="a\nb\nc"),
    "pickles a class of its own": script(
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))), A.__module__)"
    ),
    "spawns processes": script(
        "import multiprocessing as mp\ndef double(x): return x * 2\n"
        "if __name__ == '__main__':\n"
        "    with mp.get_context('spawn').Pool(1) as pool: print(pool.map(double, [1, 2]))"
    ),
    "spawns processes as a module": Case(
        {
            "p/m.py": "import multiprocessing as mp\ndef double(x): return x * 2\n"
            "if __name__ == '__main__':\n"
            "    with mp.get_context('spawn').Pool(1) as pool: print(pool.map(double, [1, 2]))"
        },
        ("-m", "p.m"),
    ),
    "forks": script(
        "import os, sys\npid = os.fork()\nif pid == 0:\n    print('child')\n    sys.exit(3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    ),
    "compiles with its own flags only": script(
        "def f(x: 1 + 1): pass\nprint(f.__annotations__, eval('0x10'))"
    ),
    "shows its source": script("import inspect\ndef f():\n    pass\nprint(inspect.getsource(f))"),
    "warns": script(
        "import warnings\nwarnings.warn('x')\nwarnings.warn('y', DeprecationWarning)\n"
        "def f(): warnings.warn('z', stacklevel=2)\nf()\nprint('a' is 'b', '\\d')"
    ),
    "turns a warning of the compiler into an error": Case(
        {"app.py": "print('a' is 1)"}, flags=("-W", "error::SyntaxWarning:__main__")
    ),
    "runs optimized": Case({"app.py": "assert 0\nprint(__debug__)"}, flags=("-O",)),
    "uses asyncio": script(
        "import asyncio\nasync def f(n):\n    await asyncio.sleep(0.01 * n)\n    return n\n"
        "async def main(): print(await asyncio.gather(f(2), f(1)))\nasyncio.run(main())"
    ),
    "opens the lowest descriptor": script("import os; print(os.open('.', os.O_RDONLY))"),
}

CASES = {
    f"{what} {name}": case
    for what, cases in {
        "started as": STARTS,
        "imports": IMPORTS,
        "exception": EXCEPTIONS,
        "excepthook": HOOKS,
        "exits": EXITS,
        "": USES,
    }.items()
    for name, case in cases.items()
}


def same(directory: Path, *arguments: str) -> Outcome:
    """Return what `python` does in `directory`, after seeing `codetracer watch` do the same."""
    expected = execute(*arguments, cwd=directory)
    assert watch("-o", "/dev/null", *arguments, cwd=directory) == expected
    return expected


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_program_prints_and_ends_as_under_python(case: Case, tmp_path: Path) -> None:
    write(tmp_path / "python", case.files)
    write(tmp_path / "traced", case.files)
    for name in ("python", "traced"):
        (tmp_path / name).mkdir(exist_ok=True)

    expected = execute(*case.arguments, cwd=tmp_path / "python", flags=case.flags, stdin=case.stdin)
    actual = watch(
        "-o",
        "/dev/null",
        *case.arguments,
        cwd=tmp_path / "traced",
        flags=case.flags,
        stdin=case.stdin,
    )

    hidden = [
        part.replace(str(tmp_path / "traced"), str(tmp_path / "python")) for part in actual[1:]
    ]
    assert (actual.code, *hidden) == expected


@pytest.mark.slow
def test_a_script_behind_a_symbolic_link_finds_the_modules_beside_the_file(tmp_path: Path) -> None:
    write(tmp_path, {"d/app.py": SHOW_MAIN + "import b", "d/b.py": "print(__file__)"})
    (tmp_path / "link.py").symlink_to("d/app.py")
    (tmp_path / "e").symlink_to("d")

    assert same(tmp_path, "link.py").code == 0
    assert same(tmp_path, "e/app.py").code == 0


@pytest.mark.slow
def test_a_zip_file_runs_and_its_traceback_is_the_same(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", SHOW_MAIN + "import b\nb.outer()")
        archive.writestr("b.py", FAIL)

    outcome = same(tmp_path, "app.zip", "a")

    assert (outcome.code, "IndexError" in outcome.stderr) == (1, True)


@pytest.mark.slow
def test_a_compiled_file_runs_under_any_name(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": SHOW_MAIN + FAIL + "outer()"})
    for name in ("app.pyc", "app.bin"):
        py_compile.compile(str(tmp_path / "app.py"), str(tmp_path / name), doraise=True)
    (tmp_path / "bad.pyc").write_bytes(b"not bytecode")

    assert same(tmp_path, "app.pyc", "a").code == 1
    assert same(tmp_path, "app.bin").code == 1
    assert same(tmp_path, "bad.pyc").stderr == "RuntimeError: Bad magic number in .pyc file\n"


def test_a_source_in_no_encoding_fails_without_running(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes(b"print('ran')\n# caf\xe9\n")
    (tmp_path / "declared.py").write_bytes("# coding: latin-1\nprint('é')".encode("latin-1"))

    outcome = watch("app.py", cwd=tmp_path)

    assert (outcome.code, outcome.stdout) == (1, "")
    assert "SyntaxError: Non-UTF-8 code starting with '\\xe9'" in outcome.stderr
    assert same(tmp_path, "declared.py").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "program", ["print('x')", "x = = 1", FAIL + "outer()", "raise SystemExit(3)"]
)
def test_the_script_that_an_installer_makes_runs_programs_as_well(
    program: str, tmp_path: Path
) -> None:
    # 3.12 only borrows the namespace of the script that it runs, and uses it to the end. Here
    # freed memory is overwritten, so that it would be noticed if the namespace were gone.
    environ = {"PYTHONMALLOC": "debug"}
    installed = "import sys\nfrom codetracer.cli import main\nsys.exit(main())\n"
    write(tmp_path, {"bin/codetracer": installed, "app.py": program})

    outcome = execute(
        "bin/codetracer", "watch", "-o", "/dev/null", "app.py", cwd=tmp_path, environ=environ
    )

    assert outcome == execute("app.py", cwd=tmp_path)


@pytest.mark.slow
def test_the_tracer_starts_right_before_the_first_instruction_and_only_then(
    tmp_path: Path,
) -> None:
    driver = """
import sys
from codetracer.launcher import Target, run
kind, value = sys.argv[1:]
try:
    run(Target(kind, value), lambda: print('start', sys.argv, sys.modules['__main__'].__name__))
except (Exception, SystemExit) as error:
    print(type(error).__name__)
"""
    write(tmp_path, {"driver.py": driver, "app.py": "print('first')", "bad.py": "x = = 1"})

    def outcomes(*arguments: str) -> list[str]:
        return execute("driver.py", *arguments, cwd=tmp_path).stdout.splitlines()

    assert outcomes("script", "app.py") == ["start ['app.py'] __main__", "first"]
    assert outcomes("module", "app") == ["start ['-m'] __main__", "first"]
    assert outcomes("command", "print('first')") == ["start ['-c'] __main__", "first"]
    assert outcomes("script", "bad.py") == ["SyntaxError"]
    assert outcomes("script", "none.py") == ["SystemExit"]
