"""The text that a traced program gives, line by line."""

import zipfile
from pathlib import Path

from tests.support.running import watch, watch_lines, write

PROGRAM = """\
def half(n, /, by=2, *rest, exact, **more):
    if exact:
        return n // by
    raise ValueError(n)

def count(limit):
    try:
        for i in range(limit):
            yield i
    except KeyError:
        yield 'caught'

class Box:
    size = half(8, exact=True)

for i in count(1):
    pass
g = count(9)
next(g)
g.throw(KeyError('k'))
try:
    half(9, 3, 4, exact=False, why='odd')
except ValueError:
    pass
"""

LINES = """\
app.py:1    start   <module>
app.py:1    line      def half(n, /, by=2, *rest, exact, **more):
app.py:6    line      def count(limit):
app.py:13   line      class Box:
app.py:13   start     Box
app.py:13   line        class Box:
app.py:14   line        size = half(8, exact=True)
app.py:1    start       half(n=8, by=2, rest=<tuple of 0>, exact=True, more=<dict of 0>)
app.py:2    line          if exact:
app.py:3    line          return n // by
app.py:3    return      half -> 4
app.py:14   return    Box -> None
app.py:16   line      for i in count(1):
app.py:6    start     count(limit=1)
app.py:7    line        try:
app.py:8    line        for i in range(limit):
app.py:9    line        yield i
app.py:9    yield     count -> 0
app.py:17   line      pass
app.py:16   line      for i in count(1):
app.py:9    resume    count
app.py:8    line        for i in range(limit):
app.py:8    return    count -> None
app.py:18   line      g = count(9)
app.py:19   line      next(g)
app.py:6    start     count(limit=9)
app.py:7    line        try:
app.py:8    line        for i in range(limit):
app.py:9    line        yield i
app.py:9    yield     count -> 0
app.py:20   line      g.throw(KeyError('k'))
app.py:9    throw     count <- KeyError: 'k'
app.py:9    raise       KeyError: 'k'
app.py:10   line        except KeyError:
app.py:11   line        yield 'caught'
app.py:11   yield     count -> 'caught'
app.py:21   line      try:
app.py:22   line      half(9, 3, 4, exact=False, why='odd')
app.py:1    start     half(n=9, by=3, rest=<tuple of 1>, exact=False, more=<dict of 1>)
app.py:2    line        if exact:
app.py:4    line        raise ValueError(n)
app.py:4    raise       ValueError: 9
app.py:4    unwind    half -> ValueError: 9
app.py:22   raise     ValueError: 9
app.py:23   line      except ValueError:
app.py:24   line      pass
app.py:24   return  <module> -> None
"""


def test_every_event_is_a_line_indented_by_depth(tmp_path: Path) -> None:
    lines = watch_lines(tmp_path, PROGRAM)

    # The generator that is left suspended ends with the interpreter, in ways of each version.
    assert lines[: LINES.count("\n")] == LINES.splitlines()


def test_calls_branches_and_instructions_have_a_line_too(tmp_path: Path) -> None:
    events = "call,c_return,c_raise,jump,branch,instruction,reraise"
    program = """
def gen():
    yield len('abc')
for x in gen():
    if x > 2:
        str(x)
    else:
        pass
try:
    try: int('x')
    finally: print()
except ValueError: pass
"""

    lines = watch_lines(tmp_path, program, "--events", events)

    shown = {" ".join(line.split()) for line in lines}
    assert {
        "app.py:4 call gen",
        "app.py:3 call len arg0='abc'",
        "app.py:3 c_return len arg0='abc'",
        "app.py:6 call str arg0=3",
        "app.py:10 c_raise int arg0='x'",
        "app.py:11 reraise ValueError: invalid literal for int() with base 10: 'x'",
    } <= shown
    branches = [line.split() for line in lines if " branch" in line]
    assert ["to", "line", "6"] in [words[2:] for words in branches if words[0] == "app.py:5"]
    assert any(line.split()[3:] == ["LOAD_CONST"] for line in lines if " instruction " in line)


def test_a_deep_recursion_is_told_by_a_number(tmp_path: Path) -> None:
    program = "def f(n):\n    return n and f(n - 1)\nf(60)\n"

    lines = watch_lines(tmp_path, program, "--events", "start")

    assert lines[41].endswith(" f(n=20)")
    assert lines[61].split()[-2:] == ["(+21)", "f(n=0)"]
    assert max(map(len, lines)) < 120


