"""Both backends answer a handler's questions about its event alike."""

import asyncio
import dis
import linecache
import os
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import codetracer
from codetracer import PathFilter, Tracer, frame, handler_at, instruction_at, line_at, position_at
from codetracer_bindings.events import EVENTS
from codetracer_bindings.registration import CALLBACK_SPECS, CallbackSpec
from tests.support.programs import PROGRAMS, compiled, run
from tests.support.project import run_python

LIVE = [spec for spec in CALLBACK_SPECS if spec.id]


def watching(handlers: dict[str, Callable[..., object]]) -> Tracer:
    kind: Any = type("Watching", (Tracer,), handlers)
    return kind()  # type: ignore[no-any-return]


# ---------------------------------------------------------------- frames


@pytest.mark.parametrize("spec", LIVE, ids=lambda spec: spec.event)
def test_the_frame_is_the_one_its_event_is_in_however_deep_the_handler_asks(
    spec: CallbackSpec,
) -> None:
    found: list[bool] = []

    def nested(code: CodeType, depth: int) -> FrameType | None:
        return nested(code, depth - 1) if depth else frame(code)

    def handler(self: Tracer, code: CodeType, *_: object) -> None:
        if code.co_filename.startswith("<program"):
            here = frame(code)
            found.append(here is not None and here.f_code is code and here is nested(code, 3))

    for name in PROGRAMS:
        with codetracer.installed(watching({spec.handler: handler})):
            run(compiled(name))

    assert found
    assert all(found)


def test_the_frame_of_a_function_that_calls_itself_is_the_innermost_one() -> None:
    seen: list[tuple[int, int]] = []

    def fall(depth: int) -> int:
        return fall(depth - 1) if depth else 0

    def on_py_return(self: Tracer, code: CodeType, offset: int, retval: object) -> None:
        if code is fall.__code__ and (here := frame(code)) is not None:
            outer = here.f_back.f_locals.get("depth", -1) if here.f_back else -1
            seen.append((here.f_locals["depth"], outer))

    with codetracer.installed(watching({"on_py_return": on_py_return})):
        fall(3)

    assert seen == [(0, 1), (1, 2), (2, 3), (3, -1)]


def test_code_that_runs_in_no_frame_has_none() -> None:
    assert frame(compile("pass", "<nowhere>", "exec")) is None


def test_asking_for_the_frame_keeps_nothing_of_the_program_alive() -> None:
    gone: list[bool] = []

    class Local:
        def __del__(self) -> None:
            gone.append(True)

    def work() -> int:
        local = Local()
        return id(local)

    def on_py_start(self: Tracer, code: CodeType, offset: int) -> None:
        frame(code)

    with codetracer.installed(watching({"on_py_start": on_py_start, "on_line": on_py_start})):
        work()
        assert gone == [True]


# ---------------------------------------------------------------- places


SOURCE = textwrap.dedent("""\
    def choose(values):
        found = []
        for value in values:
            if value > 1:
                found.append(value + 10)
            else:
                found.append(-value)
        return found
    choose([1, 2])
    """)


def test_branches_are_told_with_the_lines_they_come_from_and_go_to() -> None:
    code = compile(SOURCE, "<branches>", "exec")
    told: set[tuple[int, int]] = set()

    def on_branch(self: Tracer, code: CodeType, offset: int, destination: int) -> None:
        if code.co_filename == "<branches>":
            told.add((line_at(code, offset), line_at(code, destination)))

    names = ["on_branch_left", "on_branch_right"] if EVENTS.BRANCH_LEFT else ["on_branch"]
    with codetracer.installed(watching(dict.fromkeys(names, on_branch))):
        exec(code, {})

    assert {(4, 5), (4, 7)} <= told
    assert {line for line, _ in told} == {3, 4}


def test_calls_are_told_with_their_part_of_the_source() -> None:
    code = compile(SOURCE, "<calls>", "exec")
    told: list[str] = []
    lines = SOURCE.splitlines()

    def on_call(self: Tracer, code: CodeType, offset: int, callable: object, arg0: object) -> None:
        if code.co_filename == "<calls>":
            first, last, start, end = position_at(code, offset)
            assert first is not None
            assert first == last == line_at(code, offset)
            told.append(lines[first - 1][start:end])

    with codetracer.installed(watching({"on_call": on_call})):
        exec(code, {})

    assert told == ["choose([1, 2])", "found.append(-value)", "found.append(value + 10)"]


