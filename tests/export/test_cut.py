"""Parts of a recording: `codetracer export --from-step --to-step --function`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import codetracer
from codetracer.replay.events import StepEvent
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.exporting import Backend, elements, export
from tests.support.logs import NONE
from tests.support.running import execute, write

PROGRAM = """\
import threading


def inner(n):
    print("inner", n)
    return n + 1


def outer(n):
    m = inner(n)
    return m * 2


def gen():
    yield inner(7)
    yield 2


class Box:
    def fill(self, n):
        if n:
            self.fill(n - 1)
        return inner(n)


outer(1)
list(gen())
Box().fill(2)
thread = threading.Thread(target=outer, args=(50,), name="Worker")
thread.start()
thread.join()
result = outer(3)
raise SystemExit(result)
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recording of `PROGRAM`, ``out``."""
    folder = tmp_path_factory.mktemp("cut")
    write(folder, {"app.py": PROGRAM})
    assert execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=folder).code == 8
    return folder


def cut(recorded: Path, tmp_path: Path, *options: str) -> Backend:
    """Export a part of the recording, and have the backend take it."""
    done = export(recorded / "out", "-o", tmp_path / "json", "--force", *options, cwd=recorded)
    assert (done.code, done.stdout) == (0, f"{tmp_path / 'json'}\n")
    return Backend(elements(tmp_path / "json"))


def told(backend: Backend) -> list[tuple[str, int, str]]:
    """Return the steps with their calls and variables, but those at which a call begins."""
    return [
        (step["call"]["name"], step["line"], json.dumps(values))
        for step, values in zip(backend.steps, backend.values, strict=True)
        if not step["begins"]
    ]


def output(backend: Backend) -> str:
    return "".join(event["content"] for _, event in backend.events if event["kind"] == 0)


@pytest.mark.slow
def test_a_cut_by_steps_has_these_steps_of_each_thread_as_the_whole_has_them(
    recorded: Path, tmp_path: Path
) -> None:
    whole = told(cut(recorded, tmp_path))
    happened = [
        (event.thread.number, event.number)
        for event in codetracer.read(recorded / "out")
        if isinstance(event, StepEvent)
    ]
    in_order = dict(zip(sorted(happened), whole, strict=True))
    last = len(happened) - 1
    assert len({thread for thread, _ in happened}) == 2

    for first, end in ((0, 0), (0, 9), (12, 12), (14, 30), (last - 20, last), (last, last + 9)):
        part = cut(recorded, tmp_path, "--from-step", str(first), "--to-step", str(end))

        assert told(part) == [
            step for (_, number), step in in_order.items() if first <= number <= end
        ]


@pytest.mark.slow
def test_frames_that_began_before_a_cut_are_around_it_and_those_that_go_on_say_so(
    recorded: Path, tmp_path: Path
) -> None:
    line = PROGRAM.splitlines().index('    print("inner", n)') + 1
    number = next(
        event.number
        for event in codetracer.read(recorded / "out")
        if isinstance(event, StepEvent) and event.line == line
    )

    part = cut(recorded, tmp_path, "--from-step", str(number), "--to-step", str(number))

    assert [(call["name"], call["args"], call["result"]) for call in part.calls] == [
        ("<toplevel>", {}, None),
        ("<__main__>", {}, "error <continues after the exported part>"),
        ("outer", {}, "error <continues after the exported part>"),
        ("inner", {}, "error <continues after the exported part>"),
    ]
    assert output(part) == "inner 1\n"


@pytest.mark.slow
def test_an_error_that_ended_the_program_is_not_at_the_end_of_a_cut(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "def f():\n    return 1\nf()\nf.no\n"})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    ends = []
    for options in ([], ["--from-step", "2"], ["--to-step", "2"], ["--function", "f"]):
        cut(tmp_path, tmp_path, *options)
        ends.append(elements(tmp_path / "json")[-2].get("Event", {}).get("content"))

    assert ends == ["uncaught AttributeError", "uncaught AttributeError", None, None]


@pytest.mark.parametrize("name", ["outer", "__main__.outer"])
def test_the_calls_of_a_function_are_exported_with_all_that_they_call(
    recorded: Path, tmp_path: Path, name: str
) -> None:
    part = cut(recorded, tmp_path, "--function", name)

    toplevel = part.calls[0]
    assert [
        (call["name"], call["args"], call["parent"][0]["name"], call["result"])
        for call in part.calls[1:]
    ] == [
        ("outer", {"n": 1}, "<toplevel>", 4),
        ("inner", {"n": 1}, "outer", 2),
        ("outer", {"n": 3}, "<toplevel>", 8),
        ("inner", {"n": 3}, "outer", 4),
        ("<thread Worker>", {}, "<toplevel>", None),
        ("outer", {"n": 50}, "<thread Worker>", 102),
        ("inner", {"n": 50}, "outer", 51),
    ]
    assert toplevel["name"] == "<toplevel>"
    assert {call for call, _, _ in told(part)} == {"outer", "inner"}
    assert output(part) == "inner 1\ninner 3\ninner 50\n"


def test_a_function_that_calls_itself_or_is_a_generator_is_exported_whole(
    recorded: Path, tmp_path: Path
) -> None:
    fill = cut(recorded, tmp_path, "--function", "Box.fill")
    gen = cut(recorded, tmp_path, "--function", "gen")

    assert [call["name"] for call in fill.calls[1:]] == ["Box.fill"] * 3 + ["inner"] * 3
    assert [call["result"] for call in fill.calls[1:]] == [3, 2, 1, 1, 2, 3]
    assert [(call["name"], call["result"]) for call in gen.calls[1:]] == [
        ("gen", 8),
        ("inner", 8),
        ("gen", 2),
        ("gen", None),
    ]


def test_steps_and_a_function_can_be_chosen_together(recorded: Path, tmp_path: Path) -> None:
    line = PROGRAM.splitlines().index("    m = inner(n)") + 1
    first, *_, last = (
        event.number
        for event in codetracer.read(recorded / "out")
        if isinstance(event, StepEvent) and event.line == line
    )

    part = cut(
        *(recorded, tmp_path, "--function", "inner"),
        *("--from-step", str(first + 1), "--to-step", str(last)),
    )

    assert {call["name"] for call in part.calls} == {"<toplevel>", "inner", "<thread Worker>"}
    results = [call["result"] for call in part.calls if call["name"] == "inner"]
    assert results[0] == 2
    assert results[-1] == 51


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--function", "iner"], "has no call of a function iner; did you mean inner?"),
        (["--from-step", "9999"], "there is no step 9999: the log has steps 0 to "),
        (["--function", "gen", "--to-step", "5"], "has no call of a function gen"),
        (["--function", "outer", "--from-step", "LAST"], "no call of outer runs in these steps"),
    ],
)
def test_what_is_not_there_is_not_exported(
    recorded: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    replay = codetracer.read(recorded / "out").replay()
    assert list(replay)
    options = [option.replace("LAST", str(replay.steps - 1)) for option in options]

    done = export("out", "-o", tmp_path / "json", *options, cwd=recorded)

    assert (done.code, done.stdout) == (1, "")
    assert "[ERR_NOT_IN_TRACE]" in done.stderr
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_exception_thrown_into_a_frame_that_goes_on_already_begins_no_second_call(
    tmp_path: Path,
) -> None:
    records = [
        encode.encode_source("app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("g", kind=3),
        encode.encode_call(0, 0, []),
        encode.encode_throw(0, 0, NONE),
        encode.encode_step(1),
        encode.encode_return(0, NONE),
    ]
    logs.write_trace(tmp_path / "out", logs.log(records))

    part = cut(tmp_path, tmp_path)

    assert [call["name"] for call in part.calls] == ["<toplevel>", "g"]
    assert part.calls[1]["result"] is None