def test_nothing_that_a_terminal_acts_on_is_passed_on(tmp_path: Path) -> None:
    program = "def f(x):\n    pass  # \x1b[31m \x07 tab\tö\nf('\\x1b[0m\\n')\nraise SystemExit('')"
    write(tmp_path, {"app.py": program})

    watch("-o", "out", "app.py", cwd=tmp_path)

    text = (tmp_path / "out").read_text(encoding="utf-8")
    assert all(line.isprintable() for line in text.splitlines())
    assert r"f(x='\x1b[0m\n')" in text
    assert r"pass  # \x1b[31m \x07 tab" in text
    assert "ö" in text


def test_a_line_of_another_thread_is_marked(tmp_path: Path) -> None:
    program = """
import threading
def work(n): pass
thread = threading.Thread(target=work, args=(1,), name='worker')
thread.start(); thread.join()
work(2)
"""

    lines = watch_lines(tmp_path, program, "--events", "start")

    works = [line.split(maxsplit=2)[2] for line in lines if "work(n=" in line]
    assert works == ["[worker] work(n=1)", "work(n=2)"]


def test_a_line_of_a_forked_child_is_marked_and_what_forked_is_its_main_thread(
    tmp_path: Path,
) -> None:
    program = """
import os, threading, warnings
warnings.simplefilter('ignore')
def work(pid): pass
def fork():
    pid = os.fork()
    if not pid:
        work(os.getpid())
        os._exit(0)
    work(os.waitpid(pid, 0)[0])
thread = threading.Thread(target=fork, name='forker')
thread.start(); thread.join()
"""

    lines = watch_lines(tmp_path, program, "--events", "start")

    child, parent = (line.split(maxsplit=2)[2] for line in lines if "work(pid=" in line)
    pid = parent.removesuffix(")").rpartition("=")[2]
    assert child == f"[pid {pid}]   work(pid={pid})"
    assert parent == f"[forker]   work(pid={pid})"


def test_the_code_of_a_command_is_shown_and_generated_code_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    program = "x = 1\nexec('y = 2')\nz = 3"

    watch("-o", "out", "--events", "line", "-c", program, cwd=tmp_path)

    lines = (tmp_path / "out").read_text().splitlines()
    assert [line.split(maxsplit=2) for line in lines] == [
        ["<string>:1", "line", "x = 1"],
        ["<string>:2", "line", "exec('y = 2')"],
        ["<string>:1", "line"],
        ["<string>:3", "line", "z = 3"],
    ]


def test_sources_are_shown_from_zip_files_and_in_their_encoding(tmp_path: Path) -> None:
    source = "# coding: latin-1\nx = 'ä'\n".encode("latin-1")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", source)

    watch("-o", "out", "--events", "line", "app.zip", cwd=tmp_path)

    assert (tmp_path / "out").read_text(encoding="utf-8").split(maxsplit=2)[2:] == ["x = 'ä'\n"]


def test_a_source_that_cannot_be_read_leaves_its_lines_empty(tmp_path: Path) -> None:
    program = """
import os
os.chdir('/')
exec(compile('x = 1', '/no/such/file.py', 'exec'))
exec(compile('x = 1', '/', 'exec'))
exec(compile('x = 1', 'relative.py', 'exec'))
print('done')
"""
    write(tmp_path, {"app.py": program, "b.py": ""})

    outcome = watch("--events", "line", "app.py", cwd=tmp_path)

    assert outcome.stdout == "done\n"
    lines = [line.split() for line in outcome.stderr.splitlines()]
    assert [words for words in lines if not words[0].startswith("app.py")] == [
        ["/no/such/file.py:1", "line"],
        ["/:1", "line"],
        ["/relative.py:1", "line"],
    ]


def test_columns_stay_aligned_when_a_longer_file_comes(tmp_path: Path) -> None:
    write(tmp_path, {"package/a_long_name.py": "x = 1"})

    lines = watch_lines(tmp_path, "x = 0\nimport package.a_long_name\n", "--events", "line")

    columns = [line.index("line") for line in lines]
    assert columns == [12, 12, len("package/a_long_name.py:123") + 2]