def test_instructions_are_told_by_the_names_that_dis_has() -> None:
    code = compile("x = 1\ny = x\n", "<instructions>", "exec")
    told: list[str] = []

    def on_instruction(self: Tracer, code: CodeType, offset: int) -> None:
        if code.co_filename == "<instructions>":
            told.append(instruction_at(code, offset))

    with codetracer.installed(watching({"on_instruction": on_instruction})):
        exec(code, {})

    names = [each.opname for each in dis.get_instructions(code)]
    assert told == [name for name in names if name != "RESUME"]
    assert "STORE_NAME" in told


@pytest.mark.parametrize("ask", [line_at, position_at, instruction_at, handler_at])
@pytest.mark.parametrize("offset", [-2, 1, 10**6])
def test_where_no_instruction_is_there_is_nothing_to_tell(
    ask: Callable[[CodeType, int], object], offset: int
) -> None:
    code = compile("x = 1\n", "<offsets>", "exec")

    with pytest.raises(IndexError, match=f"no instruction of <module> is at offset {offset}: "):
        ask(code, offset)


def test_a_place_without_a_line_is_told_with_the_first_line_of_the_code() -> None:
    code = compile("\n\ndef f():\n    with open(0):\n        return 1\n", "<lines>", "exec")

    (code,) = (const for const in code.co_consts if isinstance(const, CodeType))

    # What the compiler has added to leave the block.
    places = [start for start, _, line in code.co_lines() if line is None]
    assert places
    for place in places:
        assert line_at(code, place) == code.co_firstlineno
        assert position_at(code, place) == (None, None, None, None)


HANDLERS = """
import contextlib
def plain():
    return int("x")
def first(n):
    try:
        if n:
            [int("x") for _ in range(300)]
        with contextlib.suppress(KeyError):
            raise KeyError
        try:
            raise ValueError
        finally:
            n = 1
    except (LookupError, TypeError):
        return 1
    except ValueError as error:
        return 2
    finally:
        n = 2
for n in (0, 1):
    first(n)
try:
    plain()
except ValueError:
    pass
"""


def test_a_handler_is_found_from_where_the_exception_was_raised() -> None:
    code = compile(HANDLERS, "<handlers>", "exec")
    raised: dict[CodeType, int] = {}
    told: list[tuple[str, int | None, int | None]] = []

    def on_raise(self: Tracer, code: CodeType, offset: int, exception: BaseException) -> None:
        if code.co_filename == "<handlers>":
            raised[code] = offset

    def on_exception_handled(
        self: Tracer, code: CodeType, offset: int, exception: BaseException
    ) -> None:
        if code.co_filename == "<handlers>":
            told.append((code.co_name, handler_at(code, raised[code]), offset))

    def on_py_unwind(self: Tracer, code: CodeType, offset: int, exception: BaseException) -> None:
        if code.co_filename == "<handlers>":
            told.append((code.co_name, handler_at(code, offset), None))

    handlers: dict[str, Callable[..., object]] = {
        "on_raise": on_raise,
        "on_reraise": on_raise,
        "on_exception_handled": on_exception_handled,
        "on_py_unwind": on_py_unwind,
    }
    with codetracer.installed(watching(handlers)):
        exec(code, {})

    assert [(name, handler) for name, handler, _ in told] == [(name, to) for name, _, to in told]
    assert len([to for name, _, to in told if name == "first" and to is not None]) >= 5
    assert told[-2:] == [("plain", None, None), ("<module>", told[-1][2], told[-1][2])]


# ---------------------------------------------------------------- files


def code_in(path: str) -> CodeType:
    return compile("pass", path, "exec")


def test_a_filter_selects_the_programs_own_files_unless_told_otherwise() -> None:
    selected = PathFilter().selects

    assert selected(code_in("/home/me/app.py"))
    assert selected(code_in("app.py"))
    assert selected(test_code_that_runs_in_no_frame_has_none.__code__)
    for foreign in (
        linecache.__file__,
        "/env/lib/python3.13/site-packages/requests/api.py",
        codetracer.__file__,
        "<string>",
        "<frozen importlib._bootstrap>",
    ):
        assert not selected(code_in(foreign))


def test_globs_name_what_a_filter_selects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    some = PathFilter(["app/*.py", "./here.py"], ["*_pb2.py"]).selects
    all_but = PathFilter(exclude=["test_*.py"]).selects

    assert some(code_in("/home/me/app/models.py"))
    assert some(code_in(str(tmp_path / "here.py")))
    assert some(code_in("here.py"))
    assert not some(code_in("/elsewhere/here.py"))
    assert not some(code_in("/home/me/app/models_pb2.py"))
    assert not some(code_in("/home/me/other.py"))
    assert all_but(code_in("/home/me/other.py"))
    assert not all_but(code_in("/home/me/test_other.py"))
    assert not all_but(code_in(linecache.__file__))


@pytest.mark.parametrize("side", ["include", "exclude"])
def test_globs_are_a_list_of_texts_and_not_the_characters_of_one(side: str) -> None:
    # Its * alone would name every file, and type checkers take a text for texts.
    with pytest.raises(TypeError, match=rf"{side} is a list.*; write \['app/\*\.py'\]"):
        PathFilter(**{side: "app/*.py"})
    wrong: Any = {side: [Path("app.py")]}
    with pytest.raises(TypeError, match=rf"{side} is a list.*Path\('app\.py'\) is none"):
        PathFilter(**wrong)


def test_a_filter_decides_once_even_if_the_program_takes_its_modules_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = PathFilter(["app.py"])
    monkeypatch.setitem(sys.modules, "fnmatch", None)
    monkeypatch.setitem(sys.modules, "re", None)

    assert paths.selects(code_in("/home/me/app.py"))


def test_a_filter_needs_no_working_directory_and_asks_nobody_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.chdir(there)
    paths = PathFilter([f"{there}/a*.py"])
    asked: list[str] = []

    def replaced() -> str:
        asked.append("getcwd")
        return "/"

    (there.parent / "elsewhere").mkdir()
    monkeypatch.chdir(there.parent / "elsewhere")
    monkeypatch.setattr(os, "getcwd", replaced)

    assert paths.selects(code_in("app.py"))
    assert paths.selects(code_in(".././there//./a.py"))
    assert not paths.selects(code_in("../a.py"))
    monkeypatch.undo()
    assert asked == []
    monkeypatch.chdir(there)
    there.rmdir()
    assert PathFilter().selects(code_in("app.py"))


# ---------------------------------------------------------------- threads and tasks


def test_a_handler_is_told_the_name_of_its_thread() -> None:
    names: list[str] = []

    def work() -> None: ...

    def on_py_start(self: Tracer, code: CodeType, offset: int) -> None:
        if code is work.__code__:
            names.append(codetracer.thread_name())

    with codetracer.installed(watching({"on_py_start": on_py_start})):
        work()
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()

    assert names == ["MainThread", "worker"]


def test_a_thread_that_threading_does_not_know_is_told_by_its_number_and_not_made_known() -> None:
    import _thread

    told: list[tuple[str, int, bool]] = []
    done = _thread.allocate_lock()
    done.acquire()

    def work() -> None:
        ident = _thread.get_ident()
        told.append((codetracer.thread_name(), ident, ident in threading._active))  # type: ignore[attr-defined]
        done.release()

    _thread.start_new_thread(work, ())
    done.acquire()

    ((name, ident, known),) = told
    assert (name, known) == (f"thread {ident}", False)


def test_asking_for_names_imports_nothing() -> None:
    done = run_python(
        "-S",
        "-c",
        "import codetracer, sys\n"
        "before = set(sys.modules)\n"
        "print(codetracer.thread_name(), codetracer.task_name(), set(sys.modules) - before)",
    )

    assert (done.stdout, done.stderr) == ("MainThread None set()\n", "")


def test_a_handler_is_told_the_name_of_the_task_that_runs() -> None:
    told: list[str | None] = []

    def work() -> None: ...

    def on_py_start(self: Tracer, code: CodeType, offset: int) -> None:
        if code is work.__code__:
            told.append(codetracer.task_name())

    async def one() -> None:
        work()
        await asyncio.sleep(0)
        work()

    async def main() -> None:
        asyncio.get_running_loop().call_soon(work)
        await asyncio.gather(
            asyncio.create_task(one(), name="first"), asyncio.create_task(one(), name="second")
        )

    with codetracer.installed(watching({"on_py_start": on_py_start})):
        work()
        asyncio.run(main())

    assert told == [None, None, "first", "second", "first", "second"]


def test_the_name_of_a_task_is_asked_without_running_the_programs_code() -> None:
    ran: list[str] = []

    class Named(asyncio.Task[None]):
        def get_name(self) -> str:
            ran.append("get_name")
            return "mine"

    async def one() -> None:
        told.append(codetracer.task_name())

    async def main() -> None:
        await Named(one(), name="its own")

    told: list[str | None] = []
    asyncio.run(main())

    assert (told, ran) == (["its own"], [])
